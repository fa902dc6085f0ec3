"""One node a test, live or exercise, on a loopback port."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from schemas.vocabulary import Mode
from tests.web.house import House, office


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    """A live node of Texas with one person a role."""
    made = await House.found(tmp_path, office()).open()
    yield made
    await made.close()


@pytest.fixture
async def drill(tmp_path: Path) -> AsyncIterator[House]:
    """The same as an exercise node."""
    made = await House.found(tmp_path, office(mode=Mode.EXERCISE)).open()
    yield made
    await made.close()
