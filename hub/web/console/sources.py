"""Federal sources on the desk's screen: what fails stands first, with the reason in words; one may be run now."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any, Final

from aiohttp import web

from hub.errors import NotFound
from hub.rules.authority import Verb
from hub.store import idempotency
from hub.store.database import Tx
from hub.web.console import frame
from hub.web.console.forms import key_of_form, now_of
from hub.web.console.queue import age, may
from hub.web.idempotency import Key, Reply, replayed
from hub.web.parts import parts
from schemas.times import parse_time

HERE = "/desk/sources"
_COUNTS: Final = (
    ("new", "new"), ("updated", "changed"), ("cancelled", "cancelled"), ("unchanged", "as before"), ("errors", "unreadable"),
)  # fmt: skip


async def page(request: web.Request) -> web.Response:
    """Every source: those that fail, those that run, those that are switched off."""
    listed = [_row(source, now_of(request)) for source in parts(request).sources()]
    rows = sorted(listed, key=lambda row: (_ORDER[row["state"]], row["title"]))
    failing = sum(row["state"] == "failing" for row in rows)
    return await frame.render(
        request,
        "console/sources.html",
        here="sources",
        rows=rows,
        failing=failing,
        may_run=may(request, Verb.RUN_SOURCE),
    )


async def run(request: web.Request) -> web.Response:
    """Ask a source now, to the end, and show how it went. Raises NotFound when no source has this name.

    The same form sent again asks nobody. Two at once take turns, and the second finds nothing new.
    """
    node, name = parts(request), request.match_info["name"]
    key = await key_of_form(request)
    if (kept := await node.database.read(replayed, node.clock(), key)) is not None:
        return kept.response(replayed=True)
    if name not in {source["name"] for source in node.sources()}:
        raise NotFound
    async for _ in node.run_source(name, None):
        pass  # progress is for programs; the page shows the outcome
    done = Reply(303, b"", {"Location": frame.after(HERE, "run")}, "text/html")
    await node.database.write(_keep, node.clock(), key, done)
    return done.response()


def _keep(tx: Tx, now: dt.datetime, key: Key, answer: Reply) -> None:
    idempotency.save(tx, now, key.person, key.name, key.seal(answer))


_ORDER: Final = {"failing": 0, "running": 1, "waiting": 2, "off": 3}


def _row(source: Mapping[str, Any], now: dt.datetime) -> dict[str, Any]:
    good, tried, then = (_moment(source.get(name)) for name in ("last_good", "last_try", "next_run"))
    counts = source.get("counts") or {}
    return {
        "name": source["name"], "title": source.get("title", source["name"]), "state": _state(source, tried),
        "url": source.get("url") or "", "every": _every(source.get("every")), "error": source.get("error"),
        "failures": source.get("failures", 0), "last_good": good, "last_good_age": good and age(now, good),
        "last_try": tried, "last_try_age": tried and age(now, tried), "last_change": _moment(source.get("last_change")),
        "next_run": then, "due": then is not None and then <= now,
        "counts": ", ".join(f"{counts[name]} {words}" for name, words in _COUNTS if counts.get(name)),
    }  # fmt: skip


def _state(source: Mapping[str, Any], tried: dt.datetime | None) -> str:
    if source.get("error"):
        return "failing"
    if not source.get("enabled", False):
        return "off"
    return "waiting" if tried is None else "running"


def _moment(text: str | None) -> dt.datetime | None:
    return None if text is None else parse_time(text)


def _every(seconds: float | None) -> str:
    """How often, in words: "every 5 min"."""
    if not seconds:
        return ""
    if seconds < 120:
        return f"every {int(seconds)} s"
    return f"every {int(seconds // 60)} min" if seconds < 7_200 else f"every {int(seconds // 3_600)} h"
