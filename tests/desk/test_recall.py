"""Whoever may have it no more is told, in the same transaction."""

from __future__ import annotations

import pytest

from hub.desk import peers as desk_peers
from hub.store import journal, outbox
from schemas.stix import decode_tombstone
from schemas.vocabulary import Lane, Reason, Tlp, TombstoneKind, Topic
from tests.desk.house import DAY, NOW, agreement_for


def told(desk):
    """{addressee: version} of the narrowings that wait."""
    found = {}
    for one in desk.outgoing():
        if one.kind == "recall":
            stone = decode_tombstone(one.payload)
            assert stone.kind is TombstoneKind.NARROWED
            found[one.subject.rpartition(".")[2]] = (stone.version, stone.reason)
    return found


def goes_to(desk):
    return sorted(one.subject.split(".")[4] for one in desk.outgoing() if one.kind == "bulletin")


def test_from_everybody_to_one(tx):
    tx.befriend("ok", "va")
    tx.publish()
    release = tx.update("TX-2026-0001", tlp=Tlp.AMBER, audience=("ok",))
    assert release.recalled == ("all",)
    assert told(tx) == {"all": (2, Reason.AUDIENCE)}
    assert goes_to(tx) == ["to-ok"]


def test_from_two_to_one(tx):
    tx.befriend("ok", "va")
    tx.publish(tlp=Tlp.AMBER)
    tx.update("TX-2026-R0001", tlp=Tlp.AMBER, audience=("ok",))
    assert told(tx) == {"to-va": (2, Reason.AUDIENCE)}


def test_a_topic_that_one_of_them_does_not_take(tx):
    tx.befriend("ok")
    tx.befriend("va", topics=(Topic.SWATTING,))
    tx.publish()
    tx.update("TX-2026-0001", topic=Topic.CYBER)
    assert told(tx) == {"to-va": (2, Reason.AUDIENCE)}
    assert goes_to(tx) == ["all"]


def test_a_lane_that_one_of_them_does_not_take(tx):
    tx.befriend("va", lanes=(Lane.ROUTINE,))
    tx.publish()
    tx.update("TX-2026-0001", lane=Lane.FLASH)
    assert told(tx) == {"to-va": (2, Reason.AUDIENCE)}


def test_an_update_for_the_same_readers_recalls_nothing(tx):
    tx.befriend("ok", "va")
    tx.publish()
    assert tx.update("TX-2026-0001", headline="Other words").recalled == ()
    assert goes_to(tx) == ["all"]


def test_wider_again_recalls_nothing_and_narrower_again_does(tx):
    tx.befriend("ok", "va")
    tx.publish(tlp=Tlp.AMBER)
    tx.update("TX-2026-R0001", tlp=Tlp.GREEN)
    assert told(tx) == {}
    tx.update("TX-2026-R0001", tlp=Tlp.AMBER, audience=("va",))
    assert told(tx) == {"all": (3, Reason.AUDIENCE), "to-ok": (3, Reason.AUDIENCE)}


def test_the_old_copies_wait_no_more(tx):
    tx.befriend("ok")
    tx.publish()
    tx.update("TX-2026-0001", headline="Two")
    (one,) = tx.outgoing()
    assert one.version == 2


def test_an_agreement_that_shrinks(tx):
    tx.befriend("ok", "va")
    tx.publish()
    tx.publish(tlp=Tlp.AMBER)
    tx.publish(topic=Topic.CYBER)
    tx.write(desk_peers.agree, tx.operator, NOW, agreement_for("va", ceiling=Tlp.GREEN, topics=(Topic.SWATTING,)))
    recalls = [one for one in tx.outgoing() if one.kind == "recall"]
    assert [(one.product_id, one.to) for one in recalls] == [("TX-2026-R0001", "va"), ("TX-2026-0002", "va")]
    assert not any(one.to == "va" and one.kind == "bulletin" for one in tx.outgoing())
    assert tx.read(journal.verify) == []


def test_an_agreement_that_grows(tx):
    tx.befriend("va", ceiling=Tlp.CLEAR)
    tx.publish()
    tx.publish(tlp=Tlp.AMBER)
    tx.write(desk_peers.agree, tx.operator, NOW, agreement_for("va"))
    mine = sorted(one.subject for one in tx.outgoing() if one.to == "va")
    assert mine == [
        "live.tx.bulletin.routine.to-va.amber.swatting",
        "live.tx.bulletin.routine.to-va.green.swatting",
    ]
    before = len(tx.outgoing())
    tx.write(desk_peers.agree, tx.operator, NOW + DAY, agreement_for("va", redistribution=True))
    assert len(tx.outgoing()) == before


@pytest.mark.parametrize("verb", ["end", "revoke"])
def test_the_end_takes_everything_back(tx, verb):
    tx.befriend("ok", "va")
    tx.publish()
    tx.publish(tlp=Tlp.AMBER)
    if verb == "end":
        tx.write(desk_peers.end_agreement, tx.operator, NOW, "va")
    else:
        tx.write(desk_peers.revoke_peer, tx.operator, NOW, "va", "They asked for it.")
    assert [(one.product_id, one.to) for one in tx.outgoing() if one.kind == "recall"] == [
        ("TX-2026-0001", "va"),
        ("TX-2026-R0001", "va"),
    ]
    assert tx.publish().gets == ("ok",)


def test_an_agreement_ends_by_the_clock(tx):
    tx.befriend("va", until=NOW + 2 * DAY)
    tx.publish()
    assert tx.write(desk_peers.lapse, NOW + DAY) == ()
    assert tx.write(desk_peers.lapse, NOW + 2 * DAY) == ("va",)
    assert tx.write(desk_peers.lapse, NOW + 3 * DAY) == ()
    assert [(one.to, decode_tombstone(one.payload).reason) for one in tx.outgoing() if one.kind == "recall"] == [
        ("va", Reason.AGREEMENT)
    ]


def test_an_agreement_begins_by_the_clock(tx):
    tx.befriend("va", from_=NOW + DAY)
    assert tx.publish().gets == ()
    assert tx.write(desk_peers.lapse, NOW + DAY) == ("va",)
    assert [one.to for one in tx.outgoing() if one.kind == "bulletin"] == [None, "va"]


def test_what_was_cancelled_for_a_peer_is_not_sent_to_it(tx):
    tx.befriend("va")
    tx.publish(tlp=Tlp.AMBER)
    waiting = tx.outgoing()
    tx.write(desk_peers.end_agreement, tx.operator, NOW, "va")
    assert not {one.id for one in waiting} & {one.id for one in tx.outgoing()}
    assert tx.read(outbox.waiting)[0] == 1
