"""Signing in and out, and the link by which somebody chooses their own password.

No answer says whether a handle or a link exists: unknown, wrong, closed and over all read alike and take as long.
"""

from __future__ import annotations

import datetime as dt
import re
import secrets

from aiohttp import web

from hub.desk import sign_in as desk
from hub.errors import NotFound
from hub.rules.decision import Refused
from hub.rules.password import LONGEST, SHORTEST, fits
from hub.store import credentials, people, sessions
from hub.store.people import Person
from hub.store.tx import Tx
from hub.web import pages
from hub.web.access import PROOF, cookie_name, is_secure, session_of, token_hash
from hub.web.console.forms import Fields, read_fields
from hub.web.parts import parts
from hub.web.passwords import PASSWORDS, Passwords
from hub.web.patience import TRIES, Tries, address_of
from hub.web.problem import Problem

HOME = "/desk"
_WRONG = "The name or the password does not fit. Check both and try again."
_SAID = {
    "signed-out": "You are signed out.",
    "signed-out-everywhere": "You are signed out everywhere.",
    "changed": "Your password is changed. Sign in with the new one.",
}
# A path of this node: one slash and no second one, nothing that a browser would take for a host, no control character.
_LOCAL = re.compile(r"/(?![/\\])[\x21-\x5b\x5d-\x7e]{0,500}", re.ASCII)
_HANDLE = 100
_BROWSERS = (("Edg", "Edge"), ("Firefox", "Firefox"), ("Chrome", "Chrome"), ("Safari", "Safari"))
_SYSTEMS = (
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Windows", "Windows"),
    ("Mac OS", "a Mac"),
    ("Linux", "Linux"),
)


def set_up(app: web.Application) -> None:
    """What signing in keeps in memory."""
    app[PASSWORDS], app[TRIES] = Passwords(), Tries()


# --------------------------------------------------------------------------------------------- in
async def ask(request: web.Request) -> web.Response:
    """The sign-in page; straight on for somebody who is signed in."""
    onward = local(request.query.get("next", ""))
    if await session_of(request) is not None:
        return web.Response(status=303, headers={"Location": onward})
    return _form(request, onward, said=_SAID.get(request.query.get("done", ""), ""))


async def sign_in(request: web.Request) -> web.Response:
    """Judge handle and password; a new session, whatever one was there before."""
    fields = await read_fields(request)
    handle, password = fields.one("handle").casefold()[:_HANDLE], secret(fields, "password")
    onward = local(fields.one("next"))
    now, tries, address = parts(request).clock(), request.app[TRIES], address_of(request)
    try:
        tries.address.take(address, now)
        tries.account.take(handle, now)
    except Problem as problem:
        page = _form(request, onward, handle, problem.detail, status=429)
        page.headers.update(problem.headers)
        return page
    person, hashed = await parts(request).database.read(_credential, handle)
    if not await request.app[PASSWORDS].matches(hashed, password) or person is None:
        return _form(request, onward, handle, _WRONG, status=403)
    tries.account.forget(handle)
    tries.address.give_back(address)
    cookie, said = new_session(request)
    if not await parts(request).database.write(_begin, now, person.id, hashed, *said):
        return _form(request, onward, handle, _WRONG, status=403)
    return let_in(request, cookie, onward)


async def sign_out(request: web.Request) -> web.Response:
    """End this session, and forget its cookie."""
    await read_fields(request)
    await parts(request).database.write(sessions.end, request[PROOF].hash)
    return signed_out(request, "signed-out")


def signed_out(request: web.Request, done: str) -> web.Response:
    """To the sign-in page, without a cookie."""
    answer = web.Response(status=303, headers={"Location": f"/sign-in?done={done}"})
    _set_cookie(request, answer, "", 0)
    return answer


def _credential(tx: Tx, handle: str) -> tuple[Person | None, str | None]:
    person = people.by_handle(tx, handle)
    if person is None or not person.active:
        return None, None
    return person, credentials.password_hash(tx, person.id)


