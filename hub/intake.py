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

from connectors.answer import Fetched, Parsed, Validators
from connectors.fetch import MAX_WAIT, Fetcher, Limits
from connectors.guard import Allow, Lookup
from connectors.source import AREAS, SOURCES, Source, advisory_id, changes, held, missing
from hub import metrics
from hub.desk.enqueue import Enqueued, enqueue, refold
from hub.desk.office import Office
from hub.errors import HubError, NotFound, SettingsError
from hub.store import queue
from hub.store import sources as store
from hub.store.database import Database, Tx
from hub.store.sources import SourceState
from schemas.bulletin import Advisory
from schemas.times import format_time

CHUNK = 400
MOST_SAID = 20
_JITTER = 0.1
_LONGEST_AGE = 3600.0
_REMEMBERED = dt.timedelta(days=7)  # what its source took away longer ago and names again is looked up one by one
_RANDOM = random.SystemRandom()
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
    """How one run went. `errors` counts what could not be read; `reason` is the first of them in words.

    `status`: changed; unchanged; partial (single entries could not be read); doubted (the answer was not whole, so
    nothing was taken away and it will be asked for again); unavailable (nothing could be read).
    """

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
    limits: Limits | None = None
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
        jitter: Callable[[], float] = _RANDOM.random,
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
        """Open the client and begin to poll what is enabled; the policy may have changed since what waits came in."""
        await self._database.write(refold, self._office)
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

    async def _given(self, name: str, state: SourceState, data: bytes, file: str) -> AsyncIterator[dict[str, Any]]:
        """A file given by hand says nothing of how the source does, but it may be older than what was fetched.

        So the validators go first: with them the next poll would find nothing changed.
        """
        forgotten = _validated(state, Validators())
        if forgotten != state:
            await self._save(name, forgotten)
        outcome = Outcome("unavailable")
        async for line in self._file(self._sources[name], data, file):
            if isinstance(line, Outcome):
                outcome = line
            else:
                yield line
        if outcome.new or outcome.updated or outcome.cancelled:
            await self._save(name, _counted(forgotten, outcome, self._clock()))
        yield _said(outcome)

    async def _fetched(self, name: str, state: SourceState) -> AsyncIterator[dict[str, Any]]:
        answer = await self._fetch(self._sources[name], state)
        outcome = Outcome(answer.status, errors=int(answer.status == "unavailable"), reason=answer.reason or None)
        if answer.status == "changed":
            async for line in self._file(self._sources[name], answer.body, ""):
                if isinstance(line, Outcome):
                    outcome = line
                else:
                    yield line
        await self._remember(name, state, answer, outcome)
        yield _said(outcome)

    async def _fetch(self, source: Source, state: SourceState) -> Fetched:
        if self._fetcher is None:
            return Fetched("unavailable", reason="fetch.contact is not set: sources are not asked without a contact.")
        get = functools.partial(self._fetcher.get, max_bytes=source.max_bytes)
        return await source.fetch(get, self._url(source), Validators(state.etag, state.last_modified, state.url))

    async def _file(self, source: Source, data: bytes, file: str) -> AsyncIterator[dict[str, Any] | Outcome]:
        """Read an answer and file what is new, in chunks of one commit each; the outcome comes last."""
        parsed = await asyncio.to_thread(source.parse, data, file)
        for error in parsed.errors[:MOST_SAID]:
            yield {"unreadable": {"error": error.error, "file": error.file, "item": error.item}}
        if not parsed.good:
            reason = parsed.errors[0].error if parsed.errors else "The answer holds nothing."
            yield Outcome("unavailable", errors=max(1, len(parsed.errors)), reason=reason)
            return
        news, outcome = await self._news(source, parsed)
        listed = {advisory.key for advisory in parsed.advisories}
        total = len(listed | {advisory.key for advisory in news})
        yield {"parsed": total, "done": total - len(news)}
        for start in range(0, len(news), CHUNK):
            chunk = news[start : start + CHUNK]
            filed = await self._database.write(enqueue, self._office, self._clock(), source.name, chunk)
            outcome = _added(outcome, filed)
            yield {"parsed": total, "done": total - len(news) + start + len(chunk)}
        yield outcome

    async def _news(self, source: Source, parsed: Parsed) -> tuple[list[Advisory], Outcome]:
        """What an answer adds, decided once over the whole of it, and the outcome as it stands before anything is filed."""
        known = await self._database.read(queue.known, source.name, self._clock() - _REMEMBERED)
        lost = missing(known, parsed) if source.snapshot and parsed.whole else []
        last = await self._database.read(_last, source.name, lost) if lost else {}
        news = changes(known, parsed, source.snapshot, last)
        doubts = [error.error for error in parsed.errors]
        if source.snapshot and (losses := held(known, parsed)):
            doubts.insert(0, losses)
        status = "changed" if news else "unchanged"
        if doubts:
            status = "partial" if parsed.whole and len(doubts) == len(parsed.errors) else "doubted"
        listed = {advisory.key for advisory in parsed.advisories}
        unchanged = len(listed) - sum(advisory.key in listed for advisory in news)
        reason = doubts[0] if doubts else None
        return news, Outcome(status, unchanged=unchanged, errors=len(doubts), reason=reason)

    # ------------------------------------------------------------------------------- what is remembered
    async def _remember(self, name: str, state: SourceState, answer: Fetched, outcome: Outcome) -> None:
        """Save how a fetch went, after all that it said is on disk."""
        metrics.FETCHES.labels(name, outcome.status).inc()
        now = self._clock()
        state = msgspec.structs.replace(state, tried_at=now, not_before=self._next(name, now, answer))
        if outcome.status == "unavailable":
            # A body that could not be read was not seen: it is asked for again in full.
            kept = state if answer.status == "unavailable" else _validated(state, Validators())
            await self._save(name, msgspec.structs.replace(kept, error=outcome.reason, failures=state.failures + 1))
            return
        metrics.SOURCE_LAST_GOOD.labels(name).set(now.timestamp())
        seen = Validators() if outcome.status == "doubted" else answer.validators
        # What was wrong with the last answer that was read is still wrong with it when it did not change.
        same = answer.status == "unchanged"
        error = outcome.reason if not same else None if state.failures else state.error
        good = msgspec.structs.replace(_validated(state, seen), good_at=now, error=error, failures=0)
        await self._save(name, good if same else _counted(good, outcome, now))

    async def _save(self, name: str, state: SourceState) -> None:
        await self._database.write(store.save, self._clock(), name, state)
        self._states[name] = state

    # ------------------------------------------------------------------------------------ the timetable
    async def _poll_all(self) -> None:
        async with asyncio.TaskGroup() as group:
            for name, choice in self._choices.items():
                if choice.enabled:
                    group.create_task(self._poll(name), name=f"poll {name}")

    async def _poll(self, name: str) -> None:
        while True:
            await asyncio.sleep(self._delay(name))
            try:
                await self.run_once(name)
            except Exception as error:  # noqa: BLE001 - whatever breaks here must not stop the other sources
                _log.exception("a source run failed", source=name)
                self._states[name] = self._broken(name, error)

    def _broken(self, name: str, error: Exception) -> SourceState:
        """The run broke before it could be remembered; this much is shown until the database takes writes again."""
        state, now = self._states.get(name, SourceState()), self._clock()
        reason = error.message if isinstance(error, HubError) else f"The run failed: {type(error).__name__}."
        later = self._next(name, now, Fetched("unavailable"))
        return msgspec.structs.replace(state, tried_at=now, not_before=later, error=reason, failures=state.failures + 1)

    def _delay(self, name: str) -> float:
        """Seconds until the next poll: what was remembered, also over a restart, but never far beyond the interval."""
        after = self._states.get(name, SourceState()).not_before
        start = _JITTER * min(self._every(name), 60.0) * self._jitter()
        return start if after is None else min(max((after - self._clock()).total_seconds(), start), MAX_WAIT)

    def _next(self, name: str, now: dt.datetime, answer: Fetched) -> dt.datetime:
        """Not before the interval, nor before what the server asked for; spread, so that states do not ask all at once."""
        age = min(answer.max_age or 0, _LONGEST_AGE)
        wait = max(self._every(name), float(answer.retry_after or 0), age)
        return now + dt.timedelta(seconds=wait * (1 + _JITTER * self._jitter()))

    def _every(self, name: str) -> float:
        choice = self._choices.get(name)
        return (choice and choice.every) or self._sources[name].every

    def _url(self, source: Source) -> str:
        choice = self._choices.get(source.name)
        return (choice and choice.url) or source.url.replace(AREAS, ",".join(self._areas()))

    def _areas(self) -> list[str]:
        """This state, and those whose advisories its policy wants to see."""
        office = self._office
        near = office.policy.relevance.neighbours - {office.place}
        return [place.upper() for place in (office.place, *sorted(near))]

    def _facts(self, source: Source, state: SourceState) -> dict[str, Any]:
        choice = self._choices.get(source.name)
        enabled = choice is not None and choice.enabled
        return {
            "name": source.name,
            "title": source.title,
            "enabled": enabled,
            "url": self._url(source),
            "every": self._every(source.name),
            "last_try": _time(state.tried_at),
            "last_good": _time(state.good_at),
            "last_change": _time(state.changed_at),
            "next_run": _time(state.not_before) if enabled else None,
            "failures": state.failures,
            "error": state.error,
            "counts": state.counts,
        }


