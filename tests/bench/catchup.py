"""catchup_rate: a backlog of signed bulletins, pulled from a real nats-server over TLS, verified and committed here.

It counts until all of it is readable: both lanes open. The yardstick writes the same payloads into a bare table and their
words into a bare FTS5 index, with one fsynced commit a batch, and verifies nothing.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import sqlite3
import time
from collections.abc import Sequence
from pathlib import Path

import msgspec
import sqlalchemy as sa

from hub.desk.office import Office
from hub.store.database import Tx
from hub.store.statement import statement
from hub.store.tables import revisions
from hub.wire.bus import Bus, Stored
from hub.wire.receiver import Receiver, endpoint_of
from schemas import envelope, stix
from schemas.bulletin import Bulletin, RoleAction, Stamp
from schemas.envelope import seal
from schemas.subjects import BulletinSubject
from schemas.vocabulary import Certainty, Severity, Tlp, Topic, Urgency
from tests.bench.figure import Figure, measured
from tests.bench.release import as_quiet_as_a_node, words
from tests.wire.servers import NOW, dialled
from tests.wire.states import MODE, State, network, until

BACKLOG = 9_000  # below what an agreement usually lets a peer send in a day
_BATCH = 512
_PUBLISHED = 300
_READABLE = statement(sa.select(sa.func.count()).select_from(revisions).where(revisions.c.readable == 1))

Signed = tuple[str, bytes, dict[str, str]]


async def run(place: Path) -> list[Figure]:
    """Fill the stream of one state while the other is away, then let the other one come."""
    as_quiet_as_a_node()
    async with network(place, "tx", "ok", start=False) as (tx, ok):
        backlog = [_signed(tx.office, number) for number in range(BACKLOG)]
        await tx.start()
        await tx.up()
        await _fill(tx, backlog)
        before = bare_rate(place / "before", backlog)
        took = await _caught_up(tx, ok)
        after = bare_rate(place / "after", backlog)
    bare = (before + after) / 2
    return [measured("catchup_rate", BACKLOG / took, "/s", ">= 4000 and >= 0.4x", yardstick=bare)]


async def _caught_up(tx: State, ok: State) -> float:
    """Seconds from the first dial until the whole backlog is readable at `ok`."""
    receiver = Receiver(
        ok.database, ok.office, ok.clock, tx.entry(), endpoint_of(tx.entry(), ok.office, ok.keys.connect)
    )

    async def connected() -> bool:
        return receiver.link.state == "connected"

    began = time.perf_counter()
    task = asyncio.create_task(receiver.run())
    try:
        await until(connected, within=120)
        took = time.perf_counter() - began
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    if (there := await ok.database.read(_readable)) != BACKLOG:
        raise RuntimeError(f"{there} of {BACKLOG} are readable")
    return took


def _readable(tx: Tx) -> int:
    return int(tx.all(_READABLE)[0][0])


async def _fill(tx: State, backlog: Sequence[Signed]) -> None:
    async with dialled(tx.site, tx.keys.hub) as connection:
        bus = Bus(connection)
        for start in range(0, len(backlog), _PUBLISHED):
            answers = await bus.publish(backlog[start : start + _PUBLISHED])
            if not all(isinstance(answer, Stored) for answer in answers):
                raise RuntimeError("the stream did not take the backlog")


def _signed(office: Office, number: int) -> Signed:
    bulletin = _bulletin(office, number)
    subject = str(BulletinSubject(MODE, office.place, bulletin.lane, "all", bulletin.tlp, bulletin.topic))
    sealed = seal(subject, stix.encode(bulletin), office.key_id, office.sign)
    return sealed.subject, sealed.payload, envelope.headers(sealed)


def _bulletin(office: Office, number: int) -> Bulletin:
    noise = hashlib.sha256(str(number).encode()).hexdigest()
    return Bulletin(
        mode=MODE, origin=office.place, seed=noise[:32], salt=noise[32:], created=NOW, modified=NOW, published=NOW,
        headline=f"EXERCISE: Recorded threat calls name rooms that do not exist, series {number}", text=words(number),
        topic=Topic.SWATTING, tlp=Tlp.GREEN, severity=Severity.SEVERE, urgency=Urgency.EXPECTED, certainty=Certainty.LIKELY,
        expires=NOW.replace(year=NOW.year + 1), actions=(RoleAction("front-office", "Write down the words and call 911."),),
        stamp=Stamp(f"{office.place.upper()}-EX-{NOW.year}-{number + 1:04d}", 1, NOW, ()),
    )  # fmt: skip


def bare_rate(place: Path, backlog: Sequence[Signed]) -> float:
    """Rows a second: the payload into one SQLite file and its words into FTS5 in another, a commit in each a batch."""
    place.mkdir()
    with _bare(place / "rows.db") as rows, _bare(place / "words.db") as words:
        rows.execute("CREATE TABLE rows (id INTEGER PRIMARY KEY, subject TEXT, payload BLOB)")
        words.execute("CREATE VIRTUAL TABLE words USING fts5 (headline, text, content='', detail=full)")
        told = [msgspec.json.decode(payload)["objects"][0] for _, payload, _ in backlog]
        began = time.perf_counter()
        for start in range(0, len(backlog), _BATCH):
            share = range(start, min(start + _BATCH, len(backlog)))
            _write(rows, "INSERT INTO rows VALUES (?, ?, ?)", [(n, *backlog[n][:2]) for n in share])
            said = [(n, told[n]["name"], told[n]["description"]) for n in share]
            _write(words, "INSERT INTO words (rowid, headline, text) VALUES (?, ?, ?)", said)
        return len(backlog) / (time.perf_counter() - began)


def _bare(path: Path) -> contextlib.closing[sqlite3.Connection]:
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    return contextlib.closing(connection)


def _write(connection: sqlite3.Connection, sql: str, rows: Sequence[tuple[object, ...]]) -> None:
    connection.execute("BEGIN IMMEDIATE")
    connection.executemany(sql, rows)
    connection.execute("COMMIT")
