from __future__ import annotations

import dataclasses
import datetime as dt
import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from connectors.answer import Parsed
from connectors.federal import cisa_kev
from connectors.source import Source, advisory_id
from hub.errors import NotFound, SettingsError
from hub.intake import CHUNK, Outcome, Outside, SourceSettings
from hub.store import queue
from hub.store.database import Database
from tests.connectors.federal.made import catalogue, vulnerability
from tests.intake.conftest import Agency, Clock

KEV = "cisa-kev"
Start = Callable[..., Any]


def many(count: int) -> bytes:
    return catalogue(*(vulnerability(number) for number in range(1, count + 1)))


async def said(intake: Any, data: bytes | None = None) -> list[dict[str, Any]]:
    return [line async for line in intake.run(KEV, data)]


def not_before(intake: Any) -> dt.datetime:
    found: dt.datetime = intake._states[KEV].not_before
    return found


async def content(database: Database) -> str:
    """What a writer would have changed: every row of what is said."""
    known = await database.read(queue.known, KEV)
    return hashlib.sha256(repr(sorted(known.items())).encode()).hexdigest()


async def test_a_fetch_files_what_is_new_and_remembers_the_validators(
    intake: Start, agency: Agency, database: Database
) -> None:
    running = await intake()
    assert await running.run_once(KEV) == Outcome("changed", new=2)
    assert set(await database.read(queue.known, KEV)) == {"CVE-2031-0001", "CVE-2031-0002"}
    assert await running.run_once(KEV) == Outcome("unchanged")
    assert "If-None-Match" in agency.asked[1].headers


async def test_the_validators_survive_a_restart(intake: Start, agency: Agency) -> None:
    await (await intake()).run_once(KEV)
    assert (await (await intake()).run_once(KEV)).status == "unchanged"


async def test_new_changed_and_gone_are_filed(intake: Start, agency: Agency, database: Database) -> None:
    running = await intake()
    await running.run_once(KEV)
    agency.body = catalogue(vulnerability(2, notes=""), vulnerability(3))
    assert await running.run_once(KEV) == Outcome("changed", new=1, updated=1, cancelled=1)
    gone = await database.read(queue.advisory, advisory_id(KEV, "CVE-2031-0001"))
    assert gone is not None
    assert gone.advisory.headline == vulnerability(1)["vulnerabilityName"]
    agency.body = catalogue(vulnerability(1), vulnerability(2, notes=""), vulnerability(3))
    back = await running.run_once(KEV)
    assert (back.new + back.updated, back.unchanged) == (1, 2)
    assert (await running.run_once(KEV)).status == "unchanged"


@pytest.mark.parametrize("body", [b"", b"<html>", many(3)[:-4], catalogue()])
async def test_an_unreadable_answer_takes_nothing_away_and_is_asked_for_again(
    intake: Start, agency: Agency, database: Database, body: bytes
) -> None:
    running = await intake()
    await running.run_once(KEV)
    before = await content(database)
    good, agency.body = agency.body, body
    outcome = await running.run_once(KEV)
    assert (outcome.status, outcome.errors, bool(outcome.reason)) == ("unavailable", 1, True)
    assert await content(database) == before
    assert running.sources()[0]["failures"] == 1
    assert running.sources()[0]["error"] == outcome.reason
    agency.body = good
    assert (await running.run_once(KEV)).errors == 0
    assert (running.sources()[0]["failures"], running.sources()[0]["error"]) == (0, None)


async def test_many_losses_are_doubted_and_asked_for_again(intake: Start, agency: Agency, database: Database) -> None:
    agency.body = many(60)
    running = await intake()
    await running.run_once(KEV)
    agency.body = many(10)
    outcome = await running.run_once(KEV)
    assert (outcome.status, outcome.cancelled, outcome.unchanged) == ("doubted", 0, 10)
    assert "50 of 60" in str(outcome.reason)
    assert (await running.run_once(KEV)).status == "doubted"
    assert running.sources()[0]["error"] == outcome.reason


async def test_a_bad_entry_is_told_and_the_rest_is_filed(intake: Start, agency: Agency) -> None:
    agency.body = catalogue(vulnerability(1), vulnerability(2, dueDate="soon"))
    running = await intake()
    lines = await said(running)
    assert lines[0]["unreadable"]["item"] == 1
    result = lines[-1]["result"]
    assert (result["status"], result["new"], result["errors"]) == ("partial", 1, 1)
    assert (await running.run_once(KEV)).status == "unchanged"
    assert "dueDate" in running.sources()[0]["error"]


