"""What the agency really served, against what its MANIFEST counts."""

from __future__ import annotations

import collections
import datetime as dt
import json
import time
from pathlib import Path
from typing import Any

import pytest

from connectors.answer import Parsed
from connectors.federal.nws import parse
from schemas.bulletin import Advisory
from schemas.vocabulary import Action, Severity, Status


@pytest.fixture(scope="module")
def nation(recordings: Path) -> Parsed:
    return parse((recordings / "nws-api" / "alerts_active_2025-12-15.json").read_bytes(), "")


@pytest.fixture(scope="module")
def served(recordings: Path) -> dict[str, Any]:
    data = (recordings / "nws-api" / "alerts_active_2025-12-15.json").read_bytes()
    return {each["properties"]["id"]: each["properties"] for each in json.loads(data)["features"]}


def counted(advisories: tuple[Advisory, ...], member: str) -> dict[str, int]:
    return dict(collections.Counter(getattr(each, member).value for each in advisories))


def test_the_nation_is_read_whole(nation: Parsed) -> None:
    said = nation.advisories
    assert nation.errors == ()
    assert nation.listing.covers is None
    assert len(said) == len({each.key for each in said}) == 529
    assert counted(said, "status") == {"actual": 529}
    assert counted(said, "action") == {"new": 376, "update": 150, "cancel": 3}
    assert counted(said, "severity") == {"moderate": 239, "minor": 166, "severe": 118, "unknown": 4, "extreme": 2}
    assert counted(said, "urgency") == {"expected": 445, "future": 53, "immediate": 26, "past": 3, "unknown": 2}
    assert counted(said, "certainty") == {"likely": 441, "possible": 53, "observed": 33, "unknown": 2}


def test_its_references_and_places(nation: Parsed) -> None:
    referred = {key for each in nation.advisories for key in each.references}
    assert (sum(bool(each.references) for each in nation.advisories), len(referred)) == (151, 200)
    assert not referred & {each.key for each in nation.advisories}
    areas = [area for each in nation.advisories for area in each.areas]
    assert sum(area.ugc is not None for area in areas) == 1347
    assert sum(area.fips is not None for area in areas) == 1341
    prefixes = collections.Counter(area.ugc[:2] for area in areas if area.ugc)
    assert prefixes.most_common(4) == [("PK", 253), ("WA", 175), ("GA", 173), ("MT", 95)]


def test_each_alert_says_what_it_was_served_with(nation: Parsed, served: dict[str, Any]) -> None:
    for each in nation.advisories:
        facts = served[each.key]
        assert [area.fips for area in each.areas if area.fips] == [code[1:] for code in facts["geocode"]["SAME"]]
        assert [area.ugc for area in each.areas if area.ugc] == facts["geocode"]["UGC"]
        assert each.expires == dt.datetime.fromisoformat(facts.get("ends") or facts["expires"])
        assert each.effective == dt.datetime.fromisoformat(facts["onset"] or facts["effective"])
        assert each.event == facts["event"]
        assert all(area.state is None or area.ugc is None or area.ugc[:2] == area.state for area in each.areas)


def test_three_are_ended_by_vtec(nation: Parsed) -> None:
    ended = {
        each.key.rpartition("0.0.")[0] and each.event for each in nation.advisories if each.action is Action.CANCEL
    }
    assert ended == {"Small Craft Advisory", "Freeze Watch", "High Surf Warning"}


def test_the_most_severe_are_where_they_are(nation: Parsed) -> None:
    extreme = [each for each in nation.advisories if each.severity is Severity.EXTREME]
    assert {area.fips for each in extreme for area in each.areas if area.fips} == {"36075", "36045", "36049"}


def test_a_zone_in_2019(recordings: Path) -> None:
    parsed = parse((recordings / "nws-api" / "alerts_active_zone.json").read_bytes(), "")
    (said,) = parsed.advisories
    assert (said.key, said.action, len(said.references)) == ("NWS-IDP-PROD-3965873-3369046", Action.UPDATE, 4)
    assert sum(area.ugc is not None for area in said.areas) == 11
    assert sum(area.fips is not None for area in said.areas) == 16
    assert parsed.listing.covers == {"ORZ004"}


def test_what_others_made_of_it_is_no_answer(recordings: Path) -> None:
    parsed = parse((recordings / "nws-api" / "projected_a5080ce_0-79.json").read_bytes(), "")
    assert not parsed.good


def test_its_tests_would_be_told_apart(recordings: Path) -> None:
    kept = json.loads((recordings / "nws-api" / "projected_a5080ce_0-79.json").read_bytes())
    features = [{"properties": {**each, "status": "Actual", "messageType": "Alert"}} for each in kept]
    said = parse(json.dumps({"features": features}).encode(), "").advisories
    assert len(said) == 80
    assert {each.status for each in said} == {Status.TEST}


@pytest.mark.parametrize(
    ("file", "entries", "covers"),
    [("us_nws_weather.atom", 2, None), ("weather_index.atom", 2, None), ("empty_weather_index.atom", 0, None)],
)
def test_indexes_of_older_days(recordings: Path, file: str, entries: int, covers: object) -> None:
    parsed = parse((recordings / "cap" / file).read_bytes(), "")
    assert (len(parsed.advisories), parsed.errors, parsed.listing.covers) == (entries, (), covers)
    assert parsed.good


def test_its_cap_messages(recordings: Path) -> None:
    files = sorted((recordings / "ipaws").glob("*Tornado-Warning.xml"))
    assert files
    for file in files:
        (said,) = parse(file.read_bytes(), file.name).advisories
        assert said.key.startswith("urn:oid:2.49.0.1.840.0.")
        assert (said.event, said.severity, said.status) == ("Tornado Warning", Severity.EXTREME, Status.ACTUAL)


def test_six_hundred_take_less_than_a_second(recordings: Path) -> None:
    document = json.loads((recordings / "nws-api" / "alerts_active_2025-12-15.json").read_bytes())
    more = [
        {**each, "properties": {**each["properties"], "id": f"again {each['properties']['id']}"}}
        for each in document["features"][:71]
    ]
    data = json.dumps({**document, "features": document["features"] + more}).encode()
    began = time.process_time()
    assert len(parse(data, "").advisories) == 600
    assert time.process_time() - began < 1
