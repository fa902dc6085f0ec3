"""The filters of a peer's durables match exactly what its agreement allows; the wildcard matcher is the test's own."""

from __future__ import annotations

import datetime as dt
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.rules.agreement import Agreement, Filters, filters, of_file
from hub.rules.decision import Allowed, Withheld
from schemas.marking import rank
from schemas.register import AgreementFile, Caps
from schemas.subjects import BulletinSubject, RecallSubject, ReceiptSubject, RollcallSubject
from schemas.vocabulary import Lane, Mode, Tlp, Topic
from tests.rules.cases import DAY, LONG_AGO, NOW, PLACES, agreement, agreements

ORIGINS = ("tx", "tx-ntic")


def matches(pattern: str, subject: str) -> bool:
    """NATS: `*` is one token, `>` is one or more at the end."""
    want, have = pattern.split("."), subject.split(".")
    for n, token in enumerate(want):
        if token == ">":
            return n < len(have)
        if n >= len(have) or token not in ("*", have[n]):
            return False
    return len(want) == len(have)


def lies_within(narrow: str, wide: str) -> bool:
    """Whether every subject of `narrow` is one of `wide` (neither uses `>`)."""
    one, other = narrow.split("."), wide.split(".")
    return len(one) == len(other) and all(b in ("*", a) for a, b in zip(one, other, strict=True))


def delivers(to: tuple[str, ...], subject: str) -> bool:
    return any(matches(pattern, subject) for pattern in to)


def made(of: Agreement | None, peer: str = "ok", mode: Mode = Mode.LIVE) -> Filters:
    return filters(of, peer=peer, mode=mode, origins=ORIGINS, now=NOW)


@pytest.mark.parametrize(
    ("pattern", "subject", "fits"),
    [
        ("a.*.c", "a.b.c", True),
        ("a.*", "a.b.c", False),
        ("a.>", "a.b.c", True),
        ("a.>", "a", False),
        ("a.b", "a.b", True),
        ("a.b.c", "a.b", False),
    ],
)
def test_the_matcher_of_this_test(pattern: str, subject: str, fits: bool) -> None:
    assert matches(pattern, subject) is fits


def test_the_filters_of_a_small_agreement() -> None:
    small = agreement(
        topics=frozenset({Topic.CYBER, Topic.SWATTING}), ceiling=Tlp.AMBER, lanes=frozenset({Lane.ROUTINE})
    )
    made_here = filters(small, peer="ok", mode=Mode.EXERCISE, origins=["tx"], now=NOW)
    assert made_here.flash == (
        "exercise.tx.recall.all",
        "exercise.tx.rollcall.all",
        "exercise.tx.recall.to-ok",
        "exercise.tx.rollcall.to-ok",
        "exercise.tx.receipt.to-ok",
    )
    assert made_here.routine == tuple(
        f"exercise.tx.bulletin.routine.{level}.{topic}"
        for level in ("all.clear", "all.green", "to-ok.clear", "to-ok.green", "to-ok.amber")
        for topic in ("cyber", "swatting")
    )


def test_all_topics_are_one_wildcard_and_levels_never_are() -> None:
    assert made(agreement()).routine[:3] == (
        "live.tx.bulletin.routine.all.clear.*",
        "live.tx.bulletin.routine.all.green.*",
        "live.tx.bulletin.routine.to-ok.clear.*",
    )


@pytest.mark.parametrize(
    "of",
    [
        None,
        agreement(peer="va"),
        agreement(topics=frozenset()),
        agreement(lanes=frozenset()),
        agreement(since=NOW + DAY),
        agreement(until=NOW),
    ],
)
def test_where_nothing_is_allowed_the_filter_matches_nothing_but_recall_stays(of: Agreement | None) -> None:
    made_here = made(of)
    assert made_here.routine == ("void.ok",)
    assert not any(".bulletin." in pattern for pattern in made_here.flash)
    for origin in ORIGINS:
        assert delivers(made_here.flash, f"live.{origin}.recall.all")
        assert delivers(made_here.flash, f"live.{origin}.recall.to-ok")


def test_a_node_without_origins_offers_nothing() -> None:
    assert filters(agreement(), peer="ok", mode=Mode.LIVE, origins=(), now=NOW) == Filters(("void.ok",), ("void.ok",))


