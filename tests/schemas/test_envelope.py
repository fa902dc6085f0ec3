"""Sealing, headers and signatures; another library judges the signature."""

from __future__ import annotations

import hashlib

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from hypothesis import given
from hypothesis import strategies as st
from nacl.signing import SigningKey

from schemas import envelope, keys
from schemas.envelope import Envelope, EnvelopeError

PAIR = SigningKey(bytes(range(32)))
KEY = keys.encode_public("A", bytes(PAIR.verify_key))
SUBJECT = "live.tx.bulletin.routine.all.green.violence"
PAYLOAD = b'{"a":1}'


def sign(data):
    return PAIR.sign(data).signature


SEALED = envelope.seal(SUBJECT, PAYLOAD, KEY, sign)
HEADERS = envelope.headers(SEALED)


def block(*lines):
    return "\r\n".join(("NATS/1.0", *lines, "", "")).encode()


def lines(headers):
    return [f"{name}: {value}" for name, value in headers.items()]


def test_what_is_signed_is_what_the_format_says():
    wanted = b"hub-message-v1\0" + SUBJECT.encode() + b"\0" + hashlib.sha256(PAYLOAD).digest()
    assert envelope.signed_bytes(SUBJECT, envelope.payload_hash(PAYLOAD)) == wanted
    Ed25519PublicKey.from_public_bytes(bytes(PAIR.verify_key)).verify(
        envelope.decode_signature(SEALED.signature), wanted
    )
    assert HEADERS["Nats-Msg-Id"] == hashlib.sha256(wanted).hexdigest()


@given(st.binary(max_size=100), st.sampled_from([SUBJECT, "exercise.oh-a1.recall.to-ok"]))
def test_what_is_sealed_verifies_and_comes_back(payload, subject):
    sealed = envelope.seal(subject, payload, KEY, sign)
    opened = envelope.open_headers(subject, envelope.headers(sealed), payload)
    assert opened == sealed == envelope.open_headers(subject, block(*lines(envelope.headers(sealed))), payload)
    envelope.verify(opened)


def test_two_copies_of_one_payload_have_two_message_ids():
    assert envelope.message_id("live.tx.recall.to-ok", PAYLOAD) != envelope.message_id("live.tx.recall.to-va", PAYLOAD)


@pytest.mark.parametrize(
    "changed",
    [
        {"subject": "live.tx.bulletin.routine.all.clear.violence"},
        {"subject": SUBJECT + "\0"},
        {"subject": "half \ud800"},
        {"payload": PAYLOAD + b" "},
        {"key": keys.encode_public("A", bytes(SigningKey(bytes(32)).verify_key))},
        {"signature": envelope.encode_signature(bytes(64))},
    ],
)
def test_a_signature_stands_for_subject_payload_and_key(changed):
    with pytest.raises(EnvelopeError) as caught:
        envelope.verify(Envelope(**{**{name: getattr(SEALED, name) for name in SEALED.__struct_fields__}, **changed}))
    assert caught.value.code == "signature"


def test_a_signature_with_s_beyond_the_group_order_is_refused():
    order = 2**252 + 27742317777372353535851937790883648493
    raw = envelope.decode_signature(SEALED.signature)
    forged = raw[:32] + (int.from_bytes(raw[32:], "little") + order).to_bytes(32, "little")
    with pytest.raises(EnvelopeError):
        envelope.verify(Envelope(SUBJECT, PAYLOAD, KEY, envelope.encode_signature(forged)))


def other_spelling(signature):
    """The same 64 bytes for a careless decoder: the last character has four bits to spare."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    return signature[:-1] + alphabet[alphabet.index(signature[-1]) ^ 1]


@pytest.mark.parametrize(
    "spelling",
    [
        other_spelling(SEALED.signature),
        SEALED.signature + "==",
        SEALED.signature[:-1],
        SEALED.signature[:-1] + "+",
        "+" + SEALED.signature[1:],
        "/" + SEALED.signature[1:],
        "\u00e9" * 86,
        " " + SEALED.signature[1:],
        "",
    ],
)
def test_a_signature_has_one_spelling(spelling):
    with pytest.raises(EnvelopeError) as caught:
        envelope.verify(Envelope(SUBJECT, PAYLOAD, KEY, spelling))
    assert caught.value.code == "signature"


@pytest.mark.parametrize(
    "changed",
    [
        {name: value for name, value in HEADERS.items() if name != "Hub-Sig"},
        {name: value for name, value in HEADERS.items() if name != "Nats-Msg-Id"},
        {**HEADERS, "Hub-Key": ""},
        {name.lower(): value for name, value in HEADERS.items()},
        {**HEADERS, "HUB-SIG": HEADERS["Hub-Sig"]},
        {**HEADERS, "hub-key": "x"},
        {**HEADERS, "Trace": "x" * 4096},
        {},
        None,
    ],
)
def test_each_header_stands_once_with_its_spelling(changed):
    with pytest.raises(EnvelopeError) as caught:
        envelope.open_headers(SUBJECT, changed, PAYLOAD)
    assert caught.value.code == "headers"


@pytest.mark.parametrize(
    "raw",
    [
        block(*lines(HEADERS), f"Hub-Sig: {SEALED.signature}"),
        block(*lines(HEADERS), "Hub-Key: x"),
        block(*lines(HEADERS), "nats-msg-id: x"),
        block(*lines(HEADERS)).replace(b"Hub-Sig:", b"Hub-Sig :"),
        block(*lines(HEADERS), "no colon"),
        block(*lines(HEADERS), ": no name"),
        block(*lines(HEADERS)).replace(b"NATS/1.0", b"HTTP/1.1"),
        block(*lines(HEADERS), "x: \u00e9").replace("\u00e9".encode(), b"\xff"),
        block(*lines(HEADERS), "x: " + "x" * 4096),
        b"",
    ],
)
def test_raw_headers_show_what_a_mapping_hides(raw):
    with pytest.raises(EnvelopeError) as caught:
        envelope.open_headers(SUBJECT, raw, PAYLOAD)
    assert caught.value.code == "headers"


def test_other_headers_are_let_by():
    assert envelope.open_headers(SUBJECT, {**HEADERS, "traceparent": "00-1"}, PAYLOAD) == SEALED
    assert envelope.open_headers(SUBJECT, block("a: 1", "a: 2", *lines(HEADERS)), PAYLOAD) == SEALED


def test_what_is_too_large_is_neither_sealed_nor_opened():
    with pytest.raises(EnvelopeError, match="bytes"):
        envelope.seal(SUBJECT, b"x" * 245_761, KEY, sign)
    with pytest.raises(EnvelopeError, match="bytes"):
        envelope.open_headers(SUBJECT, HEADERS, b"x" * 245_761)


def test_only_a_signing_key_seals_or_verifies():
    login = keys.encode_public("U", bytes(PAIR.verify_key))
    with pytest.raises(EnvelopeError) as caught:
        envelope.seal(SUBJECT, PAYLOAD, login, sign)
    assert caught.value.code == "key"
    with pytest.raises(EnvelopeError) as caught:
        envelope.verify(Envelope(SUBJECT, PAYLOAD, login, SEALED.signature))
    assert caught.value.code == "key"
    with pytest.raises(EnvelopeError):
        envelope.seal(SUBJECT, PAYLOAD, KEY, lambda _: b"short")
