"""rss_python, rss_node, rss_growth: what a node holds in memory after feed reads and releases, and with many more bulletins.

Beside it aiohttp alone after as many reads. VmRSS of Linux; the node's nats-server is its child process.
"""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import aiohttp

from hub.node import utc_now
from tests.bench.cold_start import bytes_of
from tests.bench.figure import Figure, measured
from tests.bench.site import FEED, Site, founded, free_port, served, stocked
from tests.bench.stream import fed

READS, RELEASES, FEW, MANY = 1_000, 100, 10_000, 40_000
_MIB = 1024


async def run(place: Path) -> list[Figure]:
    """A whole node with releases through its API, then one that received few bulletins beside one that received many."""
    return await measure(place, READS, RELEASES, FEW, MANY)


async def measure(place: Path, reads: int, releases: int, few: int, many: int) -> list[Figure]:
    """The figures for these numbers."""
    site = founded(place / "node")
    await stocked(site, releases)
    feed = await bytes_of(site, place / "feed.rss")
    port = free_port()
    async with served(port, "-m", "tests.bench.bare", str(port), str(feed)) as (pid, _):
        await read(port, reads)
        bare = resident(pid)
    async with site.running() as pid:
        await read(site.port, reads)
        await release(site, releases)
        python, node = resident(pid), resident(pid) + sum(map(resident, children(pid)))
    sizes = [await after(founded(place / f"node-{number}"), number, reads) for number in (few, many)]
    return [
        measured("rss_python", python, "MB", "<= 96", yardstick=bare),
        measured("rss_node", node, "MB", "<= 160", yardstick=bare),
        measured(
            "rss_growth", sizes[1], "MB", "<= 1.1x", yardstick=sizes[0], reason=f"{many:,} beside {few:,} received"
        ),
    ]


async def after(site: Site, received: int, reads: int) -> float:
    """What the pages' process holds after the reads, when so many bulletins came in before."""
    fed(site, received)
    async with site.running("web") as pid:
        await read(site.port, reads)
        return resident(pid)


async def read(port: int, times: int) -> None:
    """Read the feed so often, each time whole."""
    async with aiohttp.ClientSession() as session:
        for _ in range(times):
            async with session.get(f"http://127.0.0.1:{port}{FEED}") as answer:
                answer.raise_for_status()
                await answer.read()


async def release(site: Site, times: int) -> None:
    """Release so many bulletins through the node's API."""
    async with aiohttp.ClientSession(f"http://127.0.0.1:{site.port}") as session:
        for number in range(times):
            made = await _said(session, site.tokens["analyst"], "", _form(number))
            for verb, who in (("submit", "analyst"), ("approve", "supervisor"), ("publish", "supervisor")):
                made |= await _said(session, site.tokens[who], f"/{made['id']}/{verb}", {"version": made["version"]})


async def _said(session: aiohttp.ClientSession, token: str, path: str, body: dict[str, object]) -> dict[str, object]:
    headers = {"Authorization": f"Bearer {token}"}
    async with session.post(f"/api/v1/bulletins{path}", json=body, headers=headers) as answer:
        if answer.status not in {200, 201}:
            raise RuntimeError(await answer.text())
        return dict(await answer.json())


def _form(number: int) -> dict[str, object]:
    return {
        "headline": f"Released while it runs, number {number}", "text": "Police checked each building. " * 20,
        "actions": [{"role": "front-office", "text": "Call 911."}], "topic": "swatting", "phase": "response",
        "severity": "severe", "urgency": "expected", "certainty": "likely", "areas": [], "tlp": "clear", "audience": "all",
        "lane": "routine", "expires": (utc_now() + dt.timedelta(days=7)).isoformat(),
    }  # fmt: skip


def resident(pid: int) -> float:
    """The memory of a process in MB, as Linux counts it."""
    lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) / _MIB for line in lines if line.startswith("VmRSS:"))


def children(pid: int) -> list[int]:
    """The processes that a process started."""
    tasks = Path(f"/proc/{pid}/task").glob("*/children")
    return [int(word) for task in tasks for word in task.read_text(encoding="ascii").split()]
