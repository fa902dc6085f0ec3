"""What the desk's API answers: structs, so that the API description is made from the same types."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any

import msgspec

from hub.desk.drafting import work_of
from hub.rules.authority import missing
from hub.rules.policy import Policy
from hub.rules.release import Reach
from hub.web.door import Draft, Leaving
from schemas.bulletin import AdvisoryRef, Approval, Area, Attachment, Bulletin, RoleAction, Translation
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
    recalled: tuple[str, ...] = ()


class Withdrawn(msgspec.Struct, frozen=True, kw_only=True):
    """A withdrawal; the number is never used again."""

    product_id: str
    version: int
    status: str
    recalled: tuple[str, ...] = ()


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the desk's list: a draft, or the newest version of a released product."""

    id: str
    product_id: str | None
    version: int
    status: str
    origin: str
    headline: str | None
    topic: Topic | None
    tlp: Tlp
    severity: Severity
    lane: Lane
    updated: Moment
    expires: Moment


class Rows(msgspec.Struct, frozen=True):
    """The desk's list: open drafts first, then products, newest first. `next` is the `before` of the next page."""

    bulletins: list[Row]
    next: str | None = None


class ReachView(msgspec.Struct, frozen=True):
    """Whom a release would reach now: the peers that get it, those that do not with the reason, whether everybody may read it."""

    gets: tuple[str, ...]
    withheld: dict[str, str]
    public: bool


class Full(msgspec.Struct, frozen=True, kw_only=True):
    """One bulletin. The words are null where nothing of them may be told (another state withdrew it) or is understood here.

    `audience` is "all", the places that one of our own names, or the class of a received one: names of others never travel.
    `approvals`, `authors`, `lacks` and `reach` are a draft's.
    """

    id: str
    product_id: str | None
    version: int
    status: str
    origin: str
    mode: str
    tlp: Tlp
    topic: Topic | None
    severity: Severity
    lane: Lane
    expires: Moment
    updated: Moment
    audience: tuple[str, ...] | str
    headline: str | None = None
    text: str | None = None
    actions: tuple[RoleAction, ...] = ()
    also: tuple[Topic, ...] = ()
    phase: Phase | None = None
    urgency: Urgency | None = None
    certainty: Certainty | None = None
    confidence: Confidence | None = None
    basis: str | None = None
    areas: tuple[Area, ...] = ()
    next_update_by: Moment | None = None
    caveats: tuple[Caveat, ...] = ()
    record_class: RecordClass | None = None
    attachments: tuple[Attachment, ...] = ()
    translations: tuple[Translation, ...] = ()
    lang: str | None = None
    minor: bool = False
    advisory: AdvisoryRef | None = None
    hash: str | None = None
    content_hash: str | None = None
    authors: tuple[str, ...] = ()
    approvals: tuple[Approval, ...] = ()
    lacks: tuple[str, ...] = ()
    reach: ReachView | None = None
    withdrawn_reason: str | None = None
    replaced_by: str | None = None


# What a bulletin says, by the same names in the struct that travels and in the answer.
_WORDS = (
    "headline", "text", "actions", "also", "phase", "urgency", "certainty", "confidence", "basis", "areas",
    "next_update_by", "caveats", "record_class", "attachments", "translations", "lang", "minor", "advisory",
)  # fmt: skip


def made(draft: Draft, policy: Policy) -> Made:
    """A draft after a verb."""
    return Made(
        id=draft.id,
        version=draft.version,
        status=draft.stage.value,
        product_id=draft.product_id,
        lacks=missing(work_of(draft), policy),
    )


def row_of_draft(draft: Draft) -> Row:
    """A draft as a line of the list."""
    bulletin = draft.bulletin
    return Row(
        id=draft.id,
        product_id=draft.product_id,
        version=draft.version,
        status=draft.stage.value,
        origin=bulletin.origin,
        headline=bulletin.headline,
        topic=bulletin.topic,
        tlp=bulletin.tlp,
        severity=bulletin.severity,
        lane=bulletin.lane,
        updated=draft.updated_at,
        expires=bulletin.expires,
    )


def row_of_product(leaving: Leaving) -> Row:
    """A released version as a line of the list."""
    revision, bulletin = leaving.revision, words_of(leaving)
    return Row(
        id=revision.report_id,
        product_id=revision.product_id,
        version=revision.version,
        status=revision.stage.value,
        origin=revision.origin,
        headline=None if bulletin is None else bulletin.headline,
        topic=revision.topic,
        tlp=revision.tlp,
        severity=revision.severity,
        lane=revision.lane,
        updated=revision.updated_at,
        expires=revision.expires,
    )


def words_of(leaving: Leaving) -> Bulletin | None:
    """What a version says, None where that may not be told or is not understood here."""
    if leaving.withdrawn or leaving.revision.desk_only is not None:
        return None
    return leaving.revision.bulletin


def full_of_draft(draft: Draft, policy: Policy, reached: Reach | None) -> Full:
    """A draft with its words, its approvals and whom it would reach."""
    bulletin = draft.bulletin
    return Full(
        id=draft.id,
        product_id=draft.product_id,
        version=draft.version,
        status=draft.stage.value,
        origin=bulletin.origin,
        mode=bulletin.mode.value,
        tlp=bulletin.tlp,
        topic=bulletin.topic,
        severity=bulletin.severity,
        lane=bulletin.lane,
        expires=bulletin.expires,
        updated=draft.updated_at,
        audience=draft.audience or "all",
        content_hash=draft.content_hash,
        authors=tuple(sorted(draft.authors)),
        approvals=draft.approvals,
        lacks=missing(work_of(draft), policy),
        reach=None if reached is None else ReachView(tuple(reached.gets), dict(reached.withheld), reached.public),
        **_words(bulletin),
    )


def full_of_product(leaving: Leaving) -> Full:
    """A released version with its words, as far as they may be told."""
    revision, bulletin = leaving.revision, words_of(leaving)
    named = tuple(sorted(revision.recipients)) if revision.own and revision.recipients else None
    return Full(
        id=revision.report_id,
        product_id=revision.product_id,
        version=revision.version,
        status=revision.stage.value,
        origin=revision.origin,
        mode=revision.mode.value,
        tlp=revision.tlp,
        topic=revision.topic,
        severity=revision.severity,
        lane=revision.lane,
        expires=revision.expires,
        updated=revision.updated_at,
        audience=named or revision.audience.value,
        hash=revision.hash.hex(),
        approvals=() if bulletin is None or bulletin.stamp is None else bulletin.stamp.approvals,
        withdrawn_reason=None if revision.withdrawn_reason is None else revision.withdrawn_reason.value,
        replaced_by=leaving.replaced_by,
        **({} if bulletin is None else _words(bulletin)),
    )


def _words(bulletin: Bulletin) -> dict[str, Any]:
    return {name: getattr(bulletin, name) for name in _WORDS}
