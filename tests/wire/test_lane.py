from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.wire import keys, lane
from hub.wire.bus import Bus, Durable
from hub.wire.connection import Connection, NoLink
from hub.wire.lane import Head, Pull
from schemas.vocabulary import Lane, Mode
from tests.wire.servers import api, dialled, serving, site
from tests.wire.states import until

BULLETIN = "exercise.tx.bulletin.flash.all.green.weather"
NAME = "EXERCISE.peer-ok-flash"


def head(edge: int, old: int, new: int) -> Head:
    return Head({"delivered": {"stream_seq": edge}, "num_ack_pending": old, "num_pending": new})


@given(st.sets(st.integers(1, 20)), st.integers(0, 12), st.integers(0, 6), st.data())
def test_the_head_is_reached_when_all_that_was_there_is_committed_and_not_before(
    given_before: set[int], waiting: int, later: int, data: st.DataObject
) -> None:
    """Whatever came to an earlier link comes again at any time, and twice; the rest comes in order, with newer ones behind."""
    edge = 20
    new = list(range(edge + 1, edge + 1 + waiting))
    outstanding = given_before | set(new)
    again = data.draw(st.lists(st.sampled_from(sorted(given_before)), max_size=5)) if given_before else []
    redelivered = data.draw(st.permutations([*given_before, *again]))
    firsts = [*new, *range(edge + 1 + waiting, edge + 1 + waiting + later)]
    watched = head(edge, len(given_before), waiting)
    committed: set[int] = set()
    while redelivered or firsts:
        takes_first = bool(firsts) and (not redelivered or data.draw(st.booleans()))
        sequence = firsts.pop(0) if takes_first else redelivered.pop()
        watched.committed(sequence)
        committed.add(sequence)
        assert (watched.left == 0) == (outstanding <= committed)


def test_an_empty_durable_is_at_its_head() -> None:
    assert head(7, 0, 0).left == 0


@asynccontextmanager
async def pulling(directory: Path) -> AsyncIterator[tuple[Connection, Bus, Callable[[], Awaitable[Connection]]]]:
    ok = keys.generate("U")
    tx = site(directory / "tx").with_peers(ok=ok.public)
    async with AsyncExitStack() as ends:
        await ends.enter_async_context(serving(tx))
        own = await ends.enter_async_context(dialled(tx, tx.keys.hub))
        bus = Bus(own)
        await bus.stream(Mode.EXERCISE, ("tx",), 1 << 22)
        await bus.agree([Durable("EXERCISE", "peer-ok-flash", ("exercise.tx.bulletin.flash.>",), "ok", "1")])
        yield own, bus, lambda: ends.enter_async_context(dialled(tx, ok, "_P.ok"))


def pull(connection: Connection) -> Pull:
    return Pull(connection, "EXERCISE", "peer-ok-flash", Lane.FLASH)


async def put(bus: Bus, *payloads: bytes) -> None:
    await bus.publish([(BULLETIN, each, {"Nats-Msg-Id": each.decode()}) for each in payloads])


async def test_what_an_earlier_link_left_in_the_air_is_given_again_at_once(tmp_path: Path) -> None:
    async with pulling(tmp_path) as (own, bus, link):
        await put(bus, b"1", b"2", b"3")
        first = await link()
        early = pull(first)
        await early.begin()
        taken = await early.batch()
        await early.acknowledge(taken[:1])
        await first.close()
        again = pull(await link())
        await again.begin()
        assert again.head.left == 2
        found = await again.batch()
        assert sorted(each.data for each in found) == [b"2", b"3"]
        await again.acknowledge(found)
        assert again.head.left == 0

        async def acknowledged() -> bool:
            return (await api(own, f"CONSUMER.INFO.{NAME}"))["ack_floor"]["stream_seq"] == 3

        await until(acknowledged)


