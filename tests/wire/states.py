"""Whole states for the tests of the wire: a database, a desk with its people, keys and a station, on loopback."""

from __future__ import annotations

import asyncio
import dataclasses
import datetime as dt
import itertools
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from hub.desk.compose import Content, compose, update
from hub.desk.office import Office
from hub.desk.peers import accept_peer, agree
from hub.desk.people import add_person, first_person
from hub.desk.publish import Release, publish
from hub.desk.vet import approve, submit
from hub.desk.withdraw import withdraw
from hub.rules.authority import Role
from hub.rules.policy import DEFAULT
from hub.store import revisions
from hub.store.database import Database
from hub.store.people import Person
from hub.store.revision import Revision
from hub.store.upgrade import upgrade
from hub.wire import certificate, keys, ports
from hub.wire.station import Station
from schemas.bulletin import RoleAction
from schemas.register import AgreementFile, RegisterEntry, RegisterKey
from schemas.vocabulary import Certainty, KeyUse, Lane, Mode, Reason, Severity, Tlp, Topic, Urgency
from tests.wire.servers import NOW, Site

MODE = Mode.EXERCISE


class Clock:
    """Goes on by itself, and can be set forward."""

    def __init__(self) -> None:
        self._ahead = dt.timedelta()
        self._began = dt.datetime.now(dt.UTC)

    def __call__(self) -> dt.datetime:
        return NOW + (dt.datetime.now(dt.UTC) - self._began) + self._ahead

    def forward(self, by: dt.timedelta) -> None:
        self._ahead += by


@dataclasses.dataclass
class State:
    """One state's node without its pages."""

    place: str
    directory: Path
    keys: keys.Keys
    office: Office
    database: Database
    clock: Clock
    analyst: Person
    supervisor: Person
    operator: Person
    director: Person
    station: Station | None = None

    def entry(self, serial: int = 1) -> RegisterEntry:
        start = NOW - dt.timedelta(days=30)
        own = ((self.keys.sign, KeyUse.SIGN_EXERCISE), (self.keys.connect, KeyUse.CONNECT))
        return RegisterEntry(
            place=self.place, serial=serial, mode=MODE, name=self.place.upper(), origins=self.office.origins,
            keys=tuple(RegisterKey(public=key.public, use=use, from_=start) for key, use in own),
            nats_url=f"tls://127.0.0.1:{ports.keep(self.directory / 'nats', '127.0.0.1')}",
            tls_spki_sha256=certificate.own_pin(self.directory / "tls"), public_url=f"https://{self.place}.example.org",
        )  # fmt: skip

    @property
    def site(self) -> Site:
        """The running server, for a test that wants to dial it."""
        pin = certificate.own_pin(self.directory / "tls")
        return Site(self.place, self.directory, self.keys, pin, self.station._config)

    async def accept(self, other: RegisterEntry) -> None:
        await self.database.write(accept_peer, self.office, self.operator, self.clock(), other)

    async def agree(self, peer: str, **terms: object) -> None:
        wide = {"topics": "*", "ceiling": Tlp.AMBER_STRICT, "lanes": tuple(Lane), "from_": NOW - dt.timedelta(days=1)}
        file = AgreementFile(peer=peer, **(wide | terms))
        await self.database.write(agree, self.office, self.operator, self.clock(), file)

    async def release(self, headline: str = "Ice on the roads", **changed: object) -> Release:
        draft = await self.database.write(
            compose, self.office, self.analyst, self.clock(), content(headline, **changed)
        )
        return await self._vetted(draft)

    async def update(self, product_id: str, headline: str, **changed: object) -> Release:
        said = content(headline, **changed)
        draft = await self.database.write(update, self.office, self.analyst, self.clock(), product_id, said)
        return await self._vetted(draft)

    async def _vetted(self, draft) -> Release:
        write, office = self.database.write, self.office
        draft = await write(submit, office, self.analyst, self.clock(), draft.id, draft.version)
        draft = await write(approve, office, self.supervisor, self.clock(), draft.id, draft.version)
        if draft.bulletin.lane is Lane.FLASH:
            draft = await write(approve, office, self.director, self.clock(), draft.id, draft.version)
        return await write(publish, office, self.supervisor, self.clock(), draft.id, draft.version)

    async def withdraw(self, product_id: str) -> None:
        await self.database.write(withdraw, self.office, self.supervisor, self.clock(), product_id, Reason.ERROR)

    async def current(self, product_id: str) -> Revision | None:
        return await self.database.read(revisions.current, product_id)

    async def has(self, release: Release, within: float = 30) -> Revision:
        """Wait until this version is here and readable."""

        async def found() -> bool:
            here = await self.current(release.product_id)
            return here is not None and here.version >= release.version and here.readable

        await until(found, within)
        return await self.current(release.product_id)

    async def start(self) -> Station:
        self.station = Station(self.database, self.office, self.clock, directory=self.directory)
        await self.station.start()
        return self.station

    async def stop(self) -> None:
        station, self.station = self.station, None
        if station is not None:
            await station.stop()

    async def up(self) -> None:
        """Wait until the own server runs and the sender with it; peers may be away."""

        async def running() -> bool:
            return self.station.state.up

        await until(running)

    async def linked(self, within: float = 30) -> None:
        async def connected() -> bool:
            return self.station.state.up and all(each["state"] == "connected" for each in self.station.links().values())

        await until(connected, within)


