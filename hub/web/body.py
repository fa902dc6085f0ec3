"""Reading a request's body: bounded in size and time, whatever the client promised."""

from __future__ import annotations

import asyncio

from aiohttp import web

from hub.web.problem import Problem
from hub.web.route import ROUTE

# A quarter of a megabyte over a bad line; large files may take the whole of it again for each megabyte.
_SECONDS = 30.0
_MIB = 1 << 20
_BODY = web.RequestKey("BODY", bytes)


async def read_body(request: web.Request) -> bytes:
    """The whole body, at most the route's limit; read once and kept. Raises Problem `too-large` or `timeout`."""
    if _BODY in request:
        return request[_BODY]
    limit = request[ROUTE].limit
    if (request.content_length or 0) > limit:
        raise _too_large(limit)
    body = bytearray()
    try:
        async with asyncio.timeout(_SECONDS * max(1, limit / _MIB)):
            async for chunk in request.content.iter_any():
                body += chunk
                if len(body) > limit:
                    raise _too_large(limit)
    except TimeoutError:
        raise Problem("timeout", "The body did not arrive in time.") from None
    request[_BODY] = bytes(body)
    return request[_BODY]


def _too_large(limit: int) -> Problem:
    return Problem("too-large", f"The body may have at most {limit:,} bytes.", headers={"Connection": "close"})
