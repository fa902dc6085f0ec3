"""The node's clock outlives whatever one of its verbs meets."""

from __future__ import annotations

import asyncio
import contextlib

import pytest
from structlog.testing import capture_logs

import hub.node
from hub.desk import clock
from hub.errors import StoreError
from hub.node import Node, utc_now
from tests.desk.house import folder, open_desk

NAMES = ["sweep", "expire", "lapse", "retire", "seal"]
ROUNDS = 3


@pytest.fixture
def desk(monkeypatch):
    monkeypatch.setattr(hub.node, "_TICK", 0.001)
    with folder() as within:
        opened = open_desk(within)
        yield opened
        opened.database.close()


class Rounds:
    """Notes each verb that the clock asks for, in the writer thread, and lets one of them fail."""

    def __init__(self, failing: str = "", error: Exception | None = None) -> None:
        self.asked: list[str] = []
        self.full = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self._failing, self._error = failing, error

    def verb(self, name: str):
        def noted(tx, office, now) -> None:
            self.asked.append(name)
            if len(self.asked) == ROUNDS * len(NAMES):
                self._loop.call_soon_threadsafe(self.full.set)
            if name == self._failing and self._error is not None:
                raise self._error

        noted.__name__ = name
        return noted


async def ticked(desk, until: asyncio.Event, now=utc_now) -> None:
    ticking = asyncio.create_task(Node(None, now=now)._tick(desk.database, desk.office))
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(until.wait(), timeout=10)
    assert not ticking.done()
    await hub.node._ended(ticking)


def test_the_clock_has_each_verb_once():
    assert [verb.__name__ for verb in clock.VERBS] == NAMES


@pytest.mark.parametrize(
    "error", [StoreError("The disk is full."), ValueError("one bad row"), OverflowError("date value out of range")]
)
@pytest.mark.parametrize("failing", NAMES)
async def test_one_verb_that_fails_stops_neither_the_others_nor_the_clock(monkeypatch, desk, error, failing):
    rounds = Rounds(failing, error)
    monkeypatch.setattr(clock, "VERBS", tuple(rounds.verb(name) for name in NAMES))
    with capture_logs() as logs:
        await ticked(desk, rounds.full)
    assert rounds.asked[: ROUNDS * len(NAMES)] == NAMES * ROUNDS
    assert {line["verb"] for line in logs} == {failing}


async def test_a_clock_that_cannot_tell_the_time_goes_on(desk):
    told, often = [], asyncio.Event()

    def broken():
        told.append(1)
        if len(told) == ROUNDS * len(NAMES):
            often.set()
        raise OSError("no time")

    await ticked(desk, often, now=broken)
    assert len(told) >= ROUNDS * len(NAMES)
