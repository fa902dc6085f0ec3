"""The index file: contentless FTS5, beside it the old words (they are needed to take a version out again) and how far it is.

SQLite before 3.43 deletes from a contentless table only with the words that went in. A deleted word stays in the older
segments until they are merged, so what was erased is scrubbed: all segments become one, and the log is emptied.
"""

from __future__ import annotations

import os
import sqlite3
import zlib
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Self

import msgspec

from hub.store.connection import connect
from hub.store.search_words import Words
from hub.store.writer import Checkpoints

LAYOUT = 1  # raised when the words of a bulletin or these tables change: an index of another layout is made again
_STEP = 256  # pages merged between two looks at what else there is to do
_NO_WORK = 2  # fewer changes than this: the merge had nothing to do (sqlite.org/fts5.html, "merge")
MAKE = (
    "CREATE VIRTUAL TABLE words USING fts5(headline, text, marks, content='', tokenize='unicode61 remove_diacritics 2')",
    "CREATE TABLE versions (seq INTEGER PRIMARY KEY, product_id TEXT NOT NULL, words BLOB NOT NULL) STRICT",
    "CREATE INDEX ix_versions_product ON versions (product_id)",
    "CREATE TABLE state (id INTEGER PRIMARY KEY, n INTEGER NOT NULL, hash BLOB NOT NULL, scrub INTEGER NOT NULL) STRICT",
    "INSERT INTO state VALUES (1, 0, x'', 0)",
    f"PRAGMA user_version = {LAYOUT}",
)
_HELD = "SELECT seq, words FROM versions WHERE product_id = ?"
_ADD = "INSERT INTO words (rowid, headline, text, marks) VALUES (?, ?, ?, ?)"
_KEEP = "INSERT OR REPLACE INTO versions (seq, product_id, words) VALUES (?, ?, ?)"
_TAKE_OUT = "INSERT INTO words (words, rowid, headline, text, marks) VALUES ('delete', ?, ?, ?, ?)"
_EMPTY = "UPDATE versions SET words = x'' WHERE seq = ?"
_FORGET = "DELETE FROM versions WHERE seq = ?"
_MERGE = "INSERT INTO words (words, rank) VALUES ('merge', ?)"
_encode = msgspec.msgpack.encode
_decode = msgspec.msgpack.Decoder(Words).decode


class Mark(msgspec.Struct, frozen=True):
    """How far the index is: the last journal entry that it has seen. `scrub` counts the changes whose erased words still lie there."""

    n: int
    hash: bytes
    scrub: int


class Product(msgspec.Struct, frozen=True):
    """What the index is to hold of one product: versions by seq. `erased` are those whose bytes are gone from the node."""

    product_id: str
    versions: dict[int, Words]
    erased: frozenset[int]


class Index:
    """The index file in the hands of its one writing thread. sqlite3.Error and StoreError come through as they are."""

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._checkpoints = Checkpoints(connection, path)

    @classmethod
    def open(cls, path: Path) -> Self:
        """Open the file; a missing one, and one of another layout, is made new."""
        if path.exists():
            connection = _connected(path)
            if connection.execute("PRAGMA user_version").fetchone()[0] == LAYOUT:
                return cls(path, connection)
            connection.close()
            remove(path)
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
        made = cls(path, _connected(path))
        made._transact(*MAKE)
        return made

    def _transact(self, *statements: str) -> None:
        self._connection.execute("BEGIN IMMEDIATE")
        with self._connection:
            for each in statements:
                self._connection.execute(each)

    def mark(self) -> Mark:
        """How far it is."""
        return Mark(*self._connection.execute("SELECT n, hash, scrub FROM state").fetchone())

    def apply(self, products: Iterable[Product], n: int, digest: bytes) -> None:
        """Bring these products to what they are to be, and move the mark, in one transaction."""
        self._connection.execute("BEGIN IMMEDIATE")
        with self._connection:
            erased = [self._bring(product) for product in products]
            self._connection.execute("UPDATE state SET n = ?, hash = ?, scrub = scrub + ?", (n, digest, any(erased)))
        self._checkpoints.after_commit()

    def _bring(self, product: Product) -> bool:
        """Whether words were taken out that have to go from the file as well."""
        held = dict(self._connection.execute(_HELD, (product.product_id,)).fetchall())
        for seq in held.keys() - product.versions.keys():
            self._take_out(seq, held[seq])
        for seq, new in product.versions.items():
            if not held.get(seq):
                self._connection.execute(_ADD, (seq, new.headline, new.text, new.marks))
                self._connection.execute(_KEEP, (seq, product.product_id, zlib.compress(_encode(new), 1)))
        erased = held.keys() & product.erased
        self._connection.executemany(_FORGET, [(seq,) for seq in erased])
        return bool(erased)

    def _take_out(self, seq: int, held: bytes) -> None:
        """It is found no more. Its words lie in the older segments still, and the empty row says so until they are scrubbed."""
        if held:
            old = _decode(zlib.decompress(held))
            self._connection.execute(_TAKE_OUT, (seq, old.headline, old.text, old.marks))
            self._connection.execute(_EMPTY, (seq,))

    def merge(self, *, begin: bool) -> bool:
        """One step of making all segments one; whether there was nothing left to do."""
        self._connection.execute("BEGIN IMMEDIATE")
        with self._connection:
            before = self._connection.total_changes
            self._connection.execute(_MERGE, (-_STEP if begin else _STEP,))
            idle = self._connection.total_changes - before < _NO_WORK
        self._checkpoints.after_commit()
        return idle

    def scrubbed(self, changes: int) -> bool:
        """Empty the log, after the last merge, and count so many changes as scrubbed; False while a reader looks at the log."""
        busy, *_ = self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        if not busy:
            self._connection.execute("UPDATE state SET scrub = scrub - ?", (changes,))
        return not busy

    def close(self) -> None:
        """Close the file."""
        self._connection.close()


def remove(path: Path) -> None:
    """The index goes, with its log; it is made again from the journal."""
    for end in ("", "-wal", "-shm"):
        with suppress(FileNotFoundError):
            path.with_name(path.name + end).unlink()


def _connected(path: Path) -> sqlite3.Connection:
    """What is lost in a power cut is indexed again, so a commit need not wait for the disk."""
    connection = connect(path, query_only=False)
    connection.execute("PRAGMA synchronous=NORMAL")
    return connection
