"""A desk for tests: a real database file, real keys, a clock that is told."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime as dt
import functools
import hashlib
import itertools
import os
import sqlite3
import tempfile
from collections.abc import Iterator
from pathlib import Path

from nacl.signing import SigningKey

from hub.desk import compose, people, publish, vet
from hub.desk.content import Content
from hub.desk.office import Office
from hub.desk.peers import accept_peer, agree
from hub.desk.receive import Arrival
from hub.rules.authority import Role
from hub.rules.policy import DEFAULT
from hub.store import outbox
from hub.store.bulletins import Draft
from hub.store.database import Database
from hub.store.people import Person
from hub.store.upgrade import upgrade
from schemas.bulletin import RoleAction
from schemas.envelope import seal
from schemas.keys import encode_public
from schemas.register import AgreementFile, RegisterEntry, RegisterKey
from schemas.subjects import BulletinSubject, parse
from schemas.vocabulary import (
    Certainty,
    KeyUse,
    Lane,
    Mode,
    Severity,
    Tlp,
    Topic,
    Urgency,
)

NOW = dt.datetime(2026, 11, 23, 15, 0, tzinfo=dt.UTC)
DAY = dt.timedelta(days=1)
LONG_AGO = NOW - 30 * DAY


def key_of(place: str, use: str = "sign") -> SigningKey:
    return SigningKey(f"{place}-{use}".encode().ljust(32, b"."))


class Noise:
    """Bytes that never repeat."""

    def __init__(self, place: str) -> None:
        self._counter = itertools.count()
        self._place = place

    def __call__(self, size: int) -> bytes:
        return hashlib.shake_128(f"{self._place} {next(self._counter)}".encode()).digest(size)


def office_of(place: str, mode: Mode = Mode.LIVE) -> Office:
    key = key_of(place)
    return Office(
        mode=mode,
        place=place,
        origins=(place,),
        policy=DEFAULT,
        key_id=encode_public("A", key.verify_key.encode()),
        sign=lambda message: key.sign(message).signature,
        entropy=Noise(place),
    )


def entry_of(place: str, mode: Mode = Mode.LIVE, serial: int = 1) -> RegisterEntry:
    use = KeyUse.SIGN_LIVE if mode is Mode.LIVE else KeyUse.SIGN_EXERCISE
    start = LONG_AGO
    return RegisterEntry(
        place=place,
        serial=serial,
        mode=mode,
        name=f"{place} center",
        origins=(place,),
        keys=(
            RegisterKey(public=encode_public("A", key_of(place).verify_key.encode()), use=use, from_=start),
            RegisterKey(
                public=encode_public("U", key_of(place, "connect").verify_key.encode()),
                use=KeyUse.CONNECT,
                from_=start,
            ),
        ),
        public_url="https://localhost",
    )


def agreement_for(peer: str, **changes) -> AgreementFile:
    given = {
        "peer": peer,
        "topics": "*",
        "ceiling": Tlp.AMBER,
        "lanes": (Lane.FLASH, Lane.ROUTINE),
        "from_": LONG_AGO,
        **changes,
    }
    return AgreementFile(**given)


def content(**changes) -> Content:
    given = {
        "headline": "Calls with a recorded voice",
        "text": "Several schools were called this morning.",
        "actions": (RoleAction("principal", "Keep the number and call the police."),),
        "topic": Topic.SWATTING,
        "tlp": Tlp.GREEN,
        "severity": Severity.SEVERE,
        "urgency": Urgency.IMMEDIATE,
        "certainty": Certainty.LIKELY,
        "expires": NOW + 7 * DAY,
        **changes,
    }
    return Content(**given)


@dataclasses.dataclass
class Desk:
    """One state's desk with four people."""

    database: Database
    office: Office
    analyst: Person
    other: Person
    supervisor: Person
    director: Person
    operator: Person

    def write(self, verb, *args, **kwargs):
        return self.database.write_sync(verb, self.office, *args, **kwargs)

    def read(self, query, *args, **kwargs):
        return self.database.read_sync(query, *args, **kwargs)

    def compose(self, now=NOW, **changes) -> Draft:
        return self.write(compose.compose, self.analyst, now, content(**changes))

    def approved(self, draft: Draft, now=NOW) -> Draft:
        draft = self.write(vet.submit, self.analyst, now, draft.id, draft.version)
        draft = self.write(vet.approve, self.supervisor, now, draft.id, draft.version)
        if draft.bulletin.lane is Lane.FLASH:
            draft = self.write(vet.approve, self.director, now, draft.id, draft.version)
        return draft

    def release(self, draft: Draft, now=NOW) -> publish.Release:
        draft = self.approved(draft, now)
        return self.write(publish.publish, self.supervisor, now, draft.id, draft.version)

    def publish(self, now=NOW, **changes) -> publish.Release:
        return self.release(self.compose(now, **changes), now)

    def update(self, product_id: str, now=NOW, **changes) -> publish.Release:
        said = content(**changes) if changes else None
        draft = self.write(compose.update, self.analyst, now, product_id, said)
        return self.release(draft, now)

    def befriend(self, *places: str, now=NOW, **changes) -> None:
        for place in places:
            self.write(accept_peer, self.operator, now, entry_of(place, self.office.mode))
            self.write(agree, self.operator, now, agreement_for(place, **changes))

    def outgoing(self):
        return self.read(outbox.pending, 10_000)

    def arrivals(self, to: str) -> list[Arrival]:
        """What waits in the outbox for a peer, as its receiver would hand it over."""
        return [arrival_of(one) for one in self.outgoing() if one.to in (None, to)]


