"""A body as it comes off the wire, bounded twice: by its size unpacked and by how far it unpacks (a bomb is small outside)."""

from __future__ import annotations

import zlib

MAX_RATIO = 200
_RATIO_COUNTS_FROM = 1 << 20
_STEP = 1 << 16
_GZIP = 16 + zlib.MAX_WBITS


class Oversized(ValueError):
    """The body is larger than allowed, or unpacks too far; the message says which."""


class Unpacker:
    """Takes the chunks of one body and gives it whole. `encoding` is the Content-Encoding header; sizes in bytes."""

    def __init__(self, encoding: str, max_bytes: int) -> None:
        self._max = max_bytes
        self._body = bytearray()
        self._came = 0
        coding = encoding.strip().lower()
        if coding not in {"", "identity", "gzip", "x-gzip"}:
            raise ValueError(f"The answer is packed as {encoding!r}, which was not asked for.")
        self._gzip = zlib.decompressobj(_GZIP) if "gzip" in coding else None

    def feed(self, chunk: bytes) -> None:
        """Take the next chunk. Raises Oversized, or zlib.error when it is not gzip."""
        self._came += len(chunk)
        if self._gzip is None:
            self._grow(chunk)
            return
        while chunk:
            if self._gzip.eof:  # RFC 1952 section 2.2: a file may be several members, one after another
                self._gzip = zlib.decompressobj(_GZIP)
            self._grow(self._gzip.decompress(chunk, _STEP))
            chunk = self._gzip.unconsumed_tail or self._gzip.unused_data

    def body(self) -> bytes:
        """The whole body. Raises ValueError when the packed body ended too early."""
        if self._gzip is not None and self._came and not self._gzip.eof:
            raise ValueError("The packed answer ended too early.")
        return bytes(self._body)

    def _grow(self, part: bytes) -> None:
        self._body += part
        if len(self._body) > self._max:
            raise Oversized(f"The answer is larger than {self._max:,} bytes.")
        if len(self._body) > max(_RATIO_COUNTS_FROM, MAX_RATIO * self._came):
            raise Oversized(f"The answer unpacks to more than {MAX_RATIO} times its size.")
