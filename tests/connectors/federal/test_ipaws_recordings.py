"""What IPAWS really served, against what the manifest beside it says of each message."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from hub.cli.sources import parse
from schemas.cap import parse_time

SUBSET = "openfema_ipaws_archived_subset.json"
_SECTION = re.compile(r"^## (\S+\.xml)$(.*?)(?=^## |\Z)", re.MULTILINE | re.DOTALL)
_HEAD = re.compile(
    r"identifier `([^`]*)`; sender `([^`]*)`; sent `([^`]*)`; status \*\*(\w+)\*\*; msgType \*\*(\w+)\*\*"
)
_INFO = re.compile(
    r"- info\[([\w-]+)[^]]*\] event \"([^\"]*)\" category (\S+); urgency/severity/certainty (\w+)/(\w+)/(\w+); expires `([^`]*)`"
)
_CODES = re.compile(r"(SAME|UGC): \d+ \(([^)]*)\)")
_ACTIONS = {"Alert": "new", "Update": "update", "Cancel": "cancel"}


@pytest.fixture(scope="module")
def folder(recordings: Path) -> Path:
    return recordings / "ipaws"


@pytest.fixture(scope="module")
def manifest(folder: Path) -> dict[str, str]:
    return dict(_SECTION.findall((folder / "MANIFEST.md").read_text(encoding="utf-8")))


@pytest.fixture
def said(capsys: pytest.CaptureFixture[str]) -> Any:
    def lines(*files: Path, each: bool = False) -> list[dict[str, Any]]:
        assert parse("ipaws", *files, each=each, as_json=True) == 0
        return [json.loads(line) for line in capsys.readouterr().out.splitlines()]

    return lines


def areas(section: str) -> set[tuple[str | None, str | None]]:
    found = set()
    for name, codes in _CODES.findall(section):
        for code in codes.split(", "):
            found.add((code[1:], None) if name == "SAME" else (None, code))
    return found


def test_every_message_agrees_with_the_manifest(folder: Path, manifest: dict[str, str], said: Any) -> None:
    assert len(manifest) == 23
    for name, section in manifest.items():
        (line,) = said(folder / name)
        ((identifier, sender, sent, status, kind),) = _HEAD.findall(section)
        assert line["key"] == f"{sender},{identifier},{sent}", name
        assert line["action"] == _ACTIONS[kind], name
        assert status == "Actual"
        assert line["status"] == ("test" if "TEST by content" in section else "actual"), name
        assert line["references"] == re.findall(r"references `([^`]*)`", section), name
        assert {(area["fips"], area["ugc"]) for area in line["areas"]} == areas(section), name
        if kind != "Cancel":
            agrees_with_its_blocks(name, section, line)


def agrees_with_its_blocks(name: str, section: str, line: dict[str, Any]) -> None:
    blocks = _INFO.findall(section)
    language, event, _, urgency, severity, certainty, expires = blocks[0]
    assert line["languages"] == [block[0] for block in blocks], name
    assert line["language"] == language, name
    words = (urgency.lower(), severity.lower(), certainty.lower())
    assert (line["urgency"], line["severity"], line["certainty"]) == words, name
    assert parse_time(line["expires"]) == parse_time(expires), name
    headline = re.search(r"headline \"([^\"]*)\"", section)
    assert line["headline"].startswith(headline[1].strip() if headline else event), name


def test_the_files_together_are_the_same_23(folder: Path, manifest: dict[str, str], said: Any) -> None:
    lines = said(*(folder / name for name in sorted(manifest)))
    assert Counter(line["action"] for line in lines) == {"new": 19, "update": 3, "cancel": 1}
    assert Counter(line["status"] for line in lines) == {"actual": 20, "test": 3}
    assert Counter(tuple(line["languages"]) for line in lines) == {("en-US", "es-US"): 13, ("en-US",): 10}


def test_the_archive_holds_the_same_messages(folder: Path, manifest: dict[str, str], said: Any) -> None:
    apart = said(*(folder / name for name in sorted(manifest)))
    together = said(folder / SUBSET)
    keys = [line["key"] for line in apart]
    assert [line["key"] for line in together] == keys
    for one, other in zip(apart, together, strict=True):
        assert {**one, "file": "", "item": 0} == {**other, "file": "", "item": 0}
    assert [line["item"] for line in together] == list(range(23))
    assert said(folder / SUBSET, *(folder / name for name in manifest)) == together


def test_references_lead_to_what_the_manifest_says(folder: Path, said: Any) -> None:
    records = json.loads((folder / SUBSET).read_text(encoding="utf-8"))
    lines = said(folder / SUBSET)
    numbers = {name.name.split("_")[0] for name in folder.glob("*_Update_*.xml")} | {"34"}
    assert len(records) == 23
    assert numbers == {"17", "22", "32", "34"}
    keys = {line["key"] for line in lines}
    assert all(line["references"][0] in keys for line in lines if line["action"] != "new")


def test_a_cancel_without_words_takes_those_of_what_it_cancels(folder: Path, said: Any) -> None:
    cancel, cancelled = folder / "34_Cancel_no-info.xml", folder / "37_Alert_Evacuation-Immediate.xml"
    for first, second in ((cancel, cancelled), (cancelled, cancel)):
        for each in (False, True):
            line = next(line for line in said(first, second, each=each) if line["action"] == "cancel")
            assert (line["headline"], line["severity"]) == ("2026-07-28 Mt Spokane Fire", "extreme")
            assert line["areas"] == [{"state": "WA", "fips": "53063", "ugc": None}]
    (alone,) = said(cancel)
    assert (alone["severity"], alone["areas"]) == ("unknown", [])
    assert alone["headline"].startswith("ALERTSpokane cancels 200684.f3a15accdaab3ef045e18722f938c9")


def test_the_topics_are_what_the_messages_are_about(folder: Path, manifest: dict[str, str], said: Any) -> None:
    lines = {
        line["file"].rpartition("/")[2][:2]: line["topics"] for line in said(*(folder / name for name in manifest))
    }
    assert [lines[number] for number in ("05", "10", "11", "21", "28", "34", "38")] == [
        ["transport"], ["weather"], ["transport"], ["weather"], ["hazard"], ["hazard"], ["weather"],
    ]  # fmt: skip


def test_a_table_that_somebody_made_of_messages_is_no_answer(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert parse("ipaws", folder / "ipaws_archive_flat_0-299.csv", as_json=True) == 1
    assert "no CAP document" in capsys.readouterr().out
