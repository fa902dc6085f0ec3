"""The desk's pages at a browser: who lacks the desk sees nothing of it there, and who has it finds what is theirs."""

from __future__ import annotations

from hub.web.console.routes import CONSOLE
from tests.web.test_leak import DESK, NO_DESK, PLANTS, addresses, planted, word

__all__ = ["planted"]  # a fixture


def pages(planted) -> list[str]:
    """Every page of the desk with everything that could stand in its address."""
    starts = {route.path.partition("{")[0] for route in CONSOLE if route.path.startswith("/desk")}
    every = addresses(planted, {"clear": "x"})
    return sorted({path for path in every if path.startswith(tuple(starts))})


async def test_who_lacks_the_desk_finds_nothing_on_its_pages(house, planted):
    paths = pages(planted)
    assert len(paths) > 20
    found = []
    for role in (None, *NO_DESK):
        for path in paths:
            answer = await house.page("GET", path, role)
            said = answer.body + repr(answer.headers).encode()
            shapes = [(name, mark) for name, marks in planted.items() if name != "clear" for mark in marks]
            found += [(role, path, name) for name, mark in shapes if mark in said and mark not in path.encode()]
    assert found == []


async def test_the_desk_finds_its_own_bulletins_there(house, planted):
    for role in DESK:
        listed = (await house.page("GET", "/desk/bulletins", role)).text
        assert [name for name in PLANTS if word(name) not in listed] == [], role
