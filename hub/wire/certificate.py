"""The node's self-made TLS certificate, its pin, and a client that trusts exactly one certificate.

No authority vouches for a node: peers hold the SHA-256 of its public key (SubjectPublicKeyInfo, as in RFC 7469 section 2.4),
which came to them by a road of its own. TLS 1.2 or later (RFC 9325).
"""

from __future__ import annotations

import asyncio
import datetime as dt
import hashlib
import ipaddress
import ssl
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from hub.errors import HubError, SettingsError
from hub.wire.keys import write_secret

CERTIFICATE: Final = "cert.pem"
PRIVATE_KEY: Final = "key.pem"
# The pin is what peers hold to, and a date that passes unseen would part all of them in one night.
_LASTS: Final = dt.timedelta(days=40 * 365)
# X509_V_FLAG_NO_CHECK_TIME (OpenSSL X509_VERIFY_PARAM_set_flags(3)): a machine with a wrong clock keeps its links too.
_NO_CHECK_TIME: Final = ssl.VerifyFlags(0x200000)


class WrongPin(HubError):
    """A server answered with another key than the one we were told of."""

    def __init__(self, where: str, expected: str, found: str) -> None:
        super().__init__(
            f"{where} shows a TLS key with fingerprint {found}, but its register entry says {expected}. "
            "Ask its operator by phone before you change anything.",
            code="wrong-pin",
        )


def make(directory: Path, hosts: Sequence[str], now: dt.datetime) -> str:
    """Make `cert.pem` and `key.pem` (mode 0600) in `directory` unless they are there; answers the pin in hex."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = directory / CERTIFICATE
    if not path.exists():
        key = ec.generate_private_key(ec.SECP256R1())
        pem = serialization.Encoding.PEM
        (directory / PRIVATE_KEY).unlink(missing_ok=True)
        form, closed = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        write_secret(directory / PRIVATE_KEY, key.private_bytes(pem, form, closed))
        write_secret(path, _self_signed(key, hosts, now).public_bytes(pem))
    return own_pin(directory)


def own_pin(directory: Path) -> str:
    """The pin of the certificate in `directory`, 64 hex digits; SettingsError when there is none to read."""
    return _spki(x509.load_pem_x509_certificate(own_certificate(directory).encode("ascii", "replace")))


def own_certificate(directory: Path) -> str:
    """The certificate in `directory`, PEM; SettingsError when there is none to read."""
    try:
        return (directory / CERTIFICATE).read_text(encoding="ascii")
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{directory / CERTIFICATE} cannot be read: {error}. Make a node with: hub init") from None


def pin_of(der: bytes) -> str:
    """The pin of a certificate in DER; ValueError when it is none."""
    return _spki(x509.load_der_x509_certificate(der))


def context_for(pem: str) -> ssl.SSLContext:
    """A client context that trusts this certificate and nothing else; its name and its issuer do not matter."""
    context = _bare_context()
    context.load_verify_locations(cadata=pem)
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN | _NO_CHECK_TIME
    context.verify_mode = ssl.CERT_REQUIRED
    return context


async def pinned(host: str, port: int, pin: str) -> ssl.SSLContext:
    """Look at the certificate of a server that starts with TLS, hold its pin against `pin`, and trust it alone.

    Nothing is sent before that. WrongPin when the keys differ; OSError or TimeoutError when there is no answer.
    """
    der = await _fetch(host, port)
    try:
        found = pin_of(der)
    except ValueError:
        found = "unreadable"
    if found != pin.lower():
        raise WrongPin(f"{host}:{port}", pin.lower(), found)
    return context_for(ssl.DER_cert_to_PEM_cert(der))


async def _fetch(host: str, port: int) -> bytes:
    """The certificate (DER) that a server shows in a bare handshake, believed by nobody yet."""
    loop = asyncio.get_running_loop()
    async with asyncio.timeout(5):
        transport, _ = await loop.create_connection(asyncio.Protocol, host, port, ssl=_bare_context())
    try:
        shown = transport.get_extra_info("ssl_object").getpeercert(binary_form=True)
        return bytes(shown or b"")
    finally:
        transport.abort()


def _bare_context() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def _spki(certificate: x509.Certificate) -> str:
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    der = certificate.public_key().public_bytes(serialization.Encoding.DER, form)
    return hashlib.sha256(der).hexdigest()


def _self_signed(key: ec.EllipticCurvePrivateKey, hosts: Sequence[str], now: dt.datetime) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "School Safety Hub node")])
    names = list(dict.fromkeys(("localhost", "127.0.0.1", *hosts)))
    usage = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH])
    return (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + _LASTS)
        .add_extension(x509.SubjectAlternativeName([_general_name(each) for each in names]), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(usage, critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )


def _general_name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)
