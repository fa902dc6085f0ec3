"""The queue: federal advisories that wait for somebody to decide, folded into a few rows (`rules.fold`)."""

from __future__ import annotations

import datetime as dt
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

import msgspec
import sqlalchemy as sa

from hub.rules import fold as folding
from hub.rules.fold import Fold, Row
from hub.store.statement import each_of, statement
from hub.store.tables import advisories as table
from hub.store.tx import Tx
from schemas.bulletin import Advisory
from schemas.times import format_time, parse_time
from schemas.vocabulary import SEVERITY_RANK, Severity

State = Literal["open", "adopted", "set-aside", "cancelled"]


class Waiting(msgspec.Struct, frozen=True, kw_only=True):
    """One advisory at the desk.

    `changed`: its source changed or cancelled it after somebody decided. `body` is the advisory in JSON, as its source last said
    it; `draft_id` what it was made into. `kind`: what happens, in short; `why` it stands where it stands, or
    is over.
    """

    id: str
    arrival: int
    source: str
    key: str
    revision: str
    action: str
    status: str
    state: State
    changed: bool
    fold: str
    headline: str
    severity: Severity
    body: bytes
    first_at: dt.datetime
    updated_at: dt.datetime
    draft_id: str | None
    decided_by: str | None
    reason: str | None
    kind: str = ""
    why: str = ""
    expires_at: dt.datetime | None = None

    @property
    def advisory(self) -> Advisory:
        """What the source says."""
        return _decode(self.body)


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Advisory).decode
_FIELDS = Waiting.__struct_fields__
_COLUMNS = tuple(table.c[name] for name in _FIELDS)
_BY_RANK: Mapping[int, Severity] = {rank: severity for severity, rank in SEVERITY_RANK.items()}
_WAITS: sa.ColumnElement[bool] = sa.literal_column("(state = 'open' or changed = 1)")

_ADD = statement(sa.insert(table), *_FIELDS, "severity_rank")
_CHANGE = statement(
    sa.update(table)
    .where(table.c.id == sa.bindparam("which"))
    .values(
        {
            name: sa.bindparam(f"new_{name}")
            for name in (
                "revision", "action", "status", "state", "changed", "headline", "severity", "severity_rank",
                "fold", "draft_id", "reason", "kind", "why", "expires_at",
            )
        }
        | {"body": sa.bindparam("new_body"), "updated_at": sa.bindparam("at")}
    )
)  # fmt: skip
_DECIDE = statement(
    sa.update(table)
    .where(table.c.id == sa.bindparam("which"))
    .values(
        state=sa.bindparam("new_state"),
        changed=0,
        draft_id=sa.bindparam("new_draft"),
        decided_by=sa.bindparam("by"),
        reason=sa.bindparam("why"),
    )
)
_ONE = statement(sa.select(*_COLUMNS).where(table.c.id == sa.bindparam("id")))
_OF_SOURCE = sa.select(table.c.key, table.c.revision).where(table.c.source == sa.bindparam("source"))
_KNOWN = statement(
    sa.union_all(
        _OF_SOURCE.where(sa.literal_column("state in ('open', 'adopted', 'set-aside')")),
        _OF_SOURCE.where(table.c.state == "cancelled", table.c.updated_at >= sa.bindparam("since")),
    )
)
_DUE = statement(
    sa.select(*_COLUMNS)
    .where(
        sa.literal_column("state = 'open' and expires_at is not null"),
        table.c.expires_at <= sa.bindparam("now"),
        table.c.expires_at > table.c.first_at,
    )
    .order_by(table.c.expires_at)
    .limit(sa.bindparam("limit", type_=sa.Integer))
)
_OPEN = statement(sa.select(*_COLUMNS).where(_WAITS))
_SOME = statement(sa.select(*_COLUMNS).where(table.c.id.in_(each_of("ids"))))
_FIRST = statement(sa.select(sa.func.min(table.c.first_at)).where(table.c.source == sa.bindparam("source")))
_ARRIVAL = statement(sa.select(sa.func.coalesce(sa.func.max(table.c.arrival), 0)))
_FOLDS = statement(
    sa.select(
        table.c.fold,
        table.c.source,
        sa.func.count(),
        sa.func.max(table.c.updated_at),
        sa.func.max(table.c.severity_rank),
        table.c.kind,
        sa.func.max(table.c.headline),
        sa.func.max(table.c.why),
    )
    .where(_WAITS)
    .group_by(table.c.fold, table.c.source, table.c.kind)
)
_ITEMS = statement(
    sa.select(*_COLUMNS)
    .where(_WAITS, table.c.fold.in_(each_of("folds")), table.c.arrival < sa.bindparam("before"))
    .order_by(table.c.arrival.desc())
    .limit(sa.bindparam("limit", type_=sa.Integer))
)
_IDS = statement(sa.select(table.c.id).where(_WAITS, table.c.fold.in_(each_of("folds"))))


def rows(tx: Tx, titles: Mapping[str, str] | None = None) -> tuple[Row, ...]:
    """What waits, folded; `titles` are the sources' own."""
    named = titles or {}
    return folding.rows(
        Fold(
            fold=row[0],
            source=row[1],
            title=named.get(row[1], row[1]),
            count=row[2],
            newest=parse_time(row[3]),
            severity=_BY_RANK[row[4]],
            kind=row[5],
            headline=row[6],
            why=row[7],
        )
        for row in tx.all(_FOLDS)
    )


