"""A copy of a database file of one moment, made beside a running node, and proved before it counts (SQLite's backup API)."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Callable
from pathlib import Path

import msgspec

from hub.errors import StoreError
from hub.store import chain
from hub.store.connection import connect, store_error
from hub.store.schema import revision
from hub.store.tx import Tx

PAGES = 2_000  # at a time: about eight megabytes between two words of progress
Progress = Callable[[int, int], None]


def _unheard(_: int, __: int) -> None:
    """Nobody is told."""


class Copied(msgspec.Struct, frozen=True):
    """What a copy holds: its schema, and the journal's last entry (epoch, sequence, how many entries, hash in hex)."""

    schema: str
    epoch: int
    sequence: int
    entries: int
    head: str


def copy(source: Path, target: Path, progress: Progress = _unheard) -> Copied:
    """Copy the database to the new file `target` (mode 0600) and look at what was written.

    One read transaction holds the moment, so that a node that writes meanwhile neither waits nor makes it begin again.
    `progress` is told pages done and pages in all. StoreError: there is no such database, the copy cannot be written, or
    it is not what was read.
    """
    if not source.is_file():
        raise StoreError(f"There is no database at {source}.", code="no-database")
    found = revision(source)
    if found is None:
        raise StoreError(f"{source} holds no schema of this program.", code="no-database")
    _make(target)
    try:
        read = _copied(source, target, found, progress)
    except sqlite3.Error as error:
        raise store_error(error) from error
    written = look(target)
    if written != read:
        raise StoreError(f"{target} is not what was read: the copy failed. Look at the disk.", code="copy")
    return read


def look(path: Path) -> Copied:
    """Prove a copy: SQLite's integrity check over all of it, and its journal's head. It is opened for reading alone.

    StoreError: it cannot be read, or is damaged.
    """
    try:
        with contextlib.closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro&immutable=1", uri=True)) as opened:
            opened.row_factory = sqlite3.Row
            said = [str(row[0]) for row in opened.execute("PRAGMA integrity_check(5)")]
            if said != ["ok"]:
                raise StoreError(f"{path} is damaged: {'; '.join(said)[:300]}", code="corrupt")
            (schema,) = opened.execute("SELECT version_num FROM alembic_version").fetchone()
            return _said(opened, schema)
    except sqlite3.Error as error:
        raise store_error(error) from error


def _make(target: Path) -> None:
    try:
        os.close(os.open(target, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    except OSError as error:
        raise StoreError(f"{target} cannot be made: {error.strerror}.", code="cannot-open") from error


def _copied(source: Path, target: Path, schema: str, progress: Progress) -> Copied:
    def told(_: int, left: int, pages: int) -> None:
        progress(pages - left, pages)

    with (
        contextlib.closing(connect(source, query_only=True)) as reading,
        contextlib.closing(sqlite3.connect(target, isolation_level=None)) as writing,
    ):
        reading.execute("BEGIN DEFERRED")
        read = _said(reading, schema)
        reading.backup(writing, pages=PAGES, progress=told, sleep=0)
        reading.execute("ROLLBACK")
        writing.execute("PRAGMA journal_mode=DELETE")  # one file that stands alone; a node that opens it logs again
    return read


def _said(opened: sqlite3.Connection, schema: str) -> Copied:
    last = chain.head(Tx(opened))
    if last is None:
        return Copied(schema, 0, 0, 0, "")
    return Copied(schema, last.epoch, last.sequence, last.n, last.hash.hex())
