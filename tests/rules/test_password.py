"""Which passwords are taken."""

from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.rules.decision import Accepted, Refused
from hub.rules.password import LONGEST, SHORTEST, fits, normal

OWN = ("sam.poe", "Sam Poe", "Texas School Safety Center")


def answer(password: str) -> str:
    judged = fits(password, OWN)
    return judged.code if isinstance(judged, Refused) else "yes"


@pytest.mark.parametrize(
    ("password", "expected"),
    [
        ("three calm herons at noon", "yes"),
        ("correct horse battery", "yes"),
        ("correct horse battery staple", "common"),
        ("x7#Kp2!qLm9z", "yes"),
        ("x7#Kp2!qLm9", "short"),
        ("три спокойные цапли", "yes"),
        ("静かな鷺が三羽昼に水辺で立つ", "yes"),
        ("481516234299", "common"),
        ("sam.poe.2026!", "own"),
        ("Sam Poe Sam Poe", "own"),
        ("sampoesampoesampoe", "own"),
        ("Texas School Safety Center", "own"),
        ("sam poe likes herons", "yes"),
        ("Password12345!", "common"),
        ("passwordpassword", "common"),
        ("SchoolSafetyHub2026", "common"),
        ("abcdefghijklm", "common"),
        ("zyxwvutsrqponm", "common"),
        ("aaaaaaaaaaaaaaaa", "common"),
        ("abababababababab", "common"),
        ("qwertyuiop123", "common"),
        ("            ", "common"),
        ("", "short"),
        ("ab c" * 64, "common"),
        ("abcde " * 43, "long"),
    ],
)
def test_what_is_taken(password: str, expected: str) -> None:
    assert answer(password) == expected


@given(st.text(max_size=400))
def test_every_text_gets_an_answer_in_words(text: str) -> None:
    judged = fits(text, OWN)
    if isinstance(judged, Refused):
        assert judged.reason.endswith(".")
    else:
        assert SHORTEST <= len(normal(text)) <= LONGEST


@given(st.lists(st.text(string.ascii_lowercase, min_size=4, max_size=9), min_size=4, max_size=8, unique=True))
def test_no_rule_on_the_make_up(words: list[str]) -> None:
    """Several words in small letters are enough."""
    said = " ".join(words)
    if len(set(said)) >= 5:
        assert isinstance(fits(said, OWN), Accepted)


def test_one_password_however_the_keyboard_writes_it() -> None:
    assert normal("caf\u00e9 in the old mill") == normal("cafe\u0301 in the old mill")
