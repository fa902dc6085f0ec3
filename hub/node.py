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

from hub.desk import clock
from hub.desk.office import Office
from hub.errors import HubError, SettingsError, StoreError
from hub.intake import Intake, Outside
from hub.rules import policy as policies
from hub.settings import Settings
from hub.store.database import Database
from hub.store.search import Search
from hub.web.app import make_app
from hub.web.listener import make_runner
from hub.web.parts import Parts
from hub.wire import certificate, keys, ports
from hub.wire.station import Station
from schemas.places import PLACES
from schemas.register import RegisterEntry, RegisterKey
from schemas.vocabulary import KeyUse, Mode

PARTS = ("web", "wire", "intake")
_TICK = 2.0
_SETTLE = 3.0
_log = structlog.get_logger("hub.node")


def utc_now() -> dt.datetime:
    """The node's only clock, handed to every part as an argument."""
    return dt.datetime.now(dt.UTC)


def office_of(settings: Settings) -> Office:
    """The desk of this node: its policy file, its signing key, the machine's randomness. SettingsError names what lacks."""
    signing = keys.load(settings.directory / "keys").sign
    return Office(
        mode=settings.mode,
        place=settings.place,
        origins=settings.origins,
        policy=_policy(settings),
        key_id=signing.public,
        sign=signing.sign,
        entropy=secrets.token_bytes,
    )


def _policy(settings: Settings) -> policies.Policy:
    path = settings.directory / "policy.toml"
    if not path.exists():
        return policies.DEFAULT
    try:
        return policies.parse(path.read_bytes())
    except ValueError as error:
        raise SettingsError(f"{path}: {error}") from error


def register_entry(settings: Settings, founded: dt.datetime) -> RegisterEntry:
    """What this node tells its peers of itself; it holds no secret. `founded` is when its keys came into use."""
    own = keys.load(settings.directory / "keys")
    use = KeyUse.SIGN_LIVE if settings.mode is Mode.LIVE else KeyUse.SIGN_EXERCISE
    listed = [(own.sign, use), (own.connect, KeyUse.CONNECT)]
    if own.root is not None:
        listed.append((own.root, KeyUse.ROOT))
    port = ports.keep(settings.directory / "nats", settings.nats.host, settings.nats.port)
    return RegisterEntry(
        place=settings.place,
        serial=1,
        mode=settings.mode,
        name=settings.title,
        origins=settings.origins,
        keys=tuple(RegisterKey(public=key.public, use=one, from_=founded) for key, one in listed),
        nats_url=settings.nats.address or f"tls://{settings.nats.host}:{port}",
        tls_spki_sha256=certificate.own_pin(settings.directory / "tls"),
        public_url=settings.base_url,
    )


def founded_at(settings: Settings) -> dt.datetime:
    """When the node's keys were made, by the whole second."""
    made = (settings.directory / "keys" / "sign.nk").stat().st_mtime
    return dt.datetime.fromtimestamp(int(made), dt.UTC)


class Node:
    """A node with its parts. `start` comes back when everything chosen is up; `stop` ends it, at any time after."""

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

    async def _start(self, only: tuple[str, ...]) -> None:
        office = office_of(self._settings)
        database = Database.open(self._settings.database)
        self._ends.callback(database.close)
        if "wire" in only:
            await self._start_wire(database, office)
        if "intake" in only:
            await self._start_intake(database, office)
        if "web" in only:
            await self._start_web(database, office)
        ticking = asyncio.create_task(self._tick(database, office))
        self._ends.push_async_callback(_ended, ticking)

    async def _start_wire(self, database: Database, office: Office) -> None:
        settings = self._settings
        self._station = Station(
            database, office, self._now,
            directory=settings.directory, host=settings.nats.host, port=settings.nats.port,
            max_bytes=settings.nats.max_bytes,
        )  # fmt: skip
        await self._station.start()
        self._ends.push_async_callback(self._station.stop)
        # What was withdrawn while we were away is known before anybody can read here, if the peers answer at all.
        await self._station.settled(_SETTLE)

    async def _start_intake(self, database: Database, office: Office) -> None:
        fetch = self._settings.fetch
        outside = Outside(contact=fetch.contact or self._settings.contact, allow=fetch.allow)
        self._intake = Intake(database, office, self._now, self._settings.sources, outside)
        await self._intake.start()
        self._ends.push_async_callback(self._intake.stop)

    async def _start_web(self, database: Database, office: Office) -> None:
        search = Search.open(self._settings.database.with_name("search.db"), database)
        self._ends.callback(search.close)
        self._ends.push_async_callback(_ended, asyncio.create_task(search.follow()))
        app = make_app(self._parts(database, office, search))
        runner = make_runner(app, per_address=self._settings.web.per_address)
        await runner.setup()
        self._ends.push_async_callback(runner.cleanup)
        host, port = self._settings.web.host, self._settings.web.port
        try:
            await web.TCPSite(runner, host, port).start()
        except OSError as error:
            raise SettingsError(f"web.port: {host}:{port} cannot be used: {error.strerror}. Choose another.") from error
        _log.info("listening", url=self._settings.base_url, mode=self._settings.mode)

    def _parts(self, database: Database, office: Office, search: Search) -> Parts:
        settings, founded = self._settings, founded_at(self._settings)
        return Parts(
            database=database,
            office=office,
            clock=self._now,
            state_name=PLACES[settings.place].name,
            title=settings.title,
            public_url=settings.base_url,
            contact=settings.contact,
            version=importlib.metadata.version("school-safety-hub"),
            links=lambda: self._station.links() if self._station else {},
            sources=lambda: self._intake.sources() if self._intake else [],
            register_entry=lambda: register_entry(settings, founded),
            readiness=self._readiness,
            peers_changed=lambda: self._station.peers_changed() if self._station else None,
            run_source=self._run_source,
            search=search,
            zone=settings.local_zone,
        )

    def _readiness(self) -> Mapping[str, str]:
        return {"nats": (self._station.error or "ok") if self._station else "not run by this process"}

    def _run_source(self, name: str, data: bytes | None) -> Any:
        if self._intake is None:
            raise HubError("This process runs no connectors (hub run --only).", code="no-intake")
        return self._intake.run(name, data)

    async def _tick(self, database: Database, office: Office) -> None:
        """What time alone changes: expiry, agreements that begin or end, signed journal heads (house law 2), each by itself."""
        while True:
            await asyncio.sleep(_TICK)
            for verb in clock.VERBS:
                try:
                    await database.write(verb, office, self._now())
                except StoreError as error:
                    _log.error("a verb of the clock failed", verb=verb.__name__, error=error.message)
                except Exception as error:  # noqa: BLE001 - whatever one verb meets, time goes on and the others are asked
                    _log.error("a verb of the clock failed", verb=verb.__name__, exc_info=error)


async def _ended(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
