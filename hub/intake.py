"""Runs the connectors on their timetable: fetch, read in a thread, file at the desk, remember the validators.

One source that fails never stops the rest. Nothing that is imported is published by itself: it waits in the queue.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import datetime as dt
import functools
import random
import ssl
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from typing import Any, Protocol

import msgspec
import structlog

from connectors.answer import Fetched, Parsed, Unreadable, Validators
from connectors.fetch import Fetcher, Limits
from connectors.guard import Allow, Lookup
from connectors.source import SOURCES, Source, advisory_id, changes, held
from hub import metrics
from hub.desk.enqueue import enqueue
from hub.desk.office import Office
from hub.errors import HubError, NotFound, SettingsError
from hub.store import queue
from hub.store import sources as store
from hub.store.database import Database, Tx
from hub.store.sources import SourceState
from schemas.bulletin import Advisory
from schemas.times import format_time
from schemas.vocabulary import Action

CHUNK = 400
MOST_SAID = 20
_JITTER = 0.1
_LONGEST_AGE = 3600.0
_log = structlog.get_logger("hub.intake")


class Choice(Protocol):
    """What the settings say of one source; None means as the source itself proposes. `every` in seconds."""

    @property
    def enabled(self) -> bool:
        """Whether it is polled; one that is not can still be run by hand."""

    @property
    def url(self) -> str | None:
        """Another address, such as a mirror."""

    @property
    def every(self) -> float | None:
        """Seconds between two polls."""


@dataclasses.dataclass(frozen=True, slots=True)
class SourceSettings:
    """A plain `Choice`."""

    enabled: bool = True
    url: str | None = None
    every: float | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class Outcome:
    """How one run went. `errors` counts what could not be read; `reason` says why nothing was, or what was doubted."""

    status: str
    new: int = 0
    updated: int = 0
    cancelled: int = 0
    unchanged: int = 0
    errors: int = 0
    reason: str | None = None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Outside:
    """How the outside world is reached: the operator's contact, private networks that are allowed, and bounds."""

    contact: str = ""
    allow: Sequence[str] = ()
    limits: Limits = Limits()
    tls: ssl.SSLContext | None = None
    lookup: Lookup | None = None


