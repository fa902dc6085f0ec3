from __future__ import annotations

import datetime as dt

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors import chain
from schemas.bulletin import Advisory, Area
from schemas.vocabulary import Action, Certainty, Severity, Status, Tlp, Topic, Urgency

NOON = dt.datetime(2031, 5, 6, 12, tzinfo=dt.UTC)
FIRST, SECOND, LAST = (f"a,m{n},2031-05-06T1{n}:00:00-05:00" for n in range(3))


def message(key: str = FIRST, **given: object) -> Advisory:
    facts: dict[str, object] = {
        "source": "ipaws",
        "key": key,
        "revision": f"revision of {key}",
        "action": Action.NEW,
        "status": Status.ACTUAL,
        "headline": f"Headline of {key}",
        "summary": f"Summary of {key}",
        "severity": Severity.SEVERE,
        "urgency": Urgency.IMMEDIATE,
        "certainty": Certainty.OBSERVED,
        "topics": (Topic.HAZARD,),
        "areas": (Area("TX", "48453"),),
        "effective": NOON,
        "expires": NOON + dt.timedelta(hours=1),
        "url": "https://county.example",
        "language": "es",
        "languages": ("es", "en"),
        "item": "0",
    }
    return msgspec.convert(facts | given, Advisory)


def bare(*references: str, key: str = LAST, **given: object) -> Advisory:
    nothing = {
        "topics": (),
        "areas": (),
        "severity": Severity.UNKNOWN,
        "summary": "Cancelled.",
        "expires": None,
        "url": None,
    }
    return message(key, action=Action.CANCEL, references=references, **nothing | given)


def completed(said: Advisory, *around: Advisory) -> Advisory:
    return chain.completed(said, chain.by_identity(around))


def test_a_cancel_without_words_takes_those_of_what_it_cancels() -> None:
    made, before = completed(bare(FIRST), message()), message()
    assert (made.key, made.action, made.revision) == (LAST, Action.CANCEL, f"revision of {LAST}")
    assert (made.headline, made.summary) == (before.headline, f"Cancelled.\n{before.summary}")
    same = ("severity", "urgency", "certainty", "topics", "areas", "expires", "url", "language", "languages", "status")
    assert [getattr(made, name) for name in same] == [getattr(before, name) for name in same]


def test_what_is_not_around_leaves_it_as_it_is() -> None:
    for said in (bare(FIRST), bare(), bare(LAST)):
        assert completed(said, message(SECOND), said) is said


def test_a_message_with_words_keeps_them() -> None:
    worded = message(LAST, action=Action.CANCEL, references=(FIRST,))
    assert completed(worded, message()) is worded
    update = message(LAST, action=Action.UPDATE, references=(FIRST,))
    assert completed(update, message()) is update


def test_one_moment_may_be_spelled_in_two_ways() -> None:
    assert chain.is_bare(bare(FIRST))
    assert completed(bare("a,m0,2031-05-06T15:00:00Z"), message()).headline == message().headline
    assert chain.identity("a,m,2031-05-06T10:00:00-05:00") == chain.identity("a,m,2031-05-06T15:00:00.000Z")
    assert chain.identity("a,m,2031-05-06T10:00:00-05:00") != chain.identity("a,m,2031-05-06T10:00:00-06:00")


@given(st.text(max_size=60))
def test_any_key_has_an_identity(key: str) -> None:
    assert chain.identity(chain.identity(key)) == chain.identity(key)


def test_the_newest_words_count() -> None:
    newer = message(SECOND, action=Action.UPDATE, references=(FIRST,), effective=NOON + dt.timedelta(minutes=5))
    for references in ((FIRST, SECOND), (SECOND, FIRST)):
        assert completed(bare(*references), newer, message()).headline == newer.headline


def test_words_come_also_by_way_of_messages_without() -> None:
    through = bare(FIRST, key=SECOND)
    assert completed(bare(SECOND), through, message()).headline == message().headline


def test_references_in_a_circle_end() -> None:
    one, other = bare(SECOND, key=FIRST), bare(FIRST, key=SECOND)
    assert completed(bare(FIRST, LAST), one, other) == bare(FIRST, LAST)


def test_a_cancelled_test_is_a_test_and_what_was_marked_stays_marked() -> None:
    before = message(status=Status.TEST, tlp=Tlp.AMBER)
    made = completed(bare(FIRST), before)
    assert (made.status, made.tlp) == (Status.TEST, Tlp.AMBER)
    assert completed(bare(FIRST, status=Status.EXERCISE), before).status is Status.EXERCISE


def test_the_same_message_twice_is_one() -> None:
    read = chain.once([message(), message(SECOND), message(item="2")], "f")
    assert ([made.item for made in read.advisories], read.errors) == (["0", "0"], ())


def test_two_messages_of_one_name_are_an_error() -> None:
    read = chain.once([message(), message(revision="other", item="4")], "f")
    assert [made.revision for made in read.advisories] == [f"revision of {FIRST}"]
    assert [(error.file, error.item, error.key) for error in read.errors] == [("f", 4, FIRST)]


@pytest.mark.parametrize(
    ("codes", "ended"),
    [
        (["/O.CAN.KALY.FF.W.0018.000000T0000Z-310506T1745Z/"], True),
        ([" /O.EXP.KALY.FF.W.0018.000000T0000Z-310506T1745Z/ "], True),
        (["/O.CAN.KALY.FF.W.0018.000000T0000Z-310506T1745Z/", "/00000.0.ER.000000T0000Z.000000T0000Z.000000T0000Z.OO/"], True),
        (["/O.NEW.KALY.FF.W.0018.000000T0000Z-310506T1745Z/"], False),
        (["/O.CAN.KALY.FF.W.0018.000000T0000Z-310506T1745Z/", "/O.NEW.KALY.FA.W.0001.000000T0000Z-310506T1745Z/"], False),
        (["/O.UPG.KALY.FF.A.0018.000000T0000Z-310506T1745Z/"], False),
        (["CAN", "", "/"], False),
        ([], False),
    ],
)  # fmt: skip
def test_vtec_says_when_an_event_is_over(codes: list[str], ended: bool) -> None:
    assert chain.is_ended(codes) is ended


@pytest.mark.parametrize(
    ("codes", "trial"),
    [
        (["/T.NEW.KALY.TO.W.0018.310506T1645Z-310506T1745Z/"], True),
        (["/O.NEW.KALY.TO.W.0018.310506T1645Z-310506T1745Z/"], False),
        (["/T.NEW.KALY.TO.W.0018.310506T1645Z-310506T1745Z/", "/O.NEW.KALY.FF.W.0018.310506T1645Z-310506T1745Z/"], False),
        (["/T.", "T"], False),
        ([], False),
    ],
)  # fmt: skip
def test_vtec_says_what_is_only_tried(codes: list[str], trial: bool) -> None:
    assert chain.is_trial(codes) is trial
