r"""Hashes and ids that everybody computes alike (FORMAT "Bundle" and "Product, version, time").

Every derived id is the head of one SHA-256 as a UUID with version-4 and variant bits:
SHA-256("hub-report-id-v1\0" + kind + "\0" + origin + "\0" + tail). For a report `kind` is the mode and the tail its seed; the
other ids put their own word in the place of the mode, so that no two kinds can meet.
"""

from __future__ import annotations

import functools
import hashlib
import uuid
from collections.abc import Iterable
from typing import Any, Final

import rfc8785

from schemas import gate
from schemas.extension import EXTENSION_ID
from schemas.vocabulary import Mode

_ID_PREFIX: Final = b"hub-report-id-v1\0"
_CONTENT_PREFIX: Final = b"hub-content-v1\0"
_APPROVAL_PREFIX: Final = b"hub-approval-v1\0"
_SEED_BYTES: Final = 16
_RELEASE_MEMBERS: Final = ("created", "modified", "published")


def content_hash(bundle: bytes) -> bytes:
    r"""The 32 bytes that an approval binds: the same for a draft and for its stamped release.

    SHA-256 of "hub-content-v1\0" and the RFC 8785 form of the bundle without `bundle.id`, the report's `created`, `modified`,
    `published`, and the extension's `stamp`. Raises GateError for bytes that are no document, ValueError where there is not
    exactly one report or RFC 8785 has no form (an integer of 2^53 itself).
    """
    document = gate.check(bundle)
    report = _only_report(document)
    document.pop("id", None)
    for member in _RELEASE_MEMBERS:
        report.pop(member, None)
    extension = report.get("extensions", {}).get(EXTENSION_ID)
    if isinstance(extension, dict):
        extension.pop("stamp", None)
    return hashlib.sha256(_CONTENT_PREFIX + rfc8785.dumps(document)).digest()


def _only_report(document: dict[str, Any]) -> dict[str, Any]:
    objects = document.get("objects")
    found = [
        item
        for item in (objects if isinstance(objects, list) else ())
        if isinstance(item, dict) and item.get("type") == "report"
    ]
    if len(found) != 1 or not isinstance(found[0].get("extensions", {}), dict):
        raise ValueError("a bundle has exactly one report")
    return found[0]


def approval_hash(verb: str, role: str, content: bytes) -> bytes:
    r"""The 32 bytes of one approval: SHA-256("hub-approval-v1\0" + verb + "\0" + role + "\0" + content hash)."""
    if len(content) != hashlib.sha256().digest_size or "\0" in verb + role:
        raise ValueError("an approval covers a 32-byte content hash, and words without NUL")
    return hashlib.sha256(_APPROVAL_PREFIX + f"{verb}\0{role}\0".encode() + content).digest()


@functools.lru_cache(maxsize=1024)
def report_id(mode: Mode, origin: str, seed: bytes | str) -> str:
    """The id that binds a report to mode, origin and seed (16 bytes, or their 32 hex digits)."""
    return f"report--{_derive(mode.value, origin, _sixteen(seed))}"


@functools.lru_cache(maxsize=1024)
def identity_id(origin: str) -> str:
    """The id of an origin's identity object: kind "identity", no tail."""
    return f"identity--{_derive('identity', origin, b'')}"


def bundle_id(origin: str, seed: bytes | str, salt: bytes | str) -> str:
    """The id of the bundle of one version: kind "bundle", tail seed and salt."""
    return f"bundle--{_derive('bundle', origin, _sixteen(seed) + _sixteen(salt))}"


def language_id(origin: str, seed: bytes | str, salt: bytes | str, lang: str) -> str:
    """The id of one translation in one version: kind "language-content", tail seed, salt and the language tag."""
    tail = _sixteen(seed) + _sixteen(salt) + lang.encode()
    return f"language-content--{_derive('language-content', origin, tail)}"


def audience_commitment(salt: bytes, names: Iterable[str]) -> str:
    """Hex of SHA-256 over the salt (16 bytes, the origin's own, never the payload's) and the sorted names, NUL between them.

    Names are tokens such as "ok"; sorted bytewise, each once. ValueError for no names, a name with NUL, another salt length.
    """
    ordered = sorted({name.encode() for name in names})
    if not ordered or any(b"\0" in name or not name for name in ordered):
        raise ValueError("an audience has at least one name, and names have no NUL")
    return hashlib.sha256(_sixteen(salt) + b"\0".join(ordered)).hexdigest()


def _derive(kind: str, origin: str, tail: bytes) -> uuid.UUID:
    digest = hashlib.sha256(_ID_PREFIX + f"{kind}\0{origin}\0".encode() + tail).digest()
    return uuid.UUID(bytes=digest[:16], version=4)


def _sixteen(value: bytes | str) -> bytes:
    raw = bytes.fromhex(value) if isinstance(value, str) else value
    if len(raw) != _SEED_BYTES:
        raise ValueError("seeds and salts have 16 bytes")
    return raw
