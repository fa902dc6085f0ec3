"""A Common Alerting Protocol message as frozen structs (OASIS CAP 1.2 section 3.2), its closed lists and its times."""

from __future__ import annotations

import datetime as dt
import enum
import hashlib
import re
from typing import Final

import msgspec

from schemas.vocabulary import Certainty, Severity, Urgency

NAMESPACE: Final = "urn:oasis:names:tc:emergency:cap:1.2"
# Read, never written. CAP 1.0 was published by the Partnership for Public Warning, under its own address.
OLDER_NAMESPACES: Final = ("urn:oasis:names:tc:emergency:cap:1.1", "http://www.incident.com/cap/1.0")
DEFAULT_LANGUAGE: Final = "en-US"  # section 3.2.2 "language"

_TIME = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})[Tt]([0-9]{2}:[0-9]{2})(:[0-9]{2}(?:\.[0-9]+)?)?(?:[Zz]|([+-][0-9]{2}):?([0-9]{2}))"
)
# The spelling that the XSD demands; its own pattern lets a comma pass for the sign, which no dateTime has.
SPELLED: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}[+-][0-9]{2}:[0-9]{2}")


class CapError(ValueError):
    """A document or a message that cannot be used. `element` says where: "info[1].severity"; empty: the document itself."""

    def __init__(self, element: str, message: str) -> None:
        super().__init__(f"{element}: {message}" if element else message)
        self.element = element
        self.message = message


class Status(enum.StrEnum):
    """Section 3.2.1: how a message is to be handled."""

    ACTUAL = "Actual"
    EXERCISE = "Exercise"
    SYSTEM = "System"
    TEST = "Test"
    DRAFT = "Draft"


class MsgType(enum.StrEnum):
    """Section 3.2.1: what a message does to those before it."""

    ALERT = "Alert"
    UPDATE = "Update"
    CANCEL = "Cancel"
    ACK = "Ack"
    ERROR = "Error"


class Scope(enum.StrEnum):
    """Section 3.2.1: for whom a message is meant."""

    PUBLIC = "Public"
    RESTRICTED = "Restricted"
    PRIVATE = "Private"


class Category(enum.StrEnum):
    """Section 3.2.2: what kind of event it is."""

    GEO = "Geo"
    MET = "Met"
    SAFETY = "Safety"
    SECURITY = "Security"
    RESCUE = "Rescue"
    FIRE = "Fire"
    HEALTH = "Health"
    ENV = "Env"
    TRANSPORT = "Transport"
    INFRA = "Infra"
    CBRNE = "CBRNE"
    OTHER = "Other"


class ResponseType(enum.StrEnum):
    """Section 3.2.2: what those addressed should do."""

    SHELTER = "Shelter"
    EVACUATE = "Evacuate"
    PREPARE = "Prepare"
    EXECUTE = "Execute"
    AVOID = "Avoid"
    MONITOR = "Monitor"
    ASSESS = "Assess"
    ALL_CLEAR = "AllClear"
    NONE = "None"


class Pair(msgspec.Struct, frozen=True):
    """A valueName and its value: an event code, a parameter or a geocode."""

    name: str
    value: str


class Reference(msgspec.Struct, frozen=True):
    """An earlier message by what identifies it; `sent` stands as it was spelled (section 3.2.1 "references")."""

    sender: str
    identifier: str
    sent: str

    def __str__(self) -> str:
        return f"{self.sender},{self.identifier},{self.sent}"


class Resource(msgspec.Struct, frozen=True, kw_only=True):
    """Section 3.2.3: a file beside the message."""

    description: str
    mime_type: str = ""
    size: int | None = None
    uri: str | None = None
    deref_uri: str | None = None
    digest: str | None = None


class Area(msgspec.Struct, frozen=True, kw_only=True):
    """Section 3.2.4: where. Polygons and circles stand as they were written, "lat,lon lat,lon ..."."""

    description: str
    polygons: tuple[str, ...] = ()
    circles: tuple[str, ...] = ()
    geocodes: tuple[Pair, ...] = ()
    altitude: str | None = None
    ceiling: str | None = None


class Info(msgspec.Struct, frozen=True, kw_only=True):
    """Section 3.2.2: what is said, in one language."""

    event: str
    urgency: Urgency
    severity: Severity
    certainty: Certainty
    categories: tuple[Category, ...] = ()
    language: str = DEFAULT_LANGUAGE
    response_types: tuple[ResponseType, ...] = ()
    audience: str | None = None
    event_codes: tuple[Pair, ...] = ()
    effective: dt.datetime | None = None
    onset: dt.datetime | None = None
    expires: dt.datetime | None = None
    sender_name: str | None = None
    headline: str | None = None
    description: str | None = None
    instruction: str | None = None
    web: str | None = None
    contact: str | None = None
    parameters: tuple[Pair, ...] = ()
    resources: tuple[Resource, ...] = ()
    areas: tuple[Area, ...] = ()


class Alert(msgspec.Struct, frozen=True, kw_only=True):
    """Section 3.2.1: one message. `sent_as` is how its sender spelled `sent`, where that is not our own spelling."""

    identifier: str
    sender: str
    sent: dt.datetime
    status: Status
    msg_type: MsgType
    scope: Scope
    source: str | None = None
    restriction: str | None = None
    addresses: str | None = None
    codes: tuple[str, ...] = ()
    note: str | None = None
    references: tuple[Reference, ...] = ()
    incidents: str | None = None
    infos: tuple[Info, ...] = ()
    sent_as: str = ""

    @property
    def identity(self) -> Reference:
        """What tells this message from every other one, as later messages refer to it."""
        return Reference(self.sender, self.identifier, self.sent_as or format_time(self.sent))

    @property
    def digest(self) -> str:
        """SHA-256 hex of what the message says, which its signature, its wrapper and its white space do not change."""
        return hashlib.sha256(msgspec.json.encode(self)).hexdigest()


def parse_time(text: str) -> dt.datetime:
    """The aware moment that an agency wrote, its offset kept; ValueError without a zone or for another form.

    CAP asks for `YYYY-MM-DDThh:mm:ss` and a numeric offset. `Z`, fractions, an offset without colon and a time without
    seconds are met in the wild and can mean one thing only.
    """
    found = _TIME.fullmatch(text)
    if found is None:
        raise ValueError(f"not a time with a zone: {text[:40]!r}")
    day, minutes, seconds, hours, rest = found.groups()
    offset = f"{hours}:{rest}" if hours else "+00:00"
    try:
        moment = dt.datetime.fromisoformat(f"{day}T{minutes}{seconds or ':00'}{offset}")
        moment.astimezone(dt.UTC)
    except (ValueError, OverflowError) as error:
        raise ValueError(f"no such time: {text[:40]!r} ({error})") from None
    return moment


def format_time(moment: dt.datetime) -> str:
    """The CAP spelling of an aware moment, cut to seconds: numeric offset, `-00:00` for UTC and never `Z` (section 3.3.2)."""
    offset = moment.utcoffset()
    if offset is None:
        raise ValueError("a time without a zone")
    kept = moment if offset % dt.timedelta(minutes=1) == dt.timedelta() else moment.astimezone(dt.UTC)
    text = kept.replace(microsecond=0, tzinfo=dt.timezone(kept.utcoffset() or dt.timedelta())).isoformat()
    return text.removesuffix("+00:00") + "-00:00" if text.endswith("+00:00") else text
