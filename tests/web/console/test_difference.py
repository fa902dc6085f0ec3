"""The words that stayed, went and came give back both texts, whatever the texts are."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from hub.web.console.difference import Run, words

TEXTS = st.lists(st.sampled_from(["four", "nine", "rooms", ".", " ", "\n", "é", "<b>"]), max_size=40).map("".join)


@given(TEXTS | st.text(max_size=60), TEXTS | st.text(max_size=60))
def test_both_texts_come_back(before, after):
    runs = words(before, after)
    assert "".join(run.text for run in runs if run.kind != "new") == before
    assert "".join(run.text for run in runs if run.kind != "gone") == after
    assert all(run.text for run in runs)


@given(TEXTS)
def test_equal_texts_differ_in_nothing(text):
    assert {run.kind for run in words(text, text)} <= {"same"}


def test_only_the_word_that_changed_is_marked():
    runs = words("Police checked four rooms.", "Police checked nine rooms.")
    assert runs == (Run("same", "Police checked "), Run("gone", "four"), Run("new", "nine"), Run("same", " rooms."))


def test_hostile_amounts_are_shown_whole():
    before, after = "a " * 6_000, "b " * 6_000
    assert words(before, after) == (Run("gone", before), Run("new", after))
