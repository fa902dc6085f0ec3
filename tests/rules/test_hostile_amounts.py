"""Times at the end of the calendar, and more messages about one product than anybody has reason to send."""

from __future__ import annotations

import datetime as dt
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.rules import lifecycle
from hub.rules.decision import Accepted, Refused
from hub.rules.lifecycle import MOST_COPIES, MOST_TOMBSTONES, MOST_VERSIONS, Known, Stage, arrive, standing, with_
from hub.rules.policy import DEFAULT
from hub.rules.release import Exit, Item, Public, may_leave
from hub.rules.trust import may_speak
from schemas.register import RegisterEntry, RegisterKey
from schemas.subjects import parse
from schemas.vocabulary import Audience, KeyState, KeyUse, Lane, Mode, RecordClass, Tlp, TombstoneKind, Topic
from tests.rules.test_arrival import (
    EXPIRED,
    NARROWED,
    PURGED,
    RESTORED,
    TO_ALL,
    TO_ME,
    WITHDRAWN,
    Copy,
    copy,
    grave,
    said,
)

FIRST, LAST = dt.datetime(1, 1, 1, tzinfo=dt.UTC), dt.datetime(9999, 12, 31, 23, 59, 59, 999000, tzinfo=dt.UTC)
NOW = dt.datetime(2026, 11, 23, tzinfo=dt.UTC)


@pytest.mark.parametrize(("expires", "leaves"), [(LAST, True), (FIRST, False)])
@pytest.mark.parametrize("own", [False, True])
def test_a_hostile_expiry_is_judged(expires, leaves, own) -> None:
    item = Item(
        mode=Mode.LIVE, origin="oh", own=own, stage=Stage.RELEASED, tlp=Tlp.CLEAR, topic=Topic.WEATHER, lane=Lane.ROUTINE,
        audience=Audience.ALL, record_class=RecordClass.SAFETY_NOTICE, expires=expires,
    )  # fmt: skip
    decision = may_leave(item, Exit.PAGE, Public(), mode=Mode.LIVE, now=NOW, policy=DEFAULT)
    assert (type(decision).__name__ == "Allowed") is leaves


@pytest.mark.parametrize("from_", [FIRST, LAST, NOW])
@pytest.mark.parametrize("said_at", [FIRST, LAST, NOW])
def test_hostile_times_of_a_key_are_judged(from_, said_at) -> None:
    key = RegisterKey(public="A" * 56, use=KeyUse.SIGN_LIVE, from_=from_, until=LAST, state=KeyState.RETIRED)
    entry = RegisterEntry(
        place="oh", serial=1, mode=Mode.LIVE, name="oh", origins=("oh",), keys=(key,), public_url="https://oh.example"
    )
    decision = may_speak(entry, "A" * 56, parse("live.oh.recall.all"), NOW, said_at=said_at)
    assert isinstance(decision, Accepted) is (from_ <= NOW and from_ <= said_at < LAST)


# -------------------------------------------------------------------------------- against the plain reading
def plainly(known: Known) -> tuple[frozenset[int], int, bool]:
    """What is erased, the newest version spoken of and whether it is covered, straight from the rules' words."""

    def lifted(stone, version):
        return any(
            one.kind is RESTORED
            and one.addressee == stone.addressee
            and one.serial > stone.serial
            and one.version >= version
            for one in known.tombstones
        )

    def covered(version, kinds):
        under = [
            one for one in known.tombstones if one.kind in kinds and one.version >= version and not lifted(one, version)
        ]
        return bool(under) and all(
            any(one.addressee.startswith("to-") or one.addressee == audience for one in under)
            for audience in known.copies.get(version, ())
        )

    both = {NARROWED, EXPIRED}
    told = [one.version for one in known.tombstones if one.kind in both and not lifted(one, one.version)]
    newest = max((*known.versions, *told), default=0)
    return frozenset(one for one in known.versions if covered(one, {NARROWED})), newest, covered(newest, both)


audiences = st.sampled_from([TO_ALL, TO_ME, "g-tx-metro"])
stones = st.builds(
    grave, st.sampled_from([NARROWED, EXPIRED, RESTORED]), st.integers(1, 6), st.integers(1, 12), audiences
)


@settings(max_examples=300)
@given(st.dictionaries(st.integers(1, 6), st.frozensets(audiences)), st.lists(stones, max_size=12))
def test_the_ranges_say_what_the_rules_say(copies, tombstones) -> None:
    known = Known(versions={one: f"{one}" for one in copies}, copies=copies, tombstones=tuple(tombstones))
    erase, newest, over = plainly(known)
    now = standing(known)
    assert now.erase == erase
    if newest in known.versions and newest not in erase:
        assert (now.version, now.state is lifecycle.State.EXPIRED) == (newest, over)
    else:
        assert now.version is None


# ------------------------------------------------------------------------------------------------- bounds
def many(number: int) -> Known:
    stones = tuple(grave(RESTORED if n % 2 else EXPIRED, 1, n, TO_ALL) for n in range(1, number + 1))
    return Known(
        versions={1: copy(1).hash}, copies={1: frozenset({TO_ALL})}, tombstones=stones, serials={TO_ALL: number}
    )


def test_hostile_tombstones_of_one_product_are_bounded() -> None:
    known = many(MOST_TOMBSTONES)
    over = MOST_TOMBSTONES + 1
    assert said(arrive(known, grave(RESTORED, 1, over))) == "over-cap"
    for kind, effect in ((WITHDRAWN, "hide"), (PURGED, "erase"), (NARROWED, "erase")):
        assert said(arrive(known, grave(kind, 1, over))) == effect, "what takes away is taken all the same"
    ended = with_(known, grave(WITHDRAWN, 1, over))
    assert said(arrive(ended, grave(WITHDRAWN, 1, over + 1))) == "over-cap"
    assert said(arrive(ended, grave(PURGED, 1, over + 1))) == "erase"
    gone = with_(known, grave(NARROWED, 1, over))
    assert said(arrive(gone, grave(NARROWED, 1, over + 1))) == "over-cap"


def test_hostile_versions_and_copies_of_one_product_are_bounded() -> None:
    full = Known(versions={n: copy(n).hash for n in range(1, MOST_VERSIONS + 1)})
    assert said(arrive(full, Copy(MOST_VERSIONS + 1, "aa" * 32, TO_ALL))) == "over-cap"
    assert said(arrive(full, copy(1))) == "duplicate"
    audiences = frozenset(f"g-tx-a{n}" for n in range(MOST_COPIES))
    wide = Known(versions={1: copy(1).hash}, copies={1: audiences})
    assert said(arrive(wide, copy(1))) == "over-cap"
    answer = arrive(wide, copy(2))
    assert not isinstance(answer, Refused)


def test_a_hostile_history_is_judged_in_no_time() -> None:
    stones = tuple(
        grave(TombstoneKind.RESTORED if n % 2 else NARROWED, n, n, f"g-tx-a{n % 50}")
        for n in range(1, 2 * MOST_TOMBSTONES)
    )
    copies = {n: frozenset({TO_ALL, TO_ME}) for n in range(1, MOST_VERSIONS)}
    known = Known(versions={n: copy(n).hash for n in copies}, copies=copies, tombstones=stones)
    began = time.process_time()
    for _ in range(10):
        standing(known)
    assert time.process_time() - began < 0.5