def items(tx: Tx, fold: str, limit: int = 100, before: int | None = None) -> list[Waiting]:
    """The advisories under one row, the last to come first, a page; `before` is an `arrival`."""
    folds = _json(_folds_of(tx, fold))
    end = 2**62 if before is None else before
    return [_waiting(row) for row in tx.all(_ITEMS, folds=folds, limit=limit, before=end)]


def ids_under(tx: Tx, fold: str) -> list[str]:
    """Every advisory under one row."""
    return [row[0] for row in tx.all(_IDS, folds=_json(_folds_of(tx, fold)))]


def advisory(tx: Tx, advisory_id: str) -> Waiting | None:
    """One advisory, whatever became of it."""
    row = tx.one(_ONE, id=advisory_id)
    return _waiting(row) if row else None


def known(tx: Tx, source: str, since: dt.datetime | None = None) -> dict[str, str]:
    """{key: revision} of what a source said; a revision of what is gone says so (`connectors.source`).

    What was over before `since` is left out: should its source speak of it again, it is looked up when it is filed.
    """
    earliest = "" if since is None else format_time(since)
    return {row[0]: row[1] for row in tx.all(_KNOWN, source=source, since=earliest)}


def due(tx: Tx, now: dt.datetime, limit: int) -> list[Waiting]:
    """Those that wait and were to end after they came in and by `now`, the first to end first."""
    return [_waiting(row) for row in tx.all(_DUE, now=format_time(now), limit=limit)]


def waiting(tx: Tx) -> list[Waiting]:
    """All that waits."""
    return [_waiting(row) for row in tx.all(_OPEN)]


def some(tx: Tx, ids: Iterable[str]) -> dict[str, Waiting]:
    """Those of these advisories that are known, by id."""
    return {row["id"]: _waiting(row) for row in tx.all(_SOME, ids=_json(ids))}


def first_seen(tx: Tx, source: str) -> dt.datetime | None:
    """When the first advisory of a source came in."""
    row = tx.one(_FIRST, source=source)
    return None if row is None or row[0] is None else parse_time(row[0])


def last_arrival(tx: Tx) -> int:
    """The number of the last advisory that came in."""
    return int(tx.all(_ARRIVAL)[0][0])


def add(tx: Tx, new: Sequence[Waiting]) -> None:
    """Save new advisories."""
    tx.many(_ADD, (_row(one) for one in new))


def change(tx: Tx, changed: Sequence[Waiting]) -> None:
    """Save what sources changed."""
    tx.many(_CHANGE, (_changes(one) for one in changed))


def decide(
    tx: Tx,
    advisory_ids: Iterable[str],
    state: State,
    by: str,
    *,
    draft_id: str | None = None,
    reason: str | None = None,
) -> None:
    """Somebody decided: adopted into a draft, or set aside with a reason."""
    tx.many(
        _DECIDE,
        ({"which": one, "new_state": state, "new_draft": draft_id, "by": by, "why": reason} for one in advisory_ids),
    )


def made(waiting: Waiting, advisory: Advisory) -> Waiting:
    """The row with what its source says now."""
    return msgspec.structs.replace(
        waiting,
        revision=advisory.revision,
        action=advisory.action.value,
        status=advisory.status.value,
        headline=advisory.headline,
        severity=advisory.severity,
        body=_encode(advisory),
        kind=advisory.event,
        expires_at=advisory.expires,
    )


def _folds_of(tx: Tx, fold: str) -> tuple[str, ...]:
    """The folds of the row of this name; of one that is no row any more, those that it stood for."""
    listed = rows(tx)
    found = next((row.folds for row in listed if row.fold == fold), None)
    return found or tuple(one for row in listed for one in row.folds if folding.under(one, fold)) or (fold,)


def _row(one: Waiting) -> dict[str, object]:
    return {
        **msgspec.structs.asdict(one),
        "changed": int(one.changed),
        "severity": one.severity.value,
        "severity_rank": SEVERITY_RANK[one.severity],
        "first_at": format_time(one.first_at),
        "updated_at": format_time(one.updated_at),
        "expires_at": _time(one.expires_at),
    }


def _changes(one: Waiting) -> dict[str, object]:
    return {
        "which": one.id,
        "new_revision": one.revision,
        "new_action": one.action,
        "new_status": one.status,
        "new_state": one.state,
        "new_changed": int(one.changed),
        "new_headline": one.headline,
        "new_severity": one.severity.value,
        "new_severity_rank": SEVERITY_RANK[one.severity],
        "new_body": one.body,
        "new_fold": one.fold,
        "new_draft_id": one.draft_id,
        "new_reason": one.reason,
        "new_kind": one.kind,
        "new_why": one.why,
        "new_expires_at": _time(one.expires_at),
        "at": format_time(one.updated_at),
    }


def _waiting(row: sqlite3.Row) -> Waiting:
    return Waiting(
        **dict(zip(_FIELDS, row, strict=True))
        | {
            "changed": bool(row["changed"]),
            "severity": Severity(row["severity"]),
            "first_at": parse_time(row["first_at"]),
            "updated_at": parse_time(row["updated_at"]),
            "expires_at": None if row["expires_at"] is None else parse_time(row["expires_at"]),
        }
    )


def _time(moment: dt.datetime | None) -> str | None:
    return None if moment is None else format_time(moment)


def _json(words: Iterable[str]) -> str:
    return msgspec.json.encode(list(words)).decode()
