"""Hashes and ids, recomputed here by hand."""

from __future__ import annotations

import hashlib
import json
import uuid

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from schemas import content, stix
from schemas.extension import EXTENSION_ID
from schemas.gate import GateError
from schemas.vocabulary import Mode
from tests.schemas import made

SEED = made.PLAIN.seed


@given(st.sampled_from(Mode), made.origins, st.binary(min_size=16, max_size=16))
def test_a_report_id_is_the_head_of_its_hash(mode, origin, seed):
    digest = bytearray(hashlib.sha256(b"hub-report-id-v1\0" + f"{mode}\0{origin}\0".encode() + seed).digest()[:16])
    digest[6] = digest[6] & 0x0F | 0x40
    digest[8] = digest[8] & 0x3F | 0x80
    identity = content.report_id(mode, origin, seed)
    assert identity == f"report--{uuid.UUID(bytes=bytes(digest))}" == content.report_id(mode, origin, seed.hex())
    assert uuid.UUID(identity.removeprefix("report--")).version == 4


def test_no_two_kinds_of_id_meet():
    made_ids = [
        content.report_id(Mode.LIVE, "tx", SEED),
        content.report_id(Mode.EXERCISE, "tx", SEED),
        content.report_id(Mode.LIVE, "oh", SEED),
        content.identity_id("tx"),
        content.identity_id("tx-ntic"),
        content.bundle_id("tx", SEED, made.PLAIN.salt),
        content.language_id("tx", SEED, made.PLAIN.salt, "es"),
        content.language_id("tx", SEED, made.PLAIN.salt, "vi"),
    ]
    assert len({one.partition("--")[2] for one in made_ids}) == len(made_ids)


def test_the_content_hash_by_hand():
    payload = stix.encode(made.PLAIN)
    document = json.loads(payload)
    document.pop("id")
    report = document["objects"][0]
    for member in ("created", "modified", "published"):
        report.pop(member)
    report["extensions"][EXTENSION_ID].pop("stamp", None)
    assert content.content_hash(payload) == hashlib.sha256(b"hub-content-v1\0" + rfc8785.dumps(document)).digest()


def test_the_spelling_of_a_bundle_is_no_content():
    payload = stix.encode(made.PLAIN)
    other = json.dumps(json.loads(payload), indent=2, sort_keys=True).encode()
    assert content.content_hash(other) == content.content_hash(payload)


@pytest.mark.parametrize(
    "payload",
    [
        b"{}",
        b'{"objects":1}',
        b'{"objects":[{"type":"report"},{"type":"report"}]}',
        b'{"objects":[{"type":"report","extensions":1}]}',
        b'{"objects":[{"type":"report","x":%d}]}' % 2**53,
    ],
)
def test_what_has_no_content_hash(payload):
    with pytest.raises(ValueError):
        content.content_hash(payload)


def test_the_gate_stands_before_the_content_hash():
    with pytest.raises(GateError):
        content.content_hash(b'{"objects":[],"Objects":[]}')


def test_an_approval_binds_verb_role_and_content():
    inner = hashlib.sha256(b"x").digest()
    wanted = hashlib.sha256(b"hub-approval-v1\0publish\0supervisor\0" + inner).digest()
    assert content.approval_hash("publish", "supervisor", inner) == wanted
    for bad in (("publish\0", "supervisor", inner), ("publish", "supervisor", inner[:31])):
        with pytest.raises(ValueError, match="covers"):
            content.approval_hash(*bad)


def test_a_commitment_does_not_depend_on_order():
    salt = bytes(range(16))
    wanted = hashlib.sha256(salt + b"ok\0va").hexdigest()
    assert (
        content.audience_commitment(salt, ["va", "ok"])
        == content.audience_commitment(salt, ("ok", "va", "ok"))
        == wanted
    )
    assert content.audience_commitment(bytes(16), ["ok", "va"]) != wanted


@pytest.mark.parametrize(
    ("salt", "names"), [(bytes(16), []), (bytes(16), ["a\0b"]), (bytes(16), [""]), (bytes(15), ["ok"])]
)
def test_what_is_no_audience(salt, names):
    with pytest.raises(ValueError):
        content.audience_commitment(salt, names)


@pytest.mark.parametrize("seed", [b"", bytes(15), bytes(17), "00", "zz" * 16])
def test_a_seed_has_16_bytes(seed):
    with pytest.raises(ValueError):
        content.report_id(Mode.LIVE, "tx", seed)