subjects = st.builds(
    lambda mode, origin, lane, wide, peer, topic: str(
        BulletinSubject(mode, origin, lane, *(("all", wide) if peer is None else (f"to-{peer[0]}", peer[1])), topic)
    ),
    st.sampled_from(Mode),
    st.sampled_from([*ORIGINS, "oh"]),
    st.sampled_from(Lane),
    st.sampled_from([Tlp.CLEAR, Tlp.GREEN]),
    st.one_of(
        st.none(), st.tuples(st.sampled_from(PLACES), st.sampled_from([one for one in Tlp if one is not Tlp.RED]))
    ),
    st.sampled_from(Topic),
)


@given(st.one_of(st.none(), agreements), subjects, st.sampled_from(PLACES))
def test_a_bulletin_is_delivered_exactly_when_the_agreement_allows_it(
    of: Agreement | None, subject: str, peer: str
) -> None:
    mode, origin, _, lane, audience, tlp, topic = subject.split(".")
    level = Tlp.AMBER_STRICT if tlp == "amberstrict" else Tlp(tlp)
    allowed = (
        of is not None
        and of.peer == peer
        and mode == "live"
        and origin in ORIGINS
        and audience in ("all", f"to-{peer}")
        and isinstance(of.allows(topic=Topic(topic), tlp=level, lane=Lane(lane), now=NOW), Allowed)
    )
    made_here = made(of, peer)
    right, wrong = (made_here.flash, made_here.routine) if lane == "flash" else (made_here.routine, made_here.flash)
    assert delivers(right, subject) is allowed
    assert not delivers(wrong, subject)


@given(st.one_of(st.none(), agreements), st.sampled_from(PLACES), st.sampled_from(Mode))
def test_no_list_is_empty_and_no_filter_lies_within_another(of: Agreement | None, peer: str, mode: Mode) -> None:
    made_here = made(of, peer, mode)
    for listed in (made_here.flash, made_here.routine):
        assert listed
        assert not any(lies_within(one, other) for one, other in itertools.permutations(listed, 2))
        assert all(len(pattern.encode()) <= 255 for pattern in listed)


@given(st.one_of(st.none(), agreements), st.sampled_from(PLACES), st.sampled_from(PLACES))
def test_control_messages_reach_their_peer_and_no_other(of: Agreement | None, peer: str, other: str) -> None:
    flash = made(of, peer).flash
    for subject in (RecallSubject(Mode.LIVE, "tx", "all"), RollcallSubject(Mode.LIVE, "tx-ntic", "all")):
        assert delivers(flash, str(subject))
    for subject in (
        RecallSubject(Mode.LIVE, "tx", f"to-{other}"),
        RollcallSubject(Mode.LIVE, "tx", f"to-{other}"),
        ReceiptSubject(Mode.LIVE, "tx", other),
    ):
        assert delivers(flash, str(subject)) is (peer == other)
    assert not delivers(flash, "exercise.tx.recall.all")


@given(agreements, st.sampled_from(Topic), st.sampled_from(Tlp), st.sampled_from(Lane))
def test_the_agreement_gives_its_reason(of: Agreement, topic: Topic, tlp: Tlp, lane: Lane) -> None:
    decision = of.allows(topic=topic, tlp=tlp, lane=lane, now=NOW)
    reasons = {
        "agreement-not-begun": of.since > NOW,
        "agreement-ended": of.until is not None and of.until <= NOW,
        "topic": topic not in of.topics,
        "ceiling": rank(tlp) > rank(of.ceiling) or tlp is Tlp.RED,
        "lane": lane not in of.lanes,
    }
    if isinstance(decision, Withheld):
        assert reasons[decision.code]
        assert decision.reason.endswith(".")
    else:
        assert not any(reasons.values())


def test_an_operators_file_is_read() -> None:
    file = AgreementFile(
        peer="ok",
        topics="*",
        ceiling=Tlp.GREEN,
        lanes=(Lane.ROUTINE,),
        from_=LONG_AGO,
        until=NOW + DAY,
        redistribution=True,
        caps=Caps(max_messages_per_day=5, max_bytes=6),
    )
    assert of_file(file) == Agreement(
        peer="ok",
        topics=frozenset(Topic),
        ceiling=Tlp.GREEN,
        lanes=frozenset({Lane.ROUTINE}),
        since=LONG_AGO,
        until=NOW + dt.timedelta(days=1),
        redistribution=True,
        max_messages_per_day=5,
        max_bytes=6,
    )
