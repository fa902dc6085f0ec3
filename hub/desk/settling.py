"""Bring the rows of a received product to what follows from the set of messages that this node took (`rules.lifecycle.standing`)."""

from __future__ import annotations

import dataclasses
import datetime as dt

import msgspec

from hub.rules import lifecycle
from hub.rules.lifecycle import Grave, Known, Stage, Standing, State
from hub.rules.release import GRACE
from hub.store import standing, tombstones
from hub.store.standing import Facts
from hub.store.tombstones import Told
from hub.store.tx import Tx
from schemas.bulletin import Tombstone
from schemas.envelope import payload_hash
from schemas.vocabulary import TERMINAL, Mode, TombstoneKind


class Product(msgspec.Struct, frozen=True):
    """What is known of one product: its versions, its tombstones, and both as the rules see them."""

    product_id: str
    facts: tuple[Facts, ...]
    graves: tuple[Told, ...]
    known: Known

    @property
    def is_new(self) -> bool:
        """Nothing was ever heard of it."""
        return not self.facts and not self.graves

    @property
    def withdrawal(self) -> Told | None:
        """The tombstone that ended it for good, if one did."""
        ends = [grave for grave in self.graves if grave.kind in TERMINAL]
        return ends[0] if ends else None

    @property
    def withdrawn(self) -> bool:
        """Whether a tombstone ended it for good."""
        return self.withdrawal is not None

    @property
    def taken(self) -> TombstoneKind | None:
        """The kind of tombstone that lies on it."""
        end = self.withdrawal
        return end.kind if end is not None else self.graves[-1].kind if self.graves else None

    def version(self, number: int) -> Facts | None:
        """The facts of one version."""
        return next((fact for fact in self.facts if fact.version == number), None)


def look(tx: Tx, product_id: str) -> Product:
    """What is known of a product. Serials are left out: only a tombstone that arrives needs its addressee's."""
    facts = tuple(standing.facts(tx, product_id))
    graves = tuple(tombstones.told(tx, product_id))
    return Product(product_id, facts, graves, _known(facts, graves))


def unheard(product_id: str) -> Product:
    """What is known of a product of which nothing is here."""
    return Product(product_id, (), (), Known())


def _known(facts: tuple[Facts, ...], graves: tuple[Told, ...]) -> Known:
    return Known(
        versions={fact.version: fact.hash.hex() for fact in facts},
        copies={fact.version: fact.copies for fact in facts if fact.copies},
        erased=frozenset(fact.version for fact in facts if fact.erased),
        tombstones=tuple(
            Grave(grave.kind, grave.version, grave.serial, grave.addressee, grave.hash.hex()) for grave in graves
        ),
    )


def heard(tx: Tx, known: Known, grave: Grave, mode: Mode, origin: str) -> Known:
    """The same with what was heard of the serials to this tombstone's addressee, over all products of its origin."""
    highest = tombstones.highest_serial(tx, mode, origin, grave.addressee)
    same = tombstones.by_serial(tx, mode, origin, grave.addressee, grave.serial)
    spent = {} if same is None else {(grave.addressee, grave.serial): same.hash.hex()}
    return dataclasses.replace(known, serials={grave.addressee: highest} if highest else {}, spent=spent)


def grave_of(tombstone: Tombstone, addressee: str, payload: bytes) -> Grave:
    """A tombstone that arrives, as the rules see it."""
    return Grave(tombstone.kind, tombstone.version, tombstone.serial, addressee, payload_hash(payload).hex())


def settle(tx: Tx, now: dt.datetime, product_id: str) -> None:
    """Look at a product and bring its rows to what follows."""
    apply(tx, now, look(tx, product_id))


def apply(tx: Tx, now: dt.datetime, product: Product) -> None:
    """Erase what must not be here, and mark which version is shown and how it stands. Only differences are written.

    A version that waits for its lane is not shown yet, but what a tombstone takes away is taken at once.
    """
    gone = lifecycle.standing(product.known).erase
    erased = [fact.seq for fact in product.facts if fact.version in gone and not fact.erased]
    for seq in erased:
        standing.erase(tx, seq)
    if erased:  # what stands now follows from what is still here
        product = look(tx, product.product_id)
    shown = lifecycle.standing(_without_waiting(product))
    for fact in product.facts:
        _mark(tx, now, product, fact, shown)
    end = product.withdrawal
    if end is not None and any(fact.taken is not end.kind for fact in product.facts):
        standing.withdraw(tx, now, product.product_id, end.kind, end.reason, end.replaced_by)


def _without_waiting(product: Product) -> Known:
    waiting = {fact.version for fact in product.facts if fact.waiting}
    kept = {version: found for version, found in product.known.versions.items() if version not in waiting}
    return dataclasses.replace(product.known, versions=kept)


def _mark(tx: Tx, now: dt.datetime, product: Product, fact: Facts, shown: Standing) -> None:
    # The notice of a withdrawal stands where the bulletin stood; what was never shown gets none.
    noticed = shown.state is State.WITHDRAWN and fact.current and not fact.erased
    current = fact.version == shown.version or noticed
    stage, taken = fact.stage, fact.taken
    if current and not product.withdrawn:
        over = shown.state is State.EXPIRED or now - GRACE >= fact.expires
        stage = Stage.EXPIRED if over else Stage.RELEASED
        taken = TombstoneKind.EXPIRED if shown.state is State.EXPIRED else None
    if (current, stage, taken) != (fact.current, fact.stage, fact.taken):
        standing.mark(tx, now, fact.seq, stage, taken, current=current)