def arrival_of(one) -> Arrival:
    subject = parse(one.subject)
    lane = subject.lane if isinstance(subject, BulletinSubject) else Lane.FLASH
    return Arrival(one.subject, one.payload, one.key, one.signature, None, lane)


@functools.cache
def empty() -> bytes:
    """A database file at the newest schema; migrating once a run is enough."""
    with tempfile.TemporaryDirectory() as folder:
        upgrade(Path(folder) / "hub.db")
        with contextlib.closing(sqlite3.connect(Path(folder) / "hub.db")) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return (Path(folder) / "hub.db").read_bytes()


@contextlib.contextmanager
def folder() -> Iterator[Path]:
    """A folder in memory where there is one: what an fsync costs is proved elsewhere."""
    memory = Path("/dev/shm")  # noqa: S108 - a folder of our own is made in it
    within = str(memory) if os.access(memory, os.W_OK) else None
    with tempfile.TemporaryDirectory(dir=within) as made:
        yield Path(made)


def open_desk(folder: Path, place: str = "tx", mode: Mode = Mode.LIVE) -> Desk:
    path = folder / f"{place}.db"
    path.write_bytes(empty())
    database = Database.open(path)
    office = office_of(place, mode)
    operator = database.write_sync(people.first_person, office, LONG_AGO, "operator", "The operator", [Role.OPERATOR])
    made = {
        handle: database.write_sync(people.add_person, office, operator, LONG_AGO, handle, handle.title(), [role])
        for handle, role in {
            "analyst": Role.ANALYST,
            "other": Role.ANALYST,
            "supervisor": Role.SUPERVISOR,
            "director": Role.DIRECTOR,
        }.items()
    }
    return Desk(database=database, office=office, operator=operator, **made)


def signed(place: str, subject: str, payload: bytes, key: SigningKey | None = None) -> Arrival:
    """A copy that anybody with this key could send."""
    key = key or key_of(place)
    sealed = seal(
        subject,
        payload,
        encode_public("A", key.verify_key.encode()),
        lambda message: key.sign(message).signature,
    )
    return Arrival(sealed.subject, sealed.payload, sealed.key, sealed.signature)
