"""How often somebody may try: a few times at will, then after a wait that grows. Nothing is ever locked for good.

In memory and bounded; a restart forgets. A try counts before it is judged, so that many at once are counted too.
"""

from __future__ import annotations

import collections
import dataclasses
import datetime as dt
import ipaddress

from aiohttp import web

from hub.web.problem import Problem

_FIRST = dt.timedelta(seconds=2)
_LONGEST = dt.timedelta(minutes=5)
_FORGOTTEN = dt.timedelta(hours=24)


@dataclasses.dataclass(slots=True)
class _Tries:
    count: int
    last: dt.datetime


class Patience:
    """Counts tries by a key, such as a handle or an address."""

    def __init__(self, free: int, most: int = 10_000) -> None:
        self._free = free
        self._most = most
        self._tries: collections.OrderedDict[str, _Tries] = collections.OrderedDict()

    def take(self, key: str, now: dt.datetime) -> None:
        """Count one try. Raises Problem `too-many`, and counts nothing, while there is a wait."""
        known = self._tries.pop(key, None)
        if known is None or now - known.last >= _FORGOTTEN:
            known = _Tries(0, now)
        self._tries[key] = known
        left = known.last + self._wait(known.count) - now if known.count else dt.timedelta()
        if left > dt.timedelta():
            raise _too_many(left)
        known.count, known.last = known.count + 1, now
        while len(self._tries) > self._most:
            self._tries.popitem(last=False)

    def give_back(self, key: str) -> None:
        """That try was good: it does not count."""
        known = self._tries.get(key)
        if known is not None:
            known.count = max(known.count - 1, 0)

    def forget(self, key: str) -> None:
        """All of them were good in the end."""
        self._tries.pop(key, None)

    def _wait(self, count: int) -> dt.timedelta:
        over = count - self._free
        return dt.timedelta() if over < 0 else min(_FIRST * 2 ** min(over, 20), _LONGEST)


def address_of(request: web.Request) -> str:
    """From where a request comes: the address, or the network of 64 bits that an IPv6 customer has to themselves.

    Behind a proxy on this machine it is what that proxy put last into X-Forwarded-For.
    """
    text = request.remote or ""
    forwarded = request.headers.getall("X-Forwarded-For", [])
    if forwarded and _on_this_machine(text):
        text = forwarded[-1].rpartition(",")[2].strip()
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return "unknown"
    if isinstance(address, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((address, 64), strict=False))
    return str(address)


def _on_this_machine(text: str) -> bool:
    try:
        return ipaddress.ip_address(text).is_loopback
    except ValueError:
        return False


def _too_many(left: dt.timedelta) -> Problem:
    seconds = max(1, round(left.total_seconds()))
    words = f"{seconds} seconds" if seconds < 120 else f"{round(seconds / 60)} minutes"
    said = f"Too many tries did not fit. Wait {words}, then try again; nothing is locked for good."
    return Problem("too-many", said, headers={"Retry-After": str(seconds)})


@dataclasses.dataclass(frozen=True, slots=True)
class Tries:
    """What is counted at the sign-in page and at links."""

    account: Patience = dataclasses.field(default_factory=lambda: Patience(5))
    address: Patience = dataclasses.field(default_factory=lambda: Patience(20))


TRIES = web.AppKey("TRIES", Tries)
