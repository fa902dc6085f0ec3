"""No private addresses: what a fetch may dial. A name is resolved once, and the address that was judged is the one dialled.

Forbidden unless the settings allow it: everything that the IANA special-purpose registries (RFC 6890 and its successors)
do not give to the public internet, and the addresses at which clouds hand out their credentials.
"""

from __future__ import annotations

import asyncio
import dataclasses
import ipaddress
import re
import socket
from collections.abc import Awaitable, Callable, Iterable, Sequence

from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Lookup = Callable[[str, int], Awaitable[Sequence[str]]]

_PORTS = {"http": 80, "https": 443}
_SPECIAL_V4 = tuple(
    ipaddress.ip_network(text)
    for text in (
        "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12",
        "192.0.0.0/24", "192.0.2.0/24", "192.31.196.0/24", "192.52.193.0/24", "192.88.99.0/24",
        "192.168.0.0/16", "192.175.48.0/24", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24",
        "224.0.0.0/4", "240.0.0.0/4",
        "168.63.129.16/32",  # Azure's host service has a public address
    )
)  # fmt: skip
_GLOBAL_V6 = ipaddress.ip_network("2000::/3")
_SPECIAL_V6 = tuple(
    ipaddress.ip_network(text)
    for text in ("2001::/23", "2001:db8::/32", "2002::/16", "2620:4f:8000::/48", "3ffe::/16", "3fff::/20")
)
# No name in the allow list opens these: whoever answers for that name would choose them. Only a network does.
_NEVER_BY_NAME = tuple(
    ipaddress.ip_network(text)
    for text in (
        "0.0.0.0/8", "169.254.0.0/16", "168.63.129.16/32", "100.100.100.200/32", "192.0.0.192/32",
        "224.0.0.0/4", "240.0.0.0/4", "::/128", "fe80::/10", "fec0::/10", "ff00::/8", "fd00:ec2::/32",
    )
)  # fmt: skip
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_NUMBERLIKE = re.compile(r"(?i)(?:.*\.)?(?:[0-9]+|0x[0-9a-f]*)\.?")
_HOST_NAME = re.compile(r"(?i)[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?(?:\.[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?)*\.?")


class Forbidden(OSError):
    """The address may not be fetched; the message says why and what the operator could allow."""


@dataclasses.dataclass(frozen=True, slots=True)
class Allow:
    """What the settings allow beyond the public internet: host names and networks, each on any port."""

    hosts: frozenset[str] = frozenset()
    networks: tuple[Network, ...] = ()

    @classmethod
    def of(cls, entries: Iterable[str]) -> Allow:
        """Read the settings' entries: `10.1.0.0/16`, `127.0.0.1`, `::1`, `feeds.internal`. Raises ValueError naming one."""
        hosts, networks = set(), []
        for entry in entries:
            try:
                networks.append(ipaddress.ip_network(entry))
            except ValueError:
                if _NUMBERLIKE.fullmatch(entry) or not _HOST_NAME.fullmatch(entry):
                    raise ValueError(f"{entry!r} is neither a host name nor a network such as 10.1.0.0/16") from None
                hosts.add(_plain(entry))
        return cls(frozenset(hosts), tuple(networks))

    def address(self, address: Address) -> bool:
        """Whether a network in the list holds this address."""
        return any(address in network for network in self.networks if network.version == address.version)


def check_url(text: str, allow: Allow) -> URL:
    """The address `text` as one may fetch it, before any name is resolved. Raises Forbidden."""
    try:
        url = URL(text)
    except ValueError as error:
        raise Forbidden(f"{text!r} is no web address: {error}") from error
    if url.scheme not in _PORTS or not url.raw_host:
        raise Forbidden(f"{text!r} is not an http or https address")
    if url.raw_user is not None or url.raw_password is not None:
        raise Forbidden(f"{url.raw_host}: an address with a user name in it is not fetched")
    named = _check_host(url.raw_host, allow)
    if url.port not in _PORTS.values() and not named:
        raise Forbidden(f"{url.raw_host}: port {url.port} is not fetched; allow the host in fetch.allow to open it")
    return url


def check_address(address: Address, allow: Allow, *, named: bool = False) -> None:
    """Raise Forbidden unless `address` is public or allowed; `named`: the host is in the allow list by its name."""
    inside = _inside(address)
    if allow.address(inside) or allow.address(address) or _public(inside):
        return
    by_name = not any(inside in network for network in _NEVER_BY_NAME if network.version == inside.version)
    if not (named and by_name):
        raise Forbidden(f"{address} is not a public address; allow its host or network in fetch.allow to fetch from it")


class CheckedResolver(AbstractResolver):
    """Resolves for aiohttp and judges every address; one bad address refuses the name (a name with two faces is a trap)."""

    def __init__(self, allow: Allow, lookup: Lookup | None = None) -> None:
        self._allow = allow
        self._lookup = lookup or _system_lookup

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """The checked addresses of `host`. Raises Forbidden, or OSError when it has none."""
        named = _plain(host) in self._allow.hosts
        found = [ipaddress.ip_address(text) for text in await self._lookup(host, port)]
        for address in found:
            check_address(address, self._allow, named=named)
        if not found:
            raise OSError(f"{host} has no address")
        return [_result(host, port, address) for address in found if family in {socket.AF_UNSPEC, _family(address)}]

    async def close(self) -> None:
        """Nothing is held open."""


def _check_host(host: str, allow: Allow) -> bool:
    """Whether the allow list names `host`, by name or as an address; raises Forbidden for an address that is not allowed."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        if _NUMBERLIKE.fullmatch(host) or not _HOST_NAME.fullmatch(host):
            raise Forbidden(f"{host!r} is not a host name, nor an address as one writes it") from None
        return _plain(host) in allow.hosts
    if isinstance(address, ipaddress.IPv6Address) and address.scope_id:
        raise Forbidden(f"{host}: an address of one interface is not fetched")
    check_address(address, allow)
    return allow.address(_inside(address)) or allow.address(address)


def _public(address: Address) -> bool:
    if isinstance(address, ipaddress.IPv4Address):
        return not any(address in network for network in _SPECIAL_V4)
    return address in _GLOBAL_V6 and not any(address in network for network in _SPECIAL_V6)


def _inside(address: Address) -> Address:
    """The IPv4 address that an IPv6 address stands for (RFC 4291 section 2.5.5.2, RFC 6052), or the address itself."""
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return address.ipv4_mapped
        if address in _NAT64:
            return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address


def _plain(host: str) -> str:
    return host.lower().rstrip(".")


def _family(address: Address) -> socket.AddressFamily:
    return socket.AF_INET if address.version == 4 else socket.AF_INET6


def _result(host: str, port: int, address: Address) -> ResolveResult:
    return ResolveResult(
        hostname=host,
        host=str(address),
        port=port,
        family=_family(address),
        proto=socket.IPPROTO_TCP,
        flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
    )


async def _system_lookup(host: str, port: int) -> Sequence[str]:
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(info[4][0]) for info in found))
