from __future__ import annotations

import re

import pytest
from hypothesis import given

from connectors.feeds import words
from schemas.bulletin import RoleAction
from schemas.vocabulary import Tlp
from tests.connectors.feeds.made import nasty

STEPS = (RoleAction("principal", "Lock the doors."), RoleAction("it-staff", "Keep <logs>."))


@pytest.mark.parametrize(("tlp", "said"), [(Tlp.CLEAR, "TLP:CLEAR"), (Tlp.AMBER_STRICT, "TLP:AMBER+STRICT")])
def test_the_label_is_spelt_as_first_spells_it(tlp: Tlp, said: str) -> None:
    assert words.label(tlp) == said


def test_paragraphs_and_lines_stay() -> None:
    text = "One,\r\ntwo.\n \n\n\nThree & <four>.\n"
    assert words.plain(text) == "One,\ntwo.\n\nThree & <four>."
    assert words.markup(text) == "<p>One,<br>two.</p><p>Three &amp; &lt;four&gt;.</p>"


def test_markdown_and_tags_are_shown_as_written() -> None:
    assert words.markup("**bold** [x](javascript:1) <b>y</b>") == (
        "<p>**bold** [x](javascript:1) &lt;b&gt;y&lt;/b&gt;</p>"
    )


def test_actions_follow_the_text_by_role() -> None:
    assert words.body_text("Text.", STEPS) == (
        "Text.\n\nWhat to do:\n- principal: Lock the doors.\n- it-staff: Keep <logs>."
    )
    assert words.body_html("Text.", STEPS).endswith(
        "<p>What to do:</p><ul><li><strong>principal:</strong> Lock the doors.</li>"
        "<li><strong>it-staff:</strong> Keep &lt;logs&gt;.</li></ul>"
    )


def test_no_text_is_no_text() -> None:
    assert (words.plain(" \n "), words.markup("\x00"), words.body_html("", ())) == ("", "", "")


@given(nasty, nasty)
def test_nothing_but_our_own_tags_gets_into_the_html(text: str, role: str) -> None:
    made = words.body_html(text, [RoleAction(role, text)])
    assert set(re.findall(r"<[^>]*>", made)) <= {
        "<p>", "</p>", "<br>", "<ul>", "</ul>", "<li>", "</li>", "<strong>", "</strong>",
    }  # fmt: skip
    assert words.markup(text) == words.markup(words.plain(text))
