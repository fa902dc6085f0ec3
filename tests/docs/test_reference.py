"""docs/reference/ says what the code says."""

from __future__ import annotations

import re

import pytest

from tests.docs import reference


def test_every_setting_and_only_settings_have_words():
    assert set(dict(reference.settings())) == set(reference.SETTINGS)


@pytest.mark.parametrize("name", ["settings", "cli", "subjects", "schema", "http-api", "metrics", "problems"])
def test_the_pages_are_in_step(name: str):
    made = reference.pages()[f"{name}.md"]
    path = reference.FOLDER / f"{name}.md"
    assert path.exists(), "write it: python -m tests.docs"
    assert path.read_text(encoding="utf-8") == made, "write it anew: python -m tests.docs"


def test_every_variable_that_the_code_reads_is_listed():
    hub = reference.ROOT / "hub"
    text = "\n".join(path.read_text(encoding="utf-8") for path in hub.rglob("*.py"))
    read = set(re.findall(r'environ(?:\.get)?[(\[]"(HUB_\w+)"', text))
    assert read == set(reference.VARIABLES)
