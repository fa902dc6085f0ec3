"""However much of a list is over, withheld or broken: what is left is shown, and nothing that is cut short looks whole."""

from __future__ import annotations

import datetime as dt
import os
import sqlite3
import uuid

import msgspec
import pytest
from structlog.testing import capture_logs

from hub.rules.lifecycle import Stage
from hub.rules.release import may_leave
from hub.store import revisions
from hub.web import door
from hub.web.feeds import FORMS
from schemas.vocabulary import Tlp
from tests.web.house import MONDAY

FLOOD = 5_100  # more than the door looks at for one list
PLACES = [*(f"/feeds/bulletins.{form}" for form in FORMS), "/"]


def flood(tx, product: str, count: int, **changes) -> None:
    """Rows like that of `product`, each newer than it."""
    like = revisions.current(tx, product)
    for number in range(count):
        row = msgspec.structs.replace(
            like,
            product_id=f"OH-2030-{number:04d}",
            report_id=f"report--{uuid.uuid4()}",
            hash=os.urandom(32),
            **changes,
        )
        revisions.add(tx, row)


async def test_a_flood_of_what_is_over_hides_nothing(house):
    product = await house.publish(headline="Still current")
    over = house.clock.now - dt.timedelta(days=2)
    house.database.write_sync(flood, product, FLOOD, own=False, peer="oh", origin="oh", expires=over)
    house.clock.forward(seconds=2)
    for path in PLACES:
        answer = await house.get(path)
        assert (answer.status, "Still current" in answer.text) == (200, True), path
    assert "Still current" in (await house.get("/feeds/bulletins.json?topic=swatting&severity=minor&area=48453")).text


LONG_AGO = MONDAY - dt.timedelta(days=40)


@pytest.mark.parametrize("hidden", [{"stage": Stage.WITHDRAWN, "updated_at": LONG_AGO}, {"waiting": True}], ids=str)
async def test_old_withdrawals_and_what_waits_hide_nothing(house, hidden):
    product = await house.publish(headline="Still current")
    house.database.write_sync(flood, product, FLOOD, own=False, peer="oh", origin="oh", **hidden)
    house.clock.forward(seconds=2)
    for path in (*PLACES, "/api/v1/bulletins"):
        answer = await house.get(path, "analyst" if "api" in path else None)
        assert (answer.status, product in answer.text) == (200, True), path


async def test_the_desk_pages_through_what_is_over(house):
    product = await house.publish()
    over = house.clock.now - dt.timedelta(days=2)
    house.database.write_sync(flood, product, 1_200, expires=over)
    seen, before = [], ""
    while True:
        page = (await house.get(f"/api/v1/bulletins?limit=500{before}", "analyst")).json()
        seen += [row["product_id"] for row in page["bulletins"]]
        if page["next"] is None:
            break
        before = f"&before={page['next']}"
    assert len(seen) == len(set(seen)) == 1_201
    assert seen[-1] == product


async def test_no_list_is_cut_short_in_silence(house, monkeypatch):
    monkeypatch.setattr(door, "_MOST_LOOKED_AT", 20)
    product = await house.publish(headline="Deep down")
    # What SQL takes for public and the rule does not: an index of another policy, say.
    house.database.write_sync(flood, product, 300, tlp=Tlp.GREEN)
    house.clock.forward(seconds=2)
    for path in PLACES:
        answer = await house.get(path)
        assert (answer.status, answer.json()["code"]) == (503, "list-too-deep"), path
        assert "Retry-After" in answer.headers
    newest = await house.publish(headline="On top")
    house.clock.forward(seconds=2)
    feed = (await house.get("/feeds/bulletins.json")).json()
    assert [item["title"] for item in feed["items"]] == ["On top"]
    assert feed["next_url"] == f"https://tx.example/feeds/bulletins.json?before={newest}"
    assert "OH-2030" not in str(feed), "what is withheld is not told by its number"
    assert (await house.get(f"/feeds/bulletins.json?before={newest}")).status == 503


