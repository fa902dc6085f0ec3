"""The power of a whole node goes, hub and nats-server at once: when it comes back, its readers and its peers lack nothing.

The node lies on a file system of its own that the kernel shuts down (`tests/store/power.py`); its peers lie on another disk.
"""

from __future__ import annotations

import asyncio
import json
import random
import time
from pathlib import Path

import aiohttp
import pytest

from hub.cli.demo import nodes
from hub.cli.demo.network import Network
from hub.cli.demo.scene import Scene
from hub.cli.demo.visitor import Visitor, until
from tests.journeys.promises import Promises
from tests.journeys.test_kills import Writer, at_peer_once, whole
from tests.store.power import Disk

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]

CUTS = 3


async def test_a_node_whose_power_goes_loses_no_acknowledged_release(tmp_path: Path) -> None:
    chance, began = random.Random(20260103), time.monotonic()
    (tmp_path / "nodes").mkdir()
    network = Network(["tx", "oh", "va"], tmp_path / "nodes")
    disk = Disk(tmp_path / "tx.ext4", tmp_path / "nodes" / "tx")
    try:
        disk.plug_in()
        await network.up()
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=10)) as session:
            scene = Scene(network, Visitor(session, network.nodes), "tx", "oh", "va")
            with Promises(tmp_path / "acknowledged.jsonl") as promises:
                for cut in range(CUTS):
                    await write_and_cut(scene, Writer(scene, promises, cut * 1_000), promises, disk, chance)
                acknowledged = dict(json.loads(line) for line in promises.kept())
            await at_peer_once(scene, acknowledged)
        await network.down()
        for node in network.nodes.values():
            whole(node)
    finally:
        await network.down()
        disk.unplug()
    print(  # noqa: T201 - the figure to report
        f"{CUTS} power cuts of a whole node, {len(acknowledged)} acknowledged releases, none lost,"
        f" {time.monotonic() - began:.0f} s"
    )


async def write_and_cut(scene: Scene, writer: Writer, promises: Promises, disk: Disk, chance: random.Random) -> None:
    """Release some, and cut the power in the midst of it; the node is started again on what its disk then holds."""
    writing = asyncio.create_task(writer.run())
    wanted = len(promises.kept()) + chance.randrange(8, 14)
    await until("some more acknowledged releases", lambda: _more(promises, wanted), within=60)
    await asyncio.sleep(chance.uniform(0, 0.3))
    disk.cut()
    writer.stop()
    await nodes.end(scene.network.nodes["tx"], kill=True)
    await writing
    await asyncio.to_thread(disk.unplug)
    await asyncio.to_thread(disk.plug_in)
    await scene.network.start("tx")


async def _more(promises: Promises, wanted: int) -> bool:
    return len(promises.kept()) >= wanted
