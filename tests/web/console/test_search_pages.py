"""Search at a browser: a form that works without a script, and only what this person may read."""

from __future__ import annotations

import asyncio
import contextlib
import html
import re

import pytest

from hub.store.search import Search


@pytest.fixture
async def searching(house):
    """The house with an index that follows it."""
    index = Search.open(house.database.path.with_name("search.db"), house.database)
    with contextlib.closing(index):
        await house.server.close()
        await house.session.close()
        await house.open(search=index)
        assert await asyncio.to_thread(index.settle)
        yield house, index


async def test_the_form_finds_and_leads_to_the_bulletin(searching):
    house, index = searching
    products = [await house.publish(headline=f"Gate <{number}> jammed") for number in range(30)]
    await house.draft(headline="Gate of a draft")
    assert await asyncio.to_thread(index.settle)
    empty = await house.page("GET", "/desk/search", "analyst")
    assert empty.status == 200
    assert "Found" not in empty.text
    first = await house.page("GET", "/desk/search?q=jammed&topic=&severity=&state=", "analyst")
    assert re.findall(r'<h3><a href="/desk/bulletins/([^"]+)"', first.text) == products[:4:-1]
    assert "<29>" not in first.text
    older = html.unescape(re.search(r'href="(/desk/search[^"]+before=[^"]+)"', first.text)[1])
    second = await house.page("GET", older, "analyst")
    assert re.findall(r'<h3><a href="/desk/bulletins/([^"]+)"', second.text) == products[4::-1]
    assert "draft" not in re.sub(r"<footer.*", "", second.text, flags=re.DOTALL).partition("Found")[2]


async def test_nothing_found_is_said_and_what_cannot_be_asked_is_explained(searching):
    house, _ = searching
    none = await house.page("GET", "/desk/search?q=zzz", "analyst")
    assert "Nothing that you may read has all of these words." in none.text
    assert "<script" not in (await house.page("GET", "/desk/search?q=%3Cscript%3E", "analyst")).text
    for query in ("q=%22", "q=" + "x" * 300, "q=x&topic=gossip", "q=x&page=2"):
        wrong = await house.page("GET", f"/desk/search?{query}", "analyst")
        assert wrong.status == 400
        assert 'class="errors"' in wrong.text


async def test_who_may_not_read_the_desk_may_not_search_it(searching):
    house, _ = searching
    assert (await house.page("GET", "/desk/search?q=x", "operator")).status == 403
    assert (await house.page("GET", "/desk/search?q=x")).status == 303


async def test_without_an_index_the_page_says_so(house):
    page = await house.page("GET", "/desk/search?q=gate", "analyst")
    assert page.status == 200
    assert "keeps no search index" in page.text
