"""The life of a bulletin: the stages at the desk, and what a received version or tombstone changes (FORMAT "Tombstone, recall").

**Arrival.** What a reader sees of a product follows from the *set* of messages that this node took, not from their order:
`standing(known)` computes it, and `arrive` is the difference that one more message makes. So:

- `withdrawn` and `purged` end a product id whatever version follows or came before; `purged` also erases.
- `narrowed` and `expired` cover versions up to their own. One to `to-<me>` covers every copy that this node holds, one on `all`
  or on a group only the copies that came on that same audience: an update that narrows a bulletin is recalled on `all`
  and reaches those who keep it as a `to-` copy with the same version number.
- `restored` lifts what the same addressee was told with lower serials, for versions up to its own. A higher version needs no lifting.
- Only the newest version that is known of (also from a narrowing or expiry in force) is ever shown: taking it away does not bring
  back an older one.
- A lower serial is a replay (FORMAT). Serials rise per (origin, addressee), so `all`, `to-<me>` and each group are counted apart
  and nothing follows from their order among each other. What *gives back* (`restored`) must have the highest serial yet. What
  *takes away* is a replay only when a later message to the same addressee says as much or lifted it: an authentic recall that was
  never seen is not lost for having come late, because taking away is safe (house law 5: "in any order of arrival").
- Bytes that were refused or erased come back only when the origin offers the same version, with the same hash, again.
"""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from hub.rules.authority import Verb
from hub.rules.decision import Accepted, Arrival, Duplicate, Effect, Refused
from schemas.vocabulary import TERMINAL, TombstoneKind


class Stage(enum.StrEnum):
    """Where a bulletin stands. The first three never leave the desk."""

    DRAFT = "draft"
    SUBMITTED = "submitted"
    APPROVED = "approved"
    RELEASED = "released"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"


UNRELEASED: Final = frozenset({Stage.DRAFT, Stage.SUBMITTED, Stage.APPROVED})

# `update` opens a new draft beside the released version, which stays as it is. Edit and send-back lead to DRAFT, and a draft
# carries no approvals: whatever was approved before is void.
_STEPS: Final[Mapping[tuple[Stage, Verb], Stage]] = MappingProxyType(
    {
        (Stage.DRAFT, Verb.EDIT): Stage.DRAFT,
        (Stage.DRAFT, Verb.SUBMIT): Stage.SUBMITTED,
        (Stage.SUBMITTED, Verb.EDIT): Stage.DRAFT,
        (Stage.SUBMITTED, Verb.SEND_BACK): Stage.DRAFT,
        (Stage.SUBMITTED, Verb.APPROVE): Stage.APPROVED,
        (Stage.APPROVED, Verb.EDIT): Stage.DRAFT,
        (Stage.APPROVED, Verb.SEND_BACK): Stage.DRAFT,
        (Stage.APPROVED, Verb.APPROVE): Stage.APPROVED,
        (Stage.APPROVED, Verb.PUBLISH): Stage.RELEASED,
        (Stage.RELEASED, Verb.UPDATE): Stage.DRAFT,
        (Stage.RELEASED, Verb.WITHDRAW): Stage.WITHDRAWN,
        (Stage.RELEASED, Verb.EXPIRE): Stage.EXPIRED,
        (Stage.EXPIRED, Verb.UPDATE): Stage.DRAFT,
        (Stage.EXPIRED, Verb.WITHDRAW): Stage.WITHDRAWN,
    }
)
# Verbs that act on a bulletin at all; the others have no stage to ask about.
_ON_A_BULLETIN: Final = frozenset(verb for _, verb in _STEPS)
_NOT_NOW: Final[Mapping[Stage, str]] = MappingProxyType(
    {
        Stage.DRAFT: "This is a draft: submit it first.",
        Stage.SUBMITTED: "This waits for approval: approve it or send it back first.",
        Stage.APPROVED: "This is approved: publish it, or edit it, which voids the approval.",
        Stage.RELEASED: "This is released and never changes: open an update, or withdraw it.",
        Stage.WITHDRAWN: "This was withdrawn, for good: a comeback is a new bulletin with a new number.",
        Stage.EXPIRED: "This has expired: open an update to bring it back into force.",
    }
)


def step(stage: Stage, verb: Verb, *, lacking: bool = False) -> Stage | Refused:
    """The stage after `verb`; `lacking` says that an approval still leaves others to be given (`authority.missing`).

    Whatever leads to DRAFT voids every approval. Refused(code "stage") says what to do instead.
    """
    after = _STEPS.get((stage, verb))
    if after is None:
        return Refused("stage", f"Cannot {verb.value.replace('-', ' ')} now. {_NOT_NOW[stage]}")
    if verb is Verb.APPROVE and lacking:
        return Stage.SUBMITTED
    return after


