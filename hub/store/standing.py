"""How the stored versions of a product stand: which one is shown, what was withdrawn, expired or erased."""

from __future__ import annotations

import datetime as dt
import sqlite3
from collections.abc import Iterable

import msgspec
import sqlalchemy as sa

from hub.rules.lifecycle import Stage
from hub.rules.release import GRACE
from hub.store.revision import Revision, to_row
from hub.store.revisions import add_terms
from hub.store.statement import each_of, statement
from hub.store.tables import revisions as table
from hub.store.tables import terms as term_table
from hub.store.tables import tombstones
from hub.store.tx import Tx
from schemas.times import format_time, parse_time
from schemas.vocabulary import Lane, Mode, Reason, TombstoneKind

_THIS = table.c.product_id == sa.bindparam("product")
_SEQ = table.c.seq == sa.bindparam("which")
_NEXT_POSITION = sa.select(sa.func.coalesce(sa.func.max(table.c.position), 0) + 1).scalar_subquery()
_FACTS = statement(
    sa.select(
        table.c.seq,
        table.c.version,
        table.c.hash,
        table.c.copies,
        table.c.payload.is_(None).label("erased"),
        table.c.waiting,
        table.c.current,
        table.c.stage,
        table.c.taken,
        table.c.expires,
    )
    .where(_THIS)
    .order_by(table.c.version)
)
_MODES = msgspec.json.encode(sorted(each.value for each in Mode)).decode()
_HEARD_OF = statement(
    sa.union(
        sa.select(table.c.product_id).where(table.c.product_id.in_(each_of("ids"))),
        sa.select(tombstones.c.product_id).where(
            tombstones.c.mode.in_(each_of("modes")),
            tombstones.c.origin.in_(each_of("origins")),
            tombstones.c.product_id.in_(each_of("ids")),
        ),
    )
)
_OUTDATE = statement(sa.update(table).where(_THIS, table.c.current == 1).values(current=0))
_WITHDRAW = statement(
    sa.update(table)
    .where(_THIS)
    .values(
        stage="withdrawn",
        taken=sa.bindparam("new_taken"),
        reason=sa.bindparam("new_reason"),
        replaced_by=sa.bindparam("new_replaced_by"),
        updated_at=sa.bindparam("at"),
    )
)
_RAISE = statement(sa.update(table).where(_THIS, table.c.current == 1).values(position=_NEXT_POSITION))
_MARK = statement(
    sa.update(table)
    .where(_SEQ)
    .values(
        stage=sa.bindparam("new_stage"),
        current=sa.bindparam("new_current"),
        taken=sa.bindparam("new_taken"),
        updated_at=sa.bindparam("at"),
    )
)
_ERASE = statement(sa.update(table).where(_SEQ).values(payload=None, readable=0, copies="[]"))
_DROP_TERMS = statement(sa.delete(term_table).where(term_table.c.seq == sa.bindparam("which")))
_FILLED = ("payload", "copies", "readable", "waiting", "subject", "key", "signature", "peer")
_FILL = statement(sa.update(table).where(_SEQ).values({name: sa.bindparam(f"new_{name}") for name in _FILLED}))
_COPIES = statement(sa.update(table).where(_SEQ).values(copies=sa.bindparam("new_copies")))
_EXPIRE = statement(
    sa.update(table).where(_SEQ, table.c.stage == "released").values(stage="expired", updated_at=sa.bindparam("at"))
)
_WAITS = (
    table.c.peer == sa.bindparam("from_peer"),
    table.c.lane == sa.bindparam("in_lane"),
    table.c.waiting == sa.literal_column("1"),
)
_WAITING = statement(sa.select(table.c.product_id).distinct().where(*_WAITS))
_other = table.alias("other")
# Only one version of the product, no tombstone, not over: nothing has to be looked at before it is shown.
_SHOW_ALONE = statement(
    sa.update(table)
    .where(
        *_WAITS,
        table.c.payload.is_not(None),
        table.c.stage == "released",
        table.c.taken.is_(None),
        table.c.expires > sa.bindparam("alive_at"),
        ~sa.exists().where(_other.c.product_id == table.c.product_id, _other.c.version != table.c.version),
        ~sa.exists().where(
            tombstones.c.mode == table.c.mode,
            tombstones.c.origin == table.c.origin,
            tombstones.c.product_id == table.c.product_id,
        ),
    )
    .values(waiting=0, readable=1, current=1, updated_at=sa.bindparam("at"))
)
_SHOW = statement(
    sa.update(table).where(*_WAITS).values(waiting=0, readable=sa.cast(table.c.payload.is_not(None), sa.Integer))
)


