"""One node a test, live or exercise, on a loopback port."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from schemas.vocabulary import Mode
from tests.web.house import House, office


@pytest.fixture(scope="session")
def founded(tmp_path_factory: pytest.TempPathFactory) -> dict[Mode, House]:
    folder = tmp_path_factory.mktemp("founded")
    return {mode: House.found(folder / f"{mode}.db", office(mode=mode)) for mode in Mode}


@pytest.fixture
async def house(tmp_path: Path, founded: dict[Mode, House]) -> AsyncIterator[House]:
    """A live node of Texas with one person a role."""
    made = await founded[Mode.LIVE].copied(tmp_path / "hub.db").open()
    yield made
    await made.close()


@pytest.fixture
async def drill(tmp_path: Path, founded: dict[Mode, House]) -> AsyncIterator[House]:
    """The same as an exercise node."""
    made = await founded[Mode.EXERCISE].copied(tmp_path / "hub.db").open()
    yield made
    await made.close()
