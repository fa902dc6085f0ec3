"""Public nkeys against the nkeys library, and the points that nobody may use."""

from __future__ import annotations

import base64
import binascii

import nkeys
import pytest
from hypothesis import given
from hypothesis import strategies as st
from nacl.signing import SigningKey

from schemas import keys
from schemas.keys import KeyError_

P = 2**255 - 19
D = -121665 * pow(121666, -1, P) % P
RAW = bytes(SigningKey(bytes(range(32))).verify_key)
PREFIX_BYTES = {"A": nkeys.PREFIX_BYTE_ACCOUNT, "U": nkeys.PREFIX_BYTE_USER, "O": nkeys.PREFIX_BYTE_OPERATOR}


def spell(prefix, raw):
    """The nkey of any bytes, good or not."""
    body = bytes([PREFIX_BYTES[prefix]]) + raw
    return base64.b32encode(body + binascii.crc_hqx(body, 0).to_bytes(2, "little")).decode().rstrip("=")


@given(st.binary(min_size=32, max_size=32), st.sampled_from("AUO"))
def test_agrees_with_the_nkeys_library(seed, prefix):
    pair = nkeys.from_seed(nkeys.encode_seed(seed, PREFIX_BYTES[prefix]))
    public = pair.public_key.decode()
    raw = bytes(SigningKey(seed).verify_key)
    assert keys.encode_public(prefix, raw) == public
    assert keys.decode_public(public, prefix) == raw
    for other in {"A", "U", "O"} - {prefix}:
        with pytest.raises(KeyError_) as caught:
            keys.decode_public(public, other)
        assert caught.value.code == "type"


def add(one, other):
    (x1, y1), (x2, y2) = one, other
    both = D * x1 * x2 * y1 * y2
    return (
        (x1 * y2 + x2 * y1) * pow(1 + both, -1, P) % P,
        (y1 * y2 + x1 * x2) * pow(1 - both, -1, P) % P,
    )


def times_eight(point):
    for _ in range(3):
        point = add(point, point)
    return point


def x_of(y):
    square = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
    x = pow(square, (P + 3) // 8, P)
    if x * x % P != square:
        x = x * pow(2, (P - 1) // 4, P) % P
    assert x * x % P == square
    return x


def test_the_list_of_small_order_is_the_curves():
    listed = keys._SMALL_ORDER_Y
    assert len(listed) == 5
    for y in listed:
        assert times_eight((x_of(y), y)) == (0, 1)


SMALL = [y | sign << 255 for y in keys._SMALL_ORDER_Y for sign in (0, 1)]
SPELT_LONG = [y + P for y in keys._SMALL_ORDER_Y if y + P < 2**255]


@pytest.mark.parametrize("number", SMALL + SPELT_LONG)
def test_points_of_small_order_are_refused_in_every_spelling(number):
    raw = number.to_bytes(32, "little")
    for refuse in (lambda: keys.encode_public("A", raw), lambda: keys.decode_public(spell("A", raw), "A")):
        with pytest.raises(KeyError_) as caught:
            refuse()
        assert caught.value.code == "small-order"


@pytest.mark.parametrize("y", range(P + 2, 2**255))
def test_a_y_beyond_the_prime_is_refused(y):
    with pytest.raises(KeyError_) as caught:
        keys.check_point(y.to_bytes(32, "little"))
    assert caught.value.code == "non-canonical"


BAD = [
    ("", "shape"),
    (spell("A", RAW).lower(), "shape"),
    (spell("A", RAW)[:-1], "shape"),
    (spell("A", RAW) + "A", "shape"),
    (spell("A", RAW)[:-1] + "1", "shape"),
    ("\u00c4" * 56, "shape"),
    (spell("A", RAW[:25]) + "=" * 8, "shape"),
    (spell("A", RAW[:27]) + "=" * 8, "shape"),
    (spell("A", RAW)[:20] + "A" + spell("A", RAW)[21:], "checksum"),
]


@pytest.mark.parametrize(("text", "code"), BAD)
def test_another_spelling_is_no_key(text, code):
    with pytest.raises(KeyError_) as caught:
        keys.decode_public(text, "A")
    assert caught.value.code == code


def test_a_key_has_32_bytes():
    with pytest.raises(KeyError_):
        keys.encode_public("A", RAW + b"\0")
