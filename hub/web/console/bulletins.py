"""The desk's list of bulletins, and the one address of each: a draft's form, a product's record."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from hub.rules.lifecycle import UNRELEASED
from hub.web import door
from hub.web.bulletins import is_product
from hub.web.console import compose, frame, record
from hub.web.door import Draft, Leaving
from hub.web.parts import parts
from hub.web.query import Filter, read_filter

_ROWS = 25
_STAGES = {"draft": "Draft", "submitted": "Waits for review", "approved": "Approved, not released"}


async def listed(request: web.Request) -> web.Response:
    """Open drafts, then products, the newest first."""
    node, asking = parts(request), frame.asking(request)
    given = {name: value for name, value in request.query.items() if name != "done"}
    wanted = read_filter(given, names=("before",))
    drafts = [] if wanted.before else await door.drafts(node, asking)
    found = await door.newest(node, asking, Filter(limit=_ROWS, before=wanted.before))
    return await frame.render(
        request,
        "console/bulletins.html",
        here="bulletins",
        drafts=[row_of_draft(each) for each in drafts],
        rows=list(door.written(found.items, row_of_product)),
        older=found.more and f"/desk/bulletins?before={found.more}",
        newest=not wanted.before,
    )


async def one(request: web.Request) -> web.Response:
    """A product's record, or a draft's form. Raises NotFound alike for what is not there and not for this person."""
    which = request.match_info["id"]
    if is_product(which):
        return await record.page(request)
    draft = await door.draft(parts(request), frame.asking(request), which)
    if draft.stage not in UNRELEASED:
        return frame.see_other(f"/desk/bulletins/{draft.product_id}")
    return await compose.edit_page(request, draft)


def row_of_draft(draft: Draft) -> dict[str, Any]:
    """One draft in a list."""
    bulletin = draft.bulletin
    ending = "" if draft.stage == "draft" else "/review"
    return {
        "href": f"/desk/bulletins/{draft.id}{ending}",
        "title": bulletin.headline,
        "status": _STAGES[draft.stage.value],
        "product_id": draft.product_id,
        "version": draft.base_version + 1,
        "severity": bulletin.severity,
        "tlp": bulletin.tlp,
        "topic": bulletin.topic,
        "flash": bulletin.lane == "flash",
        "who": None,
        "updated": draft.updated_at,
    }


def row_of_product(leaving: Leaving) -> dict[str, Any]:
    """One product in a list: the words of one that another state withdrew are not told."""
    revision = leaving.revision
    tells = not leaving.withdrawn and revision.payload is not None and revision.desk_only is None
    return {
        "href": f"/desk/bulletins/{revision.product_id}",
        "title": revision.bulletin.headline if tells else revision.product_id,
        "status": revision.stage.value.capitalize(),
        "product_id": revision.product_id,
        "version": revision.version,
        "severity": revision.severity,
        "tlp": revision.tlp,
        "topic": revision.topic,
        "flash": revision.lane == "flash",
        "who": revision.origin,
        "updated": revision.updated_at,
    }
