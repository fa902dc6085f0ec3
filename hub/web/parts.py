"""What the node hands to its web: plain values and callables, so that web knows nothing of the broker or of intake."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Any, Protocol

from aiohttp import web

from hub.desk.office import Office
from hub.store.database import Database
from hub.store.search import Search
from schemas.register import RegisterEntry
from schemas.vocabulary import Mode


class RunSource(Protocol):
    """Fetches one source, or reads `data` as its answer, and files what is new; yields progress, one mapping a line.

    The last mapping is the outcome. Raises `hub.errors.NotFound` before the first line when no source has this name.
    """

    def __call__(self, name: str, data: bytes | None) -> AsyncIterator[Mapping[str, Any]]:
        """Start the run."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """Everything that a handler may use.

    `public_url` is the base of every absolute address, without a slash at its end. `links()` gives per peer place
    the state of the link (a mapping with at least `state`); `sources()` one mapping a source; `readiness()` says of
    each part beside the database "ok" or, in words, what is wrong. `peers_changed()` is called after a commit that
    changed who may have what. `search` is the index, None where this process keeps none. `zone` is an IANA
    time zone for pages. `issued` is a fixed time for empty feeds.
    """

    database: Database
    office: Office
    clock: Callable[[], dt.datetime]
    state_name: str
    title: str
    public_url: str
    contact: str
    version: str
    links: Callable[[], Mapping[str, Mapping[str, Any]]]
    sources: Callable[[], Sequence[Mapping[str, Any]]]
    register_entry: Callable[[], RegisterEntry]
    readiness: Callable[[], Mapping[str, str]]
    peers_changed: Callable[[], None]
    run_source: RunSource
    search: Search | None = None
    zone: str = "UTC"
    issued: dt.datetime = dt.datetime(2024, 1, 1, tzinfo=dt.UTC)

    @property
    def mode(self) -> Mode:
        """Whether this node is real."""
        return self.office.mode

    @property
    def exercise(self) -> bool:
        """Whether nothing that this node says is real."""
        return self.office.mode is Mode.EXERCISE


PARTS = web.AppKey("PARTS", Parts)


def parts(request: web.Request) -> Parts:
    """The parts of the node that answers this request."""
    return request.app[PARTS]
