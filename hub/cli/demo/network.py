"""The demo's network: nodes found on disk as each other's peers, the federal stand-in beside them, started together."""

from __future__ import annotations

import asyncio
import datetime as dt
import time
from pathlib import Path

import aiohttp
from aiohttp import web

from hub.cli.demo import federal, nodes, seed
from hub.cli.demo.nodes import DemoNode
from hub.cli.demo.visitor import Visitor
from hub.cli.founding import Founding, Seat, found, introduce, seat
from hub.errors import HubError
from hub.rules.authority import Role

ROLES = (Role.OPERATOR, Role.ANALYST, Role.SUPERVISOR, Role.DIRECTOR)
_UP_WITHIN = 30.0


class Network:
    """Some states' nodes under one directory. `up` makes and starts them; `down` ends every process that was started."""

    def __init__(self, states: list[str], data: Path) -> None:
        self.data = data
        self._states = states
        self._federal: web.AppRunner | None = None
        self.nodes: dict[str, DemoNode] = {}

    async def up(self) -> None:
        """Found the nodes, introduce each to each, start them and wait until all answer. Raises HubError with the log's end."""
        source = await self._serve_federal()
        await asyncio.to_thread(self._found, source)
        await asyncio.gather(*(self.start(state) for state in self.nodes))
        nodes.save(self.data, self.nodes)

    async def seed(self) -> int:
        """Publish the made-up bulletins through the API, as the people of the demo. Answers how many."""
        async with aiohttp.ClientSession() as session:
            visitor = Visitor(session, self.nodes)
            return sum(await asyncio.gather(*(self._seed(visitor, state) for state in self.nodes)))

    async def start(self, state: str) -> None:
        """Start one node and wait until it is ready."""
        node = self.nodes[state]
        await nodes.start(node)
        await _until_ready(node)
        nodes.save(self.data, self.nodes)

    async def stop(self, state: str) -> None:
        """Stop one node cleanly; the others go on."""
        await nodes.end(self.nodes[state])
        nodes.save(self.data, self.nodes)

    async def down(self) -> None:
        """End every node, also those that `hub demo start` started from elsewhere, and the federal stand-in."""
        if (self.data / nodes.RECORD).exists():
            self.nodes = nodes.load(self.data)
        ended = await asyncio.gather(*(nodes.end(node) for node in self.nodes.values()), return_exceptions=True)
        if self._federal is not None:
            await self._federal.cleanup()
        for problem in ended:
            if isinstance(problem, BaseException):
                raise problem

    async def _serve_federal(self) -> str:
        self._federal = web.AppRunner(federal.app(dt.datetime.now(dt.UTC).date()), access_log=None)
        await self._federal.setup()
        site = web.TCPSite(self._federal, "127.0.0.1", 0)
        await site.start()
        host, port = self._federal.addresses[0][:2]
        return f"http://{host}:{port}{federal.KEV_PATH}"

    def _found(self, source: str) -> None:
        now = dt.datetime.now(dt.UTC)
        entries = {}
        for state in self._states:
            directory, port = self.data / state, nodes.free_port()
            founding = Founding(state=state, exercise=True, web_port=port, nats_port=nodes.free_port(), kev_url=source)
            entries[state] = found(directory, founding, now)
            seats = [Seat(f"{role}.{state}", f"{role.title()} of {state.upper()}", role) for role in ROLES]
            given = seat(directory, seats, now)
            tokens = {role.value: given[f"{role}.{state}"].token for role in ROLES}
            links = {role.value: given[f"{role}.{state}"].link for role in ROLES}
            self.nodes[state] = DemoNode(
                state, directory, f"http://localhost:{port}", tokens, links, entries[state].nats_url or ""
            )
        for state in self._states:
            others = [entry for place, entry in entries.items() if place != state]
            introduce(self.data / state, f"{Role.OPERATOR}.{state}", others, now)

    async def _seed(self, visitor: Visitor, state: str) -> int:
        made = seed.bulletins(state, self._states, dt.datetime.now(dt.UTC))
        for body in made:
            draft = await visitor.must(state, "analyst", "POST", "/api/v1/bulletins", body)
            await visitor.release(state, draft["id"])
        await visitor.must(state, "analyst", "POST", "/api/v1/sources/cisa-kev/run")
        return len(made)


async def _until_ready(node: DemoNode) -> None:
    deadline = time.monotonic() + _UP_WITHIN
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=2)) as session:
        while not await _answers(session, node):
            if not nodes.alive(node) or time.monotonic() > deadline:
                raise HubError(f"The {node.state.upper()} node did not come up:\n{_tail(node.directory / 'node.log')}")
            await asyncio.sleep(0.05)


async def _answers(session: aiohttp.ClientSession, node: DemoNode) -> bool:
    try:
        async with session.get(node.url + "/readyz") as response:
            return response.status == 200
    except (aiohttp.ClientError, TimeoutError):
        return False


def _tail(log: Path, lines: int = 15) -> str:
    return (
        "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:])
        if log.exists()
        else "(no log)"
    )
