"""a2b_p50 and a2b_p99: from the call that releases at A to the answer of B's feed that holds it. Both fsync; the link is TLS.

B is a process of its own, as a peer's node is: it waits for its own commits and reads its own feed over HTTP after each. Both
clocks are the machine's monotonic one. The yardstick is what such a way is made of at least: a bare commit, a message through
JetStream to a consumer over TLS, and another commit.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import secrets
import sqlite3
import statistics
import sys
import time
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import aiohttp
import uvloop
from aiohttp import web
from nats.js.api import StorageType, StreamConfig

from hub.desk.compose import compose
from hub.desk.office import Office
from hub.desk.publish import publish
from hub.desk.vet import approve, submit
from hub.rules.policy import DEFAULT
from hub.store.database import Database
from hub.web.app import make_app
from hub.web.listener import make_runner
from hub.wire import keys
from hub.wire.station import Station
from schemas.vocabulary import Tlp
from tests.bench.figure import Figure, measured
from tests.bench.release import as_quiet_as_a_node, words
from tests.web.house import House
from tests.wire.servers import dialled
from tests.wire.states import MODE, Clock, State, content, network, until

RELEASES = 300
_WARM = 20
_BETWEEN = 0.03  # a node does not release without a pause
_READY = "ready"


async def run(place: Path) -> list[Figure]:
    """Release one after the other at A, and ask B's process when each was in its feed."""
    as_quiet_as_a_node()
    async with network(place, "tx", "ok", start=False) as (tx, ok):
        drafts = [await _approved(tx, number) for number in range(_WARM + RELEASES)]
        ok.database.close()
        await tx.start()
        await tx.up()
        async with _other_process(ok.directory) as child:
            bare = await _bare_ways(tx, place)
            took = await _measured(tx, child, drafts)
            bare += await _bare_ways(tx, place)
    took = sorted(took[_WARM:])
    p50, p99 = statistics.median(took), took[int(len(took) * 0.99)]
    bare.sort()
    return [
        measured("a2b_p50", p50 * 1000, "ms", "<= 5", yardstick=statistics.median(bare) * 1000),
        measured("a2b_p99", p99 * 1000, "ms", "<= 15", yardstick=bare[int(len(bare) * 0.99)] * 1000),
    ]


async def _approved(tx: State, number: int) -> tuple[str, int]:
    said = content(f"Recorded threat calls, series {number}", text=words(number), tlp=Tlp.CLEAR)
    draft = await tx.database.write(compose, tx.office, tx.analyst, tx.clock(), said)
    draft = await tx.database.write(submit, tx.office, tx.analyst, tx.clock(), draft.id, draft.version)
    draft = await tx.database.write(approve, tx.office, tx.supervisor, tx.clock(), draft.id, draft.version)
    return draft.id, draft.version


async def _measured(tx: State, child: asyncio.subprocess.Process, drafts: Sequence[tuple[str, int]]) -> list[float]:
    took = []
    for draft, seen in drafts:
        began = time.monotonic()
        released = await tx.database.write(publish, tx.office, tx.supervisor, tx.clock(), draft, seen)
        async with asyncio.timeout(10):
            told = json.loads(await child.stdout.readline())
        if told["product"] != released.product_id:
            raise RuntimeError(f"{told['product']} came instead of {released.product_id}")
        took.append(told["at"] - began)
        await asyncio.sleep(_BETWEEN)
    return took


@contextlib.asynccontextmanager
async def _other_process(directory: Path) -> AsyncIterator[asyncio.subprocess.Process]:
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.bench.a2b",
        str(directory),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(30):
            while _READY not in (line := (await child.stdout.readline()).decode()):
                if not line:
                    raise RuntimeError("the other node did not come up")
        yield child
    finally:
        child.stdin.close()
        await child.wait()


async def _bare_ways(tx: State, place: Path) -> list[float]:
    """Seconds of: a commit, a message through a stream on disk to a consumer's callback, a commit."""
    found = []
    async with dialled(tx.site, tx.keys.hub) as giving, dialled(tx.site, tx.keys.hub) as taking:
        js = giving.jetstream()
        await js.add_stream(StreamConfig(name="BARE", subjects=["bare.>"], storage=StorageType.FILE))
        got: asyncio.Queue[bytes] = asyncio.Queue()

        async def take(message) -> None:
            await got.put(message.data)
            await message.ack()

        with _bare(place / "from.db") as here, _bare(place / "to.db") as there:
            await taking.jetstream().subscribe("bare.>", cb=take, durable="bare", manual_ack=True)
            for _ in range(RELEASES // 2):
                payload = secrets.token_bytes(3_000)
                began = time.monotonic()
                here.execute("INSERT INTO rows (payload) VALUES (?)", (payload,))
                await js.publish("bare.one", payload)
                there.execute("INSERT INTO rows (payload) VALUES (?)", (await got.get(),))
                found.append(time.monotonic() - began)
                await asyncio.sleep(_BETWEEN / 3)
        await js.delete_stream("BARE")
    return found


def _bare(path: Path) -> contextlib.closing[sqlite3.Connection]:
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("CREATE TABLE IF NOT EXISTS rows (id INTEGER PRIMARY KEY, payload BLOB)")
    return contextlib.closing(connection)


# ------------------------------------------------------------------------------------------ the other node
async def _node(directory: Path) -> None:
    """The state `ok`: its station, its pages, and a reader of its feed who is told of each commit. Ends with its stdin."""
    as_quiet_as_a_node()
    own = keys.load(directory / "keys")
    office = Office(
        mode=MODE, place="ok", origins=("ok",), policy=DEFAULT, key_id=own.sign.public, sign=own.sign.sign,
        entropy=secrets.token_bytes,
    )  # fmt: skip
    clock = Clock()
    with contextlib.closing(Database.open(directory / "hub.db")) as database:
        station = Station(database, office, clock, directory=directory)
        await station.start()
        runner = make_runner(make_app(House(database, office, clock).parts(public_url="http://localhost")))
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        watching = asyncio.create_task(_watch(database, station, f"http://127.0.0.1:{runner.addresses[0][1]}"))
        try:
            await asyncio.to_thread(sys.stdin.read)
        finally:
            watching.cancel()
            await asyncio.gather(watching, return_exceptions=True)
            await runner.cleanup()
            await station.stop()


async def _watch(database: Database, station: Station, url: str) -> None:
    async def linked() -> bool:
        return station.state.up and all(each["state"] == "connected" for each in station.links().values())

    await until(linked)
    _say(_READY)
    seen = ""
    async with aiohttp.ClientSession() as session:
        while True:
            generation = database.changed.generation
            async with session.get(f"{url}/feeds/bulletins.json?limit=1") as answer:
                items = (await answer.json(content_type=None))["items"]
            at = time.monotonic()
            product = items[0]["url"].rpartition("/")[2] if items else ""
            if product != seen:
                seen = product
                _say(json.dumps({"product": product, "at": at}))
            await database.changed.after(generation, 1)


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    uvloop.run(_node(Path(sys.argv[1])))
