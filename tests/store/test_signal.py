"""The signal that something was committed: no wake-up is lost, none comes for nothing."""

from __future__ import annotations

import asyncio
import threading
import time
from pathlib import Path

import pytest

from hub.errors import StoreError
from tests.store.ledger import add, count, opened


async def test_whoever_waits_is_woken_by_the_next_commit(tmp_path: Path) -> None:
    with opened(tmp_path) as database:
        waiting = [asyncio.create_task(database.changed.after(0)) for _ in range(5)]
        await asyncio.sleep(0.01)
        assert not any(task.done() for task in waiting)
        await database.write(add, "a")
        assert await asyncio.gather(*waiting) == [1] * 5


async def test_a_commit_between_look_and_wait_is_not_missed(tmp_path: Path) -> None:
    with opened(tmp_path) as database:
        seen = database.changed.generation
        await database.write(add, "a")
        assert await asyncio.wait_for(database.changed.after(seen), 5) == 1


async def test_no_news_is_an_answer(tmp_path: Path) -> None:
    with opened(tmp_path) as database:
        started = time.monotonic()
        assert await database.changed.after(0, timeout=0.05) == 0
        assert 0.04 < time.monotonic() - started < 5
        assert not database.changed._waiting


async def test_a_waiter_that_gives_up_is_forgotten(tmp_path: Path) -> None:
    with opened(tmp_path) as database:
        waiting = asyncio.create_task(database.changed.after(0))
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        assert not database.changed._waiting
        await database.write(add, "a")


async def test_every_row_is_seen_by_a_follower_that_looks_only_when_woken(tmp_path: Path) -> None:
    with opened(tmp_path) as database:

        async def follow() -> int:
            generation, rows = 0, 0
            while rows < 300:
                generation = await database.changed.after(generation, timeout=10)
                rows = await database.read(count)
            return rows

        async def write(client: int) -> None:
            for n in range(30):
                await database.write(add, f"{client}-{n}")

        assert (await asyncio.gather(follow(), *map(write, range(10))))[0] == 300


def test_waiters_in_several_loops(tmp_path: Path) -> None:
    found: list[int] = []

    def wait() -> None:
        found.append(asyncio.run(database.changed.after(0, timeout=10)))

    with opened(tmp_path) as database:
        threads = [threading.Thread(target=wait) for _ in range(4)]
        for thread in threads:
            thread.start()
        while len(database.changed._waiting) < 4:
            time.sleep(0.001)
        database.write_sync(add, "a")
        for thread in threads:
            thread.join(10)
    assert found == [1] * 4


async def test_closing_tells_those_who_wait(tmp_path: Path) -> None:
    with opened(tmp_path) as database:
        waiting = asyncio.create_task(database.changed.after(0))
        await asyncio.sleep(0)
    for ask in (waiting, database.changed.after(0)):
        with pytest.raises(StoreError) as refused:
            await ask
        assert refused.value.code == "closed"
