"""The gate before the decoder: bad documents by the rule that they break, good ones let through unchanged and quickly."""

from __future__ import annotations

import json
import sys
import time

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas import gate, stix
from tests.schemas import made

LIMIT = 2**53


def nested(depth):
    return b'{"a":' + b"[" * (depth - 1) + b"]" * (depth - 1) + b"}"


BAD = {
    "empty": (b"", "json"),
    "no JSON": (b"{", "json"),
    "a text": (b'"x"', "not-object"),
    "a list": (b"[]", "not-object"),
    "one byte too many": (b'{"a":"' + b"x" * (gate.MAX_PAYLOAD - 7) + b'"}', "size"),
    "byte order mark": (b'\xef\xbb\xbf{"a":1}', "bom"),
    "UTF-16": ('{"a":1}'.encode("utf-16-le"), "nul"),
    "a byte that is not UTF-8": (b'{"a":"\xff"}', "utf-8"),
    "a long form": (b'{"a":"\xc0\xaf"}', "utf-8"),
    "a surrogate as bytes": (b'{"a":"\xed\xa0\x80"}', "utf-8"),
    "beyond U+10FFFF": (b'{"a":"\xf4\x90\x80\x80"}', "utf-8"),
    "cut in a character": (b'{"a":"\xe2\x82"}', "utf-8"),
    "key twice": (b'{"a":1,"a":1}', "duplicate-key"),
    "key twice, escaped": (b'{"a":1,"\\u0061":2}', "duplicate-key"),
    "key twice, other case": (b'{"tlp":"red","TLP":"clear"}', "duplicate-key"),
    "key twice, other case, escaped": (b'{"tlp":"red","T\\u004cP":"clear"}', "duplicate-key"),
    "key twice, Kelvin sign": ('{"k":1,"\u212a":2}'.encode(), "duplicate-key"),
    "key twice, long s": ('{"salt":1,"\u017falt":2}'.encode(), "duplicate-key"),
    "key twice, deep": (b'{"a":[{"b":{"c":1,"C":2}}]}', "duplicate-key"),
    "a float": (b'{"a":1.5}', "float"),
    "a whole float": (b'{"a":1.0}', "float"),
    "an exponent": (b'{"a":1e2}', "float"),
    "NaN": (b'{"a":NaN}', "float"),
    "Infinity": (b'{"a":-Infinity}', "float"),
    "an integer beyond": (b'{"a":%d}' % (LIMIT + 1), "integer"),
    "an integer beyond below": (b'{"a":%d}' % (-LIMIT - 1), "integer"),
    "an integer of ten thousand digits": (b'{"a":' + b"9" * 10_000 + b"}", "integer"),
    "a NUL byte": (b'{"a":"\x00"}', "nul"),
    "a NUL escaped": (b'{"a":"x\\u0000"}', "nul"),
    "a NUL in a key": (b'{"\\u0000":1}', "nul"),
    "a NUL behind a backslash": (b'{"a":"\\\\\\u0000"}', "nul"),
    "half a surrogate pair": (b'{"a":"\\ud83d"}', "surrogate"),
    "the other half": (b'{"a":"\\ude00x"}', "surrogate"),
    "halves the wrong way round": (b'{"a":"\\ude00\\ud83d"}', "surrogate"),
    "half a pair in a key": (b'{"\\uD83D":1}', "surrogate"),
    "half a pair, deep": (b'{"a":[[{"b":"\\udfff"}]]}', "surrogate"),
    "a second document": (b'{"a":1}{"a":1}', "trailing"),
    "a line end after it": (b'{"a":1}\n', "trailing"),
    "a space after it": (b'{"a":1} ', "trailing"),
    "33 levels": (nested(33), "depth"),
    "33 levels of objects": (b'{"a":' * 33 + b"1" + b"}" * 33, "depth"),
    "a hundred thousand levels": (b'{"a":' + b"[" * 100_000, "depth"),
    "a hundred thousand closed levels": (nested(100_000), "depth"),
    "a comma too many": (b'{"a":1,}', "json"),
    "a comment": (b'{"a":1/**/}', "json"),
    "a leading zero": (b'{"a":01}', "json"),
    "a plus sign": (b'{"a":+1}', "json"),
    "single quotes": (b"{'a':1}", "json"),
    "a raw line end in a string": (b'{"a":"x\ny"}', "json"),
    "a bad escape": (b'{"a":"\\x41"}', "json"),
    "a cut escape": (b'{"a":"\\u00"}', "json"),
    "a no-break space between": ('{"a":\u00a01}'.encode(), "json"),
    "quotes without end": (b'{"a":"' + b'\\"' * 100_000, "json"),
}

