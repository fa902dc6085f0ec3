"""Bundle bytes -> Bulletin: the receiving half of `schemas.stix`, and the only reader of bundles."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, TypeVar

import msgspec

from schemas import canonical, content, product
from schemas.bulletin import Approval, Area, Bulletin, Stamp, Translation
from schemas.bundle import (
    Identity,
    LooseReport,
    OpenReport,
    Parts,
    Report,
    StixError,
    marking_of,
    take_apart,
)
from schemas.extension import FORMAT, KNOWN_MEMBERS, WireApproval, WireArea, WireStamp
from schemas.fitness import EXERCISE_LABEL, check_bulletin, translation_fault
from schemas.places import parse_origin
from schemas.times import parse_time
from schemas.vocabulary import Audience, Lane, Mode, Tlp

S = TypeVar("S")

_DEFAULT_LANG: Final = "en"

_OPEN: Final = msgspec.json.Decoder(OpenReport)
_LOOSE: Final = msgspec.json.Decoder(LooseReport)
_IDENTITY: Final = msgspec.json.Decoder(Identity)
_SAME: Final = (
    "mode", "origin", "seed", "salt", "topic", "severity", "urgency", "certainty", "actions", "also", "phase", "confidence",
    "basis", "lane", "audience", "audience_commitment", "caveats", "record_class", "advisory", "attachments", "minor", "crit",
)  # fmt: skip


class Item(msgspec.Struct, frozen=True, kw_only=True):
    """What names and places an item even when its content cannot be understood; every member is checked.

    `topic` may be a word of a later list; `product_id` and `version` are None in a draft; `crit_unknown` holds the members of
    `crit` that this node does not know.
    """

    mode: Mode
    origin: str
    report_id: str
    tlp: Tlp
    lane: Lane
    audience: Audience
    topic: str
    format: int
    crit_unknown: tuple[str, ...]
    product_id: str | None
    version: int | None


def decode(payload: bytes) -> Bulletin:
    """The bulletin in these bytes; StixError with one of the codes told there."""
    return decode_with_losses(payload)[0]


def decode_with_losses(payload: bytes) -> tuple[Bulletin, tuple[str, ...]]:
    """As `decode`, with a line for each object that was dropped as broken."""
    plain = canonical.take_apart(payload)
    if plain is not None:
        return _understood(plain.report, plain.tlp, plain.languages)
    return decode_the_long_way(payload)


def decode_the_long_way(payload: bytes) -> tuple[Bulletin, tuple[str, ...]]:
    """As `decode_with_losses`, whatever the spelling; the short way gives the same for what it takes."""
    parts = take_apart(payload)
    try:
        report = canonical.REPORT.decode(parts.report)
    except msgspec.ValidationError as error:
        raise _explain(parts, str(error)) from None
    tlp = marking_of(parts, report.object_marking_refs)
    bulletin, losses = _understood(report, tlp, parts.languages)
    return bulletin, (*parts.losses, *_identity_losses(parts, report.created_by_ref), *losses)


def _understood(report: Report, tlp: Tlp, languages: Iterable[msgspec.Raw]) -> tuple[Bulletin, tuple[str, ...]]:
    """The bulletin that a report says, once its members fit each other."""
    extension = report.extensions.hub
    _check_ids(report.id, report.created_by_ref, extension.mode, extension.origin, extension.seed)
    _check_report(report, extension.mode)
    translations, losses = _translations(languages, report)
    try:
        bulletin = _bulletin(report, tlp, translations)
    except ValueError as error:
        raise StixError("structure", str(error)) from None
    check_bulletin(bulletin)
    return bulletin, losses


def item_of(payload: bytes) -> Item:
    """What names the item in these bytes, whatever its `crit` and word lists; StixError for everything else `decode` refuses.

    For items that `decode` calls "unsupported" or "desk-only": identity, marking, report id and product id hold.
    """
    return _item(take_apart(payload))


def _item(parts: Parts) -> Item:
    try:
        report = _LOOSE.decode(parts.report)
    except msgspec.ValidationError as error:
        raise StixError("structure", f"not a bulletin: {error}") from None
    hub = report.extensions.hub
    tlp = marking_of(parts, report.object_marking_refs)
    _check_ids(report.id, report.created_by_ref, hub.mode, hub.origin, hub.seed)
    if hub.stamp is not None:
        _check_product(hub.stamp.product_id, hub.mode, hub.origin, tlp if hub.stamp.version == 1 else None)
    return Item(
        mode=hub.mode,
        origin=hub.origin,
        report_id=report.id,
        tlp=tlp,
        lane=hub.lane,
        audience=hub.audience,
        topic=hub.topic,
        format=hub.format,
        crit_unknown=tuple(sorted(set(hub.crit) - KNOWN_MEMBERS)),
        product_id=None if hub.stamp is None else hub.stamp.product_id,
        version=None if hub.stamp is None else hub.stamp.version,
    )


def _check_product(text: str, mode: Mode, origin: str, tlp: Tlp | None) -> None:
    try:
        product.check(text, mode=mode, origin=origin, tlp=tlp)
    except ValueError as error:
        raise StixError("product", str(error)) from None


def _explain(parts: Parts, words: str) -> StixError:
    """Why a report is no bulletin of format 1; what `_item` finds wrong goes first."""
    item = _item(parts)
    if item.format != FORMAT or item.crit_unknown:
        wanted = ", ".join(item.crit_unknown)[:200] or f"format {item.format}"
        return StixError("unsupported", f"this node does not know {wanted}")
    try:
        _OPEN.decode(parts.report)
    except msgspec.ValidationError:
        return StixError("structure", f"not a bulletin: {words}")
    return StixError("desk-only", f"a word of a later list: {words}")


def _check_ids(report_id: str, creator: str, mode: Mode, origin: str, seed: str) -> None:
    try:
        parse_origin(origin)
    except ValueError as error:
        raise StixError("content", str(error)) from None
    if report_id != content.report_id(mode, origin, seed):
        raise StixError("report-id", "the report id does not belong to this mode, origin and seed")
    if creator != content.identity_id(origin):
        raise StixError("identity", "the report was not created by its origin's identity")


def _check_report(report: Report, mode: Mode) -> None:
    if report.revoked:
        raise StixError("structure", "a bulletin is withdrawn by a tombstone, not by revoked")
    if not report.object_refs:
        raise StixError("structure", "object_refs is empty")
    if (EXERCISE_LABEL in report.labels) != (mode is Mode.EXERCISE):
        raise StixError("exercise", f"the label {EXERCISE_LABEL!r} stands exactly on exercise reports")


def _identity_losses(parts: Parts, creator: str) -> tuple[str, ...]:
    losses: list[str] = []
    found = False
    for raw in parts.identities:
        identity = _read(_IDENTITY, raw, losses)
        found |= identity is not None and identity.id == creator
    return (*losses, *(() if found else ("the origin's identity is missing",)))


def _translations(languages: Iterable[msgspec.Raw], report: Report) -> tuple[tuple[Translation, ...], tuple[str, ...]]:
    """The report's translations in the order of the bundle; one that does not fit is dropped alone."""
    losses: list[str] = []
    made: list[Translation] = []
    taken = {report.lang.lower() or _DEFAULT_LANG}
    for raw in languages:
        language = _read(canonical.LANGUAGE, raw, losses)
        if language is None or language.object_ref != report.id:
            continue
        for tag, words in sorted(language.contents.items()):
            translation = Translation(tag, words.name, words.description)
            fault = translation_fault(translation, report.extensions.hub.mode, taken)
            if fault is None:
                taken.add(tag.lower())
                made.append(translation)
            else:
                losses.append(f"{language.id[:80]} {tag[:20]!r}: {fault}")
    return tuple(made), tuple(losses)


