"""House laws that can be read off the code: nothing in rules and desk asks for the time or for chance."""

from __future__ import annotations

import ast

import pytest

from tests.house.tree import modules, name, parsed

FETCHED = {
    "date.today", "datetime.now", "datetime.today", "datetime.utcnow", "os.getrandom", "os.urandom",
    "uuid.uuid1", "uuid.uuid4", "uuid1", "uuid4",
}  # fmt: skip


def fetches(code: ast.AST) -> list[tuple[int, str]]:
    """Calls by which code would get the time or a random number for itself."""
    calls = [(node.lineno, ast.unparse(node.func)) for node in ast.walk(code) if isinstance(node, ast.Call)]
    return [(line, call) for line, call in calls if any(("." + call).endswith("." + f) for f in FETCHED)]


@pytest.mark.parametrize("room", ["hub/rules", "hub/desk"])
def test_time_and_chance_are_arguments(room: str) -> None:
    found = [(name(path), *each) for path in modules(room) for each in fetches(parsed(path))]
    assert found == []


@pytest.mark.parametrize("call", ["datetime.now(UTC)", "datetime.datetime.now()", "uuid4()", "os.urandom(1)"])
def test_a_fetched_time_or_number_is_found(call: str) -> None:
    assert fetches(ast.parse(call)) != []


def test_a_handed_clock_is_not_taken_for_a_fetched_one() -> None:
    assert fetches(ast.parse("publish(now, sign, salt); clock.now()")) == []
