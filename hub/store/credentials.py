"""What a person proves themselves with at a browser: the hash of a password, as argon2 spells it with its parameters."""

from __future__ import annotations

import datetime as dt

import sqlalchemy as sa
from sqlalchemy.dialects.sqlite import insert

from hub.store.statement import statement
from hub.store.tables import credentials
from hub.store.tx import Tx
from schemas.times import format_time

_ONE = statement(sa.select(credentials.c.hash).where(credentials.c.person == sa.bindparam("person")))
_new = insert(credentials)
_PUT = statement(
    _new.on_conflict_do_update(
        index_elements=["person"], set_={name: _new.excluded[name] for name in ("hash", "changed_at")}
    )
)
_EVERYBODY = statement(sa.select(credentials.c.person))


def password_hash(tx: Tx, person_id: str) -> str | None:
    """The hash of this person's password; None before they chose one."""
    row = tx.one(_ONE, person=person_id)
    return str(row["hash"]) if row else None


def put(tx: Tx, now: dt.datetime, person_id: str, hashed: str) -> None:
    """Keep the hash in place of an earlier one."""
    tx.run(_PUT, person=person_id, hash=hashed, changed_at=format_time(now))


def holders(tx: Tx) -> frozenset[str]:
    """Everybody who chose a password."""
    return frozenset(row["person"] for row in tx.all(_EVERYBODY))
