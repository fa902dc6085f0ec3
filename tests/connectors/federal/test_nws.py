"""NWS alerts in JSON: what is read, what is a test, what ends, and of what a list speaks."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.answer import Parsed
from connectors.federal.nws import MAX_BYTES, parse
from connectors.source import SOURCES, changes, held
from schemas.bulletin import Advisory, Area
from schemas.vocabulary import Action, Certainty, Severity, Status, Topic, Urgency
from tests.connectors.federal.made_nws import NATIONAL, collection, feature, linked, name, properties, refers


def read(*features: Any, **facts: Any) -> Parsed:
    return parse(collection(*features, **facts), "a.json")


def one(**facts: Any) -> Advisory:
    parsed = read(feature(1, **facts))
    assert parsed.errors == ()
    (advisory,) = parsed.advisories
    return advisory


def utc(hour: int) -> dt.datetime:
    return dt.datetime(2031, 2, 3, hour, tzinfo=dt.UTC)


def test_an_alert_is_read_whole() -> None:
    said = one()
    assert (said.source, said.key, said.action, said.status) == ("nws", name(1), Action.NEW, Status.ACTUAL)
    assert said.headline == "Flood Warning 1 until 2 PM"
    assert said.summary == (
        "The creek behind the gymnasium is rising.\n\nMove the buses to high ground.\n\nWhere: Travis, TX; Hays, TX"
    )
    assert (said.severity, said.urgency, said.certainty) == (Severity.SEVERE, Urgency.EXPECTED, Certainty.LIKELY)
    assert (said.topics, said.event) == ((Topic.WEATHER,), "Flood Warning")
    assert said.areas == (
        Area("TX", fips="48453"),
        Area("TX", fips="48209"),
        Area("TX", ugc="TXC453"),
        Area("TX", ugc="TXC209"),
    )
    assert (said.effective, said.expires) == (utc(17), utc(20))
    assert said.url == f"https://api.weather.gov/alerts/{name(1)}"
    assert (said.language, said.languages, said.tlp.value, said.item) == ("en-US", ("en-US",), "clear", "0")
    assert json.loads(said.original) == feature(1)


@pytest.mark.parametrize(
    ("facts", "effective", "expires"),
    [
        ({"onset": None}, 16, 20),
        ({"ends": None}, 17, 19),
        ({"onset": ..., "ends": ...}, 16, 19),
        ({"onset": None, "effective": None, "ends": None, "expires": None}, 16, None),
    ],
)
def test_it_begins_at_its_onset_and_ends_where_the_event_does(facts: Any, effective: int, expires: int | None) -> None:
    said = one(**facts)
    assert said.effective == utc(effective)
    assert said.expires == (None if expires is None else utc(expires))


def test_an_update_names_what_it_replaces() -> None:
    said = one(messageType="Update", references=[*refers(7, 8), *refers(7), {"@id": f"https://x/alerts/{name(9)}"}])
    assert (said.action, said.references) == (Action.UPDATE, (name(7), name(8), name(9)))


CODE = "/O.{}.KEWX.FL.W.0001.310203T1700Z-310203T2000Z/"


@pytest.mark.parametrize(
    ("kind", "actions", "action"),
    [
        ("Cancel", [], Action.CANCEL),
        ("Cancel", ["NEW"], Action.CANCEL),
        ("Alert", ["CAN"], Action.CANCEL),
        ("Update", ["EXP"], Action.CANCEL),
        ("Update", ["CAN", "EXP"], Action.CANCEL),
        ("Update", ["CAN", "CON"], Action.UPDATE),
        ("Alert", ["UPG"], Action.NEW),
        ("Alert", ["NEW"], Action.NEW),
        ("Update", ["CON"], Action.UPDATE),
    ],
)
def test_vtec_ends_what_calls_itself_an_alert(kind: str, actions: list[str], action: Action) -> None:
    parameters = {"VTEC": [CODE.format(word) for word in actions]}
    assert one(messageType=kind, parameters=parameters).action is action


@pytest.mark.parametrize(
    ("facts", "status"),
    [
        ({"status": "Test"}, Status.TEST),
        ({"status": "System"}, Status.TEST),
        ({"status": "Draft"}, Status.TEST),
        ({"status": "Exercise"}, Status.EXERCISE),
        ({"event": "Test Message"}, Status.TEST),
        ({"id": "urn:oid:2.49.0.1.840.0-KEEPALIVE-11287", "event": "x"}, Status.TEST),
        ({"eventCode": {"SAME": ["RWT"]}}, Status.TEST),
        ({"eventCode": {"SAME": ["DMO"]}, "event": "Practice/Demo Warning"}, Status.TEST),
        ({"parameters": {"VTEC": ["/T.NEW.KEWX.FL.W.0001.310203T1700Z-310203T2000Z/"]}}, Status.TEST),
        ({"description": "THIS IS A TEST of the warning system. No action is needed."}, Status.TEST),
        ({"description": "This is not a test. Leave now."}, Status.ACTUAL),
        ({"description": "The latest contest at the stadium is called off."}, Status.ACTUAL),
        ({}, Status.ACTUAL),
    ],
)
def test_tests_are_told_apart_though_they_say_actual(facts: Any, status: Status) -> None:
    assert one(**facts).status is status


@pytest.mark.parametrize(
    ("facts", "topics"),
    [
        ({"event": "Tsunami Warning", "eventCode": {"SAME": ["NWS"]}}, (Topic.HAZARD, Topic.WEATHER)),
        ({"event": "Red Flag Warning", "eventCode": ...}, (Topic.HAZARD, Topic.WEATHER)),
        ({"event": "Air Quality Alert", "eventCode": None}, (Topic.HAZARD, Topic.WEATHER)),
        ({"event": "Special Weather Statement", "eventCode": {}}, (Topic.WEATHER,)),
        ({"event": "Child Abduction Emergency", "category": "Rescue", "eventCode": {"SAME": ["CAE"]}}, (Topic.MISSING_PERSON,)),
        ({"event": "Shelter In Place Warning", "category": "Safety", "headline": "x", "eventCode": {"SAME": ["SPW"]}}, (Topic.HAZARD,)),
    ],
)  # fmt: skip
def test_what_it_is_about(facts: Any, topics: tuple[Topic, ...]) -> None:
    assert one(**facts).topics == topics


def test_a_county_s_own_message_is_relayed() -> None:
    said = one(
        **{"@id": ...},
        id="IINFO_2031-02-03_16",
        sender="MedinaCo",
        category="Safety",
        event="Law Enforcement Warning",
        eventCode={"SAME": ["LEW"]},
        geocode={"SAME": ["039103"], "UGC": []},
        headline=None,
        parameters={},
        references=None,
    )
    assert (said.key, said.headline, said.url) == ("IINFO_2031-02-03_16", "Law Enforcement Warning", None)
    assert said.areas == (Area("OH", fips="39103"),)
    assert Topic.WEATHER not in said.topics


def test_places_at_sea_and_whole_states() -> None:
    said = one(geocode={"SAME": ["092740", "048000"], "UGC": ["LMZ740", "PKZ011", "TXALL", "nonsense"]})
    assert [(area.state, area.fips, area.ugc) for area in said.areas] == [
        (None, "92740", None),
        ("TX", "48000", None),
        (None, None, "LMZ740"),
        (None, None, "PKZ011"),
    ]


def test_one_id_twice_counts_once() -> None:
    parsed = read(feature(1), feature(2), feature(1))
    assert ([each.key for each in parsed.advisories], parsed.errors) == ([name(1), name(2)], ())


@pytest.mark.parametrize("bare", [{"id": name(1), "status": "Actual", "messageType": "Alert"}])
def test_nearly_nothing_is_enough(bare: dict[str, Any]) -> None:
    (said,) = read({"type": "Feature", "properties": bare}).advisories
    assert (said.headline, said.summary, said.severity, said.areas) == (name(1), name(1), Severity.UNKNOWN, ())


@pytest.mark.parametrize(
    ("broken", "words"),
    [
        ({"status": "Real"}, "status: 'Real' is not one of"),
        ({"status": None}, "status"),
        ({"messageType": "Ack"}, "messageType: 'Ack'"),
        ({"severity": "Dreadful"}, "severity: 'Dreadful'"),
        ({"expires": "soon", "ends": None}, "not a time with a zone"),
        ({"description": 7}, "description"),
    ],
)
def test_a_broken_alert_costs_itself_alone(broken: dict[str, Any], words: str) -> None:
    parsed = read(feature(1, **broken), feature(2))
    (error,) = parsed.errors
    assert (error.item, error.key, error.file) == (0, name(1), "a.json")
    assert words in error.error
    assert [each.key for each in parsed.advisories] == [name(2)]
    assert parsed.whole, "its key is known: it is not gone"


@pytest.mark.parametrize("broken", [7, None, [], "x", {}, {"properties": {}}, {"properties": 3}])
def test_an_alert_without_an_id_leaves_the_list_in_doubt(broken: Any) -> None:
    parsed = read(broken, feature(2))
    assert [each.key for each in parsed.errors] == [None]
    assert not parsed.whole


def test_one_alert_and_json_ld() -> None:
    assert [each.key for each in parse(json.dumps(feature(4)).encode(), "").advisories] == [name(4)]
    assert [each.key for each in parse(json.dumps(properties(4)).encode(), "").advisories] == [name(4)]
    parsed = parse(linked(1, 2), "")
    assert [each.key for each in parsed.advisories] == [name(1), name(2)]
    assert parsed.listing.covers is None


def test_a_revision_is_the_content_and_nothing_else() -> None:
    first = one()
    again = parse(json.dumps(json.loads(collection(feature(1))), indent=4, sort_keys=True).encode(), "").advisories[0]
    assert first.revision == again.revision
    assert one(urgency="Immediate").revision != first.revision
    assert one(unheard="of").revision != first.revision


# ---------------------------------------------------------------------------------------- whole answers
@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "empty answer says nothing"),
        (b" \n", "empty answer says nothing"),
        (b"<html><body>Bad gateway</body></html>", "no alert in this document"),
        (b"<html>", "no CAP or Atom document"),
        (b"{}", "neither a list of alerts"),
        (b"[]", "not an answer of api.weather.gov"),
        (b'{"type": "FeatureCollection", "features": {}}', "not an answer of api.weather.gov"),
        (b'{"type":"https://api.weather.gov/problems/NotFound","title":"Not Found","status":404}', "with an error: Not Found"),
        (collection(feature(1))[:-20], "ends too early"),
        (b'{"features":' + b"[" * 100_000, "too deeply"),
        (b"\xff\xfe", "neither JSON nor XML"),
    ],
)  # fmt: skip
def test_what_is_no_answer_is_unavailable(data: bytes, words: str) -> None:
    parsed = parse(data, "b")
    assert not parsed.good
    assert not parsed.whole
    assert words in parsed.errors[0].error
    assert changes({name(1): "r"}, parsed, True, {name(1): one()}) == []


def test_too_large_is_said() -> None:
    assert "too large" in parse(b" " * (MAX_BYTES + 1), "").errors[0].error


def test_no_alerts_now_is_an_answer() -> None:
    parsed = read(title="Current watches, warnings, and advisories for Ohio")
    assert parsed.good
    assert parsed.whole
    assert not Parsed().good


def test_half_a_character_costs_nothing() -> None:
    data = collection(feature(1, headline="Flood ?")).replace(b"Flood ?", rb"Flood \ud83d")
    assert parse(data, "").advisories[0].headline == "Flood \ufffd"


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([*properties(), "x"]), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(st.dictionaries(st.sampled_from(list(properties())), json_values, max_size=6))
def test_whatever_a_member_holds_nothing_breaks(odd: dict[str, Any]) -> None:
    parsed = read(feature(1, **odd), feature(2))
    assert name(2) in {each.key for each in parsed.advisories}
    assert len(parsed.advisories) + len(parsed.errors) == 2 or odd.get("id") == name(2)


@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_an_error(data: bytes) -> None:
    parsed = parse(data, "")
    assert parsed.advisories or parsed.errors or parsed.listing.empty


# --------------------------------------------------------------------------------------- what left a list
def known(*numbers: int, **facts: Any) -> tuple[dict[str, str], dict[str, Advisory]]:
    advisories = {each.key: each for each in read(*(feature(number, **facts) for number in numbers)).advisories}
    return {key: each.revision for key, each in advisories.items()}, advisories


def said(news: list[Advisory]) -> list[tuple[str, str]]:
    return [(each.action.value, each.key) for each in news]


def test_what_left_the_current_list_is_over() -> None:
    before, last = known(1, 2)
    news = changes(before, read(feature(2), feature(3)), True, last)
    assert said(news) == [("new", name(3)), ("cancel", name(1))]
    assert news[-1].headline == last[name(1)].headline


@pytest.mark.parametrize(
    "piece",
    [
        json.dumps(feature(2)).encode(),
        collection(feature(2), title="Watches, warnings, and advisories"),
        collection(feature(2), title=""),
        collection(feature(2), pagination={"next": "https://api.weather.gov/alerts?cursor=x"}),
        collection(feature(2), title=f"{NATIONAL} for Lake Woebegone"),
        collection(title="Watches, warnings, and advisories"),
    ],
)
def test_a_piece_takes_nothing_away(piece: bytes) -> None:
    before, last = known(*range(1, 60))
    parsed = parse(piece, "")
    assert changes(before, parsed, True, last) == []
    assert held(before, parsed) is None


@pytest.mark.parametrize(
    ("title", "gone"),
    [
        (NATIONAL, [1, 2, 3]),
        (NATIONAL.lower(), [1, 2, 3]),
        (f"{NATIONAL} for Texas", [1]),
        (f"{NATIONAL} for Ohio, Texas", [1, 2]),
        (f"{NATIONAL} for Medina County (OHC103) OH", [2]),
        (f"{NATIONAL} for Medina County (OHC999) OH", []),
    ],
)
def test_a_list_of_a_place_speaks_of_that_place_only(title: str, gone: list[int]) -> None:
    alerts = (
        feature(1),
        feature(2, geocode={"SAME": ["039103"], "UGC": ["OHC103"]}),
        feature(3, geocode={"SAME": ["092740"], "UGC": ["LMZ740"]}),
    )
    last = {each.key: each for each in read(*alerts).advisories}
    news = changes({key: each.revision for key, each in last.items()}, read(title=title), True, last)
    assert said(news) == [("cancel", name(number)) for number in gone]


def test_a_list_that_turns_over_is_believed_and_an_empty_nation_is_not() -> None:
    before, last = known(*range(1, 100))
    turned = read(*(feature(number) for number in range(200, 260)))
    assert held(before, turned) is None
    assert len(changes(before, turned, True, last)) == 60 + 99
    assert "99 of 99" in str(held(before, read()))
    assert changes(before, read(), True, last) == []


def test_the_source_is_known() -> None:
    source = SOURCES["nws"]
    assert source.snapshot
    assert source.every == 60
    assert source.url.startswith("https://api.weather.gov/alerts/active?status=actual")
