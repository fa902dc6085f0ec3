"""What surrounds every answer: security headers, errors in words, a count. Nothing of the inside leaks out."""

from __future__ import annotations

import functools
import secrets
import time

import structlog
from aiohttp import web
from aiohttp.typedefs import Handler

from hub import metrics
from hub.errors import HubError, NotFound
from hub.web.parts import parts
from hub.web.problem import KINDS, Problem, of_error, render
from hub.web.route import ROUTE

_log = structlog.get_logger("hub.web")
_STATUS = {kind.status: kind.code for kind in KINDS.values()}

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; "
        "frame-ancestors 'none'; base-uri 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Frame-Options": "DENY",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}
# A page with `no-referrer` sends its own forms with `Origin: null` (Fetch standard), which tells them from no other site's.
_OWN_REFERRER = "same-origin"
SERVER = "school-safety-hub"  # and no word of which version of what
# A year, as RFC 6797 section 6.1.1 suggests; sub-domains may belong to others.
_HSTS = "max-age=31536000"


async def add_headers(request: web.Request, response: web.StreamResponse) -> None:
    """Set the security headers on whatever is about to be sent, an error or a stream too."""
    route = request.get(ROUTE)
    if route is not None and route.page:
        response.headers.setdefault("Referrer-Policy", _OWN_REFERRER)
    headers = response.headers
    for name, value in _surrounding(parts(request).public_url):
        headers.setdefault(name, value)
    headers["Server"] = SERVER


@functools.lru_cache(maxsize=16)
def _surrounding(public_url: str) -> tuple[tuple[str, str], ...]:
    return tuple(surrounding(public_url).items())


def surrounding(public_url: str) -> dict[str, str]:
    """What stands on every answer of a node at this address, unless a handler said otherwise."""
    made = {**HEADERS, "Cache-Control": "no-store", "Server": SERVER}
    if public_url.startswith("https:"):
        made["Strict-Transport-Security"] = _HSTS
    return made


@web.middleware
async def count(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Count the answer by route and status class, and log one fact line: never the address, it may hold a token."""
    began = time.perf_counter()
    response = await handler(request)
    route = request.get(ROUTE)
    name = route.name if route else "none"
    metrics.REQUESTS.labels(name, f"{response.status // 100}xx").inc()
    _log.debug(
        "answered",
        route=name,
        method=request.method,
        status=response.status,
        ms=round((time.perf_counter() - began) * 1000, 2),
    )
    return response


@web.middleware
async def problems(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turn whatever a handler raises into a problem document."""
    try:
        return await handler(request)
    except Problem as problem:
        return render(request, problem)
    except HubError as error:
        said = of_error(error)
        return _unknown(request, error) if said is None else render(request, said)
    except web.HTTPException as raised:
        return _routed(request, raised)
    except Exception as error:  # noqa: BLE001 - the last line: whatever it was, it is logged here and said nowhere
        return _unknown(request, error)


def _routed(request: web.Request, raised: web.HTTPException) -> web.StreamResponse:
    """What the router and the parser of aiohttp refuse, and the way to the sign-in page."""
    if raised.status < 400:
        return web.Response(status=raised.status, headers={"Location": raised.headers["Location"]})
    kind = _STATUS.get(raised.status)
    if kind is None:
        kind = "malformed" if raised.status < 500 else "internal"
    if kind == "not-found":
        absent = NotFound()  # word for word what a handler says of what one may not see
        return render(request, Problem(kind, absent.message, code=absent.code))
    headers = {"Allow": raised.headers["Allow"]} if "Allow" in raised.headers else {}
    return render(request, Problem(kind, KINDS[kind].advice, headers=headers))


def _unknown(request: web.Request, error: Exception) -> web.Response:
    incident = secrets.token_hex(8)
    route = request.get(ROUTE)
    _log.error("failed", incident=incident, route=route.name if route else "none", exc_info=error)
    detail = "The node failed at this request. Its operator finds the cause under the incident number."
    return render(request, Problem("internal", detail), incident=incident)