BROKEN = {
    "a row of another age": "update revisions set topic = 'ghosts' where product_id = ?",
    "words that are lost": "update revisions set payload = x'7b7d' where product_id = ?",
    "an origin that is none": "update revisions set origin = '??', own = 0, peer = 'oh' where product_id = ?",
}


@pytest.mark.parametrize("how", BROKEN)
async def test_a_broken_item_costs_itself_alone(house, how):
    await house.publish(headline="First")
    bad = await house.publish(headline="Bad")
    await house.publish(headline="Last")
    with sqlite3.connect(house.database.path) as direct:
        direct.execute(BROKEN[how], (bad,))
    direct.close()
    house.clock.forward(seconds=2)
    for path in PLACES:
        with capture_logs() as logs:
            answer = await house.get(path)
        assert [name in answer.text for name in ("First", "Bad", "Last")] == [True, False, True], path
        assert [line["product"] for line in logs if line["log_level"] == "error"] == [bad]
    # The desk, which wants every row that it can get, has its drafts' list too.
    assert (await house.get("/api/v1/bulletins", "analyst")).status == 200


async def test_an_item_that_cannot_be_judged_stays_and_the_rest_leaves(house, monkeypatch):
    await house.publish(headline="First")
    bad = await house.publish(headline="Bad", topic="weather")
    await house.publish(headline="Last")

    def judge(item, *given, **named):
        if item.topic == "weather":
            raise OverflowError("date value out of range")
        return may_leave(item, *given, **named)

    monkeypatch.setattr(door, "may_leave", judge)
    house.clock.forward(seconds=2)
    for path in PLACES:
        with capture_logs() as logs:
            answer = await house.get(path)
        assert [name in answer.text for name in ("First", "Bad", "Last")] == [True, False, True], path
        assert [line["product"] for line in logs if line["event"] == "an item was left out"] == [bad]


async def test_the_most_distant_date_of_a_peer_is_no_error(house):
    product = await house.publish(headline="For ever")
    latest = dt.datetime(9999, 12, 31, 23, 59, 59, 999000, tzinfo=dt.UTC)
    house.database.write_sync(flood, product, 1, own=False, peer="oh", origin="oh", expires=latest)
    house.clock.forward(seconds=2)
    for path in (*PLACES, "/bulletins/OH-2030-0000"):
        answer = await house.get(path)
        assert answer.status == 200
        assert path == "/" or "feeds" not in path or answer.body.count(b"OH-2030-0000"), path


async def test_a_replacement_that_is_not_for_this_reader_is_not_named(house):
    first, hidden = await house.publish(), await house.publish(tlp="amber")
    await house.withdraw(first)
    with sqlite3.connect(house.database.path) as direct:  # as another state's tombstone may say it
        direct.execute("update revisions set replaced_by = ? where product_id = ?", (hidden, first))
    direct.close()
    house.clock.forward(seconds=2)
    for path in (*PLACES, f"/bulletins/{first}", f"/bulletins/{first}.txt"):
        answer = await house.get(path)
        assert (answer.status, first in answer.text, hidden in answer.text) == (200, True, False), path
    told = (await house.get(f"/api/v1/bulletins/{first}", "analyst")).json()
    assert told["replaced_by"] == hidden


async def test_a_replacement_is_named_in_feeds_while_it_is_for_their_readers(house):
    soon = (house.clock.now + dt.timedelta(hours=1)).isoformat()
    first, second = await house.publish(), await house.publish(expires=soon)
    await house.act(first, "withdraw", "supervisor", 1, reason="superseded", replaced_by=second)
    named = f"{second} stands in its place"
    for hours, shown in ((0, True), (2, False)):
        house.clock.forward(hours=hours, seconds=2)
        for path in (*PLACES[:-1], f"/bulletins/{first}.txt"):
            assert (named in (await house.get(path)).text) is shown, path
