from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from connectors.plain_text import one_line, printable


@pytest.mark.parametrize(
    ("given_text", "shown"),
    [
        ("a\r\nb\rc\u2028d\x85e", "a\nb\nc\nd\ne"),
        ("a\x00b\x07c\x1bd\x7fe", "abcde"),
        ("half \ud83d pair", "half  pair"),
        ("\ufeffmark \ufffe \uffff \U0001ffff", "mark   "),
        ("good \u202egnp.exe", "good gnp.exe"),
        ("\u05e9\u05dc\u05d5\u05dd\u200f!", "\u05e9\u05dc\u05d5\u05dd\u200f!"),
        ("tab\tstays", "tab\tstays"),
    ],
)
def test_what_cannot_be_shown_is_gone(given_text: str, shown: str) -> None:
    assert printable(given_text) == shown


def test_a_title_has_one_line() -> None:
    assert one_line("  two\n lines\t and \u2029 more ") == "two lines and more"


@given(st.text())
def test_whatever_comes_fits_into_xml_and_utf8(text: str) -> None:
    shown = printable(text)
    shown.encode()
    element = etree.Element("x")
    element.text = shown
    assert printable(shown) == shown
    assert "\n" not in one_line(text)