class Intake:
    """The connectors of one node, on their timetable. `choices` names the sources that are polled."""

    def __init__(
        self,
        database: Database,
        office: Office,
        clock: Callable[[], dt.datetime],
        choices: Mapping[str, Choice],
        outside: Outside,
        *,
        sources: Mapping[str, Source] = SOURCES,
        jitter: Callable[[], float] = random.SystemRandom().random,
    ) -> None:
        if unknown := sorted(set(choices) - set(sources)):
            raise SettingsError(f"sources.{unknown[0]}: there is no such source; known: {', '.join(sorted(sources))}")
        self._database = database
        self._office = office
        self._clock = clock
        self._choices = choices
        self._sources = sources
        self._jitter = jitter
        self._fetcher = _fetcher(outside, clock)
        self._locks = {name: asyncio.Lock() for name in sources}
        self._states: dict[str, SourceState] = {}
        self._stack = contextlib.AsyncExitStack()
        self._polling: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Open the client and begin to poll what is enabled."""
        self._states = await self._database.read(store.states)
        if self._fetcher is not None:
            await self._stack.enter_async_context(self._fetcher)
        self._polling = asyncio.create_task(self._poll_all())

    async def stop(self) -> None:
        """Stop polling and close the client; a chunk that is being written is still committed."""
        if self._polling is not None:
            self._polling.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._polling
        await self._stack.aclose()

    def sources(self) -> list[dict[str, Any]]:
        """One mapping a source, for `GET /api/v1/sources`."""
        return [self._facts(source, self._states.get(source.name, SourceState())) for source in self._sources.values()]

    async def run_once(self, name: str, data: bytes | None = None, file: str = "") -> Outcome:
        """Run one source now to its end, reading `data` as its answer when given. NotFound: no such source."""
        outcome: dict[str, Any] = {}
        async for line in self.run(name, data, file):
            outcome = line.get("result", outcome)
        return Outcome(**outcome)

    async def run(self, name: str, data: bytes | None = None, file: str = "") -> AsyncIterator[dict[str, Any]]:
        """Run one source now, and say how it goes, a mapping a line.

        `{"unreadable": {"error", "file", "item"}}` (the first 20), `{"parsed": n, "done": m}` after every commit, at the
        end `{"result": Outcome}`. A second run of the same data writes nothing. NotFound: no source has this name.
        """
        if name not in self._sources:
            raise NotFound(f"There is no source {name!r}; known: {', '.join(sorted(self._sources))}.")
        async with self._locks[name]:
            state = await self._database.read(store.state, name)
            run = self._given(name, state, data, file) if data is not None else self._fetched(name, state)
            async for line in run:
                yield line

    # ---------------------------------------------------------------------------------------- one run
    async def _given(self, name: str, state: SourceState, data: bytes, file: str) -> AsyncIterator[dict[str, Any]]:
        # The validators speak of another answer than this one; with them the next poll might find nothing changed.
        forgotten = msgspec.structs.replace(state, etag=None, last_modified=None, url=None)
        if forgotten != state:
            await self._save(name, forgotten)
        async for line in self._file(name, forgotten, data, file):
            yield line

    async def _fetched(self, name: str, state: SourceState) -> AsyncIterator[dict[str, Any]]:
        answer = await self._fetch(self._sources[name], state)
        metrics.FETCHES.labels(name, answer.status).inc()
        now = self._clock()
        tried = msgspec.structs.replace(state, tried_at=now, not_before=self._next(name, now, answer))
        if answer.status == "changed":
            async for line in self._file(name, _validated(tried, answer.validators), answer.body, ""):
                yield line
        elif answer.status == "unchanged":
            # What was wrong with the last answer that was read is still wrong with it.
            error = None if state.failures else state.error
            await self._good(name, _validated(tried, answer.validators), error)
            yield _said(Outcome("unchanged"))
        else:
            yield _said(await self._bad(name, tried, Outcome("unavailable", errors=1, reason=answer.reason)))

    async def _fetch(self, source: Source, state: SourceState) -> Fetched:
        if self._fetcher is None:
            return Fetched("unavailable", reason="fetch.contact is not set: sources are not asked without a contact.")
        get = functools.partial(self._fetcher.get, max_bytes=source.max_bytes)
        return await source.fetch(get, self._url(source), Validators(state.etag, state.last_modified, state.url))

    async def _file(self, name: str, state: SourceState, data: bytes, file: str) -> AsyncIterator[dict[str, Any]]:
        """Read the answer, file what is new in chunks of one commit each; the validators go with the last one."""
        parsed = await asyncio.to_thread(self._sources[name].parse, data, file)
        for error in parsed.errors[:MOST_SAID]:
            yield {"unreadable": _plain(error)}
        if not parsed.advisories:
            reason = parsed.errors[0].error if parsed.errors else "The answer holds nothing."
            refused = Outcome("unavailable", errors=max(1, len(parsed.errors)), reason=reason)
            unseen = _validated(state, Validators())
            yield _said(await self._bad(name, unseen, refused))
            return
        news, doubt = await self._news(name, parsed)
        outcome = _before(parsed, news, doubt)
        state = _judged(state, parsed, doubt)
        total = len(parsed.advisories) + sum(advisory.action is Action.CANCEL for advisory in news)
        yield {"parsed": total, "done": total - len(news)}
        for start in range(0, len(news), CHUNK):
            chunk = news[start : start + CHUNK]
            done = await self._database.write(enqueue, self._office, self._clock(), name, chunk)
            outcome = _added(outcome, done)
            yield {"parsed": total, "done": total - len(news) + start + len(chunk)}
        counts = {key: getattr(outcome, key) for key in ("new", "updated", "cancelled", "unchanged", "errors")}
        await self._good(name, msgspec.structs.replace(state, counts=counts), outcome.reason, changed=bool(news))
        yield _said(outcome)
