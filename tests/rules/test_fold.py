"""How the queue folds: few rows, no advisory lost, the newest first."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.rules.fold import MOST_DAYS, MOST_ROWS, Fold, alone, day_of, key, placed, rows, under
from hub.rules.relevance import Cause, Standing, Verdict
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


def severe(kind: str, number: int, severity: Severity = Severity.SEVERE, source: str = "nws") -> Fold:
    name = alone("severe", source, kind, str(number))
    return Fold(name, source, "NWS alerts", 1, NOW, severity, kind, f"{kind} {number}", "names 1 county of Texas")


def away(cause: Cause, count: int, source: str = "nws", kind: str = "Gale Warning") -> Fold:
    return Fold(
        f"{source}:folded:{cause}",
        source,
        "NWS alerts",
        count,
        NOW,
        Severity.MODERATE,
        kind,
        "One",
        "marine zones only",
    )


@pytest.mark.parametrize(
    ("verdict", "name"),
    [
        (Verdict(Standing.SEVERE, "x"), "nws:severe:high-wind-warning:1"),
        (Verdict(Standing.FOLDED, "x", Cause.AT_SEA), "nws:folded:at-sea"),
        (Verdict(Standing.STANDS, "x"), None),
    ],
)
def test_where_a_verdict_places_it(verdict: Verdict, name: str | None) -> None:
    assert placed(verdict, "nws", "High Wind Warning", "1") == name


def test_back_among_the_others() -> None:
    assert day_of("nws:2026-01-01", "nws", NOW) == "nws:2026-01-01"
    assert day_of("nws:backlog", "nws", NOW) == "nws:backlog"
    for name in ("nws:severe:a:1", "nws:folded:minor", "nws:changed:a:1"):
        assert day_of(name, "nws", NOW) == "nws:2026-03-02"


def test_a_severe_alert_is_a_row_of_its_own_and_comes_first() -> None:
    listed = rows([fold("2026-03-02", 3), severe("Flood Warning", 1), severe("Tornado Warning", 2, Severity.EXTREME)])
    assert [(row.title, row.standing.value, row.why) for row in listed[:2]] == [
        ("Tornado Warning 2", "severe", "Names 1 county of Texas."),
        ("Flood Warning 1", "severe", "Names 1 county of Texas."),
    ]
    assert listed[2].standing is Standing.STANDS


def test_in_a_long_queue_alerts_of_the_most_frequent_kind_share_a_row() -> None:
    alerts = [severe("High Wind Warning", n) for n in range(15)] + [severe("Flood Watch", n) for n in range(90, 95)]
    listed = rows([*alerts, fold("backlog", 1400, NOW - DAY), away(Cause.AT_SEA, 300), away(Cause.MINOR, 20)])
    assert len(listed) <= MOST_ROWS
    shared = [row for row in listed if row.count > 1 and row.standing is Standing.SEVERE]
    assert [(row.fold, row.title, row.count) for row in shared] == [
        ("nws:severe:high-wind-warning", "High Wind Warning: 15 alerts", 15)
    ]
    assert sum(row.title.startswith("Flood Watch 9") for row in listed) == 5
    assert listed[-1].why == "300: marine zones only. 20: less severe than your policy asks for."
    assert all(under(name, shared[0].fold) for name in shared[0].folds)


def test_what_is_folded_away_says_why() -> None:
    one, several = rows([away(Cause.AT_SEA, 1, kind=""), away(Cause.ELSEWHERE, 40)])
    assert (one.why, one.title) == ("Marine zones only.", "NWS alerts: 1 folded away")
    assert (several.why, several.title) == (
        "Places of other states only.",
        "NWS alerts: 40 folded away (40 Gale Warning)",
    )
    assert {one.standing, several.standing} == {Standing.FOLDED}


@pytest.mark.parametrize(
    ("fold_name", "row", "belongs"),
    [
        ("nws:severe:flood:1", "nws:severe:flood", True),
        ("nws:severe:flood:1", "nws:severe", True),
        ("nws:severe:flood-watch:1", "nws:severe:flood", False),
        ("nws:folded:minor", "nws:folded", True),
        ("nws:folded:minor", "all:folded", True),
        ("nws:2026-01-01", "all:folded", False),
    ],
)
def test_a_name_of_a_longer_or_shorter_queue_is_still_known(fold_name: str, row: str, belongs: bool) -> None:
    assert under(fold_name, row) is belongs


days = st.dates(dt.date(2026, 1, 1), dt.date(2026, 3, 2)).map(dt.date.isoformat)
plain = st.lists(
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


kinds = st.sampled_from(["Flood Warning", "High Wind Watch", "Flood Watch", ""])
alerts = st.lists(st.builds(severe, kinds, st.integers(0, 10_000)), max_size=60, unique_by=lambda one: one.fold)
aways = st.lists(
    st.builds(away, st.sampled_from(Cause), st.integers(1, 400), st.sampled_from([KEV, "nws"])), max_size=20
)
folds = st.builds(lambda *several: [one for mine in several for one in mine], plain, alerts, aways)


@given(folds)
def test_nothing_is_lost_and_nothing_counted_twice(given_folds: list[Fold]) -> None:
    listed = rows(given_folds)
    assert sorted(name for row in listed for name in row.folds) == sorted({one.fold for one in given_folds})
    assert sum(row.count for row in listed) == sum(one.count for one in given_folds)
    assert len({row.fold for row in listed}) == len(listed) <= MOST_ROWS
    for source in (KEV, "nws"):
        mine = [row for row in listed if row.source == source and row.standing is Standing.STANDS]
        assert len(mine) <= MOST_DAYS + 1
    worst = max((SEVERITY_RANK[one.severity] for one in given_folds), default=-1)
    assert max((SEVERITY_RANK[row.severity] for row in listed), default=-1) == worst
    assert all(row.why.endswith(".") for row in listed)


@given(folds)
def test_what_is_severe_for_the_state_is_in_no_row_that_is_folded(given_folds: list[Fold]) -> None:
    for row in rows(given_folds):
        assert ({name.split(":")[1] for name in row.folds} <= {"severe"}) == (row.standing is Standing.SEVERE)


@given(folds, st.randoms(use_true_random=False))
def test_the_order_of_the_rows_does_not_depend_on_the_order_of_the_folds(given_folds: list[Fold], chance) -> None:
    assert rows(chance.sample(given_folds, len(given_folds))) == rows(given_folds)
