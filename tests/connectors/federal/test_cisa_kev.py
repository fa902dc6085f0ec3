from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.federal import cisa_kev
from connectors.federal.cisa_kev import parse
from schemas.vocabulary import Action, Certainty, Severity, Status, Topic
from tests.connectors.federal.made import catalogue, vulnerability


def only(**given_facts: Any) -> Any:
    read = parse(catalogue(vulnerability(**given_facts)), "kev.json")
    assert read.errors == ()
    return read.advisories[0]


def complaint(data: bytes) -> str:
    read = parse(data, "kev.json")
    assert (read.advisories, len(read.errors), read.errors[0].item, read.whole) == ((), 1, None, False)
    return read.errors[0].error


def test_an_entry_becomes_an_advisory() -> None:
    made = only()
    assert (made.source, made.key, made.action, made.status) == (
        "cisa-kev",
        "CVE-2031-0001",
        Action.NEW,
        Status.ACTUAL,
    )
    assert made.headline == "Fourth Street Door Controller Command Injection Vulnerability 1"
    assert made.summary == (
        "The controller runs what the login form is told.\n"
        "Affected: Fourth Street Door Controller.\n"
        "Required action: Apply updates per vendor instructions.\n"
        "Due for federal agencies: 2031-02-24."
    )
    assert (made.severity, made.certainty, made.topics, made.areas) == (
        Severity.SEVERE,
        Certainty.OBSERVED,
        (Topic.CYBER,),
        (),
    )
    assert made.effective == dt.datetime(2031, 2, 3, tzinfo=dt.UTC)
    assert (made.url, made.item) == ("https://nvd.nist.gov/vuln/detail/CVE-2031-0001", "0")
    assert json.loads(made.original) == vulnerability()


@pytest.mark.parametrize("word", ["Known", " known "])
def test_ransomware_makes_it_extreme(word: str) -> None:
    made = only(knownRansomwareCampaignUse=word)
    assert made.severity is Severity.EXTREME
    assert made.summary.endswith("Known to be used in ransomware campaigns.")


@pytest.mark.parametrize(
    ("notes", "url"),
    [
        ("see https://a.example/x, https://b.example", "https://a.example/x"),
        ("Details: https://a.example/x.", "https://a.example/x"),
        ("", "https://nvd.nist.gov/vuln/detail/CVE-2031-0001"),
        (..., "https://nvd.nist.gov/vuln/detail/CVE-2031-0001"),
        ("javascript:alert(1)", "https://nvd.nist.gov/vuln/detail/CVE-2031-0001"),
    ],
)
def test_the_link_is_nvds_or_the_first_in_the_notes(notes: Any, url: str) -> None:
    assert only(notes=notes).url == url


def test_members_that_the_schema_does_not_ask_for_may_lack() -> None:
    assert only(knownRansomwareCampaignUse=..., notes=..., cwes=...).severity is Severity.SEVERE


def test_the_product_is_not_named_twice() -> None:
    assert "Affected: Git.\n" in only(vendorProject="Git", product="Git").summary


@pytest.mark.parametrize(
    "changed",
    [
        {"shortDescription": "Other words."},
        {"notes": ""},
        {"cwes": []},
        {"knownRansomwareCampaignUse": "Known"},
        {"dueDate": "2031-02-25"},
        {"somethingNew": 1},
    ],
)
def test_any_change_of_an_entry_is_a_new_revision(changed: dict[str, Any]) -> None:
    assert only(**changed).revision != only().revision


def test_order_and_white_space_are_no_change() -> None:
    turned = dict(reversed(vulnerability().items()))
    packed = json.dumps({"count": 1, "vulnerabilities": [turned]}, separators=(",", ":")).encode()
    assert parse(packed, "").advisories[0].revision == only().revision


@pytest.mark.parametrize(
    ("bad", "key", "words"),
    [
        (vulnerability(2, cveID="CVE-31-2"), None, "cveID"),
        (vulnerability(2, cveID="CVE-2031-0002\n"), None, "cveID"),
        (vulnerability(2, dateAdded="02/03/2031"), "CVE-2031-0002", "dateAdded"),
        (vulnerability(2, dateAdded="2031-02-30"), "CVE-2031-0002", "day is out of range"),
        (vulnerability(2, dueDate=""), "CVE-2031-0002", "dueDate"),
        (vulnerability(2, dueDate="2031-13-01"), "CVE-2031-0002", "month"),
        (vulnerability(2, shortDescription=...), "CVE-2031-0002", "shortDescription"),
        (vulnerability(2, vulnerabilityName=7), "CVE-2031-0002", "vulnerabilityName"),
        (vulnerability(2, shortDescription="x" * 20_001), "CVE-2031-0002", "20000"),
        ("text", None, "Expected `object`"),
        (None, None, "Expected `object`"),
    ],
)
def test_a_bad_entry_costs_itself_alone(bad: Any, key: str | None, words: str) -> None:
    read = parse(catalogue(vulnerability(1), bad, vulnerability(3)), "kev.json")
    assert [advisory.key for advisory in read.advisories] == ["CVE-2031-0001", "CVE-2031-0003"]
    (error,) = read.errors
    assert (error.file, error.item, error.key) == ("kev.json", 1, key)
    assert words in error.error
    assert read.whole is (key is not None)


