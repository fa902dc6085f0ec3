"""A whole node for the benches: founded on disk, stocked through its desk or in signed batches, run as a process of its own."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import datetime as dt
import itertools
import signal
import socket
import sys
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

from hub.cli.founding import Founding, found
from hub.desk import compose, publish, vet
from hub.desk import people as accounts
from hub.desk.content import Content
from hub.desk.office import Office
from hub.node import office_of, utc_now
from hub.rules.authority import Role
from hub.settings import load
from hub.store import people
from hub.store.database import Database
from schemas.bulletin import Area, RoleAction
from schemas.vocabulary import Certainty, Severity, Tlp, Topic, Urgency

FEED = "/feeds/bulletins.rss"
_WEEK = dt.timedelta(days=7)
_START = 30.0


@dataclasses.dataclass(frozen=True, slots=True)
class Site:
    """A node on disk; `tokens` by handle."""

    folder: Path
    port: int
    tokens: dict[str, str]

    @contextlib.contextmanager
    def opened(self) -> Iterator[tuple[Database, Office]]:
        """Its database, while it does not run."""
        settings = load(self.folder / "hub.toml")
        with contextlib.closing(Database.open(settings.database)) as database:
            yield database, office_of(settings)

    @contextlib.asynccontextmanager
    async def running(self, *only: str) -> AsyncIterator[int]:
        """The node as a process that answers; its pid."""
        command = ["-m", "hub", "run", "--config", str(self.folder / "hub.toml")]
        async with served(self.port, *command, *(["--only", ",".join(only)] if only else [])) as (pid, _):
            yield pid


def founded(folder: Path) -> Site:
    """A live node of Texas with an analyst and a supervisor."""
    port = free_port()
    found(folder, Founding(state="TX", name="Bench", web_port=port), utc_now())
    site = Site(folder, port, {})
    with site.opened() as (database, office):
        seated(database, office, site.tokens)
    return site


def seated(database: Database, office: Office, tokens: dict[str, str]) -> None:
    """An operator, an analyst and a supervisor since a week ago, each with a token of their own making."""
    write, then = database.write_sync, utc_now() - _WEEK
    operator = write(accounts.first_person, office, then, "operator", "The operator", (Role.OPERATOR,))
    seats = [operator]
    for role in (Role.ANALYST, Role.SUPERVISOR):
        seats.append(write(accounts.add_person, office, operator, then, role.value, f"The {role}", (role,)))  # noqa: PERF401 - each is a commit
    for person in seats:
        tokens[person.handle] = write(accounts.issue_token, office, person, then, person, "bench")


def content(number: int) -> Content:
    """One of many public bulletins, of the size that such bulletins have."""
    return Content(
        headline=f"Recorded threat calls name rooms that do not exist ({number})",
        text=f"Front offices report the same recorded call, number {number}.\n\n"
        + "Police checked each building. " * 20,
        actions=(RoleAction("front-office", "Write down the exact words & call 911."),) * 2,
        topic=list(Topic)[number % len(Topic)],
        tlp=Tlp.CLEAR,
        severity=Severity.SEVERE,
        urgency=Urgency.EXPECTED,
        certainty=Certainty.LIKELY,
        expires=utc_now() + _WEEK,
        areas=(Area("TX", "48453"),),
    )


class Stocker:
    """Releases bulletins at an opened desk, as its people would."""

    def __init__(self, database: Database, office: Office) -> None:
        self._database, self._office = database, office
        self._numbers = itertools.count(1)
        self._analyst = database.read_sync(people.by_handle, "analyst")
        self._supervisor = database.read_sync(people.by_handle, "supervisor")

    async def ready(self) -> tuple[str, int]:
        """A draft with its last approval: its id and version."""
        write, office = self._database.write, self._office
        draft = await write(compose.compose, office, self._analyst, utc_now(), content(next(self._numbers)))
        draft = await write(vet.submit, office, self._analyst, utc_now(), draft.id, draft.version)
        draft = await write(vet.approve, office, self._supervisor, utc_now(), draft.id, draft.version)
        return draft.id, draft.version

    async def release(self) -> None:
        """One bulletin from nothing to released."""
        await self.publish(*await self.ready())

    async def publish(self, which: str, version: int) -> None:
        """Release an approved draft."""
        await self._database.write(publish.publish, self._office, self._supervisor, utc_now(), which, version)


async def stocked(site: Site, number: int) -> None:
    """Release so many at a node that does not run."""
    with site.opened() as (database, office):
        stocker = Stocker(database, office)
        for _ in range(number):
            await stocker.release()


@contextlib.asynccontextmanager
async def served(port: int, *command: str) -> AsyncIterator[tuple[int, float]]:
    """A Python process that serves the feed, from when it first answered; its pid and the seconds that took."""
    began = time.perf_counter()
    process = await asyncio.create_subprocess_exec(sys.executable, *command, stdout=asyncio.subprocess.DEVNULL)
    try:
        await _answered(port, process)
        yield process.pid, time.perf_counter() - began
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(signal.SIGTERM)
        await process.wait()


async def _answered(port: int, process: asyncio.subprocess.Process) -> None:
    async with asyncio.timeout(_START):
        while not (await asked(port)).startswith(b"HTTP/1.1 200 "):
            if process.returncode is not None:
                raise RuntimeError(f"the process ended with {process.returncode} before it answered")
            await asyncio.sleep(0.005)


async def asked(port: int, *headers: str) -> bytes:
    """The whole answer to one GET of the feed, b"" when nobody listens."""
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return b""
    lines = (f"GET {FEED} HTTP/1.1", "Host: localhost", "Connection: close", *headers)
    writer.write("\r\n".join((*lines, "", "")).encode())
    try:
        return await reader.read()
    finally:
        writer.close()


def free_port() -> int:
    """A port that nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
