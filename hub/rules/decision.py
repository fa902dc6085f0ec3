"""What a rule answers: a value that carries its reason in words for the person who asked, never a bare bool (DESIGN section 2)."""

from __future__ import annotations

import dataclasses
import enum


class Effect(enum.StrEnum):
    """What a received message changes in what a reader sees (`hub.rules.lifecycle`)."""

    NONE = "none"  # the verb was accepted; nothing was received
    SHOW = "show"  # this version is the one to show
    KEEP = "keep"  # stored; what is shown stays as it was
    HIDE = "hide"  # withdrawn: shown as withdrawn, its text hidden in every version
    EXPIRE = "expire"  # kept, no longer shown as being in force
    ERASE = "erase"  # bytes, index and renderings go; (id, version, H) stays
    LIFT = "lift"  # restored: shown again where its bytes are still here


class Form(enum.StrEnum):
    """In which form something may leave."""

    FULL = "full"
    WITHDRAWN = "withdrawn"  # a notice that it was withdrawn, without its text


@dataclasses.dataclass(frozen=True, slots=True)
class Accepted:
    """Yes. `effect` says what a received message changes and is NONE for the verbs of the desk."""

    effect: Effect = Effect.NONE


@dataclasses.dataclass(frozen=True, slots=True)
class Duplicate:
    """It is here already, byte for byte: nothing to do, and no reason to complain."""


@dataclasses.dataclass(frozen=True, slots=True)
class Refused:
    """No. `code` is a stable token, `reason` words for the reader, `field` a JSON pointer where one field is at fault."""

    code: str
    reason: str
    field: str | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class Allowed:
    """It may leave, in this form."""

    form: Form = Form.FULL


@dataclasses.dataclass(frozen=True, slots=True)
class Withheld:
    """It stays here. `code` is a stable token, `reason` words for whoever may know that it exists."""

    code: str
    reason: str


Decision = Accepted | Refused
Arrival = Accepted | Duplicate | Refused
Leave = Allowed | Withheld
