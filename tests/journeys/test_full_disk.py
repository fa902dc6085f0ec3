"""The disk of a whole node fills up while it releases, and has room again: nothing acknowledged is lost, and all goes on.

The node, hub and nats-server, lies on a small file system of its own (`tests/store/power.py`).
"""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path

import aiohttp
import pytest

from hub.cli.demo import seed
from hub.cli.demo.network import Network
from hub.cli.demo.scene import Scene
from hub.cli.demo.visitor import Visitor, until
from tests.journeys.promises import Promises
from tests.journeys.test_kills import at_peer_once, whole
from tests.store.power import Disk

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


async def test_a_full_disk_is_told_in_words_and_the_node_goes_on_when_there_is_room(tmp_path: Path) -> None:
    (tmp_path / "nodes").mkdir()
    network = Network(["tx", "oh"], tmp_path / "nodes")
    disk = Disk(tmp_path / "tx.ext4", tmp_path / "nodes" / "tx", megabytes=64)
    try:
        disk.plug_in()
        await network.up()
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=20)) as session:
            scene = Scene(network, Visitor(session, network.nodes), "tx", "oh", "oh")
            with Promises(tmp_path / "acknowledged.jsonl") as promises:
                await release(scene, promises, "before", 12)
                filler = fill(disk.at)
                refused = await until("a refusal in words", lambda: refusal(scene), within=60)
                assert refused["status"] == 503
                assert refused["code"] == "disk-full"
                assert "The disk is full" in refused["detail"]
                assert await scene.shows("tx", "rss", "Release 11 before")
                filler.unlink()
                await release(scene, promises, "after", 12)
                acknowledged = dict(json.loads(line) for line in promises.kept())
            await at_peer_once(scene, acknowledged)
        await network.down()
        for node in network.nodes.values():
            whole(node)
    finally:
        await network.down()
        disk.unplug()


async def release(scene: Scene, promises: Promises, when: str, many: int) -> None:
    for number in range(many):
        headline = f"Release {number} {when} the disk was full"
        promises.keep(json.dumps([await scene.publish(headline), headline]))


def fill(folder: Path) -> Path:
    """A file that takes all the room there is."""
    filler = folder / "filler"
    with filler.open("wb", buffering=0) as file:
        for size in (1 << 20, 1 << 12, 1):
            try:
                while file.write(bytes(size)) == size:
                    pass
            except OSError:
                continue
    return filler


async def refusal(scene: Scene) -> dict | None:
    """What somebody is told who writes now; None while what is written still fits into what the database has."""
    made = seed.bulletins("tx", ["oh"], dt.datetime.now(dt.UTC))[0]
    body = made | {"headline": "While the disk is full", "text": "A long report. " * 300}
    status, answer = await scene.visitor.ask("tx", "analyst", "POST", "/api/v1/bulletins", body)
    return answer if status >= 400 else None
