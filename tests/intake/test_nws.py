"""A list that turns over, run by the node: what left it, an empty state, and for whom it asks."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest

from connectors.source import SOURCES, advisory_id
from hub.desk.enqueue import enqueue
from hub.desk.office import Office
from hub.intake import Intake, Outcome, Outside, SourceSettings
from hub.rules.policy import Policy, Relevance
from hub.store import queue
from hub.store.database import Database
from tests.connectors.federal.made_nws import NATIONAL, collection, feature, name, refers
from tests.intake.conftest import Agency, Clock

NWS = "nws"
TEXAS = f"{NATIONAL} for Texas"
Start = Callable[..., Any]


def now_listed(agency: Agency, *features: Any, title: str = TEXAS) -> None:
    agency.body = collection(*features, title=title)


@pytest.fixture
async def running(intake: Start, agency: Agency, clock: Clock) -> Intake:
    clock.now = dt.datetime(2031, 2, 3, 16, 30, tzinfo=dt.UTC)
    now_listed(agency, feature(1), feature(2))
    return await intake(choices={NWS: SourceSettings(enabled=False, url=agency.url)})


def state_of(running: Intake) -> dict[str, Any]:
    return next(each for each in running.sources() if each["name"] == NWS)


async def states(database: Database, *numbers: int) -> list[str]:
    found = [await database.read(queue.advisory, advisory_id(NWS, name(number))) for number in numbers]
    return [row.state if row else "" for row in found]


async def test_what_left_the_list_leaves_the_queue(running: Intake, agency: Agency, database: Database) -> None:
    assert await running.run_once(NWS) == Outcome("changed", new=2)
    now_listed(agency, feature(2), feature(3, messageType="Update", references=refers(1)))
    assert await running.run_once(NWS) == Outcome("changed", new=1, cancelled=1, unchanged=1)
    assert await states(database, 1, 2, 3) == ["cancelled", "open", "open"]
    now_listed(agency, feature(3, messageType="Update", references=refers(1)), feature(2))
    assert (await running.run_once(NWS)).unchanged == 2


async def test_no_alerts_now_is_an_answer(running: Intake, agency: Agency, database: Database) -> None:
    await running.run_once(NWS)
    now_listed(agency)
    assert await running.run_once(NWS) == Outcome("changed", cancelled=2)
    assert await states(database, 1, 2) == ["cancelled", "cancelled"]
    assert (state_of(running)["failures"], state_of(running)["error"]) == (0, None)
    agency.body += b" "
    assert await running.run_once(NWS) == Outcome("unchanged")


@pytest.mark.parametrize("body", [b"", b"<html>", b"{}", collection(feature(1), title=TEXAS)[:-9]])
async def test_a_broken_answer_takes_nothing_away(
    running: Intake, agency: Agency, database: Database, body: bytes
) -> None:
    await running.run_once(NWS)
    agency.body = body
    assert (await running.run_once(NWS)).status == "unavailable"
    assert await states(database, 1, 2) == ["open", "open"]
    assert state_of(running)["failures"] == 1


async def test_what_comes_back_stands_again(running: Intake, agency: Agency, clock: Clock, database: Database) -> None:
    await running.run_once(NWS)
    now_listed(agency, feature(2))
    await running.run_once(NWS)
    clock.now += dt.timedelta(days=8)
    now_listed(agency, feature(1), feature(2))
    assert (await running.run_once(NWS)).updated == 1
    assert await states(database, 1, 2) == ["open", "open"]


async def test_it_asks_for_its_own_state_and_its_neighbours(database: Database, office: Office, clock: Clock) -> None:
    asked = {}
    for neighbours in (frozenset[str](), frozenset({"ok", "la", "tx"})):
        near = dataclasses.replace(office, policy=Policy(relevance=Relevance(neighbours=neighbours)))
        made = Intake(database, near, clock, {}, Outside())
        asked[len(neighbours)] = made.sources()
    assert [next(each["url"] for each in several if each["name"] == NWS)[-14:] for several in asked.values()] == [
        "cancel&area=TX",
        "&area=TX,LA,OK",
    ]
    assert "{" not in "".join(each["url"] for each in asked[0])
    assert "{areas}" in SOURCES[NWS].url


async def test_a_new_policy_is_applied_at_the_start(
    intake: Start, agency: Agency, clock: Clock, database: Database, office: Office
) -> None:
    near = dataclasses.replace(office, policy=Policy(relevance=Relevance(neighbours=frozenset({"tx", "ok"}))))
    far = dataclasses.replace(near, place="ok", policy=Policy())
    advisories = SOURCES[NWS].parse(collection(feature(1)), "").advisories
    await database.write(enqueue, far, clock(), NWS, advisories)
    assert [row.standing.value for row in await database.read(queue.rows)] == ["folded"]
    await intake()
    assert [row.standing.value for row in await database.read(queue.rows)] == ["severe"]
