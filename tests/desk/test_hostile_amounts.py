"""A peer that sends too much, or times at the end of the calendar: it costs itself, and its recalls still count."""

from __future__ import annotations

import datetime as dt
import time

import msgspec
import pytest

from hub.desk import peers as desk_peers
from hub.desk.receive import hold, open_lane, receive
from hub.errors import Conflict
from hub.rules.lifecycle import MOST_TOMBSTONES, MOST_VERSIONS, Stage
from hub.store import journal, quarantine, revisions, tombstones
from schemas import stix
from schemas.bulletin import Bulletin
from schemas.register import Caps
from schemas.vocabulary import Lane, TombstoneKind
from tests.desk.house import DAY, NOW, agreement_for, signed
from tests.desk.test_receive import stone

PRODUCT = "TX-2026-0001"
LAST = dt.datetime(9999, 12, 31, 23, 59, 59, 999000, tzinfo=dt.UTC)


@pytest.fixture
def pair(tx, ok):
    tx.befriend("ok")
    ok.befriend("tx")
    return tx, ok


def took(desk, *arrivals, now=NOW):
    return desk.write(receive, now, "tx", arrivals)


def codes(decisions):
    return [getattr(one, "code", "taken") for one in decisions]


def forged(first, version=1, number=1, **changes):
    """Another version, or another product, with the peer's own signature."""
    bulletin: Bulletin = stix.decode(first.payload)
    stamp = msgspec.structs.replace(bulletin.stamp, version=version, product_id=f"TX-2026-{number:04d}")
    payload = stix.encode(msgspec.structs.replace(bulletin, stamp=stamp, **changes))
    return signed("tx", first.subject, payload)


def first_of(tx):
    tx.publish()
    (first,) = tx.arrivals("ok")
    return first


def test_a_hostile_expiry_stops_neither_its_neighbours_nor_the_lane(pair):
    tx, ok = pair
    first = first_of(tx)
    ok.write(hold, NOW, "tx")
    assert codes(took(ok, forged(first, number=7, expires=LAST), first)) == ["taken", "taken"]
    assert codes(took(ok, forged(first, 2, 7, expires=LAST))) == ["taken"]
    for lane in Lane:
        ok.write(open_lane, NOW, "tx", lane)
    for product_id, version in ((PRODUCT, 1), ("TX-2026-0007", 2)):
        kept = ok.read(revisions.current, product_id)
        assert (kept.version, kept.readable, kept.stage) == (version, True, Stage.RELEASED)


def timed(desk, make):
    """The slowest of ten batches of a hundred."""
    slowest, decisions = 0.0, []
    for batch in range(10):
        arrivals = [make(batch * 100 + n + 1) for n in range(100)]
        began = time.process_time()
        decisions += took(desk, *arrivals)
        slowest = max(slowest, time.process_time() - began)
    return slowest, decisions


def test_hostile_tombstones_of_one_product_cost_little(pair):
    tx, ok = pair
    took(ok, first_of(tx))
    kinds = (TombstoneKind.EXPIRED, TombstoneKind.RESTORED)
    slowest, decisions = timed(ok, lambda n: stone(n, kinds[n % 2], to="all"))
    assert codes(decisions).count("taken") <= MOST_TOMBSTONES + 1
    assert codes(decisions)[-1] == "over-cap"
    assert slowest < 1.5
    assert codes(took(ok, stone(2000, TombstoneKind.WITHDRAWN, to="all"))) == ["taken"]
    assert ok.read(revisions.current, PRODUCT).stage is Stage.WITHDRAWN


def test_hostile_versions_of_one_product_cost_little(pair):
    tx, ok = pair
    first = first_of(tx)
    slowest, decisions = timed(ok, lambda n: forged(first, n))
    assert codes(decisions).count("taken") == MOST_VERSIONS
    assert codes(decisions)[-1] == "over-cap"
    assert slowest < 3


# ------------------------------------------------------------------------------------------------ over cap
def capped(ok, number):
    ok.write(desk_peers.agree, ok.operator, NOW, agreement_for("tx", caps=Caps(max_messages_per_day=number)))


def unknown(serial, number, kind):
    told = stix.decode_tombstone(stone(serial, kind, to="all").payload)
    told = msgspec.structs.replace(told, product_id=f"TX-2026-{number:04d}", serial=serial)
    return signed("tx", "live.tx.recall.all", stix.encode_tombstone(told))


def test_a_recall_that_ends_an_unknown_product_is_never_over_cap(pair):
    tx, ok = pair
    capped(ok, 1)
    took(ok, first_of(tx))
    ends = [unknown(n, 100 + n, TombstoneKind.WITHDRAWN) for n in range(1, 6)]
    assert codes(took(ok, *ends)) == ["taken"] * 5
    assert len(ok.read(tombstones.of_product, "TX-2026-0105")) == 1


def test_recalls_of_what_is_not_here_have_a_room_of_their_own(pair):
    tx, ok = pair
    capped(ok, 2)
    first = first_of(tx)
    recalls = [unknown(n, 100 + n, TombstoneKind.EXPIRED) for n in range(1, 5)]
    assert codes(took(ok, *recalls)) == ["taken", "taken", "over-cap", "over-cap"]
    assert codes(took(ok, first, forged(first, 1, 8), forged(first, 1, 9))) == ["taken", "taken", "over-cap"]


def test_the_journal_says_once_a_day_that_something_was_not_taken(pair):
    tx, ok = pair
    capped(ok, 1)
    first = first_of(tx)

    def alarms():
        return [one for one in ok.read(journal.entries) if one.verb == "over-cap"]

    took(ok, *(forged(first, 1, number) for number in range(1, 5)))
    took(ok, *(forged(first, 1, number) for number in range(5, 8)))
    (alarm,) = alarms()
    assert (alarm.actor, alarm.object) == ("peer:tx", "tx")
    took(ok, *(forged(first, 1, number) for number in range(2, 8)), now=NOW + DAY)
    assert len(alarms()) == 2
    assert {one.code for one in ok.read(quarantine.items)} == {"over-cap"}
    assert ok.read(journal.verify) == []


def test_the_desk_writes_no_version_that_no_peer_would_take(pair):
    tx, ok = pair
    first = tx.publish()
    product = first.product_id
    for number in range(2, MOST_VERSIONS + 1):
        tx.update(product, headline=f"Version {number}")
        assert codes(took(ok, *tx.arrivals("ok")))[-1] == "taken"
    with pytest.raises(Conflict) as caught:
        tx.update(product, headline="One too many")
    assert caught.value.code == "too-many-versions"
