"""What this node can give back to a peer that was restored: the peer's own signed messages, and ours that are meant for it.

All of it goes on paper of its origin: the bytes as they were signed. Each version is asked for again before it leaves: ours as for
the peer's subject, the peer's own as for the person who hands the file over.
"""

from __future__ import annotations

import datetime as dt

import msgspec

from hub.desk.office import Office
from hub.errors import NotFound
from hub.rules.decision import Allowed, Form
from hub.rules.release import Exit, Peer, Reader, may_leave
from hub.store import outbox, peers, revisions, tombstones
from hub.store.revision import Revision
from hub.store.tombstones import Grave
from hub.store.tx import Tx
from schemas.envelope import Envelope

PAGE = 200
_GOING = frozenset({"pending", "sent"})


class After(msgspec.Struct, frozen=True):
    """Where a page ended: the last version's seq, then the last tombstone's id."""

    version: int = 0
    tombstone: int = 0


class Offered(msgspec.Struct, frozen=True):
    """A page of signed messages, and where to ask on; `after` None at the end."""

    items: tuple[Envelope, ...]
    after: After | None


def offer(tx: Tx, office: Office, now: dt.datetime, place: str, member: Reader, after: After) -> Offered:
    """One page of what a peer may be given back. NotFound when it is no active peer."""
    known = peers.peer(tx, place)
    if known is None or known.state != "active":
        raise NotFound(f"{place[:20]} is no peer of this node.")
    given: list[Envelope] = []
    versions = revisions.after(tx, after.version, PAGE) if after.tombstone == 0 else []
    for revision in versions:
        if revision.own:
            given += _ours(tx, office, now, known, revision)
        elif revision.origin in known.entry.origins:
            given += _theirs(office, now, member, revision)
    if len(versions) == PAGE:
        return Offered(tuple(given), After(versions[-1].seq))
    graves = tombstones.after(tx, after.tombstone, PAGE)
    given += (_copy(grave) for grave in graves if _concerns(grave, known))
    return Offered(tuple(given), After(after.version, graves[-1].id) if len(graves) == PAGE else None)


def _ours(tx: Tx, office: Office, now: dt.datetime, peer: peers.Peer, revision: Revision) -> list[Envelope]:
    """The copies of one of our versions that are in force and meant for this peer."""
    if revision.payload is None or not revision.current:
        return []
    given = []
    for audience, subject, key, signature, state in outbox.copies(tx, revision.seq):
        if state not in _GOING or audience not in ("all", f"to-{peer.place}"):
            continue
        reader = Peer(peer.place, peer.agreement, audience)
        leave = may_leave(revision.item(), Exit.SUBJECT, reader, mode=revision.mode, now=now, policy=office.policy)
        if isinstance(leave, Allowed):
            given.append(Envelope(subject, revision.payload, key, signature))
    return given


def _theirs(office: Office, now: dt.datetime, member: Reader, revision: Revision) -> list[Envelope]:
    """The copy of a version that this peer itself signed; of what it withdrew only its recall goes back."""
    if revision.payload is None or not revision.current or not revision.subject:
        return []
    leave = may_leave(revision.item(), Exit.API, member, mode=revision.mode, now=now, policy=office.policy)
    if not isinstance(leave, Allowed) or leave.form is not Form.FULL:
        return []
    return [Envelope(revision.subject, revision.payload, revision.key, revision.signature)]


def _concerns(grave: Grave, peer: peers.Peer) -> bool:
    if grave.own:
        return grave.addressee in ("all", f"to-{peer.place}")
    return grave.origin in peer.entry.origins


def _copy(grave: Grave) -> Envelope:
    return Envelope(grave.subject, grave.payload, grave.key, grave.signature)
