"""How the check looks at a node: over HTTP only, as a person with a token or as a feed reader without one."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import aiohttp
import feedparser

from hub.cli.demo.nodes import DemoNode
from hub.errors import HubError

T = TypeVar("T")


class StepFailed(HubError):
    """A step of the check did not hold; the message says what was seen instead."""


class Visitor:
    """One HTTP session over all nodes of the demo."""

    def __init__(self, session: aiohttp.ClientSession, nodes: dict[str, DemoNode]) -> None:
        self._session = session
        self._nodes = nodes

    async def ask(
        self, state: str, role: str | None, method: str, path: str, body: object = None, **headers: str
    ) -> tuple[int, Any]:
        """Status and JSON (or text) of one request as the person with `role` at `state`; None is a stranger."""
        node = self._nodes[state]
        given = {"Authorization": f"Bearer {node.tokens[role]}"} if role else {}
        async with self._session.request(method, node.url + path, json=body, headers=given | headers) as response:
            return response.status, _read(response.content_type, await response.text())

    async def must(self, state: str, role: str | None, method: str, path: str, body: object = None) -> Any:
        """The answer of a request that has to succeed. Raises StepFailed with the node's own words."""
        status, answer = await self.ask(state, role, method, path, body)
        if status >= 400:
            raise StepFailed(f"{method} {path} at {state.upper()} answered {status}: {str(answer)[:300]}")
        return answer

    async def act(self, state: str, role: str, bulletin: str, verb: str, **body: Any) -> Any:
        """Run one verb of the desk on the version that stands there now."""
        seen = (await self.must(state, role, "GET", f"/api/v1/bulletins/{bulletin}"))["version"]
        return await self.must(state, role, "POST", f"/api/v1/bulletins/{bulletin}/{verb}", {"version": seen, **body})

    async def release(self, state: str, bulletin: str) -> Any:
        """Take a draft through submit (its author), approve and publish (a second person)."""
        await self.act(state, "analyst", bulletin, "submit")
        await self.act(state, "supervisor", bulletin, "approve")
        return await self.act(state, "supervisor", bulletin, "publish")

    async def titles(self, state: str, form: str) -> list[str]:
        """The titles in a node's open feed, read by feedparser (rss, atom) or as JSON Feed."""
        answer = await self.must(state, None, "GET", f"/feeds/bulletins.{form}")
        if form == "json":
            return [item["title"] for item in answer["items"]]
        return [entry.title for entry in feedparser.parse(answer.encode()).entries]


def _read(content_type: str, text: str) -> Any:
    if content_type.endswith("ndjson"):
        return [json.loads(line) for line in text.splitlines()]
    return json.loads(text) if content_type.endswith("json") else text


async def until(what: str, look: Callable[[], Awaitable[T | None]], within: float = 20.0) -> T:
    """Look again every 50 ms until something is seen. Raises StepFailed naming `what` after `within` seconds."""
    deadline = time.monotonic() + within
    while True:
        try:
            seen = await look()
        except aiohttp.ClientConnectionError:
            seen = None
        if seen:
            return seen
        if time.monotonic() > deadline:
            raise StepFailed(f"{what} was not seen within {within:g} s.")
        await asyncio.sleep(0.05)
