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

import bisect
import dataclasses
import enum
import itertools
from collections.abc import Iterable, Mapping, Sequence
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


MOST_VERSIONS: Final = 200  # of one product: what comes beyond is refused
MOST_TOMBSTONES: Final = 200  # of one product; what still takes something away is taken beyond it, too
MOST_COPIES: Final = 50  # of one version, on different audiences

_NARROWED: Final = frozenset({TombstoneKind.NARROWED})
_NOT_SHOWN: Final = frozenset({TombstoneKind.NARROWED, TombstoneKind.EXPIRED})


def standing(known: Known) -> Standing:
    """What a reader may see of the product: the same for the same set of messages, in whatever order they came."""
    if not known.tombstones:  # so it is for nearly all that ever arrives
        here = (newest := max(known.versions, default=0)) in known.versions and newest not in known.erased
        return Standing(State.SHOWN if here else State.NOTHING, newest if here else None, frozenset())
    kinds = {grave.kind for grave in known.tombstones}
    if TombstoneKind.PURGED in kinds:
        return Standing(State.NOTHING, None, frozenset(known.versions))
    narrowed = _InForce(known.tombstones, _NARROWED)
    erase = frozenset(version for version in known.versions if narrowed.covers(known, version))
    if TombstoneKind.WITHDRAWN in kinds:
        return Standing(State.WITHDRAWN, None, erase)
    not_shown = _InForce(known.tombstones, _NOT_SHOWN)
    newest = max((*known.versions, not_shown.newest), default=0)
    if newest not in known.versions or newest in known.erased | erase:
        return Standing(State.NOTHING, None, erase)
    state = State.EXPIRED if not_shown.covers(known, newest) else State.SHOWN
    return Standing(state, newest, erase)


def covered(tombstones: Iterable[Grave], version: int) -> bool:
    """Whether a narrowing or an expiry among these, all to one addressee, is in force for this version."""
    return _InForce(tombstones, _NOT_SHOWN).anybody(version)


class _InForce:
    """The tombstones of some kinds as the ranges of versions for which they are in force, by addressee.

    A tombstone is in force for the versions up to its own, but for those up to that of a later `restored` to the same addressee:
    one range. They are merged, so that asking about a version costs no more than finding it among them.
    """

    def __init__(self, tombstones: Iterable[Grave], kinds: frozenset[TombstoneKind]) -> None:
        lifts = _Lifts(tombstones := tuple(tombstones))
        ranges: dict[str, list[tuple[int, int]]] = {}
        self.newest = 0
        for grave in tombstones:
            if grave.kind not in kinds:
                continue
            lifted = lifts.up_to(grave)
            if lifted < grave.version:
                ranges.setdefault(grave.addressee, []).append((lifted, grave.version))
                self.newest = max(self.newest, grave.version)
        self._by_addressee = {addressee: _merged(found) for addressee, found in ranges.items()}
        mine = (found for addressee, found in ranges.items() if addressee.startswith("to-"))
        self._to_me = _merged(itertools.chain.from_iterable(mine))
        self._any = _merged(itertools.chain.from_iterable(ranges.values()))

    def anybody(self, version: int) -> bool:
        """Whether any of them is in force for this version."""
        return _within(self._any, version)

    def reaches(self, version: int, copy: str) -> bool:
        """A tombstone to one peer covers whatever that peer holds; any other covers the copies of its own audience."""
        return _within(self._to_me, version) or _within(self._by_addressee.get(copy, ()), version)

    def covers(self, known: Known, version: int) -> bool:
        """Whether every copy of this version lies under one of them."""
        if not self.anybody(version):
            return False
        return all(self.reaches(version, copy) for copy in known.copies.get(version, ()))


class _Lifts:
    """How far what was `restored` lifts what the same addressee was told before."""

    def __init__(self, tombstones: Iterable[Grave]) -> None:
        restored: dict[str, list[tuple[int, int]]] = {}
        for grave in tombstones:
            if grave.kind is TombstoneKind.RESTORED:
                restored.setdefault(grave.addressee, []).append((grave.serial, grave.version))
        self._serials: dict[str, list[int]] = {}
        self._highest: dict[str, list[int]] = {}
        for addressee, found in restored.items():
            found.sort(reverse=True)
            highest = list(itertools.accumulate((version for _, version in found), max))
            self._serials[addressee] = [serial for serial, _ in reversed(found)]
            self._highest[addressee] = highest[::-1]  # the highest version of this serial and those after it

    def up_to(self, grave: Grave) -> int:
        """The highest version for which a later `restored` lifts this tombstone; 0 when none does."""
        serials = self._serials.get(grave.addressee, [])
        later = bisect.bisect_right(serials, grave.serial)
        return self._highest[grave.addressee][later] if later < len(serials) else 0


