"""What a received version or tombstone changes, and that the order of arrival changes nothing."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from hub.rules.decision import Accepted, Arrival, Duplicate, Effect, Refused
from hub.rules.lifecycle import Copy, Grave, Known, Standing, State, arrive, standing, with_
from schemas.vocabulary import TombstoneKind

WITHDRAWN, PURGED, NARROWED, EXPIRED, RESTORED = (
    TombstoneKind.WITHDRAWN,
    TombstoneKind.PURGED,
    TombstoneKind.NARROWED,
    TombstoneKind.EXPIRED,
    TombstoneKind.RESTORED,
)
TO_ALL, TO_ME, GROUP = "all", "to-ok", "g-tx-metro"
Message = Copy | Grave


def copy(version: int, audience: str = TO_ALL, *, other: bool = False) -> Copy:
    return Copy(version, ("ff" if other else f"{version:02x}") * 32, audience)


def grave(kind: TombstoneKind, version: int = 1, serial: int = 1, addressee: str = TO_ALL) -> Grave:
    return Grave(kind, version, serial, addressee, f"{addressee}/{serial}/{kind}/{version}")


def take(messages: Iterable[Message], known: Known | None = None) -> tuple[Known, list[Arrival]]:
    known = Known() if known is None else known
    answers: list[Arrival] = []
    for message in messages:
        answers.append(arrive(known, message))
        if isinstance(answers[-1], Accepted):
            known = with_(known, message)
    return known, answers


def said(answer: Arrival) -> str:
    match answer:
        case Accepted(effect):
            return effect.value
        case Duplicate():
            return "duplicate"
        case Refused(code):
            return code


TABLE: list[tuple[list[Message], list[str], State, int | None]] = [
    # versions
    ([copy(1)], ["show"], State.SHOWN, 1),
    ([copy(1), copy(1)], ["show", "duplicate"], State.SHOWN, 1),
    ([copy(1), copy(2)], ["show", "show"], State.SHOWN, 2),
    ([copy(2), copy(1)], ["show", "keep"], State.SHOWN, 2),
    ([copy(1), copy(1, other=True)], ["show", "equivocation"], State.SHOWN, 1),
    ([copy(1), copy(1, TO_ME), copy(1, TO_ME)], ["show", "keep", "duplicate"], State.SHOWN, 1),
    # terminal, in any order
    ([copy(1), grave(WITHDRAWN)], ["show", "hide"], State.WITHDRAWN, None),
    ([grave(WITHDRAWN), copy(1)], ["hide", "withdrawn-is-terminal"], State.WITHDRAWN, None),
    ([copy(1), grave(WITHDRAWN), copy(1)], ["show", "hide", "duplicate"], State.WITHDRAWN, None),
    ([copy(1), grave(WITHDRAWN), copy(9)], ["show", "hide", "withdrawn-is-terminal"], State.WITHDRAWN, None),
    ([copy(1), grave(WITHDRAWN), copy(1, other=True)], ["show", "hide", "equivocation"], State.WITHDRAWN, None),
    ([grave(WITHDRAWN), grave(RESTORED, 9, 2)], ["hide", "keep"], State.WITHDRAWN, None),
    ([grave(WITHDRAWN), grave(WITHDRAWN, 1, 2, TO_ME)], ["hide", "keep"], State.WITHDRAWN, None),
    ([copy(1), grave(PURGED), copy(2)], ["show", "erase", "purged-is-terminal"], State.NOTHING, None),
    ([copy(1), grave(WITHDRAWN), grave(PURGED, 1, 2)], ["show", "hide", "erase"], State.NOTHING, None),
    ([grave(PURGED), grave(WITHDRAWN, 1, 2)], ["keep", "keep"], State.NOTHING, None),
    # narrowed
    ([copy(1), grave(NARROWED)], ["show", "erase"], State.NOTHING, None),
    ([grave(NARROWED), copy(1)], ["keep", "narrowed"], State.NOTHING, None),
    ([grave(NARROWED), copy(2)], ["keep", "show"], State.SHOWN, 2),
    ([copy(2), grave(NARROWED)], ["show", "keep"], State.SHOWN, 2),
    ([copy(1), copy(2), grave(NARROWED, 2)], ["show", "show", "erase"], State.NOTHING, None),
    ([copy(1, TO_ME), copy(2), grave(NARROWED, 2)], ["show", "show", "erase"], State.NOTHING, None),
    ([copy(1), grave(NARROWED), copy(1)], ["show", "erase", "duplicate"], State.NOTHING, None),
    # narrowed on `all`, kept by those who have it as their own copy
    ([copy(1), grave(NARROWED, 2), copy(2, TO_ME)], ["show", "erase", "show"], State.SHOWN, 2),
    ([copy(1), copy(2, TO_ME), grave(NARROWED, 2)], ["show", "show", "erase"], State.SHOWN, 2),
    ([copy(1), copy(1, TO_ME), grave(NARROWED)], ["show", "keep", "keep"], State.SHOWN, 1),
    ([copy(1), grave(NARROWED), copy(1, TO_ME)], ["show", "erase", "show"], State.SHOWN, 1),
    ([copy(1), grave(NARROWED, 1, 1, TO_ME)], ["show", "erase"], State.NOTHING, None),
    ([copy(1, GROUP), grave(NARROWED)], ["show", "keep"], State.SHOWN, 1),
    ([copy(1, GROUP), grave(NARROWED, 1, 1, GROUP)], ["show", "erase"], State.NOTHING, None),
    # a narrowing speaks of a version that never came: what is here is not the newest
    ([copy(1, TO_ME), grave(NARROWED, 2)], ["show", "erase"], State.NOTHING, None),
    ([copy(1, TO_ME), grave(NARROWED, 2), copy(2)], ["show", "erase", "narrowed"], State.NOTHING, None),
    # expired by its origin, restored
    ([copy(1), grave(EXPIRED)], ["show", "expire"], State.EXPIRED, 1),
    ([grave(EXPIRED), copy(1)], ["keep", "expire"], State.EXPIRED, 1),
    ([copy(1), grave(EXPIRED), copy(2)], ["show", "expire", "show"], State.SHOWN, 2),
    ([copy(1), grave(EXPIRED), grave(RESTORED, 1, 2)], ["show", "expire", "lift"], State.SHOWN, 1),
    ([copy(1), grave(EXPIRED), grave(RESTORED, 1, 2, TO_ME)], ["show", "expire", "keep"], State.EXPIRED, 1),
    ([copy(2), grave(EXPIRED, 2), grave(RESTORED, 1, 2)], ["show", "expire", "keep"], State.EXPIRED, 2),
    ([grave(NARROWED), grave(RESTORED, 1, 2), copy(1)], ["keep", "keep", "show"], State.SHOWN, 1),
    ([copy(1), grave(NARROWED), grave(RESTORED, 1, 2), copy(1)], ["show", "erase", "lift", "show"], State.SHOWN, 1),
    ([copy(1), grave(NARROWED), grave(EXPIRED, 1, 2)], ["show", "erase", "keep"], State.NOTHING, None),
    (
        [copy(1), grave(NARROWED), copy(1, GROUP), grave(RESTORED, 1, 2), grave(NARROWED, 1, 1, GROUP)],
        ["show", "erase", "show", "keep", "erase"],
        State.NOTHING,
        None,
    ),
    # serials
    ([grave(NARROWED), grave(NARROWED)], ["keep", "duplicate"], State.NOTHING, None),
    ([grave(NARROWED), grave(WITHDRAWN)], ["keep", "equivocation"], State.NOTHING, None),
    ([copy(1), grave(EXPIRED, 1, 2), grave(EXPIRED)], ["show", "expire", "replay"], State.EXPIRED, 1),
    ([copy(1), grave(RESTORED, 1, 2), grave(NARROWED)], ["show", "keep", "replay"], State.SHOWN, 1),
    ([copy(1), grave(EXPIRED, 1, 2), grave(RESTORED)], ["show", "expire", "replay"], State.EXPIRED, 1),
    ([copy(1), grave(EXPIRED, 1, 2), grave(RESTORED, 1, 1, TO_ME)], ["show", "expire", "keep"], State.EXPIRED, 1),
    ([copy(2), grave(NARROWED, 1, 2), grave(NARROWED, 2, 1)], ["show", "keep", "erase"], State.NOTHING, None),
    ([copy(1), grave(EXPIRED, 1, 2), grave(WITHDRAWN)], ["show", "expire", "hide"], State.WITHDRAWN, None),
]


@pytest.mark.parametrize(("messages", "answers", "state", "version"), TABLE)
def test_what_arrives(messages: list[Message], answers: list[str], state: State, version: int | None) -> None:
    known, given_answers = take(messages)
    assert [said(answer) for answer in given_answers] == answers
    now = standing(known)
    assert (now.state, now.version) == (state, version)
    assert known.erased >= now.erase


def test_serials_are_counted_over_all_products_of_an_origin() -> None:
    known = Known(serials={TO_ALL: 7}, spent={(TO_ALL, 7): "h", (TO_ALL, 3): "other"})
    assert said(arrive(known, grave(RESTORED, 1, 5))) == "replay"
    assert said(arrive(known, grave(RESTORED, 1, 8))) == "keep"
    assert said(arrive(known, grave(RESTORED, 1, 1, TO_ME))) == "keep"
    assert said(arrive(known, grave(WITHDRAWN, 1, 7))) == "equivocation"
    assert said(arrive(known, grave(WITHDRAWN, 1, 3))) == "equivocation"
    assert said(arrive(known, grave(NARROWED, 1, 5))) == "keep"  # never seen: taken, though late
    assert said(arrive(known, Grave(WITHDRAWN, 1, 7, TO_ALL, "h"))) == "duplicate"


def test_a_version_whose_copies_are_not_known_is_covered_by_any_tombstone() -> None:
    known = Known(versions={1: copy(1).hash})
    assert standing(with_(known, grave(NARROWED, 1, 1, GROUP))).state is State.NOTHING
    assert said(arrive(known, copy(1))) == "duplicate"


# -------------------------------------------------------------------------------------- in any order
audiences = st.sampled_from([TO_ALL, TO_ME, GROUP])
copies = st.builds(copy, st.integers(1, 3), audiences)
taking = st.builds(grave, st.sampled_from([NARROWED, EXPIRED]), st.integers(1, 3), st.just(0), audiences)
ending = st.builds(grave, st.sampled_from([WITHDRAWN, PURGED]), st.integers(1, 3), st.just(0), audiences)
giving = st.builds(grave, st.just(RESTORED), st.integers(1, 3), st.just(0), audiences)


def numbered(messages: Sequence[Message]) -> list[Message]:
    """Each addressee's tombstones with serials that rise in the order in which the origin said them."""
    counters = {audience: itertools.count(1) for audience in (TO_ALL, TO_ME, GROUP)}
    return [
        one if isinstance(one, Copy) else grave(one.kind, one.version, next(counters[one.addressee]), one.addressee)
        for one in messages
    ]


