from __future__ import annotations

import contextlib

import pytest

from schemas.vocabulary import Mode
from tests.desk.house import folder, open_desk


@pytest.fixture
def desks():
    """Opens desks of states; all are closed again."""
    with folder() as within, contextlib.ExitStack() as stack:

        def make(place="tx", mode=Mode.LIVE):
            desk = open_desk(within, place, mode)
            stack.callback(desk.database.close)
            return desk

        yield make


@pytest.fixture
def tx(desks):
    return desks("tx")


@pytest.fixture
def ok(desks):
    return desks("ok")
