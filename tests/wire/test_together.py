from __future__ import annotations

import asyncio

import pytest

from hub.wire.together import end, unbroken, until_one_ends


async def test_the_first_end_ends_the_others_and_is_told() -> None:
    ended = []

    async def waits() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("waits")

    async def fails() -> None:
        await asyncio.sleep(0)
        raise OSError("gone")

    with pytest.raises(OSError, match="gone"):
        await until_one_ends(waits(), fails())
    assert ended == ["waits"]


async def test_a_task_that_swallows_its_cancellation_is_told_again(monkeypatch) -> None:
    """As asyncio.wait_for does on Python 3.11 when the answer comes in the same turn of the loop."""
    monkeypatch.setattr("hub.wire.together._AGAIN", 0.01)
    swallowed = 0

    async def deaf() -> None:
        nonlocal swallowed
        while True:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                swallowed += 1
                if swallowed == 3:
                    raise

    task = asyncio.create_task(deaf())
    await asyncio.sleep(0)
    await asyncio.wait_for(end(task), 5)
    assert (task.cancelled(), swallowed) == (True, 3)


async def test_ending_what_failed_or_has_ended_is_quiet() -> None:
    async def fails() -> None:
        raise ValueError

    task = asyncio.create_task(fails())
    await asyncio.sleep(0)
    await end(task)
    await end()


async def test_a_cancelled_whole_cancels_its_parts() -> None:
    ended = []

    async def waits() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(1)

    whole = asyncio.create_task(until_one_ends(waits(), waits()))
    await asyncio.sleep(0.01)
    await end(whole)
    assert (whole.cancelled(), ended) == (True, [1, 1])


async def test_what_must_not_be_left_half_done_is_done_before_the_cancellation_goes_on() -> None:
    done = []

    async def whole() -> int:
        await asyncio.sleep(0.05)
        done.append(1)
        return 7

    task = asyncio.create_task(unbroken(whole()))
    for _ in range(3):
        await asyncio.sleep(0.005)
        task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert done == [1]
    assert await unbroken(whole()) == 7


async def test_what_fails_unbroken_fails() -> None:
    async def fails() -> None:
        raise OSError("no")

    with pytest.raises(OSError, match="no"):
        await unbroken(fails())
