from __future__ import annotations

import os
import shutil
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from nats.js.errors import APIError

from hub.wire.broker import Broker
from hub.wire.bus import Bus, BusError, Durable, Stored
from hub.wire.connection import Connection
from schemas.vocabulary import Mode
from tests.wire.servers import Site, api, dialled, serving, site

ROOM = 1 << 22
BULLETIN = "exercise.tx.bulletin.routine.all.green.weather"


@pytest.fixture
def tx(tmp_path: Path) -> Site:
    return site(tmp_path / "tx")


@pytest.fixture
async def broker(tx: Site) -> AsyncIterator[Broker]:
    async with serving(tx) as running:
        yield running


@pytest.fixture
async def own(tx: Site, broker: Broker) -> AsyncIterator[Connection]:
    async with dialled(tx, tx.keys.hub) as connection:
        yield connection


def message(subject: str, payload: bytes = b"{}", number: object = 1) -> tuple[str, bytes, dict[str, str]]:
    return subject, payload, {"Nats-Msg-Id": str(number)}


def durable(name: str, *filters: str) -> Durable:
    return Durable("EXERCISE", name, filters, "ok", "1")


async def test_a_stream_is_made_once_and_says_which_life_it_is(own: Connection) -> None:
    bus = Bus(own)
    made = await bus.stream(Mode.EXERCISE, ("tx",), ROOM)
    again = await bus.stream(Mode.EXERCISE, ("tx",), ROOM)
    assert made.created
    assert not again.created
    assert made.identity == again.identity
    config = (await api(own, "STREAM.INFO.EXERCISE"))["config"]
    expected = {
        "subjects": ["exercise.tx.>"], "retention": "limits", "discard": "new", "storage": "file", "max_age": 0,
        "max_bytes": ROOM, "max_msg_size": 262144, "max_msgs": -1, "num_replicas": 1, "duplicate_window": 120 * 10**9,
        "deny_delete": False, "deny_purge": False,
    }  # fmt: skip
    assert {name: config[name] for name in expected} == expected


async def test_a_desk_that_is_added_joins_the_stream(own: Connection) -> None:
    bus = Bus(own)
    before = await bus.stream(Mode.EXERCISE, ("tx",), ROOM)
    after = await bus.stream(Mode.EXERCISE, ("tx", "tx-ntic"), 2 * ROOM)
    assert after.identity == before.identity
    (ack,) = await bus.publish([message("exercise.tx-ntic.recall.all")])
    assert ack == Stored(1, duplicate=False)


async def test_a_lost_store_is_another_life(tx: Site) -> None:
    async with serving(tx), dialled(tx, tx.keys.hub) as own:
        first = await Bus(own).stream(Mode.EXERCISE, ("tx",), ROOM)
    shutil.rmtree(tx.config.directory / "jetstream")
    async with serving(tx), dialled(tx, tx.keys.hub) as own:
        second = await Bus(own).stream(Mode.EXERCISE, ("tx",), ROOM)
    assert second.created
    assert second.identity != first.identity


async def test_kill_9_loses_no_acknowledged_message(tx: Site) -> None:
    async with serving(tx) as broker, dialled(tx, tx.keys.hub) as own:
        bus = Bus(own)
        first = await bus.stream(Mode.EXERCISE, ("tx",), ROOM)
        acks = await bus.publish([message(BULLETIN, b"%d" % n, n) for n in range(200)])
        os.kill(broker.pid, signal.SIGKILL)
        await own.lost.wait()
        broker.up.clear()
        await broker.up.wait()
        async with dialled(tx, tx.keys.hub) as again:
            found = await Bus(again).stream(Mode.EXERCISE, ("tx",), ROOM)
    assert [ack.sequence for ack in acks] == list(range(1, 201))
    assert (found.identity, found.last) == (first.identity, 200)


async def test_one_refused_message_does_not_stop_the_others(own: Connection) -> None:
    bus = Bus(own)
    await bus.stream(Mode.EXERCISE, ("tx",), ROOM)
    first, refused, last = await bus.publish(
        [message(BULLETIN, b"1", 1), message("exercise.ok.recall.all", b"2", 2), message(BULLETIN, b"3", 3)]
    )
    assert (first.sequence, last.sequence) == (1, 2)
    assert isinstance(refused, BusError)
    assert refused.code == "no-stream"


async def test_a_full_stream_says_so_and_keeps_what_it_has(own: Connection) -> None:
    bus = Bus(own)
    await bus.stream(Mode.EXERCISE, ("tx",), 1 << 20)
    acks = await bus.publish([message(BULLETIN, bytes(200_000), n) for n in range(7)])
    assert [isinstance(ack, Stored) for ack in acks] == [True] * 5 + [False] * 2
    assert acks[-1].code == "10077"
    assert await bus.holds("EXERCISE", 1, BULLETIN, bytes(200_000))


