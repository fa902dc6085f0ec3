"""Federal sources: how they do, and running one now with its progress as lines of JSON."""

from __future__ import annotations

import datetime as dt
from collections.abc import AsyncIterator, Mapping
from typing import Any

import msgspec
import structlog
from aiohttp import web

from hub.errors import HubError
from hub.store import idempotency
from hub.web.body import read_body
from hub.web.idempotency import Key, Reply, key_of, replayed
from hub.web.parts import parts

NDJSON = "application/x-ndjson"
MIB = 1 << 20
LARGEST = 64 * MIB
# Progress is a few lines; a replayed answer need not hold more.
_KEPT = 256 * 1024
_log = structlog.get_logger("hub.web")


class Sources(msgspec.Struct, frozen=True):
    """Every source: name, title, interval, last good answer, last error."""

    sources: list[dict[str, Any]]


async def list_sources(request: web.Request) -> web.Response:
    """How every source does."""
    listed = [dict(source) for source in parts(request).sources()]
    return web.Response(body=msgspec.json.encode(Sources(listed)), content_type="application/json")


async def run_source(request: web.Request) -> web.StreamResponse:
    """Run one source now; a body, if there is one, is read as its answer."""
    node = parts(request)
    data = await read_body(request) or None
    key = await key_of(request)
    if key is not None and (kept := await node.database.read(replayed, node.clock(), key)) is not None:
        return kept.response(replayed=True)
    lines = node.run_source(request.match_info["name"], data)
    # The first line is awaited before anything is sent: an unknown name is still a plain 404.
    first = await anext(lines, None)
    response = web.StreamResponse(headers={"Content-Type": NDJSON, "Cache-Control": "no-store"})
    await response.prepare(request)
    said = await _send(response, first, lines)
    if key is not None and len(said) <= _KEPT:
        await node.database.write(_keep, node.clock(), key, said)
    await response.write_eof()
    return response


async def _send(
    response: web.StreamResponse, first: Mapping[str, Any] | None, lines: AsyncIterator[Mapping[str, Any]]
) -> bytes:
    """Send every line as it comes. A failure is a line too: the status went out long ago."""
    said = bytearray()

    async def say(line: Mapping[str, Any]) -> None:
        data = msgspec.json.encode(line) + b"\n"
        said.extend(data)
        await response.write(data)

    if first is not None:
        await say(first)
    try:
        async for line in lines:
            await say(line)
    except HubError as error:
        await say({"error": error.message, "code": error.code})
    except Exception:  # noqa: BLE001 - the status went out long ago; the log has it, the line says so
        _log.exception("a source run failed")
        await say({"error": "The run failed; the node's log has the cause.", "code": "internal"})
    return bytes(said)


def _keep(tx: Any, now: dt.datetime, key: Key, said: bytes) -> None:
    idempotency.save(tx, now, key.person, key.name, key.seal(Reply(200, said, media=NDJSON)))
