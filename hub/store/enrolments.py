"""One-time links by which people choose their own password. A code is kept as the SHA-256 of itself, in hex."""

from __future__ import annotations

import datetime as dt
import enum

import msgspec
import sqlalchemy as sa

from hub.store.statement import statement
from hub.store.tables import enrolments
from hub.store.tx import Tx
from schemas.times import format_time, parse_time


class Purpose(enum.StrEnum):
    """What a link is for: an account's first password, or another one."""

    FIRST = "first"
    RESET = "reset"


class Enrolment(msgspec.Struct, frozen=True):
    """A link that may still be used; never the code itself."""

    hash: str
    person: str
    purpose: Purpose
    created_by: str
    expires: dt.datetime


_ADD = statement(sa.insert(enrolments))
_OPEN = statement(
    sa.select(*(enrolments.c[name] for name in Enrolment.__struct_fields__)).where(
        enrolments.c.hash == sa.bindparam("hash"),
        enrolments.c.used_at.is_(None),
        enrolments.c.expires > sa.bindparam("now"),
    )
)
_CLOSE = statement(
    sa.update(enrolments)
    .where(enrolments.c.person == sa.bindparam("whose"), enrolments.c.used_at.is_(None))
    .values(used_at=sa.bindparam("at"))
)


def add(tx: Tx, now: dt.datetime, made: Enrolment) -> None:
    """Keep a new link; any other of this person is no good from now on."""
    close(tx, now, made.person)
    tx.run(
        _ADD,
        hash=made.hash,
        person=made.person,
        purpose=made.purpose.value,
        created_at=format_time(now),
        created_by=made.created_by,
        expires=format_time(made.expires),
        used_at=None,
    )


def unused(tx: Tx, now: dt.datetime, code_hash: str) -> Enrolment | None:
    """The link with this hash; None when unknown, used, replaced or over."""
    row = tx.one(_OPEN, hash=code_hash, now=format_time(now))
    if row is None:
        return None
    return Enrolment(row["hash"], row["person"], Purpose(row["purpose"]), row["created_by"], parse_time(row["expires"]))


def close(tx: Tx, now: dt.datetime, person_id: str) -> int:
    """Use up whatever links this person has; how many."""
    return tx.run(_CLOSE, whose=person_id, at=format_time(now))
