"""Real nats-servers on loopback for the tests of the wire, each ended by the broker that started it."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from hub.wire import certificate, keys, ports
from hub.wire.broker import Broker, find_server
from hub.wire.config import ServerConfig
from hub.wire.connection import Connection, Endpoint, dial

NOW = dt.datetime(2026, 3, 2, 12, tzinfo=dt.UTC)


@dataclasses.dataclass(frozen=True)
class Site:
    """One state's wire on disk: keys, certificate and the configuration of its server."""

    place: str
    directory: Path
    keys: keys.Keys
    pin: str
    config: ServerConfig

    @property
    def url(self) -> str:
        return f"tls://127.0.0.1:{self.config.port}"

    def with_peers(self, **peers: str) -> Site:
        named = {place: (key,) for place, key in peers.items()}
        return dataclasses.replace(self, config=dataclasses.replace(self.config, peers=named))

    @property
    def log(self) -> str:
        return (self.config.directory / "server.log").read_text()


def site(directory: Path, place: str = "tx", streams: tuple[str, ...] = ("EXERCISE",)) -> Site:
    directory.mkdir(parents=True, exist_ok=True)
    own = keys.make(directory / "keys")
    pin = certificate.make(directory / "tls", (), NOW)
    config = ServerConfig(
        name=f"node-{place}",
        host="127.0.0.1",
        port=ports.keep(directory / "nats", "127.0.0.1"),
        directory=directory / "nats",
        tls=directory / "tls",
        streams=streams,
        store_bytes=1 << 30,
        hub=own.hub.public,
        peers={},
    )
    return Site(place, directory, own, pin, config)


@asynccontextmanager
async def serving(what: Site) -> AsyncIterator[Broker]:
    broker = Broker(what.config, find_server())
    await broker.start()
    try:
        await broker.up.wait()
        yield broker
    finally:
        await broker.stop()


@asynccontextmanager
async def dialled(what: Site, key: keys.Key, inbox: str = "_INBOX") -> AsyncIterator[Connection]:
    connection = await dial(Endpoint(what.url, what.pin, key, inbox, "test"))
    try:
        yield connection
    finally:
        await connection.close()


async def api(connection: Connection, call: str, body: object = None) -> dict[str, object]:
    """One JetStream call under its own name, so that a test can also make those that are not its business."""
    asked = b"" if body is None else json.dumps(body).encode()
    return json.loads((await connection.request(f"$JS.API.{call}", asked, timeout=2)).data)
