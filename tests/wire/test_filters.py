"""What the broker itself would deliver to a peer, asked of the broker for each agreement."""

from __future__ import annotations

import dataclasses
import datetime as dt
import itertools
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from hub.rules.agreement import Agreement, filters
from hub.wire import keys
from hub.wire.bus import Bus, Durable
from hub.wire.connection import Connection
from hub.wire.lane import Pull
from schemas.marking import rank, token
from schemas.vocabulary import Lane, Mode, Tlp, Topic
from tests.wire.servers import NOW, Site, api, dialled, serving, site

LEVELS = (Tlp.CLEAR, Tlp.GREEN, Tlp.AMBER, Tlp.AMBER_STRICT)
TOPICS = (Topic.WEATHER, Topic.SUICIDE)
AUDIENCES = ("all", "to-ok", "to-va", "g-tx-rural")
BULLETINS = [
    f"exercise.{origin}.bulletin.{lane}.{audience}.{token(tlp)}.{topic}"
    for origin, lane, audience, tlp, topic in itertools.product(("tx", "tx-ntic"), Lane, AUDIENCES, LEVELS, TOPICS)
]
CONTROL = [
    f"exercise.tx.{kind}.{audience}"
    for kind, audience in itertools.product(("recall", "rollcall", "receipt"), ("all", "to-ok", "to-va", "g-tx-rural"))
] + ["exercise.tx.part.to-ok", "exercise.tx.bulletin.routine.all.red.weather", "exercise.tx.bulletin"]
WIDE = Agreement(
    peer="ok",
    topics=frozenset(Topic),
    ceiling=Tlp.AMBER_STRICT,
    lanes=frozenset(Lane),
    since=NOW - dt.timedelta(days=1),
)
CASES = {
    "all that there is": WIDE,
    "up to green": dataclasses.replace(WIDE, ceiling=Tlp.GREEN),
    "up to clear": dataclasses.replace(WIDE, ceiling=Tlp.CLEAR),
    "one topic": dataclasses.replace(WIDE, topics=frozenset({Topic.WEATHER}), ceiling=Tlp.AMBER),
    "no topic": dataclasses.replace(WIDE, topics=frozenset()),
    "flash only": dataclasses.replace(WIDE, lanes=frozenset({Lane.FLASH})),
    "routine only": dataclasses.replace(WIDE, lanes=frozenset({Lane.ROUTINE})),
    "no lane": dataclasses.replace(WIDE, lanes=frozenset()),
    "not begun": dataclasses.replace(WIDE, since=NOW + dt.timedelta(days=1)),
    "over": dataclasses.replace(WIDE, until=NOW),
    "another peer's": dataclasses.replace(WIDE, peer="va"),
    "none": None,
}


def expected(agreement: Agreement | None, lane: Lane) -> set[str]:
    """Said once more in plain words: the filters are another's work."""
    control = {"exercise.tx.recall.all", "exercise.tx.recall.to-ok", "exercise.tx.rollcall.all",
               "exercise.tx.rollcall.to-ok", "exercise.tx.receipt.to-ok"}  # fmt: skip
    own = control if lane is Lane.FLASH else set()
    over = agreement is None or agreement.peer != "ok" or agreement.since > NOW or agreement.until == NOW
    if over or lane not in agreement.lanes:
        return own
    for subject in BULLETINS:
        _, _, _, its_lane, audience, level, topic = subject.split(".")
        tlp = next(each for each in LEVELS if token(each) == level)
        for_ok = audience == "to-ok" or (audience == "all" and level in {"clear", "green"})
        if its_lane == lane and for_ok and topic in agreement.topics and rank(tlp) <= rank(agreement.ceiling):
            own = own | {subject}
    return own


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[tuple[Site, Connection, Connection]]:
    ok = keys.generate("U")
    tx = site(tmp_path / "tx").with_peers(ok=ok.public)
    async with serving(tx), dialled(tx, tx.keys.hub) as own, dialled(tx, ok, "_P.ok") as peer:
        bus = Bus(own)
        await bus.stream(Mode.EXERCISE, ("tx", "tx-ntic"), 1 << 24)
        told = await bus.publish([(each, b"{}", {"Nats-Msg-Id": each}) for each in BULLETINS + CONTROL])
        assert len({each.sequence for each in told}) == len(BULLETINS) + len(CONTROL)
        yield tx, own, peer


async def test_each_durable_delivers_what_the_agreement_says_and_no_more(scene) -> None:
    _, own, peer = scene
    bus = Bus(own)
    for name, agreement in CASES.items():
        made = filters(agreement, peer="ok", mode=Mode.EXERCISE, origins=("tx", "tx-ntic"), now=NOW)
        durables = [
            Durable("EXERCISE", f"peer-ok-{lane}", given, "ok", name)
            for lane, given in ((Lane.FLASH, made.flash), (Lane.ROUTINE, made.routine))
        ]
        await bus.agree(durables)
        for lane, durable in zip((Lane.FLASH, Lane.ROUTINE), durables, strict=True):
            wanted = expected(agreement, lane)
            assert await bus.pending("EXERCISE", durable.name) == len(wanted), (name, lane)
            assert await delivered(peer, durable.name, lane) == wanted, (name, lane)
            assert (await api(own, f"CONSUMER.DELETE.EXERCISE.{durable.name}"))["success"]  # the next starts at 0


async def delivered(peer: Connection, durable: str, lane: Lane) -> set[str]:
    pull = Pull(peer, "EXERCISE", durable, lane)
    await pull.begin()
    found: set[str] = set()
    while pull.head.left:
        messages = await pull.batch()
        found |= {each.subject for each in messages}
        await pull.acknowledge(messages)
    return found