async def test_a_given_file_goes_in_in_chunks_and_a_second_time_writes_nothing(
    intake: Start, agency: Agency, database: Database
) -> None:
    running = await intake()
    data = many(2 * CHUNK + 7)
    lines = await said(running, data)
    assert [line["done"] for line in lines if "done" in line] == [0, CHUNK, 2 * CHUNK, 2 * CHUNK + 7]
    assert lines[-1]["result"]["new"] == 2 * CHUNK + 7
    generation = database.changed.generation
    again = await said(running, data)
    total = 2 * CHUNK + 7
    result = dataclasses.asdict(Outcome("unchanged", unchanged=total))
    assert again == [{"parsed": total, "done": total}, {"result": result}]
    assert database.changed.generation == generation
    assert agency.asked == []


async def test_cancels_are_decided_over_the_whole_document(intake: Start, database: Database) -> None:
    running = await intake()
    await running.run_once(KEV, many(CHUNK + 5))
    without_one = catalogue(*(vulnerability(n) for n in range(2, CHUNK + 6)))
    assert await running.run_once(KEV, without_one) == Outcome("changed", cancelled=1, unchanged=CHUNK + 4)


async def test_after_a_given_file_the_next_fetch_is_whole(intake: Start, agency: Agency) -> None:
    running = await intake()
    await running.run_once(KEV)
    assert (await running.run_once(KEV, catalogue(vulnerability(1, notes=""), vulnerability(2)))).updated == 1
    back = await running.run_once(KEV)
    assert (back.status, back.updated) == ("changed", 1)


async def test_a_given_file_that_is_no_catalogue_says_so(intake: Start) -> None:
    running = await intake()
    lines = await said(running, b"cveID,vendorProject\n")
    assert [list(line) for line in lines] == [["unreadable"], ["result"]]
    assert "CSV form" in lines[-1]["result"]["reason"]
    assert running.sources()[0]["failures"] == 0


async def test_an_unknown_source_is_not_found(intake: Start) -> None:
    running = await intake()
    with pytest.raises(NotFound, match="cisa-kev"):
        await anext(running.run("nope"))


async def test_an_outage_is_remembered_and_retry_after_is_heeded(intake: Start, agency: Agency, clock: Clock) -> None:
    agency.status, agency.headers = 429, {"Retry-After": "7200"}
    running = await intake()
    outcome = await running.run_once(KEV)
    assert (outcome.status, outcome.reason) == ("unavailable", "127.0.0.1 answered 429 Too Many Requests.")
    facts = running.sources()[0]
    assert (facts["last_try"], facts["last_good"], facts["failures"]) == ("2031-02-03T12:00:00.000Z", None, 1)
    assert not_before(running) == clock.now + dt.timedelta(seconds=7200 * 1.05)


async def test_the_source_is_asked_no_more_often_than_its_cache_control_says(
    intake: Start, agency: Agency, clock: Clock
) -> None:
    agency.headers = {"Cache-Control": "max-age=1800"}
    running = await intake(choices={KEV: SourceSettings(enabled=False, url=agency.url, every=60)})
    await running.run_once(KEV)
    assert not_before(running) == clock.now + dt.timedelta(seconds=1800 * 1.05)


async def test_without_a_contact_nothing_is_asked(intake: Start, agency: Agency) -> None:
    running = await intake(outside=Outside(contact=" "))
    outcome = await running.run_once(KEV)
    assert "fetch.contact" in str(outcome.reason)
    assert agency.asked == []
    assert (await running.run_once(KEV, agency.body)).new == 2


@pytest.mark.parametrize(
    ("choices", "outside", "words"),
    [
        ({"cisa-kve": SourceSettings()}, Outside(), "cisa-kve"),
        ({}, Outside(allow=("http://x",)), "neither a host name nor a network"),
        ({}, Outside(contact="a\nb"), "contact"),
    ],
)
async def test_settings_that_cannot_be_used_are_named(
    intake: Start, choices: Any, outside: Outside, words: str
) -> None:
    with pytest.raises(SettingsError, match=words):
        await intake(choices=choices, outside=outside)


async def test_a_real_catalogue_is_filed_and_the_next_one_differs_as_recorded(intake: Start, recordings: Path) -> None:
    running = await intake()
    before, after = ((recordings / "cisa-kev" / f"kev_2025-08-{day}.json").read_bytes() for day in ("18", "25"))
    assert await running.run_once(KEV, before) == Outcome("changed", new=1400)
    assert await running.run_once(KEV, after) == Outcome("changed", new=4, unchanged=1400)


def broken_source(name: str, url: str) -> Source:
    def fail(data: bytes, file: str) -> Parsed:
        raise ZeroDivisionError

    return Source(name, "Broken", 1, url, fail, snapshot=True, max_bytes=cisa_kev.MAX_BYTES)
