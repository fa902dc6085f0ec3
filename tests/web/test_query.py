from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from multidict import MultiDict

from hub.web.feeds import spelled
from hub.web.problem import Problem
from hub.web.query import Filter, read_filter
from schemas.vocabulary import Severity, Topic


def test_every_parameter_is_read():
    found = read_filter(
        {
            "topic": "weapon,cyber",
            "severity": "severe",
            "state": "TX",
            "lang": "es-MX",
            "limit": "500",
            "before": "TX-2030-0042",
        }
    )
    assert found == Filter(
        topics=(Topic.CYBER, Topic.WEAPON),
        severity=Severity.SEVERE,
        state="tx",
        lang="es-mx",
        limit=500,
        before="TX-2030-0042",
    )


@pytest.mark.parametrize(
    ("area", "codes", "place"),
    [
        ("48453", {"48453", "TXC453", "48000"}, None),
        ("txc453", {"TXC453", "48453", "48000"}, None),
        ("MTZ301", {"MTZ301", "30000"}, None),
        ("48000", {"48000", "TXC000"}, "tx"),
        ("AMZ550", {"AMZ550"}, None),
    ],
)
def test_an_area_is_found_in_both_codes_and_in_its_whole_state(area, codes, place):
    found = read_filter({"area": area})
    assert set(found.codes) == codes
    assert found.place == place


def test_an_area_with_its_own_state_says_nothing_more():
    assert read_filter({"area": "48453", "state": "tx"}) == read_filter({"area": "48453"})


@pytest.mark.parametrize(
    ("query", "word"),
    [
        ({"topics": "cyber"}, "did you mean topic?"),
        ({"utm_source": "x"}, "Allowed are topic, area"),
        ({"topic": "cyber,ghosts"}, "violence"),
        ({"topic": ""}, "violence"),
        ({"severity": "SEVERE"}, "extreme"),
        ({"area": "4845"}, "five digits"),
        ({"area": "99001"}, "five digits"),
        ({"area": "48453", "state": "oh"}, "does not lie in"),
        ({"state": "zz"}, "two letters"),
        ({"lang": "x_y"}, "language tag"),
        ({"limit": "0"}, "1 to 500"),
        ({"limit": "501"}, "1 to 500"),
        ({"limit": "٣"}, "1 to 500"),
        ({"before": "tx-2030-1"}, "product id"),
    ],
)
def test_what_is_not_known_is_refused_with_what_is_allowed(query, word):
    with pytest.raises(Problem) as refused:
        read_filter(query)
    assert refused.value.kind == "malformed"
    assert word in refused.value.detail
    assert [each.pointer for each in refused.value.errors] == [f"?{next(iter(query))}"]


def test_every_slip_is_named_at_once():
    with pytest.raises(Problem) as refused:
        read_filter({"limit": "x", "sate": "tx", "topic": "y"})
    assert {each.pointer for each in refused.value.errors} == {"?limit", "?sate", "?topic"}


def test_a_parameter_stands_once():
    with pytest.raises(Problem, match="stands 2 times"):
        read_filter(MultiDict([("topic", "cyber"), ("topic", "weapon")]))


@given(
    st.dictionaries(st.sampled_from(["topic", "area", "severity", "state", "lang", "limit", "before", "q"]), st.text())
)
def test_any_query_is_a_filter_or_a_problem(query):
    with contextlib.suppress(Problem):
        found = read_filter(query)
        assert read_filter(spelled(found)) == found
