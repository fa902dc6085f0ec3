"""What stands in a state's queue: its own severe alerts always, the rest by the policy, and every reason in words."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.rules.policy import Relevance, parse
from hub.rules.relevance import Cause, Reader, Standing, judge
from schemas.bulletin import Advisory, Area
from schemas.places import PLACES
from schemas.vocabulary import SEVERITY_RANK, Action, Certainty, Mode, Severity, Status, Topic, Urgency
from tests.rules.cases import DAY, NOW

TRAVIS = Area("TX", fips="48453")
HAYS = Area("TX", ugc="TXC209")
ZONE = Area("TX", ugc="TXZ192")
TULSA = Area("OK", fips="40143")
SEA = Area(None, ugc="GMZ335")


def advisory(*areas: Area, severity: Severity = Severity.MODERATE, **changes) -> Advisory:
    given_facts = {
        "source": "nws",
        "key": "1",
        "revision": "1",
        "action": Action.NEW,
        "status": Status.ACTUAL,
        "headline": "Flood Warning",
        "summary": "",
        "severity": severity,
        "urgency": Urgency.EXPECTED,
        "certainty": Certainty.LIKELY,
        "topics": (Topic.WEATHER,),
        "areas": areas,
        "expires": NOW + DAY,
        **changes,
    }
    return Advisory(**given_facts)


def reader(place: str = "tx", mode: Mode = Mode.LIVE, **wanted) -> Reader:
    return Reader(Relevance(**wanted), place, mode)


def verdict(one: Advisory, by: Reader | None = None) -> tuple[Standing, Cause | None, str]:
    made = judge(by or reader(), one, NOW)
    return made.standing, made.cause, made.reason


@pytest.mark.parametrize(
    ("areas", "words"),
    [
        ((TRAVIS,), "names 1 county of Texas"),
        ((TRAVIS, Area("TX", ugc="TXC453")), "names 1 county of Texas"),
        ((TRAVIS, HAYS, ZONE, TULSA), "names 2 counties of Texas"),
        ((ZONE, Area("TX", ugc="TXZ193")), "names 2 zones of Texas"),
        ((Area("TX", fips="48000"), TRAVIS), "names all of Texas"),
        ((Area("TX", ugc="TXCALL"),), "names all of Texas"),
        ((Area(None, fips="00000"),), "names the whole country"),
    ],
)
@pytest.mark.parametrize(
    ("severity", "standing"),
    [(Severity.SEVERE, Standing.SEVERE), (Severity.EXTREME, Standing.SEVERE), (Severity.MODERATE, Standing.STANDS)],
)
def test_what_names_the_state_stands(areas, words, severity, standing) -> None:
    assert verdict(advisory(*areas, severity=severity)) == (standing, None, words)


@pytest.mark.parametrize(
    ("areas", "cause", "words"),
    [
        ((TULSA,), Cause.ELSEWHERE, "not for Texas: 1 county of Oklahoma"),
        (
            (
                *(Area("MT", fips=f"30{n:03}") for n in range(1, 24, 2)),
                Area("ID", ugc="IDZ001"),
                Area("ID", ugc="IDZ002"),
            ),
            Cause.ELSEWHERE,
            "not for Texas: 12 counties of Montana and 2 zones of Idaho",
        ),
        (
            tuple(Area(state, ugc=f"{state}Z001") for state in ("WA", "OR", "CA", "NV", "ID")),
            Cause.ELSEWHERE,
            "not for Texas: 1 zone of California, 1 zone of Idaho, 1 zone of Nevada and 2 more states",
        ),
        ((SEA, Area(None, fips="77335")), Cause.AT_SEA, "marine zones only"),
        ((SEA, TULSA), Cause.ELSEWHERE, "not for Texas: 1 county of Oklahoma"),
    ],
)
def test_what_names_other_places_is_folded(areas, cause, words) -> None:
    assert verdict(advisory(*areas, severity=Severity.EXTREME)) == (Standing.FOLDED, cause, words)


def test_what_names_no_place_counts_everywhere() -> None:
    assert verdict(advisory()) == (Standing.STANDS, None, "names no place, so it counts for Texas too")


def test_neighbours_count_when_the_policy_names_them() -> None:
    near = reader(neighbours=frozenset({"ok"}))
    assert verdict(advisory(TULSA), near) == (Standing.STANDS, None, "names 1 county of Oklahoma")
    assert verdict(advisory(TULSA, severity=Severity.MINOR), near)[1] is Cause.MINOR
    assert verdict(advisory(Area("LA", fips="22001")), near)[1] is Cause.ELSEWHERE


@pytest.mark.parametrize(
    ("changes", "wanted", "cause", "words"),
    [
        ({"severity": Severity.MINOR}, {}, Cause.MINOR, "minor: below your policy's moderate"),
        ({}, {"least": Severity.SEVERE}, Cause.MINOR, "moderate: below your policy's severe"),
        ({}, {"topics": frozenset({Topic.CYBER})}, Cause.TOPIC, "weather: not among your policy's topics"),
        ({"expires": NOW}, {}, Cause.OVER, "was over on 2026-03-02 at"),
        ({"status": Status.TEST}, {}, Cause.TEST, "a test, not a real alert"),
        ({"status": Status.EXERCISE}, {}, Cause.TEST, "an exercise, not a real alert"),
    ],
)
def test_the_reason_is_said(changes, wanted, cause, words) -> None:
    standing, found, reason = verdict(advisory(TRAVIS, **changes), reader(**wanted))
    assert (standing, found) == (Standing.FOLDED, cause)
    assert reason.startswith(words)


@pytest.mark.parametrize(
    "changes", [{"severity": Severity.UNKNOWN}, {"severity": Severity.MINOR, "wanted": Severity.UNKNOWN}]
)
def test_an_unknown_severity_is_not_a_low_one(changes) -> None:
    least = changes.pop("wanted", Severity.EXTREME)
    assert verdict(advisory(TRAVIS, **changes), reader(least=least))[0] is Standing.STANDS


def test_an_exercise_is_meant_at_an_exercise_node_and_a_test_nowhere() -> None:
    drilling = reader(mode=Mode.EXERCISE)
    assert verdict(advisory(TRAVIS, status=Status.EXERCISE), drilling)[0] is Standing.STANDS
    assert verdict(advisory(TRAVIS, status=Status.TEST), drilling)[0] is Standing.FOLDED


def test_a_severe_one_that_is_over_still_stands_and_says_so() -> None:
    standing, _, reason = verdict(advisory(TRAVIS, severity=Severity.SEVERE, expires=NOW - DAY))
    assert standing is Standing.SEVERE
    assert reason.startswith("names 1 county of Texas; was over on 2026-03-01 at")


states = st.sampled_from([place.code.upper() for place in PLACES.values()])
areas = st.lists(
    st.one_of(
        st.builds(
            lambda state, n: Area(state, fips=f"{PLACES[state.lower()].fips}{n:03}"), states, st.integers(0, 999)
        ),
        st.builds(lambda state, n: Area(state, ugc=f"{state}Z{n:03}"), states, st.integers(0, 999)),
        st.just(SEA),
    ),
    max_size=12,
)


@given(
    areas,
    st.sampled_from(Severity),
    st.sampled_from(Status),
    st.sets(st.sampled_from(Topic)),
    st.sampled_from(Severity),
    st.sampled_from(["tx", "mt", "oh"]),
    st.integers(-2, 2),
)
def test_nothing_severe_for_the_state_is_ever_folded(named, severity, status, topics, least, place, days) -> None:
    one = advisory(*named, severity=severity, status=status, expires=NOW + days * DAY)
    made = judge(Reader(Relevance(topics=frozenset(topics), least=least), place, Mode.LIVE), one, NOW)
    own = any(area.state == place.upper() for area in named)
    if own and status is Status.ACTUAL and SEVERITY_RANK[severity] >= SEVERITY_RANK[Severity.SEVERE]:
        assert made.standing is Standing.SEVERE
    else:
        assert made.standing is not Standing.SEVERE
    assert (made.cause is not None) == (made.standing is Standing.FOLDED)
    assert made.reason


# -------------------------------------------------------------------------------------------- the policy
def test_the_policy_s_table_is_read() -> None:
    policy = parse(b'[relevance]\nneighbours = ["ok", "LA"]\ntopics = ["weather", "cyber"]\nseverity = "minor"\n')
    assert policy.relevance == Relevance(
        neighbours=frozenset({"ok", "la"}),
        topics=frozenset({Topic.WEATHER, Topic.CYBER}),
        least=Severity.MINOR,
    )
    assert parse(b"[relevance]\nneighbours = []\n").relevance == parse(b"").relevance == Relevance()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[relevance]\nneighbors = ['ok']", "relevance.neighbors: there is no such setting; did you mean 'neighbours'"),
        ("[relevance]\nneighbours = 'ok'", "relevance.neighbours: a list of states"),
        ("[relevance]\nneighbours = ['xx']", "relevance.neighbours: a list of states"),
        (
            "[relevance]\ntopics = ['wether']",
            "relevance.topics: 'wether' is not one of its words; did you mean 'weather'",
        ),
        ("[relevance]\nseverity = 'bad'", "relevance.severity: 'bad' is not one of its words"),
        ("relevance = 3", "relevance: write it as a table"),
    ],
)
def test_a_slip_names_the_key(text: str, words: str) -> None:
    with pytest.raises(ValueError) as error:
        parse(text.encode())
    assert words in str(error.value)
