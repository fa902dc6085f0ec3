"""How a node listens: connections that say nothing, too little or cannot be read end soon, and nothing of them is written down.

A request that the parser refuses never becomes one of our routes; aiohttp would log it word for word, and its words may be a
token (a private feed's address, an Authorization header).
"""

from __future__ import annotations

import asyncio
import functools
import ipaddress
import resource
import socket
from collections import Counter
from typing import Any

import msgspec
import structlog
from aiohttp import web

from hub import metrics
from hub.web.parts import PARTS
from hub.web.problem import KINDS, Problem, document
from hub.web.shield import surrounding

MOST_CONNECTIONS = 2_000
# A district's readers may all come from one address; no one address may take what is there for everybody.
PER_ADDRESS = 250
PATIENCE = 30.0
_STOPPING = 5.0
_LOOPBACK = "loopback"
_JSON = "application/problem+json"
_log = structlog.get_logger("hub.web")


def make_runner(
    app: web.Application,
    *,
    patience: float = PATIENCE,
    most: int | None = None,
    per_address: int = PER_ADDRESS,
    loopback_too: bool = False,
) -> web.AppRunner:
    """A runner with bounds.

    A connection without a whole request line and headers ends `patience` seconds after it was opened or last answered, and so
    does one whose reader takes nothing of an answer for that long. Beyond `most` connections (2,000, or half of the files that
    the process may open), or beyond `per_address` from one client's address, a new one gets a 503 and is closed; a proxy on this
    machine speaks for everybody and is not counted unless `loopback_too`. A stopping node waits 5 s for its answers. The access log is off:
    `shield.count` says what happened without addresses, which may hold tokens.
    """
    return _Runner(app, patience, most or most_connections(), Addresses(per_address, loopback_too=loopback_too))


def most_connections() -> int:
    """How many connections fit beside the database's and the broker's files."""
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return MOST_CONNECTIONS if files == resource.RLIM_INFINITY else min(MOST_CONNECTIONS, files // 2)


class Addresses:
    """Counts open connections by client: an IPv4 address, or the /64 that one client of IPv6 has to itself."""

    def __init__(self, most: int, *, loopback_too: bool = False) -> None:
        self._most = most
        self._loopback_too = loopback_too
        self._open: Counter[str] = Counter()

    def enter(self, address: str) -> str | None:
        """Count one more connection; what to `leave` with, or None when there are too many. "" is not counted."""
        client = client_of(address)
        if client == _LOOPBACK and not self._loopback_too:
            return ""
        if self._open[client] >= self._most:
            return None
        self._open[client] += 1
        return client

    def leave(self, client: str) -> None:
        """One connection of this client has ended."""
        if client:
            self._open[client] -= 1
            if not self._open[client]:
                del self._open[client]


@functools.lru_cache(maxsize=1024)
def client_of(address: str) -> str:
    """The client behind a peer's address; all of this machine is one, and so is whatever is no address (a local socket)."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return _LOOPBACK
    mapped = getattr(found, "ipv4_mapped", None) or found
    if mapped.is_loopback:
        return _LOOPBACK
    return str(mapped if mapped.version == 4 else ipaddress.ip_network((mapped, 64), strict=False))


class _Runner(web.AppRunner):
    """aiohttp's runner, with our kind of connection."""

    def __init__(self, app: web.Application, patience: float, most: int, addresses: Addresses) -> None:
        super().__init__(app, shutdown_timeout=_STOPPING)
        self._addresses = addresses
        self._patience = patience
        self._most = most

    async def _make_server(self) -> web.Server:
        made = await super()._make_server()
        around = surrounding(self.app[PARTS].public_url)
        return _Listener(made, self._addresses, around=around, patience=self._patience, most=self._most)


class _Listener(web.Server):
    """Takes connections, up to a number."""

    def __init__(
        self, like: web.Server, addresses: Addresses, *, around: dict[str, str], patience: float, most: int
    ) -> None:
        super().__init__(like.request_handler, request_factory=like.request_factory)
        self.addresses = addresses
        self.around = around
        self.patience = patience
        self.most = most

    def __call__(self) -> web.RequestHandler:
        return _Connection(self, asyncio.get_running_loop())


class _Connection(web.RequestHandler):
    """One connection. Slots, as aiohttp's own has them."""

    __slots__ = ("_client", "_listener")

    def __init__(self, listener: _Listener, loop: asyncio.AbstractEventLoop) -> None:
        # keepalive_timeout counts from the opening too, and only a whole request stops it.
        super().__init__(listener, loop=loop, keepalive_timeout=listener.patience, access_log=None)  # type: ignore[arg-type]  # None switches it off
        self._listener = listener
        self._client = ""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the connection, or say that there are too many."""
        if len(self._listener.connections) >= self._listener.most:
            self._turn_away(transport, "This node has as many connections as it takes.")
            return
        peer = transport.get_extra_info("peername")
        client = self._listener.addresses.enter(str(peer[0]) if isinstance(peer, tuple) else "")
        if client is None:
            self._turn_away(transport, "Your address has as many connections as this node gives to one.")
            return
        self._client = client
        _end_when_nobody_reads(transport, self._listener.patience)
        super().connection_made(transport)

    def connection_lost(self, exc: BaseException | None) -> None:
        """The connection has ended; its place is free."""
        self._listener.addresses.leave(self._client)
        self._client = ""
        super().connection_lost(exc)

    def _turn_away(self, transport: asyncio.BaseTransport, why: str) -> None:
        _log.warning("too many connections", most=self._listener.most, open=len(self._listener.connections))
        self.force_close()
        if isinstance(transport, asyncio.WriteTransport):
            problem = Problem("unavailable", why, code="too-many-connections")
            body, headers = self._said(problem)
            headers |= {"Content-Length": str(len(body)), "Connection": "close", "Retry-After": "5"}
            lines = (f"{name}: {value}\r\n" for name, value in headers.items())
            transport.write(b"HTTP/1.1 503 Service Unavailable\r\n" + "".join(lines).encode() + b"\r\n" + body)
        transport.close()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,  # noqa: ARG002 - aiohttp's words quote the request
    ) -> web.StreamResponse:
        """Answer what no route saw: a request that cannot be read, or an error outside of every handler."""
        kind = "malformed" if status < 500 else "internal"
        metrics.REQUESTS.labels("none", f"{status // 100}xx").inc()
        self.log_exception(
            "a request that cannot be read" if status < 500 else "failed outside a handler", exc_info=exc
        )
        if request.writer.output_size > 0:
            raise ConnectionError("An answer has begun already; the connection ends.")
        body, headers = self._said(Problem(kind, KINDS[kind].advice))
        made = web.Response(body=body, status=KINDS[kind].status, headers=headers)
        made.force_close()
        return made

    def log_exception(self, *words: Any, **more: Any) -> None:
        """Which class of error it was. Never its words or its trace: they quote what was sent."""
        error = more.get("exc_info")
        _log.warning(str(words[0]) if words else "failed", error=type(error).__name__ if error else None)

    def _said(self, problem: Problem) -> tuple[bytes, dict[str, str]]:
        body = msgspec.json.encode(document(KINDS[problem.kind], problem, {}))
        return body, {**self._listener.around, "Content-Type": _JSON}


def _end_when_nobody_reads(transport: asyncio.BaseTransport, patience: float) -> None:
    """Let the kernel end a connection whose other side takes nothing of what waits for it (tcp(7), TCP_USER_TIMEOUT)."""
    link = transport.get_extra_info("socket")
    if link is not None and link.family in {socket.AF_INET, socket.AF_INET6}:
        link.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, round(patience * 1000))
