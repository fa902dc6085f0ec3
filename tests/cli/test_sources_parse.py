"""`hub sources parse`, as a person or a script calls it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from hub.cli.sources import parse
from tests.connectors.federal.made import catalogue, vulnerability
from tests.connectors.federal.made_nws import NATIONAL, collection, feature, name
from tests.schemas.cap_made import AREA, document, info

KEYS = [
    "source", "key", "revision", "action", "status", "headline", "summary", "severity", "urgency", "certainty",
    "topics", "areas", "effective", "expires", "references", "url", "language", "languages", "tlp", "file", "item",
]  # fmt: skip


@pytest.fixture
def said(capsys: pytest.CaptureFixture[str]) -> Any:
    def lines(code: int, *files: Path, each: bool = False, source: str = "cisa-kev") -> list[dict[str, Any]]:
        assert parse(source, *files, each=each, as_json=True) == code
        return [json.loads(line) for line in capsys.readouterr().out.splitlines()]

    return lines


def written(folder: Path, name: str, data: bytes) -> Path:
    path = folder / name
    path.write_bytes(data)
    return path


def test_a_line_has_its_members_in_order(tmp_path: Path, said: Any) -> None:
    path = written(tmp_path, "a.json", catalogue(vulnerability(1), vulnerability(2)))
    first, second = said(0, path)
    assert list(first) == KEYS
    assert first | {"revision": "", "summary": ""} == {
        "source": "cisa-kev",
        "key": "CVE-2031-0001",
        "revision": "",
        "action": "new",
        "status": "actual",
        "headline": "Fourth Street Door Controller Command Injection Vulnerability 1",
        "summary": "",
        "severity": "severe",
        "urgency": "expected",
        "certainty": "observed",
        "topics": ["cyber"],
        "areas": [],
        "effective": "2031-02-03T00:00:00Z",
        "expires": None,
        "references": [],
        "url": "https://nvd.nist.gov/vuln/detail/CVE-2031-0001",
        "language": "en",
        "languages": ["en"],
        "tlp": "clear",
        "file": str(path),
        "item": 0,
    }
    assert second["item"] == 1


def test_later_files_add_what_is_new_changed_or_gone(tmp_path: Path, said: Any) -> None:
    first = written(tmp_path, "a.json", catalogue(vulnerability(1), vulnerability(2), vulnerability(3)))
    second = written(tmp_path, "b.json", catalogue(vulnerability(4), vulnerability(2, notes=""), vulnerability(3)))
    lines = said(0, first, second)
    assert [(line["action"], line["key"][-1], line["item"]) for line in lines] == [
        ("new", "1", 0),
        ("new", "2", 1),
        ("new", "3", 2),
        ("new", "4", 0),
        ("update", "2", 1),
        ("cancel", "1", None),
    ]
    assert [line["file"] for line in lines] == [str(first)] * 3 + [str(second)] * 3
    assert lines[-1]["headline"] == lines[0]["headline"]
    assert len({line["revision"] for line in lines}) == 6


def test_lists_of_alerts_follow_each_other(tmp_path: Path, said: Any) -> None:
    first = written(tmp_path, "a.json", collection(feature(1), feature(2), feature(1)))
    single = written(tmp_path, "b.json", json.dumps(feature(3)).encode())
    later = written(tmp_path, "c.json", collection(feature(2), feature(3)))
    texas = written(tmp_path, "d.json", collection(title=f"{NATIONAL} for Texas"))
    lines = said(0, first, single, later, texas, source="nws")
    assert [(line["action"], line["key"]) for line in lines] == [
        ("new", name(1)),
        ("new", name(2)),
        ("new", name(3)),
        ("cancel", name(1)),
        ("cancel", name(2)),
        ("cancel", name(3)),
    ]
    assert list(lines[0]) == KEYS
    assert lines[0]["areas"][0] == {"state": "TX", "fips": "48453", "ugc": None}
    assert (lines[0]["effective"], lines[0]["expires"]) == ("2031-02-03T17:00:00Z", "2031-02-03T20:00:00Z")


def test_what_ended_by_its_own_word_is_not_ended_again_by_leaving(tmp_path: Path, said: Any) -> None:
    first = written(tmp_path, "a.json", collection(feature(1, messageType="Cancel")))
    second = written(tmp_path, "b.json", collection(feature(2)))
    assert [(line["action"], line["key"]) for line in said(0, first, second, source="nws")] == [
        ("cancel", name(1)),
        ("new", name(2)),
    ]


def test_each_reads_every_file_as_the_first(tmp_path: Path, said: Any) -> None:
    path = written(tmp_path, "a.json", catalogue(vulnerability(1)))
    assert [line["action"] for line in said(0, path, path, each=True)] == ["new", "new"]
    assert [line["action"] for line in said(0, path, path)] == ["new"]


def test_a_broken_file_between_two_good_ones_takes_nothing_away(tmp_path: Path, said: Any) -> None:
    first = written(tmp_path, "a.json", catalogue(vulnerability(1)))
    broken = written(tmp_path, "b.json", catalogue(vulnerability(1))[:-5])
    lines = said(1, first, broken, tmp_path / "none.json", first)
    assert [line.get("action") for line in lines] == ["new", None, None]
    assert list(lines[1]) == ["error", "file", "item"]
    assert (lines[1]["file"], lines[1]["item"]) == (str(broken), None)
    assert lines[2]["error"] == "The file cannot be opened: No such file or directory."


def test_an_unreadable_item_is_a_line_and_the_rest_is_read(tmp_path: Path, said: Any) -> None:
    path = written(tmp_path, "a.json", catalogue(vulnerability(1, dueDate="soon"), vulnerability(2)))
    error, good = said(1, path)
    assert (error["file"], error["item"], good["key"]) == (str(path), 0, "CVE-2031-0002")


def test_too_many_losses_at_once_are_an_error(tmp_path: Path, said: Any) -> None:
    many = written(tmp_path, "a.json", catalogue(*(vulnerability(number) for number in range(1, 51))))
    few = written(tmp_path, "b.json", catalogue(vulnerability(1)))
    lines = said(1, many, few)
    assert len(lines) == 51
    assert "49 of 50 known entries are missing at once" in lines[-1]["error"]


@pytest.mark.parametrize(
    ("name", "words"),
    [("kev_schema.json", "JSON Schema"), ("kev_first60.csv", "CSV form")],
)
def test_real_files_of_other_kinds_are_named(recordings: Path, said: Any, name: str, words: str) -> None:
    (line,) = said(1, recordings / "cisa-kev" / name)
    assert words in line["error"]


def test_a_real_pair_with_a_withdrawal(recordings: Path, said: Any) -> None:
    folder = recordings / "cisa-kev"
    lines = said(0, folder / "removal_before_2025-06-04.json", folder / "removal_after_2025-06-06.json")
    assert len(lines) == 1363
    assert {(line["action"], line["key"]) for line in lines[1360:]} == {
        ("new", "CVE-2025-5419"),
        ("update", "CVE-2025-4428"),
        ("cancel", "CVE-2025-4664"),
    }


def test_the_command_speaks_words_and_exit_codes(tmp_path: Path) -> None:
    path = written(tmp_path, "a.json", catalogue(vulnerability(1)))
    command = [sys.executable, "-m", "hub", "sources", "parse"]
    good = subprocess.run([*command, "cisa-kev", path], capture_output=True, check=False, text=True, timeout=60)
    assert (good.returncode, good.stdout) == (
        0,
        "+ CVE-2031-0001      severe   Fourth Street Door Controller Command Injection Vulnerability 1\n",
    )
    unknown = subprocess.run([*command, "cisa", path], capture_output=True, check=False, text=True, timeout=60)
    assert (unknown.returncode, unknown.stdout) == (2, "")
    assert "cisa-kev" in unknown.stderr
    assert subprocess.run([*command, "cisa-kev"], capture_output=True, check=False, timeout=60).returncode == 2


def test_nothing_of_a_web_server_or_a_database_is_loaded(tmp_path: Path) -> None:
    """`hub sources parse` is quick because it loads little."""
    code = "import sys, hub.cli.sources; print(sorted({'aiohttp', 'sqlalchemy', 'nats'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == "[]\n"


def test_references_hold_over_all_files_of_a_call(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Archives are newest first: a cancel may come before what it cancels."""
    first = written(tmp_path, "a.xml", document(info("<headline>Leave now</headline>" + AREA)))
    reference = "dispatch@county.example,river-7,2031-05-06T07:08:09-05:00"
    cancel = written(tmp_path, "b.xml", document(" ", identifier="river-8", msgType="Cancel", references=reference))
    for files in ((first, cancel), (cancel, first)):
        assert parse("ipaws", *files, first, as_json=True) == 0
        lines = {line["action"]: line for line in map(json.loads, capsys.readouterr().out.splitlines())}
        assert sorted(lines) == ["cancel", "new"]
        assert (lines["cancel"]["headline"], lines["cancel"]["areas"]) == ("Leave now", lines["new"]["areas"])
        assert lines["cancel"]["references"] == [lines["new"]["key"]]


def test_a_feed_that_has_no_alerts_just_now_is_no_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = written(tmp_path, "a.xml", b'<ns1:alerts xmlns:ns1="http://gov.fema.ipaws.services/feed"/>')
    assert parse("ipaws", path, as_json=True) == 0
    assert capsys.readouterr().out == ""
