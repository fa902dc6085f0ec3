"""`hub sources run ipaws --from FILE`: messages at the desk, without asking FEMA for anything."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from connectors.source import advisory_id
from hub.intake import Outcome
from hub.store import queue
from hub.store.database import Database
from tests.schemas.cap_made import alert, info

Start = Callable[..., Any]
FIRST = "dispatch@county.example,river-7,2031-05-06T07:08:09-05:00"
CANCEL = "dispatch@county.example,river-8,2031-05-06T07:08:09-05:00"
FEED = '<ns1:alerts xmlns:ns1="http://gov.fema.ipaws.services/feed">{}</ns1:alerts>'


def feed(*messages: str) -> bytes:
    return FEED.format("".join(messages)).encode()


def cancel() -> str:
    return alert(" ", identifier="river-8", msgType="Cancel", references=FIRST)


async def states(database: Database) -> dict[str, str]:
    rows = await database.read(queue.some, [advisory_id("ipaws", key) for key in (FIRST, CANCEL)])
    return {row.key: row.state for row in rows.values()}


async def test_it_is_not_polled_unless_an_operator_says_so(intake: Start) -> None:
    facts = {each["name"]: each for each in (await intake()).sources()}
    assert facts["ipaws"]["enabled"] is False
    assert "agreement" in facts["ipaws"]["title"]


async def test_messages_come_from_a_file(intake: Start, database: Database) -> None:
    running = await intake()
    assert await running.run_once("ipaws", feed(alert()), "a.xml") == Outcome("changed", new=1)
    assert await running.run_once("ipaws", feed(alert()), "a.xml") == Outcome("unchanged", unchanged=1)
    assert await states(database) == {FIRST: "open"}


async def test_a_cancel_takes_what_it_names_from_the_queue(intake: Start, database: Database) -> None:
    running = await intake()
    await running.run_once("ipaws", feed(alert()))
    await running.run_once("ipaws", feed(cancel()))
    assert await states(database) == {FIRST: "cancelled", CANCEL: "cancelled"}
    assert (await running.run_once("ipaws", feed(alert(), cancel()))).new == 0
    assert await states(database) == {FIRST: "cancelled", CANCEL: "cancelled"}


async def test_what_is_cancelled_in_the_same_answer_never_waits(intake: Start, database: Database) -> None:
    running = await intake()
    await running.run_once("ipaws", feed(cancel(), alert()))
    assert (await states(database))[FIRST] == "cancelled"


async def test_an_empty_feed_and_a_broken_message_are_told_apart(intake: Start) -> None:
    running = await intake()
    assert await running.run_once("ipaws", feed()) == Outcome("unchanged")
    outcome = await running.run_once("ipaws", feed(alert(), alert(info(severity="Foobar"))))
    assert (outcome.status, outcome.new, outcome.errors) == ("doubted", 1, 1)
