"""Take back into the record what this node said before it was restored: one message of our own at a time (`recover`)."""

from __future__ import annotations

import datetime as dt

import msgspec

from hub.desk.office import Office
from hub.desk.publish import counter_of
from hub.rules.decision import Refused
from hub.rules.lifecycle import UNRELEASED, Stage
from hub.rules.release import reach
from hub.rules.trust import judge_copy
from hub.store import bulletins, counters, holders, journal, outbox, peers, restoring, revisions, standing
from hub.store import tombstones as graves
from hub.store.decoding import decoded
from hub.store.holders import EVERYBODY, Holder
from hub.store.journal import Said
from hub.store.outbox import Copy
from hub.store.revision import HIDDEN, Revision, of_bulletin, reach_of
from hub.store.revisions import terms_of
from hub.store.tx import Tx
from schemas import envelope as envelopes
from schemas import stix
from schemas.bulletin import Bulletin, Tombstone
from schemas.content import report_id
from schemas.envelope import Envelope, EnvelopeError, payload_hash
from schemas.product import parse as parse_product
from schemas.subjects import BulletinSubject, RecallSubject, SubjectError, parse, peer_of
from schemas.vocabulary import TERMINAL, Audience, TombstoneKind

ACTOR = "restore"  # nobody is signed in: it is done at the machine, or by the node itself
_ALL_VERSIONS = 2**53
_TOLD = 20


class Found(msgspec.Struct, frozen=True):
    """One message that somebody holds as ours; `place` is (epoch, sequence) where it lies in our own stream, else None."""

    envelope: Envelope
    place: tuple[int, int] | None = None


class Reclaimed(msgspec.Struct):
    """How many versions and tombstones the record lacked, how many messages it had, and which were refused and why."""

    versions: int = 0
    tombstones: int = 0
    known: int = 0
    refused: int = 0
    why: list[str] = []


