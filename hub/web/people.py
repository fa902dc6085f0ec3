"""Accounts, their tokens, and the private feeds of districts. A token is shown once, in the answer that makes it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

import msgspec
from aiohttp import web

from hub.desk import people as desk
from hub.errors import NotFound
from hub.store import people as store
from hub.store.database import Tx
from hub.store.people import FeedToken, Person, Token
from hub.web import forms
from hub.web.answers import Moment
from hub.web.feeds import FORMS
from hub.web.idempotency import Reply, perform, reply
from hub.web.parts import parts
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
    """A new account."""
    form = await forms.read_form(request, forms.PersonForm)
    office = parts(request).office

    def act(tx: Tx, actor: Person, now: dt.datetime) -> Reply:
        person = desk.add_person(tx, office, actor, now, form.handle, form.name, form.roles)
        return reply(_view(person), 201)

    return await perform(request, act)


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
        person = actor if which in {actor.id, "me"} else store.person(tx, which)
        if person is None:
            raise NotFound
        token = desk.issue_token(tx, office, actor, now, person, form.label, form.expires)
        return reply(NewToken(token, desk.hash_of(token), person.id), 201)

    return await perform(request, act)


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
