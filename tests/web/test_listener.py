"""What listens: requests that nobody can read, connections that say nothing, and too many of them."""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
import logging
import time

import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from hub.cli.logs import ClassOnly
from hub.web.app import make_app
from hub.web.listener import Addresses, client_of, make_runner, most_connections
from hub.web.shield import HEADERS

FEED, BEARER = "SECRETFEEDTOKEN0123456789", "SECRETBEARER0123456789"
UNREADABLE = {
    "request line": f"GET /feeds/t/{FEED}/bulletins.rss?topic=vi\u00f3lence HTTP/1.1\r\nHost: x\r\n\r\n".encode(),
    "request line with a zero": f"GET /feeds/t/{FEED}/\0 HTTP/1.1\r\nHost: x\r\n\r\n".encode(),
    "method": f"{FEED} / HTTP/1.1\r\nHost: x\r\n\r\n".encode(),
    "header": f"GET /api/v1/queue HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {BEARER}\0\r\n\r\n".encode(),
    "header with a space": f"GET /api/v1/queue HTTP/1.1\r\nHost: x\r\nAuthorization : Bearer {BEARER}\r\n\r\n".encode(),
    "header too long": f"GET / HTTP/1.1\r\nAuthorization: Bearer {BEARER}{'x' * 9000}\r\n\r\n".encode(),
    "line too long": f"GET /feeds/t/{FEED}{'x' * 9000} HTTP/1.1\r\nHost: x\r\n\r\n".encode(),
    "two lengths": f"POST /{FEED} HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nx".encode(),
    "second request": (
        f"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\nGET /feeds/t/{FEED}/\0 HTTP/1.1\r\nHost: x\r\n\r\n".encode()
    ),
    "chunk": (
        f"POST /api/v1/bulletins HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {BEARER}\r\n"
        f"Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\nSECRET{BEARER}\r\n".encode()
    ),
}


@contextlib.asynccontextmanager
async def listening(app: web.Application, **bounds):
    runner = make_runner(app, **bounds)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()


@contextlib.contextmanager
def logged():
    """Every byte that the handler of `hub run` writes, and everything that structlog was given."""
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    handler.addFilter(ClassOnly())
    handler.setFormatter(logging.Formatter("%(levelname)s %(name)s %(message)s"))
    logging.getLogger().addHandler(handler)
    try:
        with capture_logs() as lines:
            yield lambda: written.getvalue() + repr(lines)
    finally:
        logging.getLogger().removeHandler(handler)


