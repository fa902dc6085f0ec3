"""What can be put right in a database file that was damaged, and what only a backup brings back.

An index can be made again from its table. A row cannot: what is wrong with one is found and named, never made up.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterable
from pathlib import Path

import msgspec
import sqlalchemy as sa

from hub.errors import StoreError
from hub.store.connection import connect, store_error
from hub.store.journal import Problem
from hub.store.outbox import StreamState
from hub.store.statement import statement
from hub.store.tables import outbox, revisions, tombstones
from hub.store.tx import Tx
from schemas.envelope import payload_hash
from schemas.vocabulary import Mode

PAGE = 500
_MOST = 100
# What SQLite's integrity_check says of an index that no longer fits its table (src/pragma.c).
_OF_AN_INDEX = (" missing from index ", "wrong # of entries in index ", "non-unique entry in index ")

_PROVED = frozenset({"journal", "outbox", "revisions", "tombstones"})


class Lying(msgspec.Struct, frozen=True):
    """One message that the record says lies in the stream, at `sequence`."""

    id: int
    subject: str
    payload: bytes
    sequence: int


_payload = sa.func.coalesce(revisions.c.payload, tombstones.c.payload)
_LYING = statement(
    sa.select(outbox.c.id, outbox.c.subject, _payload.label("payload"), outbox.c.sequence)
    .select_from(
        outbox.outerjoin(revisions, revisions.c.seq == outbox.c.revision).outerjoin(
            tombstones, tombstones.c.id == outbox.c.tombstone
        )
    )
    .where(
        outbox.c.id > sa.bindparam("after"),
        outbox.c.mode == sa.bindparam("in_mode"),
        outbox.c.state == "sent",
        outbox.c.epoch == sa.bindparam("in_epoch", type_=sa.Integer),
        _payload.is_not(None),
    )
    .order_by(outbox.c.id)
    .limit(sa.bindparam("limit", type_=sa.Integer))
)
_KNOWN = statement(
    sa.select(outbox.c.id)
    .where(outbox.c.subject == sa.bindparam("which"), outbox.c.hash == sa.bindparam("digest"))
    .limit(1)
)


def file_problems(path: Path) -> list[Problem]:
    """What SQLite itself finds wrong with the file, [] when nothing. A file that cannot be opened is a problem, too."""
    if not path.is_file():
        raise StoreError(f"There is no database at {path}: bring a backup back with hub restore.", code="no-database")
    try:
        with contextlib.closing(connect(path, query_only=True)) as opened:
            said = [str(row[0]) for row in opened.execute(f"PRAGMA integrity_check({_MOST})")]
    except sqlite3.Error as error:
        return [Problem("database", "file", store_error(error).message)]
    except StoreError as error:
        return [Problem("database", "file", error.message)]
    return [Problem("database", "index" if _blames_index(line) else "file", line) for line in said if line != "ok"]


def _blames_index(line: str) -> bool:
    return any(words in line for words in _OF_AN_INDEX)


def make_index_again(path: Path, problems: Iterable[Problem]) -> bool:
    """Make an index again from its table; whether it was done. StoreError when the file cannot be written.

    Only when one index alone is blamed, and of a table whose rows are proved by the journal and the signed bytes: where
    table and index disagree either may be the damaged one, and an index made from a damaged row would hide the damage.
    """
    found = tuple(problems)
    names = {problem.message.rpartition(" ")[2] for problem in found}
    if {problem.code for problem in found} != {"index"} or len(names) != 1:
        return False
    try:
        with contextlib.closing(connect(path, query_only=False)) as opened:
            row = opened.execute("SELECT tbl_name FROM sqlite_master WHERE name = ?", tuple(names)).fetchone()
            if row is None or row[0] not in _PROVED:
                return False
            opened.execute(f'REINDEX "{names.pop()}"')
            opened.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    except sqlite3.Error as error:
        raise store_error(error) from error
    return True


def lying(tx: Tx, mode: Mode, state: StreamState, after: int) -> list[Lying]:
    """What this life of the mode's stream holds as the record has it, a page in the order of ids."""
    rows = tx.all(_LYING, after=after, in_mode=mode.value, in_epoch=state.epoch, limit=PAGE)
    return [Lying(*row) for row in rows]


def is_ours(tx: Tx, subject: str, payload: bytes) -> bool:
    """Whether the record knows this message at all, whatever became of it."""
    return tx.one(_KNOWN, which=subject, digest=payload_hash(payload)) is not None
