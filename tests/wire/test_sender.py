"""From the record into the stream, by the broker's own word of what lies there."""

from __future__ import annotations

import asyncio
import base64
import dataclasses
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import pytest

from hub.errors import StoreError
from hub.store import outbox, peers
from hub.store.outbox import Outgoing
from hub.wire.bus import Bus, BusError, Stored
from hub.wire.connection import Connection
from hub.wire.sender import Sender, durables, look
from hub.wire.together import end
from schemas.envelope import KEY, MSG_ID, SIGNATURE, open_headers, read_headers, verify
from schemas.vocabulary import Lane, Mode
from tests.wire.servers import api, dialled, serving, site
from tests.wire.states import State, found, until

ROOM = 1 << 22
STREAM = "EXERCISE"


@asynccontextmanager
async def scene(directory: Path) -> AsyncIterator[tuple[State, Connection]]:
    """tx with a server, nothing running on it yet but this connection."""
    tx = found("tx", directory / "tx")
    try:
        server = site(tx.directory)
        async with serving(server), dialled(server, tx.keys.hub) as own:
            yield tx, own
    finally:
        tx.database.close()


@asynccontextmanager
async def sending(tx: State, own: Connection, room: int = ROOM) -> AsyncIterator[Sender]:
    sender = Sender(tx.database, tx.office, tx.clock, room)
    task = asyncio.create_task(sender.run(Bus(own)))
    try:
        yield sender
    finally:
        await end(task)


async def empty(tx: State) -> bool:
    return (await tx.database.read(outbox.waiting))[0] == 0


async def waiting(tx: State) -> list[Outgoing]:
    return await tx.database.read(outbox.pending)


async def stored(own: Connection) -> list[tuple[int, str, bytes, bytes]]:
    """(sequence, subject, header block, payload) of all that lies in the stream."""
    state = (await api(own, f"STREAM.INFO.{STREAM}")).get("state", {"first_seq": 0, "last_seq": -1})
    lying = []
    for sequence in range(state["first_seq"], state["last_seq"] + 1):
        answer = await api(own, f"STREAM.MSG.GET.{STREAM}", {"seq": sequence})
        if "message" in answer:
            told = answer["message"]
            lying.append((sequence, told["subject"], base64.b64decode(told["hdrs"]), base64.b64decode(told["data"])))
    return lying


async def test_messages_lie_in_the_order_of_release_with_three_headers_each_once(tmp_path: Path) -> None:
    async with scene(tmp_path) as (tx, own):
        released = [await tx.release(f"Number {n}", lane=Lane.FLASH if n == 3 else Lane.ROUTINE) for n in range(5)]
        async with sending(tx, own):
            await until(lambda: empty(tx))
        lying = await stored(own)
        assert [sequence for sequence, *_ in lying] == [1, 2, 3, 4, 5]
        for release, (_, subject, block, payload) in zip(released, lying, strict=True):
            assert list(read_headers(block)) == [MSG_ID, KEY, SIGNATURE]
            assert release.product_id.encode() in payload
            verify(open_headers(subject, block, payload))
        assert (await tx.database.read(outbox.stream_state, STREAM)).sequence == 5


async def test_a_message_that_got_in_before_the_crash_is_there_once(tmp_path: Path) -> None:
    """The server had said yes, the record had not been written yet."""
    async with scene(tmp_path) as (tx, own):
        await tx.release()
        (row,) = await waiting(tx)
        bus = Bus(own)
        await bus.stream(Mode.EXERCISE, ("tx",), ROOM)
        headers = {MSG_ID: row.msg_id, KEY: row.key, SIGNATURE: row.signature}
        assert await bus.publish([(row.subject, row.payload, headers)]) == [Stored(1, duplicate=False)]
        async with sending(tx, own):
            await until(lambda: empty(tx))
        assert [sequence for sequence, *_ in await stored(own)] == [1]


async def test_a_duplicate_that_is_not_there_is_sent_under_another_id(tmp_path: Path) -> None:
    async with scene(tmp_path) as (tx, own):
        await tx.release()
        (row,) = await waiting(tx)
        bus = Bus(own)
        await bus.stream(Mode.EXERCISE, ("tx",), ROOM)
        await bus.publish([(row.subject, row.payload, {MSG_ID: row.msg_id})])
        await bus.delete(STREAM, 1)
        async with sending(tx, own):
            await until(lambda: empty(tx))
        ((sequence, subject, block, payload),) = await stored(own)
        assert (sequence, read_headers(block)[MSG_ID]) == (2, f"{row.msg_id}#1.{row.id}.2")
        verify(open_headers(subject, block, payload))


