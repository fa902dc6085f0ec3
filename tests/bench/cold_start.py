"""cold_start: a node's process from its start to its first feed answered, beside aiohttp alone serving the same bytes."""

from __future__ import annotations

import statistics
from pathlib import Path

from tests.bench.figure import Figure, measured
from tests.bench.site import Site, asked, founded, free_port, served, stocked

ITEMS, TIMES = 100, 5


async def run(place: Path) -> list[Figure]:
    """The medians of several starts of either, by turns."""
    return await measure(place, ITEMS, TIMES)


async def measure(place: Path, items: int, times: int) -> list[Figure]:
    """`items` in the feed; `times` starts of each."""
    site = founded(place / "node")
    await stocked(site, items)
    feed = await bytes_of(site, place / "feed.rss")
    whole, bare = [], []
    for _ in range(times):
        port = free_port()
        async with served(port, "-m", "tests.bench.bare", str(port), str(feed)) as (_, took):
            bare.append(took)
        async with served(site.port, "-m", "hub", "run", "--config", str(site.folder / "hub.toml")) as (_, took):
            whole.append(took)
    value, yardstick = statistics.median(whole) * 1000, statistics.median(bare) * 1000
    return [measured("cold_start", value, "ms", "<= 2x", yardstick=yardstick)]


async def bytes_of(site: Site, file: Path) -> Path:
    """The node's feed, kept as a file for the yardstick to serve."""
    async with site.running("web"):
        said = await asked(site.port)
    file.write_bytes(said.partition(b"\r\n\r\n")[2])  # noqa: ASYNC240 - nothing else runs here
    return file
