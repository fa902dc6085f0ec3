"""The open feed: what three formats say, filters, withdrawals, paging, and that what is not known is refused."""

from __future__ import annotations

import datetime as dt

import feedparser
import pytest

FORMS = ("rss", "atom", "json")
HEADLINE = "Recorded threat calls name rooms that do not exist"


async def titles(house, form: str, query: str = "", **headers: str) -> list[str]:
    answer = await house.get(f"/feeds/bulletins.{form}{query}", **headers)
    assert answer.status == 200, answer.body
    if form == "json":
        return [item["title"] for item in answer.json()["items"]]
    read = feedparser.parse(answer.body)
    assert not read.bozo, read.get("bozo_exception")
    return [entry.title for entry in read.entries]


async def test_three_formats_show_the_same_bulletin(house):
    product = await house.publish()
    for form in FORMS:
        assert await titles(house, form) == [HEADLINE]
    read = feedparser.parse((await house.get("/feeds/bulletins.atom")).body)
    report = (await house.get(f"/api/v1/bulletins/{product}", "analyst")).json()["id"]
    assert read.entries[0].id == f"urn:uuid:{report.removeprefix('report--')}"
    assert read.entries[0].link == f"https://tx.example/bulletins/{product}"
    item = (await house.get("/feeds/bulletins.json")).json()["items"][0]
    assert item["id"] == f"{read.entries[0].id}#v1"
    assert item["_school_safety"]["tlp"] == "TLP:CLEAR"
    assert "TLP:CLEAR" in item["content_html"]


async def test_an_empty_feed_is_a_good_feed(house):
    for form in FORMS:
        assert await titles(house, form) == []


async def test_an_update_comes_up_again(house):
    first = await house.publish(headline="First")
    await house.publish(headline="Second")
    await house.update(first, text="The vendor's fix is out.")
    for form in FORMS:
        assert await titles(house, form) == ["UPDATE 2: First", "Second"]
    ids = [item["id"] for item in (await house.get("/feeds/bulletins.json")).json()["items"]]
    assert ids[0].endswith("#v2")


async def test_a_withdrawal_stands_for_thirty_days_without_the_text(house):
    product = await house.publish(text="CANARY of the text", actions=[{"role": "r", "text": "CANARY of the action"}])
    await house.withdraw(product)
    for form in FORMS:
        assert await titles(house, form) == [f"WITHDRAWN: {HEADLINE}"]
        body = (await house.get(f"/feeds/bulletins.{form}")).body
        assert b"CANARY" not in body
        assert b"withdrawn by Texas" in body
    house.clock.forward(days=31)
    for form in FORMS:
        assert await titles(house, form) == []


@pytest.mark.parametrize("reason", ["privacy", "legal"])
async def test_what_is_withdrawn_for_privacy_loses_its_headline_too(house, reason):
    product = await house.publish(headline="CANARY of the headline")
    await house.withdraw(product, reason)
    for form in FORMS:
        assert await titles(house, form) == [f"WITHDRAWN: {product}"]
        body = (await house.get(f"/feeds/bulletins.{form}")).body
        assert b"CANARY" not in body
        assert b"48453" not in body


async def test_what_has_expired_is_gone_without_any_commit(house):
    soon = house.clock.now + dt.timedelta(hours=1)
    await house.publish(expires=soon.isoformat())
    assert await titles(house, "rss") == [HEADLINE]
    house.clock.forward(hours=2)
    assert await titles(house, "rss") == []


FILTERS = [
    ("topic=cyber", ["Cyber"]),
    ("topic=cyber,weather", ["Weather", "Cyber"]),
    ("severity=severe", ["Cyber"]),
    ("severity=minor", ["Weather", "Cyber"]),
    ("area=48453", ["Anywhere", "Cyber"]),
    ("area=TXC453", ["Anywhere", "Cyber"]),
    ("area=48201", ["Anywhere"]),
    ("area=48000", ["Anywhere", "Cyber"]),
    ("area=39035", ["Anywhere", "Weather"]),
    ("state=oh", ["Anywhere", "Weather"]),
    ("lang=es", ["Tiempo"]),
    ("limit=1", ["Anywhere"]),
    ("topic=cyber&severity=extreme", []),
]


async def test_filters(house):
    await house.publish(headline="Cyber", topic="cyber", also=[], severity="severe")
    await house.publish(
        headline="Weather",
        topic="weather",
        severity="minor",
        areas=[{"state": "OH", "fips": "39000", "ugc": None}],
        translations=[{"lang": "es", "headline": "Tiempo", "text": "Mal tiempo."}],
    )
    await house.publish(headline="Anywhere", topic="other", severity="unknown", areas=[])
    for query, found in FILTERS:
        for form in FORMS:
            assert await titles(house, form, f"?{query}") == found, query


async def test_a_page_goes_on_where_the_last_one_ended(house):
    for number in range(5):
        await house.publish(headline=f"Number {number}")
    seen, url = [], "/feeds/bulletins.json?limit=2"
    while url:
        page = (await house.get(url)).json()
        seen += [item["title"] for item in page["items"]]
        url = page.get("next_url", "").removeprefix("https://tx.example")
    assert seen == [f"Number {number}" for number in (4, 3, 2, 1, 0)]


@pytest.mark.parametrize(
    "query", ["topics=cyber", "topic=ghosts", "limit=0", "limit=501", "before=TX-2030-0099", "x=1"]
)
async def test_what_is_not_known_is_a_400_that_names_what_is(house, query):
    for form in FORMS:
        answer = await house.get(f"/feeds/bulletins.{form}?{query}")
        assert answer.status == 400
        problem = answer.json()
        assert problem["errors"][0]["pointer"] == "?" + query.partition("=")[0]
        assert "llowed" in problem["detail"]


async def test_before_does_not_tell_hidden_numbers_from_absent_ones(house):
    await house.publish()
    hidden = await house.publish(tlp="green")
    said = [
        (await house.get(f"/feeds/bulletins.rss?before={which}")).body.replace(which.encode(), b"ID")
        for which in (hidden, "TX-2030-0777")
    ]
    assert said[0] == said[1]


async def test_an_exercise_node_says_so_at_the_ordinary_addresses(drill):
    await drill.publish()
    for form in FORMS:
        assert await titles(drill, form) == [f"EXERCISE: {HEADLINE}"]
        assert b"EXERCISE: Texas School Safety Center" in (await drill.get(f"/feeds/bulletins.{form}")).body
    assert (await drill.get("/feeds/exercise.rss")).status == 404


async def test_a_live_node_keeps_exercise_items_apart(house):
    await house.publish()
    for form in FORMS:
        answer = await house.get(f"/feeds/exercise.{form}")
        assert answer.status == 200
        assert HEADLINE.encode() not in answer.body


async def test_no_other_suffix(house):
    assert (await house.get("/feeds/bulletins.xml")).status == 404