def _fetcher(outside: Outside, clock: Callable[[], dt.datetime]) -> Fetcher | None:
    try:
        allow = Allow.of(outside.allow)
        if not outside.contact.strip():
            return None
        return Fetcher(
            contact=outside.contact,
            allow=allow,
            limits=outside.limits,
            tls=outside.tls,
            lookup=outside.lookup,
            clock=clock,
        )
    except ValueError as error:
        raise SettingsError(f"fetch: {error}") from error


def _last(tx: Tx, source: str, keys: Iterable[str]) -> dict[str, Advisory]:
    """The last known words of some advisories, by key."""
    return {row.key: row.advisory for row in queue.some(tx, [advisory_id(source, key) for key in keys]).values()}


def _added(outcome: Outcome, filed: Enqueued) -> Outcome:
    return dataclasses.replace(
        outcome,
        new=outcome.new + filed.new,
        updated=outcome.updated + filed.updated,
        cancelled=outcome.cancelled + filed.cancelled,
        unchanged=outcome.unchanged + filed.unchanged,
    )


def _counted(state: SourceState, outcome: Outcome, now: dt.datetime) -> SourceState:
    counts = {name: getattr(outcome, name) for name in ("new", "updated", "cancelled", "unchanged", "errors")}
    changed = now if outcome.new or outcome.updated or outcome.cancelled else state.changed_at
    return msgspec.structs.replace(state, counts=counts, changed_at=changed)


def _validated(state: SourceState, given: Validators) -> SourceState:
    return msgspec.structs.replace(state, etag=given.etag, last_modified=given.last_modified, url=given.url)


def _said(outcome: Outcome) -> dict[str, Any]:
    return {"result": dataclasses.asdict(outcome)}


def _time(moment: dt.datetime | None) -> str | None:
    return None if moment is None else format_time(moment)
