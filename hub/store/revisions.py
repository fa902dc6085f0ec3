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
import structlog

from hub.errors import StoreError
from hub.rules.release import GRACE
from hub.store.revision import COLUMNS, FIELDS, Revision, from_row, to_row
from hub.store.statement import Statement, each_of, statement
from hub.store.tables import holders
from hub.store.tables import revisions as table
from hub.store.tables import terms as term_table
from hub.store.tx import Tx
from schemas.bulletin import Bulletin
from schemas.times import format_time
from schemas.vocabulary import Mode, Topic

__all__ = ["Revision"]

_MOST_ROUNDS = 100  # a page that is asked for again because rows in it cannot be read
_log = structlog.get_logger("hub.store")

_TO_ROW = tuple(name for name in FIELDS if name not in {"seq", "position"})

_of_product = table.c.product_id == sa.bindparam("product_id")
_NEXT_POSITION = sa.select(sa.func.coalesce(sa.func.max(table.c.position), 0) + 1).scalar_subquery()
_ADD = statement(sa.insert(table).values(position=_NEXT_POSITION, **{name: sa.bindparam(name) for name in _TO_ROW}))
_ADD_AT = statement(sa.insert(table), "seq", "position", *_TO_ROW)
_LAST = statement(
    sa.select(sa.func.coalesce(sa.func.max(table.c.seq), 0), sa.func.coalesce(sa.func.max(table.c.position), 0))
)
_ADD_TERMS = statement(sa.insert(term_table))
_BY_SEQ = statement(sa.select(*COLUMNS).where(table.c.seq == sa.bindparam("seq")))
_OF_SEQS = statement(sa.select(*COLUMNS).where(table.c.seq.in_(each_of("seqs"))).order_by(table.c.seq.desc()))
_VERSION = statement(sa.select(*COLUMNS).where(_of_product, table.c.version == sa.bindparam("version")))
_CURRENT = statement(sa.select(*COLUMNS).where(_of_product, table.c.current == 1))
_VERSIONS = statement(sa.select(*COLUMNS).where(_of_product).order_by(table.c.version))
_BY_REPORT = statement(sa.select(*COLUMNS).where(table.c.report_id == sa.bindparam("report_id"), table.c.current == 1))
_AFTER = statement(
    sa.select(*COLUMNS)
    .where(table.c.seq > sa.bindparam("after"))
    .order_by(table.c.seq)
    .limit(sa.bindparam("limit", type_=sa.Integer))
)
_OWN = statement(
    sa.select(*COLUMNS)
    .where(
        table.c.seq > sa.bindparam("after"),
        table.c.own == 1,
        table.c.current == 1,
        sa.or_(
            table.c.stage == "released",
            sa.and_(
                table.c.stage == "expired",
                sa.select(sa.literal_column("1"))
                .where(
                    holders.c.mode == table.c.mode,
                    holders.c.product_id == table.c.product_id,
                    holders.c.place == sa.bindparam("held_by"),
                    holders.c.held == 1,
                )
                .exists(),
            ),
        ),
    )
    .order_by(table.c.seq)
    .limit(sa.bindparam("limit", type_=sa.Integer))
)
_DUE = statement(
    sa.select(*COLUMNS)
    .where(
        table.c.stage == sa.literal_column("'released'"),
        table.c.current == sa.literal_column("1"),
        table.c.expires <= sa.bindparam("until"),
        table.c.own == sa.bindparam("own"),
    )
    .order_by(table.c.expires)
    .limit(sa.bindparam("limit", type_=sa.Integer))
)
_POSITION = statement(sa.select(table.c.position).where(_of_product, table.c.current == 1))


def add(tx: Tx, revision: Revision, terms: Iterable[str] = ()) -> int:
    """Save a new version and the terms that lists narrow by; its seq. Whoever calls settles which version is current.

    Raises sqlite3.IntegrityError when this version of the product is there already.
    """
    seq = tx.insert(_ADD, **to_row(revision))
    add_terms(tx, seq, terms)
    return seq


