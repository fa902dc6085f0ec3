"""How a node comes into being on disk: settings, keys, certificate, database, first people and first peers.

These open the database directly and so take the node's lock; once a node runs, everything goes through its API.
"""

from __future__ import annotations

import contextlib
import dataclasses
import datetime as dt
import json
import secrets
from collections.abc import Iterator
from pathlib import Path

from hub.desk.office import Office
from hub.desk.peers import accept_peer, agree
from hub.desk.people import add_person as add_person_verb
from hub.desk.people import first_person, issue_token
from hub.errors import Conflict
from hub.node import office_of, register_entry
from hub.settings import Settings, load
from hub.store.database import Database
from hub.store.lock import NodeLock
from hub.store.upgrade import upgrade
from hub.wire import certificate, keys
from schemas.register import AgreementFile, RegisterEntry
from schemas.vocabulary import Lane, Tlp


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Founding:
    """What a new node's hub.toml says; ports 0 are chosen at the first start, `kev_url` is a mirror of that source."""

    state: str
    exercise: bool = False
    name: str = ""
    web_port: int = 8100
    nats_port: int = 0
    kev_url: str | None = None
    hosts: tuple[str, ...] = ("localhost", "127.0.0.1")


def found(directory: Path, founding: Founding, now: dt.datetime) -> RegisterEntry:
    """Make a node in a new or empty `directory`. Raises Conflict when something lies there, SettingsError on bad values."""
    if directory.exists() and any(directory.iterdir()):
        raise Conflict(f"{directory} is not empty; a node is made in a new folder.")
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    (directory / "hub.toml").write_text(_toml(founding), encoding="utf-8")
    settings = load(directory / "hub.toml")
    keys.make(directory / "keys")
    certificate.make(directory / "tls", founding.hosts, now)
    upgrade(settings.database)
    return register_entry(settings)
