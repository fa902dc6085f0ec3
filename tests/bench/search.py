"""search_p50, search_p99: a question over the API, with token and rules, against the same question to a bare FTS5 table."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import sqlite3
import statistics
import time
import urllib.parse
from pathlib import Path

import aiohttp

from hub.node import utc_now
from hub.store.search_words import terms
from tests.bench.figure import Figure, measured
from tests.bench.site import founded
from tests.bench.stream import bulletin, fed

ROWS = int(os.environ.get("BENCH_SEARCH_ROWS", "20000"))  # DESIGN asks at a million: some ten minutes of receiving
ASKED = 300
LIMIT = 25
_INDEXED = 600.0


async def run(place: Path) -> list[Figure]:
    """Feed a node, let its index catch up, ask."""
    site = founded(place)
    fed(site, ROWS)
    async with site.running("web"):
        ours = await _over_the_api(site.port, site.tokens["analyst"])
    bare = _bare(place / "bare.db")
    said = f"at {ROWS:,} rows; 1,000,000 with BENCH_SEARCH_ROWS=1000000" if ROWS < 1_000_000 else ""
    return [
        measured("search_p50", _at(ours, 50), "ms", "<= 5", yardstick=_at(bare, 50), reason=said),
        measured("search_p99", _at(ours, 99), "ms", "<= 40", yardstick=_at(bare, 99), reason=said),
    ]


def _questions() -> list[str]:
    """What people ask: one bulletin, common words, words in a row, a beginning, words that are nowhere, rare and common together."""
    rare = (str(1 + number * 7_919 % ROWS) for number in itertools.count())
    kinds = ("{}", "recorded threat", '"police checked"', "build*", "zeppelin", "{} recorded calls")
    return [kind.format(next(rare)) for kind in itertools.islice(itertools.cycle(kinds), ASKED)]


async def _over_the_api(port: int, token: str) -> list[float]:
    headers = {"Authorization": f"Bearer {token}"}
    async with aiohttp.ClientSession(f"http://127.0.0.1:{port}", headers=headers) as session:
        await _indexed(session)
        taken = []
        for question in _questions():
            began = time.perf_counter()
            await _ask(session, question)
            taken.append((time.perf_counter() - began) * 1_000)
    return taken


async def _indexed(session: aiohttp.ClientSession) -> None:
    """Until the last bulletin is found."""
    async with asyncio.timeout(_INDEXED):
        while not (await _ask(session, f'"exist {ROWS}"', good=(200, 503))).get("bulletins"):  # noqa: ASYNC110 - another process
            await asyncio.sleep(0.25)


async def _ask(session: aiohttp.ClientSession, question: str, good: tuple[int, ...] = (200,)) -> dict[str, object]:
    query = urllib.parse.urlencode({"q": question, "limit": LIMIT})
    async with session.get(f"/api/v1/search?{query}") as answer:
        found: dict[str, object] = await answer.json(content_type=None)
        if answer.status not in good:
            raise RuntimeError(f"{question!r} was answered {answer.status}: {found}")
        return found


def _bare(path: Path) -> list[float]:
    """The same words in a plain FTS5 table, asked without a server, a token or rules."""
    now = utc_now()
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE VIRTUAL TABLE words USING fts5(headline, text)")
        made = (bulletin(number, now) for number in range(1, ROWS + 1))
        with connection:
            connection.executemany("INSERT INTO words VALUES (?, ?)", ((each.headline, each.text) for each in made))
        taken = []
        for question in _questions():
            began = time.perf_counter()
            said = " AND ".join(terms(question))
            connection.execute(
                "SELECT rowid FROM words WHERE words MATCH ? ORDER BY rowid DESC LIMIT ?", (said, LIMIT + 1)
            ).fetchall()
            taken.append((time.perf_counter() - began) * 1_000)
    return taken


def _at(taken: list[float], percent: int) -> float:
    return statistics.quantiles(taken, n=100)[percent - 1]
