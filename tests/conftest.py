"""What every room's tests share: hypothesis profiles and the files that lie beside the repository."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import settings

SHARED = Path(__file__).resolve().parents[2] / "shared"

# Every clone runs the same examples; `pytest --hypothesis-profile=hunt` looks for new ones.
settings.register_profile("steady", deadline=None, derandomize=True, print_blob=True)
settings.register_profile("hunt", deadline=None, max_examples=2000, print_blob=True)
settings.load_profile("steady")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--kills", type=int, default=200, help="how many kill -9 the crash journey makes")
    parser.addoption("--cuts", type=int, default=20, help="how many power cuts the store goes through")


def pytest_configure(config: pytest.Config) -> None:
    """Nodes and commands that tests start keep their compiled modules, whatever the caller's environment says of it."""
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "tests/journeys/" in item.nodeid:
            item.add_marker(pytest.mark.xdist_group("journeys"))


def beside(variable: str, name: str) -> Path:
    folder = Path(os.environ.get(variable) or SHARED / name)
    if not folder.is_dir():
        pytest.skip(f"no folder {name} beside the repository; let {variable} name it")
    return folder


@pytest.fixture(scope="session")
def recordings() -> Path:
    """Answers of the federal sources as they were served, a folder a source."""
    return beside("HUB_RECORDINGS", "recordings")


@pytest.fixture(scope="session")
def standards() -> Path:
    """Schemas that others wrote, as judges."""
    return beside("HUB_STANDARDS", "standards")
