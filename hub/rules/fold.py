"""How the queue folds: two thousand advisories are at most fifteen rows, each one click from its items.

`key` names the fold of one advisory when it comes in; `rows` makes of the folds that are open what the queue's page lists.
What is severe for the state has a row of its own; while the queue is long, alerts of one kind share one, and what is
folded away shares fewer. No advisory is ever in no row.
"""

from __future__ import annotations

import collections
import dataclasses
import datetime as dt
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from hub.rules.relevance import Cause, Standing, Verdict
from schemas.vocabulary import SEVERITY_RANK, Severity

OLD: Final = dt.timedelta(days=7)
MOST_DAYS: Final = 7
MOST_ROWS: Final = 15
CHANGED: Final = "changed"
_BACKLOG: Final = "backlog"
_EVERY_SOURCE: Final = "all"
_MOST_KINDS: Final = 4
_NO_SLUG: Final = re.compile(r"[^a-z0-9]+")
_ALONE: Final = (CHANGED, Standing.SEVERE.value)

_CAUSES: Final = {
    Cause.ELSEWHERE: "places of other states only",
    Cause.AT_SEA: "marine zones only",
    Cause.MINOR: "less severe than your policy asks for",
    Cause.TOPIC: "topics that your policy does not list",
    Cause.OVER: "over when they came in",
    Cause.TEST: "tests and exercises",
}


@dataclasses.dataclass(frozen=True, slots=True)
class Fold:
    """The open advisories of one fold and kind: how many, the newest arrival, the highest severity.

    `title` is the source's own, `kind` what happens in its words ("High Wind Warning"); `headline` and `why` are those of
    one of them.
    """

    fold: str
    source: str
    title: str
    count: int
    newest: dt.datetime
    severity: Severity
    kind: str = ""
    headline: str = ""
    why: str = ""


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
    standing: Standing = Standing.STANDS


@dataclasses.dataclass(frozen=True, slots=True)
class _Room:
    """How much room the rows are given.

    `days` of a source; `shared`: so many kinds of severe alerts, the most frequent first, have one row each (None: one
    for all of a source); `folded`: what is folded away shares a row by its cause, by its source or all of it.
    """

    days: int
    shared: int | None
    folded: str


def _rooms(kinds: int) -> Iterator[_Room]:
    """From wide to narrow: the first in which the rows fit is taken, or the last."""
    yield _Room(MOST_DAYS, 0, "cause")
    yield _Room(3, 0, "cause")
    for shared in range(kinds + 1):
        yield _Room(3, shared, "source")
    yield _Room(1, kinds, "source")
    yield _Room(1, kinds, "all")
    yield _Room(1, None, "all")
    yield _Room(0, None, "all")


def key(
    source: str,
    *,
    first_load: bool,
    effective: dt.datetime | None,
    now: dt.datetime,
) -> str:
    """The fold of an advisory that comes in `now`: "cisa-kev:backlog" or "cisa-kev:2026-11-20" (a day in UTC).

    In the first load of a source what is older than seven days is backlog and the rest folds by its own day; later everything
    folds by the day it came in. A date in the future, or none, counts as today.
    """
    if not first_load or effective is None or effective >= now:
        return f"{source}:{_day(now)}"
    if now - effective > OLD:
        return f"{source}:{_BACKLOG}"
    return f"{source}:{_day(effective)}"


def placed(verdict: Verdict, source: str, kind: str, number: str) -> str | None:
    """The fold of an advisory that has a row of its own or is folded away; None: it stands with those of its day.

    "nws:severe:high-wind-warning:<number>", "nws:folded:elsewhere".
    """
    if verdict.standing is Standing.SEVERE:
        return alone(Standing.SEVERE.value, source, kind, number)
    if verdict.cause is not None:
        return f"{source}:{Standing.FOLDED}:{verdict.cause}"
    return None


def alone(which: str, source: str, kind: str, number: str) -> str:
    """The fold of one advisory by itself: `which` is "severe", or "changed" for what somebody decided about before."""
    return f"{source}:{which}:{_slug(kind)}:{number}"


def day_of(fold: str, source: str, came: dt.datetime) -> str:
    """Where an advisory stands with others again: where it stood before, or with those of the day when it came."""
    return f"{source}:{_day(came)}" if _part(fold) in {*_ALONE, Standing.FOLDED} else fold


