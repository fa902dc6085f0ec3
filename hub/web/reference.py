"""The API's own description, and a page for each kind of problem."""

from __future__ import annotations

from aiohttp import web

from hub.errors import NotFound
from hub.web import pages
from hub.web.conditional import Body, answer
from hub.web.parts import parts
from hub.web.problem import KINDS

DESCRIPTION = web.AppKey("DESCRIPTION", bytes)


async def openapi(request: web.Request) -> web.Response:
    """The OpenAPI 3.1 document."""
    body = Body(request.app[DESCRIPTION], "application/json", parts(request).issued)
    return answer(request, body, {"Cache-Control": "public, max-age=300"})


async def problem_page(request: web.Request) -> web.Response:
    """What a kind of problem means and what to do."""
    kind = KINDS.get(request.match_info["code"])
    if kind is None:
        raise NotFound
    problem = {"detail": "", "errors": (), "incident": ""}
    page = pages.render(request, "problem.html", {"kind": kind, "problem": problem})
    return web.Response(text=page, content_type="text/html", headers={"Cache-Control": "public, max-age=300"})
