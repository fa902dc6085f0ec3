"""A restored node reads its own stream before it sends: a real server, a real backup."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from hub.desk import recover
from hub.rules.lifecycle import Stage
from hub.store import backup, journal, outbox, restoring
from hub.store.database import Database
from hub.wire.bus import Bus
from hub.wire.connection import Connection
from hub.wire.recovery import Recovery
from hub.wire.together import end
from schemas.vocabulary import Mode, Tlp
from tests.wire.states import State, until
from tests.wire.test_sender import ROOM, STREAM, empty, scene, sending, stored


async def restored(tx: State, copy: Path) -> State:
    """The node of a backup, held."""
    again = dataclasses.replace(tx, database=Database.open(copy))
    await again.database.write(recover.begin, again.office, again.clock(), {})
    return again


@asynccontextmanager
async def an_hour(directory: Path) -> AsyncIterator[tuple[State, Connection, Path]]:
    """Two bulletins, a backup, one more and one withdrawn; all of it went into the stream."""
    async with scene(directory) as (tx, own):
        async with sending(tx, own):
            for headline in ("Stays", "Is withdrawn"):
                await tx.release(headline)
            await until(lambda: empty(tx))
            copy = directory / "copy.db"
            await asyncio.to_thread(backup.copy, tx.database.path, copy)
            await tx.release("Came later")
            await tx.withdraw("TX-EX-2026-0002")
            await until(lambda: nothing_left(tx))
        yield tx, own, copy


async def nothing_left(tx: State) -> bool:
    return await empty(tx) and not await tx.database.read(outbox.superseded)


@asynccontextmanager
async def recovering(tx: State, own: Connection) -> AsyncIterator[tuple[Recovery, asyncio.Task[None]]]:
    recovery = Recovery(tx.database, tx.office, tx.clock)
    task = asyncio.create_task(recovery.run(Bus(own)))
    try:
        yield recovery, task
    finally:
        await end(task)


async def looked(tx: State) -> bool:
    return await tx.database.read(restoring.looked, 2)


async def test_what_lies_in_its_stream_ends_the_hold_and_is_not_sent_again(tmp_path: Path) -> None:
    async with an_hour(tmp_path) as (tx, own, copy):
        before = [(sequence, subject) for sequence, subject, *_ in await stored(own)]
        again = await restored(tx, copy)
        async with recovering(again, own) as (recovery, task):
            await asyncio.wait_for(task, 30)
            assert recovery.words is None
        assert not await again.database.read(restoring.held)
        assert (await again.current("TX-EX-2026-0002")).stage is Stage.WITHDRAWN
        assert (await again.current("TX-EX-2026-0003")).readable
        async with sending(again, own):
            release = await again.release("After the restore")
            await until(lambda: nothing_left(again))
        assert release.product_id == "TX-EX-2026-1000"
        after = [(sequence, subject) for sequence, subject, *_ in await stored(own)]
        assert after[:-1] == before
        assert await again.database.read(journal.verify, [again.office.key_id]) == []
        again.database.close()


async def test_a_stream_that_was_set_back_is_read_but_ends_nothing(tmp_path: Path) -> None:
    """An older copy of the store: what it holds is taken back, what it lost nobody knows."""
    async with an_hour(tmp_path) as (tx, own, copy):
        again = await restored(tx, copy)
        known = await again.database.read(outbox.stream_state, STREAM)
        ahead = outbox.StreamState(known.epoch, known.identity, 1_000)
        await again.database.write(outbox.set_stream_state, STREAM, ahead)
        async with recovering(again, own) as (recovery, task):
            await until(lambda: looked(again))
            assert "set back" in (recovery.words or "")
            assert await again.database.read(restoring.held)
            done = await again.database.write(
                recover.override,
                again.office,
                again.director,
                again.clock(),
                "An older copy of the store is all there is.",
            )
            await asyncio.wait_for(task, 30)
        assert done.parts == ("own",)
        assert (await again.current("TX-EX-2026-0002")).stage is Stage.WITHDRAWN
        async with sending(again, own):
            await until(lambda: nothing_left(again))
        subjects = [subject for _, subject, *_ in await stored(own)]
        assert len([each for each in subjects if ".recall." in each]) == 1
        assert len([each for each in subjects if ".bulletin." in each]) == 2
        again.database.close()


async def test_without_a_stream_it_makes_none_and_sends_nothing(tmp_path: Path) -> None:
    async with scene(tmp_path) as (tx, own):
        await tx.release("Waits in the outbox of the backup")
        copy = tmp_path / "copy.db"
        await asyncio.to_thread(backup.copy, tx.database.path, copy)
        again = await restored(tx, copy)
        async with recovering(again, own) as (recovery, task):
            await until(lambda: looked(again))
            assert "no stream" in (recovery.words or "")
            assert not task.done()
        assert await Bus(own).found(Mode.EXERCISE) is None
        again.database.close()


@pytest.mark.parametrize("forged", [b"no message at all", b'{"hub":"tombstone"}'])
async def test_hostile_messages_in_the_stream_are_passed_over(tmp_path: Path, forged: bytes) -> None:
    async with an_hour(tmp_path) as (tx, own, copy):
        bus = Bus(own)
        await bus.stream(Mode.EXERCISE, ("tx",), ROOM)
        headers = {"Nats-Msg-Id": "x", "Hub-Key": "A" * 56, "Hub-Sig": "B" * 86}
        await bus.publish(
            [("exercise.tx.recall.all", forged, headers), ("exercise.tx.recall.all", forged, {"Hub-Key": "x"})]
        )
        again = await restored(tx, copy)
        async with recovering(again, own) as (_, task):
            await asyncio.wait_for(task, 30)
        assert (await again.current("TX-EX-2026-0001")).stage is Stage.RELEASED
        assert not await again.database.read(restoring.held)
        again.database.close()


async def test_a_node_that_is_not_held_sends_at_once(tmp_path: Path) -> None:
    async with scene(tmp_path) as (tx, own):
        await tx.release("A", tlp=Tlp.GREEN)
        async with recovering(tx, own) as (recovery, task):
            await asyncio.wait_for(task, 30)
            assert recovery.words is None
