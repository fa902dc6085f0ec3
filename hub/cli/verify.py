"""`hub verify`: prove the record of a stopped node without asking anybody, and put right what the record can put right."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import cyclopts
import msgspec
import structlog

from hub.cli.output import AsJson, json_line, say
from hub.cli.run import Config
from hub.errors import SettingsError, StoreError
from hub.node import office_of
from hub.settings import Settings, load
from hub.store import derived, journal, restoring
from hub.store import repair as store_repair
from hub.store.database import Database
from hub.store.journal import Problem
from hub.store.lock import NodeLock
from hub.wire import keys
from hub.wire import repair as wire_repair
from hub.wire.station import config_of

_Repair = Annotated[
    bool, cyclopts.Parameter(negative="", help="Make a damaged index again, and the nats store from the record.")
]
_FILLED = "thrown away; the next `hub run` fills it from the record, and peers take nothing twice"
_TO_DO = {
    "index": "Run `hub verify --repair`: an index is made again where its table is proved. If it stays, `hub restore`.",
    "stream": "Run `hub verify --repair`: the nats store is filled again from the record.",
    wire_repair.MORE: "Run `hub restore` with the newest backup: the node then reads its own stream before it sends.",
    "record": "Keep these files as they are, and bring the newest backup back with `hub restore`; peers hand back the rest.",
}


def verify(*, config: Config = Path("hub.toml"), repair: _Repair = False, as_json: AsJson = False) -> int:
    """Recompute the journal's chain, check every stored payload and signature, and hold the nats store against the record.

    With --repair what can be made again from the record is made again. Exit 1 names each place that does not hold.
    """
    settings = load(config)
    with _quiet(), NodeLock(settings.directory):
        found = _Report()
        found.look(settings, repair=repair)
    if as_json:
        json_line(found.as_json())
    else:
        found.tell(settings.place.upper())
    return 1 if found.problems else 0


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """What the server's start has to say is not the report."""
    before = structlog.get_config()
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    try:
        yield
    finally:
        structlog.configure(**before)


class _Report:
    """What does not hold, what was put right, and what could not be looked at."""

    def __init__(self) -> None:
        self.entries = 0
        self.problems: list[Problem] = []
        self.repaired: list[Problem] = []
        self.skipped: list[str] = []

    def look(self, settings: Settings, *, repair: bool) -> None:
        """The file, then the record in it, then the streams: each stands on the one before."""
        damaged = store_repair.file_problems(settings.database)
        if repair and store_repair.make_index_again(settings.database, damaged):
            self.repaired += damaged
            damaged = store_repair.file_problems(settings.database)
        self.problems += damaged
        try:
            with contextlib.closing(Database.open(settings.database)) as database:
                self._record(database, settings)
                if not self.problems:
                    self._streams(database, settings, repair=repair)
        except StoreError as error:
            if not self.problems:
                raise
            self.problems.append(Problem("database", "file", error.message))

    def _record(self, database: Database, settings: Settings) -> None:
        own = keys.load(settings.directory / "keys").sign.public
        self.problems += database.read_sync(journal.verify, {own})
        self.problems += database.read_sync(derived.verify)
        last = database.read_sync(journal.head)
        self.entries = last.n if last else 0

    def _streams(self, database: Database, settings: Settings, *, repair: bool) -> None:
        if not wire_repair.store_of(settings.directory).exists():
            return
        if database.read_sync(restoring.held):
            self.skipped.append("The node is held after a restore: its streams are read before it sends anything.")
            return
        try:
            different = asyncio.run(_look_at_streams(database, settings))
        except SettingsError as error:
            self.skipped.append(f"The nats store was not looked at: {error.message}")
            return
        if repair and different and not any(problem.code == wire_repair.MORE for problem in different):
            wire_repair.throw_away(settings.directory)
            self.repaired += different
        else:
            self.problems += different

    def as_json(self) -> dict[str, Any]:
        """One document."""
        return {
            "whole": not self.problems,
            "entries": self.entries,
            "problems": [msgspec.to_builtins(problem) for problem in self.problems],
            "repaired": [msgspec.to_builtins(problem) for problem in self.repaired],
            "skipped": self.skipped,
        }

    def tell(self, place: str) -> None:
        """In words: what was put right, what remains, and what to do about it."""
        for problem in self.repaired:
            say(f"✔ {problem}; {'it was made again from its table' if problem.code == 'index' else _FILLED}")
        for words in self.skipped:
            say(f"▲ {words}")
        for problem in self.problems:
            say(f"✕ {problem.where}: {problem.message}")
        say(f"{place}: {self.entries} entries, the {_what(self.problems)}whole.")
        for words in dict.fromkeys(_to_do(problem) for problem in self.problems):
            say(f"  {words}")


async def _look_at_streams(database: Database, settings: Settings) -> list[Problem]:
    own, office = keys.load(settings.directory / "keys"), office_of(settings)
    config = config_of(settings.directory, office, own, ("127.0.0.1", 0), settings.nats.max_bytes)
    return await wire_repair.look(database, office, config, own)


def _what(problems: list[Problem]) -> str:
    """What is whole or not: the streams are filled from the journal, and say nothing against it."""
    if not problems:
        return "journal is "
    if all(problem.where.startswith("stream") for problem in problems):
        return "journal is whole, the nats store is NOT "
    return "journal is NOT "


def _to_do(problem: Problem) -> str:
    if problem.code in _TO_DO:
        return _TO_DO[problem.code]
    return _TO_DO["stream" if problem.where.startswith("stream") else "record"]
