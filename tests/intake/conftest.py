"""A real database, a desk and a source of the outside world on loopback."""

from __future__ import annotations

import asyncio
import datetime as dt
import os
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from nacl.signing import SigningKey

from connectors.fetch import Limits
from hub.desk.office import Office
from hub.intake import Intake, Outside, SourceSettings
from hub.rules import policy
from hub.store.database import Database
from hub.store.upgrade import upgrade
from schemas.keys import encode_public
from schemas.vocabulary import Mode
from tests.connectors.federal.made import catalogue, vulnerability
from tests.connectors.server import Server, serving

QUICK = Limits(total=5, connect=2, silence=2, attempts=1, wait_initial=0.01, wait_max=0.02)


class Clock:
    """A clock that stands still until it is told."""

    def __init__(self) -> None:
        self.now = dt.datetime(2031, 2, 3, 12, tzinfo=dt.UTC)

    def __call__(self) -> dt.datetime:
        return self.now


class Agency:
    """What the agency serves now, with honest validators; `status` other than 200 is an outage."""

    def __init__(self) -> None:
        self.body = catalogue(vulnerability(1), vulnerability(2))
        self.status = 200
        self.headers: dict[str, str] = {}
        self.slow = False
        self.server = Server()

    @property
    def url(self) -> str:
        return self.server.url("/kev.json")

    @property
    def asked(self) -> list[web.BaseRequest]:
        return self.server.asked

    async def answer(self, request: web.Request) -> web.Response:
        if self.slow:
            await asyncio.sleep(30)
        if self.status != 200:
            return web.Response(status=self.status, headers=self.headers)
        etag = f'"{hash(self.body)}"'
        if request.headers.get("If-None-Match") == etag:
            return web.Response(status=304, headers=self.headers)
        return web.Response(body=self.body, headers={"ETag": etag, **self.headers})


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    upgrade(tmp_path / "hub.db")
    with Database.open(tmp_path / "hub.db") as opened:
        yield opened


@pytest.fixture
def office() -> Office:
    key = SigningKey.generate()
    return Office(
        mode=Mode.EXERCISE,
        place="tx",
        origins=("tx",),
        policy=policy.DEFAULT,
        key_id=encode_public("A", bytes(key.verify_key)),
        sign=lambda data: key.sign(data).signature,
        entropy=os.urandom,
    )


@pytest.fixture
async def agency() -> AsyncIterator[Agency]:
    made = Agency()
    async with serving(made.answer) as server:
        made.server = server
        yield made


@pytest.fixture
async def intake(database: Database, office: Office, clock: Clock, agency: Agency) -> AsyncIterator[Callable[..., Any]]:
    """Starts intakes that ask the agency; by default nothing is polled, so that a test says when."""
    started: list[Intake] = []

    async def start(**given: Any) -> Intake:
        choices = given.pop("choices", {"cisa-kev": SourceSettings(enabled=False, url=agency.url)})
        outside = given.pop("outside", Outside(contact="desk@example.org", allow=("127.0.0.1",), limits=QUICK))
        made = Intake(database, office, given.pop("clock", clock), choices, outside, jitter=lambda: 0.5, **given)
        await made.start()
        started.append(made)
        return made

    yield start
    for each in started:
        await each.stop()