def _begin(tx: Tx, now: dt.datetime, person_id: str, hashed: str | None, cookie_hash: str, label: str) -> bool:
    """Keep the session, unless the account was closed or the password changed since they were looked at."""
    person = people.person(tx, person_id)
    if person is None or not person.active or credentials.password_hash(tx, person_id) != hashed:
        return False
    sessions.begin(tx, now, cookie_hash, person_id, label)
    return True


def new_session(request: web.Request) -> tuple[str, tuple[str, str]]:
    """A new cookie, and what is kept of it: its hash and which kind of browser asks."""
    cookie = secrets.token_urlsafe(32)
    return cookie, (token_hash(cookie), browser(request.headers.get("User-Agent", "")))


def let_in(request: web.Request, cookie: str, onward: str) -> web.Response:
    """Onward, with the session's cookie."""
    answer = web.Response(status=303, headers={"Location": onward})
    _set_cookie(request, answer, cookie, int(sessions.LONGEST.total_seconds()))
    return answer


def _set_cookie(request: web.Request, answer: web.Response, value: str, seconds: int) -> None:
    node = parts(request)
    answer.set_cookie(
        cookie_name(node), value, max_age=seconds, path="/", secure=is_secure(node), httponly=True, samesite="Lax"
    )


def local(path: str) -> str:
    """`path` when it is one of this node's, else the desk: nobody is sent elsewhere by a link to the sign-in page."""
    return path if _LOCAL.fullmatch(path) and not path.startswith(("/sign-", "/enrol/")) else HOME


def browser(agent: str) -> str:
    """Which kind of browser on what, in words; nothing that tells one person's from another's."""
    name = next((words for mark, words in _BROWSERS if mark in agent), "A browser")
    system = next((words for mark, words in _SYSTEMS if mark in agent), "")
    return f"{name} on {system}" if system else name


def _form(
    request: web.Request, onward: str, handle: str = "", error: str = "", *, said: str = "", status: int = 200
) -> web.Response:
    context = {"next": onward, "handle": handle, "error": error, "said": said}
    page = pages.render(request, "console/sign_in.html", context)
    return web.Response(text=page, status=status, content_type="text/html")


# --------------------------------------------------------------------------------------------- a link
async def show_link(request: web.Request) -> web.Response:
    """The form behind a link. Being fetched uses nothing up: mail scanners open every link."""
    person = await parts(request).database.read(desk.invited, parts(request).clock(), request.match_info["code"])
    if person is None:
        raise NotFound(desk.NO_LINK)
    return _choose(request, person)


async def use_link(request: web.Request) -> web.Response:
    """Set the password that was chosen, use the link up, and let its owner in: one transaction."""
    fields, code = await read_fields(request), request.match_info["code"]
    node, now = parts(request), parts(request).clock()
    request.app[TRIES].address.take(address_of(request), now)
    person = await node.database.read(desk.invited, now, code)
    if person is None:
        raise NotFound(desk.NO_LINK)
    request.app[TRIES].address.give_back(address_of(request))
    error = chosen_wrong(secret(fields, "password"), secret(fields, "again"), person, node.title)
    if error:
        return _choose(request, person, error)
    hashed = await request.app[PASSWORDS].hash(secret(fields, "password"))
    cookie, said = new_session(request)

    def act(tx: Tx) -> None:
        owner = desk.enrol(tx, node.office, now, code, hashed)
        sessions.begin(tx, now, said[0], owner.id, said[1])

    await node.database.write(act)
    return let_in(request, cookie, HOME)


def secret(fields: Fields, name: str) -> str:
    """A password as it was typed, white space and all."""
    return next((value for key, value in fields.pairs if key == name), "")


def chosen_wrong(password: str, again: str, person: Person, title: str) -> str:
    """What is wrong with a password that somebody chose, in words; empty when nothing is."""
    judged = fits(password, (person.handle, person.name, title))
    if isinstance(judged, Refused):
        return judged.reason
    return "" if password == again else "The two passwords differ. Type the same one twice."


def _choose(request: web.Request, person: Person, error: str = "") -> web.Response:
    context = {"whose": person, "error": error, "shortest": SHORTEST, "longest": LONGEST}
    page = pages.render(request, "console/enrol.html", context)
    answer = web.Response(text=page, status=422 if error else 200, content_type="text/html")
    answer.headers["X-Robots-Tag"] = "noindex"
    return answer
