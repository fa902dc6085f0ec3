"""kill -9 of hubs and nats-servers at random while a writer releases: what was acknowledged is everywhere, once.

`pytest -m slow -s tests/journeys/test_kills.py --kills 2000` makes it longer and prints the figures.
"""

from __future__ import annotations

import asyncio
import collections
import contextlib
import json
import os
import random
import signal
import time
from pathlib import Path

import aiohttp
import pytest

from hub.cli.demo import nodes
from hub.cli.demo.network import Network
from hub.cli.demo.scene import Scene
from hub.cli.demo.visitor import StepFailed, Visitor, until
from tests.journeys.conftest import hub
from tests.journeys.promises import Promises

pytestmark = [pytest.mark.slow, pytest.mark.timeout(7200)]

STATES = ("tx", "oh")
HUBS_OF_TEN = 3  # so many of ten kills take the hub (its server ends with it); the others take the server alone
LOOKS = 8  # so often a killed node's record is verified before it is started again


class Writer:
    """One desk that writes and releases without a pause; what it was told is released stands in a file before it goes on."""

    def __init__(self, scene: Scene, promises: Promises, after: int = 0) -> None:
        self._scene = scene
        self._promises = promises
        self._number = after
        self._stopped = asyncio.Event()

    async def run(self) -> None:
        while not self._stopped.is_set():
            self._number += 1
            headline = f"Release number {self._number:06} of the crash journey"
            with contextlib.suppress(aiohttp.ClientError, StepFailed, TimeoutError):
                product = await self._scene.publish(headline)
                self._promises.keep(json.dumps([product, headline]))
            # A thousand releases an hour would be a busy state; a peer takes ten thousand a day.
            await asyncio.sleep(0.2)

    def stop(self) -> None:
        self._stopped.set()


class Killer:
    """Kills one state's processes, one after the other, beside the other state's killer: both may be down at once."""

    def __init__(self, network: Network, state: str, chance: random.Random) -> None:
        self.done: collections.Counter[str] = collections.Counter()
        self.looked = 0
        self._network = network
        self._state = state
        self._chance = chance

    async def run(self, kills: int) -> None:
        looks = {round(kills * (n + 1) / (LOOKS // 2 + 1)) for n in range(LOOKS // 2)}
        wanted = 0
        for number in range(kills):
            wanted += number in looks
            await asyncio.sleep(self._chance.uniform(0.02, 0.5))
            if self._chance.randrange(10) >= HUBS_OF_TEN and self._kill_server():
                self.done[f"{self._state} server"] += 1
                continue
            await self._kill_hub(look=wanted > self.looked)
            self.done[f"{self._state} hub"] += 1

    def _kill_server(self) -> bool:
        """Its hub starts it again; False when none runs just now, for a kill that hits nothing is no kill."""
        node = self._network.nodes[self._state]
        assert nodes.alive(node), "the hub fell with its server"
        with contextlib.suppress(ProcessLookupError, FileNotFoundError):
            for pid in nodes.brokers_of(node):
                os.kill(pid, signal.SIGKILL)
                return True
        return False

    async def _kill_hub(self, *, look: bool) -> None:
        node = self._network.nodes[self._state]
        await nodes.end(node, kill=True)
        if look:
            await asyncio.to_thread(whole, node)
            self.looked += 1
        await asyncio.sleep(self._chance.uniform(0, 0.3))
        await self._network.start(self._state)


def whole(node: nodes.DemoNode) -> None:
    """The record of a stopped node holds, from its first entry on."""
    done = hub("verify", "--config", str(node.directory / "hub.toml"))
    assert done.returncode == 0, done.stdout + done.stderr


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
    began = time.monotonic()
    try:
        await network.up()
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=10)) as session:
            scene = Scene(network, Visitor(session, network.nodes), "tx", "oh", "va")
            with Promises(tmp_path / "acknowledged.jsonl") as promises:
                killers = [Killer(network, state, random.Random(chance.random())) for state in STATES]
                await _write_and_kill(Writer(scene, promises), killers, kills)
            acknowledged = dict(json.loads(line) for line in promises.kept())
            await scene.publish("The last word of the crash journey")
            await at_peer_once(scene, acknowledged)
    finally:
        await network.down()
    for node in network.nodes.values():
        whole(node)
    _tell(killers, len(acknowledged), time.monotonic() - began)


async def _write_and_kill(writer: Writer, killers: list[Killer], kills: int) -> None:
    writing = asyncio.create_task(writer.run())
    shares = [kills - kills // len(killers) * (len(killers) - 1)] + [kills // len(killers)] * (len(killers) - 1)
    async with asyncio.TaskGroup() as killing:
        for killer, share in zip(killers, shares, strict=True):
            killing.create_task(killer.run(share))
    writer.stop()
    await writing


async def at_peer_once(scene: Scene, acknowledged: dict[str, str]) -> None:
    """Every acknowledged release is in the peer's feed, there and at home once, and its product can be read at both."""
    assert len(acknowledged) > 10, "the writer hardly released anything; the journey shows nothing"
    wanted = {f"EXERCISE: {headline}" for headline in acknowledged.values()}

    async def all_there() -> bool:
        return wanted <= set(await in_feed(scene, "oh"))

    await until("every acknowledged release in the peer's feed", all_there, within=60)
    for state in STATES:
        counted = collections.Counter(await in_feed(scene, state))
        assert {title: counted[title] for title in wanted if counted[title] != 1} == {}, state
        for product in acknowledged:
            found = await scene.visitor.must(state, "analyst", "GET", f"/api/v1/bulletins/{product}")
            assert found["product_id"] == product


def _tell(killers: list[Killer], acknowledged: int, seconds: float) -> None:
    """The figure to report, with the mix that was really done."""
    mix = sum((killer.done for killer in killers), collections.Counter[str]())
    looked = sum(killer.looked for killer in killers)
    print(  # noqa: T201 - the figure to report
        f"{mix.total()} kills ({', '.join(f'{many} {what}' for what, many in sorted(mix.items()))}), {acknowledged}"
        f" acknowledged releases, none lost, {looked} verifications on the way, {seconds:.0f} s"
    )