def _read(decoder: msgspec.json.Decoder[S], raw: msgspec.Raw, losses: list[str]) -> S | None:
    try:
        return decoder.decode(raw)
    except msgspec.ValidationError as error:
        losses.append(f"a broken object: {error}")
        return None


def _bulletin(report: Report, tlp: Tlp, translations: Sequence[Translation]) -> Bulletin:
    extension = report.extensions.hub
    due = extension.next_update_by
    return Bulletin(
        created=parse_time(report.created),
        modified=parse_time(report.modified),
        published=parse_time(report.published),
        headline=report.name,
        text=report.description,
        tlp=tlp,
        lang=report.lang or _DEFAULT_LANG,
        expires=parse_time(extension.expires),
        next_update_by=None if due is None else parse_time(due),
        areas=tuple(_area(area) for area in extension.areas),
        translations=tuple(translations),
        stamp=None if extension.stamp is None else _stamp(extension.stamp),
        **{name: getattr(extension, name) for name in _SAME},
    )


def _area(area: WireArea) -> Area:
    return Area(area.state, area.fips, area.ugc)


def _stamp(stamp: WireStamp) -> Stamp:
    approvals = tuple(_approval(approval) for approval in stamp.approvals)
    return Stamp(stamp.product_id, stamp.version, parse_time(stamp.released), approvals)


def _approval(approval: WireApproval) -> Approval:
    return Approval(
        approval.person,
        approval.role,
        approval.verb,
        parse_time(approval.at),
        approval.hash,
        approval.authenticator_data,
        approval.client_data_json,
        approval.signature,
        approval.credential_id,
    )
