"""Take what a peer's stream handed over: one decision an item, all in one transaction (DESIGN section 3, step 5)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence

import msgspec

from hub.desk import record, settling
from hub.desk.office import Office
from hub.desk.reading import Arrival, Recalled, Version, read
from hub.rules.decision import Accepted, Duplicate, Refused
from hub.rules.decision import Arrival as Decision
from hub.rules.lifecycle import Copy, Stage, arrive
from hub.store import counters, journal, peers, quarantine, revisions, standing, tombstones
from hub.store.journal import Said
from hub.store.peers import Peer, Used
from hub.store.revision import Revision, reach_of
from hub.store.tx import Tx
from schemas.register import Caps
from schemas.vocabulary import TERMINAL, Lane, TombstoneKind

__all__ = ["Arrival", "hold", "open_lane", "receive"]

# What takes the words away also takes them out of the quarantine.
_WORDS_GO = frozenset({*TERMINAL, TombstoneKind.NARROWED})
# Refused for good because of a tombstone: no fault of the peer's, and (id, version, H) is kept.
_TAKEN_BACK = frozenset({"withdrawn-is-terminal", "purged-is-terminal", "narrowed"})


def receive(tx: Tx, office: Office, now: dt.datetime, peer: str, arrivals: Sequence[Arrival]) -> list[Decision]:
    """Judge, store or quarantine each item; one decision an item, in order. The same item again is a Duplicate.

    One bad item never stops the rest. Tombstones take effect at once; a bulletin whose lane catches up waits (`hold`).
    """
    known = peers.peer(tx, peer)
    inbox = _Inbox(tx, office, now, peer, known)
    said = [inbox.read(arrival) for arrival in arrivals]
    inbox.expect(said)
    decisions = [inbox.take(arrival, what) for arrival, what in zip(arrivals, said, strict=True)]
    inbox.close()
    return decisions


def hold(tx: Tx, office: Office, now: dt.datetime, peer: str) -> None:  # noqa: ARG001 - every verb takes the office
    """The link to a peer begins anew: what comes in waits until its lane has caught up (`open_lane`)."""
    for lane in Lane:
        peers.hold_lane(tx, now, peer, lane, held=True)


def open_lane(tx: Tx, office: Office, now: dt.datetime, peer: str, lane: Lane) -> int:  # noqa: ARG001 - as above
    """A lane has caught up with the head that was seen at connect: what waited becomes readable. How many products."""
    peers.hold_lane(tx, now, peer, lane, held=False)
    alone, products = standing.show_waiting(tx, now, peer, lane)
    for product_id in products:
        settling.settle(tx, now, product_id)
    if lane is Lane.ROUTINE:  # both lanes are through: no recall is still to come that these copies were sent after
        quarantine.drop_here(tx, peer)
    return alone + len(products)


def _is_narrowed(product: settling.Product, version: int, decision: Decision) -> bool:
    """Whether only a narrowing keeps this copy out: of a version that was never here, or whose bytes were erased."""
    if isinstance(decision, Refused):
        return decision.code == quarantine.NARROWED
    fact = product.version(version)
    return isinstance(decision, Duplicate) and fact is not None and fact.erased and not product.withdrawn


class _Inbox:
    """One batch from one peer."""

    def __init__(self, tx: Tx, office: Office, now: dt.datetime, place: str, peer: Peer | None) -> None:
        self.tx = tx
        self.office = office
        self.now = now
        self.place = place
        self.peer = peer if peer is not None and peer.state == "active" else None
        self.held = peers.held_lanes(tx, place)
        self.caps = Caps() if self.peer is None or self.peer.file is None else self.peer.file.caps
        self.used = peers.used(tx, now, place)
        self.entries: list[Said] = []
        self.stored = Used(0, 0)
        self.alarmed = False
        self.unheard: set[str] = set()  # products of this batch of which nothing is here
        self.new: list[tuple[Revision, tuple[str, ...]]] = []  # first versions that are taken, not yet in their rows
        self.looked: settling.Product | None = None  # the last product, until something about it was stored

    def expect(self, said: Iterable[Version | Recalled | Refused]) -> None:
        """Look once which products nothing was ever heard of: each of them needs no look of its own, and they are stored together."""
        coming = {each.revision.product_id: each.revision.origin for each in said if isinstance(each, Version)}
        recalled = {each.tombstone.product_id for each in said if isinstance(each, Recalled)}
        heard = standing.heard_of(self.tx, set(coming.values()), coming)
        self.unheard = coming.keys() - recalled - heard

    def take(self, arrival: Arrival, said: Version | Recalled | Refused) -> Decision:
        """One item, from what it says to the record."""
        if isinstance(said, Version):
            decision = self._version(said)
        elif isinstance(said, Recalled):
            decision = self._recall(said)
        else:
            decision = said
        if isinstance(decision, Accepted) or (isinstance(decision, Refused) and decision.code in _TAKEN_BACK):
            self.looked = None
        if isinstance(decision, Refused) and decision.code not in _TAKEN_BACK:
            envelope = (arrival.subject, arrival.payload, arrival.key, arrival.signature)
            quarantine.keep(self.tx, self.now, self.place, envelope, decision.code, decision.reason)
            if isinstance(said, Version) and self._look(said.revision.product_id).withdrawn:
                quarantine.forget(self.tx, said.revision.product_id, for_good=True)
            if decision.code == "over-cap":
                self._alarm(decision)
        return decision

    def close(self) -> None:
        """Store what is still to be stored; journal and count all of it."""
        self._store_new()
        if self.entries:
            journal.append_all(self.tx, self.now, self.entries)
            peers.use(self.tx, self.now, self.place, self.stored.messages, self.stored.bytes)

    def read(self, arrival: Arrival) -> Version | Recalled | Refused:
        if arrival.fault is not None:
            return arrival.fault
        if self.peer is None:
            return Refused("no-peer", f"{self.place} is no peer of this node.")
        return read(self.office, self.now, self.peer.entry, arrival)

    def _look(self, product_id: str) -> settling.Product:
        if product_id in self.unheard:
            return settling.unheard(product_id)
        self._store_new()
        if self.looked is None or self.looked.product_id != product_id:
            self.looked = settling.look(self.tx, product_id)
        return self.looked

    def _store_new(self) -> None:
        """Before anything else reads or writes a version, the new ones that were taken are in their rows."""
        if self.new:
            revisions.add_all(self.tx, self.new)
            self.new = []

    def _version(self, said: Version) -> Decision:
        revision = said.revision
        product = self._look(revision.product_id)
        copy = Copy(revision.version, revision.hash.hex(), said.audience)
        decision = arrive(product.known, copy)
        overtook = isinstance(decision, Duplicate) and revision.lane in self.held and said.audience != "all"
        if _is_narrowed(product, revision.version, decision) or (overtook and not product.withdrawn):
            self._keep_waiting(said)
        if isinstance(decision, Accepted):
            over = self._over_cap(len(revision.payload or b""))
            return over or self._keep(said, product, decision)
        if isinstance(decision, Refused) and decision.code in _TAKEN_BACK:
            self._keep_number(revision, product)
        return decision

    def _keep_waiting(self, said: Version) -> None:
        """Recall and routine lane do not wait for each other: the copy that follows a `restored` may come before it.

        While a lane catches up it may even come before the recall that the `restored` lifts, as one that is here already.
        """
        one = said.revision
        envelope = (one.subject, one.payload or b"", one.key, one.signature)
        words = "Its origin recalled this version from this node; it is taken when the origin restores it."
        quarantine.keep(self.tx, self.now, self.place, envelope, quarantine.NARROWED, words)

    def _take_again(self, product_id: str) -> None:
        """What waited for this `restored`, judged anew by everything that is known now."""
        for held in quarantine.waiting(self.tx, self.place, product_id):
            said = self.read(Arrival(held.subject, held.payload or b"", held.key, held.signature))
            if not isinstance(said, Version):
                continue
            product = settling.look(self.tx, product_id)
            copy = Copy(said.revision.version, said.revision.hash.hex(), said.audience)
            decision = arrive(product.known, copy)
            if isinstance(decision, Accepted) and not isinstance(self._keep(said, product, decision), Refused):
                quarantine.drop(self.tx, held.id)

    def _keep(self, said: Version, product: settling.Product, decision: Accepted) -> Decision:
        """Store the version, or what this copy adds to it."""
        waits = said.revision.lane in self.held
        revision = msgspec.structs.replace(
            said.revision,
            waiting=waits,
            readable=not waits,
            current=False,
            reach=reach_of(said.revision),
        )
        fact = product.version(revision.version)
        if fact is None and product.is_new:
            self.unheard.discard(revision.product_id)
            self.new.append((msgspec.structs.replace(revision, current=not waits), said.terms))
        else:
            self._add_to(product, revision, said)
            settling.apply(self.tx, self.now, settling.look(self.tx, revision.product_id))
        self._note("receive", revision.product_id, revision.version, revision.hash, len(revision.payload or b""))
        return decision

    def _add_to(self, product: settling.Product, revision: Revision, said: Version) -> None:
        fact = product.version(revision.version)
        if fact is None:
            revisions.add(self.tx, revision, said.terms)
        elif fact.erased:
            standing.fill(self.tx, fact.seq, revision, said.terms)
        else:
            standing.set_copies(self.tx, fact.seq, fact.copies | {said.audience})

    def _keep_number(self, revision: Revision, product: settling.Product) -> None:
        """What was taken back before it came: (id, version, H) stays, the words do not."""
        if product.version(revision.version) is not None:
            return
        stage = Stage.WITHDRAWN if product.withdrawn else Stage.RELEASED
        bare = msgspec.structs.replace(
            revision,
            payload=None,
            copies=frozenset[str](),
            stage=stage,
            taken=product.taken,
            current=False,
            readable=False,
        )
        revisions.add(self.tx, bare)
        self._note("receive", revision.product_id, revision.version, revision.hash, 0)

    def _recall(self, said: Recalled) -> Decision:
        tombstone, raw = said.tombstone, said.envelope.payload
        product = self._look(tombstone.product_id)
        grave = settling.grave_of(tombstone, said.audience, raw)
        known = settling.heard(self.tx, product.known, grave, tombstone.mode, tombstone.origin)
        decision = arrive(known, grave)
        if not isinstance(decision, Accepted):
            return decision
        if product.is_new and (over := self._too_many_unknown(tombstone.kind)):
            return over
        tombstones.add(self.tx, self.now, tombstone, said.envelope, said.audience, peer=self.place)
        settling.apply(self.tx, self.now, settling.look(self.tx, tombstone.product_id))
        if tombstone.kind is TombstoneKind.RESTORED:
            self._take_again(tombstone.product_id)
        elif tombstone.kind in _WORDS_GO:
            quarantine.forget(self.tx, tombstone.product_id, for_good=tombstone.kind in TERMINAL)
        thing = f"{tombstone.product_id} {said.audience}"
        self._note("receive-recall", thing, tombstone.version, bytes.fromhex(grave.hash), len(raw))
        if product.is_new:  # counted apart, so that recalls and bulletins never take each other's room
            self.stored = Used(self.stored.messages - 1, self.stored.bytes)
        return decision

    def _over_cap(self, size: int) -> Refused | None:
        messages = self.used.messages + self.stored.messages
        if messages >= self.caps.max_messages_per_day:
            return Refused("over-cap", f"{self.place} sent {messages} messages today, as many as it may.")
        if self.used.bytes + self.stored.bytes + size > self.caps.max_bytes:
            return Refused("over-cap", f"What {self.place} sent fills the {self.caps.max_bytes} bytes that it may.")
        return None

    def _too_many_unknown(self, kind: TombstoneKind) -> Refused | None:
        """Recalls of what is not here have a room of their own a day; one that ends a product for good is never dropped."""
        count = counters.take(self.tx, f"unknown-recalls {self.place} {self.now:%Y-%m-%d}")
        if kind in TERMINAL or count <= self.caps.max_messages_per_day:
            return None
        return Refused("over-cap", f"{self.place} recalled {count - 1} bulletins today that are not here.")

    def _alarm(self, refused: Refused) -> None:
        """Once a peer and day the journal says that something of it was not taken, and will not come again by itself."""
        if self.alarmed or counters.take(self.tx, f"over-cap {self.place} {self.now:%Y-%m-%d}") > 1:
            self.alarmed = True
            return
        self.alarmed = True
        body = {"reason": refused.reason, "day": f"{self.now:%Y-%m-%d}"}
        record.tell(self.tx, self.office, self.now, f"peer:{self.place}", "over-cap", (self.place, 0), body)

    def _note(self, verb: str, thing: str, version: int, commitment: bytes, size: int) -> None:
        self.entries.append(Said(f"peer:{self.place}", verb, thing, version, commitment))
        self.stored = Used(self.stored.messages + 1, self.stored.bytes + size)
