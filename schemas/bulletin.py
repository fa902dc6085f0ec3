"""The nouns that travel or wait at the desk, as frozen structs. Times are aware UTC datetimes with ms precision."""

from __future__ import annotations

import datetime as dt

import msgspec

from schemas.vocabulary import (
    Action,
    Audience,
    Caveat,
    Certainty,
    Confidence,
    Lane,
    Mode,
    Phase,
    Reason,
    RecordClass,
    Severity,
    Status,
    Tlp,
    TombstoneKind,
    Topic,
    Urgency,
)


class Area(msgspec.Struct, frozen=True, omit_defaults=False):
    """One place, by exactly one code beside its state: `fips` five digits (SAME without its first; SS000 = the whole state) or `ugc`."""

    state: str | None
    fips: str | None = None
    ugc: str | None = None


class RoleAction(msgspec.Struct, frozen=True):
    """What one role should do, in plain words; role is free text such as "principal" or "it-staff"."""

    role: str
    text: str


class AdvisoryRef(msgspec.Struct, frozen=True, omit_defaults=True):
    """The federal original behind a bulletin: uuid5 id, source name, its key there, link, SHA-256 hex of the original bytes."""

    id: str
    source: str
    key: str
    url: str | None = None
    hash: str | None = None


class Attachment(msgspec.Struct, frozen=True):
    """Facts about a file; format 1 moves no bytes of it. `size` in bytes, `sha256` hex."""

    name: str
    media_type: str
    size: int
    sha256: str
    marking: Tlp


class Translation(msgspec.Struct, frozen=True):
    """The same words in another language (BCP 47 tag), carried as STIX language-content."""

    lang: str
    headline: str
    text: str


class Approval(msgspec.Struct, frozen=True, omit_defaults=True):
    """Who said yes to which content: `person` is an opaque id, `hash` the approval hash in hex (FORMAT "Product, version, time").

    The last four are room for a passkey assertion (base64url) and empty until then.
    """

    person: str
    role: str
    verb: str
    at: dt.datetime
    hash: str
    authenticator_data: str | None = None
    client_data_json: str | None = None
    signature: str | None = None
    credential_id: str | None = None


class Stamp(msgspec.Struct, frozen=True):
    """What release adds; nothing else may change between approval and release."""

    product_id: str
    version: int
    released: dt.datetime
    approvals: tuple[Approval, ...]


class Bulletin(msgspec.Struct, frozen=True, kw_only=True):
    """One bulletin as it stands in one version: a draft while `stamp` is None, released once it is stamped.

    `seed` (16 random bytes hex) is fixed at the draft's birth and makes the report id; `salt` (16 random bytes hex) is
    made new for each version. `created`/`modified`/`published` are the report's. `audience_commitment` is SHA-256 hex of a
    salt and the sorted names for `group` and `named`, None for `all`: the names themselves never travel.
    """

    mode: Mode
    origin: str
    seed: str
    salt: str
    created: dt.datetime
    modified: dt.datetime
    published: dt.datetime
    headline: str
    text: str
    topic: Topic
    tlp: Tlp
    severity: Severity
    urgency: Urgency
    certainty: Certainty
    expires: dt.datetime
    actions: tuple[RoleAction, ...]
    areas: tuple[Area, ...] = ()
    also: tuple[Topic, ...] = ()
    phase: Phase = Phase.RESPONSE
    confidence: Confidence = Confidence.MEDIUM
    basis: str = ""
    lane: Lane = Lane.ROUTINE
    audience: Audience = Audience.ALL
    audience_commitment: str | None = None
    next_update_by: dt.datetime | None = None
    caveats: tuple[Caveat, ...] = ()
    record_class: RecordClass = RecordClass.SAFETY_NOTICE
    advisory: AdvisoryRef | None = None
    attachments: tuple[Attachment, ...] = ()
    translations: tuple[Translation, ...] = ()
    lang: str = "en"
    minor: bool = False
    crit: tuple[str, ...] = ()
    stamp: Stamp | None = None


class Tombstone(msgspec.Struct, frozen=True, kw_only=True):
    """What takes something away. `version` is that of the newest version it covers; `serial` strictly rises per (origin, addressee)."""

    mode: Mode
    origin: str
    product_id: str
    report_id: str
    version: int
    kind: TombstoneKind
    reason: Reason
    serial: int
    salt: str
    issued: dt.datetime
    replaced_by: str | None = None


class Advisory(msgspec.Struct, frozen=True, kw_only=True):
    """One item of an outside source, normalised (DESIGN section 6, `hub sources parse`). `tlp` is CLEAR unless the source says otherwise.

    `revision` differs exactly when content differs. `original` is the item's own text as served (JSON or XML fragment).
    `event` is what happens in the source's own short words (CAP's event), where it has such. Times may keep their source's offset.
    """

    source: str
    key: str
    revision: str
    action: Action
    status: Status
    headline: str
    summary: str
    severity: Severity
    urgency: Urgency
    certainty: Certainty
    topics: tuple[Topic, ...]
    areas: tuple[Area, ...] = ()
    effective: dt.datetime | None = None
    expires: dt.datetime | None = None
    references: tuple[str, ...] = ()
    url: str | None = None
    language: str = "en"
    languages: tuple[str, ...] = ("en",)
    tlp: Tlp = Tlp.CLEAR
    item: str = ""
    original: str = ""
    event: str = ""


class Receipt(msgspec.Struct, frozen=True, kw_only=True):
    """Reserved shape of one receipt line (FORMAT "Receipts, roll-call", built with the federation issue)."""

    product_id: str
    version: int
    hash: str
    subject: str
    status: str
    reason: str | None = None
