"""The frame of the desk's pages: banner, navigation by role, who is signed in, what was just done."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, Final

from aiohttp import web

from hub.rules.authority import Verb, rights
from hub.rules.release import Exit, Member
from hub.web import pages
from hub.web.access import PERSON
from hub.web.console import rights as judged
from hub.web.door import Asking
from hub.web.parts import parts

# What the page after an act says of it: `?done=CODE`. Nothing else of the address comes into the page.
DONE: Final[Mapping[str, str]] = {
    "saved": "Saved.",
    "submitted": "Handed over for review. A second person must approve it.",
    "sent-back": "Sent back to its authors.",
    "approved": "Approved.",
    "published": "Released: numbered, signed and on its way.",
    "opened": "The next version is open as a draft.",
    "withdrawn": "Withdrawn. Everybody who had it is being told.",
    "adopted": "A draft was made of it.",
    "set-aside": "Set aside.",
    "accepted": "Accepted.",
    "agreed": "The agreement stands; what it no longer allows is being recalled.",
    "ended": "The agreement has ended; everything under it is being recalled.",
    "revoked": "Revoked.",
    "added": "Added.",
    "changed": "Changed.",
    "closed": "Closed.",
    "run": "The source was asked.",
    "signed-in": "You are signed in.",
    "session-ended": "That session is ended.",
    "token-ended": "That token is ended.",
    "password": "Your password is changed. Every other session of yours is ended.",
}


@dataclasses.dataclass(frozen=True, slots=True)
class Way:
    """One entry of the navigation: where it leads, for whom."""

    name: str
    href: str
    words: str
    verb: Verb


NAV: Final = (
    Way("desk", "/desk", "Desk", Verb.READ_DESK),
    Way("queue", "/desk/queue", "Queue", Verb.READ_QUEUE),
    Way("bulletins", "/desk/bulletins", "Bulletins", Verb.READ_DESK),
    Way("search", "/desk/search", "Search", Verb.READ_DESK),
    Way("sources", "/desk/sources", "Sources", Verb.READ_OPERATIONS),
    Way("peers", "/desk/peers", "Peers", Verb.READ_OPERATIONS),
    Way("people", "/desk/people", "People", Verb.MANAGE_PEOPLE),
)


def asking(request: web.Request) -> Asking:
    """How the desk's pages ask the door: the signed-in person, on the desk's own screen."""
    return Asking(Exit.DESK, Member(request[PERSON].actor()), parts(request).mode)


async def render(request: web.Request, template: str, *, status: int = 200, **context: Any) -> web.Response:
    """A page of the desk. `here` in the context names the entry of the navigation that it belongs to."""
    person = request[PERSON]
    has = rights(person.roles)
    waits = 0
    if Verb.READ_DESK in has:
        node = parts(request)
        waits = await node.database.read(judged.waiting, node.office, asking(request), person, node.clock())
    served = {route.resource.canonical for route in request.app.router.routes() if route.resource is not None}
    frame = {
        "person": person.name,
        "nav": [way for way in NAV if way.verb in has and way.href in served],
        "waits": waits,
        "done": DONE.get(request.query.get("done", "")),
    }
    page = pages.render(request, template, {"frame": frame, "here": "", **context})
    return web.Response(text=page, status=status, content_type="text/html")


def see_other(path: str, done: str = "") -> web.Response:
    """303 to a page of this node, with what was done (`DONE`)."""
    return web.Response(status=303, headers={"Location": after(path, done)})


def after(path: str, done: str) -> str:
    """The address of the page to show after an act."""
    return f"{path}?done={done}" if done else path
