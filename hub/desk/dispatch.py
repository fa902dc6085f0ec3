"""Sign what leaves and put it into the outbox: one envelope a copy, and recalls for those who may have it no more."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable

import msgspec

from hub.desk.office import Office
from hub.store import counters, holders, journal, outbox, tombstones
from hub.store.holders import EVERYBODY, Holder
from hub.store.journal import Said
from hub.store.outbox import Copy
from hub.store.revision import Revision
from hub.store.tx import Tx
from schemas.bulletin import Tombstone
from schemas.envelope import Envelope, payload_hash, seal
from schemas.subjects import BulletinSubject, RecallSubject, peer_of
from schemas.times import truncate_ms
from schemas.tombstone import encode_tombstone
from schemas.vocabulary import Reason, TombstoneKind

ALL = "all"
RECALL = "recall"


class Recall(msgspec.Struct, frozen=True, kw_only=True):
    """Who takes something back, why, and up to which version."""

    by: str
    kind: TombstoneKind
    reason: Reason
    version: int
    replaced_by: str | None = None


def seal_copies(office: Office, revision: Revision, audiences: Iterable[str]) -> dict[str, Envelope]:
    """One signed copy an audience token; the payload is the same bytes in all of them."""
    if revision.payload is None or revision.topic is None:
        raise ValueError("what was erased, or is not understood, is not sent")
    made = {}
    for audience in audiences:
        subject = BulletinSubject(revision.mode, revision.origin, revision.lane, audience, revision.tlp, revision.topic)
        made[audience] = seal(str(subject), revision.payload, office.key_id, office.sign)
    return made


def send_copies(
    tx: Tx, now: dt.datetime, revision: Revision, seq: int, copies: dict[str, Envelope], gets: dict[str, str]
) -> None:
    """Put signed copies into the outbox, and remember who holds the product on which of them (`gets`: {place: audience})."""
    outbox.add(
        tx,
        now,
        (
            Copy(
                mode=revision.mode,
                kind="bulletin",
                product_id=revision.product_id,
                version=revision.version,
                addressee=audience,
                of=seq,
                envelope=envelope,
            )
            for audience, envelope in copies.items()
        ),
    )
    given = [Holder(place, audience, revision.version) for place, audience in gets.items()]
    if ALL in copies:
        given.append(Holder(EVERYBODY, ALL, revision.version))
    holders.give(tx, revision.mode, revision.product_id, given)


def losers(held: Iterable[Holder], copies: Iterable[str], gets: Iterable[str]) -> tuple[str, ...]:
    """The addressees of a recall: what travelled on `all` and does so no more, and each peer that may have it no more.

    A peer that had it on `all` only is reached by the recall on `all`.
    """
    had = [holder for holder in held if holder.held]
    widely = any(holder.place == EVERYBODY for holder in had) and ALL not in set(copies)
    lost = {ALL} if widely else set()
    for holder in had:
        if holder.place == EVERYBODY or holder.place in set(gets):
            continue
        if holder.audience != ALL or not widely:
            lost.add(f"to-{holder.place}")
    return tuple(sorted(lost))


def ever(held: Iterable[Holder]) -> tuple[str, ...]:
    """Every addressee that any version ever went to: what a withdrawal is told to."""
    return tuple(sorted({holder.audience for holder in held}))


def recall(
    tx: Tx, office: Office, now: dt.datetime, revision: Revision, addressees: Iterable[str], told: Recall
) -> None:
    """Sign one tombstone an addressee, keep it, put it into the outbox and the journal, in this transaction."""
    copies, entries = [], []
    for addressee in addressees:
        tombstone = _tombstone(tx, office, now, revision, addressee, told)
        payload = encode_tombstone(tombstone)
        subject = str(RecallSubject(revision.mode, revision.origin, addressee))
        envelope = seal(subject, payload, office.key_id, office.sign)
        number = tombstones.add(tx, now, tombstone, envelope, addressee, peer=None)
        copies.append(_copy(revision, told.version, addressee, number, envelope))
        thing = f"{revision.product_id} {addressee}"
        entries.append(Said(told.by, RECALL, thing, told.version, payload_hash(payload)))
    outbox.add(tx, now, copies)
    journal.append_all(tx, now, entries)
    taken = [peer_of(copy.addressee) or copy.addressee for copy in copies]
    holders.take(tx, revision.mode, revision.product_id, taken)


def _tombstone(tx: Tx, office: Office, now: dt.datetime, revision: Revision, addressee: str, told: Recall) -> Tombstone:
    """A tombstone with the next serial to this addressee, read inside the transaction."""
    return Tombstone(
        mode=revision.mode,
        origin=revision.origin,
        product_id=revision.product_id,
        report_id=revision.report_id,
        version=told.version,
        kind=told.kind,
        reason=told.reason,
        serial=counters.take(tx, f"serial {revision.mode} {revision.origin} {addressee}"),
        salt=office.salt(),
        issued=truncate_ms(now),
        replaced_by=told.replaced_by,
    )


def _copy(revision: Revision, version: int, addressee: str, number: int, envelope: Envelope) -> Copy:
    return Copy(
        mode=revision.mode,
        kind="recall",
        product_id=revision.product_id,
        version=version,
        addressee=addressee,
        of=number,
        envelope=envelope,
    )