def add_all(tx: Tx, found: Sequence[tuple[Revision, Iterable[str]]]) -> None:
    """As `add` for each, in order, in one go."""
    seq, position = tx.all(_LAST)[0]
    tx.many(
        _ADD_AT, (to_row(each) | {"seq": seq + n, "position": position + n} for n, (each, _) in enumerate(found, 1))
    )
    terms = (({"term": term, "seq": seq + n} for term in set(terms)) for n, (_, terms) in enumerate(found, 1))
    tx.many(_ADD_TERMS, itertools.chain.from_iterable(terms))


def add_terms(tx: Tx, seq: int, terms: Iterable[str]) -> None:
    """Let lists narrow a version by these terms."""
    tx.many(_ADD_TERMS, ({"term": term, "seq": seq} for term in sorted(set(terms))))


def by_seq(tx: Tx, seq: int) -> Revision | None:
    """One version by the order of storing."""
    return _maybe(tx.one(_BY_SEQ, seq=seq))


def of_seqs(tx: Tx, seqs: Iterable[int]) -> list[Revision]:
    """Versions by the order of storing, the last first. A row that cannot be read costs itself alone and is logged."""
    return _good(tx.all(_OF_SEQS, seqs=msgspec.json.encode(list(seqs)).decode()))


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


def own_between(tx: Tx, place: str, seq: int, limit: int) -> list[Revision]:
    """Our own products that this peer might have or has: in force, or expired and still held by it. In order of storing, a page."""
    return [from_row(row) for row in tx.all(_OWN, held_by=place, after=seq, limit=limit)]


def due(tx: Tx, until: dt.datetime, limit: int, *, own: bool) -> list[Revision]:
    """What has expired by then and is not marked so yet, the earliest first."""
    return [from_row(row) for row in tx.all(_DUE, until=format_time(until), limit=limit, own=int(own))]


class Narrow(msgspec.Struct, frozen=True, kw_only=True):
    """What a list is narrowed by; empty or None: not.

    `areas` are codes as in `Area` (any of them), `state` two letters, `lang` a tag in any case, `severity_rank` the least. An
    area or a state also finds what concerns every place. `told_since` leaves out older withdrawals (with `outside_at` not
    given: only those of others, the desk keeps its own); `outside_at` leaves out what by then nobody outside the desk is
    shown: expired, or without its bytes; `settled` what still waits for its lane.
    """

    topics: tuple[Topic, ...] = ()
    severity_rank: int | None = None
    areas: tuple[str, ...] = ()
    state: str | None = None
    lang: str | None = None
    told_since: dt.datetime | None = None
    outside_at: dt.datetime | None = None
    settled: bool = False

    def parameters(self) -> dict[str, object]:
        """What the statement takes for it; each name is there only when something is narrowed by it."""
        places = [f"area:{code}" for code in self.areas]
        places += [f"state:{self.state.lower()}"] if self.state else []
        given: dict[str, object] = {}
        if self.topics:
            given["topics"] = _json(self.topics)
        if self.severity_rank is not None:
            given["severity_rank"] = self.severity_rank
        if places:
            given["places"] = _json([*places, "area:*"])
        if self.lang:
            given["language"] = f"lang:{self.lang.lower()}"
        if self.told_since is not None:
            given["told_since"] = format_time(self.told_since)
        if self.outside_at is not None:
            given["alive_at"] = format_time(self.outside_at - GRACE)
        return given


EVERYTHING = Narrow()


