"""How a node comes into being on disk: settings, keys, certificate, database, first people and first peers.

These open the database directly and so take the node's lock; once a node runs, everything goes through its API.
"""

from __future__ import annotations

import contextlib
import dataclasses
import datetime as dt
import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from yarl import URL

from hub.desk.office import Office
from hub.desk.peers import accept_peer, agree
from hub.desk.people import add_person, first_person, issue_token
from hub.desk.sign_in import invite
from hub.errors import Conflict
from hub.node import founded_at, office_of, register_entry
from hub.rules.authority import Role
from hub.settings import load
from hub.store import people
from hub.store.database import Database
from hub.store.lock import NodeLock
from hub.store.upgrade import upgrade
from hub.wire import certificate, keys
from schemas.register import AgreementFile, RegisterEntry
from schemas.vocabulary import Lane, Tlp


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Founding:
    """What a new node's hub.toml says; `nats_port` 0 is chosen at the first start, `kev_url` is a mirror on this machine."""

    state: str
    exercise: bool = False
    name: str = ""
    web_port: int = 8100
    nats_port: int = 0
    kev_url: str | None = None
    hosts: tuple[str, ...] = ("localhost", "127.0.0.1")


@dataclasses.dataclass(frozen=True, slots=True)
class Seat:
    """A person to be added: the name they are called by, the name that is shown, one role."""

    handle: str
    name: str
    role: Role


def found(directory: Path, founding: Founding, now: dt.datetime) -> RegisterEntry:
    """Make a node in a new or empty `directory`. Raises Conflict when something lies there, SettingsError on bad values."""
    if directory.exists() and any(directory.iterdir()):
        raise Conflict(f"{directory} is not empty; a node is made in a new folder.")
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    config = directory / "hub.toml"
    config.write_text(_toml(founding), encoding="utf-8")
    settings = load(config)
    keys.make(directory / "keys")
    certificate.make(directory / "tls", founding.hosts, now)
    upgrade(settings.database)
    entry = register_entry(settings, founded_at(settings))
    _settle_on_disk(directory)
    return entry


def _settle_on_disk(directory: Path) -> None:
    """All that was made is on disk before anyone is told so: a node that lost its keys or its hub.toml is no node."""
    for path in (*directory.rglob("*"), directory, directory.parent):
        opened = os.open(path, os.O_RDONLY)
        try:
            os.fsync(opened)
        finally:
            os.close(opened)


@dataclasses.dataclass(frozen=True, slots=True)
class Keys:
    """What a person who was seated gets: a token of their own, and the link by which they choose a password."""

    token: str
    link: str


def seat(directory: Path, seats: Sequence[Seat], now: dt.datetime) -> dict[str, Keys]:
    """Add people to a node that does not run, the first of them as its founder, who must be an operator. By handle.

    Each token counts as made by the person themselves: whoever founds the node hands them out and keeps none.
    """
    made = {}
    with _opened(directory) as (database, office):
        first, *others = seats
        write = database.write_sync
        base = load(directory / "hub.toml").public_url.rstrip("/")
        founder = write(first_person, office, now, first.handle, first.name, (first.role,))
        people = [
            founder,
            *(write(add_person, office, founder, now, one.handle, one.name, (one.role,)) for one in others),
        ]
        for person in people:
            token = write(issue_token, office, person, now, person, "first")
            made[person.handle] = Keys(token, f"{base}/enrol/{write(invite, office, founder, now, person.id)}")
    return made


def introduce(directory: Path, operator: str, entries: Sequence[RegisterEntry], now: dt.datetime) -> None:
    """Make these nodes peers of one that does not run, each agreed up to AMBER+STRICT on all topics and lanes."""
    with _opened(directory) as (database, office):
        actor = database.read_sync(people.by_handle, operator)
        if actor is None:
            raise Conflict(f"There is no {operator} at this node.")
        for entry in entries:
            database.write_sync(accept_peer, office, actor, now, entry)
            database.write_sync(agree, office, actor, now, _everything(entry.place, now))


def _everything(place: str, now: dt.datetime) -> AgreementFile:
    return AgreementFile(
        peer=place,
        topics="*",
        ceiling=Tlp.AMBER_STRICT,
        lanes=(Lane.FLASH, Lane.ROUTINE),
        from_=now,
        redistribution=False,
    )


@contextlib.contextmanager
def _opened(directory: Path) -> Iterator[tuple[Database, Office]]:
    settings = load(directory / "hub.toml")
    with NodeLock(directory), contextlib.closing(Database.open(settings.database)) as database:
        yield database, office_of(settings)


def _toml(founding: Founding) -> str:
    lines = [
        f"state = {json.dumps(founding.state.upper())}",
        f'mode = "{"exercise" if founding.exercise else "live"}"',
        f"name = {json.dumps(founding.name)}",
        f'public_url = "http://localhost:{founding.web_port}"   # the address that readers and peers use',
        'contact = ""   # an address for /.well-known/security.txt and for the agencies whose feeds are fetched',
        "",
        "[web]",
        'host = "127.0.0.1"',
        f"port = {founding.web_port}",
        "",
        "[nats]",
        'host = "127.0.0.1"',
        f"port = {founding.nats_port}   # 0: chosen once and kept",
        "",
    ]
    if founding.kev_url:
        lines += ["[fetch]", 'contact = "demo@localhost"', f"allow = [{json.dumps(URL(founding.kev_url).host)}]", ""]
    lines += ["[sources.cisa-kev]", "enabled = true"]
    lines += [f"url = {json.dumps(founding.kev_url)}"] if founding.kev_url else []
    return "\n".join(lines) + "\n"
