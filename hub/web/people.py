"""Accounts, their tokens, and the private feeds of districts. A token is shown once, in the answer that makes it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

import msgspec
from aiohttp import web

from hub.desk import people as desk
from hub.desk import sign_in
from hub.desk.drafting import permit
from hub.desk.office import Office
from hub.errors import FieldError, Invalid, NotFound
from hub.rules.authority import Verb
from hub.rules.decision import Refused
from hub.rules.password import fits
from hub.store import people as store
from hub.store.database import Tx
from hub.store.people import FeedToken, Person, Token
from hub.web import forms
from hub.web.answers import Moment
from hub.web.feeds import FORMS
from hub.web.idempotency import Reply, perform, reply
from hub.web.parts import Parts, parts
from hub.web.passwords import PASSWORDS
from hub.web.patience import TRIES, address_of
from schemas.vocabulary import Tlp

_MOST = 500


class PersonView(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody with an account."""

    id: str
    handle: str
    name: str
    roles: tuple[str, ...]
    active: bool
    created_at: Moment
    created_by: str | None


class NewPerson(PersonView, frozen=True, kw_only=True):
    """A new account; its owner chooses a password by the link `enrolment`, shown this once."""

    enrolment: str


class NewLink(msgspec.Struct, frozen=True):
    """A link by which somebody chooses a password, shown this once; it works once, within 72 hours."""

    person: str
    enrolment: str


class People(msgspec.Struct, frozen=True):
    """Everybody, by handle."""

    people: list[PersonView]


class TokenView(msgspec.Struct, frozen=True, kw_only=True):
    """A token as it is listed: by its hash, never the token itself."""

    hash: str
    label: str
    created_at: Moment
    expires: Moment | None
    revoked_at: Moment | None


class Tokens(msgspec.Struct, frozen=True):
    """One person's tokens, oldest first."""

    tokens: list[TokenView]


class NewToken(msgspec.Struct, frozen=True):
    """A token, shown this once; `hash` is its name from now on."""

    token: str
    hash: str
    person: str


class FeedTokenView(msgspec.Struct, frozen=True):
    """A private feed as it is listed."""

    hash: str
    place: str
    ceiling: Tlp
    label: str
    created_at: Moment


class FeedTokens(msgspec.Struct, frozen=True):
    """The private feeds that are open, oldest first."""

    feed_tokens: list[FeedTokenView]


class NewFeedToken(msgspec.Struct, frozen=True):
    """A private feed, its addresses shown this once."""

    token: str
    hash: str
    place: str
    ceiling: Tlp
    feeds: dict[str, str]


async def listed(request: web.Request) -> web.Response:
    """Everybody with an account."""
    found = await parts(request).database.read(store.everybody, limit=_MOST)
    return reply(People([_view(person) for person in found])).response()


async def add(request: web.Request) -> web.Response:
    """A new account, with the link for its owner."""
    form = await forms.read_form(request, forms.PersonForm)
    node = parts(request)

    def act(tx: Tx, actor: Person, now: dt.datetime) -> Reply:
        person = desk.add_person(tx, node.office, actor, now, form.handle, form.name, form.roles)
        code = sign_in.invite(tx, node.office, actor, now, person.id)
        return reply(NewPerson(**msgspec.structs.asdict(_view(person)), enrolment=enrolment_link(node, code)), 201)

    return await perform(request, act)


async def invite(request: web.Request) -> web.Response:
    """A link for somebody's first password, or for another one; earlier links are no good any more."""
    node, which = parts(request), request.match_info["id"]

    def act(tx: Tx, actor: Person, now: dt.datetime) -> Reply:
        code = sign_in.invite(tx, node.office, actor, now, which)
        return reply(NewLink(which, enrolment_link(node, code)), 201)

    return await perform(request, act)


async def enrol(request: web.Request) -> web.Response:
    """Use a link up without a browser: set the password that its owner chose, and make their first token.

    No idempotency key: what is kept of a request's body is a plain hash, and a password is never kept so.
    """
    form, node, now = await forms.read_form(request, forms.EnrolmentForm), parts(request), parts(request).clock()
    address, tries = address_of(request), request.app[TRIES].address
    tries.take(address, now)
    person = await node.database.read(sign_in.invited, now, form.code)
    if person is None:
        raise NotFound(sign_in.NO_LINK)
    tries.give_back(address)
    judged = fits(form.password, (person.handle, person.name, node.title))
    if isinstance(judged, Refused):
        raise Invalid(judged.reason, (FieldError("/password", judged.reason),))
    hashed = await request.app[PASSWORDS].hash(form.password)

    def act(tx: Tx) -> NewToken:
        owner = sign_in.enrol(tx, node.office, now, form.code, hashed)
        token = desk.issue_token(tx, node.office, owner, now, owner, form.label)
        return NewToken(token, desk.hash_of(token), owner.id)

    return reply(await node.database.write(act), 201).response()


