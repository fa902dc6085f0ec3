"""A node is killed and comes back from an hour-old backup: no number is issued twice, and what was withdrawn stays withdrawn."""

from __future__ import annotations

import asyncio
import contextlib
import json
import shutil
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from hub.cli.demo import nodes
from hub.cli.demo.network import Network, _until_ready
from hub.cli.demo.scene import Scene
from hub.cli.demo.visitor import Visitor, until
from tests.journeys.conftest import hub

KEPT, GONE, CHANGED, LATER = (
    "It stays as it was",
    "It is taken back later",
    "It is changed later",
    "It came after the backup",
)


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Scene]:
    (tmp_path / "nodes").mkdir()
    network = Network(["tx", "oh"], tmp_path / "nodes")
    try:
        await network.up()
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=30)) as session:
            yield Scene(network, Visitor(session, network.nodes), "tx", "oh", "oh")
    finally:
        await network.down()


async def ran(*arguments: str) -> str:
    done = await asyncio.to_thread(hub, *arguments)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


async def change(scene: Scene, product: str, headline: str) -> int:
    """Release the next version of a product; its number."""
    draft = await scene.visitor.act("tx", "analyst", product, "update")
    seen = {"If-Match": f'"{draft["version"]}"'}
    status, _ = await scene.visitor.ask(
        "tx", "analyst", "PATCH", f"/api/v1/bulletins/{draft['id']}", {"headline": headline}, **seen
    )
    assert status == 200
    return int((await scene.visitor.release("tx", draft["id"]))["version"])


async def lived(scene: Scene, backup: Path) -> dict[str, str]:
    """An hour: some bulletins, the backup, then one more, one changed, one withdrawn. Product ids by headline."""
    made = {headline: await scene.publish(headline) for headline in (KEPT, GONE, CHANGED)}
    await ran("backup", str(backup), "--config", str(scene.network.nodes["tx"].directory / "hub.toml"))
    made[LATER] = await scene.publish(LATER)
    assert await change(scene, made[CHANGED], "It was changed") == 2
    await scene.visitor.act("tx", "supervisor", made[GONE], "withdraw", reason="error")
    for headline in ("WITHDRAWN: ", LATER, "UPDATE 2: "):
        await scene.until_shown("oh", headline, forms=("json",))
    return made


async def killed_and_restored(scene: Scene, backup: Path, *more: str, survived: bool) -> None:
    node = scene.network.nodes["tx"]
    old, new = node.directory, node.directory.with_name("tx-again")
    brokers = nodes.brokers_of(node)
    await nodes.end(node, kill=True)

    async def gone() -> bool:
        return not any(nodes.start_time(pid) for pid in brokers)

    await until("the end of the nats-server, which dies with its hub", gone)
    if survived:
        new.mkdir()
        shutil.move(old / "nats", new / "nats")
    told = json.loads(await ran("restore", str(backup), "--into", str(new), "--state", "TX", "--json", *more))
    assert (told["held"], told["epoch"], told["stream"]) == (True, 2, survived)
    assert told["waits"] == (["own"] if more else ["own", "oh"])
    node.directory = new


@contextlib.asynccontextmanager
async def only_web(scene: Scene) -> AsyncIterator[None]:
    """The restored node without its nats-server, so that it cannot read anything yet."""
    node = scene.network.nodes["tx"]
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "hub", "run", "--only", "web", "--config", str(node.directory / "hub.toml"),
        stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    node.pid, node.started = process.pid, nodes.start_time(process.pid)
    try:
        await _until_ready(node)
        yield
    finally:
        await nodes.end(node)


