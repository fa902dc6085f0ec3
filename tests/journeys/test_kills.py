"""kill -9 of hubs and nats-servers at random while a writer releases: what was acknowledged is everywhere, once.

`pytest -m slow tests/journeys/test_kills.py --kills 500` makes it longer.
"""

from __future__ import annotations

import asyncio
import collections
import contextlib
import os
import random
import signal
from pathlib import Path

import aiohttp
import pytest

from hub.cli.demo import nodes
from hub.cli.demo.network import Network
from hub.cli.demo.scene import Scene
from hub.cli.demo.visitor import StepFailed, Visitor, until
from tests.journeys.conftest import hub

pytestmark = [pytest.mark.slow, pytest.mark.timeout(3600)]


class Writer:
    """One desk that writes and releases without a pause and remembers what it was told is released."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self.acknowledged: dict[str, str] = {}
        self._stopped = asyncio.Event()

    async def run(self) -> None:
        number = 0
        while not self._stopped.is_set():
            number += 1
            headline = f"Release number {number:06} of the crash journey"
            with contextlib.suppress(aiohttp.ClientError, StepFailed, TimeoutError):
                self.acknowledged[await self._scene.publish(headline)] = headline
            # A thousand releases an hour would be a busy state; a peer takes ten thousand a day.
            await asyncio.sleep(0.2)

    def stop(self) -> None:
        self._stopped.set()


async def kill_one(network: Network, chance: random.Random) -> str:
    """kill -9 one process of the publisher or of the peer; a hub is started again, a broker by its hub."""
    state, what = chance.choice(("tx", "oh")), chance.choice(("hub", "broker"))
    node = network.nodes[state]
    if what == "hub":
        await nodes.end(node, kill=True)
        await asyncio.sleep(chance.uniform(0, 0.3))
        await network.start(state)
    else:
        for pid in nodes.brokers_of(node):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
    return f"{state} {what}"


async def in_feed(scene: Scene, state: str) -> list[str]:
    """Every title of a node's open feed, page by page."""
    titles: list[str] = []
    path = "/feeds/bulletins.json?limit=500"
    while path:
        page = await scene.visitor.must(state, None, "GET", path)
        titles += [item["title"] for item in page["items"]]
        following = page.get("next_url")
        path = following.removeprefix(scene.network.nodes[state].url) if following else ""
    return titles


async def test_kill_9_at_random_loses_no_acknowledged_release(tmp_path: Path, pytestconfig: pytest.Config):
    kills, chance = pytestconfig.getoption("--kills"), random.Random(20260101)
    (tmp_path / "nodes").mkdir()
    network = Network(["tx", "oh", "va"], tmp_path / "nodes")
    try:
        await network.up()
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=10)) as session:
            scene = Scene(network, Visitor(session, network.nodes), "tx", "oh", "va")
            writer = Writer(scene)
            writing = asyncio.create_task(writer.run())
            for _ in range(kills):
                await asyncio.sleep(chance.uniform(0.2, 1.2))
                await kill_one(network, chance)
            writer.stop()
            await writing
            await scene.publish("The last word of the crash journey")
            await _at_peer_once(scene, writer.acknowledged)
            print(f"{kills} kills, {len(writer.acknowledged)} acknowledged releases")  # noqa: T201 - the figure to report
    finally:
        await network.down()
    for node in network.nodes.values():
        done = hub("verify", "--config", str(node.directory / "hub.toml"))
        assert done.returncode == 0, done.stdout + done.stderr


async def _at_peer_once(scene: Scene, acknowledged: dict[str, str]) -> None:
    assert len(acknowledged) > 20, "the writer hardly released anything; the journey shows nothing"
    wanted = {f"EXERCISE: {headline}" for headline in acknowledged.values()}

    async def all_there() -> bool:
        return wanted <= set(await in_feed(scene, "oh"))

    await until("every acknowledged release in the peer's feed", all_there, within=60)
    for state in ("tx", "oh"):
        counted = collections.Counter(await in_feed(scene, state))
        assert {title: counted[title] for title in wanted if counted[title] != 1} == {}, state
        for product in acknowledged:
            found = await scene.visitor.must(state, "analyst", "GET", f"/api/v1/bulletins/{product}")
            assert found["product_id"] == product
