"""How the queue folds: a catalogue of 1,600 entries is a handful of rows, each one click from its items.

`key` names the fold of one advisory when it comes in; `rows` makes of the folds that are open what the queue's page lists.
"""

from __future__ import annotations

import collections
import dataclasses
import datetime as dt
from collections.abc import Iterable
from typing import Final

from schemas.vocabulary import SEVERITY_RANK, Severity

OLD: Final = dt.timedelta(days=7)
MOST_DAYS: Final = 7
_BACKLOG: Final = "backlog"


@dataclasses.dataclass(frozen=True, slots=True)
class Fold:
    """The open advisories of one fold: how many, the newest arrival, the highest severity. `title` is the source's own."""

    fold: str
    source: str
    title: str
    count: int
    newest: dt.datetime
    severity: Severity


@dataclasses.dataclass(frozen=True, slots=True)
class Row:
    """One row of the queue. `folds` are the keys of the advisories that it stands for, `why` says why they are one row."""

    fold: str
    folds: tuple[str, ...]
    source: str
    title: str
    count: int
    newest: dt.datetime
    severity: Severity
    why: str


def key(source: str, *, first_load: bool, effective: dt.datetime | None, now: dt.datetime) -> str:
    """The fold of an advisory that comes in `now`: "cisa-kev:backlog" or "cisa-kev:2026-11-20" (a day in UTC).

    In the first load of a source what is older than seven days is backlog and the rest folds by its own day; later everything
    folds by the day it came in. A date in the future, or none, counts as today.
    """
    if not first_load or effective is None or effective >= now:
        return f"{source}:{_day(now)}"
    if now - effective > OLD:
        return f"{source}:{_BACKLOG}"
    return f"{source}:{_day(effective)}"


def rows(folds: Iterable[Fold]) -> tuple[Row, ...]:
    """The queue's rows, newest first and each source's backlog after its days; at most eight a source."""
    by_source: dict[str, list[Fold]] = collections.defaultdict(list)
    for fold in folds:
        by_source[fold.source].append(fold)
    listed = [row for mine in by_source.values() for row in _rows_of(mine)]
    return tuple(sorted(listed, key=lambda row: (_is_backlog(row.fold), -row.newest.timestamp(), row.fold)))


def _rows_of(folds: list[Fold]) -> list[Row]:
    days = sorted((one for one in folds if not _is_backlog(one.fold)), key=lambda one: one.fold, reverse=True)
    backlog = [one for one in folds if _is_backlog(one.fold)]
    older = days[MOST_DAYS:] + backlog
    listed = [_day_row(one) for one in days[:MOST_DAYS]]
    return [*listed, _older_row(older, first_load=older == backlog)] if older else listed


def _day_row(fold: Fold) -> Row:
    day = fold.fold.rpartition(":")[2]
    entries = "1 new entry" if fold.count == 1 else f"{fold.count:,} new entries"
    title = f"{fold.title}: {entries} added on {day}"
    return _row((fold,), fold.fold, title, "Entries of one source that came on one day are one row.")


def _older_row(folds: list[Fold], *, first_load: bool) -> Row:
    first = folds[0]
    total = sum(one.count for one in folds)
    entries = "1 older entry" if total == 1 else f"{total:,} older entries"
    if first_load:
        title, why = (
            f"{entries} from the first load of {first.title}",
            "They were more than 7 days old when first loaded.",
        )
    else:
        title, why = (
            f"{entries} of {first.title}",
            f"Only the last {MOST_DAYS} days of a source have a row of their own.",
        )
    return _row(tuple(folds), f"{first.source}:{_BACKLOG}", title, why)


def _row(folds: tuple[Fold, ...], fold: str, title: str, why: str) -> Row:
    return Row(
        fold=fold,
        folds=tuple(sorted(one.fold for one in folds)),
        source=folds[0].source,
        title=title,
        count=sum(one.count for one in folds),
        newest=max(one.newest for one in folds),
        severity=max((one.severity for one in folds), key=lambda severity: SEVERITY_RANK[severity]),
        why=why,
    )


def _is_backlog(fold: str) -> bool:
    return fold.endswith(f":{_BACKLOG}")


def _day(moment: dt.datetime) -> str:
    return moment.astimezone(dt.UTC).date().isoformat()
