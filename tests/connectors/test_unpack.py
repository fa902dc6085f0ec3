from __future__ import annotations

import gzip
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.unpack import Oversized, Unpacker


def unpacked(data: bytes, encoding: str = "gzip", max_bytes: int = 1 << 24, step: int = 7) -> bytes:
    unpacker = Unpacker(encoding, max_bytes)
    for start in range(0, len(data), step):
        unpacker.feed(data[start : start + step])
    return unpacker.body()


@given(st.binary(max_size=3000), st.integers(1, 64))
def test_what_was_packed_comes_out_in_any_chunks(data: bytes, step: int) -> None:
    assert unpacked(gzip.compress(data, mtime=0), step=step) == data
    assert unpacked(data, "", step=step) == data


def test_several_members_are_one_body() -> None:
    assert unpacked(gzip.compress(b"one ") + gzip.compress(b"two"), "x-gzip") == b"one two"


@pytest.mark.parametrize("encoding", ["br", "zstd", "deflate", "gzip, gzip", "gzip,identity", "\u0130gzip"])
def test_what_was_not_asked_for_is_refused(encoding: str) -> None:
    with pytest.raises(ValueError, match="not asked for"):
        Unpacker(encoding, 10)


@pytest.mark.parametrize("encoding", ["gzip", ""])
def test_the_size_unpacked_is_what_counts(encoding: str) -> None:
    data = bytes(range(256)) * 40
    with pytest.raises(Oversized, match="larger than 10,239 bytes"):
        unpacked(gzip.compress(data) if encoding else data, encoding, max_bytes=len(data) - 1)
    assert len(unpacked(data, "", max_bytes=len(data))) == len(data)


def test_a_bomb_is_known_by_its_ratio() -> None:
    with pytest.raises(Oversized, match="more than 200 times"):
        unpacked(gzip.compress(bytes(20 << 20)), max_bytes=1 << 30, step=4096)


def test_a_bomb_in_a_bomb_stays_packed() -> None:
    inner = gzip.compress(bytes(1 << 20))
    assert unpacked(gzip.compress(inner)) == inner


def test_a_cut_off_or_broken_body_is_an_error() -> None:
    packed = gzip.compress(b"x" * 1000)
    with pytest.raises(ValueError, match="too early"):
        unpacked(packed[:-1])
    with pytest.raises(zlib.error):
        unpacked(b"not gzip at all")
    with pytest.raises(zlib.error):
        unpacked(packed + b"more")
