"""The property-extension that makes a STIX report a hub bulletin: its definition and its members (FORMAT "Bundle").

`Extension` is the shape on the wire. Members that are empty, null or false are left out when written, and may be when read.
"""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta

from schemas.bulletin import AdvisoryRef, Attachment, RoleAction
from schemas.times import TIME_PATTERN
from schemas.vocabulary import (
    Audience,
    Caveat,
    Certainty,
    Confidence,
    Lane,
    Mode,
    Phase,
    RecordClass,
    Severity,
    Topic,
    Urgency,
)

EXTENSION_ID: Final = "extension-definition--98d93d06-6e8d-4e59-958c-c785828da84a"
PROJECT_ID: Final = "identity--d047a47d-65c4-4ed3-b5bf-93c616bd18a1"
FOUNDED: Final = "2026-11-23T00:00:00.000Z"
FORMAT: Final = 1

# Frozen: other nodes compare it member for member. Another text is another extension.
EXTENSION_DEFINITION: Final[dict[str, Any]] = {
    "type": "extension-definition",
    "spec_version": "2.1",
    "id": EXTENSION_ID,
    "created_by_ref": PROJECT_ID,
    "created": FOUNDED,
    "modified": FOUNDED,
    "name": "School Safety Hub bulletin",
    "description": "Makes a report a school safety bulletin: topic, lane, audience, actions by role, areas, handling.",
    "schema": "School Safety Hub, docs/protocol.md, format 1",
    "version": "1.0.0",
    "extension_types": ["property-extension"],
}

MAX_SAFE: Final = 2**53 - 1
Time = Annotated[str, Meta(pattern=TIME_PATTERN, min_length=24, max_length=24)]
Hex16 = Annotated[str, Meta(pattern="^[0-9a-f]{32}$", min_length=32, max_length=32)]
Hex32 = Annotated[str, Meta(pattern="^[0-9a-f]{64}$", min_length=64, max_length=64)]
Count = Annotated[int, Meta(ge=1, le=MAX_SAFE)]


class WireArea(msgspec.Struct, frozen=True, omit_defaults=True):
    """One place: `fips` or `ugc`, one of the two; `state` only missing at sea."""

    state: str | None = None
    fips: str | None = None
    ugc: str | None = None


class WireApproval(msgspec.Struct, frozen=True, omit_defaults=True):
    """One approval; the last four are room for a passkey assertion (base64url)."""

    person: str
    role: str
    verb: str
    at: Time
    hash: Hex32
    authenticator_data: str | None = None
    client_data_json: str | None = None
    signature: str | None = None
    credential_id: str | None = None


class WireStamp(msgspec.Struct, frozen=True):
    """What release adds."""

    product_id: str
    version: Count
    released: Time
    approvals: tuple[WireApproval, ...]


class Extension(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The members of format 1, in the order in which they are written."""

    extension_type: Literal["property-extension"]
    format: Literal[1]
    crit: tuple[str, ...] = ()
    mode: Mode
    origin: str
    seed: Hex16
    salt: Hex16
    lane: Lane
    audience: Audience
    audience_commitment: Hex32 | None = None
    topic: Topic
    also: tuple[Topic, ...] = ()
    phase: Phase
    severity: Severity
    urgency: Urgency
    certainty: Certainty
    confidence: Confidence
    basis: str = ""
    actions: tuple[RoleAction, ...] = ()
    areas: tuple[WireArea, ...] = ()
    expires: Time
    next_update_by: Time | None = None
    advisory: AdvisoryRef | None = None
    caveats: tuple[Caveat, ...] = ()
    record_class: RecordClass
    attachments: tuple[Attachment, ...] = ()
    minor: bool = False
    stamp: WireStamp | None = None


class OpenExtension(Extension, frozen=True, kw_only=True, omit_defaults=True):
    """The same with the four word lists open: what fits here but not there is of a later list, and desk only."""

    topic: str  # type: ignore[assignment]  # wider on purpose
    also: tuple[str, ...] = ()  # type: ignore[assignment]  # wider on purpose
    phase: str  # type: ignore[assignment]  # wider on purpose
    caveats: tuple[str, ...] = ()  # type: ignore[assignment]  # wider on purpose
    record_class: str  # type: ignore[assignment]  # wider on purpose


class LooseStamp(msgspec.Struct, frozen=True):
    """What names a released item."""

    product_id: str
    version: Count


class LooseExtension(msgspec.Struct, frozen=True, kw_only=True):
    """What every format must keep so that an item can be named, checked and answered though it cannot be understood."""

    format: int
    mode: Mode
    origin: str
    seed: Hex16
    crit: tuple[str, ...] = ()
    lane: Lane
    audience: Audience
    topic: str
    stamp: LooseStamp | None = None


KNOWN_MEMBERS: Final = frozenset(Extension.__struct_fields__)
