"""The import contracts of pyproject.toml hold, and what they cannot say is asked of the graph."""

from __future__ import annotations

import grimp
import pytest

from tests.house.linter import contracts, lint
from tests.house.tree import PACKAGES, ROOT

# Standard library that only computes. A name is added here when it neither reads nor writes nor waits
# nor knows what time it is.
PURE = {
    "__future__", "abc", "base64", "binascii", "bisect", "collections", "contextlib", "copy", "dataclasses",
    "datetime", "decimal", "difflib", "enum", "fractions", "functools", "hashlib", "hmac", "heapq", "html", "itertools",
    "json", "math", "operator", "re", "string", "struct", "textwrap", "tomllib", "types", "typing",
    "unicodedata", "uuid", "zoneinfo",
}  # fmt: skip


@pytest.fixture(scope="module")
def graph() -> grimp.ImportGraph:
    return grimp.build_graph(*PACKAGES, include_external_packages=True, cache_dir=None)


def test_every_contract_is_kept() -> None:
    code, verdicts, said = lint(ROOT)
    assert verdicts == dict.fromkeys(contracts().values(), "KEPT"), said
    assert code == 0, said


def test_rules_import_only_schemas_errors_and_pure_standard_library(graph: grimp.ImportGraph) -> None:
    rules = {"hub.rules", *graph.find_descendants("hub.rules")}
    imported = {each for module in rules for each in graph.find_modules_directly_imported_by(module)}
    ours = {each for each in imported - rules if each.split(".")[0] in PACKAGES}
    assert {each for each in ours if not (each == "hub.errors" or each.split(".")[0] == "schemas")} == set()
    assert imported - rules - ours - PURE == set()


def test_nothing_reaches_into_the_tests(graph: grimp.ImportGraph) -> None:
    assert "tests" not in graph.modules
