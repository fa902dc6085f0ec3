from __future__ import annotations

import asyncio
import datetime as dt
import ssl
import stat
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from cryptography import x509

from hub.errors import SettingsError
from hub.wire import certificate
from tests.wire.servers import NOW


@asynccontextmanager
async def listening(tls: Path, version: ssl.TLSVersion | None = None) -> AsyncIterator[int]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tls / "cert.pem", tls / "key.pem")
    if version is not None:
        context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
        context.maximum_version = version
        context.set_ciphers("ALL:@SECLEVEL=0")

    async def answer(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"hello\n")
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0, ssl=context)
    async with server:
        yield server.sockets[0].getsockname()[1]


async def said(port: int, context: ssl.SSLContext) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context, server_hostname="elsewhere.example")
    try:
        return await reader.readline()
    finally:
        writer.transport.abort()


def test_the_pair_is_made_once_for_the_names_it_serves(tmp_path: Path) -> None:
    pin = certificate.make(tmp_path, ["tx.example.org", "192.0.2.7", "localhost"], NOW)
    assert certificate.make(tmp_path, [], NOW) == pin == certificate.own_pin(tmp_path)
    assert stat.S_IMODE((tmp_path / "key.pem").stat().st_mode) == 0o600
    made = x509.load_pem_x509_certificate((tmp_path / "cert.pem").read_bytes())
    names = made.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["localhost", "tx.example.org"]
    assert [str(each) for each in names.get_values_for_type(x509.IPAddress)] == ["127.0.0.1", "192.0.2.7"]
    assert made.not_valid_after_utc > NOW + dt.timedelta(days=30 * 365)


def test_a_directory_without_certificate_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"cert\.pem"):
        certificate.own_pin(tmp_path)


async def test_the_right_pin_gives_a_context_that_connects(tmp_path: Path) -> None:
    pin = certificate.make(tmp_path, [], NOW)
    async with listening(tmp_path) as port:
        context = await certificate.pinned("127.0.0.1", port, pin.upper())
        assert await said(port, context) == b"hello\n"
        assert context.minimum_version == ssl.TLSVersion.TLSv1_2


async def test_another_pin_is_refused_and_both_are_named(tmp_path: Path) -> None:
    pin, other = certificate.make(tmp_path / "a", [], NOW), certificate.make(tmp_path / "b", [], NOW)
    async with listening(tmp_path / "b") as port:
        with pytest.raises(certificate.WrongPin) as refused:
            await certificate.pinned("127.0.0.1", port, pin)
    assert pin in refused.value.message
    assert other in refused.value.message


async def test_a_server_that_changes_its_key_after_the_look_is_not_trusted(tmp_path: Path) -> None:
    pin = certificate.make(tmp_path / "a", [], NOW)
    certificate.make(tmp_path / "b", [], NOW)
    async with listening(tmp_path / "a") as first, listening(tmp_path / "b") as second:
        context = await certificate.pinned("127.0.0.1", first, pin)
        with pytest.raises(ssl.SSLCertVerificationError):
            await said(second, context)


async def test_a_wrong_clock_does_not_part_two_nodes(tmp_path: Path) -> None:
    pin = certificate.make(tmp_path, [], NOW - dt.timedelta(days=60 * 365))  # its last day is long past
    async with listening(tmp_path) as port:
        assert await said(port, await certificate.pinned("127.0.0.1", port, pin)) == b"hello\n"


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
async def test_tls_1_1_is_refused(tmp_path: Path) -> None:
    pin = certificate.make(tmp_path, [], NOW)
    async with listening(tmp_path, ssl.TLSVersion.TLSv1_1) as port:
        with pytest.raises((ssl.SSLError, ConnectionError)):
            await certificate.pinned("127.0.0.1", port, pin)


async def test_nobody_there_is_an_os_error() -> None:
    with pytest.raises(OSError, match=r"."):
        await certificate.pinned("127.0.0.1", 1, "0" * 64)
