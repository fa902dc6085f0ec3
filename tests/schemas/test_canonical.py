"""The short way of reading a bundle gives what the long way gives, for whatever bytes."""

from __future__ import annotations

import json

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from schemas import canonical, stix
from schemas.reading import decode_the_long_way
from tests.schemas import made
from tests.schemas.test_stix_hostile import LET_BY, LOST, REFUSED, RELEASED, Changed

GOOD = stix.encode(RELEASED)
REPORT_END = GOOD.index(b'},{"type":"identity"')


def outcome(read, payload):
    try:
        return read(payload)
    except stix.StixError as error:
        return error.code, error.message


def both(payload):
    found = outcome(stix.decode_with_losses, payload)
    assert found == outcome(decode_the_long_way, payload)
    return found


@given(made.bulletins())
def test_what_we_write_is_read_the_short_way_and_comes_back_whole(bulletin):
    payload = stix.encode(bulletin)
    assert canonical.take_apart(payload) is not None
    assert both(payload) == (bulletin, ())


@given(made.bulletins(released=True))
def test_a_release_is_the_encoded_bulletin_and_its_bare_form_the_encoded_draft(bulletin):
    drafted = msgspec.structs.replace(bulletin, modified=bulletin.created, published=bulletin.created, stamp=None)
    assert stix.encode_release(bulletin, drafted) == (stix.encode(bulletin), stix.encode(drafted))


CASES = {**REFUSED, **LOST, **LET_BY}


@pytest.mark.parametrize("case", CASES)
def test_hostile_changes_in_our_own_spelling_are_judged_alike(case):
    it = Changed()
    change = CASES[case]
    (change[0] if isinstance(change, tuple) else change)(it)
    both(json.dumps(it.bundle, ensure_ascii=False, separators=(",", ":")).encode())


INSERTED = {
    "a doubled key": (b'"type":"report",', b'"type":"report","type":"report",'),
    "a key in other letters": (b'"name":', b'"Name":"x","name":'),
    "a doubled hash": (b'"spec_version":"2.1","id":"report', b'"id":"x","spec_version":"2.1","id":"report'),
    "an unknown member": (b'"mode":', b'"later":1,"mode":'),
    "a space": (b'"objects":[', b'"objects": ['),
    "an escape for a letter": (b'"type":"bundle"', b'"type":"b\\u0075ndle"'),
    "NUL": (b'"description":"', b'"description":"\\u0000'),
    "half a surrogate pair": (b'"description":"', b'"description":"\\ud800'),
    "bytes that are no UTF-8": (b'"description":"', b'"description":"\xff'),
    "an integer beyond 2^53": (b'"confidence":', b'"confidence":9007199254740993'),
    "a float": (b'"confidence":', b'"confidence":0.'),
}


@pytest.mark.parametrize("what", INSERTED)
def test_hostile_spellings_are_never_read_the_short_way(what):
    old, new = INSERTED[what]
    payload = GOOD.replace(old, new, 1)
    assert payload != GOOD
    assert canonical.take_apart(payload) is None
    both(payload)


def test_hostile_bytes_behind_or_before_the_document_go_the_long_way():
    for payload in (
        GOOD + b" ",
        GOOD + b"\n",
        b"\xef\xbb\xbf" + GOOD,
        b" " + GOOD,
        GOOD + GOOD,
        GOOD[:-1],
        b"",
        b"[]",
        b"{}",
    ):
        assert canonical.take_apart(payload) is None
        both(payload)


def test_hostile_keys_that_differ_only_in_case_in_a_table_of_hashes_go_the_long_way():
    table = b'"external_references":[{"source_name":"s","url":"https://e.example","hashes":{"MD5":"a","md5":"b"}}],'
    payload = GOOD.replace(b'"object_marking_refs"', table + b'"object_marking_refs"', 1)
    assert canonical.take_apart(payload) is None
    assert both(payload)[0] == "duplicate-key"


@given(st.integers(0, len(GOOD) - 1), st.binary(max_size=3), st.integers(0, 3))
@example(at=REPORT_END, new=b",", cut=0)
def test_hostile_bytes_anywhere_are_judged_alike(at, new, cut):
    both(GOOD[:at] + new + GOOD[at + cut :])


@given(made.bulletins(), st.data())
def test_hostile_pieces_swapped_between_bundles_are_judged_alike(bulletin, data):
    ours, theirs = (msgspec.json.decode(stix.encode(each)) for each in (bulletin, RELEASED))
    at = data.draw(st.integers(0, len(ours["objects"]) - 1))
    ours["objects"][at] = data.draw(st.sampled_from(theirs["objects"]))
    both(msgspec.json.encode(ours))
