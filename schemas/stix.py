"""Bulletin <-> STIX 2.1 bundle (FORMAT "Bundle"; STIX 2.1 sections 2, 4.5, 4.16, 7.1 and 7.3).

A bundle holds, in this order: the report with our extension, the origin's identity, the TLP 2.0 marking, our
extension-definition and one language-content a translation. The same struct gives the same bytes, on every machine.
"""

from __future__ import annotations

from typing import Final

import msgspec

from schemas import canonical, content, marking
from schemas.bulletin import Approval, Bulletin, Stamp, Translation
from schemas.bundle import (
    Extensions,
    ExternalReference,
    LanguageContent,
    Report,
    StixError,
    Words,
)
from schemas.extension import (
    EXTENSION_ID,
    FORMAT,
    FOUNDED,
    Extension,
    WireApproval,
    WireArea,
    WireStamp,
)
from schemas.fitness import EXERCISE_LABEL, EXERCISE_PREFIX, check_bulletin
from schemas.gate import MAX_PAYLOAD, GateError, check
from schemas.reading import Item, decode, decode_with_losses, item_of
from schemas.times import format_time
from schemas.tombstone import decode_tombstone, encode_tombstone
from schemas.vocabulary import CONFIDENCE_SCORE, Mode

__all__ = [
    "EXERCISE_LABEL",
    "EXERCISE_PREFIX",
    "EXTENSION_ID",
    "MAX_DRAFT",
    "Item",
    "StixError",
    "decode",
    "decode_tombstone",
    "decode_with_losses",
    "encode",
    "encode_release",
    "encode_tombstone",
    "item_of",
]

# A draft leaves this much room for its stamp: two approvals with a passkey assertion each.
STAMP_ROOM: Final = 8_192
MAX_DRAFT: Final = MAX_PAYLOAD - STAMP_ROOM

_ENCODER: Final = msgspec.json.Encoder()
_SAME: Final = (
    "mode", "origin", "seed", "salt", "lane", "audience", "audience_commitment", "topic", "also", "phase", "severity", "urgency",
    "certainty", "confidence", "basis", "actions", "advisory", "caveats", "record_class", "attachments", "minor", "crit",
)  # fmt: skip


def encode(bulletin: Bulletin) -> bytes:
    """The bundle's bytes, a draft's or a release's; StixError when the members do not fit or it is too large to travel.

    A draft may have at most `MAX_DRAFT` bytes, a stamped bulletin `MAX_PAYLOAD`.
    """
    check_bulletin(bulletin)
    payload = _bundle(bulletin, _report(bulletin))
    _check_payload(payload, MAX_DRAFT if bulletin.stamp is None else MAX_PAYLOAD)
    return payload


def encode_release(bulletin: Bulletin, drafted: Bulletin) -> tuple[bytes, bytes]:
    """The bytes of a stamped bulletin, and those that it gives without what release adds to `drafted`.

    The second are the approved bundle, byte for byte, where nothing else was changed. StixError as `encode`.
    """
    check_bulletin(bulletin)
    report = _report(bulletin)
    payload = _bundle(bulletin, report)
    _check_payload(payload, MAX_PAYLOAD)
    bare = msgspec.structs.replace(
        report,
        modified=format_time(drafted.modified),
        published=format_time(drafted.published),
        extensions=Extensions(msgspec.structs.replace(report.extensions.hub, stamp=None)),
    )
    return payload, _bundle(bulletin, bare)


def _bundle(bulletin: Bulletin, report: Report) -> bytes:
    name = content.bundle_id(bulletin.origin, bulletin.seed, bulletin.salt)
    try:
        objects = (
            _ENCODER.encode(report),
            canonical.identity(bulletin.origin),
            canonical.MARKINGS[bulletin.tlp],
            canonical.DEFINITION,
            *(_ENCODER.encode(_language(bulletin, translation)) for translation in bulletin.translations),
        )
    except UnicodeEncodeError:
        raise StixError("surrogate", "a text holds half of a surrogate pair") from None
    return canonical.assemble(name, objects)


