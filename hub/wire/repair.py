"""The streams of a stopped node held against its record, and thrown away where they do not fit (house law 3).

The node's own server is started on its store for the look, on a port of this machine that nobody knows, with no peer's key.
A stream is transport: what was thrown away the next `hub run` fills again from the record, as a new life of the stream.
"""

from __future__ import annotations

import asyncio
import dataclasses
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

from hub.desk.office import Office
from hub.store import outbox, repair
from hub.store.database import Database
from hub.store.journal import Problem
from hub.store.outbox import StreamState
from hub.wire import certificate
from hub.wire.broker import Broker, BrokerError, find_server
from hub.wire.bus import TROUBLE, Bus, Stream
from hub.wire.config import ServerConfig
from hub.wire.connection import Endpoint, NoLink, dial
from hub.wire.keys import Keys
from hub.wire.names import modes_of, stream_of
from hub.wire.ports import free
from schemas.vocabulary import Mode

MORE: Final = "more-than-the-record"  # never thrown away: it may be the only copy
_HOST: Final = "127.0.0.1"
_UP_WITHIN: Final = 30.0
_MOST: Final = 20  # told a stream; one is enough to fill it anew
_BEYOND: Final = 10_000  # messages looked at behind the last one that the record knows of


def store_of(directory: Path) -> Path:
    """Where a node's server keeps its streams."""
    return directory / "nats" / "jetstream"


async def look(database: Database, office: Office, config: ServerConfig, keys: Keys) -> list[Problem]:
    """What in the streams is not what the record says. Raises SettingsError without a server, BrokerError when one runs here."""
    alone = dataclasses.replace(config, host=_HOST, port=free(_HOST), peers={})
    broker = Broker(alone, find_server())
    await broker.start()
    try:
        async with asyncio.timeout(_UP_WITHIN):
            await broker.up.wait()
        return [each async for each in _differences(database, office, alone, keys)]
    except (TimeoutError, BrokerError, NoLink, *TROUBLE) as error:
        words = broker.error or str(error) or type(error).__name__
        return [Problem("streams", "server", f"the server does not answer on its store: {words}")]
    finally:
        await broker.stop()


def throw_away(directory: Path) -> None:
    """Remove the streams' store. The caller holds the node's lock, and no server runs."""
    shutil.rmtree(store_of(directory))


async def _differences(database: Database, office: Office, config: ServerConfig, keys: Keys) -> AsyncIterator[Problem]:
    url = f"tls://{_HOST}:{config.port}"
    connection = await dial(Endpoint(url, certificate.own_pin(config.tls), keys.hub, "_INBOX", "hub-verify"))
    try:
        bus = Bus(connection)
        for mode in modes_of(office.mode):
            known = await database.read(outbox.stream_state, stream_of(mode))
            if known is not None:
                async for each in _of_stream(database, bus, mode, known):
                    yield each
    finally:
        await connection.close()


async def _of_stream(database: Database, bus: Bus, mode: Mode, known: StreamState) -> AsyncIterator[Problem]:
    where = f"stream {stream_of(mode)}"
    stream = await bus.found(mode)
    if stream is None:
        yield Problem(where, "lost", "the server does not know it any more")
        return
    if stream.identity != known.identity:
        yield Problem(where, "another", "it is another one than the record filled")
        return
    if await _holds_more(database, bus, stream, known):
        yield Problem(where, MORE, "it holds messages that the record does not know: was the database set back?")
        return
    told = 0
    async for problem in _lacking(database, bus, mode, known):
        yield problem
        told += 1
        if told == _MOST:
            return


async def _lacking(database: Database, bus: Bus, mode: Mode, known: StreamState) -> AsyncIterator[Problem]:
    name, after = stream_of(mode), 0
    while page := await database.read(repair.lying, mode, known, after):
        for one in page:
            if not await bus.holds(name, one.sequence, one.subject, one.payload):
                yield Problem(
                    f"stream {name}", "message", f"message {one.sequence} on {one.subject} is not there as sent"
                )
        after = page[-1].id


async def _holds_more(database: Database, bus: Bus, stream: Stream, known: StreamState) -> bool:
    """Whether behind the last message that the record knows of lies one that it never made."""
    for sequence in range(known.sequence + 1, min(stream.last, known.sequence + _BEYOND) + 1):
        found = await bus.at(stream.name, sequence)
        if found is not None and not await database.read(repair.is_ours, *found):
            return True
    return False
