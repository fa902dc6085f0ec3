"""Peers: who is one, and what it may have. A change of agreement takes back what it no longer covers (DESIGN section 5)."""

from __future__ import annotations

import dataclasses
import datetime as dt
import hashlib

import msgspec

from hub.desk import dispatch, record, settling
from hub.desk.dispatch import Recall
from hub.desk.drafting import permit
from hub.desk.held import refuse_held
from hub.desk.office import CLOCK, Office
from hub.errors import Conflict, FieldError, Invalid, NotFound
from hub.rules.agreement import Agreement
from hub.rules.authority import Verb
from hub.rules.decision import Withheld
from hub.rules.lifecycle import Stage, covered
from hub.rules.release import reach
from hub.store import holders, outbox, peers, restoring, revisions
from hub.store.peers import Peer
from hub.store.people import Person
from hub.store.revision import Revision
from hub.store.tx import Tx
from schemas.register import AgreementFile, RegisterEntry, encode_agreement, encode_entry
from schemas.vocabulary import Reason, TombstoneKind

PAGE = 200
_LATER = dt.timedelta(days=1)


def accept_peer(tx: Tx, office: Office, actor: Person, now: dt.datetime, entry: RegisterEntry) -> Peer:
    """Take a node as a peer, or take its newer register entry. Nothing is agreed with a new one.

    Raises Forbidden, Invalid, and Conflict when the serial does not rise, or one of its keys is known as somebody else's.
    """
    permit(tx, office, actor, now, Verb.MANAGE_PEERS)
    raw = _checked(office, entry)
    known = peers.peer(tx, entry.place)
    if known is not None and known.state == "active" and encode_entry(known.entry) == raw:
        return known
    if known is not None and entry.serial <= known.entry.serial:
        words = (
            f"Serial {entry.serial} does not come after {known.entry.serial}: ask {entry.place} for its newest entry."
        )
        raise Conflict(words, code="serial")
    _refuse_shared_keys(tx, office, entry)
    peer = Peer(
        place=entry.place,
        state="active",
        entry=entry,
        file=None if known is None or known.state != "active" else known.file,
        accepted_at=now if known is None else known.accepted_at,
        accepted_by=actor.id if known is None else known.accepted_by,
        updated_at=now,
    )
    peers.save(tx, peer)
    record.tell(tx, office, now, actor.id, "accept-peer", (peer.place, entry.serial), msgspec.Raw(raw))
    return peer


def _checked(office: Office, entry: RegisterEntry) -> bytes:
    try:
        raw = encode_entry(entry)
    except ValueError as error:
        raise Invalid(str(error), (FieldError("", str(error)),)) from None
    if entry.place == office.place:
        raise Invalid("A node is no peer of itself.", (FieldError("/place", "is this node's own"),))
    if entry.mode is not office.mode:
        words = f"That node is {entry.mode}, this one {office.mode}: the two never mix."
        raise Invalid(words, (FieldError("/mode", words),))
    return raw


def _refuse_shared_keys(tx: Tx, office: Office, entry: RegisterEntry) -> None:
    """A key speaks for one node: one listed by two could forge the other's words."""
    offered = {key.public for key in entry.keys}
    if office.key_id in offered:
        raise Conflict("That entry lists this node's own signing key.", code="shared-key")
    for other in peers.everybody(tx):
        if other.place != entry.place and offered & {key.public for key in other.entry.keys}:
            raise Conflict(f"That entry lists a key of {other.place}.", code="shared-key")


def agree(tx: Tx, office: Office, actor: Person, now: dt.datetime, agreement: AgreementFile) -> Peer:
    """Set what a peer may have of us. What it holds and may have no more is recalled; what it may have now is sent.

    Raises Forbidden, NotFound when it is no active peer, Invalid.
    """
    permit(tx, office, actor, now, Verb.MANAGE_PEERS)
    try:
        raw = encode_agreement(agreement)
    except ValueError as error:
        raise Invalid(str(error), (FieldError("", str(error)),)) from None
    known = peers.peer(tx, agreement.peer)
    if known is None or known.state != "active":
        raise NotFound(f"{agreement.peer[:20]} is no peer of this node.")
    peer = msgspec.structs.replace(known, file=agreement, updated_at=now)
    peers.save(tx, peer)
    record.tell(tx, office, now, actor.id, "agree", (peer.place, 0), msgspec.Raw(raw))
    _reconcile(tx, office, actor.id, now, peer.place)
    return peer