async def test_a_duplicate_that_never_lands_is_told_and_stays(tmp_path: Path, monkeypatch) -> None:
    async with scene(tmp_path) as (tx, own):
        await tx.release()
        monkeypatch.setattr(Bus, "holds", lambda *_: asyncio.sleep(0, result=False))

        async def swallowed(_self, messages) -> list[Stored | BusError]:
            return [Stored(1, duplicate=True) for _ in messages]

        monkeypatch.setattr(Bus, "publish", swallowed)
        async with sending(tx, own) as sender:
            await until(lambda: asyncio.sleep(0, result=sender.error))
        assert sender.error == "the server calls it a duplicate and does not hold it"
        (row,) = await waiting(tx)
        assert row.attempts == 1


async def test_a_full_stream_is_told_in_words_and_emptied_into_later(tmp_path: Path) -> None:
    async with scene(tmp_path) as (tx, own):
        for number in range(6):
            await tx.release(f"Number {number}", text="x" * 15_000)
        async with sending(tx, own, 65_536) as sender:
            await until(lambda: asyncio.sleep(0, result=sender.error))
            assert "maximum bytes exceeded" in sender.error
            assert 0 < len(await waiting(tx)) < 6
        async with sending(tx, own) as sender:
            await until(lambda: empty(tx))
            await until(lambda: asyncio.sleep(0, result=sender.error is None))
        assert len(await stored(own)) == 6


async def test_what_cannot_be_sent_does_not_stand_before_what_can(tmp_path: Path, monkeypatch) -> None:
    """A desk that was taken out of the settings left messages that no stream takes."""
    monkeypatch.setattr("hub.wire.sender._AT_ONCE", 3)
    async with scene(tmp_path) as (tx, own):
        for number in range(8):
            await tx.release(f"Number {number}")
        whole = Bus.publish

        async def picky(self, messages) -> list[Stored | BusError]:
            good = [each for each in messages if b"Number 7" in each[1]]
            taken = dict(zip((each[1] for each in good), await whole(self, good), strict=True))
            return [taken.get(each[1], BusError("no stream takes this subject")) for each in messages]

        monkeypatch.setattr(Bus, "publish", picky)
        async with sending(tx, own):
            await until(lambda: got(own, b"Number 7"), 15)


async def got(own: Connection, words: bytes) -> bool:
    return any(words in payload for *_, payload in await stored(own))


async def test_a_record_that_cannot_be_written_ends_the_session(tmp_path: Path) -> None:
    async with scene(tmp_path) as (tx, own):
        sender = Sender(tx.database, tx.office, tx.clock, ROOM)
        task = asyncio.create_task(sender.run(Bus(own)))
        await until(lambda: asyncio.sleep(0, result=sender.running))
        tx.database.close()
        with pytest.raises(StoreError):
            await asyncio.wait_for(task, 5)
        assert not sender.running


async def test_a_look_takes_a_bounded_part(tmp_path: Path) -> None:
    async with scene(tmp_path) as (tx, _):
        for number in range(4):
            await tx.release(f"Number {number}")
        work = await tx.database.read(look, tx.office, tx.clock(), 3)
        assert [len(work.ready), len(work.gone), len(work.withheld)] == [3, 0, 0]


async def test_an_exercise_node_is_given_nothing_live_not_even_recalls(tmp_path: Path) -> None:
    tx, ok = found("tx", tmp_path / "tx"), found("ok", tmp_path / "ok")
    try:
        await tx.accept(ok.entry())
        await tx.agree("ok")
        (peer,) = await tx.database.read(peers.everybody)
        live = dataclasses.replace(tx.office, mode=Mode.LIVE)
        given = {(each.stream, each.name): each.filters for each in durables(peer, live, tx.clock())}
        assert {stream for stream, _ in given} == {"LIVE", "EXERCISE"}
        for (stream, name), filters in given.items():
            if stream == "LIVE":
                assert filters == ("void.ok",), name
            else:
                assert all(each.startswith("exercise.tx.") for each in filters)
        entry = msgspec.structs.replace(peer.entry, mode=Mode.LIVE)
        both = durables(msgspec.structs.replace(peer, entry=entry), live, tx.clock())
        assert all(each.filters[0].startswith(each.stream.lower()) for each in both)
    finally:
        tx.database.close()
        ok.database.close()
