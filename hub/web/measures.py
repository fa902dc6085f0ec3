"""What /metrics reads from the record and from the node's parts at the moment it is asked."""

from __future__ import annotations

import datetime as dt
import platform
from collections.abc import Mapping
from typing import Any

from hub import metrics
from hub.errors import StoreError
from hub.store import journal
from hub.store.database import Tx
from hub.web import door
from hub.web.parts import Parts
from schemas.times import parse_time


async def measure(node: Parts) -> None:
    """Set every gauge that is not set as things happen. What cannot be read keeps its last value, and `hub_database_up` is 0."""
    metrics.BUILD.labels(node.version, platform.python_version(), node.office.place, node.mode.value).set(1)
    metrics.READ_ONLY.set(node.database.read_only)
    _links(node.links())
    for source in node.sources():
        _source(source)
    try:
        entries, waiting, oldest = await node.database.read(_record)
    except StoreError:
        metrics.DATABASE_UP.set(0)
        return
    metrics.DATABASE_UP.set(1)
    metrics.JOURNAL.set(entries)
    metrics.OUTBOX.set(waiting)
    waited = dt.timedelta() if oldest is None else node.clock() - parse_time(oldest)
    metrics.OUTBOX_OLDEST.set(max(waited.total_seconds(), 0))


def _record(tx: Tx) -> tuple[int, int, str | None]:
    last = journal.head(tx)
    return (last.n if last else 0, *door.unsent(tx))


def _links(links: Mapping[str, Mapping[str, Any]]) -> None:
    """A peer that is none any more is not counted any more."""
    for gauge in (metrics.PEER_STATE, metrics.PEER_BEHIND, metrics.PEER_LAST_MESSAGE):
        gauge.clear()
    for place, link in links.items():
        for state in metrics.LINK_STATES:
            metrics.PEER_STATE.labels(place, state).set(link.get("state") == state)
        metrics.PEER_BEHIND.labels(place).set(link.get("behind") or 0)
        if isinstance(last := link.get("last_message"), dt.datetime):
            metrics.PEER_LAST_MESSAGE.labels(place).set(last.timestamp())


def _source(source: Mapping[str, Any]) -> None:
    name = str(source.get("name", ""))
    if not source.get("enabled", True):
        return
    metrics.SOURCE_FAILURES.labels(name).set(source.get("failures") or 0)
    if last := source.get("last_good"):
        metrics.SOURCE_LAST_GOOD.labels(name).set(parse_time(last).timestamp())
