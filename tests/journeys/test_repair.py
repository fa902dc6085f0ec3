"""A node's nats store is damaged or lost while the node is stopped: `hub verify` says so, `--repair` and a start put it right.

The record fills the stream again; the peer lacks nothing and shows nothing twice.
"""

from __future__ import annotations

import collections
import json
import random
import shutil
from collections.abc import Callable
from pathlib import Path

import aiohttp
import pytest

from hub.cli.demo.network import Network
from hub.cli.demo.nodes import DemoNode
from hub.cli.demo.scene import Scene
from hub.cli.demo.visitor import Visitor
from tests.journeys.conftest import hub
from tests.journeys.test_kills import in_feed

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


def blocks(store: Path) -> list[Path]:
    """The files in which the server keeps messages."""
    return sorted(store.rglob("*.blk"))


def lose_it(store: Path, older: Path) -> None:
    shutil.rmtree(store)


def lose_a_block(store: Path, older: Path) -> None:
    blocks(store)[0].unlink()


def flip_bits_in_a_block(store: Path, older: Path) -> None:
    chance, (block, *_) = random.Random(20260105), blocks(store)
    held = bytearray(block.read_bytes())
    for _ in range(8):
        held[chance.randrange(len(held))] ^= 1 << chance.randrange(8)
    block.write_bytes(held)


def flip_bits_in_the_notes(store: Path, older: Path) -> None:
    for notes in (*store.rglob("meta.inf"), *store.rglob("index.db")):
        held = bytearray(notes.read_bytes())
        held[len(held) // 2] ^= 1
        notes.write_bytes(held)


def set_it_back(store: Path, older: Path) -> None:
    shutil.rmtree(store)
    shutil.copytree(older, store)


DAMAGES: tuple[Callable[[Path, Path], None], ...] = (
    set_it_back, lose_a_block, flip_bits_in_a_block, flip_bits_in_the_notes, lose_it,
)  # fmt: skip


def verified(node: DemoNode, *options: str) -> tuple[int, dict]:
    done = hub("verify", "--config", str(node.directory / "hub.toml"), "--json", *options)
    assert done.returncode in (0, 1), done.stderr
    return done.returncode, json.loads(done.stdout)


async def test_a_damaged_nats_store_is_filled_again_from_the_record(tmp_path: Path) -> None:
    (tmp_path / "nodes").mkdir()
    network = Network(["tx", "oh"], tmp_path / "nodes")
    told: set[str] = set()
    try:
        await network.up()
        node = network.nodes["tx"]
        store = node.directory / "nats" / "jetstream"
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=10)) as session:
            scene = Scene(network, Visitor(session, network.nodes), "tx", "oh", "oh")
            await release(scene, told, "before it was copied")
            await network.stop("tx")
            assert verified(node)[0] == 0
            shutil.copytree(store, tmp_path / "older")
            await network.start("tx")
            for damage in DAMAGES:
                await release(scene, told, f"before {damage.__name__}")
                await network.stop("tx")
                damage(store, tmp_path / "older")
                put_right(node, damage)
                await network.start("tx")
                await release(scene, told, f"after {damage.__name__}")
                await shown_once(scene, told)
            await network.stop("tx")
            assert verified(node)[0] == 0
    finally:
        await network.down()


def put_right(node: DemoNode, damage: Callable[[Path, Path], None]) -> None:
    """Found or harmless, and repaired: what a look still blames after that would have been a repair in name only."""
    code, found = verified(node)
    if damage is not lose_it:  # without a store there is nothing to look at, and the next start fills a new one
        assert code == 1, damage.__name__
        assert found["problems"][0]["where"].startswith("stream")
    code, done = verified(node, "--repair")
    assert (code, done["problems"]) == (0, [])
    assert bool(done["repaired"]) is (damage is not lose_it)


async def release(scene: Scene, told: set[str], when: str) -> None:
    for number in range(3):
        headline = f"Release {number} {when}"
        await scene.publish(headline)
        told.add(f"EXERCISE: {headline}")
    await scene.until_shown("oh", f"Release 2 {when}", forms=("json",))


async def shown_once(scene: Scene, told: set[str]) -> None:
    for state in ("tx", "oh"):
        counted = collections.Counter(await in_feed(scene, state))
        assert {title: counted[title] for title in told if counted[title] != 1} == {}, state
