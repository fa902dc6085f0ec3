"""What was taken back from a peer comes back when it may have it again, in whatever order the two lanes deliver."""

from __future__ import annotations

import itertools

import pytest

from hub.desk import peers as desk_peers
from hub.desk import withdraw
from hub.desk.receive import hold, open_lane, receive
from hub.rules.decision import Accepted, Refused
from hub.rules.lifecycle import Stage
from hub.store import journal, outbox, quarantine, revisions
from schemas import stix
from schemas.register import Caps
from schemas.vocabulary import Lane, Reason, Tlp, TombstoneKind, Topic
from tests.desk.house import DAY, NOW, agreement_for, arrival_of
from tests.desk.test_receive import stone

OPEN, RESTRICTED = "TX-2026-0001", "TX-2026-R0001"


@pytest.fixture
def pair(tx, ok):
    tx.befriend("ok", "va")
    ok.befriend("tx")
    return tx, ok


def sent(desk):
    """What goes out now, each message once; the stream has taken it."""
    going = [one for one in desk.outgoing() if one.to in (None, "ok")]
    for one in desk.outgoing():
        desk.database.write_sync(outbox.mark_sent, one.id, 1, one.id, NOW)
    return [arrival_of(one) for one in going]


def took(desk, *arrivals, now=NOW):
    return desk.write(receive, now, "tx", arrivals)


def read(desk, product_id):
    """What a reader is shown, or None."""
    revision = desk.read(revisions.current, product_id)
    if revision is None or revision.payload is None or not revision.readable:
        return None
    return revision.version, revision.stage


def end(desk):
    desk.write(desk_peers.end_agreement, desk.operator, NOW, "ok")


def again(desk, **changes):
    desk.write(desk_peers.agree, desk.operator, NOW, agreement_for("ok", **changes))


def narrower(desk):
    desk.write(desk_peers.agree, desk.operator, NOW, agreement_for("ok", ceiling=Tlp.CLEAR))


def other_topics(desk):
    desk.write(desk_peers.agree, desk.operator, NOW, agreement_for("ok", topics=(Topic.CYBER,)))


@pytest.mark.parametrize("lose", [end, narrower, other_topics])
@pytest.mark.parametrize("turned", [False, True], ids=["restored-first", "copy-first"])
@pytest.mark.parametrize("held", [False, True], ids=["open", "catching-up"])
def test_what_was_taken_back_comes_back(pair, lose, turned, held):
    tx, ok = pair
    tx.publish(headline="On all")
    tx.publish(headline="To one", tlp=Tlp.AMBER)
    took(ok, *sent(tx))
    lose(tx)
    took(ok, *sent(tx))
    assert (read(ok, OPEN), read(ok, RESTRICTED)) == (None, None)
    again(tx)
    if held:
        ok.write(hold, NOW, "tx")
    back = sorted(sent(tx), key=lambda one: ("recall" in one.subject) is turned)
    assert [stix.decode_tombstone(one.payload).kind for one in back if "recall" in one.subject] == [
        TombstoneKind.RESTORED
    ] * 2
    for one in back:
        took(ok, one)
    if held:
        assert (read(ok, OPEN), read(ok, RESTRICTED)) == (None, None)
        for lane in Lane:
            ok.write(open_lane, NOW, "tx", lane)
    assert (read(ok, OPEN), read(ok, RESTRICTED)) == ((1, Stage.RELEASED), (1, Stage.RELEASED))
    assert ok.read(revisions.current, RESTRICTED).bulletin.headline == "To one"
    assert ok.read(quarantine.items) == [], "what was taken after all is held no more"
    assert ok.read(journal.verify) == []
    assert tx.read(journal.verify) == []


def test_an_agreement_that_lapses_and_is_renewed(tx, ok):
    ok.befriend("tx")
    tx.befriend("ok", until=NOW + DAY)
    tx.publish()
    took(ok, *sent(tx))
    tx.write(desk_peers.lapse, NOW + DAY)
    took(ok, *sent(tx), now=NOW + DAY)
    assert read(ok, OPEN) is None
    tx.write(desk_peers.agree, tx.operator, NOW + DAY, agreement_for("ok"))
    took(ok, *reversed(sent(tx)), now=NOW + DAY)
    assert read(ok, OPEN) == (1, Stage.RELEASED)


@pytest.mark.parametrize("away", [False, True], ids=["linked", "was-away"])
def test_every_order_of_recall_restoring_and_copy_shows_it(pair, away):
    tx, ok = pair
    tx.publish(tlp=Tlp.AMBER)
    took(ok, *sent(tx))
    for turn in itertools.permutations(range(3)):
        end(tx)
        narrowed = sent(tx)
        again(tx)
        messages = narrowed + sent(tx)
        order = [messages[number] for number in turn]
        if turn.index(1) < turn.index(0) or (turn[0] == 2 and not away):
            took(ok, *messages)
            continue  # one durable carries both, in order; only while a lane catches up does a copy overtake both
        if away:
            ok.write(hold, NOW, "tx")
        for one in order:
            took(ok, one)
        for lane in Lane:
            ok.write(open_lane, NOW, "tx", lane)
        assert read(ok, RESTRICTED) == (1, Stage.RELEASED), turn
        assert ok.read(quarantine.items) == []


