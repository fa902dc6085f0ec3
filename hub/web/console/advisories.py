"""One advisory: what its source said, word for word, beside the state's words; made into a bulletin, or not for us."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from typing import Any

from aiohttp import web

from hub.desk import adopt as adopting
from hub.errors import Invalid, NotFound
from hub.rules.authority import Verb
from hub.store import queue as store
from hub.store.database import Tx
from hub.store.people import Person
from hub.store.queue import Waiting
from hub.web import door, wording
from hub.web.console import frame
from hub.web.console.forms import Errors, act_once, errors_of, now_of, read_fields
from hub.web.console.queue import STATES, age, may, titles
from hub.web.parts import parts
from schemas.bulletin import Advisory

_LABELS = {"reason": "Why it is not for us"}
_SHOWN = 100_000  # characters of an original; the rest is in the API's answer
_AREAS = 30


async def page(request: web.Request) -> web.Response:
    """One advisory. Raises NotFound."""
    return await _page(request)


async def adopt(request: web.Request) -> web.Response:
    """A draft made of it, prefilled with its words; the answer leads to the draft."""
    await read_fields(request)
    office, which = parts(request).office, request.match_info["id"]

    def act(tx: Tx, actor: Person, now: dt.datetime) -> str:
        draft = adopting.adopt(tx, office, actor, now, which)
        return frame.after(f"/desk/bulletins/{draft.id}", "adopted")

    return await act_once(request, act)


async def set_aside(request: web.Request) -> web.Response:
    """Not for us, and why."""
    fields, office, which = await read_fields(request), parts(request).office, request.match_info["id"]
    reason = fields.one("reason")

    def act(tx: Tx, actor: Person, now: dt.datetime) -> str:
        if store.advisory(tx, which) is None:  # a row's name is no advisory: that is asked on the row's page
            raise NotFound
        adopting.set_aside(tx, office, actor, now, which, reason)
        return frame.after("/desk/queue", "set-aside")

    try:
        return await act_once(request, act)
    except Invalid as invalid:
        return await _page(request, errors_of(invalid.errors, _LABELS), reason)


async def _page(request: web.Request, errors: Errors | None = None, reason: str = "") -> web.Response:
    node = parts(request)
    waiting = await node.database.read(store.advisory, request.match_info["id"])
    if waiting is None:
        raise NotFound
    waits = waiting.state == "open" or waiting.changed
    return await frame.render(
        request, "console/advisory.html", here="queue", status=422 if errors else 200,
        it=_facts(waiting, now_of(request), titles(node)), ours=await _ours(request, waiting),
        may_adopt=waits and may(request, Verb.ADOPT), may_set_aside=waits and may(request, Verb.SET_ASIDE),
        errors=errors or Errors(), reason=reason,
    )  # fmt: skip


async def _ours(request: web.Request, waiting: Waiting) -> dict[str, Any]:
    """The state's words: the bulletin that was made of it as far as this person may read it, or what a draft would start from."""
    if waiting.draft_id is not None:
        try:
            draft = await door.draft(parts(request), frame.asking(request), waiting.draft_id)
        except NotFound:
            return {"href": "", "headline": "", "text": "", "actions": ()}
        said = draft.bulletin
        href = f"/desk/bulletins/{draft.id}"
        return {"href": href, "headline": said.headline, "text": said.text, "actions": said.actions}
    fresh = adopting.prefilled(waiting.advisory, now_of(request))
    return {"href": "", "headline": fresh.headline, "text": fresh.text, "actions": fresh.actions}


def _facts(waiting: Waiting, now: dt.datetime, named: dict[str, str]) -> dict[str, Any]:
    advisory = waiting.advisory
    original = advisory.original
    return {
        "id": waiting.id, "headline": waiting.headline, "severity": waiting.severity, "state": STATES[waiting.state],
        "changed": waiting.changed, "reason": waiting.reason, "why": waiting.why, "adopted": waiting.draft_id is not None,
        "source": named.get(waiting.source, waiting.source), "key": waiting.key, "kind": waiting.kind,
        "status": advisory.status, "tlp": advisory.tlp, "urgency": advisory.urgency, "certainty": advisory.certainty,
        "first": waiting.first_at, "updated": waiting.updated_at, "age": age(now, waiting.updated_at),
        "effective": advisory.effective, "expires": advisory.expires, "areas": advisory.areas[:_AREAS],
        "more_areas": max(0, len(advisory.areas) - _AREAS), "href": _link(advisory), "summary": advisory.summary,
        "original": _laid_out(original)[:_SHOWN], "cut": len(original) > _SHOWN,
        "hash": hashlib.sha256(original.encode()).hexdigest() if original else "",
        "topics": [wording.topic_words(topic) for topic in advisory.topics],
    }  # fmt: skip


def _link(advisory: Advisory) -> str:
    """The source's own page, only when it is one that a browser may follow without harm."""
    return advisory.url if advisory.url and advisory.url.startswith(("https://", "http://")) else ""


def _laid_out(original: str) -> str:
    """JSON a member a line, so that people can read it; anything else as it came. The hash is that of what came."""
    try:
        return json.dumps(json.loads(original), indent=2, ensure_ascii=False)
    except (ValueError, RecursionError):
        return original
