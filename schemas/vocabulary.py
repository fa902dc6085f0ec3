"""Closed lists: every word that decides something, in one place (DESIGN section 4, FORMAT "Subjects", CAP 1.2)."""

from __future__ import annotations

import enum


class Mode(enum.StrEnum):
    """Whether words are real. The first token of every subject; live and exercise never mix."""

    LIVE = "live"
    EXERCISE = "exercise"


class Lane(enum.StrEnum):
    """How fast a bulletin travels; only the Director may order a flash."""

    FLASH = "flash"
    ROUTINE = "routine"


class Tlp(enum.StrEnum):
    """Traffic Light Protocol 2.0 (FIRST); the values are those of the OASIS STIX extension."""

    CLEAR = "clear"
    GREEN = "green"
    AMBER = "amber"
    AMBER_STRICT = "amber+strict"
    RED = "red"


class Audience(enum.StrEnum):
    """The audience class in the payload: everybody, a named group, or named peers."""

    ALL = "all"
    GROUP = "group"
    NAMED = "named"


class Topic(enum.StrEnum):
    """What a bulletin is about; one topic decides release and stands in the subject."""

    VIOLENCE = "violence"
    WEAPON = "weapon"
    BOMB_THREAT = "bomb-threat"
    SWATTING = "swatting"
    TERRORISM = "terrorism"
    BULLYING = "bullying"
    SUICIDE = "suicide"
    MENTAL_HEALTH = "mental-health"
    SUBSTANCE = "substance"
    ONLINE_SAFETY = "online-safety"
    CYBER = "cyber"
    WEATHER = "weather"
    HAZARD = "hazard"
    HEALTH = "health"
    PRODUCT = "product"
    TRANSPORT = "transport"
    FACILITY = "facility"
    MISSING_PERSON = "missing-person"
    PRACTICE = "practice"
    OTHER = "other"


class Phase(enum.StrEnum):
    """The five phases of the Model Standards, section 2."""

    PREVENTION = "prevention"
    PROTECTION = "protection"
    MITIGATION = "mitigation"
    RESPONSE = "response"
    RECOVERY = "recovery"


class Caveat(enum.StrEnum):
    """Handling caveats beside the TLP marking."""

    LES = "les"
    CUI = "cui"
    ASK_ORIGINATOR = "ask-originator"
    NO_REDISTRIBUTION = "no-redistribution"


class RecordClass(enum.StrEnum):
    """What kind of record a bulletin is in law; all but SAFETY_NOTICE are kept from public exits."""

    SAFETY_NOTICE = "safety-notice"
    TIP = "tip"
    SAR = "sar"
    CRIMINAL_INTELLIGENCE = "criminal-intelligence"
    EDUCATION_RECORD = "education-record"
    LAW_ENFORCEMENT_UNIT_RECORD = "law-enforcement-unit-record"


class Severity(enum.StrEnum):
    """CAP 1.2 section 3.2.2, lower case; ordered by `SEVERITY_RANK`."""

    EXTREME = "extreme"
    SEVERE = "severe"
    MODERATE = "moderate"
    MINOR = "minor"
    UNKNOWN = "unknown"


class Urgency(enum.StrEnum):
    """CAP 1.2 section 3.2.2, lower case."""

    IMMEDIATE = "immediate"
    EXPECTED = "expected"
    FUTURE = "future"
    PAST = "past"
    UNKNOWN = "unknown"


class Certainty(enum.StrEnum):
    """CAP 1.2 section 3.2.2, lower case."""

    OBSERVED = "observed"
    LIKELY = "likely"
    POSSIBLE = "possible"
    UNLIKELY = "unlikely"
    UNKNOWN = "unknown"


class Confidence(enum.StrEnum):
    """How sure the origin is, in words; `CONFIDENCE_SCORE` gives the STIX 2.1 number (appendix A, Low/Med/High)."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


class TombstoneKind(enum.StrEnum):
    """FORMAT "Tombstone, recall". WITHDRAWN and PURGED are terminal for the product id."""

    WITHDRAWN = "withdrawn"
    PURGED = "purged"
    NARROWED = "narrowed"
    EXPIRED = "expired"
    RESTORED = "restored"


class Reason(enum.StrEnum):
    """Why something was taken away; a code, never free text (a tombstone carries none)."""

    ERROR = "error"
    HOAX = "hoax"
    SUPERSEDED = "superseded"
    PRIVACY = "privacy"
    LEGAL = "legal"
    AUDIENCE = "audience"
    AGREEMENT = "agreement"
    EXPIRED = "expired"
    RESTORED = "restored"
    OTHER = "other"


class Action(enum.StrEnum):
    """What a source says about one of its advisories."""

    NEW = "new"
    UPDATE = "update"
    CANCEL = "cancel"


class Status(enum.StrEnum):
    """Whether an advisory is meant. System and Draft messages count as TEST."""

    ACTUAL = "actual"
    TEST = "test"
    EXERCISE = "exercise"


class KeyUse(enum.StrEnum):
    """What a key may do; one key has one use (FORMAT "Keys")."""

    SIGN_LIVE = "sign-live"
    SIGN_EXERCISE = "sign-exercise"
    CONNECT = "connect"
    ROOT = "root"


class KeyState(enum.StrEnum):
    """The state of a key in a register entry."""

    ACTIVE = "active"
    RETIRED = "retired"
    COMPROMISED = "compromised"


SEVERITY_RANK = {
    Severity.UNKNOWN: 0,
    Severity.MINOR: 1,
    Severity.MODERATE: 2,
    Severity.SEVERE: 3,
    Severity.EXTREME: 4,
}
CONFIDENCE_SCORE = {Confidence.LOW: 15, Confidence.MEDIUM: 50, Confidence.HIGH: 85}
TERMINAL = frozenset({TombstoneKind.WITHDRAWN, TombstoneKind.PURGED})