GOOD = {
    "empty": b"{}",
    "as large as may be": b'{"a":"' + b"x" * (gate.MAX_PAYLOAD - 8) + b'"}',
    "as deep as may be": nested(32),
    "wide": b'{"a":[' + b",".join([b"{}"] * 1000) + b"]}",
    "the largest integers": b'{"a":[%d,%d,-0,0]}' % (LIMIT, -LIMIT),
    "an emoji as a pair": b'{"a":"\\ud83d\\ude00"}',
    "an emoji as bytes": '{"a":"\U0001f600"}'.encode(),
    "an escaped backslash before u0000": b'{"a":"\\\\u0000"}',
    "an escaped backslash before ud800": b'{"a":"\\\\ud800"}',
    "brackets in strings": b'{"a":"' + b"[{" * 100 + b'","b":"' + b'\\"]' * 100 + b'"}',
    "the same key in two objects": b'{"a":{"b":1},"c":{"b":2}}',
    "near keys": '{"s":1,"\u015b":2,"ss":3}'.encode(),
    "space within": b' { "a" :\t1\r\n}',
    "a byte order mark in a string": '{"a":"\ufeff"}'.encode(),
    "words": b'{"a":[true,false,null,"x"]}',
}


def folded_once(document):
    return len({key.casefold() for key in document}) == len(document)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-LIMIT, LIMIT) | made.texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(made.texts, inner, max_size=4).filter(folded_once),
    max_leaves=20,
)
DOCUMENTS = st.dictionaries(made.texts, JSON, max_size=4).filter(folded_once)


@pytest.mark.parametrize("name", BAD)
def test_refuses(name):
    payload, code = BAD[name]
    with pytest.raises(gate.GateError) as caught:
        gate.check(payload)
    assert caught.value.code == code
    assert code in gate.CODES


@pytest.mark.parametrize("name", GOOD)
def test_lets_through_what_json_says(name):
    assert gate.check(GOOD[name]) == json.loads(GOOD[name])


def test_every_code_has_a_bad_document():
    assert {code for _, code in BAD.values()} == gate.CODES


@given(DOCUMENTS, st.booleans())
def test_every_good_document_goes_through_unchanged(document, ascii_only):
    payload = json.dumps(document, ensure_ascii=ascii_only).encode()
    assert gate.check(payload) == document == msgspec.json.decode(payload)


@given(st.binary(max_size=300))
def test_nothing_but_gate_errors_comes_out(payload):
    with pytest.raises(gate.GateError):
        gate.check(b"\x01" + payload)


@given(made.bulletins(), st.integers(0, 10_000), st.integers(0, 255))
def test_one_changed_byte_is_no_crash(bulletin, where, byte):
    payload = bytearray(stix.encode(bulletin))
    payload[where % len(payload)] = byte
    try:
        gate.check(bytes(payload))
        stix.decode(bytes(payload))
    except (gate.GateError, stix.StixError):
        pass


def test_deep_nesting_is_refused_also_near_the_stack_limit():
    def deeper(levels):
        if levels:
            deeper(levels - 1)
        else:
            with pytest.raises(gate.GateError, match="deep"):
                gate.check(BAD["a hundred thousand closed levels"][0])

    used = len(__import__("inspect").stack())
    deeper(sys.getrecursionlimit() - used - 120)


@pytest.mark.parametrize(
    "payload", [b'{"a":"' + b'\\"' * 120_000, b'{"a":' + b'"[' * 80_000, b'{"a":' + b"[]," * 80_000]
)
def test_no_payload_takes_long(payload):
    began = time.perf_counter()
    with pytest.raises(gate.GateError):
        gate.check(payload)
    assert time.perf_counter() - began < 1.0


def test_a_bulletin_of_4_kb_takes_less_than_a_millisecond():
    payload = stix.encode(msgspec.structs.replace(made.PLAIN, text="word " * 400))
    assert len(payload) > 4_000
    best = min(_seconds(payload) for _ in range(20))
    assert best < 0.001


def _seconds(payload):
    began = time.perf_counter()
    gate.check(payload)
    return time.perf_counter() - began