async def test_a_deleted_message_is_gone_and_its_duplicate_is_not_there(own: Connection) -> None:
    """The trap of the dedup window: the server calls it a duplicate and holds nothing."""
    bus = Bus(own)
    await bus.stream(Mode.EXERCISE, ("tx",), ROOM)
    await bus.publish([message(BULLETIN, b"x")])
    assert await bus.holds("EXERCISE", 1, BULLETIN, b"x")
    assert not await bus.holds("EXERCISE", 1, BULLETIN, b"y")
    for _ in range(2):
        await bus.delete("EXERCISE", 1)
    (again,) = await bus.publish([message(BULLETIN, b"x")])
    assert again.duplicate
    assert not await bus.holds("EXERCISE", again.sequence, BULLETIN, b"x")


async def test_deleting_what_never_was_is_fine(own: Connection) -> None:
    bus = Bus(own)
    await bus.stream(Mode.EXERCISE, ("tx",), ROOM)
    await bus.delete("EXERCISE", 999)


async def test_a_stream_that_was_set_back_begins_anew(own: Connection) -> None:
    bus = Bus(own)
    stream = await bus.stream(Mode.EXERCISE, ("tx",), ROOM)
    await bus.publish([message(BULLETIN)])
    anew = await bus.begin_anew(stream, ("tx",), ROOM)
    assert anew.identity != stream.identity
    assert (await api(own, "STREAM.INFO.EXERCISE"))["state"]["messages"] == 0
    assert (await bus.stream(Mode.EXERCISE, ("tx",), ROOM)).identity == anew.identity


async def test_a_void_filter_is_taken_and_delivers_nothing(own: Connection) -> None:
    bus = Bus(own)
    await bus.stream(Mode.EXERCISE, ("tx",), ROOM)
    await bus.agree([durable("peer-ok-flash", "void.ok")])
    await bus.publish([message(f"exercise.tx.recall.{who}", b"x", who) for who in ("all", "to-ok", "to-va")])
    assert await bus.pending("EXERCISE", "peer-ok-flash") == 0
    with pytest.raises(ValueError, match="delivers everything"):
        durable("peer-ok-flash")


async def test_durables_follow_the_agreement_without_being_made_anew(own: Connection) -> None:
    bus = Bus(own)
    await bus.stream(Mode.EXERCISE, ("tx",), ROOM)
    flash, routine = durable("peer-ok-flash", "exercise.tx.recall.all"), durable("peer-ok-routine", BULLETIN)
    await bus.agree([flash, routine])
    born = (await api(own, "CONSUMER.INFO.EXERCISE.peer-ok-routine"))["created"]
    await bus.agree([flash, durable("peer-ok-routine", "void.ok")])
    await bus.publish([message(BULLETIN)])
    assert await bus.pending("EXERCISE", "peer-ok-routine") == 0
    assert (await api(own, "CONSUMER.INFO.EXERCISE.peer-ok-routine"))["created"] == born
    config = (await api(own, "CONSUMER.INFO.EXERCISE.peer-ok-flash"))["config"]
    expected = {
        "ack_policy": "explicit", "ack_wait": 30 * 10**9, "max_deliver": -1, "max_ack_pending": 1000, "max_waiting": 8,
        "deliver_policy": "all", "filter_subjects": ["exercise.tx.recall.all"],
    }  # fmt: skip
    assert {name: config.get(name) for name in expected} == expected
    assert {key: config["metadata"][key] for key in ("peer", "agreement")} == {"peer": "ok", "agreement": "1"}
    await bus.agree([flash])
    assert "error" in await api(own, "CONSUMER.INFO.EXERCISE.peer-ok-routine")


async def test_what_is_in_order_is_not_written_again(own: Connection) -> None:
    bus, asked = Bus(own), []
    await bus.stream(Mode.EXERCISE, ("tx",), ROOM)
    wanted = [
        durable("peer-ok-flash", "exercise.tx.recall.all", "exercise.tx.recall.to-ok"),
        durable("peer-ok-routine", "void.ok"),
    ]
    await bus.agree(wanted)
    listening = await own.subscribe("$JS.EVENT.ADVISORY.API", cb=None)
    await bus.stream(Mode.EXERCISE, ("tx",), ROOM)
    await bus.agree(wanted)
    await own.flush()
    while listening.pending_msgs:
        asked.append((await listening.next_msg()).data)
    assert [each for each in asked if b"CREATE" in each or b"UPDATE" in each] == []


async def test_a_name_of_somebody_else_s_stream_is_refused(own: Connection) -> None:
    bus = Bus(own)
    await bus.stream(Mode.LIVE, ("tx",), ROOM)
    await api(own, "STREAM.CREATE.OTHER", {"name": "OTHER", "subjects": ["exercise.>"]})
    with pytest.raises(APIError):
        await bus.stream(Mode.EXERCISE, ("tx",), ROOM)
