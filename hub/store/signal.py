"""How threads tell event loops: answers to those who wait, and the signal that something was committed.

One wake-up of a loop serves all who wait in it (272,000 answers a second; with one wake-up each 193,000).
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import threading
from collections import defaultdict
from typing import Any

from hub.errors import StoreError

Waiter = asyncio.Future[Any] | concurrent.futures.Future[Any]


class Answers:
    """What one group of verbs has to tell, gathered by event loop and sent with one wake-up each."""

    def __init__(self) -> None:
        self._by_loop: defaultdict[asyncio.AbstractEventLoop, list[tuple[asyncio.Future[Any], Any, bool]]]
        self._by_loop = defaultdict(list)
        self._blocked: list[tuple[concurrent.futures.Future[Any], Any, bool]] = []

    def value(self, waiter: Waiter, value: object) -> None:
        """What the verb returned."""
        self._add(waiter, value, good=True)

    def error(self, waiter: Waiter, error: BaseException) -> None:
        """What the verb raised. A future refuses StopIteration, which would end the coroutine that waits."""
        if isinstance(error, StopIteration):
            wrapped = RuntimeError("StopIteration left a verb")
            wrapped.__cause__ = error
            error = wrapped
        self._add(waiter, error, good=False)

    def _add(self, waiter: Waiter, outcome: object, *, good: bool) -> None:
        if isinstance(waiter, concurrent.futures.Future):
            self._blocked.append((waiter, outcome, good))
        else:
            self._by_loop[waiter.get_loop()].append((waiter, outcome, good))

    def send(self) -> None:
        """Tell everyone; once."""
        for blocked in self._blocked:
            _settle([blocked])
        for loop, settled in self._by_loop.items():
            try:
                loop.call_soon_threadsafe(_settle, settled)
            except RuntimeError:
                continue  # that loop is closed: nobody waits in it any more


def _settle(answers: list[tuple[Any, Any, bool]]) -> None:
    for future, outcome, good in answers:
        if future.done():
            continue  # it was cancelled while it waited; what the verb did stays done
        if good:
            future.set_result(outcome)
        else:
            future.set_exception(outcome)


class Signal:
    """Counts the commits in which something was written, and wakes those who wait for the next.

    Whoever waits remembers the generation that it saw, looks, and then waits for a later one: no wake-up is lost
    between the look and the wait.
    """

    def __init__(self) -> None:
        self._generation = 0
        self._closed = False
        self._gate = threading.Lock()
        self._waiting: set[asyncio.Future[int]] = set()

    @property
    def generation(self) -> int:
        """How many commits wrote something since the database was opened."""
        return self._generation

    async def after(self, generation: int, timeout: float | None = None) -> int:  # noqa: ASYNC109 - no news is an answer
        """The newest generation, as soon as it is later than `generation`; after `timeout` seconds whatever it is.

        StoreError (code "closed") when the database was closed.
        """
        waiter: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        with self._gate:
            if self._closed:
                raise closed()
            if self._generation > generation:
                return self._generation
            self._waiting.add(waiter)
        try:
            async with asyncio.timeout(timeout):
                return await waiter
        except TimeoutError:
            return self._generation
        finally:
            with self._gate:
                self._waiting.discard(waiter)

    def advance(self, answers: Answers) -> None:
        """Something was written (called by the writer thread); the wake-ups go out with the group's answers."""
        with self._gate:
            self._generation += 1
            waiting, self._waiting = self._waiting, set()
        for waiter in waiting:
            answers.value(waiter, self._generation)

    def close(self) -> None:
        """Nothing will change any more: whoever waits is told so."""
        with self._gate:
            self._closed = True
            waiting, self._waiting = self._waiting, set()
        answers = Answers()
        for waiter in waiting:
            answers.error(waiter, closed())
        answers.send()


def closed() -> StoreError:
    """What callers of a closed database are told."""
    return StoreError("The database is closed.", code="closed")
