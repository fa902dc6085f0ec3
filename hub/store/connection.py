"""A connection as this store wants it, and what SQLite's errors mean for it."""

from __future__ import annotations

import sqlite3
import time
from pathlib import Path

from hub.errors import ReadOnly, StoreError

BUSY_MS = 5_000
CACHE_KIB = 4_096  # a connection; the system's own cache holds the file as well
STATEMENTS = 512  # prepared statements kept; there are some two hundred
STEPS = 20_000  # SQLite's own instructions between two looks at the clock: about a millisecond

_FSYNC = frozenset({sqlite3.SQLITE_IOERR_FSYNC, sqlite3.SQLITE_IOERR_DIR_FSYNC})
_BROKEN = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})
_WORDS = {
    sqlite3.SQLITE_FULL: ("disk-full", "The disk is full"),
    sqlite3.SQLITE_IOERR: ("io-error", "The disk failed"),
    sqlite3.SQLITE_BUSY: ("busy", "The database is locked by another process"),
    sqlite3.SQLITE_INTERRUPT: ("too-slow", "It took too long and was stopped"),
    sqlite3.SQLITE_CORRUPT: ("corrupt", "The database file is damaged"),
    sqlite3.SQLITE_NOTADB: ("corrupt", "The file is no database"),
    sqlite3.SQLITE_READONLY: ("file-read-only", "The database file cannot be written"),
    sqlite3.SQLITE_CANTOPEN: ("cannot-open", "The database file cannot be opened"),
    sqlite3.SQLITE_CONSTRAINT: ("constraint", "The database refused the row"),
}


class Clock:
    """Ends SQL that runs past its time. Seconds; asked by SQLite itself, every `STEPS` of its instructions."""

    def __init__(self, connection: sqlite3.Connection, seconds: float) -> None:
        self._seconds = seconds
        self._deadline = float("inf")
        connection.set_progress_handler(self._late, STEPS)

    def start(self) -> None:
        """A verb or a query begins."""
        self._deadline = time.monotonic() + self._seconds

    def stop(self) -> None:
        """It is over; what comes now (COMMIT) may take its time."""
        self._deadline = float("inf")

    def _late(self) -> bool:
        return time.monotonic() > self._deadline


def connect(path: Path, *, query_only: bool) -> sqlite3.Connection:
    """A connection that commits when told and not before; StoreError when the file cannot be used.

    Python 3.11's sqlite3 commits at the first RELEASE unless `isolation_level` is None and BEGIN is sent by us.
    """
    try:
        connection = sqlite3.connect(
            f"{path.absolute().as_uri()}?mode=rw",
            uri=True,
            timeout=BUSY_MS / 1000,
            isolation_level=None,
            check_same_thread=False,  # opened where the error can be told, used by one thread only
            cached_statements=STATEMENTS,
        )
    except sqlite3.Error as exc:
        raise store_error(exc) from exc
    try:
        _prepare(connection, query_only=query_only)
    except sqlite3.Error as exc:
        connection.close()
        raise store_error(exc) from exc
    return connection


def _prepare(connection: sqlite3.Connection, *, query_only: bool) -> None:
    connection.row_factory = sqlite3.Row
    if connection.execute("PRAGMA journal_mode=WAL").fetchone()[0] != "wal":
        connection.close()
        raise StoreError("The database cannot use a write-ahead log here; is it on a network drive?", code="no-wal")
    for pragma in (
        "synchronous=FULL",
        "foreign_keys=ON",
        "secure_delete=ON",  # what was purged is not to be found in the file
        "temp_store=MEMORY",
        "wal_autocheckpoint=0",  # SQLite hides a failed automatic checkpoint; the writer makes its own
        "journal_size_limit=67108864",
        f"cache_size=-{CACHE_KIB}",
        f"query_only={'ON' if query_only else 'OFF'}",
    ):
        connection.execute(f"PRAGMA {pragma}")


def primary(exc: sqlite3.Error) -> int:
    """SQLite's primary result code (sqlite.org/rescode.html); 0 when Python itself raised the error."""
    return (getattr(exc, "sqlite_errorcode", 0) or 0) & 0xFF


def store_error(exc: sqlite3.Error) -> StoreError:
    """What happened, in words for the person who waits."""
    code, words = _WORDS.get(primary(exc), ("database", "The database failed"))
    name = getattr(exc, "sqlite_errorname", None)
    return StoreError(f"{words} ({name}: {exc})." if name else f"{words} ({exc}).", code=code)


def ends_writing(exc: sqlite3.Error, *, committing: bool = False) -> bool:
    """Whether nothing may be written any more: after a failed fsync, an I/O error while committing, or damage.

    After a failed fsync the kernel has forgotten which pages never reached the disk, so that a second try which
    succeeds proves nothing. A full disk is none of these: SQLite rolled back, and space may come again.
    """
    code = getattr(exc, "sqlite_errorcode", 0)
    if code in _FSYNC or primary(exc) in _BROKEN:
        return True
    return committing and primary(exc) == sqlite3.SQLITE_IOERR and code != sqlite3.SQLITE_IOERR_NOMEM


def read_only(reason: str) -> ReadOnly:
    """What every verb is told from then on."""
    return ReadOnly(
        f"{reason} Nothing is written until the node is restarted, and the restart shows whether the last changes"
        " were stored: look at the disk first.",
        code="read-only",
    )
