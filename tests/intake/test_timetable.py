from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Callable
from typing import Any

from connectors.source import SOURCES
from hub.intake import SourceSettings
from hub.store import queue
from hub.store.database import Database
from tests.connectors.federal.made import catalogue, vulnerability
from tests.intake.conftest import Agency, Clock
from tests.intake.test_runs import KEV, broken_source

Start = Callable[..., Any]


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not true():  # noqa: ASYNC110 - the agency is a real server, it sets no event
            await asyncio.sleep(0.01)


def real_time() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


def polled(agency: Agency, *names: str, every: float = 0.05) -> dict[str, SourceSettings]:
    return {name: SourceSettings(url=agency.url, every=every) for name in names}


async def test_a_source_is_polled_again_and_again(intake: Start, agency: Agency, database: Database) -> None:
    await intake(choices=polled(agency, KEV), clock=real_time)
    await until(lambda: len(agency.asked) >= 3)
    agency.body = catalogue(vulnerability(1), vulnerability(2), vulnerability(9))
    seen = len(agency.asked)
    await until(lambda: len(agency.asked) >= seen + 2)
    assert "CVE-2031-0009" in await database.read(queue.known, KEV)


async def test_one_failing_source_never_stops_the_rest(intake: Start, agency: Agency) -> None:
    sources = {KEV: SOURCES[KEV], "broken": broken_source("broken", agency.url)}
    running = await intake(choices=polled(agency, "broken", KEV), sources=sources, clock=real_time)
    await until(lambda: all(each["last_try"] for each in running.sources()))
    await until(lambda: len(agency.asked) >= 6)
    kev, broken = running.sources()
    assert (kev["failures"], kev["error"]) == (0, None)
    assert broken["failures"] >= 1
    assert "ZeroDivisionError" in broken["error"]


async def test_what_is_switched_off_is_not_polled(intake: Start, agency: Agency) -> None:
    running = await intake(choices={KEV: SourceSettings(enabled=False, url=agency.url, every=0.01)})
    await asyncio.sleep(0.1)
    assert agency.asked == []
    assert running.sources()[0]["enabled"] is False
    assert running.sources()[0]["next_run"] is None


async def test_the_timetable_survives_a_restart(intake: Start, agency: Agency, clock: Clock) -> None:
    choices = {KEV: SourceSettings(url=agency.url, every=3600)}
    await (await intake(choices={KEV: SourceSettings(enabled=False, url=agency.url, every=3600)})).run_once(KEV)
    clock.now += dt.timedelta(seconds=1000)
    again = await intake(choices=choices)
    assert again._delay(KEV) == 3600 * 1.05 - 1000
    await asyncio.sleep(0.1)
    assert len(agency.asked) == 1


async def test_a_stop_in_the_middle_of_a_fetch_is_clean(intake: Start, agency: Agency) -> None:
    agency.slow = True
    running = await intake(choices=polled(agency, KEV), clock=real_time)
    await until(lambda: len(agency.asked) == 1)
    async with asyncio.timeout(2):
        await running.stop()
        await running.stop()
    assert len(agency.asked) == 1