class Claim:
    """One batch of messages, in the order in which they were sent."""

    def __init__(self, tx: Tx, office: Office, now: dt.datetime) -> None:
        self.done = Reclaimed()
        self._tx = tx
        self._office = office
        self._now = now
        self._entries: list[Said] = []
        self._drafts: dict[str, str] | None = None

    def take(self, found: Found) -> None:
        """One message; what is not ours, not whole or contradicts the record is counted and left."""
        try:
            refused = self._take(found)
        except (EnvelopeError, SubjectError, stix.StixError) as error:
            refused = Refused(error.code, error.message)
        except (ValueError, RecursionError) as error:
            refused = Refused("unreadable", f"It cannot be read: {error}")
        if refused is not None:
            self.done.refused += 1
            if len(self.done.why) < _TOLD:
                self.done.why.append(f"{found.envelope.subject[:255]}: {refused.reason}")

    def close(self) -> None:
        """Write what was taken into the journal."""
        if self._entries:
            journal.append_all(self._tx, self._now, self._entries)
            self._entries = []

    def _take(self, found: Found) -> Refused | None:
        sealed = found.envelope
        if sealed.key != self._office.key_id:
            return Refused("key", "It is not signed with this node's key.")
        envelopes.verify(sealed)
        subject = parse(sealed.subject)
        if subject.origin not in self._office.origins:
            return Refused("origin", f"This node does not speak for {subject.origin}.")
        if not isinstance(subject, BulletinSubject | RecallSubject):
            return Refused("kind", "It is neither a bulletin nor a recall.")
        if isinstance(subject, BulletinSubject):
            said: Bulletin | Tombstone = stix.decode(sealed.payload)
        else:
            said = stix.decode_tombstone(sealed.payload)
        judged = judge_copy(said, subject, peer_of(subject.audience) or self._office.place)
        if isinstance(judged, Refused):
            return judged
        if isinstance(said, Bulletin):
            return self._version(said, subject.audience, found)
        return self._tombstone(said, subject.audience, found)

    # ---------------------------------------------------------------------------------------- versions
    def _version(self, bulletin: Bulletin, audience: str, found: Found) -> Refused | None:
        stamp = bulletin.stamp
        if stamp is None:
            return Refused("not-released", "This is a draft.")
        self._count(stamp.product_id)
        known = revisions.version(self._tx, stamp.product_id, stamp.version)
        if known is not None and known.hash != payload_hash(found.envelope.payload):
            return Refused("equivocation", f"{stamp.product_id} version {stamp.version} is here with other content.")
        if known is None:
            known = self._add(bulletin, audience, found.envelope)
            self.done.versions += 1
        else:
            self.done.known += 1
        self._copy(known, audience, found)
        self._end(known.product_id)
        return None

    def _add(self, bulletin: Bulletin, audience: str, sealed: Envelope) -> Revision:
        """A version that the record lacks; it is hidden like everything else until the hold ends."""
        made = of_bulletin(bulletin, sealed.payload, now=self._now, copies=(audience,), envelope=sealed)
        before = revisions.current(self._tx, made.product_id)
        newest = before is None or before.version < made.version
        made = msgspec.structs.replace(
            made, reach=reach_of(made), desk_only=HIDDEN, readable=False, current=newest, recipients=frozenset()
        )
        if newest:
            outbox.supersede(self._tx, made.mode, made.product_id, made.version - 1)
            standing.outdate(self._tx, made.product_id)
        seq = revisions.add(self._tx, made, terms_of(bulletin))
        self._entries.append(Said(ACTOR, "recover", made.product_id, made.version, made.hash))
        self._close_drafts(made)
        return msgspec.structs.replace(made, seq=seq)

    def _copy(self, revision: Revision, audience: str, found: Found) -> None:
        """Note where the copy went, so that it can be taken back; one that must not go out any more leaves the stream."""
        tx = self._tx
        had = {copy[0] for copy in outbox.copies(tx, revision.seq)}
        self._put(
            revision.product_id, revision.version, audience, "bulletin", revision.seq, found, is_new=audience not in had
        )
        if audience not in had:
            standing.set_copies(tx, revision.seq, revision.copies | {*had, audience})
            holders.give(tx, revision.mode, revision.product_id, self._holders(revision, audience))
            if revision.audience is Audience.NAMED:
                named = {peer for one in {*had, audience} if (peer := peer_of(one)) is not None}
                restoring.name(tx, revision.seq, revision.recipients | named)
        if not revision.current or revision.stage is not Stage.RELEASED:
            outbox.supersede(tx, revision.mode, revision.product_id, revision.version)

    def _holders(self, revision: Revision, audience: str) -> list[Holder]:
        peer = peer_of(audience)
        if peer is not None:
            return [Holder(peer, audience, revision.version)]
        item = msgspec.structs.replace(revision, desk_only=None, readable=True).item()
        gets = reach(item, peers.agreements(self._tx), now=self._now, policy=self._office.policy).gets
        given = [Holder(place, audience, revision.version) for place, one in gets.items() if one == audience]
        return [*given, Holder(EVERYBODY, audience, revision.version)]

    def _close_drafts(self, made: Revision) -> None:
        """The draft that became this version was released: nobody releases it a second time."""
        tx, open_ones = self._tx, bulletins.of_product(self._tx, made.product_id)
        open_ones = [one for one in open_ones if one.base_version < made.version]
        if (which := self._unnumbered().get(made.report_id)) is not None:
            open_ones += [one for one in (bulletins.draft(tx, which),) if one is not None]
        for one in open_ones:
            if one.stage in UNRELEASED:
                done = msgspec.structs.replace(
                    one, stage=Stage.RELEASED, version=one.version + 1, product_id=made.product_id, updated_at=self._now
                )
                bulletins.change(tx, done, one.version)

    def _unnumbered(self) -> dict[str, str]:
        """Drafts by the id of the report that each would become; read once."""
        if self._drafts is None:
            said = ((which, decoded(bundle)) for which, bundle, _ in bulletins.every(self._tx))
            self._drafts = {report_id(one.mode, one.origin, one.seed): which for which, one in said}
        return self._drafts

    # -------------------------------------------------------------------------------------- tombstones
    def _tombstone(self, said: Tombstone, audience: str, found: Found) -> Refused | None:
        tx, digest = self._tx, payload_hash(found.envelope.payload)
        self._count(said.product_id)
        counters.lift(tx, f"serial {said.mode} {said.origin} {audience}", said.serial)
        same = graves.by_serial(tx, said.mode, said.origin, audience, said.serial)
        if same is not None and same.hash != digest:
            return Refused("equivocation", f"Serial {said.serial} to {audience} is here as another message.")
        if same is not None:
            self.done.known += 1
            self._put(said.product_id, said.version, audience, "recall", same.id, found, is_new=False)
            return None
        self.done.tombstones += 1
        number = graves.add(tx, self._now, said, found.envelope, audience, peer=None)
        self._entries.append(Said(ACTOR, "recover-recall", f"{said.product_id} {audience}", said.version, digest))
        self._put(said.product_id, said.version, audience, "recall", number, found, is_new=True)
        if said.kind is not TombstoneKind.RESTORED:
            holders.take(tx, said.mode, said.product_id, (peer_of(audience) or audience,))
            outbox.supersede(tx, said.mode, said.product_id, said.version, addressee=audience)
        self._end(said.product_id)
        return None

    def _end(self, product_id: str) -> None:
        """What was withdrawn is withdrawn, in whatever order it was read."""
        tx = self._tx
        end = next((one for one in graves.of_product(tx, product_id) if one.own and one.kind in TERMINAL), None)
        if end is None:
            return
        outbox.supersede(tx, end.mode, product_id, _ALL_VERSIONS)
        bulletins.close(tx, product_id, Stage.WITHDRAWN, self._now)
        shown = revisions.current(tx, product_id)
        if shown is not None and shown.stage is not Stage.WITHDRAWN:
            standing.withdraw(tx, self._now, product_id, end.kind, end.reason, end.replaced_by)

    # -------------------------------------------------------------------------------------------- both
    def _put(
        self, product_id: str, version: int, audience: str, kind: outbox.Kind, of: int, found: Found, *, is_new: bool
    ) -> None:
        sealed = found.envelope
        copy = Copy(
            mode=parse(sealed.subject).mode, kind=kind, product_id=product_id, version=version, addressee=audience,
            of=of, envelope=sealed,
        )  # fmt: skip
        if found.place is not None:
            outbox.add_sent(self._tx, self._now, copy, found.place)
        elif is_new:
            outbox.add(self._tx, self._now, (copy,))

    def _count(self, product_id: str) -> None:
        one = parse_product(product_id)
        counters.lift(self._tx, counter_of(one.mode, one.origin, one.year, one.series), one.number)
