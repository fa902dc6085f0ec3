"""Revisions: released versions, own and received, as the signed bytes that travelled and the columns that SQL narrows by."""

from __future__ import annotations

import datetime as dt
import functools
import heapq
import itertools
import sqlite3
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
import sqlalchemy as sa

from hub.store import fragments
from hub.store.revision import COLUMNS, FIELDS, Revision, from_row, to_row
from hub.store.statement import Statement, each_of, statement
from hub.store.tables import revisions as table
from hub.store.tables import terms as term_table
from hub.store.tx import Tx
from schemas.bulletin import Bulletin
from schemas.times import format_time
from schemas.vocabulary import Lane, Mode, Reason, TombstoneKind

__all__ = ["Revision"]

_TO_ROW = tuple(name for name in FIELDS if name not in {"seq", "position"})

_of_product = table.c.product_id == sa.bindparam("product_id")
_NEXT_POSITION = sa.select(sa.func.coalesce(sa.func.max(table.c.position), 0) + 1).scalar_subquery()
_ADD = statement(
    sa.insert(table).values(position=_NEXT_POSITION, **{name: sa.bindparam(name) for name in _TO_ROW})
)
_ADD_TERMS = statement(sa.insert(term_table))
_DROP_TERMS = statement(sa.delete(term_table).where(term_table.c.seq == sa.bindparam("which")))
_BY_SEQ = statement(sa.select(*COLUMNS).where(table.c.seq == sa.bindparam("seq")))
_VERSION = statement(sa.select(*COLUMNS).where(_of_product, table.c.version == sa.bindparam("version")))
_CURRENT = statement(sa.select(*COLUMNS).where(_of_product, table.c.current == 1))
_VERSIONS = statement(sa.select(*COLUMNS).where(_of_product).order_by(table.c.version))
_BY_REPORT = statement(
    sa.select(*COLUMNS).where(table.c.report_id == sa.bindparam("report_id"), table.c.current == 1)
)
_AFTER = statement(
    sa.select(*COLUMNS)
    .where(table.c.seq > sa.bindparam("after"))
    .order_by(table.c.seq)
    .limit(sa.bindparam("limit", type_=sa.Integer))
)
_OWN = statement(
    sa.select(*COLUMNS)
    .where(
        table.c.seq > sa.bindparam("after"), table.c.own == 1, table.c.current == 1, table.c.stage == "released"
    )
    .order_by(table.c.seq)
    .limit(sa.bindparam("limit", type_=sa.Integer))
)
_DUE = statement(
    sa.select(*COLUMNS)
    .where(
        table.c.stage == sa.literal_column("'released'"),
        table.c.current == 1,
        table.c.expires <= sa.bindparam("until"),
        table.c.own == sa.bindparam("own"),
    )
    .order_by(table.c.expires)
    .limit(sa.bindparam("limit", type_=sa.Integer))
)
_POSITION = statement(sa.select(table.c.position).where(_of_product, table.c.current == 1))

_THIS = table.c.product_id == sa.bindparam("product")
_newest = table.alias("newest")
_SETTLE = statement(
    sa.update(table)
    .where(_THIS)
    .values(
        current=sa.cast(
            table.c.version
            == sa.select(sa.func.coalesce(sa.func.max(_newest.c.version), 0))
            .where(_newest.c.product_id == sa.bindparam("product"), _newest.c.waiting == 0)
            .scalar_subquery(),
            sa.Integer,
        )
    )
)
_OUTDATE = statement(sa.update(table).where(_THIS, table.c.current == 1).values(current=0))
_WITHDRAW = statement(
    sa.update(table)
    .where(_THIS)
    .values(
        stage="withdrawn",
        taken=sa.bindparam("new_taken"),
        reason=sa.bindparam("new_reason"),
        replaced_by=sa.bindparam("new_replaced_by"),
        updated_at=sa.bindparam("at"),
    )
)
_RAISE = statement(sa.update(table).where(_THIS, table.c.current == 1).values(position=_NEXT_POSITION))
_ERASE = statement(
    sa.update(table)
    .where(table.c.seq == sa.bindparam("which"))
    .values(
        payload=None,
        readable=0,
        taken=sa.bindparam("new_taken"),
        reason=sa.bindparam("new_reason"),
        updated_at=sa.bindparam("at"),
    )
)
_EXPIRE = statement(
    sa.update(table)
    .where(_THIS, table.c.version <= sa.bindparam("up_to"), table.c.stage == "released")
    .values(stage="expired", updated_at=sa.bindparam("at"))
)
_RESTORE = statement(
    sa.update(table)
    .where(_THIS, table.c.version <= sa.bindparam("up_to"), table.c.stage == "expired")
    .values(stage="released", taken=None, reason=None, updated_at=sa.bindparam("at"))
)
_WAITING = statement(
    sa.select(table.c.product_id)
    .distinct()
    .where(
        table.c.peer == sa.bindparam("peer"),
        table.c.lane == sa.bindparam("lane"),
        table.c.waiting == sa.literal_column("1"),
    )
)
_SHOW = statement(
    sa.update(table)
    .where(
        table.c.peer == sa.bindparam("from_peer"),
        table.c.lane == sa.bindparam("in_lane"),
        table.c.waiting == sa.literal_column("1"),
    )
    .values(
        waiting=0,
        readable=sa.cast(sa.and_(table.c.desk_only.is_(None), table.c.payload.is_not(None)), sa.Integer),
    )
)


