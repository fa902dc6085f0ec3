"""Servers killed, stores lost, links cut: what was released arrives, once; what was taken back is never shown."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
from pathlib import Path

from nats.aio.msg import Msg

from hub.store import outbox, quarantine, revisions
from hub.wire.bus import Bus
from hub.wire.lane import Pull
from schemas.vocabulary import Lane
from tests.wire.servers import api, dialled
from tests.wire.states import State, network, until


async def kill_server(state: State) -> None:
    broker = state.station._broker
    os.kill(broker.pid, signal.SIGKILL)
    broker.up.clear()
    await asyncio.wait_for(broker.up.wait(), 10)


async def messages(state: State) -> int:
    async with dialled(state.site, state.keys.hub) as own:
        return (await api(own, "STREAM.INFO.EXERCISE"))["state"]["messages"]


async def sent(state: State) -> bool:
    return (await state.database.read(outbox.waiting))[0] == 0


async def test_partition_kill_9_of_either_server_loses_nothing(tmp_path: Path) -> None:
    async with network(tmp_path, "tx", "ok") as (tx, ok):
        releases = []
        for number in range(12):
            releases.append(await tx.release(f"Number {number}", lane=Lane.FLASH if number % 3 else Lane.ROUTINE))
            if number % 4 == 3:
                await kill_server(tx if number % 8 == 3 else ok)
        for release in releases:
            here = await ok.has(release)
            assert here.hash.hex() == release.hash
        assert len(await ok.database.read(revisions.after, 0, 100)) == len(releases)
        assert await ok.database.read(quarantine.counts) == {}
        await until(lambda: sent(tx))
        assert await messages(tx) == len(releases)


async def test_partition_a_lost_store_is_filled_again_with_what_stands(tmp_path: Path) -> None:
    async with network(tmp_path, "tx", "ok", start=False) as (tx, ok):
        await tx.start()
        first, second, third = [await tx.release(name) for name in ("One", "Two", "Three")]
        newer = await tx.update(second.product_id, "Two, again")
        await tx.withdraw(third.product_id)
        await until(lambda: sent(tx))
        before = await messages(tx)
        await tx.stop()
        shutil.rmtree(tx.directory / "nats" / "jetstream")
        await tx.start()
        await tx.up()
        await until(lambda: sent(tx))
        assert await messages(tx) == before == 3  # One, Two again, and the recall of Three
        state = await tx.database.read(outbox.stream_state, "EXERCISE")
        assert state.epoch == 2
        await ok.start()
        for release in (first, newer):
            await ok.has(release)
        assert (await ok.current(third.product_id)) is None


async def test_partition_a_store_that_was_set_back_is_filled_anew(tmp_path: Path) -> None:
    async with network(tmp_path, "tx", "ok") as (tx, ok):
        await ok.has(await tx.release("Before the copy"))
        await tx.stop()
        store, copy = tx.directory / "nats" / "jetstream", tmp_path / "copy"
        shutil.copytree(store, copy)
        await tx.start()
        later = await tx.release("After the copy")
        await until(lambda: sent(tx))
        await tx.stop()
        shutil.rmtree(store)
        shutil.copytree(copy, store)
        await ok.stop()
        await tx.start()
        await tx.up()
        await until(lambda: sent(tx))
        assert await messages(tx) == 2
        await ok.start()
        await ok.has(later)
        assert len(await ok.database.read(revisions.after, 0, 100)) == 2


async def test_partition_what_was_in_the_air_when_the_link_broke_comes_at_once(tmp_path: Path, monkeypatch) -> None:
    """ok takes it and dies before its commit; the server would give it again only after half a minute."""
    async with network(tmp_path, "tx", "ok") as (tx, ok):
        receiver, _ = ok.station._receivers["tx"]
        taken = asyncio.Event()

        async def never(arrivals: object) -> None:
            taken.set()
            await asyncio.Event().wait()

        monkeypatch.setattr(receiver, "_keep", never)
        release = await tx.release("In the air", lane=Lane.FLASH)
        await asyncio.wait_for(taken.wait(), 5)
        await ok.stop()
        later = await tx.release("After it", lane=Lane.FLASH)
        await ok.start()
        await ok.has(release, within=5)
        await ok.has(later, within=5)
        await ok.linked(within=5)


async def test_partition_what_was_withdrawn_meanwhile_is_never_shown(tmp_path: Path, monkeypatch) -> None:
    """The bulletins still lie in the one durable, their recalls in the other, and the recalls come late."""
    monkeypatch.setattr(Bus, "delete", lambda *_: asyncio.sleep(0))
    at_once = Pull.batch

    async def late(pull: Pull) -> list[Msg]:
        await asyncio.sleep(0.5 if pull.lane is Lane.FLASH else 0)
        return await at_once(pull)

    monkeypatch.setattr(Pull, "batch", late)
    async with network(tmp_path, "tx", "va", start=False) as (tx, va):
        await tx.start()
        releases = [await tx.release(f"Number {number}") for number in range(40)]
        for release in releases[::2]:
            await tx.withdraw(release.product_id)
        await until(lambda: sent(tx))
        assert await messages(tx) == 60
        await va.start()
        shown: set[str] = set()

        async def all_here() -> bool:
            for release in releases:
                here = await va.current(release.product_id)
                if here is not None and here.readable and here.stage == "released":
                    shown.add(release.product_id)
            return len(shown) >= 20

        await until(all_here)
        await va.linked()
        await all_here()
        assert shown == {release.product_id for release in releases[1::2]}


async def test_partition_nothing_is_readable_before_the_head_is_reached(tmp_path: Path, monkeypatch) -> None:
    """Each commit is looked at: as long as the backlog is not whole, nobody is shown any of it."""
    async with network(tmp_path, "tx", "va", start=False) as (tx, va):
        await tx.start()
        for number in range(40):
            await tx.release(f"Number {number}")
        await until(lambda: sent(tx))
        monkeypatch.setattr("hub.wire.lane._BATCH", 7)
        await va.start()
        seen = set()

        async def whole() -> bool:
            stored = await va.database.read(revisions.after, 0, 100)
            readable = sum(each.readable for each in stored)
            seen.add((len(stored), readable))
            return readable == 40

        await until(whole, 20)
        assert {stored for stored, readable in seen if readable} == {40}


async def test_partition_the_next_bulletin_after_a_restart_of_the_origin_is_quick(tmp_path: Path) -> None:
    async with network(tmp_path, "tx", "ok") as (tx, ok):
        await ok.has(await tx.release("One"))
        await kill_server(tx)
        await ok.has(await tx.release("Two", lane=Lane.FLASH), within=6)


async def test_partition_a_silent_server_is_left(tmp_path: Path, monkeypatch) -> None:
    """A server that is stopped, not dead: its sockets stay open and say nothing."""
    monkeypatch.setattr("hub.wire.lane._SILENCE", 0.6)
    monkeypatch.setattr("hub.wire.lane._EXPIRES", 0.2)
    async with network(tmp_path, "tx", "ok") as (tx, ok):
        pid = tx.station._broker.pid
        os.kill(pid, signal.SIGSTOP)
        try:

            async def noticed() -> bool:
                return "silent" in (ok.station.links()["tx"]["error"] or "")

            await until(noticed, 5)
        finally:
            os.kill(pid, signal.SIGCONT)
        await ok.has(await tx.release("Again"), within=15)


async def test_a_broker_that_is_down_degrades_the_node_and_nothing_waits_for_it(tmp_path: Path) -> None:
    async with network(tmp_path, "tx", "ok") as (tx, ok):
        await tx.station._broker.stop()

        async def degraded() -> bool:
            return not tx.station.state.up

        await until(degraded)
        assert tx.station.error == "stopped"
        release = await tx.release("Said all the same")
        assert not await sent(tx)
        await tx.stop()
        await tx.start()
        await ok.has(release)
        assert (await tx.database.read(outbox.stream_state, "EXERCISE")).epoch == 1
