"""A server that says what it likes: the client ends the link in words, holds little, and signs no message."""

from __future__ import annotations

import asyncio
import json
import resource
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from hub.wire import certificate, keys
from hub.wire.broker import BrokerError, who_answers
from hub.wire.connection import Connection, Endpoint, NoLink, dial
from tests.wire.servers import NOW

INFO = {
    "server_id": "x",
    "version": "2.15.1",
    "headers": True,
    "max_payload": 262144,
    "auth_required": True,
    "nonce": "n",
}
Speak = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def saying(tls: Path, speak: Speak) -> AsyncIterator[Endpoint]:
    pin = certificate.make(tls, (), NOW)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tls / "cert.pem", tls / "key.pem")

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await speak(reader, writer)
            await reader.read()
        except (ConnectionError, ssl.SSLError):
            pass
        finally:
            writer.transport.abort()

    server = await asyncio.start_server(answer, "127.0.0.1", 0, ssl=context)
    try:
        port = server.sockets[0].getsockname()[1]
        yield Endpoint(f"tls://127.0.0.1:{port}", pin, keys.generate("U"), "_P.ok", "test")
    finally:
        server.close()


def info(**changed: object) -> bytes:
    return b"INFO " + json.dumps(INFO | changed).encode() + b"\r\n"


async def welcome(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
    """As a good server begins; answers the CONNECT line."""
    writer.write(info())
    connect = await reader.readline()
    await reader.readline()
    writer.write(b"PONG\r\n")
    return connect


async def refused(endpoint: Endpoint) -> str:
    with pytest.raises(NoLink) as error:
        await dial(endpoint)
    return error.value.message


@pytest.mark.parametrize("nonce", ["hub-message-v1\0live.tx.recall.all\0" + "x" * 32, "hub-register-v1\0x"])
async def test_hostile_nonce_is_not_signed(tmp_path: Path, nonce: str) -> None:
    heard = []

    async def speak(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(info(nonce=nonce))
        heard.append(await reader.read(4096))

    async with saying(tmp_path, speak) as endpoint:
        assert "no nonce" in await refused(endpoint)
    assert not any(b"sig" in each for each in heard)


@pytest.mark.parametrize(
    "greeting",
    [b"INFO {]\r\n", b"INFO []\r\n", b"HTTP/1.1 400 Bad Request\r\n\r\n", b"\x00" * 100 + b"\r\n", info(nonce=7), b""],
)
async def test_hostile_greeting_is_no_link(tmp_path: Path, greeting: bytes) -> None:
    async def speak(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(greeting)
        await writer.drain()
        writer.close()

    async with saying(tmp_path, speak) as endpoint:
        assert "does not let us in" in await refused(endpoint)


@pytest.mark.parametrize(
    "bytes_after",
    [
        b"garbage\r\n", b"-ERR \r\n", b"-ERR 'Authorization Violation'\r\n", b"-ERR 'Stale Connection'\r\n",
        b"INFO {]\r\n", b"INFO 7\r\n", b"PONG\r\n" * 9 + b"HMSG\r\n",
    ],
)  # fmt: skip
async def test_hostile_protocol_ends_the_link(tmp_path: Path, bytes_after: bytes) -> None:
    async def speak(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await welcome(reader, writer)
        writer.write(bytes_after)  # and stays on the line

    async with saying(tmp_path, speak) as endpoint:
        connection = await dial(endpoint)
        await asyncio.wait_for(connection.lost.wait(), 5)
        with pytest.raises(NoLink, match="The link was lost"):
            await connection.ended()
        await connection.close()


async def test_hostile_length_is_not_gathered(tmp_path: Path) -> None:
    """A message that claims 100 MB: the link ends after one."""
    sent = 0

    async def speak(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        await welcome(reader, writer)
        writer.write(b"MSG x 1 104857600\r\n")
        while not writer.is_closing():
            writer.write(bytes(65_536))
            await writer.drain()
            sent += 65_536

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    async with saying(tmp_path, speak) as endpoint:
        connection = await dial(endpoint)
        await asyncio.wait_for(connection.lost.wait(), 10)
        await connection.close()
    assert sent < 20 << 20
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 40 << 10


async def test_a_header_block_is_kept_as_it_came(tmp_path: Path) -> None:
    block = b"NATS/1.0\r\nHub-Key: a\r\nHub-Key: b\r\n\xff\xfe: c\r\n\r\n"

    async def speak(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await welcome(reader, writer)
        await reader.readline()  # SUB
        writer.write(f"HMSG s\x7f 1 {len(block)} {len(block) + 2}\r\n".encode() + block + b"{}\r\n")
        writer.write(b"HMSG \xff\xfe 1 10 12\r\nNATS/1.0\r\n{}\r\n")

    async with saying(tmp_path, speak) as endpoint:
        connection = await dial(endpoint)
        heard = await connection.subscribe("s")
        await connection._flush_pending()
        first, second = await heard.next_msg(5), await heard.next_msg(5)
        assert (first.headers.raw, first.data) == (block, b"{}")
        assert second.subject == "\ufffd\ufffd"
        assert connection.is_connected
        await connection.close()


@pytest.mark.parametrize("url", ["", "ws://x:1", "tls://", "tls://:1", "tls://x:99999", "http://x", "tls://[::1"])
def test_an_address_that_is_none_is_named(url: str) -> None:
    with pytest.raises(NoLink, match="no address of a NATS server"):
        _ = Endpoint(url, "0" * 64, keys.generate("U"), "_P.ok", "test").address


@pytest.mark.parametrize(
    ("url", "address"),
    [("tls://x.example", ("x.example", 4222)), ("nats://[::1]:7", ("::1", 7)), ("tls://10.0.0.1:1", ("10.0.0.1", 1))],
)
def test_an_address(url: str, address: tuple[str, int]) -> None:
    assert Endpoint(url, "0" * 64, keys.generate("U"), "_P.ok", "test").address == address


def test_the_private_names_that_this_leans_on_are_there() -> None:
    """nats-py may rename them at any release: then this fails, not a node."""
    for name in ("_close", "_process_headers", "_process_msg"):
        assert name in vars(Connection)
        assert hasattr(Connection.__mro__[1], name)


@pytest.mark.parametrize(
    ("greeting", "name"),
    [(info(server_name="node-tx"), "node-tx"), (info(), "unknown"), (b"INFO 7\r\n", "unknown"), (b"x\r\n", "unknown")],
)
async def test_who_answers_at_our_port_is_read_off_its_greeting(tmp_path: Path, greeting: bytes, name: str) -> None:
    async def speak(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(greeting)

    async with saying(tmp_path, speak) as endpoint:
        host, port = endpoint.address
        assert await who_answers(host, port, certificate.context_for(certificate.own_certificate(tmp_path))) == name


async def test_another_key_at_our_port_is_not_ours(tmp_path: Path) -> None:
    async def speak(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(info(server_name="node-tx"))

    certificate.make(tmp_path / "ours", (), NOW)
    async with saying(tmp_path / "theirs", speak) as endpoint:
        host, port = endpoint.address
        context = certificate.context_for(certificate.own_certificate(tmp_path / "ours"))
        with pytest.raises(BrokerError, match="does not answer as our server"):
            await who_answers(host, port, context)
