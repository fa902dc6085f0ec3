"""A tombstone on the wire: one flat JSON object (FORMAT "Tombstone, recall"); told from a bulletin by its subject.

    {"hub": "tombstone", "format": 1, "mode", "origin", "product_id", "report_id", "version", "kind", "reason", "serial", "salt",
     "issued", "replaced_by"?}

It has no headline and no text. Unknown members are ignored; a format that is not 1 is "unsupported".
"""

from __future__ import annotations

from typing import Final, Literal

import msgspec

from schemas import gate
from schemas.bulletin import Tombstone
from schemas.bundle import StixError
from schemas.extension import FORMAT, Count, Hex16, Time
from schemas.fitness import check_tombstone
from schemas.times import format_time, parse_time
from schemas.vocabulary import Mode, Reason, TombstoneKind


class WireTombstone(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The members in the order in which they are written."""

    hub: Literal["tombstone"]
    format: int
    mode: Mode
    origin: str
    product_id: str
    report_id: str
    version: Count
    kind: TombstoneKind
    reason: Reason
    serial: Count
    salt: Hex16
    issued: Time
    replaced_by: str | None = None


_ENCODER: Final = msgspec.json.Encoder()
_DECODER: Final = msgspec.json.Decoder(WireTombstone)
_SAME: Final = (
    "mode", "origin", "product_id", "report_id", "version", "kind", "reason", "serial", "salt", "replaced_by",
)  # fmt: skip


def encode_tombstone(tombstone: Tombstone) -> bytes:
    """The bytes that are signed; the same struct gives the same bytes. StixError when the members do not fit."""
    check_tombstone(tombstone)
    same = {name: getattr(tombstone, name) for name in _SAME}
    issued = format_time(tombstone.issued)
    return _ENCODER.encode(WireTombstone(hub="tombstone", format=FORMAT, issued=issued, **same))


def decode_tombstone(payload: bytes) -> Tombstone:
    """The tombstone in these bytes; StixError with a gate code, "structure", "unsupported", "product", "report-id" or "content"."""
    try:
        gate.check(payload)
        wire = _DECODER.decode(payload)
        issued = parse_time(wire.issued)
    except gate.GateError as error:
        raise StixError(error.code, error.message) from None
    except (msgspec.ValidationError, ValueError) as error:
        raise StixError("structure", f"not a tombstone: {error}") from None
    if wire.format != FORMAT:
        raise StixError("unsupported", f"this node does not know tombstones of format {wire.format}")
    tombstone = Tombstone(issued=issued, **{name: getattr(wire, name) for name in _SAME})
    check_tombstone(tombstone)
    return tombstone
