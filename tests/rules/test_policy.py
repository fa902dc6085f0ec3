"""Reading a state's policy: what it says, and that a slip of the pen names the key."""

from __future__ import annotations

import contextlib
import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.rules.policy import DEFAULT, MAX_BYTES, ApprovalRule, By, Policy, parse
from schemas.vocabulary import Lane, Severity, Tlp, Topic
from tests.rules.cases import policies

WHOLE = b"""
name = "Texas, school year 2026"
[desk]
second_person_hours = 48
[[approvals]]
tlp = ["amber", "amber+strict"]
topic = ["terrorism"]
lane = ["routine"]
severity = "severe"
count = 2
by = "director"
[[approvals]]
count = 3
[districts]
ceiling = "green"
named = true
"""


def test_a_whole_policy_is_read() -> None:
    assert parse(WHOLE) == Policy(
        name="Texas, school year 2026",
        digest=hashlib.sha256(WHOLE).hexdigest(),
        second_person_hours=48,
        approvals=(
            ApprovalRule(
                count=2,
                by=By.DIRECTOR,
                tlp=frozenset({Tlp.AMBER, Tlp.AMBER_STRICT}),
                topic=frozenset({Topic.TERRORISM}),
                lane=frozenset({Lane.ROUTINE}),
                severity=Severity.SEVERE,
            ),
            ApprovalRule(count=3),
        ),
        district_ceiling=Tlp.GREEN,
        named_to_districts=True,
    )


def test_an_empty_file_is_the_default() -> None:
    assert parse(b"") == DEFAULT


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("nmae = 'x'", "nmae: there is no such setting; did you mean 'name'"),
        ("zzz = 1", "zzz: there is no such setting; known here: name, desk, approvals, districts, relevance"),
        (
            "[desk]\nsecond_person_hour = 30",
            "desk.second_person_hour: there is no such setting; did you mean 'second_person_hours'",
        ),
        ("[desk]\nsecond_person_hours = 1", "desk.second_person_hours: a whole number from 24 to 8760"),
        ("[desk]\nsecond_person_hours = true", "desk.second_person_hours: a whole number"),
        ("desk = 1", "desk: write it as a table, [desk]"),
        ("approvals = 2", r"approvals: write each rule under its own [[approvals]]"),
        ("approvals = [2]", r"approvals: write each rule under its own [[approvals]]"),
        ("[[approvals]]\ncount = 0", "approvals[0].count: a whole number from 1 to 9"),
        ("[[approvals]]\n[[approvals]]\nby = 'operator'", "approvals[1].by: 'operator' is not one of its words"),
        (
            "[[approvals]]\ntopic = ['swating']",
            "approvals[0].topic: 'swating' is not one of its words; did you mean 'swatting'",
        ),
        ("[[approvals]]\ntlp = 'amber'", 'approvals[0].tlp: a list of words such as ["clear"]'),
        ("[[approvals]]\ntlp = []", "approvals[0].tlp: a list of words"),
        ("[[approvals]]\nseverity = 3", "approvals[0].severity: 3 is not one of its words"),
        ("[[approvals]]\nTLP = ['red']", "approvals[0].TLP: there is no such setting"),
        ("[districts]\nceiling = 'amber+strict'", "districts.ceiling: no feed carries more than amber"),
        ("[districts]\nnamed = 'yes'", "districts.named: true or false"),
        ("name = ''", "name: a text of 1 to 200 characters"),
        ("name = 3", "name: a text"),
        ("name = ", "the policy is not TOML"),
    ],
)
def test_a_slip_names_the_key(text: str, words: str) -> None:
    with pytest.raises(ValueError) as error:
        parse(text.encode())
    assert words in str(error.value)


@pytest.mark.parametrize(
    "raw", [b"\xff\xfe", b"#" * (MAX_BYTES + 1), b"[[approvals]]\n" * 101, b"name = 'a'\nname = 'b'"]
)
def test_what_is_no_policy_is_said_so(raw: bytes) -> None:
    with pytest.raises(ValueError):
        parse(raw)


@given(st.binary(max_size=200))
def test_any_bytes_are_a_policy_or_a_value_error(raw: bytes) -> None:
    with contextlib.suppress(ValueError):
        assert isinstance(parse(raw), Policy)


@given(policies, st.sampled_from(Tlp), st.sampled_from(Topic), st.sampled_from(Lane), st.sampled_from(Severity))
def test_a_policy_only_ever_asks_for_more(
    policy: Policy, tlp: Tlp, topic: Topic, lane: Lane, severity: Severity
) -> None:
    house = DEFAULT.needed(tlp=tlp, topic=topic, lane=lane, severity=severity)
    needed = policy.needed(tlp=tlp, topic=topic, lane=lane, severity=severity)
    assert all(needed[by] >= house[by] for by in By)
    assert needed[By.SUPERVISOR] >= max(1, needed[By.DIRECTOR])
    assert needed[By.DIRECTOR] >= (lane is Lane.FLASH)


@pytest.mark.parametrize(
    ("severity", "fits"),
    [(Severity.EXTREME, True), (Severity.SEVERE, True), (Severity.MODERATE, False), (Severity.UNKNOWN, False)],
)
def test_severity_is_at_least(severity: Severity, fits: bool) -> None:
    rule = ApprovalRule(count=2, severity=Severity.SEVERE)
    assert rule.fits(tlp=Tlp.CLEAR, topic=Topic.OTHER, lane=Lane.ROUTINE, severity=severity) is fits
