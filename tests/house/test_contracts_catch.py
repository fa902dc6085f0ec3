"""Each import contract catches a violation: one is planted in a copy of the tree and must be named."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.house.linter import contracts, lint
from tests.house.tree import PACKAGES, ROOT

# (contract, what is planted: file and the lines added to it)
PLANTED: list[tuple[str, dict[str, str]]] = [
    ("packages", {"connectors/planted.py": "import hub.errors"}),
    ("packages", {"schemas/planted.py": "import connectors"}),
    ("rooms", {"hub/store/planted.py": "import hub.desk"}),
    ("rooms", {"hub/web/planted.py": "import hub.wire"}),
    ("rooms", {"hub/errors.py": "import hub.settings"}),
    ("rooms", {"hub/desk/planted.py": "from hub import node"}),
    ("rooms", {"hub/unlisted.py": "ROOM = 'in no layer'"}),
    ("door-stix2", {"hub/web/planted.py": "import stix2"}),
    ("door-stix2", {"schemas/planted.py": "def late():\n    from stix2 import parse"}),
    ("door-feedgen", {"hub/web/planted.py": "from feedgen.feed import FeedGenerator"}),
    ("door-nats", {"hub/intake.py": "import nats.aio.client"}),
    ("door-sqlalchemy", {"hub/desk/planted.py": "from sqlalchemy import select"}),
    ("door-sqlalchemy", {"hub/web/planted.py": "import sqlite3"}),
    ("door-sqlalchemy", {"hub/cli/planted.py": "import alembic.command"}),
    ("rules-pure", {"hub/rules/planted.py": "import hub.store"}),
    ("rules-pure", {"hub/rules/planted.py": "import connectors.source"}),
    ("rules-pure", {"hub/rules/planted.py": "import pydantic"}),
    ("rules-pure", {"hub/rules/planted.py": "import hub.errors", "hub/errors.py": "import socket"}),
    ("clock", {"hub/desk/planted.py": "from time import time"}),
    ("clock", {"hub/rules/planted.py": "import secrets"}),
    ("desk-sync", {"hub/desk/planted.py": "import aiohttp"}),
    ("desk-sync", {"hub/store/planted.py": "import hub.metrics", "hub/metrics.py": "import nats"}),
    ("schemas-pure", {"schemas/planted.py": "import asyncio"}),
    ("parsers-pure", {"connectors/federal/planted.py": "from aiohttp import ClientSession"}),
    ("parsers-pure", {"connectors/feeds/planted.py": "import socket"}),
]


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    for package in PACKAGES:
        leave_out = shutil.ignore_patterns("__pycache__", "static", "templates")
        shutil.copytree(ROOT / package, tmp_path / package, ignore=leave_out)
    return tmp_path


@pytest.mark.parametrize(("contract", "plant"), PLANTED, ids=lambda each: str(each).replace("/", "."))
def test_a_planted_violation_is_named(copy: Path, contract: str, plant: dict[str, str]) -> None:
    for file, lines in plant.items():
        with (copy / file).open("a", encoding="utf-8") as planted:
            planted.write(f"\n{lines}\n")
    code, verdicts, said = lint(copy, contract)
    assert verdicts == {contracts()[contract]: "BROKEN"}, said
    assert code == 1, said


def test_no_contract_goes_without_a_planted_violation() -> None:
    assert {contract for contract, _ in PLANTED} == set(contracts())
