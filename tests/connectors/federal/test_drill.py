from __future__ import annotations

import csv
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.federal import drill
from schemas.vocabulary import Status


def said(text: str, title: str = "Local Area Emergency") -> Status:
    return drill.status([title], [text])


@pytest.mark.parametrize(
    "text",
    [
        "This is a test of the Mill County emergency alert system. This is only a test.",
        "THIS IS A TEST. In the event of an actual emergency more would follow.",
        "This is a\nTEST of the wireless\nalert system.",
        "This is the required Weekly Test of the county.",
        "The following is a coordinated monthly test of the stations in this area.",
        "This message is a test.",
        "This alert is just a test; go on with your day.",
        "This has been a test.",
        "This is a test. If this were not a test, you would be told where to go.",
        "This concludes this test of the alert system.",
        "TEST TEST TEST",
        "test - test - test",
        "Test message, please ignore.",
        "No action required test only.",
        "The county is conducting a test of its emergency alert system.",
        "Testing the IPAWS connection of the county; please disregard.",
        "Monthly WEA/EAS test.",
        "Had this been an actual emergency, you would have been told what to do.",
        "Esto es solo una prueba.",
        "ESTA ES UNA PRUEBA del sistema de alertas.",
        "Este mensaje es una prueba.",
        "Prueba mensual requerida.",
    ],
)
def test_words_that_make_it_a_test(text: str) -> None:
    assert said(text) is Status.TEST
    assert said(f"Mill County: {text} Thank you.") is Status.TEST


@pytest.mark.parametrize(
    "text",
    [
        "This is a drill. Leave by the north gate.",
        "This is an exercise; the release at the plant is simulated.",
        "This is a statewide tornado drill.",
        "EXERCISE EXERCISE EXERCISE",
        "Esto es un simulacro.",
        "Este es un ejercicio.",
    ],
)
def test_words_that_make_it_an_exercise(text: str) -> None:
    assert said(text) is Status.EXERCISE


@pytest.mark.parametrize(
    "text",
    [
        "Tornado on the ground. This is not a test.",
        "Missile inbound. THIS IS NOT A DRILL.",
        "Tornado. *** NOT A TEST *** This is a test of nobody's nerves.",
        "This is no drill: shelter now.",
        "Esto no es una prueba.",
        "Do not assume that this is a test.",
        "Don\u2019t think this is a drill.",
        "Boil your water until test results are back.",
        "Free COVID-19 test sites are closed because of the snow.",
        "This is a COVID test site; keep the road free.",
        "This is a reminder to have your well water tested.",
        "The sirens will be tested on Monday.",
        "The Army is conducting a live-fire exercise; expect noise.",
        "Exercise extreme caution on wet roads.",
        "This is a dangerous storm. Exercise caution.",
        "A demolition will close the road. This is a protest march route.",
        "This is the latest information.",
        "",
    ],
)
def test_warnings_stay_warnings(text: str) -> None:
    assert said(text) is Status.ACTUAL


def test_a_message_that_says_both_is_no_test() -> None:
    assert said("This is not a test. The monthly test is next week. This is a test word.") is Status.ACTUAL


@pytest.mark.parametrize(
    ("title", "status"),
    [
        ("TEST", Status.TEST),
        ("*** TEST ***", Status.TEST),
        ("Test: high water", Status.TEST),
        ("High water [TEST]", Status.TEST),
        ("High water (Test)", Status.TEST),
        ("Required Weekly Test", Status.TEST),
        ("National Periodic Test", Status.TEST),
        ("Emergency Alert System Test", Status.TEST),
        ("Test Message", Status.TEST),
        ("Practice/Demo Warning", Status.TEST),
        ("DRILL", Status.EXERCISE),
        ("EXERCISE: plant release", Status.EXERCISE),
        ("Test well leaks brine", Status.ACTUAL),
        ("Latest: road closed", Status.ACTUAL),
        ("Boil water after a failed test", Status.ACTUAL),
        ("Civil Emergency Message", Status.ACTUAL),
    ],
)
def test_titles(title: str, status: Status) -> None:
    assert said("Stay where you are.", title) is status


@given(st.text(max_size=300), st.text(max_size=300))
def test_any_words_have_a_status(title: str, text: str) -> None:
    assert drill.status([title], [text]) in Status


@pytest.mark.parametrize("text", ["this is a " * 20_000, "test " * 20_000 + "x", "test\n-\n" * 20_000, "the " * 50_000])
@pytest.mark.timeout(20)
def test_long_words_take_no_long_time(text: str) -> None:
    assert drill.status([text], [text]) in Status


def test_warnings_of_three_days_stay_warnings(recordings: Path) -> None:
    csv.field_size_limit(sys.maxsize)
    with (recordings / "ipaws" / "ipaws_archive_flat_0-299.csv").open(encoding="utf-8", newline="") as opened:
        told = [
            (row["event"], drill.status([row["event"], row["headline"]], [row["description"], row["instruction"]]))
            for row in csv.DictReader(opened)
        ]
    assert len(told) == 300
    assert sorted(event for event, status in told if status is not Status.ACTUAL) == [
        "Administrative Message",
        *["Demo Warning"] * 4,
    ]
