"""Plain values that the tables of the rules start from, and strategies that draw them."""

from __future__ import annotations

import dataclasses
import datetime as dt
from typing import Any

from hypothesis import strategies as st

from hub.rules.agreement import Agreement
from hub.rules.authority import Actor, Given, Role, Work
from hub.rules.lifecycle import Stage
from hub.rules.policy import ApprovalRule, By, Policy
from hub.rules.release import District, Exit, Item, Member, Peer, Public, Reader
from schemas.vocabulary import Audience, Caveat, Lane, Mode, RecordClass, Severity, Tlp, Topic

NOW = dt.datetime(2026, 3, 2, 15, 0, tzinfo=dt.UTC)
HOUR = dt.timedelta(hours=1)
DAY = dt.timedelta(days=1)
LONG_AGO = NOW - 400 * DAY
HASH = "ab" * 32
OTHER_HASH = "cd" * 32
PLACES = ("ok", "oh", "va")


def actor(name: str, *roles: Role, age: dt.timedelta = 400 * DAY, by: str | None = None) -> Actor:
    return Actor(name, frozenset(roles), NOW - age, by)


ANN = actor("ann", Role.ANALYST)
SUE = actor("sue", Role.SUPERVISOR)
SID = actor("sid", Role.SUPERVISOR)
DEE = actor("dee", Role.DIRECTOR)
DAN = actor("dan", Role.DIRECTOR)
EVERYBODY = {one.id: one for one in (ANN, SUE, SID, DEE, DAN)}


def work(*given: tuple[str, Role] | Given, **changes: Any) -> Work:
    start = Work(
        authors=frozenset({"ann"}),
        approvals=(),
        lane=Lane.ROUTINE,
        tlp=Tlp.GREEN,
        topic=Topic.SWATTING,
        severity=Severity.SEVERE,
        content_hash=HASH,
    )
    approvals = tuple(one if isinstance(one, Given) else Given(*one, HASH) for one in given)
    return dataclasses.replace(start, approvals=approvals, **changes)


def item(**changes: Any) -> Item:
    start = Item(
        mode=Mode.LIVE,
        origin="tx",
        own=True,
        stage=Stage.RELEASED,
        tlp=Tlp.CLEAR,
        topic=Topic.SWATTING,
        lane=Lane.ROUTINE,
        audience=Audience.ALL,
        record_class=RecordClass.SAFETY_NOTICE,
        expires=NOW + DAY,
    )
    return dataclasses.replace(start, **changes)


def agreement(peer: str = "ok", **changes: Any) -> Agreement:
    start = Agreement(
        peer=peer,
        topics=frozenset(Topic),
        ceiling=Tlp.AMBER_STRICT,
        lanes=frozenset(Lane),
        since=LONG_AGO,
        until=NOW + 30 * DAY,
    )
    return dataclasses.replace(start, **changes)


def peer(place: str = "ok", audience: str | None = None, **changes: Any) -> Peer:
    return Peer(place, agreement(place, **changes), f"to-{place}" if audience is None else audience)


# ----------------------------------------------------------------------------------------------- drawn
moments = st.sampled_from([NOW - 2 * DAY, NOW - 11 * dt.timedelta(minutes=1), NOW - HOUR / 10, NOW, NOW + DAY])
actors = st.builds(
    Actor,
    id=st.sampled_from(["ann", "sue", "dee", "opal"]),
    roles=st.frozensets(st.sampled_from(Role), max_size=3),
    created_at=st.just(LONG_AGO),
    created_by=st.none(),
)
agreements = st.builds(
    Agreement,
    peer=st.sampled_from(PLACES),
    topics=st.one_of(st.just(frozenset(Topic)), st.frozensets(st.sampled_from(Topic))),
    ceiling=st.sampled_from(Tlp),
    lanes=st.frozensets(st.sampled_from(Lane)),
    since=st.sampled_from([LONG_AGO, NOW, NOW + HOUR]),
    until=st.sampled_from([None, NOW - HOUR, NOW, NOW + DAY]),
)
items = st.builds(
    Item,
    mode=st.sampled_from(Mode),
    origin=st.sampled_from(["tx", "tx-ntic", "oh"]),
    own=st.booleans(),
    stage=st.sampled_from(Stage),
    tlp=st.sampled_from([*Tlp, None]),
    topic=st.sampled_from([Topic.SWATTING, Topic.CYBER, None]),
    lane=st.sampled_from(Lane),
    audience=st.sampled_from([*Audience, None]),
    recipients=st.frozensets(st.sampled_from(PLACES)),
    caveats=st.frozensets(st.sampled_from(Caveat)),
    record_class=st.sampled_from([*RecordClass, None]),
    readable=st.booleans(),
    waiting=st.booleans(),
    expires=st.one_of(st.none(), moments),
)
# Items that nothing but marking, audience and caveats keeps back, so that "may leave" is drawn often enough.
plain_items = st.builds(
    item,
    own=st.booleans(),
    stage=st.sampled_from([Stage.RELEASED, Stage.RELEASED, Stage.WITHDRAWN]),
    tlp=st.sampled_from(Tlp),
    audience=st.sampled_from(Audience),
    recipients=st.frozensets(st.sampled_from(PLACES)),
    caveats=st.frozensets(st.sampled_from(Caveat), max_size=1),
)
readers: st.SearchStrategy[Reader] = st.one_of(
    st.just(Public()),
    st.builds(District, place=st.sampled_from(["tx", "oh"]), ceiling=st.sampled_from(Tlp)),
    st.builds(Member, actor=actors),
    st.builds(
        Peer,
        place=st.sampled_from(PLACES),
        agreement=st.one_of(st.none(), agreements, st.sampled_from([agreement(place) for place in PLACES])),
        subject_audience=st.sampled_from(["all", "to-ok", "to-oh", "to-va", "g-tx-metro"]),
    ),
)
exits = st.sampled_from(Exit)
rules = st.builds(
    ApprovalRule,
    count=st.integers(1, 4),
    by=st.sampled_from(By),
    tlp=st.frozensets(st.sampled_from(Tlp)),
    topic=st.frozensets(st.sampled_from([Topic.SWATTING, Topic.CYBER])),
    lane=st.frozensets(st.sampled_from(Lane)),
    severity=st.sampled_from(Severity),
)
policies = st.builds(
    Policy,
    approvals=st.lists(rules, max_size=3).map(tuple),
    district_ceiling=st.sampled_from([Tlp.CLEAR, Tlp.GREEN, Tlp.AMBER]),
    named_to_districts=st.booleans(),
)
