r"""The envelope of one message: subject, payload bytes, who signed and the signature (FORMAT "Message").

H = SHA-256(payload). The signature is Ed25519 over "hub-message-v1\0" + subject + "\0" + H (32 raw bytes). Three headers, each
exactly once with this spelling: `Nats-Msg-Id`, `Hub-Key`, `Hub-Sig`. Here only the signature is judged: whether the key may
speak for the origin is for the register entry, never for the header.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Callable, Mapping
from typing import Final

import msgspec
from nacl.exceptions import BadSignatureError
from nacl.signing import VerifyKey

from schemas.gate import MAX_PAYLOAD
from schemas.keys import KeyError_, decode_public

PREFIX: Final = b"hub-message-v1\0"
MSG_ID: Final = "Nats-Msg-Id"
KEY: Final = "Hub-Key"
SIGNATURE: Final = "Hub-Sig"
MAX_HEADERS: Final = 4_096

_OURS: Final = {name.lower(): name for name in (MSG_ID, KEY, SIGNATURE)}
_STATUS_LINE: Final = b"NATS/1.0"
_SIGNATURE_BYTES: Final = 64
_SIGNATURE_CHARACTERS: Final = 86


class EnvelopeError(ValueError):
    """The message is refused before its payload is read.

    `code`: "headers" (missing, twice, misspelt, too long), "key" (no signing key of type A, or a refused point),
    "signature" (another spelling, or it does not verify), "size".
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class Envelope(msgspec.Struct, frozen=True):
    """One signed copy: `key` a public nkey of type A, `signature` canonical base64url without padding (86 characters)."""

    subject: str
    payload: bytes
    key: str
    signature: str


def payload_hash(payload: bytes) -> bytes:
    """H: the 32 bytes of SHA-256 over the payload exactly as it travels."""
    return hashlib.sha256(payload).digest()


def signed_bytes(subject: str, payload_hash_: bytes) -> bytes:
    """What is signed: prefix, subject, NUL and the 32 raw bytes of H."""
    if len(payload_hash_) != hashlib.sha256().digest_size:
        raise ValueError("H has 32 bytes")
    return PREFIX + subject.encode("utf-8") + b"\0" + payload_hash_


def message_id(subject: str, payload: bytes) -> str:
    """The `Nats-Msg-Id` of a first sending: SHA-256 hex of the signed bytes, so of subject and H together.

    One payload travels as several copies, and deduplication is by stream: H alone would swallow all but the first. A
    refill adds `#<epoch>.<n>`. Receivers know an item by its identity, never by this id.
    """
    return hashlib.sha256(signed_bytes(subject, payload_hash(payload))).hexdigest()


def seal(subject: str, payload: bytes, key: str, sign: Callable[[bytes], bytes]) -> Envelope:
    """Signs one copy; `sign` takes the bytes to sign and gives 64 bytes. EnvelopeError when payload or key cannot travel."""
    if len(payload) > MAX_PAYLOAD:
        raise EnvelopeError("size", f"{len(payload)} bytes are more than {MAX_PAYLOAD}")
    _raw_key(key)
    signature = sign(signed_bytes(subject, payload_hash(payload)))
    if len(signature) != _SIGNATURE_BYTES:
        raise EnvelopeError("signature", f"a signature has {_SIGNATURE_BYTES} bytes")
    return Envelope(subject, payload, key, encode_signature(signature))


def headers(envelope: Envelope) -> dict[str, str]:
    """The three headers of a first sending."""
    return {
        MSG_ID: message_id(envelope.subject, envelope.payload),
        KEY: envelope.key,
        SIGNATURE: envelope.signature,
    }


