"""The same set of messages gives the same record, in whatever order and however often they come."""

from __future__ import annotations

import functools

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hub.desk import withdraw
from hub.desk.receive import Arrival, hold, open_lane, receive
from hub.rules.lifecycle import Stage
from hub.store import journal, revisions
from schemas.vocabulary import Lane, Reason, Tlp
from tests.desk.house import NOW, arrival_of, folder, open_desk

PRODUCT = "TX-2026-0001"
STEPS = {
    "wide": {"headline": "Two"},
    "to us": {"tlp": Tlp.AMBER, "audience": ("ok",)},
    "to another": {"tlp": Tlp.AMBER, "audience": ("va",)},
    "to both": {"tlp": Tlp.AMBER, "audience": ("ok", "va")},
}


@functools.cache
def messages(steps: tuple[str, ...], withdrawn: bool) -> tuple[Arrival, ...]:
    """Everything that was ever signed for ok, also what was overtaken before it was sent."""
    with folder() as within:
        desk = open_desk(within, "tx")
        try:
            desk.befriend("ok", "va")
            desk.publish()
            seen = {one.id: one for one in desk.outgoing()}
            for step in steps:
                desk.update(PRODUCT, **STEPS[step])
                seen |= {one.id: one for one in desk.outgoing()}
            if withdrawn:
                desk.write(withdraw.withdraw, desk.supervisor, NOW, PRODUCT, Reason.ERROR)
                seen |= {one.id: one for one in desk.outgoing()}
        finally:
            desk.database.close()
    return tuple(arrival_of(one) for one in seen.values() if one.to in (None, "ok"))


def outcome(arrivals, batches, *, caught_up=True):
    """What stands at ok once these came in this order, in batches of these sizes."""
    with folder() as within:
        desk = open_desk(within, "ok")
        try:
            desk.befriend("tx")
            if not caught_up:
                desk.write(hold, NOW, "tx")
            rest = list(arrivals)
            while rest:
                size = next(batches)
                desk.write(receive, NOW, "tx", rest[:size])
                rest = rest[size:]
            if not caught_up:
                for lane in Lane:
                    desk.write(open_lane, NOW, "tx", lane)
            kept = desk.read(revisions.versions, PRODUCT)
            assert desk.read(journal.verify) == []
        finally:
            desk.database.close()
    return kept


def sizes(numbers):
    while True:
        yield from numbers


def standing(kept):
    shown = [one for one in kept if one.current]
    return (
        [(one.version, one.stage, one.readable, one.payload is not None) for one in shown],
        {one.version: one.payload is None for one in kept},
    )


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data(), steps=st.lists(st.sampled_from(sorted(STEPS)), max_size=3).map(tuple), caught_up=st.booleans())
def test_any_order_gives_the_same_record(data, steps, caught_up):
    sent = messages(steps, withdrawn=False)
    order = data.draw(st.permutations(sent + sent[:2]))
    numbers = data.draw(st.lists(st.integers(1, 4), min_size=1, max_size=3))
    straight = outcome(sent, sizes([1]))
    assert standing(outcome(order, sizes(numbers), caught_up=caught_up)) == standing(straight)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data(), steps=st.lists(st.sampled_from(sorted(STEPS)), max_size=2).map(tuple), caught_up=st.booleans())
def test_what_was_withdrawn_stands_in_no_order(data, steps, caught_up):
    sent = messages(steps, withdrawn=True)
    order = data.draw(st.permutations(sent + sent[:2]))
    kept = outcome(order, sizes([2, 1]), caught_up=caught_up)
    assert {one.stage for one in kept} <= {Stage.WITHDRAWN}
    assert kept, "id, version and hash stay"
