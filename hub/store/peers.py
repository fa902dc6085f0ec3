"""Peers: who they are (their register entry) and what they may have of us (our agreement with them)."""

from __future__ import annotations

import datetime as dt
import functools
import sqlite3
from typing import Literal

import msgspec
import sqlalchemy as sa
from sqlalchemy.dialects.sqlite import insert

from hub.rules.agreement import Agreement, of_file
from hub.store.statement import statement
from hub.store.tables import lanes, peers, usage
from hub.store.tx import Tx
from schemas.register import (
    AgreementFile,
    RegisterEntry,
    decode_agreement,
    decode_entry,
    encode_agreement,
    encode_entry,
)
from schemas.times import format_time, parse_time
from schemas.vocabulary import Lane

State = Literal["active", "revoked"]


class Peer(msgspec.Struct, frozen=True, kw_only=True):
    """One peer. A revoked one keeps its row and its recall subject until every receipt is in (DESIGN section 5)."""

    place: str
    state: State
    entry: RegisterEntry
    file: AgreementFile | None
    accepted_at: dt.datetime
    accepted_by: str
    updated_at: dt.datetime

    @property
    def agreement(self) -> Agreement | None:
        """The agreement as the rules see it; None when there is none or the peer was revoked."""
        return None if self.file is None or self.state != "active" else of_file(self.file)


class Used(msgspec.Struct, frozen=True):
    """What a peer sent: messages on this day, bytes kept of it in all."""

    messages: int
    bytes: int


_COLUMNS = (
    peers.c.place,
    peers.c.state,
    peers.c.entry,
    peers.c.agreement,
    peers.c.accepted_at,
    peers.c.accepted_by,
    peers.c.updated_at,
)
_new = insert(peers)
_SAVE = statement(
    _new.on_conflict_do_update(
        index_elements=["place"],
        set_={name: _new.excluded[name] for name in ("state", "serial", "entry", "agreement", "updated_at")},
    ),
    *("place", "state", "serial", "entry", "agreement", "accepted_at", "accepted_by", "updated_at"),
)
_ONE = statement(sa.select(*_COLUMNS).where(peers.c.place == sa.bindparam("place")))
_ALL = statement(sa.select(*_COLUMNS).order_by(peers.c.place))
_AGREED = statement(
    sa.select(peers.c.place, peers.c.agreement).where(peers.c.state == "active").order_by(peers.c.place)
)
_RECONCILED = statement(
    sa.update(peers).where(peers.c.place == sa.bindparam("which")).values(reconciled=sa.bindparam("with_what"))
)
_RECONCILED_OF = statement(sa.select(peers.c.place, peers.c.reconciled))
_lane = insert(lanes)
_HOLD = statement(
    _lane.on_conflict_do_update(
        index_elements=["peer", "lane"],
        set_={"held": _lane.excluded.held, "changed_at": _lane.excluded.changed_at},
        where=lanes.c.held != _lane.excluded.held,
    )
)
_HELD = statement(sa.select(lanes.c.lane).where(lanes.c.peer == sa.bindparam("peer"), lanes.c.held == 1))
_used = insert(usage)
_USE = statement(
    _used.on_conflict_do_update(
        index_elements=["peer", "day"],
        set_={
            "messages": usage.c.messages + _used.excluded.messages,
            "bytes": usage.c.bytes + _used.excluded.bytes,
        },
    )
)
_USED = statement(
    sa.select(
        sa.func.coalesce(sa.func.sum(sa.case((usage.c.day == sa.bindparam("day"), usage.c.messages), else_=0)), 0),
        sa.func.coalesce(sa.func.sum(usage.c.bytes), 0),
    ).where(usage.c.peer == sa.bindparam("peer"))
)


def save(tx: Tx, peer: Peer) -> None:
    """Save a peer, new or changed; when and by whom it was accepted never changes."""
    tx.run(
        _SAVE,
        place=peer.place,
        state=peer.state,
        serial=peer.entry.serial,
        entry=encode_entry(peer.entry),
        agreement=None if peer.file is None else encode_agreement(peer.file),
        accepted_at=format_time(peer.accepted_at),
        accepted_by=peer.accepted_by,
        updated_at=format_time(peer.updated_at),
    )


def peer(tx: Tx, place: str) -> Peer | None:
    """One peer, revoked or not."""
    row = tx.one(_ONE, place=place)
    return _peer(row) if row else None


def everybody(tx: Tx) -> list[Peer]:
    """Every peer, revoked ones too, by place."""
    return [_peer(row) for row in tx.all(_ALL)]


def agreements(tx: Tx) -> dict[str, Agreement | None]:
    """What each active peer may have, as the rules see it; None where nothing is agreed."""
    return {row[0]: None if row[1] is None else _agreement(row[1]) for row in tx.all(_AGREED)}


def mark_reconciled(tx: Tx, place: str, with_what: str) -> None:
    """Remember against what the holders were last compared."""
    tx.run(_RECONCILED, which=place, with_what=with_what)


def reconciled(tx: Tx) -> dict[str, str | None]:
    """Against what each peer's holdings were last compared."""
    return {row[0]: row[1] for row in tx.all(_RECONCILED_OF)}


def hold_lane(tx: Tx, now: dt.datetime, place: str, lane: Lane, *, held: bool) -> None:
    """A peer's lane catches up (held), or has caught up."""
    tx.run(_HOLD, peer=place, lane=lane.value, held=int(held), changed_at=format_time(now))


def held_lanes(tx: Tx, place: str) -> frozenset[Lane]:
    """The lanes of a peer that are catching up."""
    return frozenset(Lane(row[0]) for row in tx.all(_HELD, peer=place))


def use(tx: Tx, now: dt.datetime, place: str, messages: int, size: int) -> None:
    """Count what a peer sent."""
    tx.run(_USE, peer=place, day=_day(now), messages=messages, bytes=size)


def used(tx: Tx, now: dt.datetime, place: str) -> Used:
    """What a peer sent today, and in all."""
    row = tx.all(_USED, peer=place, day=_day(now))[0]
    return Used(int(row[0]), int(row[1]))


@functools.lru_cache(maxsize=256)
def _agreement(payload: bytes) -> Agreement:
    return of_file(decode_agreement(payload))


@functools.lru_cache(maxsize=256)
def _entry(payload: bytes) -> RegisterEntry:
    return decode_entry(payload)


def _day(now: dt.datetime) -> str:
    return format_time(now)[:10]


def _peer(row: sqlite3.Row) -> Peer:
    file = row["agreement"]
    return Peer(
        place=row["place"],
        state=row["state"],
        entry=_entry(row["entry"]),
        file=None if file is None else decode_agreement(file),
        accepted_at=parse_time(row["accepted_at"]),
        accepted_by=row["accepted_by"],
        updated_at=parse_time(row["updated_at"]),
    )