@pytest.mark.parametrize(
    ("escaped", "read"),
    [(r"\ud83d x", "\ufffd x"), (r"\uDC00", "\ufffd"), (r"\ud83d\ude00", "\U0001f600"), (r"\\ud83d", r"\ud83d")],
)
def test_half_a_character_does_not_cost_the_document(escaped: str, read: str) -> None:
    data = catalogue(vulnerability(shortDescription="HALF")).replace(b"HALF", escaped.encode())
    assert parse(data, "").advisories[0].summary.startswith(read)


def test_an_entry_with_a_member_twice_is_unreadable() -> None:
    twice = json.dumps(vulnerability())[:-1] + ', "dueDate": "2031-02-25"}'
    read = parse(b'{"count": 1, "vulnerabilities": [%s]}' % twice.encode(), "")
    assert "a member stands twice" in read.errors[0].error


def test_of_two_entries_with_one_key_the_first_counts() -> None:
    read = parse(catalogue(vulnerability(1), vulnerability(1, notes="")), "")
    assert [advisory.item for advisory in read.advisories] == ["0"]
    assert "more than once" in read.errors[0].error
    assert read.errors[0].item == 1


def test_a_wrong_count_is_an_error_of_the_document() -> None:
    read = parse(catalogue(vulnerability(1), count=2), "")
    assert "count 2 and lists 1" in read.errors[0].error
    assert (len(read.advisories), read.whole) == (1, False)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "empty"),
        (b" \n", "empty"),
        (catalogue(), "empty"),
        (catalogue(vulnerability())[:-9], "ends too early"),
        (b"\xff\xfe\x00garbage", "not JSON"),
        (catalogue(vulnerability()) + b"}", "not JSON"),
        (catalogue(vulnerability()).decode().encode("utf-16"), "not JSON"),
        (b"[]", "not a KEV catalogue"),
        (b'{"count": 1}', "`vulnerabilities`"),
        (b'{"count": "1", "vulnerabilities": [1]}', "$.count"),
        (b'{"count": 1, "vulnerabilities": ["\xff"]}', "Entry 0: "),
        (b"<!DOCTYPE html><p>Access denied", "web page"),
        (b"cveID,vendorProject,product\nCVE-2031-0001,a,b", "CSV form"),
        (b'{"$schema": "x", "type": "object", "properties": {}}', "JSON Schema"),
        (b"[" * 100_000, "KEV"),
        (b'{"count":1,"vulnerabilities":[' + b"[" * 100_000 + b"]" * 100_000 + b"]}", "nested too deeply"),
    ],
)
def test_what_is_no_catalogue_is_said_clearly(data: bytes, words: str) -> None:
    read = parse(data, "kev.json")
    assert read.advisories == ()
    assert words in read.errors[0].error
    assert read.whole is False


def test_a_huge_file_is_refused_by_its_size() -> None:
    data = catalogue(vulnerability())
    assert "too large" in complaint(data + b" " * (cisa_kev.MAX_BYTES + 1 - len(data)))


def test_a_byte_order_mark_is_no_obstacle() -> None:
    assert len(parse(b"\xef\xbb\xbf" + catalogue(vulnerability()), "").advisories) == 1


@given(st.binary(max_size=300))
def test_any_bytes_get_an_answer(data: bytes) -> None:
    assert parse(data, "x").errors


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(
    st.lists(
        st.one_of(
            json_values,
            st.builds(lambda n, more: vulnerability(n) | more, st.integers(1, 9), st.dictionaries(
                st.sampled_from([*vulnerability(), "extra"]), json_values, max_size=2
            )),
        ),
        min_size=1,
        max_size=6,
    )
)  # fmt: skip
def test_each_entry_is_either_read_or_an_error(entries: list[Any]) -> None:
    read = parse(catalogue(*entries), "x")
    if read.errors and read.errors[0].item is None:  # NaN is no JSON: the whole document falls
        assert read.advisories == ()
        return
    seen = {int(a.item) for a in read.advisories} | {e.item for e in read.errors}
    assert seen == set(range(len(entries)))
    assert len({a.key for a in read.advisories}) == len(read.advisories)


@pytest.mark.parametrize(
    ("name", "count", "ransomware", "newest"),
    [
        ("kev_2025-08-18.json", 1400, 293, "CVE-2025-54948"),
        ("kev_2025-08-25.json", 1404, 293, "CVE-2025-48384"),
        ("removal_before_2025-06-04.json", 1360, 286, "CVE-2025-21479"),
        ("removal_after_2025-06-06.json", 1360, 286, "CVE-2025-5419"),
    ],
)
def test_real_catalogues_are_read_whole(recordings: Path, name: str, count: int, ransomware: int, newest: str) -> None:
    read = parse((recordings / "cisa-kev" / name).read_bytes(), name)
    assert (len(read.advisories), read.errors, read.whole) == (count, (), True)
    assert sum(a.severity is Severity.EXTREME for a in read.advisories) == ransomware
    dates = [a.effective for a in read.advisories if a.effective is not None]
    assert (min(dates), max(dates)) == (dt.datetime(2021, 11, 3, tzinfo=dt.UTC), read.advisories[0].effective)
    assert newest in {a.key for a in read.advisories if a.effective == max(dates)}


@pytest.mark.parametrize(("name", "words"), [("kev_schema.json", "JSON Schema"), ("kev_first60.csv", "CSV form")])
def test_real_files_of_other_kinds_are_told_apart(recordings: Path, name: str, words: str) -> None:
    assert words in complaint((recordings / "cisa-kev" / name).read_bytes())