def overtaken(messages: Sequence[Message]) -> bool:
    """Whether a `restored` comes after a higher serial of its own addressee."""
    highest: dict[str, int] = {}
    for one in messages:
        if isinstance(one, Grave):
            if one.kind is RESTORED and one.serial < highest.get(one.addressee, 0):
                return True
            highest[one.addressee] = max(one.serial, highest.get(one.addressee, 0))
    return False


def visible(now: Standing) -> tuple[State, int | None]:
    return now.state, now.version


def after_all(messages: Sequence[Message], *, offered_again: bool) -> tuple[State, int | None]:
    """What a reader sees in the end; the origin may have offered every version again, as a refill of its stream does."""
    known, _ = take(messages)
    if offered_again:
        known, _ = take((one for one in messages if isinstance(one, Copy)), known)
    return visible(standing(known))


sets_that_only_take = st.lists(st.one_of(copies, copies, taking, ending), max_size=5).map(numbered)
sets = st.lists(st.one_of(copies, copies, taking, taking, giving, ending), max_size=5).map(numbered)


@given(sets_that_only_take)
@example([copy(1, TO_ME), copy(2), grave(NARROWED, 2)])
@example([copy(1), copy(1, GROUP), grave(NARROWED), grave(EXPIRED, 1, 1, GROUP)])
def test_every_order_of_the_same_messages_ends_the_same(messages: list[Message]) -> None:
    ends = {after_all(order, offered_again=False) for order in itertools.permutations(messages)}
    assert len(ends) == 1


