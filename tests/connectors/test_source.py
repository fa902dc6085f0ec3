from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.answer import Parsed, Unreadable
from connectors.federal.cisa_kev import parse
from connectors.source import SOURCES, advisory_id, changes, held
from schemas.bulletin import Advisory
from schemas.vocabulary import Action
from tests.connectors.federal.made import catalogue, vulnerability


def read(*numbers: int, **given_facts: object) -> Parsed:
    return parse(catalogue(*(vulnerability(number, **given_facts) for number in numbers)), "")


def after(news: list[Advisory], known: dict[str, str]) -> dict[str, str]:
    return known | {advisory.key: advisory.revision for advisory in news}


def said(news: list[Advisory]) -> list[tuple[str, str]]:
    return [(advisory.action.value, advisory.key) for advisory in news]


def test_the_id_of_an_advisory_never_moves() -> None:
    assert advisory_id("cisa-kev", "CVE-2031-0001") == "b813d90e-e7d8-522f-80ce-e68bd49e64fb"
    assert advisory_id("cisa-kev", "CVE-2031-0002") != advisory_id("cisa-kev", "CVE-2031-0001")


def test_the_registry_names_its_sources() -> None:
    assert all(name == source.name for name, source in SOURCES.items())
    assert SOURCES["cisa-kev"].snapshot


def test_the_first_answer_is_all_new_and_the_same_again_is_nothing() -> None:
    news = changes({}, read(1, 2), True)
    assert said(news) == [("new", "CVE-2031-0001"), ("new", "CVE-2031-0002")]
    assert changes(after(news, {}), read(2, 1), True) == []


def test_new_changed_and_gone() -> None:
    first = changes({}, read(1, 2), True)
    second = changes(after(first, {}), read(2, 3, notes=""), True, {a.key: a for a in first})
    assert said(second) == [("update", "CVE-2031-0002"), ("new", "CVE-2031-0003"), ("cancel", "CVE-2031-0001")]
    gone = second[-1]
    assert (gone.headline, gone.severity) == (first[0].headline, first[0].severity)
    assert gone.revision != first[0].revision


def test_a_cancel_of_an_unseen_advisory_names_its_key() -> None:
    (gone,) = changes({"CVE-2031-0001": "r", "CVE-2031-0002": read(2).advisories[0].revision}, read(2), True)
    assert (gone.action, gone.key, gone.source) == (Action.CANCEL, "CVE-2031-0001", "cisa-kev")
    assert "CVE-2031-0001" in gone.headline


def test_what_is_gone_is_cancelled_once_and_may_come_back() -> None:
    known = after(changes({}, read(1, 2), True), {})
    known = after(changes(known, read(2), True), known)
    assert changes(known, read(2), True) == []
    assert said(changes(known, read(1, 2), True)) == [("new", "CVE-2031-0001")]


def test_a_source_that_is_no_snapshot_takes_nothing_away() -> None:
    known = after(changes({}, read(1, 2), False), {})
    assert changes(known, read(2), False) == []


@pytest.mark.parametrize(
    "answer",
    [
        Parsed(),
        parse(b"", ""),
        parse(b"<html>", ""),
        parse(catalogue(), ""),
        parse(catalogue(vulnerability(2), count=5), ""),
        parse(catalogue(vulnerability(2), {}), ""),
    ],
)
def test_an_answer_that_is_not_whole_takes_nothing_away(answer: Parsed) -> None:
    known = after(changes({}, read(1, 2), True), {})
    assert changes(known, answer, True) == []


def test_an_unreadable_entry_is_not_gone() -> None:
    known = after(changes({}, read(1, 2, 3), True), {})
    answer = parse(catalogue(vulnerability(1, dueDate="soon"), vulnerability(2)), "")
    assert said(changes(known, answer, True)) == [("cancel", "CVE-2031-0003")]


@pytest.mark.parametrize(
    ("before", "left", "suspicious"),
    [(30, 10, False), (30, 9, True), (210, 189, False), (209, 188, True), (1400, 1379, False), (1400, 1, True)],
)
def test_many_losses_at_once_are_held(before: int, left: int, suspicious: bool) -> None:
    known = after(changes({}, read(*range(1, before + 1)), True), {})
    answer = read(*range(1, left + 1), before + 1)
    assert (held(known, answer) is not None) is suspicious
    news = changes(known, answer, True)
    assert said(news)[0] == ("new", f"CVE-2031-{before + 1:04}")
    assert len(news) == 1 + (0 if suspicious else before - left)


def test_the_reason_for_holding_says_how_many() -> None:
    known = {f"k{n}": "r" for n in range(100)} | {"old": "gone:x"}
    assert "100 of 100 known" in str(held(known, read(1)))


@given(st.lists(st.sets(st.integers(1, 9), min_size=1), min_size=1, max_size=6))
def test_whatever_came_before_the_known_keys_end_as_the_last_answer(answers: list[set[int]]) -> None:
    known: dict[str, str] = {}
    for numbers in answers:
        known = after(changes(known, read(*sorted(numbers)), True), known)
    alive = {key for key, revision in known.items() if not revision.startswith("gone:")}
    assert alive == {f"CVE-2031-{number:04}" for number in answers[-1]}


def test_an_error_names_what_it_is_about() -> None:
    assert Unreadable("broken", "kev.json") == Unreadable("broken", "kev.json", None, None)


@pytest.mark.parametrize(
    ("first", "then", "expected"),
    [
        (
            "kev_2025-08-18.json",
            "kev_2025-08-25.json",
            {("new", key) for key in ("CVE-2024-8068", "CVE-2024-8069", "CVE-2025-43300", "CVE-2025-48384")},
        ),
        (
            "removal_before_2025-06-04.json",
            "removal_after_2025-06-06.json",
            {("new", "CVE-2025-5419"), ("cancel", "CVE-2025-4664"), ("update", "CVE-2025-4428")},
        ),
    ],
)
def test_real_catalogues_differ_as_recorded(
    recordings: Path, first: str, then: str, expected: set[tuple[str, str]]
) -> None:
    before, now = (parse((recordings / "cisa-kev" / name).read_bytes(), name) for name in (first, then))
    news = changes(after(changes({}, before, True), {}), now, True)
    assert set(said(news)) == expected
    assert len(news) == len(expected)