def begin(verb: Verb) -> Stage | Refused:
    """The stage of what `verb` brings into being: a draft."""
    if verb in {Verb.COMPOSE, Verb.ADOPT, Verb.UPDATE}:
        return Stage.DRAFT
    return Refused("stage", f"Cannot {verb.value.replace('-', ' ')} what is not there yet.")


# ------------------------------------------------------------------------------------------------ arrival
@dataclasses.dataclass(frozen=True, slots=True)
class Copy:
    """A version that arrives: `audience` is the subject's token (`all`, `to-ok`, `g-tx-metro`), `hash` is H in hex."""

    version: int
    hash: str
    audience: str


@dataclasses.dataclass(frozen=True, slots=True)
class Grave:
    """A tombstone: `addressee` is the subject's token, `hash` its own H in hex, `version` the newest that it covers."""

    kind: TombstoneKind
    version: int
    serial: int
    addressee: str
    hash: str


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What this node took so far of one product (mode, origin, product id), and of its origin's serials in this mode.

    versions: {version: H hex of the first}. copies: {version: audience tokens that it came on}; a version without an entry is
    covered by every tombstone. erased: versions whose bytes are gone. serials: {addressee: highest serial over all products}.
    spent: {(addressee, serial): H hex} at least for the serial of the message that arrives, over all products.
    """

    versions: Mapping[int, str] = dataclasses.field(default_factory=dict)
    copies: Mapping[int, frozenset[str]] = dataclasses.field(default_factory=dict)
    erased: frozenset[int] = frozenset()
    tombstones: tuple[Grave, ...] = ()
    serials: Mapping[str, int] = dataclasses.field(default_factory=dict)
    spent: Mapping[tuple[str, int], str] = dataclasses.field(default_factory=dict)


class State(enum.StrEnum):
    """What a reader sees of a product."""

    NOTHING = "nothing"  # never here, erased, or not offered again yet
    SHOWN = "shown"
    EXPIRED = "expired"
    WITHDRAWN = "withdrawn"


@dataclasses.dataclass(frozen=True, slots=True)
class Standing:
    """The state, the version to show where one is shown or has expired, and the versions whose bytes must not be here."""

    state: State
    version: int | None
    erase: frozenset[int]


_NARROWED: Final = frozenset({TombstoneKind.NARROWED})
_NOT_SHOWN: Final = frozenset({TombstoneKind.NARROWED, TombstoneKind.EXPIRED})


def standing(known: Known) -> Standing:
    """What a reader may see of the product: the same for the same set of messages, in whatever order they came."""
    kinds = {grave.kind for grave in known.tombstones}
    if TombstoneKind.PURGED in kinds:
        return Standing(State.NOTHING, None, frozenset(known.versions))
    erase = frozenset(version for version in known.versions if _covered(known, version, _NARROWED))
    if TombstoneKind.WITHDRAWN in kinds:
        return Standing(State.WITHDRAWN, None, erase)
    newest = _newest(known)
    if newest not in known.versions or newest in known.erased | erase:
        return Standing(State.NOTHING, None, erase)
    state = State.EXPIRED if _covered(known, newest, _NOT_SHOWN) else State.SHOWN
    return Standing(state, newest, erase)


def _newest(known: Known) -> int:
    """The highest version number that anything in force speaks of; 0 when nothing does."""
    told = (
        grave.version
        for grave in known.tombstones
        if grave.kind in _NOT_SHOWN and not _lifted(known, grave, grave.version)
    )
    return max((*known.versions, *told), default=0)


def _covered(known: Known, version: int, kinds: frozenset[TombstoneKind]) -> bool:
    """Whether every copy of this version lies under a tombstone of these kinds that is in force for it."""
    under = [
        grave
        for grave in known.tombstones
        if grave.kind in kinds and grave.version >= version and not _lifted(known, grave, version)
    ]
    copies = known.copies.get(version, frozenset())
    return bool(under) and all(any(_reaches(grave, copy) for grave in under) for copy in copies)


def _lifted(known: Known, grave: Grave, version: int) -> bool:
    """Whether a later `restored` to the same addressee lifts this tombstone for this version."""
    return any(
        other.kind is TombstoneKind.RESTORED
        and other.addressee == grave.addressee
        and other.serial > grave.serial
        and other.version >= version
        for other in known.tombstones
    )


def _reaches(grave: Grave, copy: str) -> bool:
    """A tombstone to one peer covers whatever that peer holds; any other covers the copies of its own audience."""
    return grave.addressee.startswith("to-") or grave.addressee == copy


def arrive(known: Known, incoming: Copy | Grave) -> Arrival:
    """What to do with a verified message about this product; `incoming` was compared with its subject (`trust.judge_copy`).

    Refused codes: `equivocation`, `withdrawn-is-terminal`, `purged-is-terminal`, `narrowed`, `replay`. On Accepted store it,
    then make what is shown and what is erased agree with `standing(with_(known, incoming))`.
    """
    if isinstance(incoming, Copy):
        return _arrive_copy(known, incoming)
    return _arrive_grave(known, incoming)


def with_(known: Known, incoming: Copy | Grave) -> Known:
    """The facts once `incoming` was accepted and what must be erased is erased."""
    after = _add_copy(known, incoming) if isinstance(incoming, Copy) else _add_grave(known, incoming)
    return dataclasses.replace(after, erased=after.erased | standing(after).erase)


def _add_copy(known: Known, copy: Copy) -> Known:
    # What was erased was every copy: only the one that comes now is here.
    gone = copy.version in known.erased
    held = frozenset[str]() if gone else known.copies.get(copy.version, frozenset())
    return dataclasses.replace(
        known,
        versions={**known.versions, copy.version: copy.hash},
        copies={**known.copies, copy.version: held | {copy.audience}},
        erased=known.erased - {copy.version},
    )


def _add_grave(known: Known, grave: Grave) -> Known:
    highest = max(grave.serial, known.serials.get(grave.addressee, 0))
    return dataclasses.replace(
        known,
        tombstones=(*known.tombstones, grave),
        serials={**known.serials, grave.addressee: highest},
        spent={**known.spent, (grave.addressee, grave.serial): grave.hash},
    )


def _arrive_copy(known: Known, copy: Copy) -> Arrival:
    first = known.versions.get(copy.version)
    if first is not None and first != copy.hash:
        return Refused("equivocation", f"Version {copy.version} is here already with other content; the first stays.")
    barred = _barred(known, copy)
    if barred is not None:
        return Duplicate() if first is not None else barred
    if first is not None and copy.version not in known.erased and _is_held(known, copy):
        return Duplicate()
    before, after = standing(known), standing(_add_copy(known, copy))
    if after == before or after.version != copy.version:
        return Accepted(Effect.KEEP)
    return Accepted(Effect.SHOW if after.state is State.SHOWN else Effect.EXPIRE)


def _is_held(known: Known, copy: Copy) -> bool:
    copies = known.copies.get(copy.version)
    return copies is None or copy.audience in copies


def _barred(known: Known, copy: Copy) -> Refused | None:
    """Why this very copy may not be stored: the product is over, or a narrowing in force covers it."""
    kinds = {grave.kind for grave in known.tombstones}
    if TombstoneKind.PURGED in kinds:
        return Refused("purged-is-terminal", "Its origin had this bulletin erased everywhere, for good.")
    if TombstoneKind.WITHDRAWN in kinds:
        return Refused("withdrawn-is-terminal", "Its origin withdrew this bulletin, whatever version follows.")
    alone = dataclasses.replace(known, copies={copy.version: frozenset({copy.audience})})
    if _covered(alone, copy.version, _NARROWED):
        return Refused("narrowed", "Its origin recalled this version from this node.")
    return None


def _arrive_grave(known: Known, grave: Grave) -> Arrival:
    spent = {(held.addressee, held.serial): held.hash for held in known.tombstones} | dict(known.spent)
    used = spent.get((grave.addressee, grave.serial))
    if used == grave.hash:
        return Duplicate()
    highest = known.serials.get(grave.addressee, 0)
    if used is not None or grave.serial == highest:
        return Refused("equivocation", f"Serial {grave.serial} to {grave.addressee} was used for another message.")
    if grave.serial < highest and _is_replay(known, grave):
        return Refused("replay", f"Serial {grave.serial} to {grave.addressee} comes after {highest}: an old message.")
    return Accepted(_effect(known, grave))


def _is_replay(known: Known, grave: Grave) -> bool:
    """Whether a message below the highest serial is only an old one: it gives back, or it would take nothing more away."""
    if grave.kind in TERMINAL:
        return False
    if grave.kind is TombstoneKind.RESTORED or _lifted(known, grave, grave.version):
        return True
    return any(
        held.kind is grave.kind
        and held.addressee == grave.addressee
        and held.serial > grave.serial
        and held.version >= grave.version
        for held in known.tombstones
    )


_EFFECTS: Final[Mapping[TombstoneKind, Effect]] = MappingProxyType(
    {
        TombstoneKind.WITHDRAWN: Effect.HIDE,
        TombstoneKind.PURGED: Effect.ERASE,
        TombstoneKind.NARROWED: Effect.ERASE,
        TombstoneKind.EXPIRED: Effect.EXPIRE,
        TombstoneKind.RESTORED: Effect.LIFT,
    }
)


def _effect(known: Known, grave: Grave) -> Effect:
    before, after = standing(known), standing(_add_grave(known, grave))
    return Effect.KEEP if after == before else _EFFECTS[grave.kind]