async def said(port: int, *parts: bytes, pause: float = 0.0, wait: float = 8.0) -> bytes:
    """What comes back until the other side closes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        for part in parts:
            writer.write(part)
            await asyncio.sleep(pause)
        with contextlib.suppress(ConnectionError):
            return await asyncio.wait_for(reader.read(), wait)
        return b""
    finally:
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()


@pytest.mark.parametrize("how", UNREADABLE)
async def test_no_token_of_an_unreadable_request_is_logged_or_answered(house, how):
    with logged() as everything:
        async with listening(make_app(house.parts()), patience=1.0) as port:
            answer = await said(port, UNREADABLE[how])
        assert "SECRET" not in everything()
    head, _, body = answer.rpartition(b"\r\n\r\n")
    head = head[head.rindex(b"HTTP/1.") :].decode().lower()
    if " 401 " not in head and " 200 " not in head:
        assert json.loads(body)["type"] == "/problems/malformed", answer
        assert " 400 " in head.partition("\r\n")[0]
        assert "content-type: application/problem+json" in head
    for name, value in HEADERS.items():
        assert f"{name}: {value}".lower() in head, name
    assert "server: school-safety-hub" in head
    for told in (b"aiohttp", b"Python/", b"SECRET"):
        assert told not in answer


async def test_what_aiohttp_logs_itself_keeps_only_the_class_of_error():
    with logged() as everything:
        try:
            int(f"bad header {BEARER}")
        except ValueError:
            logging.getLogger("aiohttp.server").exception("Error handling request %s", FEED)
            logging.getLogger("asyncio").exception("Task exception: %s", FEED)
        logging.getLogger("aiohttp.server").error("no class, but %s", FEED)
        logging.getLogger("nats").error("a line of another library")
    assert "SECRET" not in everything()
    assert everything().count("ValueError in test_listener.py:") == 2
    assert "a line of another library" in everything()


LINGERING = {
    "silent": (),
    "half a line": (b"GET / HT",),
    "half a header": (b"GET / HTTP/1.1\r\nHost: x\r\n",),
    "a byte at a time": (b"GET / HTTP/1.1\r\nX: ", *[b"x"] * 12),
    "idle after an answer": (b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n",),
    "slow after an answer": (b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n", *[b"G"] * 12),
}


@pytest.mark.parametrize("how", LINGERING)
async def test_a_connection_without_a_whole_request_ends(house, how):
    async with listening(make_app(house.parts()), patience=0.5) as port:
        began = time.monotonic()
        await said(port, *LINGERING[how], pause=0.15)
        assert time.monotonic() - began < 4.0


async def test_a_slow_answer_is_waited_for(house):
    app = make_app(house.parts())

    async def slow(request):
        await asyncio.sleep(1.2)
        return web.Response(text="done")

    app.router.add_get("/slow", slow)
    async with listening(app, patience=0.4) as port:
        assert (await said(port, b"GET /slow HTTP/1.1\r\nHost: x\r\n\r\n")).endswith(b"done")


async def test_a_reader_who_takes_nothing_is_let_go(house):
    app = make_app(house.parts())
    ended = asyncio.Event()

    async def large(request):
        response = web.StreamResponse()
        await response.prepare(request)
        try:
            while True:
                await response.write(b"x" * 1_000_000)
        finally:
            ended.set()

    app.router.add_get("/large", large)
    async with listening(app, patience=1.0) as port:
        _, writer = await asyncio.open_connection("127.0.0.1", port, limit=1)
        writer.transport.pause_reading()
        writer.write(b"GET /large HTTP/1.1\r\nHost: x\r\n\r\n")
        await asyncio.wait_for(ended.wait(), 15)
        writer.transport.abort()


async def test_too_many_connections_are_told_so_and_room_comes_back(house):
    async with listening(make_app(house.parts()), most=2, patience=20.0) as port:
        held = [await asyncio.open_connection("127.0.0.1", port) for _ in range(2)]
        await asyncio.sleep(0.1)
        answer = await said(port)
        assert answer.startswith(b"HTTP/1.1 503 ")
        assert json.loads(answer.partition(b"\r\n\r\n")[2])["code"] == "too-many-connections"
        assert b"Server: school-safety-hub\r\n" in answer
        for _, writer in held:
            writer.close()
            await writer.wait_closed()
        await asyncio.sleep(0.2)
        answer = await said(port, b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        assert answer.startswith(b"HTTP/1.1 200 ")


def test_there_is_a_number():
    assert 100 <= most_connections() <= 2_000


async def test_one_address_cannot_take_every_connection(house):
    async with listening(make_app(house.parts()), per_address=2, loopback_too=True, patience=20.0) as port:
        held = [await asyncio.open_connection("127.0.0.1", port) for _ in range(2)]
        await asyncio.sleep(0.1)
        answer = await said(port)
        assert answer.startswith(b"HTTP/1.1 503 ")
        assert json.loads(answer.partition(b"\r\n\r\n")[2])["code"] == "too-many-connections"
        for _, writer in held:
            writer.close()
            await writer.wait_closed()
        await asyncio.sleep(0.2)
        answer = await said(port, b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        assert answer.startswith(b"HTTP/1.1 200 ")


async def test_a_proxy_on_this_machine_speaks_for_everybody(house):
    async with listening(make_app(house.parts()), per_address=1, patience=20.0) as port:
        held = [await asyncio.open_connection("127.0.0.1", port) for _ in range(3)]
        answer = await said(port, b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        assert answer.startswith(b"HTTP/1.1 200 ")
        for _, writer in held:
            writer.close()
            await writer.wait_closed()


@given(st.lists(st.tuples(st.sampled_from(["192.0.2.1", "192.0.2.2", "2001:db8::1", "127.0.0.1"]), st.booleans())))
def test_what_is_counted_is_what_is_open(events):
    addresses, held = Addresses(3), {}
    for address, opens in events:
        mine = held.setdefault(address, [])
        if opens:
            entered = addresses.enter(address)
            assert (entered is None) == (address != "127.0.0.1" and len(mine) == 3)
            mine += [] if entered is None else [entered]
        elif mine:
            addresses.leave(mine.pop())
    for mine in held.values():
        for client in mine:
            addresses.leave(client)
    assert not addresses._open


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("192.0.2.1", "192.0.2.1", True),
        ("192.0.2.1", "192.0.2.2", False),
        ("2001:db8:0:1::1", "2001:db8:0:1:ffff::2", True),
        ("2001:db8:0:1::1", "2001:db8:0:2::1", False),
        ("::ffff:192.0.2.1", "192.0.2.1", True),
        ("::ffff:127.0.0.1", "::1", True),
        ("fe80::1%eth0", "fe80::1%eth1", True),
    ],
)
def test_who_counts_as_one_client(one, other, same):
    assert (client_of(one) == client_of(other)) is same
