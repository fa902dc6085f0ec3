"""Who asks: a program by its bearer token, a person at a browser by the cookie of a session; never one in place of the other.

Both are looked up at each request, so that what was revoked stops at once. Neither is ever logged.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import hashlib
import ipaddress
import re
from typing import Literal
from urllib.parse import quote

from aiohttp import web
from yarl import URL

from hub.errors import Forbidden
from hub.rules.authority import Role, Verb, may
from hub.rules.decision import Refused
from hub.store import sessions
from hub.store.people import Person, by_token
from hub.store.tx import Tx
from hub.web.parts import Parts, parts
from hub.web.problem import Problem
from hub.web.route import Access, Route

# RFC 6750 section 2.1, bounded.
_BEARER = re.compile(r"(?i:bearer) +([A-Za-z0-9\-._~+/]{16,512}=*)")
_COOKIE = re.compile(r"[A-Za-z0-9_-]{43}")
_CHALLENGE = {"WWW-Authenticate": 'Bearer realm="school-safety-hub"'}
# A proxy on this machine makes every stranger look like loopback; it says so in one of these.
_FORWARDED = ("Forwarded", "X-Forwarded-For", "X-Real-IP", "Via")
_FORM_MEDIA = "application/x-www-form-urlencoded"
_TOUCH_AFTER = dt.timedelta(minutes=5)


@dataclasses.dataclass(frozen=True, slots=True)
class Proof:
    """What somebody showed, by its hash; looked up again inside the transaction in which they act."""

    kind: Literal["token", "session"]
    hash: str

    def person(self, tx: Tx, now: dt.datetime) -> Person | None:
        """Whose it is; None when it is unknown, revoked or over, or the account is closed."""
        if self.kind == "token":
            return by_token(tx, self.hash, now)
        found = sessions.signed_in(tx, now, self.hash)
        return found and found[0]


PERSON = web.RequestKey("PERSON", Person)
PROOF = web.RequestKey("PROOF", Proof)


async def admit(request: web.Request, route: Route) -> None:
    """Let the request in or raise.

    Problem `unauthorized` without a good token, Forbidden without the role or for a form that another site sent. A page
    that is asked for without a session raises the redirect to the sign-in page.
    """
    if route.page and request.method == "POST":
        _need_own_form(request)
    if route.access == "public" or (route.access == "local" and is_loopback(request)):
        return
    person = await (_by_session(request) if route.page else sign_in(request))
    _need_role(request, person, route.access)


def _need_role(request: web.Request, person: Person, access: Access) -> None:
    if access in ("operator", "local") and Role.OPERATOR not in person.roles:
        raise Forbidden("Only an operator may do this.", code="role")
    if isinstance(access, Verb):
        now = parts(request).clock()
        decision = may(person.actor(), access, None, now=now, policy=parts(request).office.policy)
        if isinstance(decision, Refused):
            raise Forbidden(decision.reason, code=decision.code)


# ------------------------------------------------------------------------------------------ programs
async def sign_in(request: web.Request) -> Person:
    """The person whose token the request carries. Raises Problem `unauthorized`."""
    given = request.headers.getall("Authorization", [])
    match = _BEARER.fullmatch(given[0].strip()) if len(given) == 1 else None
    if match is None:
        raise Problem("unauthorized", "Send your token as: Authorization: Bearer TOKEN", headers=_CHALLENGE)
    proof, now = Proof("token", token_hash(match[1])), parts(request).clock()
    person = known(await parts(request).database.read(proof.person, now))
    request[PERSON], request[PROOF] = person, proof
    return person


def known(person: Person | None, proof: Proof | None = None) -> Person:
    """The person behind what was shown. Raises Problem `unauthorized`, or for a page `signed-out`, when there is none."""
    if person is not None and person.active:
        return person
    if proof is not None and proof.kind == "session":
        raise Problem("signed-out", "Your session is over. Sign in again; what you sent was not acted on.")
    challenge = {"WWW-Authenticate": _CHALLENGE["WWW-Authenticate"] + ', error="invalid_token"'}
    raise Problem("unauthorized", "This token is not known here, or was revoked.", headers=challenge)


def token_hash(token: str) -> str:
    """SHA-256 of a token or cookie in hex: what is stored of it. Both are random, so a plain hash is enough."""
    return hashlib.sha256(token.encode()).hexdigest()


def is_loopback(request: web.Request) -> bool:
    """Whether the client is on this machine and no proxy stands between."""
    if request.remote is None or any(name in request.headers for name in _FORWARDED):
        return False
    return _is_loopback_host(request.remote)


def _is_loopback_host(host: str) -> bool:
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"


# ------------------------------------------------------------------------------------------ people at a browser
def is_secure(node: Parts) -> bool:
    """Whether readers come by https."""
    return node.public_url.startswith("https:")


def cookie_name(node: Parts) -> str:
    """The session's cookie: bound to this host and https where there is https (RFC 6265bis, `__Host-`)."""
    return "__Host-hub" if is_secure(node) else "hub"


async def session_of(request: web.Request) -> tuple[Person, Proof] | None:
    """Who is signed in at this browser, if anybody."""
    given = request.cookies.get(cookie_name(parts(request)), "")
    if _COOKIE.fullmatch(given) is None:
        return None
    node, proof = parts(request), Proof("session", token_hash(given))
    now = node.clock()
    found = await node.database.read(sessions.signed_in, now, proof.hash)
    if found is None:
        return None
    person, session = found
    if now - session.seen_at >= _TOUCH_AFTER:
        await node.database.write(sessions.touch, now, proof.hash)
    return person, proof


async def _by_session(request: web.Request) -> Person:
    found = await session_of(request)
    if found is None:
        if request.method in {"GET", "HEAD"}:
            asked = quote(request.raw_path, safe="")
            raise web.HTTPSeeOther(f"/sign-in?next={asked}")
        raise Problem("signed-out", "You are not signed in, or your session is over. Nothing was done.")
    request[PERSON], request[PROOF] = found
    return found[0]


def _need_own_form(request: web.Request) -> None:
    """Refuse what no page of ours sent: Fetch Metadata, and the Origin where there is one."""
    site = request.headers.get("Sec-Fetch-Site", "same-origin")
    origins = request.headers.getall("Origin", [])
    if site not in {"same-origin", "none"} or len(origins) > 1 or (origins and origins[0] not in _own(request)):
        raise Forbidden(
            "This form was sent from another site. Open the page here and send it again.", code="bad-origin"
        )
    if request.content_type != _FORM_MEDIA:
        raise Problem("media-type", f"A form of a page is sent as {_FORM_MEDIA}.")


def _own(request: web.Request) -> set[str]:
    """The origins that this node's pages have: its public address, and on this machine the loopback name that was asked."""
    own = {str(URL(parts(request).public_url).origin())}
    host = request.url.host or ""
    if is_loopback(request) and _is_loopback_host(host):
        own.add(str(URL(f"http://{request.host}").origin()))
    return own
