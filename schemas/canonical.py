"""Bundles spelt exactly as `schemas.stix` writes them: the pieces they are made of, and a short way to take one apart.

The long way (`bundle.take_apart`) reads a payload with a parser that shows doubled keys, and then again with msgspec. Here the
payload is decoded once by its types and encoded again: where that gives the very same bytes, they are UTF-8, hold no key
twice, no float, nothing unknown, nothing behind the document, and the constants are ours to the byte. Whatever is spelt otherwise goes
the long way, which also says what is wrong with it. tests/schemas hold both ways against each other.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable
from typing import Final

import msgspec

from schemas import content, marking
from schemas.bundle import SHELL, Identity, LanguageContent, Report
from schemas.extension import EXTENSION_DEFINITION, FOUNDED
from schemas.gate import MAX_INTEGER, MAX_PAYLOAD
from schemas.places import PLACES, parse_origin
from schemas.vocabulary import Tlp

REPORT: Final = msgspec.json.Decoder(Report)
LANGUAGE: Final = msgspec.json.Decoder(LanguageContent)
_encode: Final = msgspec.json.Encoder().encode
MARKINGS: Final = {tlp: _encode(marking.MARKINGS[tlp]) for tlp in Tlp}
DEFINITION: Final = _encode(EXTENSION_DEFINITION)
_TLP_OF: Final = {raw: tlp for tlp, raw in MARKINGS.items()}
_FIXED: Final = 4  # report, identity, marking and definition stand in every bundle


class Canonical(msgspec.Struct, frozen=True):
    """A bundle taken apart: its report, that report's level, and the language objects still in bytes."""

    report: Report
    tlp: Tlp
    languages: tuple[msgspec.Raw, ...]


def assemble(name: str, objects: Iterable[bytes]) -> bytes:
    """The bundle of this id (plain ASCII) around objects that are encoded already."""
    return b'{"type":"bundle","id":"%b","objects":[%b]}' % (name.encode(), b",".join(objects))


@functools.lru_cache(maxsize=256)
def identity(origin: str) -> bytes:
    """The origin's identity; the same bytes in every bundle, so its times are the format's and not the bulletin's.

    ValueError when this is no origin.
    """
    spoken = parse_origin(origin)
    made = Identity(
        type="identity",
        spec_version="2.1",
        id=content.identity_id(origin),
        created=FOUNDED,
        modified=FOUNDED,
        name=f"{PLACES[spoken.place].name} school safety ({origin.upper()})",
        identity_class="organization",
        sectors=("education",),
    )
    return _encode(made)


def take_apart(payload: bytes) -> Canonical | None:
    """The parts of a bundle that is spelt as we spell it and passes every rule of the gate; None for any other bytes."""
    if len(payload) > MAX_PAYLOAD or b"\\u0000" in payload:
        return None
    try:
        shell = SHELL.decode(payload)
        objects = [bytes(raw) for raw in shell.objects]
        if len(objects) < _FIXED or assemble(shell.id, objects) != payload:
            return None
        report = REPORT.decode(objects[0])
        if _encode(report) != objects[0] or objects[1] != identity(report.extensions.hub.origin):
            return None
        tlp = _TLP_OF.get(objects[2])
        if tlp is None or objects[3] != DEFINITION or not _is_plain(report, tlp):
            return None
        languages = shell.objects[_FIXED:]
        return Canonical(report, tlp, tuple(languages)) if _are_plain(languages, tlp) else None
    except (ValueError, RecursionError):  # msgspec's errors and those of text are ValueErrors
        return None


def _is_plain(report: Report, tlp: Tlp) -> bool:
    """What the types leave open and the long way looks at: ids, markings, sizes of numbers, keys that differ only in case."""
    numbers = [file.size for file in report.extensions.hub.attachments]
    if report.confidence is not None:
        numbers.append(report.confidence)
    return (
        report.id.startswith("report--")
        and report.object_marking_refs == (marking.MARKING_IDS[tlp],)
        and all(abs(number) <= MAX_INTEGER for number in numbers)
        and all(len(reference.hashes) < 2 for reference in report.external_references)
    )


def _are_plain(languages: Iterable[msgspec.Raw], tlp: Tlp) -> bool:
    ids: set[str] = set()
    for raw in languages:
        language = LANGUAGE.decode(raw)
        if _encode(language) != bytes(raw) or len(language.contents) > 1 or language.id in ids:
            return False
        if not language.id.startswith("language-content--"):
            return False
        if language.object_marking_refs != (marking.MARKING_IDS[tlp],):
            return False
        ids.add(language.id)
    return True
