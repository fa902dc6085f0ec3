"""The node's clock outlives whatever one of its verbs meets."""

from __future__ import annotations

import asyncio

import pytest
from structlog.testing import capture_logs

import hub.node
from hub.desk import clock
from hub.errors import StoreError
from hub.node import Node


class Book:
    """Stands in for the database: which verb was asked for, and fails at some."""

    def __init__(self, failing: dict[str, Exception]) -> None:
        self.asked: list[str] = []
        self._failing = failing
        self.full = asyncio.Event()

    async def write(self, verb, *given):
        self.asked.append(verb.__name__)
        if len(self.asked) == 12:
            self.full.set()
        if verb.__name__ in self._failing:
            raise self._failing[verb.__name__]


def test_the_clock_has_each_verb_once():
    assert [verb.__name__ for verb in clock.VERBS] == ["sweep", "expire", "lapse", "seal"]


@pytest.mark.parametrize(
    "error", [StoreError("The disk is full."), ValueError("one bad row"), OverflowError("date value out of range")]
)
@pytest.mark.parametrize("verb", ["sweep", "expire", "lapse", "seal"])
async def test_one_verb_that_fails_stops_neither_the_others_nor_the_clock(monkeypatch, error, verb):
    monkeypatch.setattr(hub.node, "_TICK", 0.001)
    book = Book({verb: error})
    with capture_logs() as logs:
        ticking = asyncio.create_task(Node(None)._tick(book, None))
        await asyncio.wait(
            {ticking, asyncio.ensure_future(book.full.wait())}, timeout=10, return_when=asyncio.FIRST_COMPLETED
        )
        await hub.node._ended(ticking)
    assert book.asked[:12] == ["sweep", "expire", "lapse", "seal"] * 3
    assert {line["verb"] for line in logs} == {verb}


async def test_a_clock_that_cannot_tell_the_time_goes_on(monkeypatch):
    monkeypatch.setattr(hub.node, "_TICK", 0.001)
    told, often = [], asyncio.Event()

    def broken():
        told.append(1)
        if len(told) == 12:
            often.set()
        raise OSError("no time")

    ticking = asyncio.create_task(Node(None, now=broken)._tick(Book({}), None))
    await asyncio.wait({ticking, asyncio.ensure_future(often.wait())}, timeout=10, return_when=asyncio.FIRST_COMPLETED)
    await hub.node._ended(ticking)
    assert len(told) >= 12
