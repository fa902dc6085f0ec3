"""What failed on its way in, kept with the reason; bounded per peer, so that nobody fills the disk."""

from __future__ import annotations

import datetime as dt
import hashlib
import re

import msgspec
import sqlalchemy as sa
from sqlalchemy.dialects.sqlite import insert

from hub.store.statement import statement
from hub.store.tables import quarantine, revisions
from hub.store.tx import Tx
from schemas.times import format_time, parse_time

ROOM_ITEMS = 1_000  # per peer, kept with their bytes; as many again of those that wait for a `restored`
ROOM_FACTS = 10_000  # per peer, kept in all; what comes after is only counted in the newest row
SUBJECT_BYTES = 512
REASON_CHARS = 1_000
NARROWED = "narrowed"  # the code of a copy that came while its origin had recalled it: it may be restored

_PRODUCT = re.compile(rb'"product_id"\s*:\s*"([A-Z0-9-]{6,60})"')


class Held(msgspec.Struct, frozen=True):
    """One refused copy. `payload` is None when the peer's room was full; `times` counts how often it came."""

    id: int
    peer: str
    subject: str
    hash: bytes
    payload: bytes | None
    key: str
    signature: str
    code: str
    reason: str
    times: int
    first_at: str
    last_at: str


class Told(msgspec.Struct, frozen=True):
    """What may be told of a refused copy: nothing of what it says."""

    code: str
    reason: str
    times: int
    first_at: dt.datetime
    last_at: dt.datetime


_FIELDS = tuple(quarantine.c[name] for name in Held.__struct_fields__)
_new = insert(quarantine)
_KEEP = statement(
    _new.on_conflict_do_update(
        index_elements=["peer", "subject", "hash", "code"],
        set_={"times": quarantine.c.times + 1, "last_at": _new.excluded.last_at},
    ),
    *(name for name in Held.__struct_fields__ if name != "id"),
    "product_id",
)
_waits = quarantine.c.code == NARROWED
_COUNT = statement(
    sa.select(
        sa.func.count(),
        sa.func.count(sa.case((sa.not_(_waits), quarantine.c.payload))),
        sa.func.count(sa.case((_waits, quarantine.c.payload))),
    ).where(quarantine.c.peer == sa.bindparam("peer"))
)
_OF_PRODUCT = (quarantine.c.product_id == sa.bindparam("which"), quarantine.c.payload.is_not(None))
_WAITING = statement(
    sa.select(*_FIELDS)
    .where(*_OF_PRODUCT, _waits, quarantine.c.peer == sa.bindparam("from_peer"))
    .order_by(quarantine.c.id)
)
_FORGET = statement(sa.update(quarantine).where(*_OF_PRODUCT).values(payload=None))
_FORGET_OTHERS = statement(sa.update(quarantine).where(*_OF_PRODUCT, sa.not_(_waits)).values(payload=None))
_DROP_HERE = statement(
    sa.delete(quarantine).where(
        quarantine.c.peer == sa.bindparam("from_peer"),
        _waits,
        sa.select(sa.literal_column("1"))
        .where(
            revisions.c.product_id == quarantine.c.product_id,
            revisions.c.hash == quarantine.c.hash,
            revisions.c.payload.is_not(None),
        )
        .exists(),
    )
)
_DROP = statement(sa.delete(quarantine).where(quarantine.c.id == sa.bindparam("id")))
_OVERFLOW = statement(
    sa.update(quarantine)
    .where(
        quarantine.c.id
        == sa.select(sa.func.max(quarantine.c.id)).where(quarantine.c.peer == sa.bindparam("which")).scalar_subquery()
    )
    .values(times=quarantine.c.times + 1, last_at=sa.bindparam("at"))
)
_NEWEST = statement(
    sa.select(*_FIELDS)
    .where(quarantine.c.id < sa.bindparam("before"))
    .order_by(quarantine.c.id.desc())
    .limit(sa.bindparam("limit", type_=sa.Integer))
)
_TOLD = statement(
    sa.select(*(quarantine.c[name] for name in Told.__struct_fields__))
    .where(quarantine.c.peer == sa.bindparam("from_peer"))
    .order_by(quarantine.c.last_at.desc(), quarantine.c.id.desc())
    .limit(sa.bindparam("limit", type_=sa.Integer))
)
_ONE = statement(sa.select(*_FIELDS).where(quarantine.c.id == sa.bindparam("id")))
_BY_PEER = statement(
    sa.select(quarantine.c.peer, quarantine.c.code, sa.func.sum(quarantine.c.times)).group_by(
        quarantine.c.peer, quarantine.c.code
    )
)


def keep(tx: Tx, now: dt.datetime, peer: str, envelope: tuple[str, bytes, str, str], code: str, reason: str) -> None:
    """Keep a copy (subject, payload, key, signature) that was refused. The same copy refused again is counted."""
    subject, payload, key, signature = envelope
    facts, *whole = tx.all(_COUNT, peer=peer)[0]
    named = _PRODUCT.search(payload)
    at = format_time(now)
    if facts >= ROOM_FACTS:
        tx.run(_OVERFLOW, which=peer, at=at)
        return
    tx.run(
        _KEEP,
        peer=peer,
        subject=subject[:SUBJECT_BYTES],
        hash=hashlib.sha256(payload).digest(),
        payload=payload if whole[code == NARROWED] < ROOM_ITEMS else None,
        key=key[:SUBJECT_BYTES],
        signature=signature[:SUBJECT_BYTES],
        code=code,
        reason=reason[:REASON_CHARS],
        product_id=None if named is None else named[1].decode(),
        times=1,
        first_at=at,
        last_at=at,
    )


def waiting(tx: Tx, peer: str, product_id: str) -> list[Held]:
    """The copies of a product that came from this peer while it was narrowed, oldest first: a `restored` brings them in."""
    return [Held(*row) for row in tx.all(_WAITING, which=product_id, from_peer=peer)]


def drop(tx: Tx, number: int) -> None:
    """It is held no more: it was taken after all."""
    tx.run(_DROP, id=number)


def drop_here(tx: Tx, peer: str) -> None:
    """What waited for a `restored` and is here anyway waits no more."""
    tx.run(_DROP_HERE, from_peer=peer)


def forget(tx: Tx, product_id: str, *, for_good: bool) -> None:
    """The bytes of a product that was taken back go, whoever sent them; that they were refused, and why, stays.

    `for_good`: also those that wait for a `restored`.
    """
    tx.run(_FORGET if for_good else _FORGET_OTHERS, which=product_id)


def items(tx: Tx, *, limit: int = 100, before: int | None = None) -> list[Held]:
    """What is held, newest first, a page."""
    return [Held(*row) for row in tx.all(_NEWEST, before=2**62 if before is None else before, limit=limit)]


def told(tx: Tx, peer: str, limit: int) -> list[Told]:
    """What of this peer was refused, the last to come first."""
    rows = tx.all(_TOLD, from_peer=peer, limit=limit)
    return [Told(code, reason, times, parse_time(first), parse_time(last)) for code, reason, times, first, last in rows]


def item(tx: Tx, number: int) -> Held | None:
    """One held copy."""
    row = tx.one(_ONE, id=number)
    return Held(*row) if row else None


def counts(tx: Tx) -> dict[str, dict[str, int]]:
    """How often what was refused, by peer and code."""
    found: dict[str, dict[str, int]] = {}
    for peer, code, times in tx.all(_BY_PEER):
        found.setdefault(peer, {})[code] = times
    return found
