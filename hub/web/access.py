"""Who asks: a bearer token looked up at each request, so that a revoked one stops at once. Tokens are never logged."""

from __future__ import annotations

import hashlib
import ipaddress
import re

from aiohttp import web

from hub.errors import Forbidden
from hub.rules.authority import Role, Verb, may
from hub.rules.decision import Refused
from hub.store.people import Person, by_token
from hub.web.parts import parts
from hub.web.problem import Problem
from hub.web.route import Access

PERSON = web.RequestKey("PERSON", Person)
TOKEN_HASH = web.RequestKey("TOKEN_HASH", str)

# RFC 6750 section 2.1, bounded.
_BEARER = re.compile(r"(?i:bearer) +([A-Za-z0-9\-._~+/]{16,512}=*)")
_CHALLENGE = {"WWW-Authenticate": 'Bearer realm="school-safety-hub"'}
# A proxy on this machine makes every stranger look like loopback; it says so in one of these.
_FORWARDED = ("Forwarded", "X-Forwarded-For", "X-Real-IP", "Via")


async def admit(request: web.Request, access: Access) -> None:
    """Let the request in or raise: Problem `unauthorized` without a good token, Forbidden without the role."""
    if access == "public" or (access == "local" and is_loopback(request)):
        return
    person = await sign_in(request)
    if access in ("operator", "local"):
        _need_operator(person)
    elif isinstance(access, Verb):
        now = parts(request).clock()
        decision = may(person.actor(), access, None, now=now, policy=parts(request).office.policy)
        if isinstance(decision, Refused):
            raise Forbidden(decision.reason, code=decision.code)


async def sign_in(request: web.Request) -> Person:
    """The person whose token the request carries. Raises Problem `unauthorized`."""
    given = request.headers.getall("Authorization", [])
    match = _BEARER.fullmatch(given[0].strip()) if len(given) == 1 else None
    if match is None:
        raise Problem("unauthorized", "Send your token as: Authorization: Bearer TOKEN", headers=_CHALLENGE)
    digest, now = token_hash(match[1]), parts(request).clock()
    person = known(await parts(request).database.read(by_token, digest, now))
    request[PERSON], request[TOKEN_HASH] = person, digest
    return person


def known(person: Person | None) -> Person:
    """The person behind a token that was looked up. Raises Problem `unauthorized` when there is none."""
    if person is None or not person.active:
        challenge = {"WWW-Authenticate": _CHALLENGE["WWW-Authenticate"] + ', error="invalid_token"'}
        raise Problem("unauthorized", "This token is not known here, or was revoked.", headers=challenge)
    return person


def token_hash(token: str) -> str:
    """SHA-256 of a token in hex: what is stored of it. Tokens are random, so a plain hash is enough."""
    return hashlib.sha256(token.encode()).hexdigest()


def is_loopback(request: web.Request) -> bool:
    """Whether the client is on this machine and no proxy stands between."""
    if request.remote is None or any(name in request.headers for name in _FORWARDED):
        return False
    try:
        return ipaddress.ip_address(request.remote).is_loopback
    except ValueError:
        return False


def _need_operator(person: Person) -> None:
    if Role.OPERATOR not in person.roles:
        raise Forbidden("Only an operator may do this.", code="role")