def open_headers(subject: str, raw: Mapping[str, str] | bytes | None, payload: bytes) -> Envelope:
    r"""The envelope of a message that came in; EnvelopeError when a header is missing, misspelt, doubled or too long.

    `raw` is the mapping that nats-py gives, or the header block as bytes (`NATS/1.0\r\n...`): a mapping has already lost a
    header that came twice with one spelling, the bytes show it. Headers of other names are let by. Nothing is verified yet.
    """
    found = read_headers(raw) if isinstance(raw, bytes) else dict(raw or {})
    if _block_size(found) > MAX_HEADERS:
        raise EnvelopeError("headers", f"the headers have more than {MAX_HEADERS} bytes")
    for name in found:
        if _OURS.get(name.lower(), name) != name:
            raise EnvelopeError("headers", f"header {name!r} is not spelt {_OURS[name.lower()]!r}")
    for name in _OURS.values():
        if not found.get(name):
            raise EnvelopeError("headers", f"header {name} is missing")
    if len(payload) > MAX_PAYLOAD:
        raise EnvelopeError("size", f"{len(payload)} bytes are more than {MAX_PAYLOAD}")
    return Envelope(subject, payload, found[KEY], found[SIGNATURE])


def _block_size(found: Mapping[str, str]) -> int:
    """Bytes of the header block as it travels: status line, `name: value` lines and the empty line."""
    lines = sum(len(f"{name}: {value}".encode("utf-8", "replace")) + 2 for name, value in found.items())
    return len(_STATUS_LINE) + 4 + lines


def read_headers(block: bytes) -> dict[str, str]:
    """The headers of a raw NATS block; EnvelopeError when one of ours stands twice in any spelling, or a line is none."""
    if len(block) > MAX_HEADERS:
        raise EnvelopeError("headers", f"the headers have more than {MAX_HEADERS} bytes")
    first, *lines = block.removesuffix(b"\r\n\r\n").split(b"\r\n")
    if not first.startswith(_STATUS_LINE):
        raise EnvelopeError("headers", "the header block does not begin with NATS/1.0")
    found: dict[str, str] = {}
    seen: set[str] = set()
    for line in lines:
        name, value = _header(line)
        if name.lower() in _OURS and name.lower() in seen:
            raise EnvelopeError("headers", f"header {name} stands twice")
        seen.add(name.lower())
        found[name] = value
    return found


def _header(line: bytes) -> tuple[str, str]:
    name, colon, value = line.partition(b":")
    if not colon or not name:
        raise EnvelopeError("headers", "a header line has no name")
    try:
        return name.decode("ascii"), value.strip(b" \t").decode("utf-8")
    except UnicodeDecodeError:
        raise EnvelopeError("headers", "a header is not text") from None


def verify(envelope: Envelope) -> None:
    """EnvelopeError unless the signature is the key's over this subject and payload (Ed25519, RFC 8032, by libsodium)."""
    key = _raw_key(envelope.key)
    signature = decode_signature(envelope.signature)
    try:
        message = signed_bytes(envelope.subject, payload_hash(envelope.payload))
        VerifyKey(key).verify(message, signature)
    except UnicodeEncodeError:
        raise EnvelopeError("signature", "the subject is not text that can be signed") from None
    except BadSignatureError:
        raise EnvelopeError("signature", "the signature does not verify") from None


def encode_signature(raw: bytes) -> str:
    """Base64url without padding."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")


def decode_signature(text: str) -> bytes:
    """The 64 bytes of a signature; EnvelopeError unless `text` is their one canonical spelling."""
    if len(text) != _SIGNATURE_CHARACTERS or not text.isascii():
        raise EnvelopeError("signature", f"a signature has {_SIGNATURE_CHARACTERS} characters")
    try:
        raw = base64.b64decode(text + "==", altchars=b"-_", validate=True)
    except binascii.Error:
        raise EnvelopeError("signature", "the signature is not base64url") from None
    if encode_signature(raw) != text:
        raise EnvelopeError("signature", "the signature is not in its canonical spelling")
    return raw


def _raw_key(key: str) -> bytes:
    try:
        return decode_public(key, "A")
    except KeyError_ as error:
        raise EnvelopeError("key", error.message) from None
