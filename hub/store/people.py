"""People, their tokens, and the feed tokens of districts. A token is kept as the SHA-256 of itself, in hex."""

from __future__ import annotations

import datetime as dt
import sqlite3
from dataclasses import replace

import msgspec
import sqlalchemy as sa

from hub.rules.authority import Actor, Role
from hub.store.statement import each_of, statement
from hub.store.tables import credentials, enrolments, feed_tokens, people, tokens
from hub.store.tx import Tx
from schemas.times import format_time, parse_time
from schemas.vocabulary import Tlp


class Person(msgspec.Struct, frozen=True):
    """Somebody with an account at this desk; `created_by` is None for the first administrator."""

    id: str
    handle: str
    name: str
    roles: frozenset[Role]
    active: bool
    created_at: dt.datetime
    created_by: str | None

    def actor(self) -> Actor:
        """This person as the rules see one; whoever is not active has no role."""
        roles = self.roles if self.active else frozenset[Role]()
        return Actor(id=self.id, roles=roles, created_at=self.created_at, created_by=self.created_by)


class FeedToken(msgspec.Struct, frozen=True):
    """A district's private feed: which place reads it, up to which marking."""

    hash: str
    place: str
    ceiling: Tlp
    label: str
    created_at: dt.datetime


class Token(msgspec.Struct, frozen=True):
    """A person's API token, as it is listed: never the token itself."""

    hash: str
    person: str
    label: str
    created_at: dt.datetime
    expires: dt.datetime | None
    revoked_at: dt.datetime | None


_PERSON = tuple(people.c[name] for name in Person.__struct_fields__)
_FEED = tuple(feed_tokens.c[name] for name in FeedToken.__struct_fields__)
_TOKEN = tuple(tokens.c[name] for name in Token.__struct_fields__)

_ADD = statement(sa.insert(people))
_ONE = statement(sa.select(*_PERSON).where(people.c.id == sa.bindparam("id")))
_BY_HANDLE = statement(sa.select(*_PERSON).where(people.c.handle == sa.bindparam("handle")))
_SOME = statement(sa.select(*_PERSON).where(people.c.id.in_(each_of("ids"))))
_ALL = statement(
    sa.select(*_PERSON)
    .where(people.c.handle > sa.bindparam("after"))
    .order_by(people.c.handle)
    .limit(sa.bindparam("limit", type_=sa.Integer))
)
_COUNT = statement(sa.select(sa.func.count()).select_from(people))
_CHANGE = statement(
    sa.update(people)
    .where(people.c.id == sa.bindparam("which"))
    .values(roles=sa.bindparam("new_roles"), active=sa.bindparam("new_active"), name=sa.bindparam("new_name"))
)
_ADD_TOKEN = statement(sa.insert(tokens))
_BY_TOKEN = statement(
    sa.select(*_PERSON)
    .join(tokens, tokens.c.person == people.c.id)
    .where(
        tokens.c.hash == sa.bindparam("hash"),
        tokens.c.revoked_at.is_(None),
        sa.or_(tokens.c.expires.is_(None), tokens.c.expires > sa.bindparam("now")),
        people.c.active == 1,
    )
)
_TOKENS_OF = statement(
    sa.select(*_TOKEN).where(tokens.c.person == sa.bindparam("person")).order_by(tokens.c.created_at)
)
_TOKENS_FROM = statement(
    sa.select(tokens.c.person, tokens.c.created_by)
    .where(tokens.c.person.in_(each_of("ids")), tokens.c.created_by != tokens.c.person)
    .distinct()
)
_KEYS_FROM = statement(
    sa.select(tokens.c.person, tokens.c.created_by)
    .where(
        tokens.c.person.in_(each_of("ids")),
        tokens.c.created_by != tokens.c.person,
        sa.or_(
            tokens.c.revoked_at.is_(None),
            sa.and_(
                tokens.c.revoked_at > sa.bindparam("since"),
                tokens.c.person.not_in(sa.select(credentials.c.person)),
            ),
        ),
        sa.or_(tokens.c.expires.is_(None), tokens.c.expires > sa.bindparam("since")),
    )
    .distinct()
)
_LINKS_FROM = statement(
    sa.select(enrolments.c.person, enrolments.c.created_by)
    .where(
        enrolments.c.person.in_(each_of("ids")),
        enrolments.c.created_by != enrolments.c.person,
        sa.or_(enrolments.c.used_at.is_(None), enrolments.c.used_at > sa.bindparam("since")),
        enrolments.c.expires > sa.bindparam("since"),
    )
    .distinct()
)
_REVOKE_FOREIGN = statement(
    sa.update(tokens)
    .where(
        tokens.c.person == sa.bindparam("whose"),
        tokens.c.created_by != sa.bindparam("whose"),
        tokens.c.revoked_at.is_(None),
    )
    .values(revoked_at=sa.bindparam("at"))
)
_REVOKE = statement(
    sa.update(tokens)
    .where(tokens.c.hash == sa.bindparam("which"), tokens.c.revoked_at.is_(None))
    .values(revoked_at=sa.bindparam("at"))
)
_ADD_FEED = statement(sa.insert(feed_tokens))
_BY_FEED = statement(
    sa.select(*_FEED).where(feed_tokens.c.hash == sa.bindparam("hash"), feed_tokens.c.revoked_at.is_(None))
)
_FEEDS = statement(sa.select(*_FEED).where(feed_tokens.c.revoked_at.is_(None)).order_by(feed_tokens.c.created_at))
_REVOKE_FEED = statement(
    sa.update(feed_tokens)
    .where(feed_tokens.c.hash == sa.bindparam("which"), feed_tokens.c.revoked_at.is_(None))
    .values(revoked_at=sa.bindparam("at"))
)


