"""Sessions of browsers: machinery, without journal entries. A cookie is kept as the SHA-256 of itself, in hex."""

from __future__ import annotations

import datetime as dt
import sqlite3

import msgspec
import sqlalchemy as sa

from hub.store import people
from hub.store.people import Person
from hub.store.statement import statement
from hub.store.tables import sessions
from hub.store.tx import Tx
from schemas.times import format_time, parse_time

IDLE = dt.timedelta(hours=8)
LONGEST = dt.timedelta(hours=24)
MOST = 20  # of one person; the one that was quiet longest makes room


class Session(msgspec.Struct, frozen=True):
    """One browser that is signed in; never the cookie itself."""

    hash: str
    person: str
    label: str
    created_at: dt.datetime
    seen_at: dt.datetime
    expires: dt.datetime


_FIELDS = tuple(sessions.c[name] for name in Session.__struct_fields__)
_LIVE = (sessions.c.expires > sa.bindparam("now"), sessions.c.seen_at > sa.bindparam("quiet"))

_BEGIN = statement(sa.insert(sessions))
_ONE = statement(sa.select(*_FIELDS).where(sessions.c.hash == sa.bindparam("hash"), *_LIVE))
_OF = statement(
    sa.select(*_FIELDS).where(sessions.c.person == sa.bindparam("person"), *_LIVE).order_by(sessions.c.seen_at.desc())
)
_TOUCH = statement(
    sa.update(sessions).where(sessions.c.hash == sa.bindparam("which")).values(seen_at=sa.bindparam("at"))
)
_END = statement(sa.delete(sessions).where(sessions.c.hash == sa.bindparam("hash")))
_END_OTHERS = statement(
    sa.delete(sessions).where(sessions.c.person == sa.bindparam("person"), sessions.c.hash != sa.bindparam("but"))
)
_SWEEP = statement(
    sa.delete(sessions).where(
        sa.or_(sessions.c.expires <= sa.bindparam("now"), sessions.c.seen_at <= sa.bindparam("quiet"))
    )
)


def begin(tx: Tx, now: dt.datetime, session_hash: str, person_id: str, label: str) -> None:
    """Keep a new session by its hash; what is over is forgotten, and so are this person's oldest beyond `MOST`."""
    sweep(tx, now)
    for old in of_person(tx, now, person_id)[MOST - 1 :]:
        end(tx, old.hash)
    at = format_time(now)
    tx.run(
        _BEGIN,
        hash=session_hash,
        person=person_id,
        label=label,
        created_at=at,
        seen_at=at,
        expires=format_time(now + LONGEST),
    )


def live(tx: Tx, now: dt.datetime, session_hash: str) -> Session | None:
    """The session with this hash; None when unknown, ended, quiet for `IDLE` or over."""
    row = tx.one(_ONE, hash=session_hash, **_bounds(now))
    return _session(row) if row else None


def signed_in(tx: Tx, now: dt.datetime, session_hash: str) -> tuple[Person, Session] | None:
    """Who sits at the browser with this session; None without a live one or for an account that is not active."""
    session = live(tx, now, session_hash)
    person = None if session is None else people.person(tx, session.person)
    return None if session is None or person is None or not person.active else (person, session)


def of_person(tx: Tx, now: dt.datetime, person_id: str) -> list[Session]:
    """A person's live sessions, the one seen last first."""
    return [_session(row) for row in tx.all(_OF, person=person_id, **_bounds(now))]


def touch(tx: Tx, now: dt.datetime, session_hash: str) -> None:
    """Note that it was used just now."""
    tx.run(_TOUCH, which=session_hash, at=format_time(now))


def end(tx: Tx, session_hash: str) -> bool:
    """Forget a session; False when there is none."""
    return tx.run(_END, hash=session_hash) == 1


def end_all(tx: Tx, person_id: str, *, but: str = "") -> int:
    """Forget every session of a person, except the one with the hash `but`; how many."""
    return tx.run(_END_OTHERS, person=person_id, but=but)


def sweep(tx: Tx, now: dt.datetime) -> int:
    """Forget what is over; how many."""
    return tx.run(_SWEEP, **_bounds(now))


def _bounds(now: dt.datetime) -> dict[str, str]:
    return {"now": format_time(now), "quiet": format_time(now - IDLE)}


def _session(row: sqlite3.Row) -> Session:
    return Session(
        hash=row["hash"],
        person=row["person"],
        label=row["label"],
        created_at=parse_time(row["created_at"]),
        seen_at=parse_time(row["seen_at"]),
        expires=parse_time(row["expires"]),
    )