def enrolment_link(node: Parts, code: str) -> str:
    """The address under which the owner of a code chooses a password."""
    return f"{node.public_url}/enrol/{code}"


async def change(request: web.Request) -> web.Response:
    """Other roles, or the account closed or open."""
    form = await forms.read_form(request, forms.PersonPatch)
    office, which = parts(request).office, request.match_info["id"]

    def act(tx: Tx, actor: Person, now: dt.datetime) -> Reply:
        return reply(_view(desk.change_person(tx, office, actor, now, which, roles=form.roles, active=form.active)))

    return await perform(request, act)


async def tokens(request: web.Request) -> web.Response:
    """One person's tokens."""
    found = await parts(request).database.read(store.tokens_of, request.match_info["id"])
    return reply(Tokens([_token_view(token) for token in found])).response()


async def issue(request: web.Request) -> web.Response:
    """A new token for somebody, or for oneself."""
    form = await forms.read_form(request, forms.TokenForm)
    office, which = parts(request).office, request.match_info["id"]

    def act(tx: Tx, actor: Person, now: dt.datetime) -> Reply:
        person = actor if which in {actor.id, "me"} else _somebody(tx, office, actor, now, which)
        token = desk.issue_token(tx, office, actor, now, person, form.label, form.expires)
        return reply(NewToken(token, desk.hash_of(token), person.id), 201)

    return await perform(request, act)


def _somebody(tx: Tx, office: Office, actor: Person, now: dt.datetime, which: str) -> Person:
    """Another person. Whoever manages nobody is told the same whether there is one or not."""
    permit(tx, office, actor, now, Verb.MANAGE_PEOPLE)
    person = store.person(tx, which)
    if person is None:
        raise NotFound
    return person


async def revoke(request: web.Request) -> web.Response:
    """End a token at once."""
    return await _revoke(request, desk.revoke_token)


async def feed_tokens(request: web.Request) -> web.Response:
    """The private feeds that are open."""
    found = await parts(request).database.read(store.feed_tokens_all)
    return reply(FeedTokens([_feed_view(token) for token in found])).response()


async def issue_feed(request: web.Request) -> web.Response:
    """A private feed for a district."""
    form = await forms.read_form(request, forms.FeedTokenForm)
    node = parts(request)

    def act(tx: Tx, actor: Person, now: dt.datetime) -> Reply:
        token = desk.issue_feed_token(tx, node.office, actor, now, form.place, form.ceiling, form.label)
        base = f"{node.public_url}/feeds/t/{token}/bulletins"
        feeds = {name: f"{base}.{name}" for name in FORMS}
        return reply(NewFeedToken(token, desk.hash_of(token), form.place, form.ceiling, feeds), 201)

    return await perform(request, act)


async def revoke_feed(request: web.Request) -> web.Response:
    """End a private feed at once."""
    return await _revoke(request, desk.revoke_feed_token)


async def _revoke(request: web.Request, verb: Callable[..., None]) -> web.Response:
    office, which = parts(request).office, request.match_info["hash"]

    def act(tx: Tx, actor: Person, now: dt.datetime) -> Reply:
        verb(tx, office, actor, now, which)
        return Reply(204, b"")

    return await perform(request, act)


def _view(person: Person) -> PersonView:
    return PersonView(
        id=person.id,
        handle=person.handle,
        name=person.name,
        roles=tuple(sorted(role.value for role in person.roles)),
        active=person.active,
        created_at=person.created_at,
        created_by=person.created_by,
    )


def _token_view(token: Token) -> TokenView:
    return TokenView(
        hash=token.hash,
        label=token.label,
        created_at=token.created_at,
        expires=token.expires,
        revoked_at=token.revoked_at,
    )


def _feed_view(token: FeedToken) -> FeedTokenView:
    return FeedTokenView(token.hash, token.place, token.ceiling, token.label, token.created_at)
