"""Answers kept for a day, so that a POST sent twice is done once (Idempotency-Key, DESIGN section 6)."""

from __future__ import annotations

import datetime as dt

import msgspec
import sqlalchemy as sa
from sqlalchemy.dialects.sqlite import insert

from hub.store.statement import statement
from hub.store.tables import idempotency
from hub.store.tx import Tx
from schemas.times import format_time

LIFETIME = dt.timedelta(hours=24)


class Answer(msgspec.Struct, frozen=True):
    """What was answered: HTTP status, body bytes, and the SHA-256 of the request that it answered."""

    request: bytes
    status: int
    body: bytes


_FIND = statement(
    sa.select(idempotency.c.request, idempotency.c.status, idempotency.c.body).where(
        idempotency.c.person == sa.bindparam("person"),
        idempotency.c.key == sa.bindparam("key"),
        idempotency.c.expires > sa.bindparam("now"),
    )
)
_new = insert(idempotency)
_SAVE = statement(
    _new.on_conflict_do_update(
        index_elements=["person", "key"],
        set_={name: _new.excluded[name] for name in ("request", "status", "body", "expires")},
    )
)
_SWEEP = statement(sa.delete(idempotency).where(idempotency.c.expires <= sa.bindparam("now")))


def find(tx: Tx, now: dt.datetime, person: str, key: str) -> Answer | None:
    """What this person was answered under this key within a day. The caller compares `request`."""
    row = tx.one(_FIND, person=person, key=key, now=format_time(now))
    return Answer(*row) if row else None


def save(tx: Tx, now: dt.datetime, person: str, key: str, answer: Answer) -> None:
    """Keep an answer, in the transaction of the verb that it answers."""
    tx.run(
        _SAVE,
        person=person,
        key=key,
        request=answer.request,
        status=answer.status,
        body=answer.body,
        expires=format_time(now + LIFETIME),
    )


def sweep(tx: Tx, now: dt.datetime) -> int:
    """Forget what is older than a day; how many."""
    return tx.run(_SWEEP, now=format_time(now))
