"""Places, origins and areas."""

from __future__ import annotations

import pytest
from hypothesis import given

from schemas import places
from schemas.bulletin import Area
from schemas.places import Origin
from tests.schemas import made


def test_the_list_is_50_states_dc_and_5_territories():
    assert len(places.PLACES) == 56
    assert len(places.BY_FIPS) == 56
    assert {"dc", "pr", "gu", "vi", "as", "mp"} <= set(places.PLACES)
    for code, place in places.PLACES.items():
        assert (place.code, len(code), len(place.fips)) == (code, 2, 2)
    known = {
        "al": "01",
        "dc": "11",
        "ne": "31",
        "tx": "48",
        "wy": "56",
        "as": "60",
        "gu": "66",
        "mp": "69",
        "pr": "72",
        "vi": "78",
    }
    assert {code: places.PLACES[code].fips for code in known} == known
    assert places.PLACES["nh"].name == "New Hampshire"


@given(made.origins)
def test_an_origin_is_read_as_it_is_spelt(text):
    assert str(places.parse_origin(text)) == text


def test_an_origin_has_two_parts():
    assert places.parse_origin("tx") == Origin("tx")
    assert places.parse_origin("tx-ntic") == Origin("tx", "ntic")
    assert places.parse_origin("tx-exam") == Origin("tx", "exam")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "TX",
        "t",
        "zz",
        "us",
        "us-cisa",
        "x-a1",
        "tx-",
        "tx-ex",
        "tx-a",
        "tx-1a",
        "tx-A1",
        "tx-a-b",
        "tx-" + "a" * 13,
        "tx-a\n",
        "tx-é1",
    ],
)
def test_what_is_no_origin(text):
    with pytest.raises(ValueError, match="not a"):
        places.parse_origin(text)


@given(made.areas)
def test_an_area_lies_in_its_state(area):
    places.check_area(area)


@pytest.mark.parametrize(
    "area",
    [
        Area("TX"),
        Area("TX", "48001", "TXZ001"),
        Area("TX", "39001"),
        Area("TX", "4800"),
        Area("TX", "48 01"),
        Area("TX", "48001\n"),
        Area("TX", "٤٨٠٠١"),
        Area("tx", "48001"),
        Area("ZZ", "48001"),
        Area(None, "48001"),
        Area("OH", None, "TXZ001"),
        Area(None, None, "TXZ001"),
        Area("GM", None, "GMZ335"),
        Area("TX", None, "TXX001"),
        Area("TX", None, "TXZ1"),
    ],
)
def test_an_area_elsewhere_is_refused(area):
    with pytest.raises(ValueError):
        places.check_area(area)


def test_the_whole_state_is_an_area():
    places.check_area(Area("MT", "30000"))
    places.check_area(Area("MT", None, "MTZALL"))
