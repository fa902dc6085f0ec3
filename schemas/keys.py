"""Public nkeys: base32 of prefix byte, 32 bytes of Ed25519 key and CRC-16 (NATS nkeys; FORMAT "Keys").

Kept here, not left to a library: every node must refuse the same keys, among them the points of small order and the
encodings that RFC 8032 section 5.1.3 calls non-canonical.
"""

from __future__ import annotations

import base64
import binascii
import functools
from typing import Final, Literal

Prefix = Literal["A", "U", "O"]

_PREFIX_BYTE: Final[dict[str, int]] = {"A": 0 << 3, "O": 14 << 3, "U": 20 << 3}
_LENGTH: Final = 56
_RAW: Final = 32
_P: Final = 2**255 - 19
# y of the eight points whose order divides 8 (RFC 8032 curve); the sign bit of x is masked off before the look-up.
_SMALL_ORDER_Y: Final = frozenset({
    0,
    1,
    _P - 1,
    2707385501144840649318225287225658788936804267575313519463743609750303402022,
    55188659117513257062467267217118295137698188065244968500265048394206261417927,
})  # fmt: skip


class KeyError_(ValueError):  # noqa: N801 - KeyError is taken and means something else
    """The text is no public key for this use. `code`: "shape", "type", "checksum", "small-order" or "non-canonical"."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


@functools.lru_cache(maxsize=4096)
def decode_public(text: str, prefix: Prefix = "A") -> bytes:
    """The 32 raw bytes of a public nkey of type `prefix`; KeyError_ for another type, spelling or a refused point."""
    if len(text) != _LENGTH or not text.isascii():
        raise KeyError_("shape", f"a public key has {_LENGTH} characters")
    try:
        raw = base64.b32decode(text)
    except binascii.Error:
        raise KeyError_("shape", "a public key is upper-case base32") from None
    if len(raw) != _RAW + 3:
        raise KeyError_("shape", "a public key is 35 bytes in base32, unpadded")
    if binascii.crc_hqx(raw[:-2], 0) != int.from_bytes(raw[-2:], "little"):
        raise KeyError_("checksum", "the key's checksum does not match")
    if raw[0] != _PREFIX_BYTE[prefix]:
        raise KeyError_("type", f"the key is not of type {prefix}")
    check_point(raw[1:-2])
    return raw[1:-2]


def encode_public(prefix: Prefix, raw: bytes) -> str:
    """The public nkey of 32 raw bytes; KeyError_ for a refused point or another length."""
    if len(raw) != _RAW:
        raise KeyError_("shape", "an Ed25519 key has 32 bytes")
    check_point(raw)
    body = bytes([_PREFIX_BYTE[prefix]]) + raw
    return base64.b32encode(body + binascii.crc_hqx(body, 0).to_bytes(2, "little")).decode("ascii")


def check_point(raw: bytes) -> None:
    """KeyError_ for a point of small order or a y that is not below 2^255 - 19."""
    y = int.from_bytes(raw, "little") & (2**255 - 1)
    if y % _P in _SMALL_ORDER_Y:
        raise KeyError_("small-order", "the key is a point of small order")
    if y >= _P:
        raise KeyError_("non-canonical", "the key is not in its canonical encoding")