def add(tx: Tx, person: Person) -> None:
    """Save a new person. Raises sqlite3.IntegrityError when the id or the handle is taken."""
    tx.run(
        _ADD,
        id=person.id,
        handle=person.handle,
        name=person.name,
        roles=_roles_text(person.roles),
        active=int(person.active),
        created_at=format_time(person.created_at),
        created_by=person.created_by,
    )


def change(tx: Tx, person: Person) -> None:
    """Save name, roles and whether the account is active; the rest never changes."""
    tx.run(
        _CHANGE,
        which=person.id,
        new_name=person.name,
        new_roles=_roles_text(person.roles),
        new_active=int(person.active),
    )


def person(tx: Tx, person_id: str) -> Person | None:
    """One person by id, active or not."""
    return _maybe(tx.one(_ONE, id=person_id))


def by_handle(tx: Tx, handle: str) -> Person | None:
    """One person by the name they are called by here."""
    return _maybe(tx.one(_BY_HANDLE, handle=handle))


def accounts(tx: Tx, ids: frozenset[str], since: dt.datetime) -> dict[str, Actor]:
    """These people as the rules see them, and whoever made an account among them after `since`, and so on."""
    found: dict[str, Actor] = {}
    wanted = set(ids)
    while wanted:
        listed = msgspec.json.encode(sorted(wanted)).decode()
        made = [_person(row).actor() for row in tx.all(_SOME, ids=listed)]
        found |= {actor.id: actor for actor in made}
        makers = {actor.created_by for actor in made if actor.created_by and actor.created_at > since}
        wanted = makers - found.keys()
    return _with_keys(tx, found, since)


def _with_keys(tx: Tx, found: dict[str, Actor], since: dt.datetime) -> dict[str, Actor]:
    """The same with who else holds or held what opens these accounts (`Actor.tokens_from`, `Actor.keys_from`)."""
    asked = {"ids": msgspec.json.encode(sorted(found)).decode(), "since": format_time(since)}
    ever = _makers(tx.all(_TOKENS_FROM, ids=asked["ids"]))
    links, keys = _makers(tx.all(_LINKS_FROM, **asked)), _makers(tx.all(_KEYS_FROM, **asked))
    none = frozenset[str]()
    return {
        each: replace(actor, tokens_from=ever.get(each, none) | links.get(each, none), keys_from=keys.get(each, none))
        for each, actor in found.items()
    }


