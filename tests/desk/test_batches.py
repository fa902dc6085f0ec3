"""A batch leaves the very record that its items leave one by one, and a lane that opens shows what it always showed."""

from __future__ import annotations

import contextlib
import datetime as dt
import functools
import sqlite3

from hypothesis import given, settings
from hypothesis import strategies as st

from hub.desk import withdraw
from hub.desk.reading import ahead
from hub.desk.receive import Arrival, hold, open_lane, receive
from hub.rules.lifecycle import Stage
from hub.store import journal, revisions
from schemas.vocabulary import Lane, Reason
from tests.desk.house import NOW, arrival_of, folder, open_desk

ALONE, UPDATED, WITHDRAWN, SHORT, FLASH = (f"TX-2026-000{number}" for number in range(1, 6))
HOUR = dt.timedelta(hours=1)
TABLES = ("revisions", "terms", "tombstones", "journal", "quarantine", "usage")


@functools.cache
def messages() -> tuple[Arrival, ...]:
    """What a peer signed of five products: alone, updated, withdrawn, soon over, and in the other lane."""
    with folder() as within:
        desk = open_desk(within, "tx")
        try:
            desk.befriend("ok")
            for _ in (ALONE, UPDATED, WITHDRAWN):
                desk.publish()
            desk.publish(expires=NOW + HOUR)
            desk.publish(lane=Lane.FLASH)
            seen = {one.id: one for one in desk.outgoing()}
            desk.update(UPDATED, headline="Two")
            desk.write(withdraw.withdraw, desk.supervisor, NOW, WITHDRAWN, Reason.ERROR)
            seen |= {one.id: one for one in desk.outgoing()}
        finally:
            desk.database.close()
    return tuple(arrival_of(one) for one in seen.values())


def record(arrivals, size, *, held=False, opened=NOW):
    """The rows at ok once these came in batches of this size, and the shown versions."""
    with folder() as within:
        desk = open_desk(within, "ok")
        try:
            desk.befriend("tx")
            if held:
                desk.write(hold, NOW, "tx")
            for start in range(0, len(arrivals), size):
                desk.write(receive, NOW, "tx", arrivals[start : start + size])
            if held:
                for lane in Lane:
                    desk.write(open_lane, opened, "tx", lane)
            assert desk.read(journal.verify) == []
            shown = {one: desk.read(revisions.current, one) for one in (ALONE, UPDATED, WITHDRAWN, SHORT, FLASH)}
        finally:
            desk.database.close()
        with contextlib.closing(sqlite3.connect(desk.database.path)) as connection:
            rows = {table: connection.execute(f"SELECT * FROM {table}").fetchall() for table in TABLES}  # noqa: S608 - our own names
    return rows, shown


def standing(shown):
    return {
        product: one and (one.version, one.stage, one.taken, one.readable, one.waiting, one.current)
        for product, one in shown.items()
        if product != WITHDRAWN  # what was never shown gets no notice of its withdrawal
    }


@settings(max_examples=10)
@given(st.permutations(messages()), st.integers(2, 9), st.booleans())
def test_a_batch_leaves_the_record_that_its_items_leave_one_by_one(arrivals, size, held):
    again = [*arrivals, arrivals[0]]
    assert record(again, size, held=held)[0] == record(again, 1, held=held)[0]


@settings(max_examples=10)
@given(st.permutations(messages()))
def test_what_was_decoded_ahead_is_judged_as_what_was_not(arrivals):
    early = [Arrival(*_copy(each), bulletin=ahead(each.subject, each.payload)) for each in arrivals]
    assert record(early, 4)[0] == record(arrivals, 4)[0]


def _copy(arrival):
    return arrival.subject, arrival.payload, arrival.key, arrival.signature, arrival.fault, arrival.lane


@settings(max_examples=10)
@given(st.permutations(messages()), st.integers(1, 9))
def test_a_lane_that_opens_shows_what_is_shown_where_nothing_waited(arrivals, size):
    assert standing(record(arrivals, size, held=True)[1]) == standing(record(arrivals, size)[1])


def test_what_is_over_when_its_lane_opens_is_not_shown_as_in_force():
    _, shown = record(messages(), 9, held=True, opened=NOW + 2 * HOUR)
    assert shown[SHORT].stage is Stage.EXPIRED
    assert (shown[ALONE].stage, shown[ALONE].updated_at) == (Stage.RELEASED, NOW + 2 * HOUR)
    assert shown[UPDATED].version == 2
    assert shown[WITHDRAWN] is None