def _merged(ranges: Iterable[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    """The same versions as ranges (after, up to) that rise and do not touch."""
    merged: list[tuple[int, int]] = []
    for after, up_to in sorted(ranges):
        if merged and after <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(up_to, merged[-1][1]))
        else:
            merged.append((after, up_to))
    return tuple(merged)


def _within(ranges: Sequence[tuple[int, int]], version: int) -> bool:
    at = bisect.bisect_left(ranges, (version,))  # the first range that does not begin before this version
    return at > 0 and version <= ranges[at - 1][1]


def arrive(known: Known, incoming: Copy | Grave) -> Arrival:
    """What to do with a verified message about this product; `incoming` was compared with its subject (`trust.judge_copy`).

    Refused codes: `equivocation`, `withdrawn-is-terminal`, `purged-is-terminal`, `narrowed`, `replay`, `over-cap`. On Accepted store it,
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
    return dataclasses.replace(
        known,
        tombstones=(*known.tombstones, grave),
        serials={**known.serials, grave.addressee: max(grave.serial, known.serials.get(grave.addressee, 0))},
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
    crowded = _crowded(known, copy)
    if crowded is not None:
        return crowded
    before, after = standing(known), standing(_add_copy(known, copy))
    if after == before or after.version != copy.version:
        return Accepted(Effect.KEEP)
    return Accepted(Effect.SHOW if after.state is State.SHOWN else Effect.EXPIRE)


def _crowded(known: Known, copy: Copy) -> Refused | None:
    if copy.version not in known.versions and len(known.versions) >= MOST_VERSIONS:
        return Refused("over-cap", f"{MOST_VERSIONS} versions of this bulletin are here, as many as there may be.")
    if len(known.copies.get(copy.version, ())) >= MOST_COPIES:
        return Refused("over-cap", f"{MOST_COPIES} copies of this version are here, as many as there may be.")
    return None


def _is_held(known: Known, copy: Copy) -> bool:
    return copy.audience in known.copies.get(copy.version, (copy.audience,))


def _barred(known: Known, copy: Copy) -> Refused | None:
    """Why this very copy may not be stored: the product is over, or a narrowing in force covers it."""
    kinds = {grave.kind for grave in known.tombstones}
    if TombstoneKind.PURGED in kinds:
        return Refused("purged-is-terminal", "Its origin had this bulletin erased everywhere, for good.")
    if TombstoneKind.WITHDRAWN in kinds:
        return Refused("withdrawn-is-terminal", "Its origin withdrew this bulletin, whatever version follows.")
    if known.tombstones and _InForce(known.tombstones, _NARROWED).reaches(copy.version, copy.audience):
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
    if len(known.tombstones) >= MOST_TOMBSTONES and not _must_be_taken(known, grave):
        return Refused("over-cap", f"{MOST_TOMBSTONES} recalls of this bulletin are here, as many as there may be.")
    return Accepted(_effect(known, grave))


def _must_be_taken(known: Known, grave: Grave) -> bool:
    """Whether a recall counts however many there are: the first of its kind that ends the product, or one that takes away."""
    if grave.kind in TERMINAL or grave.kind is TombstoneKind.RESTORED:
        return grave.kind in TERMINAL and all(held.kind is not grave.kind for held in known.tombstones)
    before, after = standing(known), standing(_add_grave(known, grave))
    return after != before or not after.erase <= known.erased


def _is_replay(known: Known, grave: Grave) -> bool:
    """Whether a message below the highest serial is only an old one: it gives back, or it would take nothing more away."""
    if grave.kind in TERMINAL:
        return False
    if grave.kind is TombstoneKind.RESTORED or _Lifts(known.tombstones).up_to(grave) >= grave.version:
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
