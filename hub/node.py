"""One node: builds the parts by hand, starts them in order and stops them in reverse."""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import importlib.metadata
import secrets
from collections.abc import Callable, Mapping
from typing import Any

import structlog
from aiohttp import web

from hub.desk import clock as desk_clock
from hub.desk.office import Office
from hub.errors import StoreError
from hub.intake import Intake
from hub.intake import SourceSettings
from hub.rules import policy as policies
from hub.settings import Settings
from hub.store.database import Database
from hub.store.lock import NodeLock
from hub.web.app import make_app
from hub.web.parts import Parts
from hub.wire import keys as node_keys
from hub.wire.station import Station
from schemas.places import PLACES
from schemas.register import RegisterEntry

log = structlog.get_logger("hub.node")

PARTS = ("web", "wire", "intake")
_TICK = 5.0
_SETTLE = 3.0


def utc_now() -> dt.datetime:
    """The node's only clock, handed to every part as an argument."""
    return dt.datetime.now(dt.UTC)


class Node:
    """A node with its parts. `start` comes back when everything chosen is up; `stop` may be called at any time after."""

    def __init__(self, settings: Settings, *, now: Callable[[], dt.datetime] = utc_now) -> None:
        self._settings = settings
        self._now = now
        self._ends = contextlib.AsyncExitStack()
        self._station: Station | None = None
        self._intake: Intake | None = None

    async def start(self, only: tuple[str, ...] = PARTS) -> None:
        """Start the chosen parts. Raises SettingsError or StoreError, after ending what had started."""
        try:
            await self._start(only)
        except BaseException:
            await self._ends.aclose()
            raise

    async def stop(self) -> None:
        """Stop the parts in reverse order; what was acknowledged is on disk already."""
        await self._ends.aclose()
