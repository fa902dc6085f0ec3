"""release_p50 and release_rate: `POST .../publish` of approved drafts over real HTTP, until the durable answer.

The node listens in this process, its clients run in another one, and the record lies on the disk of `place`. Two peers have
agreements, so that each release also signs and queues a copy for them.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import http.client
import json
import logging
import random
import sqlite3
import statistics
import sys
import threading
import time
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from urllib.parse import urlsplit

import msgspec
import structlog
from aiohttp import web

from hub.desk import compose, peers, vet
from hub.desk.content import Content
from hub.desk.office import Office
from hub.store.database import Tx
from hub.store.people import Person
from hub.web.app import make_app
from hub.web.listener import make_runner
from schemas.bulletin import Area, RoleAction
from schemas.register import AgreementFile
from schemas.vocabulary import Certainty, Lane, Severity, Tlp, Topic, Urgency
from tests.bench.figure import Figure, measured
from tests.web.house import MONDAY, House, office, register_entry

ALONE, TOGETHER, CLIENTS, PEERS = 300, 2_000, 32, ("ok", "oh")
_WARM = 50
_WORDS = 160
_VOCABULARY = 4_000


async def run(place: Path) -> list[Figure]:
    """One client for the latency, 32 for the rate, and a bare SQLite commit of the same payload beside each."""
    as_quiet_as_a_node()
    house = House.found(place / "hub.db", office())
    house = house.copied(place / "node.db")
    try:
        for peer in PEERS:
            _befriend(house, peer)
        drafts = [_approved(house, number) for number in range(_WARM + ALONE + TOGETHER)]
        async with _listening(house) as url:
            await _ask(url, house, drafts[:_WARM], 1)
            bare = await asyncio.to_thread(commits, place / "before.db", ALONE)
            alone, _ = await _ask(url, house, drafts[_WARM : _WARM + ALONE], 1)
            bare += await asyncio.to_thread(commits, place / "after.db", ALONE)
            _, took = await _ask(url, house, drafts[_WARM + ALONE :], CLIENTS)
    finally:
        house.database.close()
    commit = statistics.median(bare)
    return [
        measured("release_p50", statistics.median(alone) * 1000, "ms", "<= 6x", yardstick=commit * 1000),
        measured("release_rate", TOGETHER / took, "/s", ">= 1500", yardstick=1 / commit),
    ]


def as_quiet_as_a_node() -> None:
    """Log what a running node logs, and nothing for each request."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.INFO))


def commits(path: Path, number: int) -> list[float]:
    """Seconds of each bare commit of a row of 3 KB: SQLite, write-ahead log, synchronous=FULL."""
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("CREATE TABLE rows (id INTEGER PRIMARY KEY, payload BLOB)")
        found = []
        for each in range(number):
            began = time.perf_counter()
            connection.execute("BEGIN IMMEDIATE")
            connection.execute("INSERT INTO rows (payload) VALUES (?)", (bytes([each % 256]) * 3_000,))
            connection.execute("COMMIT")
            found.append(time.perf_counter() - began)
        return found


def _befriend(house: House, place: str) -> None:
    write, operator = house.database.write_sync, house.people["operator"]
    entry = register_entry(office(place), name=place)
    write(peers.accept_peer, house.office, operator, MONDAY, entry)
    terms = AgreementFile(peer=place, topics="*", ceiling=Tlp.AMBER, lanes=tuple(Lane), from_=MONDAY)
    write(peers.agree, house.office, operator, MONDAY, terms)


def _approved(house: House, number: int) -> tuple[str, int]:
    """A draft that only waits for its release: its id, and the version that its releaser sees."""
    return house.database.write_sync(
        approved, house.office, house.people["analyst"], house.people["supervisor"], number
    )


def approved(tx: Tx, at: Office, author: Person, second: Person, number: int) -> tuple[str, int]:
    """The whole way up to the last approval, in one transaction."""
    draft = compose.compose(tx, at, author, MONDAY, _content(number))
    draft = vet.submit(tx, at, author, MONDAY, draft.id, draft.version)
    draft = vet.approve(tx, at, second, MONDAY, draft.id, draft.version)
    return draft.id, draft.version


def words(number: int) -> str:
    """A text of a thousand letters, another one for each number; common words come more often, as in any language."""
    spun = random.Random(number)
    return " ".join(f"w{int(_VOCABULARY ** spun.random()):04d}" for _ in range(_WORDS))


def _content(number: int) -> Content:
    return Content(
        headline=f"Recorded threat calls name rooms that do not exist, series {number}", text=words(number),
        actions=(RoleAction("front-office", "Write down the exact words and call 911."),), topic=Topic.SWATTING,
        tlp=Tlp.CLEAR, severity=Severity.SEVERE, urgency=Urgency.EXPECTED, certainty=Certainty.LIKELY,
        expires=MONDAY.replace(day=20), areas=(Area("TX", "48453"),),
    )  # fmt: skip


@contextlib.asynccontextmanager
async def _listening(house: House) -> AsyncIterator[str]:
    runner = make_runner(make_app(house.parts()))
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


# --------------------------------------------------------------------------------------------- the clients
@dataclasses.dataclass(frozen=True)
class Order:
    """What the clients' process is told to do."""

    url: str
    token: str
    clients: int
    drafts: Sequence[tuple[str, int]]


async def _ask(url: str, house: House, drafts: Sequence[tuple[str, int]], clients: int) -> tuple[list[float], float]:
    """Let another process publish these; the seconds of each request, and of all."""
    order = Order(url, house.tokens["supervisor"], clients, drafts)
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.bench.release", stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    said, _ = await child.communicate(msgspec.json.encode(order))
    if child.returncode:
        raise RuntimeError("a client failed; it said why above")
    told = json.loads(said)
    return told["each"], told["all"]


def _clients(order: Order) -> None:
    shares = [order.drafts[number :: order.clients] for number in range(order.clients)]
    each: list[float] = []
    threads = [threading.Thread(target=_one, args=(order, share, each)) for share in shares]
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    took = time.perf_counter() - began
    if len(each) != len(order.drafts):
        raise SystemExit("not everything was released")
    sys.stdout.write(json.dumps({"each": each, "all": took}))


def _one(order: Order, drafts: Sequence[tuple[str, int]], each: list[float]) -> None:
    link = http.client.HTTPConnection(urlsplit(order.url).netloc)
    headers = {"Authorization": f"Bearer {order.token}", "Content-Type": "application/json"}
    for which, seen in drafts:
        body = json.dumps({"version": seen})
        began = time.perf_counter()
        link.request("POST", f"/api/v1/bulletins/{which}/publish", body, headers)
        answer = link.getresponse()
        said = answer.read()
        each.append(time.perf_counter() - began)
        if answer.status != 200:
            raise SystemExit(said.decode())
    link.close()


if __name__ == "__main__":
    _clients(msgspec.json.decode(sys.stdin.buffer.read(), type=Order))