@given(sets)
def test_with_restoring_every_order_ends_the_same_once_all_is_offered_again(messages: list[Message]) -> None:
    orders = [order for order in itertools.permutations(messages) if not overtaken(order)]
    assert len({after_all(order, offered_again=True) for order in orders}) == 1


@given(sets, st.randoms(use_true_random=False))
def test_no_order_shows_more_than_the_right_one(messages: list[Message], chance) -> None:
    right = after_all(messages, offered_again=True)
    shuffled = chance.sample(messages, len(messages))
    state, version = after_all(shuffled, offered_again=True)
    if state is State.SHOWN:
        assert right == (State.SHOWN, version)
    if state is State.EXPIRED:
        assert right[0] in {State.SHOWN, State.EXPIRED}


@given(sets, st.data())
def test_what_comes_twice_changes_nothing(messages: list[Message], data: st.DataObject) -> None:
    once, _ = take(messages)
    if messages:
        again = arrive(once, data.draw(st.sampled_from(messages)))
        # Bytes that were erased may be taken again once nothing bars them; all else is known or refused.
        assert not (isinstance(again, Accepted) and again.effect in {Effect.HIDE, Effect.ERASE, Effect.LIFT})


@given(sets, st.randoms(use_true_random=False))
def test_a_product_that_ended_is_never_shown_again(messages: list[Message], chance) -> None:
    shuffled = chance.sample(messages, len(messages))
    known, ended = Known(), False
    for message in shuffled:
        if isinstance(arrive(known, message), Accepted):
            known = with_(known, message)
        ended |= isinstance(message, Grave) and message.kind in {WITHDRAWN, PURGED}
        if ended:
            assert standing(known).state in {State.WITHDRAWN, State.NOTHING}


