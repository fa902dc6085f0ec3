"""People of the desk: accounts, roles, and the links with which their owners choose a password."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Iterable

import msgspec
from aiohttp import web

from hub.desk import people as desk
from hub.desk import sign_in
from hub.errors import Conflict, FieldError, Invalid, NotFound
from hub.rules.authority import Role
from hub.store import credentials
from hub.store import people as store
from hub.store.database import Tx
from hub.store.people import Person
from hub.web.access import PERSON
from hub.web.console.account import Shown, shown_once
from hub.web.console.forms import Errors, act_once, errors_of, read_fields, reply_once
from hub.web.console.frame import after, render
from hub.web.idempotency import Reply
from hub.web.parts import parts
from hub.web.people import enrolment_link

HERE = "/desk/people"
_PAGE = 100
_LABELS = {"handle": "Name to sign in with", "name": "Name", "roles": "Roles"}
_ROLES = (
    (Role.ANALYST, "Analyst: writes bulletins, works the queue"),
    (Role.SUPERVISOR, "Supervisor: approves, releases and withdraws, too"),
    (Role.DIRECTOR, "Director: the same, and what a flash needs"),
    (Role.OPERATOR, "Operator: people, peers, sources; no content"),
    (Role.PRIVACY, "Privacy officer: reads the desk"),
    (Role.AUDITOR, "Auditor: reads how the node does; no content"),
    (Role.CONNECTOR, "Connector: a program that runs sources"),
    (Role.DISTRICT, "District: reads what districts may have"),
)


@dataclasses.dataclass(frozen=True, slots=True)
class Given:
    """What was typed into the form, to be shown again."""

    name: str = ""
    handle: str = ""
    roles: tuple[str, ...] = ()


async def listed(request: web.Request) -> web.Response:
    """Everybody by handle, a page, and the form that adds somebody."""
    return await _list(request)


async def add(request: web.Request) -> web.Response:
    """A new account; the answer shows its link, once."""
    fields, office = await read_fields(request), parts(request).office
    given = Given(fields.one("name"), fields.one("handle"), fields.many("roles"))

    def act(tx: Tx, actor: Person, now: dt.datetime) -> Reply:
        person = desk.add_person(tx, office, actor, now, given.handle, given.name, roles_of(given.roles))
        return _link(tx, request, actor, now, person)

    try:
        answer = await reply_once(request, act)
    except Invalid as invalid:
        return await _list(request, given, errors_of(invalid.errors, _LABELS))
    except Conflict as conflict:
        if conflict.code != "handle-taken":
            raise
        return await _list(request, given, errors_of([FieldError("/handle", conflict.message)], _LABELS))
    return await _show_link(request, answer)


async def show(request: web.Request) -> web.Response:
    """One person."""
    return await _person(request)


async def set_roles(request: web.Request) -> web.Response:
    """Other roles."""
    roles = (await read_fields(request)).many("roles")
    try:
        return await _change(request, roles=roles_of(roles))
    except Invalid as invalid:
        return await _person(request, roles, errors_of(invalid.errors, _LABELS))


async def set_active(request: web.Request) -> web.Response:
    """Close the account, or open it."""
    wanted = (await read_fields(request)).one("active")
    if wanted not in {"yes", "no"}:
        raise Invalid("The form lacks what to do: load the page again.", code="malformed")
    return await _change(request, active=wanted == "yes")


async def invite(request: web.Request) -> web.Response:
    """A new link for a person, shown this once."""

    def act(tx: Tx, actor: Person, now: dt.datetime) -> Reply:
        person = store.person(tx, request.match_info["id"])
        if person is None:
            raise NotFound
        return _link(tx, request, actor, now, person)

    return await _show_link(request, await reply_once(request, act))


def roles_of(words: Iterable[str]) -> frozenset[Role]:
    """The roles that were ticked. Raises Invalid for a word that is none."""
    try:
        return frozenset(Role(word) for word in words)
    except ValueError:
        said = f"roles are {', '.join(Role)}"
        raise Invalid("Some fields do not fit.", (FieldError("/roles", said),)) from None


async def _change(
    request: web.Request, *, roles: frozenset[Role] | None = None, active: bool | None = None
) -> web.Response:
    office, which = parts(request).office, request.match_info["id"]

    def act(tx: Tx, actor: Person, now: dt.datetime) -> str:
        desk.change_person(tx, office, actor, now, which, roles=roles, active=active)
        return after(f"{HERE}/{which}", "changed")

    return await act_once(request, act)


def _link(tx: Tx, request: web.Request, actor: Person, now: dt.datetime, person: Person) -> Reply:
    node = parts(request)
    code = sign_in.invite(tx, node.office, actor, now, person.id)
    return Reply(200, msgspec.json.encode(Shown(enrolment_link(node, code), person.name)))


async def _show_link(request: web.Request, answer: web.Response) -> web.Response:
    whose = msgspec.json.decode(answer.body or b"", type=Shown).whose  # type: ignore[arg-type]  # Reply.response makes it of bytes
    words = f"Hand this link to {whose} by a way that nobody else reads. It works once, within 72 hours."
    return await shown_once(
        request, answer, title=f"A link for {whose}", words=words, back=HERE, back_words="Back to people"
    )


async def _list(request: web.Request, given: Given | None = None, errors: Errors | None = None) -> web.Response:
    everybody, enrolled = await parts(request).database.read(_everybody, request.query.get("after", ""))
    return await render(
        request,
        "console/people.html",
        here="people",
        status=422 if errors else 200,
        everybody=everybody[:_PAGE],
        more=everybody[_PAGE - 1].handle if len(everybody) > _PAGE else "",
        enrolled=enrolled,
        roles=_ROLES,
        given=given or Given(),
        errors=errors or Errors(),
    )


def _everybody(tx: Tx, after: str) -> tuple[list[Person], frozenset[str]]:
    return store.everybody(tx, limit=_PAGE + 1, after=after), credentials.holders(tx)


async def _person(
    request: web.Request, given: Iterable[str] | None = None, errors: Errors | None = None
) -> web.Response:
    person, hashed = await parts(request).database.read(_one, request.match_info["id"])
    if person is None:
        raise NotFound
    return await render(
        request,
        "console/person.html",
        here="people",
        status=422 if errors else 200,
        whose=person,
        enrolled=hashed is not None,
        own=person.id == request[PERSON].id,
        roles=_ROLES,
        given=person.roles if given is None else given,
        errors=errors or Errors(),
    )


def _one(tx: Tx, which: str) -> tuple[Person | None, str | None]:
    return store.person(tx, which), credentials.password_hash(tx, which)
