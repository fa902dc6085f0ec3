"""The shape of the code: small files, small functions, names that say something, reasons given."""

from __future__ import annotations

import ast
import io
import re
import statistics
import tokenize

from tests.house.tree import PACKAGES, modules, name, parsed

# A migration is a frozen list of columns, written once and never edited: its length says nothing.
FROZEN = "hub/store/migrations/versions/"
SAYS_NOTHING = {"base", "common", "helper", "helpers", "manager", "managers", "misc", "util", "utils"}
NOQA = re.compile(r"# noqa: [A-Z]+[0-9]+(, ?[A-Z]+[0-9]+)* - \S+")
TYPE_IGNORE = re.compile(r"# type: ignore\[[a-z-]+(, ?[a-z-]+)*\] +# \S+")


def functions() -> list[tuple[str, int]]:
    return [
        (f"{name(path)}:{node.lineno} {node.name}", (node.end_lineno or node.lineno) - node.lineno + 1)
        for path in modules(*PACKAGES)
        if not name(path).startswith(FROZEN)
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]


def comments(text: str) -> list[tuple[int, str]]:
    tokens = tokenize.generate_tokens(io.StringIO(text).readline)
    return [(token.start[0], token.string) for token in tokens if token.type == tokenize.COMMENT]


def without_reason(comment: str) -> bool:
    noqa = "noqa" in comment and not NOQA.search(comment)
    return noqa or ("type: ignore" in comment and not TYPE_IGNORE.search(comment))


def test_no_file_has_400_lines() -> None:
    lines = {name(path): len(path.read_text(encoding="utf-8").splitlines()) for path in modules(*PACKAGES)}
    assert {file: n for file, n in lines.items() if n >= 400 and not file.startswith(FROZEN)} == {}


def test_no_function_is_longer_than_60_lines() -> None:
    assert [(where, n) for where, n in functions() if n > 60] == []


def test_half_of_the_functions_are_shorter_than_10_lines() -> None:
    assert statistics.median(n for _, n in functions()) < 10


def test_no_module_is_named_for_nothing() -> None:
    named = {part for path in modules(*PACKAGES, "tests") for part in (path.stem, *path.parent.parts)}
    assert named & SAYS_NOTHING == set()


def test_every_silenced_check_has_a_code_and_a_reason() -> None:
    silent = [
        f"{name(path)}:{line} {comment}"
        for path in modules(*PACKAGES, "tests")
        for line, comment in comments(path.read_text(encoding="utf-8"))
        if without_reason(comment)
    ]
    assert silent == []


def test_a_silenced_check_without_code_or_reason_is_found() -> None:
    bare, ignore = "# no" + "qa", "# type: " + "ignore"
    for comment in (bare, f"{bare}: S101", f"{bare}: because", ignore, f"{ignore}[arg-type]"):
        assert without_reason(comment), comment
    for comment in (f"{bare}: PLC0415 - loaded late", f"{ignore}[no-any-return]  # ships no types"):
        assert not without_reason(comment), comment