def _makers(rows: list[sqlite3.Row]) -> dict[str, frozenset[str]]:
    made: dict[str, frozenset[str]] = {}
    for row in rows:
        made[row["person"]] = made.get(row["person"], frozenset()) | {row["created_by"]}
    return made


def everybody(tx: Tx, *, limit: int = 500, after: str = "") -> list[Person]:
    """People by handle, a page."""
    return [_person(row) for row in tx.all(_ALL, limit=limit, after=after)]


def count(tx: Tx) -> int:
    """How many accounts there are, active or not."""
    return int(tx.all(_COUNT)[0][0])


def add_token(
    tx: Tx, now: dt.datetime, token_hash: str, of: Person, label: str, by: str, *, expires: dt.datetime | None = None
) -> None:
    """Keep a person's token by its hash."""
    tx.run(
        _ADD_TOKEN,
        hash=token_hash,
        person=of.id,
        label=label,
        created_at=format_time(now),
        created_by=by,
        expires=None if expires is None else format_time(expires),
        revoked_at=None,
    )


def by_token(tx: Tx, token_hash: str, now: dt.datetime | None = None) -> Person | None:
    """Whose token this is; None when unknown, revoked, over (at `now`, where given) or of an account that is not active."""
    return _maybe(tx.one(_BY_TOKEN, hash=token_hash, now="" if now is None else format_time(now)))


def tokens_of(tx: Tx, person_id: str) -> list[Token]:
    """A person's tokens, oldest first."""
    return [_token(row) for row in tx.all(_TOKENS_OF, person=person_id)]


def revoke_token(tx: Tx, now: dt.datetime, token_hash: str) -> bool:
    """End a token; False when there is none to end."""
    return tx.run(_REVOKE, which=token_hash, at=format_time(now)) == 1


def revoke_tokens_from_others(tx: Tx, now: dt.datetime, person_id: str) -> int:
    """End every token of this person that somebody else made; how many."""
    return tx.run(_REVOKE_FOREIGN, whose=person_id, at=format_time(now))


def add_feed_token(tx: Tx, token: FeedToken, by: str) -> None:
    """Keep a district's feed token by its hash."""
    tx.run(
        _ADD_FEED,
        hash=token.hash,
        place=token.place,
        ceiling=token.ceiling.value,
        label=token.label,
        created_at=format_time(token.created_at),
        created_by=by,
        revoked_at=None,
    )


def feed_token(tx: Tx, token_hash: str) -> FeedToken | None:
    """Whose feed this is; None when unknown or revoked."""
    row = tx.one(_BY_FEED, hash=token_hash)
    return _feed(row) if row else None


def feed_tokens_all(tx: Tx) -> list[FeedToken]:
    """Every feed token that is not revoked, oldest first."""
    return [_feed(row) for row in tx.all(_FEEDS)]


def revoke_feed_token(tx: Tx, now: dt.datetime, token_hash: str) -> bool:
    """End a feed token; False when there is none to end."""
    return tx.run(_REVOKE_FEED, which=token_hash, at=format_time(now)) == 1


def _roles_text(roles: frozenset[Role]) -> str:
    return msgspec.json.encode(sorted(role.value for role in roles)).decode()


def _maybe(row: sqlite3.Row | None) -> Person | None:
    return _person(row) if row else None


def _person(row: sqlite3.Row) -> Person:
    return Person(
        id=row["id"],
        handle=row["handle"],
        name=row["name"],
        roles=frozenset(Role(role) for role in msgspec.json.decode(row["roles"])),
        active=bool(row["active"]),
        created_at=parse_time(row["created_at"]),
        created_by=row["created_by"],
    )


def _feed(row: sqlite3.Row) -> FeedToken:
    return FeedToken(row["hash"], row["place"], Tlp(row["ceiling"]), row["label"], parse_time(row["created_at"]))


def _token(row: sqlite3.Row) -> Token:
    expires, revoked = row["expires"], row["revoked_at"]
    return Token(
        hash=row["hash"],
        person=row["person"],
        label=row["label"],
        created_at=parse_time(row["created_at"]),
        expires=None if expires is None else parse_time(expires),
        revoked_at=None if revoked is None else parse_time(revoked),
    )
