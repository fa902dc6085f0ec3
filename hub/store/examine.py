"""A look at a database file that changes nothing: opened read-only, ended after a time."""

from __future__ import annotations

import contextlib
import sqlite3
from pathlib import Path

import msgspec

from hub.store.connection import Clock

_SECONDS = 30.0
_MOST = 5


class Examined(msgspec.Struct, frozen=True):
    """`revision` of its schema (None: not one of ours), what SQLite finds wrong, whether it was looked at to the end."""

    revision: str | None
    problems: tuple[str, ...]
    whole: bool


def examine(path: Path, *, seconds: float = _SECONDS) -> Examined:
    """Read the revision and run SQLite's quick_check for at most `seconds`. A file that cannot be opened is a problem."""
    try:
        with contextlib.closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=5)) as opened:
            revision = _revision(opened)
            clock = Clock(opened, seconds)
            clock.start()
            return _quick(opened, revision)
    except sqlite3.Error as error:
        return Examined(None, (str(error),), whole=False)


def _revision(opened: sqlite3.Connection) -> str | None:
    try:
        row = opened.execute("SELECT version_num FROM alembic_version").fetchone()
    except sqlite3.OperationalError as error:
        if "no such table" in str(error):
            return None
        raise
    return None if row is None else str(row[0])


def _quick(opened: sqlite3.Connection, revision: str | None) -> Examined:
    try:
        said = [str(row[0]) for row in opened.execute(f"PRAGMA quick_check({_MOST})")]
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode == sqlite3.SQLITE_INTERRUPT:
            return Examined(revision, (), whole=False)
        raise
    return Examined(revision, () if said == ["ok"] else tuple(said), whole=True)