def _check_payload(payload: bytes, limit: int) -> None:
    """Only what the struct cannot rule out is looked for again: size and NUL."""
    if len(payload) > limit:
        raise StixError("size", f"{len(payload)} bytes are more than {limit}")
    if b"\\u0000" in payload:
        try:
            check(payload)
        except GateError as error:
            raise StixError(error.code, error.message) from None


def _report(bulletin: Bulletin) -> Report:
    topics = dict.fromkeys((bulletin.topic.value, *bulletin.also))
    exercise = (EXERCISE_LABEL,) if bulletin.mode is Mode.EXERCISE else ()
    identity = content.identity_id(bulletin.origin)
    return Report(
        type="report",
        spec_version="2.1",
        id=content.report_id(bulletin.mode, bulletin.origin, bulletin.seed),
        created_by_ref=identity,
        created=format_time(bulletin.created),
        modified=format_time(bulletin.modified),
        name=bulletin.headline,
        description=bulletin.text,
        report_types=("threat-report",),
        published=format_time(bulletin.published),
        object_refs=(identity,),
        labels=(*exercise, *topics),
        confidence=CONFIDENCE_SCORE[bulletin.confidence],
        lang=bulletin.lang,
        external_references=_references(bulletin),
        object_marking_refs=(marking.MARKING_IDS[bulletin.tlp],),
        extensions=Extensions(_extension(bulletin)),
    )


def _references(bulletin: Bulletin) -> tuple[ExternalReference, ...]:
    """The original behind the bulletin. No product id: the references are part of what is approved, the number is not.

    STIX 2.1 section 2.5.2 wants a hash beside each url; a link without one stands in the extension only.
    """
    advisory = bulletin.advisory
    if advisory is None:
        return ()
    hashes = {} if advisory.hash is None else {"SHA-256": advisory.hash}
    return (
        ExternalReference(advisory.source, advisory.key, advisory.url if hashes else None, hashes),
        ExternalReference("school-safety-hub advisory", advisory.id),
    )


def _extension(bulletin: Bulletin) -> Extension:
    due = bulletin.next_update_by
    return Extension(
        extension_type="property-extension",
        format=FORMAT,
        areas=tuple(WireArea(area.state, area.fips, area.ugc) for area in bulletin.areas),
        expires=format_time(bulletin.expires),
        next_update_by=None if due is None else format_time(due),
        stamp=None if bulletin.stamp is None else _stamp(bulletin.stamp),
        **{name: getattr(bulletin, name) for name in _SAME},
    )


def _stamp(stamp: Stamp) -> WireStamp:
    approvals = tuple(_approval(approval) for approval in stamp.approvals)
    return WireStamp(stamp.product_id, stamp.version, format_time(stamp.released), approvals)


def _approval(approval: Approval) -> WireApproval:
    return WireApproval(
        approval.person,
        approval.role,
        approval.verb,
        format_time(approval.at),
        approval.hash,
        approval.authenticator_data,
        approval.client_data_json,
        approval.signature,
        approval.credential_id,
    )


def _language(bulletin: Bulletin, translation: Translation) -> LanguageContent:
    """One translation. Its id holds the version's salt, so that no version of it needs a later `modified`."""
    return LanguageContent(
        type="language-content",
        spec_version="2.1",
        id=content.language_id(bulletin.origin, bulletin.seed, bulletin.salt, translation.lang),
        created_by_ref=content.identity_id(bulletin.origin),
        created=FOUNDED,
        modified=FOUNDED,
        object_ref=content.report_id(bulletin.mode, bulletin.origin, bulletin.seed),
        contents={translation.lang: Words(translation.headline, translation.text)},
        object_marking_refs=(marking.MARKING_IDS[bulletin.tlp],),
    )