def content(headline: str, **changed: object) -> Content:
    said = {
        "headline": headline, "text": "Buses leave an hour later.", "actions": (RoleAction("principal", "Tell parents."),),
        "topic": Topic.WEATHER, "tlp": Tlp.GREEN, "severity": Severity.MODERATE, "urgency": Urgency.EXPECTED,
        "certainty": Certainty.LIKELY, "expires": NOW + dt.timedelta(days=30),
    }  # fmt: skip
    return Content(**(said | changed))


def found(place: str, directory: Path) -> State:
    directory.mkdir(parents=True)
    own, clock = keys.make(directory / "keys"), Clock()
    certificate.make(directory / "tls", (), NOW)
    upgrade(directory / "hub.db")
    office = Office(
        mode=MODE, place=place, origins=(place,), policy=DEFAULT, key_id=own.sign.public, sign=own.sign.sign,
        entropy=secrets.token_bytes,
    )  # fmt: skip
    database = Database.open(directory / "hub.db")
    earlier = NOW - dt.timedelta(days=9)
    operator = database.write_sync(first_person, office, earlier, "operator", "O", (Role.OPERATOR,))
    named = {
        role: database.write_sync(add_person, office, operator, earlier, role.value, role.value, (role,))
        for role in (Role.ANALYST, Role.SUPERVISOR, Role.DIRECTOR)
    }
    return State(
        place, directory, own, office, database, clock, named[Role.ANALYST], named[Role.SUPERVISOR], operator,
        named[Role.DIRECTOR],
    )  # fmt: skip


@asynccontextmanager
async def network(directory: Path, *places: str, start: bool = True) -> AsyncIterator[list[State]]:
    """States that are each other's peers with wide agreements; all stations are stopped at the end."""
    states = [found(place, directory / place) for place in places]
    try:
        for state, other in itertools.permutations(states, 2):
            await state.accept(other.entry())
            await state.agree(other.place)
        if start:
            for state in states:
                await state.start()
            for state in states:
                await state.linked()
        yield states
    finally:
        for state in states:
            await state.stop()
            state.database.close()


async def until(reached: Callable[[], object], within: float = 30) -> None:
    """Wait until an asynchronous question is answered with yes."""
    async with asyncio.timeout(within):
        while not await reached():  # noqa: ASYNC110 - what is waited for lies in a database
            await asyncio.sleep(0.01)
