"""The same over TLS, with a certificate made for the test."""

from __future__ import annotations

import datetime as dt
import ssl
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from connectors.answer import Fetched
from connectors.fetch import Fetcher
from tests.connectors.server import saying, serving
from tests.connectors.test_fetch import LOCAL, QUICK, loopback


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "feeds.test")])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("feeds.test")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "both.pem"
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(made.public_bytes(serialization.Encoding.PEM) + secret)
    return path


@pytest.fixture
def server_tls(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


async def got(url: str, **given: Any) -> Fetched:
    async with Fetcher(contact="desk@example.org", allow=LOCAL, limits=QUICK, lookup=loopback, **given) as polite:
        return await polite.get(url, max_bytes=1000)


async def test_a_name_is_verified_although_its_address_was_pinned(
    certificate: Path, server_tls: ssl.SSLContext
) -> None:
    trusted = ssl.create_default_context(cafile=str(certificate))
    async with serving(saying(b"fine"), server_tls) as server:
        assert (await got(server.url(host="feeds.test"), tls=trusted)).body == b"fine"
        other = await got(server.url(host="other.test"), tls=trusted)
        unknown = await got(server.url(host="feeds.test"))
    assert "certificate" in other.reason.lower()
    assert "certificate" in unknown.reason.lower()
    assert len(server.asked) == 1


async def test_a_redirect_from_https_to_http_is_not_followed(certificate: Path, server_tls: ssl.SSLContext) -> None:
    trusted = ssl.create_default_context(cafile=str(certificate))
    async with serving(saying(b"plain")) as plain:
        onward = saying(b"", 302, Location=plain.url(host="other.test"))
        async with serving(onward, server_tls) as server:
            answer = await got(server.url(host="feeds.test"), tls=trusted)
    assert answer.reason == "feeds.test: a redirect from https to http is not followed"
    assert plain.asked == []
