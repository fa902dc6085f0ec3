"""Counters that neither skip nor repeat: raised inside the verb's own transaction, so a verb that fails leaves no gap."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.dialects.sqlite import insert

from hub.store.statement import statement
from hub.store.tables import counters
from hub.store.tx import Tx

_put = insert(counters).values(name=sa.bindparam("name"), value=sa.bindparam("by", type_=sa.Integer))
_RAISE = statement(
    _put.on_conflict_do_update(
        index_elements=[counters.c.name], set_={"value": counters.c.value + _put.excluded.value}
    ).returning(counters.c.value)
)
_LIFT = statement(
    _put.on_conflict_do_update(
        index_elements=[counters.c.name], set_={"value": sa.func.max(counters.c.value, _put.excluded.value)}
    ).returning(counters.c.value)
)
_READ = statement(sa.select(counters.c.value).where(counters.c.name == sa.bindparam("name")))


def take(tx: Tx, name: str, by: int = 1) -> int:
    """Raise the counter and return its new value; the first is `by`. With `by` > 1 the last of a run of numbers."""
    row = tx.one(_RAISE, name=name, by=by)
    return int(row[0]) if row else by


def lift(tx: Tx, name: str, least: int) -> int:
    """Raise the counter to at least this value and return what it is."""
    row = tx.one(_LIFT, name=name, by=least)
    return int(row[0]) if row else least


def value(tx: Tx, name: str) -> int:
    """What the counter stands at; 0 when it was never taken."""
    row = tx.one(_READ, name=name)
    return int(row[0]) if row else 0
