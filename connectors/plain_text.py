"""Text from outside as a page, a feed or a terminal can show it: no control and no half characters."""

from __future__ import annotations

import re

# What XML 1.0 section 2.2 forbids (controls, lone surrogates), C1 controls and noncharacters; also the embeddings,
# overrides and isolates of UAX #9, which would turn round the words that follow them in a list of titles.
# Hebrew and Arabic need none of them: the marks U+200E, U+200F and U+061C stay.
_UNFIT = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufdd0-\ufdef\ufeff\ufff9-\ufffb\ufffe\uffff]"
)
_PLANE_ENDS = re.compile(
    "[" + "".join(chr(plane << 16 | end) for plane in range(1, 17) for end in (0xFFFE, 0xFFFF)) + "]"
)
_LINE_ENDS = re.compile("\r\n|[\r\x85\u2028\u2029]")
# An escape of half a UTF-16 pair is grammar to RFC 8259 and no character; it would cost the whole document. Escaped
# backslashes and whole pairs are matched first, so that they are passed over.
_HALF = re.compile(rb"(?i)\\\\|\\u(?:d[89ab][0-9a-f]{2}(?:\\ud[c-f][0-9a-f]{2})?|d[c-f][0-9a-f]{2})")


def printable(text: str) -> str:
    """`text` without characters that cannot or should not be shown; every line end becomes one newline."""
    if text.replace("\n", "").isprintable():
        return text  # the usual case: nothing of the kind is printable in Python's sense
    return _PLANE_ENDS.sub("", _UNFIT.sub("", _LINE_ENDS.sub("\n", text)))


def one_line(text: str) -> str:
    """`text` on one line, as a title: every run of white space becomes one space."""
    return " ".join(printable(text).split())


def whole_pairs(json: bytes) -> bytes:
    """JSON in which every escape of half a UTF-16 pair became the replacement character."""
    return _HALF.sub(_mended, json) if b"\\u" in json else json


def _mended(found: re.Match[bytes]) -> bytes:
    return rb"\ufffd" if len(found.group()) == len(rb"\ud83d") else found.group()