class Facts(msgspec.Struct, frozen=True):
    """What decides about a version that is here, without its bytes: H, the audience tokens it came on, how it is marked."""

    seq: int
    version: int
    hash: bytes
    copies: frozenset[str]
    erased: bool
    waiting: bool
    current: bool
    stage: Stage
    taken: TombstoneKind | None
    expires: dt.datetime


def facts(tx: Tx, product_id: str) -> list[Facts]:
    """What is here of a product, the oldest version first."""
    return [_facts(row) for row in tx.all(_FACTS, product=product_id)]


def heard_of(tx: Tx, origins: Iterable[str], product_ids: Iterable[str]) -> frozenset[str]:
    """Those of these origins' products of which a version or a tombstone is here."""
    return frozenset(row[0] for row in tx.all(_HEARD_OF, modes=_MODES, origins=_json(origins), ids=_json(product_ids)))


def outdate(tx: Tx, product_id: str) -> None:
    """No version is shown any more: a newer one is about to be added as the one that is."""
    tx.run(_OUTDATE, product=product_id)


def withdraw(
    tx: Tx,
    now: dt.datetime,
    product_id: str,
    kind: TombstoneKind,
    reason: Reason,
    replaced_by: str | None = None,
) -> int:
    """Every version is withdrawn, for good; the one that is shown comes up again in the lists. How many versions changed."""
    changed = tx.run(
        _WITHDRAW,
        product=product_id,
        new_taken=kind.value,
        new_reason=reason.value,
        new_replaced_by=replaced_by,
        at=format_time(now),
    )
    tx.run(_RAISE, product=product_id)
    return changed


def mark(tx: Tx, now: dt.datetime, seq: int, stage: Stage, taken: TombstoneKind | None, *, current: bool) -> None:
    """Set how one version stands, and whether it is the one that is shown."""
    tx.run(
        _MARK,
        which=seq,
        new_stage=stage.value,
        new_current=int(current),
        new_taken=None if taken is None else taken.value,
        at=format_time(now),
    )


def erase(tx: Tx, seq: int) -> None:
    """The bytes of a version go, and what lists narrow it by; (id, version, H) stay."""
    tx.run(_ERASE, which=seq)
    tx.run(_DROP_TERMS, which=seq)


def fill(tx: Tx, seq: int, revision: Revision, terms: Iterable[str]) -> None:
    """The bytes of an erased version came again."""
    row = to_row(revision)
    tx.run(_FILL, which=seq, **{f"new_{name}": row[name] for name in _FILLED})
    add_terms(tx, seq, terms)


def set_copies(tx: Tx, seq: int, copies: Iterable[str]) -> None:
    """The audience tokens on which a version came."""
    tx.run(_COPIES, which=seq, new_copies=_json(copies))


def expire(tx: Tx, now: dt.datetime, seq: int) -> bool:
    """A version has expired; False when it is no more in force anyway."""
    return tx.run(_EXPIRE, which=seq, at=format_time(now)) == 1


def show_waiting(tx: Tx, now: dt.datetime, peer: str, lane: Lane) -> tuple[int, list[str]]:
    """What waited for this lane is readable now: how many products that is all of, and those that must be settled again."""
    of_lane = {"from_peer": peer, "in_lane": lane.value}
    alone = tx.run(_SHOW_ALONE, **of_lane, alive_at=format_time(now - GRACE), at=format_time(now))
    found = [row[0] for row in tx.all(_WAITING, **of_lane)]
    if found:
        tx.run(_SHOW, **of_lane)
    return alone, found


def _json(words: Iterable[str]) -> str:
    return msgspec.json.encode(sorted(words)).decode()


def _facts(row: sqlite3.Row) -> Facts:
    taken = row["taken"]
    return Facts(
        seq=row["seq"],
        version=row["version"],
        hash=row["hash"],
        copies=frozenset(msgspec.json.decode(row["copies"])),
        erased=bool(row["erased"]),
        waiting=bool(row["waiting"]),
        current=bool(row["current"]),
        stage=Stage(row["stage"]),
        taken=None if taken is None else TombstoneKind(taken),
        expires=parse_time(row["expires"]),
    )