def rows(folds: Iterable[Fold]) -> tuple[Row, ...]:
    """The queue's rows: severe ones first, then by day, newest first, each source's backlog, and what is folded away."""
    given = list(folds)
    listed: list[Row] = []
    for room in _rooms(len(_shared_kinds(given))):
        listed = list(_rows_in(given, room))
        if len(listed) <= MOST_ROWS:
            break
    return tuple(sorted(listed, key=_order))


def _order(row: Row) -> tuple[int, int, float, str]:
    severe = row.standing is Standing.SEVERE
    group = 0 if severe else 3 if row.standing is Standing.FOLDED else 2 if _is_backlog(row.fold) else 1
    return group, -SEVERITY_RANK[row.severity] if severe else 0, -row.newest.timestamp(), row.fold


def _rows_in(folds: Sequence[Fold], room: _Room) -> Iterator[Row]:
    yield from _severe([one for one in folds if _part(one.fold) in _ALONE], room.shared)
    yield from _folded([one for one in folds if _part(one.fold) == Standing.FOLDED], room.folded)
    by_source: dict[str, list[Fold]] = collections.defaultdict(list)
    for one in folds:
        if _part(one.fold) not in {*_ALONE, Standing.FOLDED}:
            by_source[one.source].append(one)
    for mine in by_source.values():
        yield from _of_days(mine, room.days)


# ------------------------------------------------------------------------------- rows of their own
def _severe(folds: Sequence[Fold], shared: int | None) -> Iterator[Row]:
    if shared is None:
        together, single = _grouped(folds, 2), list[Fold]()
    else:
        kinds = _shared_kinds(folds)[:shared]
        together = {name: mine for name, mine in _grouped(folds, 3).items() if name in kinds}
        single = [one for one in folds if _of_kind(one.fold) not in kinds]
    for name, mine in together.items():
        yield _one_row(mine[0]) if len(mine) == 1 else _shared_row(name, mine)
    yield from map(_one_row, single)


def _shared_kinds(folds: Sequence[Fold]) -> list[str]:
    """The kinds of which there are several, the most frequent first."""
    counted = collections.Counter(_of_kind(one.fold) for one in folds if _part(one.fold) in _ALONE)
    return sorted((name for name, count in counted.items() if count > 1), key=lambda name: (-counted[name], name))


def _of_kind(fold: str) -> str:
    """The name of the row of its kind, of a fold that is one alert's: "nws:severe:high-wind-warning"."""
    return ":".join(fold.split(":")[:3])


def _one_row(fold: Fold) -> Row:
    changed = _part(fold.fold) == CHANGED
    why = f"Its source changed it after you decided: {fold.why}." if changed else _sentence(fold.why)
    return _row([fold], fold.fold, fold.headline, why, Standing.SEVERE)


def _shared_row(name: str, folds: Sequence[Fold]) -> Row:
    total, title = sum(one.count for one in folds), folds[0].title
    kinds = {one.kind for one in folds}
    named = f"{title}: {_kinds(folds)}" if len(kinds) > 1 else f"{folds[0].kind or title}: {total:,} alerts"
    why = "Their source changed them after you decided."
    if _part(name) != CHANGED:
        why = "Severe or extreme for your state; alerts of one kind share a row while the queue is long."
    return _row(folds, name, named, why, Standing.SEVERE)


# ------------------------------------------------------------------------------------- folded away
def _folded(folds: Sequence[Fold], by: str) -> Iterator[Row]:
    if by == "all" and folds:
        yield _folded_row(f"{_EVERY_SOURCE}:{Standing.FOLDED}", folds)
        return
    for name, mine in _grouped(folds, 3 if by == "cause" else 2).items():
        yield _folded_row(name, mine)


def _folded_row(name: str, folds: Sequence[Fold]) -> Row:
    titles = ", ".join(dict.fromkeys(one.title for one in folds))
    total = sum(one.count for one in folds)
    title = f"{titles}: {total:,} folded away{_in_brackets(folds)}"
    return _row(folds, name, title, _sentence(folds[0].why) if total == 1 else _causes(folds), Standing.FOLDED)


def _causes(folds: Sequence[Fold]) -> str:
    """Why, and for several causes how many each: "372: marine zones only. 151: places of other states only"."""
    counted = collections.Counter[Cause]()
    for one in folds:
        counted[Cause(one.fold.split(":")[2])] += one.count
    if len(counted) == 1:
        return _sentence(_CAUSES[next(iter(counted))])
    ranked = sorted(counted.items(), key=lambda each: (-each[1], each[0]))
    return " ".join(f"{count:,}: {_CAUSES[cause]}." for cause, count in ranked)


