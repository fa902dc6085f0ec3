"""House law 1, read off the code: bulletins come out of the store through `hub.web.door` alone, and every route says by
which way out, or why nothing leaves there."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest

import hub.web
from hub.rules.release import Exit
from hub.web.app import ROUTES
from hub.web.feeds import FORMS

ROOM = Path(hub.web.__file__).parent
# What holds bulletins. Types come through the door as well.
HELD = {"hub.store.revisions", "hub.store.revision", "hub.store.bulletins", "hub.store.outbox"}
# Verbs of the desk answer with what the caller has just done; none of these reads for others.
RELEASES = {"hub.rules.release.may_leave", "hub.desk.publish.preview"}


def imported(path: Path) -> set[str]:
    """Modules that a file imports, also by `from package import module`."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def test_only_the_door_reads_bulletins_from_the_store():
    readers = {path.name for path in ROOM.rglob("*.py") if imported(path) & HELD}
    assert readers == {"door.py"}


def test_the_door_asks_for_each_item():
    tree = ast.parse((ROOM / "door.py").read_text(encoding="utf-8"))
    functions = {node.name: ast.unparse(node) for node in tree.body if isinstance(node, ast.FunctionDef)}
    reading = {name for name, code in functions.items() if "revisions." in code or "bulletins." in code}
    asks = {"_form(", "_leaving(", "_judged(", "may_leave("}
    assert [name for name in sorted(reading) if not any(each in functions[name] for each in asks)] == []
    assert "may_leave(" in functions["_form"]
    assert "_form(" in functions["_leaving"]
    assert "_leaving(" in functions["_judged"]


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.name)
def test_every_route_says_by_which_exit_or_why_none(route):
    assert bool(route.exits) != bool(route.no_item)
    assert route.exits <= frozenset(Exit)


def handler_reaches_the_door(route) -> bool:
    """Whether the handler's module asks the door at all."""
    return "hub.web.door" in imported(Path(sys.modules[route.handler.__module__].__file__))


@pytest.mark.parametrize("route", [route for route in ROUTES if route.exits], ids=lambda route: route.name)
def test_a_route_with_an_exit_goes_through_the_door(route):
    assert handler_reaches_the_door(route)


def test_every_feed_format_has_a_way_out_of_its_own():
    assert {form.exit for form in FORMS.values()} == {Exit.RSS, Exit.ATOM, Exit.JSON_FEED}


def test_names_and_paths_stand_once():
    assert len({route.name for route in ROUTES}) == len(ROUTES)
    assert len({(route.method, route.path) for route in ROUTES}) == len(ROUTES)
