from __future__ import annotations

import pytest

from connectors.federal import same
from schemas.bulletin import Area
from schemas.cap import Category
from schemas.places import PLACES
from schemas.vocabulary import Topic


@pytest.mark.parametrize("code", ["RWT", "RMT", "DMO", "NPT", "rwt", " RMT "])
def test_codes_of_tests(code: str) -> None:
    assert same.is_test(["TOR", code])


def test_codes_of_warnings() -> None:
    assert not same.is_test(["TOR", "CEM", "ADR", ""])
    assert not same.is_test([])


@pytest.mark.parametrize(
    ("codes", "categories", "words", "topics"),
    [
        (["TOR"], [Category.MET], "", (Topic.WEATHER,)),
        (["FFW", "FFW"], [], "", (Topic.WEATHER,)),
        (["EVI"], [Category.FIRE], "", (Topic.HAZARD,)),
        (["CAE"], [Category.RESCUE], "", (Topic.MISSING_PERSON,)),
        (["BLU"], [Category.SECURITY], "", (Topic.VIOLENCE,)),
        (["TOE"], [], "", (Topic.FACILITY,)),
        (["LEW"], [Category.TRANSPORT], "Law Enforcement Warning", (Topic.TRANSPORT,)),
        (["SPW"], [Category.SAFETY], "Shelter In Place - Law Enforcement", (Topic.VIOLENCE,)),
        (["LEW"], [Category.SAFETY], "", (Topic.VIOLENCE,)),
        (["LAE"], [Category.SAFETY], "Flooding near Mill Creek", (Topic.WEATHER,)),
        (["CEM"], [Category.SECURITY], "Active shooter on campus", (Topic.WEAPON,)),
        (["CEM"], [Category.OTHER], "Bomb threat at the plant", (Topic.BOMB_THREAT,)),
        (["CEM"], [Category.OTHER], "", (Topic.HAZARD,)),
        ([], [Category.MET], "Fire Weather Watch", (Topic.WEATHER,)),
        ([], [Category.HEALTH], "", (Topic.HEALTH,)),
        (["XYZ"], [], "", (Topic.OTHER,)),
        ([], [], "", (Topic.OTHER,)),
    ],
)
def test_topics(codes: list[str], categories: list[Category], words: str, topics: tuple[Topic, ...]) -> None:
    assert same.topics(codes, categories, words) == topics


@pytest.mark.parametrize(
    ("code", "area"),
    [
        ("048453", Area("TX", "48453")),
        ("148453", Area("TX", "48453")),
        ("048000", Area("TX", "48000")),
        ("48453", Area("TX", "48453")),
        ("072000", Area("PR", "72000")),
        ("092740", Area(None, "92740")),
        ("000000", Area(None, "00000")),
    ],
)
def test_a_same_code_is_a_place(code: str, area: Area) -> None:
    assert same.areas([code], []) == (area,)


@pytest.mark.parametrize("code", ["", "4845", "0484531", "04845X", "all", "०४८४५३"])
def test_what_is_no_same_code_is_no_place(code: str) -> None:
    assert same.areas([code], []) == ()


@pytest.mark.parametrize(
    ("code", "area"),
    [
        ("TXZ301", Area("TX", None, "TXZ301")),
        ("txc453", Area("TX", None, "TXC453")),
        ("TXZALL", Area("TX", None, "TXZALL")),
        ("GMZ335", Area(None, None, "GMZ335")),
    ],
)
def test_a_ugc_code_is_a_place(code: str, area: Area) -> None:
    assert same.areas([], [code]) == (area,)


@pytest.mark.parametrize("code", ["", "TX301", "TXX301", "TXZ30", "TXZ301>304"])
def test_what_is_no_ugc_code_is_no_place(code: str) -> None:
    assert same.areas([], [code]) == ()


def test_every_code_stands_once_in_its_order() -> None:
    found = same.areas(["048453 048491", "048453"], ["TXC453", "TXC453"])
    assert found == (Area("TX", "48453"), Area("TX", "48491"), Area("TX", None, "TXC453"))


def test_every_state_has_its_code() -> None:
    for place in PLACES.values():
        assert same.areas([f"0{place.fips}000"], []) == (Area(place.code.upper(), f"{place.fips}000"),)