async def nothing_is_said(scene: Scene, made: dict[str, str]) -> None:
    """Held: no release, no withdrawal, and nothing of the record outside the desk."""
    draft = await scene.draft("Released while it is held")
    await scene.visitor.act("tx", "analyst", draft, "submit")
    await scene.visitor.act("tx", "supervisor", draft, "approve")
    for which, verb, more in ((draft, "publish", {}), (made[KEPT], "withdraw", {"reason": "error"})):
        seen = (await scene.visitor.must("tx", "supervisor", "GET", f"/api/v1/bulletins/{which}"))["version"]
        status, problem = await scene.visitor.ask(
            "tx", "supervisor", "POST", f"/api/v1/bulletins/{which}/{verb}", {"version": seen, **more}
        )
        assert (status, problem["code"]) == (409, "held"), problem
    ready = await scene.visitor.must("tx", None, "GET", "/readyz")
    assert (ready["status"], ready["checks"]["restore"]) == ("degraded", "held")
    assert await scene.visitor.titles("tx", "json") == []


async def nothing_comes_twice(scene: Scene, made: dict[str, str]) -> None:
    """New numbers are above all that were ever given; the peer takes them; what was withdrawn stays so on both sides."""
    fresh = await scene.publish("Released after the restore")
    number = int(fresh.rpartition("-")[2])
    assert number >= 1000
    assert number > max(int(product.rpartition("-")[2]) for product in made.values())
    assert await change(scene, made[KEPT], "Changed after the restore") >= 1001
    for state in ("tx", "oh"):
        await scene.until_shown(state, "Released after the restore", forms=("json",))
        await scene.until_shown(state, "Changed after the restore", forms=("json",))
        titles = await scene.visitor.titles(state, "json")
        assert [title for title in titles if GONE in title] == [f"EXERCISE: WITHDRAWN: {GONE}"], (state, titles)


async def the_record_is_whole(scene: Scene) -> None:
    await scene.network.down()
    for node in scene.network.nodes.values():
        await ran("verify", "--config", str(node.directory / "hub.toml"))


async def test_with_its_own_stream_a_node_finds_by_itself_what_it_said(scene: Scene, tmp_path: Path):
    made = await lived(scene, tmp_path / "backup")
    await killed_and_restored(scene, tmp_path / "backup", survived=True)
    async with only_web(scene):
        await nothing_is_said(scene, made)
    await scene.network.start("tx")

    async def free() -> bool:
        return not (await scene.visitor.must("tx", "director", "GET", "/api/v1/restoration"))["held"]

    await until("the end of the hold", free)
    titles = await scene.visitor.titles("tx", "json")
    assert [title for title in titles if LATER in title]
    assert [title for title in titles if "UPDATE 2: " in title]
    assert await change(scene, made[CHANGED], "Changed once more") == 1002
    await nothing_comes_twice(scene, made)
    await the_record_is_whole(scene)


@pytest.mark.slow
async def test_without_it_the_peers_and_the_director_give_it_back(scene: Scene, tmp_path: Path):
    backup = tmp_path / "backup"
    made = await lived(scene, backup)
    offer = tmp_path / "oh.offer"
    with_token = {"HUB_TOKEN": scene.network.nodes["oh"].tokens["director"], "HUB_URL": scene.network.nodes["oh"].url}
    done = await asyncio.to_thread(hub, "peer", "offer", "TX", "--out", str(offer), **with_token)
    assert done.returncode == 0, done.stdout + done.stderr
    await killed_and_restored(scene, backup, "--from-peers", str(offer), survived=False)
    await scene.network.start("tx")
    await nothing_is_said(scene, made)
    reason = {"reason": "The disk with the nats store burnt; Ohio gave back what it holds."}
    status, _ = await scene.visitor.ask("tx", "supervisor", "POST", "/api/v1/restoration/override", reason)
    assert status == 403

    async def ended() -> bool:
        status, _ = await scene.visitor.ask("tx", "director", "POST", "/api/v1/restoration/override", reason)
        return status == 200

    await until("the end of the hold, once its own streams were looked for", ended)
    await nothing_comes_twice(scene, made)
    await the_record_is_whole(scene)
