"""Register entries and agreements: read back as written, and refused where a part does not fit."""

from __future__ import annotations

import datetime as dt
import json

import msgspec
import pytest
from nacl.signing import SigningKey

from schemas import keys, register
from schemas.register import AgreementFile, Caps, RegisterEntry, RegisterKey
from schemas.vocabulary import KeyState, KeyUse, Lane, Mode, Tlp, Topic
from tests.schemas import made

DAY = dt.timedelta(days=1)


def public(prefix, number):
    return keys.encode_public(prefix, bytes(SigningKey(bytes([number]) * 32).verify_key))


def key(use, prefix, number, **other):
    return RegisterKey(public=public(prefix, number), use=use, from_=made.MOMENT, **other)


KEYS = (
    key(KeyUse.SIGN_LIVE, "A", 1, until=made.MOMENT + 365 * DAY),
    key(KeyUse.SIGN_EXERCISE, "A", 2),
    key(KeyUse.CONNECT, "U", 3),
    key(KeyUse.ROOT, "O", 4),
    key(KeyUse.SIGN_LIVE, "A", 5, state=KeyState.COMPROMISED, compromised_at=made.MOMENT),
)
ENTRY = RegisterEntry(
    place="tx",
    serial=3,
    mode=Mode.LIVE,
    name="Texas School Safety Center",
    origins=("tx", "tx-ntic"),
    keys=KEYS,
    nats_url="tls://hub.example.org:4222",
    tls_spki_sha256="ab" * 32,
    public_url="https://hub.example.org",
)
AGREEMENT = AgreementFile(
    peer="ok",
    topics=(Topic.VIOLENCE, Topic.WEATHER),
    ceiling=Tlp.AMBER,
    lanes=(Lane.FLASH, Lane.ROUTINE),
    from_=made.MOMENT,
)


def test_an_entry_is_read_back():
    payload = register.encode_entry(ENTRY)
    assert register.decode_entry(payload) == ENTRY
    assert register.decode_entry(json.dumps(json.loads(payload), indent=2).encode() + b"\n") == ENTRY
    first = json.loads(payload)["keys"][0]
    assert first["from"] == "2026-11-23T15:04:05.678Z"


def test_a_node_that_cannot_be_dialled_has_no_address():
    hidden = msgspec.structs.replace(ENTRY, nats_url=None, tls_spki_sha256=None)
    assert register.decode_entry(register.encode_entry(hidden)) == hidden


@pytest.mark.parametrize(
    "agreement",
    [
        AGREEMENT,
        msgspec.structs.replace(AGREEMENT, topics="*", until=made.MOMENT + DAY, redistribution=True),
        msgspec.structs.replace(AGREEMENT, topics=(), lanes=(), caps=Caps(max_messages_per_day=1, max_bytes=2)),
    ],
)
def test_an_agreement_is_read_back(agreement):
    assert register.decode_agreement(register.encode_agreement(agreement)) == agreement


def test_a_star_is_every_topic():
    assert msgspec.structs.replace(AGREEMENT, topics="*").topic_set == frozenset(Topic)
    assert AGREEMENT.topic_set == {Topic.VIOLENCE, Topic.WEATHER}


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"place": "zz"}, "state"),
        ({"name": " "}, "name"),
        ({"name": "x" * 201}, "name"),
        ({"origins": ()}, "origins"),
        ({"origins": ("tx", "tx")}, "origins"),
        ({"origins": ("tx", "oh")}, "origins"),
        ({"origins": ("tx", "tx-ex")}, "desk"),
        ({"keys": ()}, "signs"),
        ({"keys": (key(KeyUse.CONNECT, "U", 1),)}, "signs"),
        ({"mode": Mode.EXERCISE, "keys": (key(KeyUse.SIGN_LIVE, "A", 1),)}, "sign-exercise"),
        ({"keys": (key(KeyUse.SIGN_LIVE, "U", 1),)}, "sign-live"),
        ({"keys": (key(KeyUse.CONNECT, "A", 1),)}, "connect"),
        ({"keys": (key(KeyUse.ROOT, "A", 1),)}, "root"),
        ({"keys": (key(KeyUse.SIGN_LIVE, "A", 1), key(KeyUse.SIGN_EXERCISE, "A", 1))}, "one use"),
        ({"keys": (key(KeyUse.SIGN_LIVE, "A", 1), key(KeyUse.CONNECT, "U", 1))}, "one use"),
        ({"keys": (key(KeyUse.SIGN_LIVE, "A", 1, until=made.MOMENT),)}, "until"),
        ({"keys": (key(KeyUse.SIGN_LIVE, "A", 1, state=KeyState.COMPROMISED),)}, "compromised"),
        ({"keys": (key(KeyUse.SIGN_LIVE, "A", 1, compromised_at=made.MOMENT),)}, "compromised"),
        ({"mode": Mode.EXERCISE}, "exercise"),
        ({"nats_url": None}, "together"),
        ({"tls_spki_sha256": None}, "together"),
        ({"nats_url": "nats://hub.example.org:4222"}, "tls"),
        ({"nats_url": "tls://hub.example.org"}, "tls"),
        ({"nats_url": "tls://user@hub.example.org:4222"}, "address"),
        ({"nats_url": "tls://hub.example.org:99999"}, "address"),
        ({"public_url": "http://hub.example.org"}, "https"),
        ({"public_url": "https://hub.example.org/path"}, "path"),
        ({"public_url": "https://hub.example.org?x=1"}, "address"),
        ({"public_url": "https://"}, "address"),
        ({"public_url": "https://h\u00fcb.example"}, "address"),
    ],
)
def test_an_entry_that_does_not_fit_says_where(change, says):
    with pytest.raises(ValueError, match=says):
        register.encode_entry(msgspec.structs.replace(ENTRY, **change))


@pytest.mark.parametrize("url", ["http://localhost:8080", "http://127.0.0.1:8080", "http://[::1]:8080/"])
def test_a_demo_node_may_live_on_loopback(url):
    register.check_public_url(url)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"peer": "zz"}, "state"),
        ({"ceiling": Tlp.RED}, "RED"),
        ({"topics": (Topic.CYBER, Topic.CYBER)}, "once"),
        ({"lanes": (Lane.FLASH, Lane.FLASH)}, "once"),
        ({"until": made.MOMENT}, "until"),
    ],
)
def test_an_agreement_that_does_not_fit_says_where(change, says):
    with pytest.raises(ValueError, match=says):
        register.encode_agreement(msgspec.structs.replace(AGREEMENT, **change))


@pytest.mark.parametrize(
    ("find", "put", "says"),
    [
        (b'"serial":3', b'"serial":0', "serial"),
        (b'"serial":3', b'"serial":3,"Serial":4', "twice"),
        (b'"serial":3', b'"serial":9007199254740992', "serial"),
        (b"15:04:05.678Z", b"15:04:05Z", "from"),
        (b"2026-11-23T", b"2026-11-31T", "day"),
        (b'"sign-live"', b'"sign-all"', "use"),
        (b'"ab', b'"AB', "tls_spki"),
        (b"{", b"[", "JSON"),
    ],
)
def test_bytes_that_are_no_entry(find, put, says):
    payload = register.encode_entry(ENTRY).replace(find, put, 1)
    with pytest.raises(ValueError, match=says):
        register.decode_entry(payload)


def test_bytes_that_are_no_agreement():
    with pytest.raises(ValueError, match="topics"):
        register.decode_agreement(register.encode_agreement(AGREEMENT).replace(b'"weather"', b'"asteroid"'))
