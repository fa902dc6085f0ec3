"""Whether the members of a bulletin or tombstone fit each other; what types alone cannot say. Asked when writing and reading."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from typing import Final

from schemas import product
from schemas.bulletin import Bulletin, Stamp, Tombstone, Translation
from schemas.bundle import StixError
from schemas.extension import KNOWN_MEMBERS, MAX_SAFE
from schemas.places import check_area, parse_origin
from schemas.vocabulary import Audience, Mode

EXERCISE_PREFIX: Final = "EXERCISE: "
EXERCISE_LABEL: Final = "exercise"

_LANG: Final = re.compile(r"[A-Za-z]{2,3}(?:-[A-Za-z0-9]{2,8})*", re.ASCII)
_HEX16: Final = re.compile(r"[0-9a-f]{32}", re.ASCII)
_HEX32: Final = re.compile(r"[0-9a-f]{64}", re.ASCII)
_UUID: Final = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII)
_REPORT_ID: Final = re.compile(r"report--[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", re.ASCII)


def check_bulletin(bulletin: Bulletin) -> None:
    """StixError with the first thing that does not fit."""
    _check_speaker(bulletin.origin, bulletin.seed, bulletin.salt)
    _check_crit(bulletin.crit)
    _check_words(bulletin)
    _check_audience(bulletin)
    _check_lists(bulletin)
    _check_languages(bulletin)
    if bulletin.modified < bulletin.created:
        raise StixError("content", "modified lies before created")
    if bulletin.stamp is not None:
        _check_stamp(bulletin, bulletin.stamp)


def check_tombstone(tombstone: Tombstone) -> None:
    """StixError with the first thing that does not fit."""
    _check_speaker(tombstone.origin, tombstone.salt)
    _check_product(tombstone.product_id, tombstone.mode, tombstone.origin)
    if _REPORT_ID.fullmatch(tombstone.report_id) is None:
        raise StixError("report-id", "not a report id of format 1")
    if not 1 <= tombstone.version <= MAX_SAFE or not 1 <= tombstone.serial <= MAX_SAFE:
        raise StixError("content", "versions and serials count from 1")
    if tombstone.replaced_by is not None:
        _check_product(tombstone.replaced_by, tombstone.mode, tombstone.origin)
        if tombstone.replaced_by == tombstone.product_id:
            raise StixError("product", "a product does not replace itself")


def _check_speaker(origin: str, *sixteens: str) -> None:
    try:
        parse_origin(origin)
    except ValueError as error:
        raise StixError("content", str(error)) from None
    if not all(_HEX16.fullmatch(value) for value in sixteens):
        raise StixError("content", "seeds and salts are 32 lower-case hex digits")


def _check_crit(crit: Sequence[str]) -> None:
    unknown = sorted(set(crit) - KNOWN_MEMBERS)
    if unknown:
        raise StixError("unsupported", f"this node does not know {', '.join(unknown)[:200]}")


def _check_words(bulletin: Bulletin) -> None:
    if not bulletin.headline.strip():
        raise StixError("content", "a bulletin has a headline")
    exercise = bulletin.mode is Mode.EXERCISE
    if exercise and not bulletin.headline.startswith(EXERCISE_PREFIX):
        raise StixError("exercise", f"an exercise headline begins with {EXERCISE_PREFIX!r}")
    if any(not action.role.strip() or not action.text.strip() for action in bulletin.actions):
        raise StixError("content", "an action has a role and a text")


def _check_audience(bulletin: Bulletin) -> None:
    commitment = bulletin.audience_commitment
    if (commitment is None) != (bulletin.audience is Audience.ALL):
        raise StixError("content", "an audience commitment stands exactly with a group or named audience")
    if commitment is not None and _HEX32.fullmatch(commitment) is None:
        raise StixError("content", "an audience commitment is 64 lower-case hex digits")


def _check_lists(bulletin: Bulletin) -> None:
    for area in bulletin.areas:
        try:
            check_area(area)
        except ValueError as error:
            raise StixError("content", str(error)) from None
    _check_advisory(bulletin)
    for attachment in bulletin.attachments:
        if not attachment.name or not 0 <= attachment.size <= MAX_SAFE:
            raise StixError("content", "an attachment has a name and a size")
        if _HEX32.fullmatch(attachment.sha256) is None:
            raise StixError("content", "an attachment's sha256 is 64 lower-case hex digits")


def _check_advisory(bulletin: Bulletin) -> None:
    """Its link becomes an address that people press: http or https, nothing else."""
    advisory = bulletin.advisory
    if advisory is None:
        return
    if not advisory.source or not advisory.key or _UUID.fullmatch(advisory.id) is None:
        raise StixError("content", "an advisory has a source, a key there and a UUID")
    if advisory.url is not None and not advisory.url.startswith(("https://", "http://")):
        raise StixError("content", "an advisory's link is an https or http address")
    if advisory.hash is not None and _HEX32.fullmatch(advisory.hash) is None:
        raise StixError("content", "an advisory's hash is 64 lower-case hex digits")


def _check_languages(bulletin: Bulletin) -> None:
    if _LANG.fullmatch(bulletin.lang) is None:
        raise StixError("content", "a language is a BCP 47 tag")
    taken = {bulletin.lang.lower()}
    for translation in bulletin.translations:
        fault = translation_fault(translation, bulletin.mode, taken)
        if fault is not None:
            raise StixError("content", f"translation {translation.lang[:20]!r}: {fault}")
        taken.add(translation.lang.lower())


def translation_fault(translation: Translation, mode: Mode, taken: Collection[str]) -> str | None:
    """Why this translation cannot stand beside the languages in `taken` (lower case), or None. A reader drops it alone."""
    if _LANG.fullmatch(translation.lang) is None:
        return "a language is a BCP 47 tag"
    if translation.lang.lower() in taken:
        return "the language came before"
    if mode is Mode.EXERCISE and not translation.headline.startswith(EXERCISE_PREFIX):
        return f"an exercise headline begins with {EXERCISE_PREFIX!r} in every language"
    return None if translation.headline.strip() else "no headline"


def _check_stamp(bulletin: Bulletin, stamp: Stamp) -> None:
    # A later version may be marked otherwise and keeps its number: the series says what the first one was.
    numbered = bulletin.tlp if stamp.version == 1 else None
    try:
        product.check(stamp.product_id, mode=bulletin.mode, origin=bulletin.origin, tlp=numbered)
    except ValueError as error:
        raise StixError("product", str(error)) from None
    if not 1 <= stamp.version <= MAX_SAFE:
        raise StixError("content", "versions count from 1")
    if not all(_HEX32.fullmatch(approval.hash) for approval in stamp.approvals):
        raise StixError("content", "an approval's hash is 64 lower-case hex digits")


def _check_product(text: str, mode: Mode, origin: str) -> None:
    try:
        product.check(text, mode=mode, origin=origin)
    except ValueError as error:
        raise StixError("product", str(error)) from None