def end_agreement(tx: Tx, office: Office, actor: Person, now: dt.datetime, place: str) -> Peer:
    """End what was agreed with a peer: everything is recalled; it stays a peer and may still send us."""
    permit(tx, office, actor, now, Verb.MANAGE_PEERS)
    known = peers.peer(tx, place)
    if known is None or known.state != "active":
        raise NotFound(f"{place[:20]} is no peer of this node.")
    peer = msgspec.structs.replace(known, file=None, updated_at=now)
    peers.save(tx, peer)
    record.tell(tx, office, now, actor.id, "end-agreement", (place, 0), {"place": place})
    _reconcile(tx, office, actor.id, now, place)
    return peer


def revoke_peer(tx: Tx, office: Office, actor: Person, now: dt.datetime, place: str, reason: str) -> Peer:
    """It is no peer any more: nothing of it is taken, everything it has of us is recalled. Raises Forbidden, NotFound."""
    permit(tx, office, actor, now, Verb.MANAGE_PEERS)
    known = peers.peer(tx, place)
    if known is None or known.state != "active":
        raise NotFound(f"{place[:20]} is no peer of this node.")
    refuse_held(tx)
    peer = msgspec.structs.replace(known, state="revoked", file=None, updated_at=now)
    peers.save(tx, peer)
    record.tell(tx, office, now, actor.id, "revoke-peer", (place, 0), {"reason": reason})
    _reconcile(tx, office, actor.id, now, place)
    return peer


def lapse(tx: Tx, office: Office, now: dt.datetime) -> tuple[str, ...]:
    """Agreements begin and end by this node's clock: recall or send what changed by that. The peers that it was about."""
    if restoring.held(tx):
        return ()
    changed = []
    compared = peers.reconciled(tx)
    for place, agreement in peers.agreements(tx).items():
        if compared.get(place) != _compared_with(agreement, now):
            record.tell(tx, office, now, CLOCK, "agreement-changed", (place, 0), {"place": place})
            _reconcile(tx, office, CLOCK, now, place)
            changed.append(place)
    return tuple(changed)


def _compared_with(agreement: Agreement | None, now: dt.datetime) -> str:
    """What the holdings of a peer depend on: the agreement, and whether it is in force."""
    if agreement is None or isinstance(agreement.in_force(now), Withheld):
        return "nothing"
    words = (
        sorted(agreement.topics),
        agreement.ceiling,
        sorted(agreement.lanes),
        agreement.since.isoformat(),
    )
    return hashlib.sha256(msgspec.json.encode(words)).hexdigest()


def _reconcile(tx: Tx, office: Office, by: str, now: dt.datetime, place: str) -> None:
    """Compare what a peer holds of us with what it may have now: recall the one, send it copies of the other."""
    if restoring.held(tx):  # a recall takes a serial: `lapse` does it when the hold is over
        return
    agreed = {place: peers.agreements(tx).get(place)}
    after = 0
    while page := revisions.own_between(tx, place, after, PAGE):
        for revision in page:
            _reconcile_one(tx, office, by, now, revision, agreed)
        after = page[-1].seq
    peers.mark_reconciled(tx, place, _compared_with(agreed[place], now))


def _reconcile_one(
    tx: Tx,
    office: Office,
    by: str,
    now: dt.datetime,
    revision: Revision,
    agreed: dict[str, Agreement | None],
) -> None:
    (place,) = agreed
    item = revision.item()
    may_have = revision.stage is Stage.RELEASED and place in reach(item, agreed, now=now, policy=office.policy).gets
    # That its time is over takes nothing away: each node's own clock says so.
    timeless = dataclasses.replace(item, expires=now + _LATER)
    may_keep = place in reach(timeless, agreed, now=now, policy=office.policy).gets
    has = any(one.held and one.place == place for one in holders.of_product(tx, revision.mode, revision.product_id))
    to_peer = f"to-{place}"
    if has and not may_keep:
        outbox.supersede(tx, revision.mode, revision.product_id, revision.version, addressee=to_peer)
        told = Recall(by=by, kind=TombstoneKind.NARROWED, reason=Reason.AGREEMENT, version=revision.version)
        dispatch.recall(tx, office, now, revision, (to_peer,), told)
    elif may_have and not has:
        if _is_recalled(tx, revision, to_peer):
            told = Recall(by=by, kind=TombstoneKind.RESTORED, reason=Reason.AGREEMENT, version=revision.version)
            dispatch.recall(tx, office, now, revision, (to_peer,), told)
        copies = dispatch.seal_copies(office, revision, (to_peer,))
        dispatch.send_copies(tx, now, revision, revision.seq, copies, {place: to_peer})
        record.commit(tx, now, by, "copy", (f"{revision.product_id} {to_peer}", revision.version), revision.hash)


def _is_recalled(tx: Tx, revision: Revision, addressee: str) -> bool:
    """Whether this version lies under a recall to this addressee that was not taken back: its copies are refused there."""
    known = settling.look(tx, revision.product_id).known
    return covered((grave for grave in known.tombstones if grave.addressee == addressee), revision.version)
