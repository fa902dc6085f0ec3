"""Tasks that live and die together."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, Final, TypeVar

_AGAIN: Final = 2.0  # seconds; what a task does at its end takes less
T = TypeVar("T")


async def until_one_ends(*parts: Coroutine[Any, Any, None]) -> None:
    """Run all until the first ends; then cancel the others, wait for them, and raise what the first one raised."""
    tasks = [asyncio.ensure_future(part) for part in parts]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        await end(*tasks)


async def end(*tasks: asyncio.Task[Any]) -> None:
    """Cancel tasks and wait until they have ended; what they raise at their end is nobody's business any more.

    They are told again and again: on Python 3.11 `asyncio.wait_for`, which nats-py's requests go through, swallows a
    cancellation that meets its answer, and the task goes on as if nobody had said anything.
    """
    left = set(tasks)
    while left:
        for task in left:
            task.cancel()
        done, left = await asyncio.wait(left, timeout=_AGAIN)
        for task in done:
            if not task.cancelled():
                task.exception()


async def unbroken(part: Coroutine[Any, Any, T]) -> T:
    """Run something to its end even when the caller is cancelled meanwhile; the cancellation goes on afterwards.

    For what must not be left half-done: a child that has been started and is not yet known, or is being ended.
    """
    task = asyncio.ensure_future(part)
    broken: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.wait((task,))
        except asyncio.CancelledError as error:
            broken = error
    if broken is not None:
        task.exception()
        raise broken
    return task.result()
