"""How the queue folds: few rows, no advisory lost, the newest first."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.rules.fold import MOST_DAYS, Fold, key, rows
from schemas.vocabulary import SEVERITY_RANK, Severity
from tests.rules.cases import DAY, HOUR, NOW

KEV = "cisa-kev"


def fold(
    name: str, count: int, newest: dt.datetime = NOW, severity: Severity = Severity.UNKNOWN, source: str = KEV
) -> Fold:
    return Fold(f"{source}:{name}", source, "CISA KEV" if source == KEV else "NWS alerts", count, newest, severity)


@pytest.mark.parametrize(
    ("first_load", "effective", "name"),
    [
        (True, NOW - 8 * DAY, "backlog"),
        (True, NOW - 7 * DAY, "2026-02-23"),
        (True, NOW - 7 * DAY - HOUR, "backlog"),
        (True, NOW - DAY, "2026-03-01"),
        (True, NOW, "2026-03-02"),
        (True, NOW + DAY, "2026-03-02"),
        (True, None, "2026-03-02"),
        (False, NOW - 400 * DAY, "2026-03-02"),
        (False, NOW - DAY, "2026-03-02"),
        (False, None, "2026-03-02"),
        (True, (NOW - DAY).astimezone(dt.timezone(dt.timedelta(hours=-10))), "2026-03-01"),
    ],
)
def test_where_an_advisory_folds(first_load: bool, effective: dt.datetime | None, name: str) -> None:
    assert key(KEV, first_load=first_load, effective=effective, now=NOW) == f"{KEV}:{name}"


def test_a_catalogue_is_a_handful_of_rows() -> None:
    listed = rows(
        [
            fold("backlog", 1396, NOW - DAY),
            fold("2026-03-02", 1, NOW, Severity.SEVERE),
            fold("2026-03-01", 4, NOW - DAY, Severity.MINOR),
            fold("2026-03-02", 2, NOW - HOUR, source="nws"),
        ]
    )
    assert [(row.title, row.severity, row.folds) for row in listed] == [
        ("CISA KEV: 1 new entry added on 2026-03-02", Severity.SEVERE, (f"{KEV}:2026-03-02",)),
        ("NWS alerts: 2 new entries added on 2026-03-02", Severity.UNKNOWN, ("nws:2026-03-02",)),
        ("CISA KEV: 4 new entries added on 2026-03-01", Severity.MINOR, (f"{KEV}:2026-03-01",)),
        ("1,396 older entries from the first load of CISA KEV", Severity.UNKNOWN, (f"{KEV}:backlog",)),
    ]


def test_days_beyond_the_seventh_join_the_backlog() -> None:
    days = [fold(f"2026-02-{day:02d}", 2, NOW - (28 - day) * DAY) for day in range(19, 29)]
    *recent, older = rows([*days, fold("backlog", 10, NOW - 20 * DAY, Severity.EXTREME)])
    assert [row.fold for row in recent] == [f"{KEV}:2026-02-{day}" for day in range(28, 21, -1)]
    assert older.fold == f"{KEV}:backlog"
    assert older.title == "16 older entries of CISA KEV"
    assert older.folds == (f"{KEV}:2026-02-19", f"{KEV}:2026-02-20", f"{KEV}:2026-02-21", f"{KEV}:backlog")
    assert (older.count, older.severity, older.newest) == (16, Severity.EXTREME, NOW - 7 * DAY)


def test_an_empty_queue_has_no_rows() -> None:
    assert rows([]) == ()


days = st.dates(dt.date(2026, 1, 1), dt.date(2026, 3, 2)).map(dt.date.isoformat)
folds = st.lists(
    st.builds(
        fold,
        st.one_of(st.just("backlog"), days),
        st.integers(1, 2000),
        st.integers(0, 60 * 24).map(lambda hours: NOW - hours * HOUR),
        st.sampled_from(Severity),
        st.sampled_from([KEV, "nws"]),
    ),
    max_size=30,
    unique_by=lambda one: one.fold,
)


@given(folds)
def test_nothing_is_lost_and_nothing_counted_twice(given_folds: list[Fold]) -> None:
    listed = rows(given_folds)
    assert sorted(name for row in listed for name in row.folds) == sorted(one.fold for one in given_folds)
    assert sum(row.count for row in listed) == sum(one.count for one in given_folds)
    assert len({row.fold for row in listed}) == len(listed)
    for source in (KEV, "nws"):
        mine = [row for row in listed if row.source == source]
        assert len(mine) <= MOST_DAYS + 1
        worst = max((SEVERITY_RANK[one.severity] for one in given_folds if one.source == source), default=-1)
        assert max((SEVERITY_RANK[row.severity] for row in mine), default=-1) == worst
    assert all(row.why.endswith(".") for row in listed)


@given(folds, st.randoms(use_true_random=False))
def test_the_order_of_the_rows_does_not_depend_on_the_order_of_the_folds(given_folds: list[Fold], chance) -> None:
    assert rows(chance.sample(given_folds, len(given_folds))) == rows(given_folds)
