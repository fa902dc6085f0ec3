"""What one copy from a peer says, once everything about it that needs no record is judged (FORMAT "Message", "Bundle")."""

from __future__ import annotations

import dataclasses
import datetime as dt

from hub.desk.office import Office
from hub.rules.decision import Refused
from hub.rules.trust import judge_copy, may_speak
from hub.store.revision import Revision, of_bulletin, of_unknown
from hub.store.revisions import terms_of
from schemas import stix
from schemas.bulletin import Bulletin, Tombstone
from schemas.envelope import Envelope
from schemas.register import RegisterEntry
from schemas.subjects import BulletinSubject, RecallSubject, Subject, SubjectError, fits, parse, peer_of
from schemas.vocabulary import Lane, Mode

_KEPT_UNREAD = frozenset({"unsupported", "desk-only"})


@dataclasses.dataclass(frozen=True, slots=True)
class Arrival:
    """One message as the receiver hands it over, its signature verified.

    `fault`: why it was refused before; `lane` is that of the durable that it came on; `bulletin` is what these bytes say,
    where whoever hands it over has decoded them already (`ahead`).
    """

    subject: str
    payload: bytes
    key: str
    signature: str
    fault: Refused | None = None
    lane: Lane = Lane.ROUTINE
    bulletin: Bulletin | None = None


def ahead(subject: str, payload: bytes) -> Bulletin | None:
    """What a verified bulletin says, decoded before its turn and outside of the writer; None for what `read` must judge."""
    try:
        return stix.decode(payload) if ".bulletin." in subject else None
    except (ValueError, RecursionError):
        return None


@dataclasses.dataclass(frozen=True, slots=True)
class Version:
    """A bulletin's copy: the row to store if the rules take it, and the terms that lists narrow by."""

    audience: str
    revision: Revision
    terms: tuple[str, ...]


@dataclasses.dataclass(frozen=True, slots=True)
class Recalled:
    """A tombstone's copy."""

    audience: str
    tombstone: Tombstone
    envelope: Envelope


def read(office: Office, now: dt.datetime, entry: RegisterEntry, arrival: Arrival) -> Version | Recalled | Refused:
    """What the copy says, or why it is refused."""
    try:
        return _read(office, now, entry, arrival)
    except (SubjectError, stix.StixError) as error:
        return Refused(error.code, error.message)
    except (ValueError, RecursionError) as error:
        return Refused("unreadable", f"It cannot be read: {error}")


def _read(office: Office, now: dt.datetime, entry: RegisterEntry, arrival: Arrival) -> Version | Recalled | Refused:
    subject = parse(arrival.subject)
    if office.mode is Mode.EXERCISE and subject.mode is not Mode.EXERCISE:
        return Refused("mode", "An exercise node knows nothing that is live.")
    envelope = Envelope(arrival.subject, arrival.payload, arrival.key, arrival.signature)
    if isinstance(subject, BulletinSubject):
        return _bulletin(office, now, entry, subject, envelope, arrival.bulletin)
    if isinstance(subject, RecallSubject):
        return _recall(office, now, entry, subject, envelope)
    return Refused("kind", "This node does not take receipts and roll-calls yet.")


def _bulletin(
    office: Office,
    now: dt.datetime,
    entry: RegisterEntry,
    subject: BulletinSubject,
    envelope: Envelope,
    known: Bulletin | None,
) -> Version | Refused:
    try:
        bulletin = known or stix.decode(envelope.payload)
    except stix.StixError as error:
        if error.code not in _KEPT_UNREAD:
            raise
        return _unknown(office, now, entry, subject, envelope, error)
    said_at = None if bulletin.stamp is None else bulletin.stamp.released
    refused = _spoken(office, now, entry, subject, envelope, bulletin, said_at)
    if refused is not None:
        return refused
    revision = of_bulletin(
        bulletin,
        envelope.payload,
        now=now,
        peer=entry.place,
        recipients=(office.place,) if subject.audience != "all" else (),
        copies=(subject.audience,),
        envelope=envelope,
    )
    return Version(subject.audience, revision, tuple(terms_of(bulletin)))


def _recall(
    office: Office, now: dt.datetime, entry: RegisterEntry, subject: RecallSubject, envelope: Envelope
) -> Recalled | Refused:
    tombstone = stix.decode_tombstone(envelope.payload)
    refused = _spoken(office, now, entry, subject, envelope, tombstone, tombstone.issued)
    return refused or Recalled(subject.audience, tombstone, envelope)


def _spoken(
    office: Office,
    now: dt.datetime,
    entry: RegisterEntry,
    subject: Subject,
    envelope: Envelope,
    payload: Bulletin | Tombstone,
    said_at: dt.datetime | None,
) -> Refused | None:
    for decision in (
        may_speak(entry, envelope.key, subject, now, said_at=said_at),
        judge_copy(payload, subject, office.place),
    ):
        if isinstance(decision, Refused):
            return decision
    return None


def _unknown(
    office: Office,
    now: dt.datetime,
    entry: RegisterEntry,
    subject: BulletinSubject,
    envelope: Envelope,
    why: stix.StixError,
) -> Version | Refused:
    """An item with words of a later list, or a member that its reader must know: kept, for the desk only."""
    speaking = may_speak(entry, envelope.key, subject, now)
    if isinstance(speaking, Refused):
        return speaking
    item = stix.item_of(envelope.payload)
    same = (item.mode, item.origin, item.tlp, item.lane, item.topic) == (
        subject.mode, subject.origin, subject.tlp, subject.lane, subject.topic,
    )  # fmt: skip
    if not same or not fits(subject.audience, item.audience):
        return Refused("subject-mismatch", "The payload is not what its subject says.")
    if peer_of(subject.audience) not in (None, office.place):
        return Refused("not-for-us", "This copy is addressed to somebody else.")
    if item.product_id is None or item.version is None:
        return Refused("not-released", "This is a draft: it carries no release stamp.")
    revision = of_unknown(item, envelope, now=now, peer=entry.place, audience=subject.audience, why=why.code)
    return Version(subject.audience, revision, ())
