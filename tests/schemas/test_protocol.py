"""docs/protocol.md names everything that the code knows: it is what others build on."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from schemas import gate, vocabulary
from schemas.extension import EXTENSION_ID, Extension
from schemas.tombstone import WireTombstone

TEXT = (Path(__file__).resolve().parents[2] / "docs" / "protocol.md").read_text(encoding="utf-8")
WORDS = set(re.findall(r"[a-z0-9+_-]+", TEXT))
LISTS = (
    vocabulary.Mode, vocabulary.Lane, vocabulary.Audience, vocabulary.Topic, vocabulary.Phase, vocabulary.Caveat, vocabulary.RecordClass,
    vocabulary.Confidence, vocabulary.TombstoneKind, vocabulary.Reason, vocabulary.KeyUse, vocabulary.KeyState,
)  # fmt: skip


@pytest.mark.parametrize("words", LISTS, ids=lambda words: words.__name__)
def test_every_word_of_a_closed_list_is_told(words):
    assert {word.value for word in words} <= WORDS


@pytest.mark.parametrize("struct", [Extension, WireTombstone], ids=lambda struct: struct.__name__)
def test_every_member_is_told(struct):
    assert set(struct.__struct_fields__) <= WORDS


def test_every_code_of_the_gate_is_told():
    assert gate.CODES <= WORDS


def test_the_extension_id_is_told():
    assert EXTENSION_ID in TEXT


def test_every_file_of_vectors_is_told():
    folder = Path(__file__).resolve().parents[2] / "docs" / "vectors"
    assert {path.name for path in folder.iterdir()} == set(re.findall(r"^\| `([a-z-]+\.json)`", TEXT, re.MULTILINE))
