"""Search over the API: what has the words and may be read, and no trace of the rest."""

from __future__ import annotations

import asyncio
import contextlib
import urllib.parse

import pytest

from hub.store.search import Search
from hub.web.parts import PARTS


@pytest.fixture
async def searching(house):
    """The house with an index that follows it."""
    index = Search.open(house.database.path.with_name("search.db"), house.database)
    with contextlib.closing(index):
        await house.server.close()
        await house.session.close()
        await house.open(search=index)
        yield house


async def asked(house, words: str, role: str = "analyst", **more: object):
    assert await asyncio.to_thread(house.app[PARTS].search.settle)
    query = urllib.parse.urlencode({"q": words, **more})
    return await house.get(f"/api/v1/search?{query}", role)


async def numbers(house, words: str, role: str = "analyst", **more: object) -> list[str]:
    answer = await asked(house, words, role, **more)
    assert answer.status == 200, answer.body
    return [row["product_id"] for row in answer.json()["bulletins"]]


async def test_what_has_the_words_is_found_newest_first_and_page_by_page(searching):
    products = [await searching.publish(headline=f"Calls about a gate, {number}") for number in range(5)]
    await searching.publish(headline="Something else")
    first = (await asked(searching, "gate", limit=2)).json()
    assert [row["product_id"] for row in first["bulletins"]] == products[:2:-1]
    assert first["complete"] is True
    rest = (await asked(searching, "gate", limit=5, before=first["next"])).json()
    assert [row["product_id"] for row in rest["bulletins"]] == products[2::-1]
    assert rest["next"] is None


async def test_filters_narrow_it(searching):
    severe = await searching.publish(headline="Gate one", severity="severe", topic="weather")
    minor = await searching.publish(headline="Gate two", severity="minor", areas=[])
    assert await numbers(searching, "gate", severity="moderate") == [severe]
    assert await numbers(searching, "gate", topic="weather") == [severe]
    assert await numbers(searching, "gate", state="oh") == [minor]
    assert await numbers(searching, "gate", area="48453") == [minor, severe]


async def test_a_withdrawn_one_and_a_draft_are_not_found(searching):
    product = await searching.publish(headline="Gate one")
    await searching.draft(headline="Gate two")
    assert await numbers(searching, "gate") == [product]
    await searching.withdraw(product)
    assert await numbers(searching, "gate") == []


async def test_what_the_index_still_holds_the_door_keeps_in(searching, monkeypatch):
    """The index may lag behind a withdrawal; nothing leaves by it all the same, and nothing is counted."""
    kept, product = await searching.publish(headline="Gate one"), await searching.publish(headline="Gate two")
    assert await numbers(searching, "gate") == [product, kept]
    index = searching.app[PARTS].search
    index.close()  # it follows no more; its answers stay what they were

    async def stale(wanted, limit, before=2**62):
        return [seq for seq in (2, 1) if seq < before][:limit]

    monkeypatch.setattr(index, "find", stale)
    await searching.withdraw(product)
    answer = await searching.get("/api/v1/search?q=gate&limit=1", "analyst")
    assert answer.json() == {**answer.json(), "next": None}
    assert [row["product_id"] for row in answer.json()["bulletins"]] == [kept]
    assert product not in answer.text


async def test_who_may_not_read_the_desk_may_not_search(searching):
    await searching.publish(headline="Gate one")
    assert (await asked(searching, "gate", "operator")).status == 403
    assert (await searching.get("/api/v1/search?q=gate")).status == 401


@pytest.mark.parametrize(
    "query", ["", "q=", "q=%22", "q=x&page=2", "q=" + "x" * 300, "q=x&before=TX-2030-0001", "q=x&limit=0"]
)
async def test_a_question_that_cannot_be_is_refused_in_words(searching, query):
    answer = await searching.get(f"/api/v1/search?{query}", "analyst")
    assert answer.status == 400
    assert answer.json()["detail"]


@pytest.mark.parametrize(
    "words", ["AND", "gate NOT", "NEAR(", "headline:gate", '"', "*", "%00gate", "\ud83d\ude00", "gate\0gate"]
)
async def test_syntax_is_words(searching, words):
    assert (await asked(searching, words.encode("utf-8", "replace").decode())).status in {200, 400}


async def test_a_process_without_an_index_says_so(house):
    answer = await house.get("/api/v1/search?q=gate", "analyst")
    assert (answer.status, answer.json()["code"]) == (503, "no-search")
