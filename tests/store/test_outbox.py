"""What waits goes out in order and once; a new life of the stream is filled again."""

from __future__ import annotations

import pytest

from hub.desk import withdraw
from hub.store import outbox, revisions
from hub.store.outbox import StreamState
from schemas import envelope
from schemas.vocabulary import Mode, Reason, Tlp
from tests.desk.house import NOW, folder, open_desk


@pytest.fixture
def desk():
    with folder() as within:
        desk = open_desk(within)
        desk.befriend("ok")
        yield desk
        desk.database.close()


def mark(desk, one, sequence, epoch=1):
    desk.database.write_sync(outbox.mark_sent, one.id, epoch, sequence, NOW)


def test_in_order_and_each_verifies(desk):
    for tlp in (Tlp.GREEN, Tlp.AMBER, Tlp.CLEAR):
        desk.publish(tlp=tlp)
    waiting = desk.outgoing()
    assert [one.version for one in waiting] == [1, 1, 1]
    assert [one.id for one in waiting] == sorted(one.id for one in waiting)
    for one in waiting:
        envelope.verify(one.envelope)
        assert one.msg_id == envelope.message_id(one.subject, one.payload)
        assert (one.to == "ok") == ("to-ok" in one.subject)
    assert desk.read(outbox.waiting)[0] == 3
    assert len(desk.read(outbox.pending, 2)) == 2


def test_what_was_sent_waits_no_more(desk):
    desk.publish()
    (one,) = desk.outgoing()
    desk.database.write_sync(outbox.mark_failed, one.id, "no server")
    assert [again.attempts for again in desk.outgoing()] == [1]
    mark(desk, one, 7)
    assert desk.outgoing() == []


def test_a_new_life_of_the_stream_is_filled_again(desk):
    desk.publish()
    desk.publish(tlp=Tlp.AMBER)
    desk.publish()
    desk.write(withdraw.withdraw, desk.supervisor, NOW, "TX-2026-0002", Reason.ERROR)
    for sequence, one in enumerate(desk.outgoing(), 1):
        mark(desk, one, sequence)
    desk.update("TX-2026-0001", headline="Two")
    (newest,) = desk.outgoing()
    mark(desk, newest, 5)
    assert len(desk.read(outbox.superseded)) == 1

    assert desk.database.write_sync(outbox.refill, 2, Mode.EXERCISE) == 0
    assert desk.database.write_sync(outbox.refill, 2, Mode.LIVE) == 3
    again = desk.outgoing()
    assert [(one.kind, one.product_id, one.version) for one in again] == [
        ("bulletin", "TX-2026-R0001", 1),
        ("recall", "TX-2026-0002", 1),
        ("bulletin", "TX-2026-0001", 2),
    ]
    assert [one.msg_id.partition("#")[2] for one in again] == [f"2.{one.id}.1" for one in again]
    assert desk.read(outbox.superseded) == [], "what was to be deleted is gone with the old stream"
    assert desk.database.write_sync(outbox.refill, 2, Mode.LIVE) == 0
    for sequence, one in enumerate(again, 1):
        mark(desk, one, sequence, epoch=2)
    assert desk.database.write_sync(outbox.refill, 3, Mode.LIVE) == 3
    assert {one.msg_id.partition("#")[2] for one in desk.outgoing()} == {f"3.{one.id}.2" for one in again}


def test_what_was_withheld_at_the_last_moment_does_not_go(desk):
    desk.publish(tlp=Tlp.AMBER)
    (one,) = desk.outgoing()
    assert desk.database.write_sync(outbox.withhold, one.id, "the agreement ended")
    assert not desk.database.write_sync(outbox.withhold, one.id, "the agreement ended")
    assert desk.outgoing() == []


def test_erased_bytes_do_not_go_out(desk):
    desk.publish()
    seq = desk.read(revisions.current, "TX-2026-0001").seq

    def erase(t):
        t._connection.execute("UPDATE revisions SET payload = NULL WHERE seq = ?", (seq,))

    desk.database.write_sync(erase)
    assert desk.outgoing() == []


def test_the_state_of_a_stream_is_remembered(desk):
    assert desk.read(outbox.stream_state, "LIVE") is None
    for sequence in (3, 9):
        desk.database.write_sync(outbox.set_stream_state, "LIVE", StreamState(1, "made at noon", sequence))
    assert desk.read(outbox.stream_state, "LIVE") == StreamState(1, "made at noon", 9)