async def test_a_newer_acknowledgement_takes_nothing_older_along(tmp_path: Path) -> None:
    """With `ack_policy all` the first two were lost here for ever: the server counted them as acknowledged."""
    async with pulling(tmp_path) as (own, bus, link):
        await put(bus, b"1", b"2")
        first = await link()
        early = pull(first)
        await early.begin()
        assert len(await early.batch()) == 2
        await first.close()
        await put(bus, b"3")
        late = await link()
        heard = await late.subscribe("_P.ok.late")
        await late.publish(f"HUB.API.CONSUMER.MSG.NEXT.{NAME}", b'{"batch":1}', reply="_P.ok.late")
        newest = await heard.next_msg(2)
        assert newest.data == b"3"
        await newest.ack_sync()
        info = await api(own, f"CONSUMER.INFO.{NAME}")
        assert (info["ack_floor"]["stream_seq"], info["num_ack_pending"]) == (0, 2)


async def test_a_pull_that_ends_is_asked_again_and_full_ones_follow_each_other(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(lane, "_EXPIRES", 0.1)
    monkeypatch.setattr(lane, "_HASTY", 0.01)
    monkeypatch.setattr(lane, "_BATCH", 3)
    async with pulling(tmp_path) as (_, bus, link):
        standing = pull(await link())
        await standing.begin()
        assert await standing.batch() == []
        assert await standing.batch() == []
        await put(bus, *(b"%d" % n for n in range(20)))
        found: list[bytes] = []
        while len(found) < 20:
            messages = await standing.batch()
            found += [each.data for each in messages]
            await standing.acknowledge(messages)
        assert found == [b"%d" % n for n in range(20)]
        assert standing.behind == 0


async def test_a_pull_that_ends_soon_after_a_message_is_not_taken_for_hasty(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(lane, "_EXPIRES", 0.6)
    monkeypatch.setattr(lane, "_HASTY", 0.5)
    async with pulling(tmp_path) as (_, bus, link):
        standing = pull(await link())
        await standing.begin()
        asyncio.get_running_loop().call_later(0.4, lambda: early.append(asyncio.create_task(put(bus, b"1"))))
        early: list[asyncio.Task[None]] = []
        assert [each.data for each in await standing.batch()] == [b"1"]
        assert await standing.batch() == []  # the pull ended 0.2 s after the message, and 0.6 s after it was asked
        assert standing._left  # and the next one stands already: the lane is not deaf for a while


async def test_messages_that_left_the_stream_are_not_waited_for(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(lane, "_EXPIRES", 0.1)
    monkeypatch.setattr(lane, "_HASTY", 0.01)
    async with pulling(tmp_path) as (_, bus, link):
        await put(bus, b"1", b"2", b"3")
        connection = await link()
        late = pull(connection)
        late.head = Head(await late._info())
        assert late.head.left == 3
        await bus.delete("EXERCISE", 2)
        await late.begin()
        late.head = head(0, 0, 3)  # as it was counted before the deletion
        while messages := await late.batch():
            await late.acknowledge(messages)
        assert late.head.left == 1
        await late.look_again()
        assert late.head.left == 0


async def test_a_durable_that_goes_away_ends_the_link_in_words(tmp_path: Path) -> None:
    async with pulling(tmp_path) as (own, _, link):
        connection = await link()
        standing = pull(connection)
        await standing.begin()
        await connection.flush(5)  # the server has the question before it loses what was asked for
        assert (await api(own, f"CONSUMER.DELETE.{NAME}"))["success"]
        with pytest.raises(NoLink, match=r"gives us nothing: (409 Consumer Deleted|503)"):
            _ = [await standing.batch() for _ in range(3)]


async def test_a_durable_that_is_not_there_is_told(tmp_path: Path) -> None:
    async with pulling(tmp_path) as (own, _, link):
        await api(own, f"CONSUMER.DELETE.{NAME}")
        with pytest.raises(NoLink, match=r"no durable EXERCISE\.peer-ok-flash"):
            await pull(await link()).begin()


@pytest.mark.parametrize("info", [b"", b"[]", b"7", b'{"error":{"code":404}}', b'{"delivered":{},"num_pending":1}'])
async def test_hostile_info_is_no_link(tmp_path: Path, info: bytes) -> None:
    class Says:
        """A connection whose server answers like this."""

        def new_inbox(self) -> str:
            return "_P.ok.x"

        async def request(self, *_: object, **__: object):
            return type("Answer", (), {"data": info})

    with pytest.raises(NoLink):
        await Pull(Says(), "EXERCISE", "peer-ok-flash", Lane.FLASH).begin()
