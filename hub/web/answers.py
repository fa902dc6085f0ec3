"""What the desk's API answers: structs, so that the API description is made from the same types."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any, Literal

import msgspec

from hub.desk.content import Content, of_bulletin
from hub.rules.authority import missing
from hub.rules.policy import Policy
from hub.store.bulletins import Draft
from hub.store.revisions import Revision
from schemas.bulletin import AdvisoryRef, Approval, Area, Attachment, RoleAction, Translation
from schemas.vocabulary import (
    Caveat,
    Certainty,
    Confidence,
    Lane,
    Phase,
    RecordClass,
    Severity,
    Tlp,
    Topic,
    Urgency,
)

Moment = Annotated[dt.datetime, msgspec.Meta(tz=True)]


class Made(msgspec.Struct, frozen=True, kw_only=True):
    """A draft after a verb. `version` is what the next verb has to have seen; `lacks` says in words who must still say yes."""

    id: str
    version: int
    status: str
    product_id: str | None = None
    lacks: tuple[str, ...] = ()


class Released(msgspec.Struct, frozen=True, kw_only=True):
    """A release: who gets it, who does not and why, whether everybody may read it. `hash` is that of the signed bytes."""

    id: str
    product_id: str
    version: int
    status: str
    hash: str
    gets: tuple[str, ...]
    withheld: dict[str, str]
    public: bool


class Withdrawn(msgspec.Struct, frozen=True, kw_only=True):
    """A withdrawal; the number is never used again."""

    product_id: str
    version: int
    status: str


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the desk's list: a draft, or the newest version of a released product."""

    id: str
    product_id: str | None
    version: int
    status: str
    origin: str
    headline: str
    topic: Topic
    tlp: Tlp
    severity: Severity
    lane: Lane
    updated: Moment
    expires: Moment


class Rows(msgspec.Struct, frozen=True):
    """The desk's list: open drafts first, then products, newest first. `next` is the `before` of the next page."""

    bulletins: list[Row]
    next: str | None = None


class Full(msgspec.Struct, frozen=True, kw_only=True):
    """One bulletin with its words. `audience` is "all", or the places that a draft names; names of others never travel."""

    id: str
    product_id: str | None
    version: int
    status: str
    origin: str
    mode: str
    headline: str
    text: str
    actions: tuple[RoleAction, ...]
    topic: Topic
    also: tuple[Topic, ...]
    phase: Phase
    severity: Severity
    urgency: Urgency
    certainty: Certainty
    confidence: Confidence
    basis: str
    areas: tuple[Area, ...]
    tlp: Tlp
    audience: tuple[str, ...] | Literal["all", "group", "named"]
    lane: Lane
    expires: Moment
    next_update_by: Moment | None
    caveats: tuple[Caveat, ...]
    record_class: RecordClass
    attachments: tuple[Attachment, ...]
    translations: tuple[Translation, ...]
    lang: str
    minor: bool
    advisory: AdvisoryRef | None
    approvals: tuple[Approval, ...]
    authors: tuple[str, ...]
    lacks: tuple[str, ...]
    content_hash: str | None
    hash: str | None
    updated: Moment
    withdrawn_reason: str | None
