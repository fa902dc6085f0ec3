"""What time itself does: bulletins expire, agreements begin and end, the journal's head is signed (house law 2)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

import msgspec

from hub.desk.enqueue import retire
from hub.desk.office import Office
from hub.desk.peers import lapse
from hub.desk.withdraw import expire
from hub.store import idempotency, journal
from hub.store.journal import Head
from hub.store.tx import Tx
from schemas.envelope import encode_signature
from schemas.times import format_time, parse_time

SEALED_EVERY = dt.timedelta(minutes=1)


class Ticked(msgspec.Struct, frozen=True):
    """What a round of the clock did."""

    expired: int
    agreements: tuple[str, ...]
    sealed: bool
    retired: int = 0


def sweep(tx: Tx, office: Office, now: dt.datetime) -> None:  # noqa: ARG001 - every verb of the clock takes the office
    """Forget the answers to POSTs of more than a day ago."""
    idempotency.sweep(tx, now)


def tick(tx: Tx, office: Office, now: dt.datetime) -> Ticked:
    """One round in one transaction; nothing is written when nothing is due."""
    sweep(tx, office, now)
    expired = expire(tx, office, now)
    changed = lapse(tx, office, now)
    retired = retire(tx, office, now)
    return Ticked(expired, changed, seal(tx, office, now) is not None, retired)


def seal(tx: Tx, office: Office, now: dt.datetime, *, every: dt.timedelta = SEALED_EVERY) -> Head | None:
    """Sign the journal's head (`hub-journal-v1`), at most once in `every`; None when there is nothing new to sign."""
    last = journal.head(tx)
    before = journal.last_sealed(tx)
    if last is None or (before is not None and (before.epoch, before.sequence) == (last.epoch, last.sequence)):
        return None
    if before is not None and now - parse_time(before.at) < every:
        return None
    signature = office.sign(journal.head_bytes(last.epoch, last.sequence, last.hash))
    sealed = Head(last.epoch, last.sequence, last.hash, office.key_id, encode_signature(signature), format_time(now))
    journal.save_head(tx, sealed)
    return sealed


# What a node asks for at each tick, each in a transaction of its own: one that fails takes no other with it.
VERBS: tuple[Callable[[Tx, Office, dt.datetime], object], ...] = (sweep, expire, lapse, retire, seal)
