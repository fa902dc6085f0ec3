"""The queue on the desk's screen: rows folded with the reason in words, and the advisories under each."""

from __future__ import annotations

import datetime as dt
from typing import Any

from aiohttp import web

from hub.desk import adopt as adopting
from hub.errors import Invalid, NotFound
from hub.rules.authority import Verb, rights
from hub.rules.fold import Row
from hub.rules.relevance import Standing
from hub.store import queue as store
from hub.store.database import Tx
from hub.store.people import Person
from hub.store.queue import Waiting
from hub.web.access import PERSON
from hub.web.console import frame
from hub.web.console.forms import Errors, act_once, errors_of, read_fields
from hub.web.console.forms import now_of as time_of
from hub.web.parts import Parts, parts
from hub.web.queue import read_page

HERE = "/desk/queue"
_ROWS = 50
_LABELS = {"reason": "Why it is not for us"}
_MINUTE, _HOUR, _DAY = 60, 3_600, 86_400
STATES = {"open": "Waits", "adopted": "Made into a bulletin", "set-aside": "Set aside", "cancelled": "Cancelled"}


async def page(request: web.Request) -> web.Response:
    """What waits: severe for this state, then by day, and what is folded away one click from sight."""
    node = parts(request)
    found = await node.database.read(store.rows, titles(node))
    rows = [_row(each, time_of(request)) for each in found]
    by_standing = {each.value: [row for row in rows if row["standing"] == each] for each in Standing}
    return await frame.render(request, "console/queue.html", here="queue", rows=by_standing, state=node.state_name)


async def fold(request: web.Request) -> web.Response:
    """The advisories under one row. Raises NotFound when nothing waits under this name."""
    return await _fold(request)


async def set_aside(request: web.Request) -> web.Response:
    """Everything under one row is not for us, and why."""
    fields, office, which = await read_fields(request), parts(request).office, request.match_info["fold"]
    reason = fields.one("reason")

    def act(tx: Tx, actor: Person, now: dt.datetime) -> str:
        adopting.set_aside(tx, office, actor, now, which, reason)
        return frame.after(HERE, "set-aside")

    try:
        return await act_once(request, act)
    except Invalid as invalid:
        return await _fold(request, errors_of(invalid.errors, _LABELS), reason)


async def _fold(request: web.Request, errors: Errors | None = None, reason: str = "") -> web.Response:
    node, which, now = parts(request), request.match_info["fold"], time_of(request)
    given = {name: value for name, value in request.query.items() if name != "done" and value}
    limit, before = read_page({"limit": str(_ROWS), **given})
    row, found = await node.database.read(_under, which, titles(node), limit + 1, before)
    if not found:
        raise NotFound
    more = found[limit - 1].arrival if len(found) > limit else None
    return await frame.render(
        request, "console/queue_row.html", here="queue", status=422 if errors else 200, fold=which,
        row=None if row is None else _row(row, now), items=[item(each, now) for each in found[:limit]],
        older=more and f"{HERE}/{which}?before={more}", may_set_aside=may(request, Verb.SET_ASIDE),
        errors=errors or Errors(), reason=reason,
    )  # fmt: skip


def _under(
    tx: Tx, which: str, named: dict[str, str], limit: int, before: int | None
) -> tuple[Row | None, list[Waiting]]:
    row = next((each for each in store.rows(tx, named) if each.fold == which), None)
    return row, store.items(tx, which, limit, before)


def titles(node: Parts) -> dict[str, str]:
    """The sources' own titles by name."""
    return {str(source["name"]): str(source.get("title", source["name"])) for source in node.sources()}


def may(request: web.Request, verb: Verb) -> bool:
    """Whether a button is worth showing to this person; the desk judges the act itself."""
    return verb in rights(request[PERSON].roles)


def age(now: dt.datetime, then: dt.datetime) -> str:
    """How long ago, in words: "just now", "25 min ago", "3 h ago", "2 days ago"."""
    seconds = max(0, int((now - then).total_seconds()))
    if seconds < _MINUTE:
        return "just now"
    if seconds < _HOUR:
        return f"{seconds // _MINUTE} min ago"
    if seconds < 2 * _DAY:
        return f"{seconds // _HOUR} h ago"
    return f"{seconds // _DAY} days ago"


def _row(row: Row, now: dt.datetime) -> dict[str, Any]:
    return {
        "href": f"{HERE}/{row.fold}", "title": row.title, "count": row.count, "severity": row.severity,
        "newest": row.newest, "age": age(now, row.newest), "why": row.why, "standing": row.standing,
    }  # fmt: skip


def item(each: Waiting, now: dt.datetime) -> dict[str, Any]:
    """One advisory as lists show it."""
    return {
        "href": f"/desk/advisories/{each.id}", "headline": each.headline, "severity": each.severity, "kind": each.kind,
        "source": each.source, "key": each.key, "status": each.status, "state": STATES[each.state], "why": each.why,
        "changed": each.changed, "updated": each.updated_at, "age": age(now, each.updated_at),
        "expires": each.expires_at,
    }  # fmt: skip
