"""What the node remembers of each outside source: validators, last good answer, last error (machinery)."""

from __future__ import annotations

import datetime as dt

import msgspec
import sqlalchemy as sa
from sqlalchemy.dialects.sqlite import insert

from hub.store.statement import statement
from hub.store.tables import sources
from hub.store.tx import Tx
from schemas.times import format_time


class SourceState(msgspec.Struct, frozen=True, kw_only=True):
    """One source's last run. Times are aware UTC; `etag` and `last_modified` are sent back as they came, to `url` only."""

    url: str | None = None
    etag: str | None = None
    last_modified: str | None = None
    tried_at: dt.datetime | None = None
    good_at: dt.datetime | None = None
    changed_at: dt.datetime | None = None
    error: str | None = None
    failures: int = 0
    not_before: dt.datetime | None = None
    counts: dict[str, int] = {}


_new = insert(sources)
_SAVE = statement(
    _new.on_conflict_do_update(
        index_elements=["name"], set_={"data": _new.excluded.data, "updated_at": _new.excluded.updated_at}
    )
)
_ONE = statement(sa.select(sources.c.data).where(sources.c.name == sa.bindparam("name")))
_ALL = statement(sa.select(sources.c.name, sources.c.data).order_by(sources.c.name))
_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(SourceState).decode


def save(tx: Tx, now: dt.datetime, name: str, state: SourceState) -> None:
    """Remember how the last run went."""
    tx.run(_SAVE, name=name, data=_encode(state), updated_at=format_time(now))


def state(tx: Tx, name: str) -> SourceState:
    """How the last run went; empty when there was none."""
    row = tx.one(_ONE, name=name)
    return _decode(row[0]) if row else SourceState()


def states(tx: Tx) -> dict[str, SourceState]:
    """Every source that ever ran."""
    return {row[0]: _decode(row[1]) for row in tx.all(_ALL)}