def add(tx: Tx, revision: Revision, terms: Iterable[str] = ()) -> int:
    """Save a new version and the terms that lists narrow by; its seq. Whoever calls settles which version is current.

    Raises sqlite3.IntegrityError when this version of the product is there already.
    """
    seq = tx.insert(_ADD, **to_row(revision))
    tx.many(_ADD_TERMS, ({"term": term, "seq": seq} for term in sorted(set(terms))))
    return seq


def by_seq(tx: Tx, seq: int) -> Revision | None:
    """One version by the order of storing."""
    return _maybe(tx.one(_BY_SEQ, seq=seq))


def version(tx: Tx, product_id: str, number: int) -> Revision | None:
    """One version of a product."""
    return _maybe(tx.one(_VERSION, product_id=product_id, version=number))


def current(tx: Tx, product_id: str) -> Revision | None:
    """The newest version that does not wait, whatever its stage."""
    return _maybe(tx.one(_CURRENT, product_id=product_id))


def versions(tx: Tx, product_id: str) -> list[Revision]:
    """Every version of a product, the oldest first."""
    return [from_row(row) for row in tx.all(_VERSIONS, product_id=product_id)]


def by_report(tx: Tx, report_id: str) -> Revision | None:
    """The newest version of a STIX report."""
    return _maybe(tx.one(_BY_REPORT, report_id=report_id))


def after(tx: Tx, seq: int, limit: int) -> list[Revision]:
    """Versions in the order in which they were stored, a page."""
    return [from_row(row) for row in tx.all(_AFTER, after=seq, limit=limit)]


def own_released(tx: Tx, seq: int, limit: int) -> list[Revision]:
    """Our own products as they stand, in order of storing, a page."""
    return [from_row(row) for row in tx.all(_OWN, after=seq, limit=limit)]


def due(tx: Tx, until: dt.datetime, limit: int, *, own: bool) -> list[Revision]:
    """What has expired by then and is not marked so yet, the earliest first."""
    return [from_row(row) for row in tx.all(_DUE, until=format_time(until), limit=limit, own=int(own))]


def newest(
    tx: Tx,
    *,
    mode: Mode,
    reach: str | Sequence[str],
    topics: Sequence[str] | None = None,
    topic: str | None = None,
    severity_rank: int | None = None,
    areas: Sequence[str] | None = None,
    state: str | None = None,
    lang: str | None = None,
    limit: int = 100,
    before: int | None = None,
) -> list[Revision]:
    """Current versions that somebody of this reach might read, the newest first, a page; `may_leave` decides on each.

    `areas` are codes as in `Area` (any of them), `state` two letters, `lang` a tag (any case); an area or state also finds what
    concerns every place. `before` is a `position`.
    """
    if topic is not None:
        topics = (topic,)
    places = [f"area:{code}" for code in areas or ()] + ([] if state is None else [f"state:{state.lower()}"])
    params: dict[str, object] = {"mode": mode.value, "limit": limit, "before": 2**62 if before is None else before}
    if topics is not None:
        params["topics"] = _json(topics)
    if severity_rank is not None:
        params["severity_rank"] = severity_rank
    if places:
        params["places"] = _json([*places, "area:*"])
    if lang is not None:
        params["language"] = f"lang:{lang.lower()}"
    listing = _listing(frozenset(params))
    pages = [tx.all(listing, reach=one, **params) for one in ([reach] if isinstance(reach, str) else reach)]
    rows = heapq.merge(*pages, key=_position, reverse=True)
    return [from_row(row) for row in itertools.islice(rows, limit)]