@given(sets)
def test_the_first_content_of_a_version_stays(messages: list[Message]) -> None:
    known, _ = take(messages)
    for version, first in known.versions.items():
        assert said(arrive(known, copy(version, other=True))) == "equivocation"
        assert known.versions[version] == first


@given(sets)
def test_the_effect_says_what_changes(messages: list[Message]) -> None:
    known = Known()
    for message in messages:
        before, answer = standing(known), arrive(known, message)
        if not isinstance(answer, Accepted):
            continue
        known = with_(known, message)
        after = standing(known)
        if answer.effect is Effect.KEEP:
            assert visible(after) == visible(before)
        if answer.effect is Effect.SHOW:
            assert isinstance(message, Copy)
            assert visible(after) == (State.SHOWN, message.version)
        if answer.effect is Effect.HIDE:
            assert after.state is State.WITHDRAWN


@given(st.dictionaries(st.integers(1, 9), st.just("aa" * 32)), st.frozensets(st.integers(1, 9)))
def test_a_product_without_tombstones_stands_as_with_one_that_does_nothing(versions, erased):
    without = Known(versions=versions, erased=erased)
    nothing = Known(versions=versions, erased=erased, tombstones=(grave(RESTORED, 9, 1),))
    assert standing(without) == standing(nothing)  # the short answer is the long one