# ------------------------------------------------------------------------------------------ by day
def _of_days(folds: Sequence[Fold], most: int) -> Iterator[Row]:
    by_fold = _grouped(folds, 2)
    names = sorted((name for name in by_fold if not _is_backlog(name)), reverse=True)
    for name in names[:most]:
        yield _day_row(name, by_fold[name])
    older = [one for name in names[most:] for one in by_fold[name]]
    backlog = [one for name, mine in by_fold.items() if _is_backlog(name) for one in mine]
    if older or backlog:
        yield _older_row([*older, *backlog], most, first_load=not older)


def _day_row(name: str, folds: Sequence[Fold]) -> Row:
    day = name.rpartition(":")[2]
    total = sum(one.count for one in folds)
    entries = "1 new entry" if total == 1 else f"{total:,} new entries"
    title = f"{folds[0].title}: {entries} added on {day}{_in_brackets(folds)}"
    return _row(folds, name, title, "Entries of one source that came on one day are one row.", Standing.STANDS)


def _older_row(folds: Sequence[Fold], most: int, *, first_load: bool) -> Row:
    first = folds[0]
    total = sum(one.count for one in folds)
    entries = "1 older entry" if total == 1 else f"{total:,} older entries"
    if first_load:
        title, why = (
            f"{entries} from the first load of {first.title}",
            "They were more than 7 days old when first loaded.",
        )
    else:
        title, why = f"{entries} of {first.title}", _why_older(most)
    return _row(folds, f"{first.source}:{_BACKLOG}", title, why, Standing.STANDS)


def _why_older(most: int) -> str:
    if most == 0:
        return "The queue is long: a source's days share one row."
    days = "day has" if most == 1 else f"{most} days have"
    return f"Only a source's last {days} a row of their own."


def under(fold: str, name: str) -> bool:
    """Whether a fold belongs to a row that had this name while the queue was longer or shorter."""
    if name == f"{_EVERY_SOURCE}:{Standing.FOLDED}":
        return _part(fold) == Standing.FOLDED
    return fold.startswith(f"{name}:")


# ---------------------------------------------------------------------------------------- together
def _grouped(folds: Sequence[Fold], depth: int) -> dict[str, list[Fold]]:
    """By so many parts of their names."""
    found: dict[str, list[Fold]] = collections.defaultdict(list)
    for one in folds:
        found[":".join(one.fold.split(":")[:depth])].append(one)
    return found


def _row(folds: Sequence[Fold], fold: str, title: str, why: str, standing: Standing) -> Row:
    return Row(
        fold=fold,
        folds=tuple(sorted({one.fold for one in folds})),
        source=folds[0].source,
        title=title,
        count=sum(one.count for one in folds),
        newest=max(one.newest for one in folds),
        severity=max((one.severity for one in folds), key=lambda severity: SEVERITY_RANK[severity]),
        why=why,
        standing=standing,
    )


def _kinds(folds: Sequence[Fold]) -> str:
    """How many of which: "15 High Wind Warning, 8 High Wind Watch": and how many of others."""
    counted = collections.Counter[str]()
    for one in folds:
        counted[one.kind or "other"] += one.count
    ranked = sorted(counted.items(), key=lambda each: (-each[1], each[0]))
    parts = [f"{count:,} {kind}" for kind, count in ranked[:_MOST_KINDS]]
    rest = sum(count for _, count in ranked[_MOST_KINDS:])
    return ", ".join([*parts, f"{rest:,} others"] if rest else parts)


def _in_brackets(folds: Sequence[Fold]) -> str:
    return f" ({_kinds(folds)})" if any(one.kind for one in folds) else ""


def _sentence(words: str) -> str:
    return f"{words[:1].upper()}{words[1:]}."


def _slug(kind: str) -> str:
    return _NO_SLUG.sub("-", kind.lower()).strip("-")[:40] or "other"


def _part(fold: str) -> str:
    """The word that tells how the advisories of a fold wait; a day, or "backlog", for those that stand together."""
    return fold.split(":")[1]


def _is_backlog(fold: str) -> bool:
    return fold.endswith(f":{_BACKLOG}")


def _day(moment: dt.datetime) -> str:
    return moment.astimezone(dt.UTC).date().isoformat()