def test_taken_back_again_it_is_gone_again(pair):
    tx, ok = pair
    tx.publish()
    took(ok, *sent(tx))
    for _ in range(3):
        end(tx)
        took(ok, *sent(tx))
        assert read(ok, OPEN) is None
        again(tx)
        took(ok, *reversed(sent(tx)))
        assert read(ok, OPEN) == (1, Stage.RELEASED)


def test_a_higher_version_needs_no_restoring(pair):
    tx, ok = pair
    tx.publish()
    took(ok, *sent(tx))
    end(tx)
    tx.update(OPEN, headline="Two")
    took(ok, *(one for one in sent(tx) if "recall" in one.subject))
    again(tx)
    (copy,) = sent(tx)
    took(ok, copy)
    assert read(ok, OPEN) == (2, Stage.RELEASED)


@pytest.mark.parametrize("verb", ["end", "revoke"])
def test_what_expired_is_taken_back_too(pair, verb):
    tx, ok = pair
    tx.publish(tlp=Tlp.AMBER, expires=NOW + DAY)
    took(ok, *sent(tx))
    later = NOW + 2 * DAY
    for desk in pair:
        desk.write(withdraw.expire, later)
    again(tx)
    assert sent(tx) == [], "that it has expired takes nothing back from who may have it"
    if verb == "end":
        tx.write(desk_peers.end_agreement, tx.operator, later, "ok")
    else:
        tx.write(desk_peers.revoke_peer, tx.operator, later, "ok", "They asked for it.")
    recalls = sent(tx)
    assert [stix.decode_tombstone(one.payload).kind for one in recalls] == [TombstoneKind.NARROWED]
    took(ok, *recalls, now=later)
    assert ok.read(revisions.versions, RESTRICTED)[0].payload is None


# ------------------------------------------------------------------------------------------- quarantine
@pytest.mark.parametrize("kind", [TombstoneKind.PURGED, TombstoneKind.WITHDRAWN, TombstoneKind.NARROWED])
def test_what_takes_the_words_away_takes_them_out_of_quarantine(pair, kind):
    tx, ok = pair
    ok.write(desk_peers.agree, ok.operator, NOW, agreement_for("tx", caps=Caps(max_messages_per_day=1)))
    tx.publish()
    tx.publish()
    first, second = sent(tx)
    assert [type(one) for one in took(ok, second, first)] == [Accepted, Refused]
    assert [one.payload for one in ok.read(quarantine.items)] == [first.payload]
    took(ok, stone(1, kind))
    (fact,) = ok.read(quarantine.items)
    assert (fact.payload, fact.code, len(fact.hash)) == (None, "over-cap", 32)


@pytest.mark.parametrize(
    ("kind", "kept"),
    [(TombstoneKind.PURGED, False), (TombstoneKind.WITHDRAWN, False), (TombstoneKind.NARROWED, True)],
)
def test_what_waits_to_be_restored_waits_until_the_product_ends(pair, kind, kept):
    tx, ok = pair
    tx.publish()
    (copy,) = sent(tx)
    took(ok, stone(1, TombstoneKind.NARROWED), copy)
    (held,) = ok.read(quarantine.items)
    assert (held.code, held.payload) == ("narrowed", copy.payload)
    took(ok, stone(2, kind))
    assert [one.payload is not None for one in ok.read(quarantine.items)] == [kept]


def test_waiting_copies_do_not_take_the_room_of_others(pair, monkeypatch):
    tx, ok = pair
    monkeypatch.setattr(quarantine, "ROOM_ITEMS", 1)
    tx.publish()
    (copy,) = sent(tx)
    forged = arrival_forged(copy)
    took(ok, forged, stone(1, TombstoneKind.NARROWED), copy)
    assert {one.code: one.payload is not None for one in ok.read(quarantine.items)} == {
        "signature": False,
        "narrowed": True,
    }


def arrival_forged(copy):
    return type(copy)(copy.subject, copy.payload, copy.key, "x", Refused("signature", "It does not verify."))


# ------------------------------------------------------------------------------------- the same in any order
@pytest.mark.parametrize("kinds", list(itertools.permutations([TombstoneKind.WITHDRAWN, TombstoneKind.NARROWED])))
def test_withdrawn_and_narrowed_stand_the_same_in_both_orders(pair, kinds):
    tx, ok = pair
    tx.publish()
    took(ok, *sent(tx))
    serials = {TombstoneKind.WITHDRAWN: 1, TombstoneKind.NARROWED: 2}
    for kind in kinds:
        took(ok, stone(serials[kind], kind))
    (kept,) = ok.read(revisions.versions, OPEN)
    assert (kept.stage, kept.current, kept.payload, kept.taken) == (
        Stage.WITHDRAWN,
        False,
        None,
        TombstoneKind.WITHDRAWN,
    )
    assert kept.reason is Reason.OTHER