@functools.lru_cache(maxsize=64)
def _listing(by: frozenset[str]) -> Statement:
    """The statement for one set of filters, compiled when it is first asked for."""
    asked = sa.select(*COLUMNS).where(
        table.c.mode == sa.bindparam("mode"),
        table.c.reach == sa.bindparam("reach"),
        table.c.current == 1,
        table.c.position < sa.bindparam("before"),
    )
    if "topics" in by:
        asked = asked.where(table.c.topic.in_(each_of("topics")))
    if "severity_rank" in by:
        asked = asked.where(table.c.severity_rank >= sa.bindparam("severity_rank"))
    if "places" in by:
        asked = asked.where(_has_term(each_of("places")))
    if "language" in by:
        asked = asked.where(_has_term(sa.select(sa.bindparam("language", type_=sa.Text))))
    return statement(asked.order_by(table.c.position.desc()).limit(sa.bindparam("limit", type_=sa.Integer)))


def _has_term(wanted: sa.Select[Any]) -> sa.ColumnElement[bool]:
    found = sa.select(sa.literal_column("1")).where(term_table.c.seq == table.c.seq, term_table.c.term.in_(wanted))
    return found.exists()


def position_of(tx: Tx, product_id: str) -> int | None:
    """Where a product stands in the lists, for `newest(before=...)`."""
    row = tx.one(_POSITION, product_id=product_id)
    return int(row[0]) if row else None


def terms_of(bulletin: Bulletin) -> list[str]:
    """What lists narrow a bulletin by. Without an area it concerns every place (`area:*`)."""
    found = [f"area:{area.fips or area.ugc}" for area in bulletin.areas]
    found += [f"state:{area.state.lower()}" for area in bulletin.areas if area.state is not None]
    languages = (bulletin.lang, *(translation.lang for translation in bulletin.translations))
    found += [f"lang:{lang.lower()}" for lang in languages]
    return found if bulletin.areas else [*found, "area:*"]


def drop_terms(tx: Tx, seq: int) -> None:
    """Lists narrow by this version no more: it was erased."""
    tx.run(_DROP_TERMS, which=seq)


def settle(tx: Tx, product_id: str) -> None:
    """Mark which version is current: the newest that does not wait."""
    tx.run(_SETTLE, product=product_id)


def outdate(tx: Tx, product_id: str) -> None:
    """No version is current any more: a newer one is about to be added as such."""
    tx.run(_OUTDATE, product=product_id)


def withdraw(
    tx: Tx, now: dt.datetime, product_id: str, kind: TombstoneKind, reason: Reason, replaced_by: str | None = None
) -> int:
    """Every version is withdrawn; the current one comes up again in the lists. How many versions changed."""
    changed = tx.run(
        _WITHDRAW,
        product=product_id,
        new_taken=kind.value,
        new_reason=reason.value,
        new_replaced_by=replaced_by,
        at=format_time(now),
    )
    tx.run(_RAISE, product=product_id)
    return changed


def erase(tx: Tx, now: dt.datetime, seqs: Iterable[int], kind: TombstoneKind, reason: Reason) -> None:
    """The bytes of these versions go, and everything that was made of them; (id, version, H) stay."""
    at = format_time(now)
    for seq in seqs:
        tx.run(_ERASE, which=seq, new_taken=kind.value, new_reason=reason.value, at=at)
        drop_terms(tx, seq)
        fragments.drop(tx, seq)


def expire(tx: Tx, now: dt.datetime, product_id: str, up_to: int) -> int:
    """These versions have expired; how many changed."""
    return tx.run(_EXPIRE, product=product_id, up_to=up_to, at=format_time(now))


def restore(tx: Tx, now: dt.datetime, product_id: str, up_to: int) -> int:
    """These versions stand again; whose bytes were erased stay unreadable until they come again."""
    return tx.run(_RESTORE, product=product_id, up_to=up_to, at=format_time(now))


def show_waiting(tx: Tx, peer: str, lane: Lane) -> list[str]:
    """The peer's lane has caught up: what waited in it becomes readable. The products that changed."""
    rows = tx.all(_WAITING, peer=peer, lane=lane.value)
    if rows:
        tx.run(_SHOW, from_peer=peer, in_lane=lane.value)
    found = [row[0] for row in rows]
    for product_id in found:
        settle(tx, product_id)
    return found


def _json(words: Iterable[str]) -> str:
    return msgspec.json.encode(sorted(words)).decode()


def _position(row: sqlite3.Row) -> int:
    return int(row["position"])


def _maybe(row: sqlite3.Row | None) -> Revision | None:
    return None if row is None else from_row(row)
