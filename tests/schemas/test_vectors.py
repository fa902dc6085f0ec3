"""The test vectors of docs/vectors, read as a stranger would: good ones give the told values, bad ones the told error."""

from __future__ import annotations

import base64
import copy
import hashlib
import json

import pytest
from nacl.signing import SigningKey

from schemas import content, envelope, gate, keys, product, stix, subjects, times
from schemas.extension import EXTENSION_DEFINITION
from schemas.marking import MARKINGS
from schemas.vocabulary import Mode, Tlp
from tests.schemas import vectors

FILES = {path.stem: json.loads(path.read_bytes()) for path in sorted(vectors.FOLDER.glob("*.json"))}
MESSAGES = FILES["messages"]
named = pytest.mark.parametrize


def test_the_files_are_what_the_script_writes():
    on_disk = {path.name: path.read_bytes() for path in vectors.FOLDER.glob("*.json")}
    assert on_disk == vectors.documents(), "run: python -m tests.schemas.vectors"


@named("case", MESSAGES["messages"], ids=lambda case: case["name"])
def test_a_good_message_is_sealed_opened_and_read(case):
    payload = case["payload"].encode()
    assert hashlib.sha256(payload).hexdigest() == case["sha256"]
    opened = envelope.open_headers(case["subject"], case["headers"], payload)
    envelope.verify(opened)
    pair = SigningKey(bytes.fromhex(MESSAGES["signing_seed"]))
    assert pair.sign(bytes.fromhex(case["signed"])).signature == envelope.decode_signature(opened.signature)
    assert envelope.headers(opened) == case["headers"]
    told = subjects.parse(case["subject"])
    if isinstance(told, subjects.RecallSubject):
        tombstone = stix.decode_tombstone(payload)
        assert stix.encode_tombstone(tombstone) == payload
        assert (tombstone.product_id, tombstone.version) == (case["product_id"], case["version"])
        return
    bulletin, losses = stix.decode_with_losses(payload)
    assert losses == ()
    assert stix.encode(bulletin) == payload
    assert content.content_hash(payload).hex() == case["content_hash"]
    assert content.content_hash(case["draft"].encode()).hex() == case["content_hash"]
    assert (bulletin.stamp.product_id, bulletin.stamp.version) == (case["product_id"], case["version"])
    assert content.report_id(bulletin.mode, bulletin.origin, bulletin.seed) == case["report_id"]
    assert (told.mode, told.origin, told.lane, told.tlp, told.topic) == (
        bulletin.mode,
        bulletin.origin,
        bulletin.lane,
        bulletin.tlp,
        bulletin.topic,
    )


def test_the_approvals_in_a_vector_cover_its_content():
    for case in MESSAGES["messages"][:4]:
        bulletin = stix.decode(case["payload"].encode())
        inner = bytes.fromhex(case["content_hash"])
        for approval in bulletin.stamp.approvals:
            assert content.approval_hash(approval.verb, approval.role, inner).hex() == approval.hash
    assert any(stix.decode(case["payload"].encode()).stamp.approvals for case in MESSAGES["messages"][:4])


@named("case", FILES["bad-envelopes"]["bad"], ids=lambda case: case["name"])
def test_a_bad_envelope(case):
    whole = FILES["bad-envelopes"]["good"] | case
    with pytest.raises(envelope.EnvelopeError) as caught:
        envelope.verify(envelope.open_headers(whole["subject"], whole["headers"], whole["payload"].encode()))
    assert caught.value.code == case["error"]


@named("case", FILES["bad-documents"], ids=lambda case: case["name"])
def test_a_bad_document(case):
    payload = base64.b64decode(case["payload_base64"], validate=True)
    for judge, error in ((gate.check, gate.GateError), (stix.decode, stix.StixError)):
        with pytest.raises(error) as caught:
            judge(payload)
        assert caught.value.code == case["error"]


def patched(document, patch):
    """RFC 6902, as far as the vectors use it."""
    made = copy.deepcopy(document)
    for step in patch:
        *way, last = step["path"].split("/")[1:]
        place = made
        for name in way:
            place = place[int(name) if isinstance(place, list) else name]
        if isinstance(place, dict):
            place.pop(last, None)
            if step["op"] != "remove":
                place[last] = step["value"]
        elif last == "-":
            place.append(step["value"])
        elif step["op"] == "remove":
            del place[int(last)]
        else:
            place[int(last)] = step["value"]
    return json.dumps(made).encode()


def test_the_bundle_that_is_patched_is_good():
    assert stix.decode_with_losses(patched(FILES["bad-bundles"]["bundle"], []))[1] == ()


@named("case", FILES["bad-bundles"]["bad"], ids=lambda case: case["name"])
def test_a_bad_bundle(case):
    with pytest.raises(stix.StixError) as caught:
        stix.decode(patched(FILES["bad-bundles"]["bundle"], case["patch"]))
    assert caught.value.code == case["error"]


@named("case", FILES["bad-tombstones"]["bad"], ids=lambda case: str(case["with"]))
def test_a_bad_tombstone(case):
    with pytest.raises(stix.StixError) as caught:
        stix.decode_tombstone(json.dumps(FILES["bad-tombstones"]["tombstone"] | case["with"]).encode())
    assert caught.value.code == case["error"]


def test_derived_values():
    told = FILES["derived"]
    for case in told["report_ids"]:
        assert content.report_id(Mode(case["mode"]), case["origin"], case["seed"]) == case["id"]
    for case in told["identity_ids"]:
        assert content.identity_id(case["origin"]) == case["id"]
    for case in told["bundle_ids"]:
        assert content.bundle_id(case["origin"], case["seed"], case["salt"]) == case["id"]
    for case in told["language_ids"]:
        assert content.language_id(case["origin"], case["seed"], case["salt"], case["lang"]) == case["id"]
    for case in told["approvals"]:
        inner = bytes.fromhex(case["content_hash"])
        assert content.approval_hash(case["verb"], case["role"], inner).hex() == case["hash"]
    for case in told["audience_commitments"]:
        assert content.audience_commitment(bytes.fromhex(case["salt"]), case["names"]) == case["commitment"]
    assert told["constants"]["extension_definition"] == EXTENSION_DEFINITION
    assert told["constants"]["markings"] == {tlp.value: MARKINGS[tlp] for tlp in Tlp}


def test_subjects():
    for text in FILES["spellings"]["subjects"]["good"]:
        assert str(subjects.parse(text)) == text
    for case in FILES["spellings"]["subjects"]["bad"]:
        with pytest.raises(subjects.SubjectError) as caught:
            subjects.parse(case["subject"])
        assert caught.value.code == case["error"]


def test_product_ids():
    for case in FILES["spellings"]["product_ids"]["good"]:
        one = product.parse(case.pop("text"))
        assert {name: getattr(one, name) for name in one.__struct_fields__} == case
    for text in FILES["spellings"]["product_ids"]["bad"]:
        with pytest.raises(ValueError):
            product.parse(text)


def test_times():
    for text in FILES["spellings"]["times"]["good"]:
        assert times.format_time(times.parse_time(text)) == text
    for text in FILES["spellings"]["times"]["bad"]:
        with pytest.raises(ValueError):
            times.parse_time(text)


def test_keys():
    for case in FILES["spellings"]["keys"]["good"]:
        assert keys.decode_public(case["public"], case["type"]).hex() == case["raw"]
    for case in FILES["spellings"]["keys"]["bad"]:
        with pytest.raises(keys.KeyError_) as caught:
            keys.decode_public(case["public"], "A")
        assert caught.value.code == case["error"]
