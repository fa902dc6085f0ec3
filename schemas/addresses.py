"""The two forms of address that nodes tell each other: where people read, and where peers dial."""

from __future__ import annotations

import ipaddress
import urllib.parse


def check_public_url(url: str) -> None:
    """ValueError unless `url` is https://host[:port] with no path; http only on loopback."""
    parts = _address(url, "public_url")
    if parts.path not in ("", "/"):
        raise ValueError("public_url: an address without a path")
    if parts.scheme != "https" and not (parts.scheme == "http" and _is_loopback(parts.hostname)):
        raise ValueError("public_url: https, or http on loopback")


def check_nats_url(url: str) -> None:
    """ValueError unless `url` is tls://host:port."""
    parts = _address(url, "nats_url")
    if parts.scheme != "tls" or parts.port is None or parts.path:
        raise ValueError("nats_url: tls://host:port")


def _address(url: str, what: str) -> urllib.parse.SplitResult:
    try:
        parts = urllib.parse.urlsplit(url)
        right = bool(parts.hostname) and parts.port != 0
    except ValueError:
        right = False
    if not right or parts.username is not None or parts.query or parts.fragment or not url.isascii():
        raise ValueError(f"{what}: not an address: {url[:100]!r}")
    return parts


def _is_loopback(host: str | None) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host or "").is_loopback
    except ValueError:
        return False
