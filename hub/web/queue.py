"""What came in: the queue folded into a handful of rows, each one step from its advisories, and what the desk makes of them."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Mapping

import msgspec
from aiohttp import web

from hub.desk import adopt as adopting
from hub.errors import FieldError, NotFound
from hub.rules.fold import Row
from hub.rules.relevance import Standing
from hub.store import queue as store
from hub.store.database import Tx
from hub.store.people import Person
from hub.store.queue import Waiting
from hub.web import answers, forms
from hub.web.answers import Moment
from hub.web.idempotency import Reply, perform, reply
from hub.web.parts import Parts, parts
from hub.web.problem import Problem
from hub.web.route import Query
from schemas.bulletin import Advisory
from schemas.vocabulary import Severity

NO_ITEM = "shows the desk what outside sources published; no bulletin is in it"
_MOST = 500
_USUAL = 100
PAGE = (
    Query("limit", f"a number from 1 to {_MOST}", {"type": "integer", "minimum": 1, "maximum": _MOST}),
    Query("before", "the next of the page before", {"type": "integer", "minimum": 1}),
)


class QueueRow(msgspec.Struct, frozen=True, kw_only=True):
    """One row: so many advisories of one source, and why they are one row.

    `standing`: "severe" for this state (or changed after somebody decided), "stands" with others, "folded" away.
    """

    fold: str
    source: str
    title: str
    count: int
    newest: Moment
    severity: Severity
    why: str
    standing: Standing


class QueueRows(msgspec.Struct, frozen=True):
    """What waits: what is severe for this state, then by day, and last what is folded away."""

    rows: list[QueueRow]


class QueueItem(msgspec.Struct, frozen=True, kw_only=True):
    """One advisory under a row. `state`: open, adopted, set-aside, cancelled; `changed`: its source changed it since.

    `why` it stands where it stands: "names 3 counties of Texas", "not for Texas: 12 counties of Montana".
    """

    id: str
    source: str
    key: str
    headline: str
    severity: Severity
    action: str
    status: str
    state: str
    changed: bool
    first_at: Moment
    updated_at: Moment
    draft_id: str | None
    reason: str | None
    kind: str
    why: str
    expires_at: Moment | None


class QueueItems(msgspec.Struct, frozen=True):
    """A page of a row's advisories, the last to come first; `next` is the `before` of the next page."""

    items: list[QueueItem]
    next: int | None


class AdvisoryView(msgspec.Struct, frozen=True, kw_only=True):
    """One advisory, with what its source said word for word in `advisory.original`."""

    id: str
    state: str
    changed: bool
    draft_id: str | None
    reason: str | None
    why: str
    first_at: Moment
    updated_at: Moment
    advisory: Advisory


class Aside(msgspec.Struct, frozen=True):
    """How many advisories were set aside."""

    id: str
    count: int


async def rows(request: web.Request) -> web.Response:
    """The queue, folded."""
    node = parts(request)
    found = await node.database.read(store.rows, _titles(node))
    return reply(QueueRows([_row(row) for row in found])).response()


async def items(request: web.Request) -> web.Response:
    """The advisories under one row."""
    limit, before = read_page(request.query)
    found = await parts(request).database.read(store.items, request.match_info["fold"], limit + 1, before)
    more = found[limit - 1].arrival if len(found) > limit else None
    return reply(QueueItems([_item(each) for each in found[:limit]], more)).response()


async def advisory(request: web.Request) -> web.Response:
    """One advisory with its original."""
    found = await parts(request).database.read(store.advisory, request.match_info["id"])
    if found is None:
        raise NotFound
    view = AdvisoryView(
        id=found.id,
        state=found.state,
        changed=found.changed,
        draft_id=found.draft_id,
        reason=found.reason,
        why=found.why,
        first_at=found.first_at,
        updated_at=found.updated_at,
        advisory=found.advisory,
    )
    return reply(view).response()


async def adopt(request: web.Request) -> web.Response:
    """A draft made of an advisory, prefilled from it; the fields that are given say it otherwise."""
    form = await forms.read_form(request, forms.BulletinPatch)
    office, which, given = parts(request).office, request.match_info["id"], form.given()

    def act(tx: Tx, person: Person, now: dt.datetime) -> Reply:
        content = None
        if given and (waiting := store.advisory(tx, which)) is not None:
            content = dataclasses.replace(adopting.starting(tx, waiting, now), **given)
        draft = adopting.adopt(tx, office, person, now, which, content)
        headers = {"ETag": f'"{draft.version}"', "Location": f"/api/v1/bulletins/{draft.id}"}
        return reply(answers.made(draft, office.policy), 201, headers)

    return await perform(request, act)


async def set_aside(request: web.Request) -> web.Response:
    """Not for us, and why: one advisory, or everything under a row."""
    form = await forms.read_form(request, forms.SetAsideForm)
    office, which = parts(request).office, request.match_info["id"]

    def act(tx: Tx, person: Person, now: dt.datetime) -> Reply:
        return reply(Aside(which, adopting.set_aside(tx, office, person, now, which, form.reason)))

    return await perform(request, act)


def read_page(given: Mapping[str, str]) -> tuple[int, int | None]:
    """`limit` and `before` as numbers. Raises Problem `malformed` naming what does not fit."""
    bounds = {"limit": _MOST, "before": 2**53}
    for name, text in given.items():
        most = bounds.get(name)
        if most is None or not (text.isascii() and text.isdecimal() and 1 <= int(text[:17]) <= most):
            words = f"{name[:40]} is {text[:40]!r}; allowed are limit (1 to {_MOST}) and before (the next of a page)"
            raise Problem("malformed", f"{words}.", (FieldError(f"?{name}", words),), code="unknown-parameter")
    before = given.get("before")
    return int(given.get("limit", _USUAL)), None if before is None else int(before)


def _titles(node: Parts) -> dict[str, str]:
    return {str(source["name"]): str(source.get("title", source["name"])) for source in node.sources()}


def _row(row: Row) -> QueueRow:
    return QueueRow(
        fold=row.fold,
        source=row.source,
        title=row.title,
        count=row.count,
        newest=row.newest,
        severity=row.severity,
        why=row.why,
        standing=row.standing,
    )


def _item(each: Waiting) -> QueueItem:
    return QueueItem(**{name: getattr(each, name) for name in QueueItem.__struct_fields__})
