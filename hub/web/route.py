"""One row of the route table: what is asked, who may ask, what goes in and out, and by which door content leaves."""

from __future__ import annotations

import dataclasses
from collections.abc import Awaitable, Callable
from typing import Any, Literal

import msgspec
import pydantic
from aiohttp import web

from hub.rules.authority import Verb
from hub.rules.release import Exit

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
# "public": anybody. "token": any person with a token. "person": any person who is signed in, for a page.
# "operator": a person with that role. "local": loopback, or an operator.
# A verb: a person whose roles may ever do it; the desk judges the case itself.
Access = Literal["public", "token", "person", "operator", "local"] | Verb

KIB = 1024


@dataclasses.dataclass(frozen=True, slots=True)
class Query:
    """One query parameter as the API description names it; `schema` is its JSON Schema."""

    name: str
    about: str
    schema: dict[str, Any]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One route.

    Exactly one of `exits` (each item that leaves was asked for at one of these) and `no_item` (why no item leaves
    here) is given. `limit` is the largest body in bytes. `media` are the types of a good answer. A `page` is for a person
    at a browser: a session's cookie lets them in and no token does; a POST is a form of our own pages. Everything else is
    for programs and takes a token, never a cookie: so no other site can act through somebody's browser.
    """

    method: Literal["GET", "POST", "PATCH", "DELETE"]
    path: str
    handler: Handler
    name: str
    summary: str
    access: Access
    body: type[pydantic.BaseModel] | None = None
    answer: type[msgspec.Struct] | None = None
    status: int = 200
    media: tuple[str, ...] = ("application/json",)
    query: tuple[Query, ...] = ()
    exits: frozenset[Exit] = frozenset()
    no_item: str = ""
    limit: int = 512 * KIB
    page: bool = False

    @property
    def idempotent_by_key(self) -> bool:
        """Whether the route takes an Idempotency-Key."""
        return self.method == "POST"


ROUTE = web.RequestKey("ROUTE", Route)
