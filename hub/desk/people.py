"""Accounts, tokens and private feeds. A token is given out once; what is kept of it is its hash."""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import re
from collections.abc import Iterable

import msgspec

from hub.desk import record
from hub.desk.drafting import permit
from hub.desk.office import Office
from hub.errors import Conflict, FieldError, Forbidden, Invalid, NotFound
from hub.rules.authority import Role, Verb
from hub.store import enrolments, people, sessions
from hub.store.people import FeedToken, Person
from hub.store.tx import Tx
from schemas.vocabulary import Tlp

FOUNDER = "founder"  # the actor of the first account: nobody was there to make it
TOKEN_BYTES = 32
LABEL = 100
_HANDLE = re.compile(r"[a-z][a-z0-9._-]{1,39}", re.ASCII)


def hash_of(token: str) -> str:
    """What is kept of a token: its SHA-256 in hex."""
    return hashlib.sha256(token.encode()).hexdigest()


def first_person(tx: Tx, office: Office, now: dt.datetime, handle: str, name: str, roles: Iterable[Role]) -> Person:
    """Make the first account of a new node. Conflict when there is one already."""
    if people.count(tx):
        raise Conflict("This node has people already: one of them adds the next.", code="founded")
    person = Person("", handle, name, frozenset(roles), active=True, created_at=now, created_by=None)
    return _add(tx, office, FOUNDER, now, person)


def add_person(
    tx: Tx, office: Office, actor: Person, now: dt.datetime, handle: str, name: str, roles: Iterable[Role]
) -> Person:
    """Make an account. Raises Forbidden, Conflict when the handle is taken, Invalid."""
    permit(tx, office, actor, now, Verb.MANAGE_PEOPLE)
    person = Person("", handle, name, frozenset(roles), active=True, created_at=now, created_by=actor.id)
    return _add(tx, office, actor.id, now, person)


def _add(tx: Tx, office: Office, by: str, now: dt.datetime, wanted: Person) -> Person:
    _check(wanted)
    if people.by_handle(tx, wanted.handle) is not None:
        raise Conflict(f"There is a {wanted.handle} already.", code="handle-taken")
    person = msgspec.structs.replace(wanted, id=office.token("p"), name=wanted.name.strip())
    people.add(tx, person)
    body = {"handle": person.handle, "roles": sorted(person.roles)}
    record.tell(tx, office, now, by, "add-person", (person.id, 0), body)
    return person


def change_person(
    tx: Tx,
    office: Office,
    actor: Person,
    now: dt.datetime,
    person_id: str,
    *,
    roles: Iterable[Role] | None = None,
    active: bool | None = None,
) -> Person:
    """Change somebody's roles, or close or open the account; their sessions end. Nobody changes their own.

    Raises Forbidden, NotFound, Invalid.
    """
    permit(tx, office, actor, now, Verb.MANAGE_PEOPLE)
    if person_id == actor.id:
        raise Forbidden("Nobody changes their own roles: ask another operator.", code="own-account")
    person = people.person(tx, person_id)
    if person is None:
        raise NotFound
    changed = msgspec.structs.replace(
        person,
        roles=person.roles if roles is None else frozenset(roles),
        active=person.active if active is None else active,
    )
    _check(changed)
    people.change(tx, changed)
    if changed.roles != person.roles or not changed.active:
        sessions.end_all(tx, person.id)
    if not changed.active:
        enrolments.close(tx, now, person.id)
    body = {"roles": sorted(changed.roles), "active": changed.active}
    record.tell(tx, office, now, actor.id, "change-person", (person.id, 0), body)
    return changed


def issue_token(
    tx: Tx,
    office: Office,
    actor: Person,
    now: dt.datetime,
    person: Person,
    label: str,
    expires: dt.datetime | None = None,
) -> str:
    """Make a token for a person; it is shown this once. For oneself, or by who manages people.

    A token is its owner, so one made for somebody else is for handing over: the journal says who made it.
    """
    if actor.id != person.id:
        permit(tx, office, actor, now, Verb.MANAGE_PEOPLE)
    _check_label(label)
    token = new_token(office)
    people.add_token(tx, now, hash_of(token), person, label, actor.id, expires=expires)
    record.tell(tx, office, now, actor.id, "issue-token", (person.id, 0), {"label": label})
    return token


def revoke_token(tx: Tx, office: Office, actor: Person, now: dt.datetime, token_hash: str) -> None:
    """End a token: one's own, or anybody's by who manages people. Raises Forbidden, NotFound."""
    mine = {token.hash for token in people.tokens_of(tx, actor.id)}
    if token_hash not in mine:
        permit(tx, office, actor, now, Verb.MANAGE_PEOPLE)
    if not people.revoke_token(tx, now, token_hash):
        raise NotFound
    record.tell(tx, office, now, actor.id, "revoke-token", (token_hash[:16], 0), {"hash": token_hash})


def issue_feed_token(
    tx: Tx, office: Office, actor: Person, now: dt.datetime, place: str, ceiling: Tlp, label: str
) -> str:
    """Make a district's private feed, up to a ceiling; the token is shown this once. Raises Forbidden, Invalid."""
    permit(tx, office, actor, now, Verb.MANAGE_PEOPLE)
    _check_label(label)
    if ceiling not in (Tlp.CLEAR, Tlp.GREEN, Tlp.AMBER):
        words = f"A private feed goes up to TLP:AMBER, not TLP:{ceiling.value.upper()}."
        raise Invalid(words, (FieldError("/ceiling", words),))
    token = new_token(office)
    people.add_feed_token(tx, FeedToken(hash_of(token), place, ceiling, label, now), actor.id)
    body = {"place": place, "ceiling": ceiling, "label": label}
    record.tell(tx, office, now, actor.id, "issue-feed-token", (place, 0), body)
    return token


def revoke_feed_token(tx: Tx, office: Office, actor: Person, now: dt.datetime, token_hash: str) -> None:
    """End a district's private feed. Raises Forbidden, NotFound."""
    permit(tx, office, actor, now, Verb.MANAGE_PEOPLE)
    if not people.revoke_feed_token(tx, now, token_hash):
        raise NotFound
    record.tell(tx, office, now, actor.id, "revoke-feed-token", (token_hash[:16], 0), {"hash": token_hash})


def new_token(office: Office) -> str:
    """A new secret to be given out: 32 random bytes in base64url."""
    return base64.urlsafe_b64encode(office.entropy(TOKEN_BYTES)).rstrip(b"=").decode()


def _check(person: Person) -> None:
    errors = []
    if not _HANDLE.fullmatch(person.handle):
        errors.append(FieldError("/handle", "2 to 40 of a-z, 0-9, dot, hyphen, underscore; a letter first"))
    if not person.name.strip() or len(person.name) > LABEL or not person.name.isprintable():
        errors.append(FieldError("/name", f"1 to {LABEL} characters in one line"))
    if not person.roles:
        errors.append(FieldError("/roles", f"at least one of {', '.join(Role)}"))
    if errors:
        raise Invalid("Some fields do not fit.", tuple(errors))


def _check_label(label: str) -> None:
    if not label.strip() or len(label) > LABEL or not label.isprintable():
        words = f"A label has 1 to {LABEL} characters in one line."
        raise Invalid(words, (FieldError("/label", words),))
