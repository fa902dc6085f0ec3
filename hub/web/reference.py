"""The API's own description, and a page for each kind of problem."""

from __future__ import annotations

import functools
from collections.abc import Callable

from aiohttp import web

from hub.errors import NotFound
from hub.web import pages
from hub.web.conditional import Body, answer
from hub.web.parts import parts
from hub.web.problem import KINDS


class Description:
    """The OpenAPI document, made when it is first asked for: that takes a tenth of a second that no start should wait."""

    def __init__(self, make: Callable[[], bytes]) -> None:
        self._make = make

    @functools.cached_property
    def document(self) -> bytes:
        """The document in JSON."""
        return self._make()


DESCRIPTION = web.AppKey("DESCRIPTION", Description)


async def openapi(request: web.Request) -> web.Response:
    """The OpenAPI 3.1 document."""
    body = Body(request.app[DESCRIPTION].document, "application/json", parts(request).issued)
    return answer(request, body, {"Cache-Control": "public, max-age=300"})


async def problem_page(request: web.Request) -> web.Response:
    """What a kind of problem means and what to do."""
    kind = KINDS.get(request.match_info["code"])
    if kind is None:
        raise NotFound
    problem = {"detail": "", "errors": (), "incident": ""}
    page = pages.render(request, "problem.html", {"kind": kind, "problem": problem})
    return web.Response(text=page, content_type="text/html", headers={"Cache-Control": "public, max-age=300"})