def newest(
    tx: Tx,
    *,
    mode: Mode,
    reach: Iterable[str],
    narrow: Narrow = EVERYTHING,
    limit: int = 100,
    before: int | None = None,
) -> list[Revision]:
    """The shown version of each product that a reader of one of these reaches might have, the newest first, a page.

    `reach` are words of `hub.rules.release.Widest`; `before` is a `position`. SQL only narrows: `may_leave` decides on each.
    Fewer than `limit` means that there are no more. A row that cannot be read costs itself alone and is logged.
    """
    found: list[Revision] = []
    end, reach = 2**62 if before is None else before, tuple(reach)
    for _ in range(_MOST_ROUNDS):
        lacking = limit - len(found)
        rows = _page(tx, mode, reach, narrow, lacking, end)
        found += _good(rows)
        if len(rows) < lacking or len(found) == limit:
            return found
        end = _position(rows[-1])
    raise StoreError("Too many rows of this list cannot be read; `hub verify` names them.", code="unreadable-rows")


def _page(tx: Tx, mode: Mode, reach: tuple[str, ...], narrow: Narrow, limit: int, end: int) -> list[sqlite3.Row]:
    given = narrow.parameters()
    listing = _listing(frozenset(given) | ({"settled"} if narrow.settled else set()))
    pages = [tx.all(listing, mode=mode.value, reach=str(one), limit=limit, before=end, **given) for one in reach]
    return list(itertools.islice(heapq.merge(*pages, key=_position, reverse=True), limit))


def _good(rows: Iterable[sqlite3.Row]) -> list[Revision]:
    found: list[Revision] = []
    for row in rows:
        try:
            found.append(from_row(row))
        except Exception as error:  # noqa: BLE001 - a list outlives any one of its rows (house law 4)
            _log.error("a row cannot be read", product=str(row["product_id"])[:60], seq=row["seq"], exc_info=error)
    return found


@functools.lru_cache(maxsize=128)
def _listing(by: frozenset[str]) -> Statement:
    """The statement for one set of filters, compiled when it is first asked for."""
    asked = sa.select(*COLUMNS).where(
        table.c.mode == sa.bindparam("mode"),
        table.c.reach == sa.bindparam("reach"),
        table.c.current == sa.literal_column("1"),
        table.c.position < sa.bindparam("before"),
    )
    if "settled" in by:
        asked = asked.where(table.c.waiting == 0)
    if "alive_at" in by:
        alive = sa.and_(table.c.stage != "withdrawn", table.c.expires > sa.bindparam("alive_at"))
        # Said as the index ix_revisions_open says it: a flood of what is over is not even walked past.
        asked = asked.where(table.c.stage != sa.literal_column("'expired'"), table.c.readable == 1)
        asked = asked.where(sa.or_(alive, _told() if "told_since" in by else table.c.stage == "withdrawn"))
    elif "told_since" in by:
        asked = asked.where(sa.or_(table.c.own == 1, table.c.stage != "withdrawn", _told()))
    if "topics" in by:
        asked = asked.where(table.c.topic.in_(each_of("topics")))
    if "severity_rank" in by:
        asked = asked.where(table.c.severity_rank >= sa.bindparam("severity_rank"))
    if "places" in by:
        asked = asked.where(_has_term(each_of("places")))
    if "language" in by:
        asked = asked.where(_has_term(sa.select(sa.bindparam("language", type_=sa.Text))))
    return statement(asked.order_by(table.c.position.desc()).limit(sa.bindparam("limit", type_=sa.Integer)))


def _told() -> sa.ColumnElement[bool]:
    return sa.and_(table.c.stage == "withdrawn", table.c.updated_at >= sa.bindparam("told_since"))


def _has_term(wanted: sa.Select[Any]) -> sa.ColumnElement[bool]:
    found: sa.Select[Any] = sa.select(sa.literal_column("1")).where(
        term_table.c.seq == table.c.seq, term_table.c.term.in_(wanted)
    )
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


def _json(words: Iterable[str]) -> str:
    return msgspec.json.encode(sorted(words)).decode()


def _position(row: sqlite3.Row) -> int:
    return int(row["position"])


def _maybe(row: sqlite3.Row | None) -> Revision | None:
    return None if row is None else from_row(row)
