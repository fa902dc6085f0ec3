"""Rendered bytes, kept while they are true: bounded by size, let go at the next commit that wrote and at each second.

A commit may change what is said, who may read it or which policy holds; the second bounds what time alone changes
(an expiry, the end of an agreement).
"""

from __future__ import annotations

import asyncio
import dataclasses
import datetime as dt
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

from aiohttp import web

from hub.web.conditional import Body
from hub.web.parts import Parts

V = TypeVar("V")

_SECOND = dt.timedelta(seconds=1)
_MIB = 1 << 20


class Kept(Generic[V]):
    """The values used last, up to `most` bytes by `weigh`."""

    def __init__(self, most: int, weigh: Callable[[V], int]) -> None:
        self._most = most
        self._weigh = weigh
        self._weight = 0
        self._values: OrderedDict[Hashable, V] = OrderedDict()

    def get(self, key: Hashable) -> V | None:
        """The value, if it is still here."""
        value = self._values.get(key)
        if value is not None:
            self._values.move_to_end(key)
        return value

    def put(self, key: Hashable, value: V) -> None:
        """Keep a value; the ones not used for longest make room."""
        old = self._values.pop(key, None)
        if old is not None:
            self._weight -= self._weigh(old)
        self._values[key] = value
        self._weight += self._weigh(value)
        while self._weight > self._most and len(self._values) > 1:
            _, gone = self._values.popitem(last=False)
            self._weight -= self._weigh(gone)


@dataclasses.dataclass(frozen=True, slots=True)
class _Made:
    generation: int
    at: dt.datetime
    body: Body


Make = Callable[[], Awaitable[tuple[bytes, str]]]


class Shelf:
    """Bodies of feeds and pages, and the fragments that feeds are put together from."""

    def __init__(self, node: Parts) -> None:
        self._node = node
        self._bodies: Kept[_Made] = Kept(16 * _MIB, lambda made: 2 * len(made.body.data))
        self._making: dict[Hashable, tuple[int, asyncio.Task[Body]]] = {}
        self.fragments: Kept[bytes] = Kept(16 * _MIB, len)

    async def body(self, key: Hashable, make: Make) -> Body:
        """The body under `key`, made by `make` (bytes, media type) when the kept one may be out of date.

        Those who ask at the same time share one making, but only one that began after the last commit.
        """
        generation = self._node.database.changed.generation
        kept = self._bodies.get(key)
        if kept is not None and kept.generation == generation and self._node.clock() - kept.at < _SECOND:
            return kept.body
        began, task = self._making.get(key, (-1, None))
        if task is None or began != generation:
            task = asyncio.create_task(self._make(key, generation, make))
            self._making[key] = (generation, task)
            task.add_done_callback(lambda done: self._forget(key, done))
        # Shielded: the others who wait still want it when this one has gone.
        return await asyncio.shield(task)

    async def _make(self, key: Hashable, generation: int, make: Make) -> Body:
        now = self._node.clock()
        data, media = await make()
        before = self._bodies.get(key)
        body = _body(data, media, now, before)
        self._bodies.put(key, _Made(generation, now, body))
        return body

    def _forget(self, key: Hashable, done: asyncio.Task[Body]) -> None:
        if self._making.get(key, (0, None))[1] is done:
            del self._making[key]


def _body(data: bytes, media: str, now: dt.datetime, before: _Made | None) -> Body:
    """The body of these bytes; the same bytes as before keep their date and their gzip form."""
    if before is not None and before.body.data == data:
        return before.body
    return Body(data, media, _modified(now, before))


def _modified(now: dt.datetime, before: _Made | None) -> dt.datetime:
    """When these bytes were first served here; two changes within a second get two dates.

    The newest item's time would not do: something taken away makes an older time stand at the top again, and a reader
    that asks by date alone must still see it.
    """
    return now if before is None else max(now, before.body.modified + _SECOND)


SHELF = web.AppKey("SHELF", Shelf)
