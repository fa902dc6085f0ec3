"""Rendered bytes are kept while they are true, and bounded."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.web.shelf import Kept, Shelf
from tests.web.house import form


@given(st.lists(st.tuples(st.integers(0, 9), st.binary(max_size=40)), max_size=60))
def test_what_is_kept_never_outgrows_its_bound(puts):
    kept = Kept(100, len)
    for key, value in puts:
        kept.put(key, value)
        assert kept.get(key) == value
    held = [value for key in range(10) if (value := kept.get(key)) is not None]
    assert sum(map(len, held)) <= 100


def test_the_one_not_used_for_longest_goes():
    kept = Kept(2, len)
    kept.put("a", b"1")
    kept.put("b", b"2")
    kept.get("a")
    kept.put("c", b"3")
    assert (kept.get("a"), kept.get("b"), kept.get("c")) == (b"1", None, b"3")


class Maker:
    """Counts how often a body is made; each making waits until it is let go."""

    def __init__(self) -> None:
        self.made = 0
        self.go = asyncio.Event()

    async def __call__(self) -> tuple[bytes, str]:
        self.made += 1
        await self.go.wait()
        return f"body {self.made}".encode(), "text/plain"


async def test_those_who_ask_together_share_one_making(house):
    shelf, make = Shelf(house.parts()), Maker()
    asking = [asyncio.create_task(shelf.body("key", make)) for _ in range(10)]
    await asyncio.sleep(0)
    asking[0].cancel()
    make.go.set()
    bodies = await asyncio.gather(*asking[1:])
    assert make.made == 1
    assert len({id(body) for body in bodies}) == 1


async def test_a_commit_in_between_begins_another_making(house):
    shelf, make = Shelf(house.parts()), Maker()
    early = asyncio.create_task(shelf.body("key", make))
    await asyncio.sleep(0)
    assert (await house.post("/api/v1/bulletins", "analyst", form())).status == 201
    late = asyncio.create_task(shelf.body("key", make))
    await asyncio.sleep(0)
    make.go.set()
    await asyncio.gather(early, late)
    assert make.made == 2


async def test_a_body_is_kept_for_a_second_and_then_looked_at_again(house):
    shelf = Shelf(house.parts())
    made = []

    async def make() -> tuple[bytes, str]:
        made.append(1)
        return b"the same", "text/plain"

    first = await shelf.body("key", make)
    assert await shelf.body("key", make) is first
    house.clock.forward(seconds=1)
    assert await shelf.body("key", make) is first
    assert len(made) == 2


async def test_a_failure_is_not_kept(house):
    shelf = Shelf(house.parts())
    answers = [RuntimeError("broken"), (b"whole", "text/plain")]

    async def make() -> tuple[bytes, str]:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    with pytest.raises(RuntimeError):
        await shelf.body("key", make)
    assert (await shelf.body("key", make)).data == b"whole"
