"""A node that came out of a backup: what it still waits for, what is hidden meanwhile, and where its numbers go on.

Being held is not a column but what the journal says last about "hold own" (our own ids, versions, tombstones and serials) and
"hold <place>" (what that peer sent and took back): `restore` begins it, anything later ends it. So it cannot be lifted unseen.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable

import msgspec
import sqlalchemy as sa

from hub.store import counters
from hub.store.journal import RESTORED
from hub.store.revision import HIDDEN, Revision
from hub.store.statement import statement
from hub.store.tables import counters as counter_table
from hub.store.tables import enrolments, idempotency, journal, sessions
from hub.store.tables import revisions as table
from hub.store.tx import Tx
from schemas.times import format_time, parse_time

OWN = "own"
THOUSAND = 1_000
_HOLD = "hold "
_MARK = "restored revisions"
_LOOKED = "restored streams"

_LAST = statement(
    sa.select(journal.c.verb).where(journal.c.object == sa.bindparam("about")).order_by(journal.c.n.desc()).limit(1)
)
_HOLDS = statement(
    sa.select(journal.c.object, journal.c.verb, journal.c.at, journal.c.epoch)
    .where(journal.c.object >= sa.literal_column("'hold '"), journal.c.object < sa.literal_column("'hold!'"))
    .order_by(journal.c.n)
)
_FROM: sa.BindParameter[str] = sa.bindparam("from_whom", type_=sa.Text)
_WHOSE = sa.or_(sa.and_(sa.literal_column("'own'") == _FROM, table.c.own == 1), table.c.peer == _FROM)
_HIDE = statement(sa.update(table).where(table.c.desk_only.is_(None)).values(desk_only=HIDDEN, readable=0))
_SHOW = statement(
    sa.update(table)
    .where(_WHOSE, table.c.desk_only == HIDDEN)
    .values(desk_only=None, readable=sa.cast(sa.and_(table.c.payload.is_not(None), table.c.waiting == 0), sa.Integer))
)
_NAME = statement(sa.update(table).where(table.c.seq == sa.bindparam("which")).values(recipients=sa.bindparam("named")))
_NEWEST = statement(sa.select(sa.func.max(table.c.seq)))
_NAMED = statement(
    sa.select(counter_table.c.name, counter_table.c.value)
    .where(counter_table.c.name >= sa.bindparam("first"), counter_table.c.name < sa.bindparam("end"))
    .order_by(counter_table.c.name)
)
_FORGET = (statement(sa.delete(sessions)), statement(sa.delete(idempotency)))
_CLOSE = statement(sa.update(enrolments).where(enrolments.c.used_at.is_(None)).values(used_at=sa.bindparam("at")))


class Restoration(msgspec.Struct, frozen=True):
    """A restore whose hold is not over: the epoch that it began, when, and what it waits for ("own", places of peers)."""

    epoch: int
    since: dt.datetime
    waits: tuple[str, ...]

    @property
    def held(self) -> bool:
        """Whether nothing is numbered and nothing sent."""
        return OWN in self.waits


def subject(part: str) -> str:
    """What the journal calls one part of the hold."""
    return _HOLD + part


def held(tx: Tx) -> bool:
    """Whether nothing is numbered and nothing sent: our own highest numbers are not known again yet."""
    row = tx.one(_LAST, about=_HOLD + OWN)
    return row is not None and row[0] == RESTORED


def state(tx: Tx) -> Restoration | None:
    """What a restored node still waits for; None when it waits for nothing, or was never restored."""
    last = {row["object"].removeprefix(_HOLD): row for row in tx.all(_HOLDS)}
    waits = {part: row for part, row in last.items() if row["verb"] == RESTORED}
    if not waits:
        return None
    newest = max(waits.values(), key=lambda row: int(row["epoch"]))
    order = sorted(waits, key=lambda part: (part != OWN, part))
    return Restoration(newest["epoch"], parse_time(newest["at"]), tuple(order))


def hide(tx: Tx) -> int:
    """Nobody outside the desk sees any version that is here now; how many."""
    return tx.run(_HIDE)


def show(tx: Tx, part: str) -> int:
    """What was hidden of our own, or of one peer, is read again as it was; how many versions."""
    return tx.run(_SHOW, from_whom=part)


def forget(tx: Tx, now: dt.datetime) -> None:
    """Drop what must not come back: sign-ins, the answers to POSTs, and one-time links, which may have been used since."""
    for stmt in _FORGET:
        tx.run(stmt)
    tx.run(_CLOSE, at=format_time(now))


def numbers(tx: Tx, kind: str) -> dict[str, int]:
    """Every counter of one kind ("product", "serial") and what it stands at."""
    return {row[0]: int(row[1]) for row in tx.all(_NAMED, first=f"{kind} ", end=f"{kind}!")}


def thousand(known: int) -> int:
    """The next thousand above the highest number known."""
    return (known // THOUSAND + 1) * THOUSAND


def outdate(tx: Tx) -> None:
    """Versions of everything that is here now go on a thousand above."""
    row = tx.one(_NEWEST)
    counters.lift(tx, _MARK, int(row[0] or 0) if row else 0)


def next_version(tx: Tx, before: Revision) -> int:
    """The version that follows: a thousand above for what came out of a backup, whose lost versions others may hold."""
    return before.version + (THOUSAND if before.seq <= counters.value(tx, _MARK) else 1)


def name(tx: Tx, seq: int, recipients: Iterable[str]) -> None:
    """The places that a version was named for, as far as its copies tell."""
    tx.run(_NAME, which=seq, named=msgspec.json.encode(sorted(recipients)).decode())


def note_looked(tx: Tx, epoch: int) -> None:
    """The node's own streams were looked at in this epoch, whatever was found."""
    counters.lift(tx, _LOOKED, epoch)


def looked(tx: Tx, epoch: int) -> bool:
    """Whether the node's own streams were looked at in this epoch."""
    return counters.value(tx, _LOOKED) >= epoch
