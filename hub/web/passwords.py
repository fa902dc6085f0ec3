"""Passwords are hashed with argon2id beside the event loop, a few at a time: each takes 64 MiB and a tenth of a second."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

import argon2
from aiohttp import web

from hub.rules.password import LONGEST, normal
from hub.web.problem import Problem

AT_ONCE = 2
MOST_WAITING = 40
# RFC 9106 section 4, second recommended option: what the library's own default is.
# Of random bytes that nobody kept: what is compared for somebody without a password, so that it takes as long.
_NOBODY = "$argon2id$v=19$m=65536,t=3,p=4$j2pxi1wPCAozW5cxemEUwg$6n28CWbK50P65PEKRIKOQjcfpviXJn7/wTpXKoX6C5M"
_hasher = argon2.PasswordHasher.from_parameters(argon2.profiles.RFC_9106_LOW_MEMORY)


class Passwords:
    """Hashes and compares. Both raise Problem `unavailable` when too many wait already."""

    def __init__(self) -> None:
        self._slots = asyncio.Semaphore(AT_ONCE)
        self._waiting = 0

    async def hash(self, password: str) -> str:
        """What is kept of a password, with its salt and parameters."""
        async with self._turn():
            return await asyncio.to_thread(_hasher.hash, normal(password))

    async def matches(self, hashed: str | None, password: str) -> bool:
        """Whether it is the password with this hash. Without a hash it takes as long, and is False."""
        if len(password) > LONGEST:
            return False
        async with self._turn():
            said = await asyncio.to_thread(_matches, hashed or _NOBODY, normal(password))
        return said and hashed is not None

    @contextlib.asynccontextmanager
    async def _turn(self) -> AsyncIterator[None]:
        if self._waiting >= MOST_WAITING:
            raise Problem("unavailable", "Many people are signing in just now.", headers={"Retry-After": "5"})
        self._waiting += 1
        try:
            async with self._slots:
                yield
        finally:
            self._waiting -= 1


def _matches(hashed: str, password: str) -> bool:
    try:
        return _hasher.verify(hashed, password)
    except argon2.exceptions.VerificationError:
        return False


PASSWORDS = web.AppKey("PASSWORDS", Passwords)
