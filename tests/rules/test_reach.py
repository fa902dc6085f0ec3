"""Whom a release would reach: every peer is in it once, with its copy or with the reason why not."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.rules.agreement import Agreement, filters
from hub.rules.decision import Allowed
from hub.rules.lifecycle import Stage
from hub.rules.policy import DEFAULT
from hub.rules.release import Exit, Item, Peer, Public, lost, may_leave, reach
from schemas.subjects import BulletinSubject
from schemas.vocabulary import Audience, Tlp, Topic
from tests.rules.cases import NOW, PLACES, agreement, agreements, item, items
from tests.rules.test_agreement import delivers

THREE = {
    "oh": agreement("oh"),
    "ok": agreement("ok", ceiling=Tlp.GREEN),
    "va": agreement("va", topics=frozenset({Topic.CYBER})),
}


def named(*places: str) -> dict[str, Any]:
    return {"audience": Audience.NAMED, "recipients": frozenset(places)}


@pytest.mark.parametrize(
    ("changes", "copies", "gets", "codes", "public"),
    [
        ({}, ("all",), {"oh": "all", "ok": "all"}, {"va": "topic"}, True),
        ({"stage": Stage.DRAFT}, ("all",), {"oh": "all", "ok": "all"}, {"va": "topic"}, True),
        ({"tlp": Tlp.GREEN}, ("all",), {"oh": "all", "ok": "all"}, {"va": "topic"}, False),
        ({"tlp": Tlp.AMBER}, ("to-oh",), {"oh": "to-oh"}, {"ok": "ceiling", "va": "topic"}, False),
        ({"tlp": Tlp.AMBER_STRICT}, ("to-oh",), {"oh": "to-oh"}, {"ok": "ceiling", "va": "topic"}, False),
        ({"tlp": None}, ("to-oh",), {"oh": "to-oh"}, {"ok": "ceiling", "va": "topic"}, False),
        ({"tlp": Tlp.RED}, (), {}, dict.fromkeys(("oh", "ok", "va"), "red"), False),
        ({"expires": NOW}, (), {}, dict.fromkeys(("oh", "ok", "va"), "expired"), False),
        (named("oh", "va"), ("to-oh",), {"oh": "to-oh"}, {"ok": "not-named", "va": "topic"}, False),
        ({"tlp": Tlp.AMBER, **named("ok")}, (), {}, {"oh": "not-named", "ok": "ceiling", "va": "not-named"}, False),
        (
            named("oh", "nv"),
            ("to-oh",),
            {"oh": "to-oh"},
            {"nv": "no-agreement", "ok": "not-named", "va": "not-named"},
            False,
        ),
        (
            {"topic": Topic.CYBER, **named("oh", "ok", "va")},
            ("to-oh", "to-ok", "to-va"),
            {"oh": "to-oh", "ok": "to-ok", "va": "to-va"},
            {},
            False,
        ),
    ],
)
def test_whom_it_reaches(
    changes: dict[str, Any], copies: tuple[str, ...], gets: dict[str, str], codes: dict[str, str], public: bool
) -> None:
    reached = reach(item(**changes), THREE, now=NOW, policy=DEFAULT)
    assert reached.copies == copies
    assert reached.gets == gets
    assert reached.codes == codes
    assert set(reached.withheld) == set(codes)
    assert reached.public is public


def test_a_bulletin_for_everybody_travels_on_all_though_no_peer_is_there_yet() -> None:
    assert reach(item(), {}, now=NOW, policy=DEFAULT).copies == ("all",)


def test_who_lost_it_is_recalled() -> None:
    assert lost(["oh", "ok", "va"], ["ok", "nv"]) == {"oh", "va"}


known_peers = st.dictionaries(st.sampled_from(PLACES), st.one_of(st.none(), agreements), max_size=3)


@given(items, known_peers)
def test_every_known_peer_gets_it_or_a_reason(of: Item, known: dict[str, Agreement | None]) -> None:
    reached = reach(of, known, now=NOW, policy=DEFAULT)
    assert set(reached.gets) | set(reached.withheld) == set(known) | of.recipients
    assert not set(reached.gets) & set(reached.withheld)
    assert set(reached.gets.values()) <= set(reached.copies) <= {"all", *(f"to-{place}" for place in reached.gets)}
    assert all(reason.endswith(".") for reason in reached.withheld.values())
    assert set(reached.codes) == set(reached.withheld)


@given(items, known_peers)
def test_the_broker_would_deliver_each_copy_to_those_who_get_it_and_to_no_other(
    of: Item, known: dict[str, Agreement | None]
) -> None:
    reached = reach(of, known, now=NOW, policy=DEFAULT)
    for copy in reached.copies:
        assert of.topic is not None
        subject = str(BulletinSubject(of.mode, of.origin, of.lane, copy, of.marking, of.topic))
        for place, held in known.items():
            made = filters(held, peer=place, mode=of.mode, origins=[of.origin], now=NOW)
            delivered = delivers(made.flash + made.routine, subject)
            if place != of.origin[:2]:  # nobody is a peer of their own
                assert delivered is (reached.gets.get(place) == copy)


@given(items, known_peers)
def test_reach_says_what_the_door_says(of: Item, known: dict[str, Agreement | None]) -> None:
    reached = reach(of, known, now=NOW, policy=DEFAULT)
    released = dataclasses.replace(of, stage=Stage.RELEASED)
    for place, held in known.items():
        readers = [Peer(place, held, audience) for audience in ("all", f"to-{place}")]
        said = [may_leave(released, Exit.SUBJECT, one, mode=of.mode, now=NOW, policy=DEFAULT) for one in readers]
        assert (place in reached.gets) is any(isinstance(one, Allowed) for one in said)
    public = may_leave(released, Exit.RSS, Public(), mode=of.mode, now=NOW, policy=DEFAULT)
    assert reached.public is isinstance(public, Allowed)
