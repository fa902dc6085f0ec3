"""rerender: from the signal that something was committed to the feed's new body, before gzip; beside feedgen writing the same items whole.

The node's parts run in this process, as its web room has them. A release makes each change.
"""

from __future__ import annotations

import statistics
import time
from pathlib import Path

from connectors.feeds import rss
from hub.node import utc_now
from hub.rules.release import Exit, Public
from hub.web import door, feeds
from hub.web.door import Asking
from hub.web.parts import Parts
from hub.web.query import Filter
from hub.web.shelf import Shelf
from tests.bench.figure import Figure, measured
from tests.bench.site import Stocker, founded
from tests.web.house import Clock, House

ITEMS, CHANGES = 100, 60


async def run(place: Path) -> list[Figure]:
    """The medians over many changes of a feed of 100 items."""
    return await measure(place, ITEMS, CHANGES)


async def measure(place: Path, items: int, changes: int) -> list[Figure]:
    """As `run`, of these sizes."""
    site = founded(place / "node")
    with site.opened() as (database, office):
        stocker = Stocker(database, office)
        for _ in range(items):
            await stocker.release()
        node = House(database, office, Clock()).parts(clock=utc_now)
        shelf = Shelf(node)
        wanted = feeds.Wanted("rss", Public(), node.mode, Filter(limit=items), f"{node.public_url}/feeds/bulletins")
        took = [await _change(node, shelf, wanted, stocker) for _ in range(changes)]
        whole = [await _whole(node, wanted) for _ in range(max(3, changes // 10))]
    speed = statistics.median(whole) / statistics.median(took)
    value, yardstick = 1 / statistics.median(took), 1 / statistics.median(whole)
    reason = f"{statistics.median(took) * 1000:.2f} ms beside {statistics.median(whole) * 1000:.1f} ms, {speed:.0f}x"
    return [measured("rerender", value, "/s", ">= 100x", yardstick=yardstick, reason=reason)]


async def _change(node: Parts, shelf: Shelf, wanted: feeds.Wanted, stocker: Stocker) -> float:
    """Seconds from the signal of one release to the body that holds it."""

    async def make() -> tuple[bytes, str]:
        return await feeds.render(node, shelf, wanted)

    before = await shelf.body(wanted, make)
    draft = await stocker.ready()
    generation = node.database.changed.generation
    await stocker.publish(*draft)
    await node.database.changed.after(generation)
    began = time.perf_counter()
    after = await shelf.body(wanted, make)
    took = time.perf_counter() - began
    if after.data == before.data:
        raise RuntimeError("the release is not in the feed")
    return took


async def _whole(node: Parts, wanted: feeds.Wanted) -> float:
    """Seconds that feedgen takes for the same items and head."""
    found = await door.newest(node, Asking(Exit.RSS, wanted.reader, wanted.mode), wanted.filter)
    entries = [feeds.entry_of(node, leaving) for leaving in found.items]
    began = time.perf_counter()
    generator = rss._generator(feeds._channel(node, wanted, found), rss._RSS_TYPE)
    for entry in entries:
        generator.add_entry(rss._rss_entry(entry), order="append")
    generator.rss_str()
    return time.perf_counter() - began
