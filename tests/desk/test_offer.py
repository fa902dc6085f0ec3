"""What a peer gives back to a node that was restored: no more than that node may have, and enough to know what was withdrawn."""

from __future__ import annotations

import contextlib
import dataclasses

import pytest

from hub.desk import offer, recover, withdraw
from hub.desk.receive import Arrival, receive
from hub.desk.reclaim import Found
from hub.errors import NotFound
from hub.rules.lifecycle import Stage
from hub.rules.release import Member
from hub.store import backup, journal, restoring, revisions
from hub.store.database import Database
from schemas.subjects import RecallSubject, parse
from schemas.vocabulary import Reason, Tlp
from tests.desk.house import NOW


@pytest.fixture
def pair(tx, ok):
    tx.befriend("ok", "va")
    ok.befriend("tx", "va")
    return tx, ok


def hand_over(giver, taker):
    """All that goes from one to the other, as their link does it."""
    seen = set()
    arrivals = [one for one in giver.arrivals(taker.office.place) if one.subject not in seen]
    taker.write(receive, NOW, giver.office.place, arrivals)


def offered(desk, place, person=None):
    """Every page of an offer."""
    after, found = offer.After(), []
    while after is not None:
        member = Member((person or desk.director).actor())
        page = desk.read(offer.offer, desk.office, NOW, place, member, after)
        found += page.items
        after = page.after
    return found


def told(found):
    return sorted(str(parse(one.subject)) for one in found)


def test_a_restored_node_is_given_its_own_back_and_what_is_meant_for_it(pair, monkeypatch):
    monkeypatch.setattr(offer, "PAGE", 2)
    tx, ok = pair
    for number in range(3):
        tx.publish(headline=f"Number {number}")
    copy = tx.database.path.with_name("copy.db")
    backup.copy(tx.database.path, copy)
    tx.publish(headline="Later", tlp=Tlp.AMBER)
    hand_over(tx, ok)
    tx.write(withdraw.withdraw, tx.supervisor, NOW, "TX-2026-0002", Reason.ERROR)
    ok.publish(headline="From Oklahoma")
    ok.publish(headline="From Oklahoma, taken back")
    ok.write(withdraw.withdraw, ok.supervisor, NOW, "OK-2026-0002", Reason.ERROR)
    hand_over(tx, ok)
    found = offered(ok, "tx")
    with contextlib.closing(Database.open(copy)) as database:
        again = dataclasses.replace(tx, database=database)
        again.write(recover.begin, NOW, {})
        mine = [Found(one) for one in found if one.key == again.office.key_id]
        theirs = [
            Arrival(one.subject, one.payload, one.key, one.signature) for one in found if one.key != again.office.key_id
        ]
        done = again.write(recover.reclaim, NOW, mine)
        again.write(receive, NOW, "ok", theirs)
        again.write(recover.read_back, NOW, "ok", {})
        assert (done.versions, done.tombstones, done.refused) == (1, 1, 0)
        assert again.read(restoring.state).waits == ("own", "va")
        again.write(recover.override, again.director, NOW, "Oklahoma gave it back", unread=True)
        stages = {
            one: again.read(revisions.current, one).stage for one in ("TX-2026-0001", "TX-2026-0002", "OK-2026-0001")
        }
        assert stages == {
            "TX-2026-0001": Stage.RELEASED,
            "TX-2026-0002": Stage.WITHDRAWN,
            "OK-2026-0001": Stage.RELEASED,
        }
        assert (
            again.read(revisions.current, "TX-2026-R0001").recipients
            == tx.read(revisions.current, "TX-2026-R0001").recipients
        )
        assert again.read(journal.verify, [again.office.key_id]) == []


def test_no_leak_to_the_wrong_peer(pair):
    _, ok = pair
    ok.publish(headline="For Virginia alone", tlp=Tlp.AMBER, audience=("va",))
    ok.publish(headline="For all", tlp=Tlp.AMBER)
    ok.publish(headline="Open")
    found = offered(ok, "tx")
    assert told(found) == [
        "live.ok.bulletin.routine.all.green.swatting",
        "live.ok.bulletin.routine.to-tx.amber.swatting",
    ]
    assert not [one for one in found if b"Virginia" in one.payload]


def test_no_leak_of_what_was_withdrawn(pair):
    tx, ok = pair
    tx.publish(headline="Words that were taken back")
    hand_over(tx, ok)
    tx.write(withdraw.withdraw, tx.supervisor, NOW, "TX-2026-0001", Reason.ERROR)
    hand_over(tx, ok)
    found = offered(ok, "tx")
    assert [type(parse(one.subject)) for one in found] == [RecallSubject]
    assert b"Words" not in found[0].payload


def test_no_leak_to_who_may_not_read_the_desk(pair):
    tx, ok = pair
    tx.publish(tlp=Tlp.AMBER)
    hand_over(tx, ok)
    assert len(offered(ok, "tx")) == 1
    assert offered(ok, "tx", ok.operator) == []


def test_a_stranger_is_offered_nothing(ok):
    with pytest.raises(NotFound):
        offered(ok, "tx")
