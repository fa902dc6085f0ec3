"""What comes from a peer: taken, waiting, refused, each with its reason; one bad item never stops the rest."""

from __future__ import annotations

import json

import msgspec
import pytest

from hub.desk import peers as desk_peers
from hub.desk import withdraw
from hub.desk.receive import Arrival, hold, open_lane, receive
from hub.rules.decision import Accepted, Duplicate, Effect, Refused
from hub.rules.lifecycle import Stage
from hub.store import journal, quarantine, revisions, tombstones
from hub.store.revisions import Narrow
from schemas import stix
from schemas.bulletin import Bulletin, Tombstone
from schemas.extension import EXTENSION_ID
from schemas.register import Caps
from schemas.vocabulary import KeyState, Lane, Mode, Reason, Tlp, TombstoneKind, Topic
from tests.desk.house import (
    DAY,
    NOW,
    agreement_for,
    arrival_of,
    entry_of,
    key_of,
    signed,
)

ANYBODY = ("public", "district", "member", "desk")
SUBJECT = "live.tx.bulletin.routine.all.green.swatting"


@pytest.fixture
def pair(tx, ok):
    tx.befriend("ok")
    ok.befriend("tx")
    return tx, ok


def took(desk, *arrivals, peer="tx", now=NOW):
    return desk.write(receive, now, peer, arrivals)


def shown(desk):
    listed = desk.read(revisions.newest, mode=Mode.LIVE, reach=ANYBODY)
    return [(one.product_id, one.version, one.stage) for one in listed if one.readable]


def codes(desk):
    return [one.code for one in desk.read(quarantine.items)]


def changed(payload: bytes, **members) -> bytes:
    """The bundle with other members in its extension."""
    document = json.loads(payload)
    report = next(one for one in document["objects"] if one["type"] == "report")
    report["extensions"][EXTENSION_ID].update(members)
    return json.dumps(document, separators=(",", ":")).encode()


def test_one_bad_item_never_stops_the_rest(pair):
    tx, ok = pair
    tx.publish()
    tx.publish()
    first, second = tx.arrivals("ok")
    faulty = Arrival(first.subject, first.payload, first.key, "x", Refused("signature", "It does not verify."))
    garbage = signed("tx", SUBJECT, b"{garbage")
    nobody = signed("tx", "live.tx.gossip.all", b"{}")
    off = signed("tx", "no subject at all", b"{}")
    decisions = took(ok, faulty, first, garbage, nobody, off, second)
    assert [isinstance(one, Accepted) for one in decisions] == [False, True, False, False, False, True]
    assert [one.code for one in decisions if isinstance(one, Refused)] == [
        "signature",
        "json",
        "unknown-kind",
        "subject",
    ]
    assert len(shown(ok)) == 2
    assert codes(ok) == ["subject", "unknown-kind", "json", "signature"]
    assert ok.read(journal.verify) == []


def test_the_same_again_is_a_duplicate_and_writes_nothing(pair):
    tx, ok = pair
    tx.publish()
    (arrival,) = tx.arrivals("ok")
    took(ok, arrival)
    before = ok.read(journal.head)
    generation = ok.database.changed.generation
    assert took(ok, arrival, arrival) == [Duplicate(), Duplicate()]
    assert ok.read(journal.head) == before
    assert ok.database.changed.generation == generation


def test_a_refused_copy_that_comes_again_is_counted(pair):
    _, ok = pair
    bad = signed("tx", SUBJECT, b"{}")
    for _ in range(3):
        took(ok, bad)
    (held,) = ok.read(quarantine.items)
    assert (held.times, held.payload, held.peer) == (3, b"{}", "tx")
    assert ok.read(quarantine.counts) == {"tx": {held.code: 3}}


def test_equivocation_keeps_the_first_and_the_evidence(pair):
    tx, ok = pair
    tx.publish()
    (first,) = tx.arrivals("ok")
    other = signed("tx", SUBJECT, changed(first.payload, basis="other words"))
    took(ok, first)
    (decision,) = took(ok, other)
    assert decision.code == "equivocation"
    kept = ok.read(revisions.current, "TX-2026-0001")
    assert kept.payload == first.payload
    (held,) = ok.read(quarantine.items)
    assert held.payload == other.payload


def test_nobody_speaks_for_another(pair, desks):
    tx, ok = pair
    tx.publish()
    (arrival,) = tx.arrivals("ok")
    ok.befriend("va")
    assert took(ok, arrival, peer="va")[0].code == "origin-not-listed"
    assert took(ok, arrival, peer="nm")[0].code == "no-peer"
    forged = signed("tx", arrival.subject, arrival.payload, key_of("va"))
    assert took(ok, forged)[0].code == "key-not-listed"
    assert shown(ok) == []


def test_a_connection_key_signs_no_message(pair):
    tx, ok = pair
    tx.publish()
    (arrival,) = tx.arrivals("ok")
    assert took(ok, signed("tx", SUBJECT, arrival.payload, key_of("tx", "connect")))[0].code == "key-not-listed"


def test_a_compromised_key_is_refused_whatever_the_date(pair):
    tx, ok = pair
    tx.publish()
    (arrival,) = tx.arrivals("ok")
    entry = entry_of("tx", serial=2)
    gone = msgspec.structs.replace(entry.keys[0], state=KeyState.COMPROMISED, compromised_at=NOW)
    ok.write(desk_peers.accept_peer, ok.operator, NOW, msgspec.structs.replace(entry, keys=(gone, entry.keys[1])))
    assert took(ok, arrival)[0].code == "key-compromised"


@pytest.mark.parametrize(
    ("subject", "code"),
    [
        ("live.tx.bulletin.flash.all.green.swatting", "lane-mismatch"),
        ("live.tx.bulletin.routine.all.clear.swatting", "tlp-mismatch"),
        ("live.tx.bulletin.routine.all.green.cyber", "topic-mismatch"),
        ("live.tx.bulletin.routine.to-va.green.swatting", "not-for-us"),
        ("live.tx.bulletin.routine.g-tx-metro.green.swatting", "audience-mismatch"),
        ("live.tx.recall.all", "structure"),
        ("live.tx.rollcall.all", "kind"),
        ("live.tx.receipt.to-ok", "kind"),
        ("exercise.tx.bulletin.routine.all.green.swatting", "key-use"),
        ("live.oh.bulletin.routine.all.green.swatting", "origin-not-listed"),
    ],
)
def test_a_copy_is_what_its_subject_says(pair, subject, code):
    tx, ok = pair
    tx.publish()
    (arrival,) = tx.arrivals("ok")
    assert took(ok, signed("tx", subject, arrival.payload))[0].code == code
    assert shown(ok) == []


def test_a_copy_on_all_and_one_to_us_are_one_item(pair):
    tx, ok = pair
    tx.publish()
    (arrival,) = tx.arrivals("ok")
    mine = signed("tx", "live.tx.bulletin.routine.to-ok.green.swatting", arrival.payload)
    assert took(ok, arrival, mine) == [Accepted(Effect.SHOW), Accepted(Effect.KEEP)]
    assert took(ok, arrival, mine) == [Duplicate(), Duplicate()]
    assert ok.read(revisions.current, "TX-2026-0001").copies == {"all", "to-ok"}


def test_an_exercise_node_knows_nothing_that_is_live(desks):
    live, drill = desks("tx"), desks("ok", Mode.EXERCISE)
    live.publish()
    (arrival,) = live.arrivals("ok")
    drill.befriend("tx")
    assert took(drill, arrival)[0].code == "mode"


# ---------------------------------------------------------------------------------------- for the desk only
def test_words_of_a_later_list_stay_at_the_desk(pair):
    tx, ok = pair
    tx.publish()
    (arrival,) = tx.arrivals("ok")
    later = signed("tx", SUBJECT, changed(arrival.payload, phase="afterlife"))
    (decision,) = took(ok, later)
    assert isinstance(decision, Accepted)
    kept = ok.read(revisions.current, "TX-2026-0001")
    assert (kept.desk_only, kept.reach, kept.payload) == ("desk-only", "desk", later.payload)
    assert kept.item().readable is False
    with pytest.raises(stix.StixError):
        _ = kept.bulletin
    assert ok.read(journal.verify) == []


def test_a_member_that_must_be_known_stays_at_the_desk(pair):
    tx, ok = pair
    tx.publish()
    (arrival,) = tx.arrivals("ok")
    took(ok, signed("tx", SUBJECT, changed(arrival.payload, crit=["seal"], seal="x")))
    kept = ok.read(revisions.current, "TX-2026-0001")
    assert kept.desk_only == "unsupported"
    assert not kept.item().readable


def test_what_is_not_understood_must_fit_its_subject_too(pair):
    tx, ok = pair
    tx.publish()
    (arrival,) = tx.arrivals("ok")
    strange = changed(arrival.payload, crit=["seal"], seal="x")
    flash = "live.tx.bulletin.flash.all.green.swatting"
    assert took(ok, signed("tx", flash, strange))[0].code == "subject-mismatch"
    assert took(ok, signed("tx", SUBJECT, strange, key_of("va")))[0].code == "key-not-listed"


# ----------------------------------------------------------------------------------------- tombstones
def test_a_withdrawal_hides_it_and_says_why(pair):
    tx, ok = pair
    tx.publish()
    took(ok, *tx.arrivals("ok"))
    tx.write(withdraw.withdraw, tx.supervisor, NOW, "TX-2026-0001", Reason.HOAX)
    assert took(ok, *tx.arrivals("ok")) == [Accepted(Effect.HIDE)]
    kept = ok.read(revisions.current, "TX-2026-0001")
    assert (kept.stage, kept.withdrawn_reason) == (Stage.WITHDRAWN, Reason.HOAX)
    assert ok.read(journal.verify) == []


def test_a_withdrawal_that_comes_first_leaves_only_the_number(pair):
    tx, ok = pair
    tx.publish()
    (bulletin,) = tx.arrivals("ok")
    tx.write(withdraw.withdraw, tx.supervisor, NOW, "TX-2026-0001", Reason.ERROR)
    (recall,) = tx.arrivals("ok")
    assert isinstance(took(ok, recall)[0], Accepted)
    assert took(ok, bulletin)[0].code == "withdrawn-is-terminal"
    assert took(ok, bulletin) == [Duplicate()]
    (kept,) = ok.read(revisions.versions, "TX-2026-0001")
    assert (kept.payload, kept.readable, kept.current, kept.stage) == (None, False, False, Stage.WITHDRAWN)
    assert ok.read(revisions.current, "TX-2026-0001") is None
    assert codes(ok) == []
    assert ok.read(journal.verify) == []


def test_a_withdrawal_of_what_nobody_knows_is_kept(pair):
    tx, ok = pair
    tx.publish()
    tx.write(withdraw.withdraw, tx.supervisor, NOW, "TX-2026-0001", Reason.ERROR)
    took(ok, *tx.arrivals("ok"))
    assert len(ok.read(tombstones.of_product, "TX-2026-0001")) == 1


def test_a_narrowing_erases_the_bytes_and_keeps_the_number(pair):
    tx, ok = pair
    tx.publish(headline="CANARY")
    took(ok, *tx.arrivals("ok"))
    tx.update("TX-2026-0001", tlp=Tlp.AMBER, audience=("va",))
    took(ok, *tx.arrivals("ok"))
    (kept,) = ok.read(revisions.versions, "TX-2026-0001")
    assert (kept.payload, kept.current, kept.readable) == (None, False, False)
    assert len(kept.hash) == 32
    assert shown(ok) == []
    ok.database.close()
    assert b"CANARY" not in ok.database.path.read_bytes()


def test_a_narrowing_on_all_leaves_the_copy_to_us(pair):
    tx, ok = pair
    tx.publish()
    took(ok, *tx.arrivals("ok"))
    tx.update("TX-2026-0001", tlp=Tlp.AMBER, audience=("ok",))
    took(ok, *tx.arrivals("ok"))
    one, two = ok.read(revisions.versions, "TX-2026-0001")
    assert one.payload is None
    assert (two.current, two.readable, two.tlp) == (True, True, Tlp.AMBER)
    assert two.recipients == {"ok"}


def stone(serial, kind, version=1, to="ok", **changes):
    """A tombstone that tx signs: kinds that no verb of the desk makes yet come from other programs."""
    told = Tombstone(
        mode=Mode.LIVE,
        origin="tx",
        product_id="TX-2026-0001",
        report_id="report--00000000-0000-4000-8000-000000000000",
        version=version,
        kind=kind,
        reason=Reason.OTHER,
        serial=serial,
        salt="00" * 16,
        issued=NOW,
        **changes,
    )
    addressee = to if to == "all" else f"to-{to}"
    return signed("tx", f"live.tx.recall.{addressee}", stix.encode_tombstone(told))


def test_what_is_purged_leaves_its_number_only(pair):
    tx, ok = pair
    tx.publish(headline="CANARY")
    (bulletin,) = tx.arrivals("ok")
    took(ok, bulletin)
    assert took(ok, stone(1, TombstoneKind.PURGED)) == [Accepted(Effect.ERASE)]
    (kept,) = ok.read(revisions.versions, "TX-2026-0001")
    assert (kept.payload, kept.current, kept.taken) == (None, False, TombstoneKind.PURGED)
    assert took(ok, bulletin) == [Duplicate()]
    assert ok.read(journal.verify) == []


def test_what_its_origin_calls_expired_is_shown_again_when_restored(pair):
    tx, ok = pair
    tx.publish()
    took(ok, *tx.arrivals("ok"))
    assert took(ok, stone(1, TombstoneKind.EXPIRED, to="all")) == [Accepted(Effect.EXPIRE)]
    assert [one[2] for one in shown(ok)] == [Stage.EXPIRED]
    assert took(ok, stone(2, TombstoneKind.RESTORED, to="all")) == [Accepted(Effect.LIFT)]
    assert [one[2] for one in shown(ok)] == [Stage.RELEASED]


def test_erased_bytes_come_back_when_they_are_offered_again(pair):
    tx, ok = pair
    tx.publish(headline="Here again")
    (bulletin,) = tx.arrivals("ok")
    took(ok, bulletin, stone(1, TombstoneKind.NARROWED))
    assert shown(ok) == []
    assert took(ok, bulletin) == [Duplicate()], "not while the narrowing is in force"
    took(ok, stone(2, TombstoneKind.RESTORED))
    assert shown(ok) == [("TX-2026-0001", 1, Stage.RELEASED)], "what came meanwhile waited for this"
    took(ok, stone(3, TombstoneKind.NARROWED), stone(4, TombstoneKind.RESTORED))
    assert shown(ok) == [], "lifting brings back no bytes by itself"
    assert took(ok, bulletin) == [Accepted(Effect.SHOW)]
    assert shown(ok) == [("TX-2026-0001", 1, Stage.RELEASED)]
    assert ok.read(revisions.current, "TX-2026-0001").bulletin.headline == "Here again"
    found = ok.read(revisions.newest, mode=Mode.LIVE, reach=ANYBODY, narrow=Narrow(lang="en"))
    assert len(found) == 1, "and its terms"


def test_an_old_word_that_takes_away_is_not_lost(pair):
    tx, ok = pair
    tx.publish()
    tx.publish()
    took(ok, *tx.arrivals("ok"))
    other = stone(5, TombstoneKind.WITHDRAWN).payload.replace(b"TX-2026-0001", b"TX-2026-0002")
    took(ok, signed("tx", "live.tx.recall.to-ok", other))
    assert took(ok, stone(2, TombstoneKind.NARROWED)) == [Accepted(Effect.ERASE)]
    assert took(ok, stone(1, TombstoneKind.RESTORED))[0].code == "replay"


def test_only_its_origin_takes_it_back(pair, desks):
    tx, ok = pair
    oh = desks("oh")
    ok.befriend("oh")
    oh.publish()
    oh.write(withdraw.withdraw, oh.supervisor, NOW, "OH-2026-0001", Reason.ERROR)
    tx.publish()
    took(ok, *tx.arrivals("ok"))
    (recall,) = [one for one in oh.arrivals("ok") if "recall" in one.subject]
    stolen = recall.payload.replace(b"OH-2026-0001", b"TX-2026-0001")
    assert took(ok, signed("oh", recall.subject, stolen), peer="oh")[0].code == "product"
    forged = stolen.replace(b'"origin":"oh"', b'"origin":"tx"')
    assert took(ok, signed("oh", "live.tx.recall.all", forged), peer="oh")[0].code == "origin-not-listed"
    assert [one[2] for one in shown(ok)] == [Stage.RELEASED]


def test_a_replayed_serial_is_known(pair):
    tx, ok = pair
    for number in (1, 2):
        tx.publish()
        tx.write(withdraw.withdraw, tx.supervisor, NOW, f"TX-2026-000{number}", Reason.ERROR)
    recalls = tx.arrivals("ok")
    assert [type(one) for one in took(ok, *recalls)] == [Accepted, Accepted]
    assert took(ok, *recalls) == [Duplicate(), Duplicate()]
    again = recalls[1].payload.replace(b'"serial":2', b'"serial":1')
    assert took(ok, signed("tx", recalls[1].subject, again))[0].code == "equivocation"


def test_it_expires_here_with_ten_minutes_of_grace(pair):
    tx, ok = pair
    tx.publish()
    took(ok, *tx.arrivals("ok"))
    minute = DAY / 1440
    assert ok.write(withdraw.expire, NOW + 7 * DAY + 9 * minute) == 0
    assert ok.write(withdraw.expire, NOW + 7 * DAY + 10 * minute) == 1
    assert ok.read(revisions.current, "TX-2026-0001").stage is Stage.EXPIRED
    later = NOW + 7 * DAY + 11 * minute
    tx.update("TX-2026-0001", later, expires=later + DAY)
    took(ok, *tx.arrivals("ok"), now=later)
    assert ok.read(revisions.current, "TX-2026-0001").stage is Stage.RELEASED


# ---------------------------------------------------------------------------------------- catching up
def test_nothing_is_readable_before_its_lane_has_caught_up(pair):
    tx, ok = pair
    tx.publish()
    tx.publish(lane=Lane.FLASH)
    ok.write(hold, NOW, "tx")
    assert [type(one) for one in took(ok, *tx.arrivals("ok"))] == [Accepted, Accepted]
    assert shown(ok) == []
    assert all(not one.item().readable or one.item().waiting for one in ok.read(revisions.after, 0, 10))
    assert ok.write(open_lane, NOW, "tx", Lane.FLASH) == 1
    assert [one[0] for one in shown(ok)] == ["TX-2026-0002"], "a flash waits for the flash lane only"
    assert ok.write(open_lane, NOW, "tx", Lane.ROUTINE) == 1
    assert len(shown(ok)) == 2
    assert ok.read(journal.verify) == []


def test_an_old_version_stays_until_the_new_one_may_be_seen(pair):
    tx, ok = pair
    tx.publish()
    took(ok, *tx.arrivals("ok"))
    tx.update("TX-2026-0001", headline="Two")
    ok.write(hold, NOW, "tx")
    took(ok, *tx.arrivals("ok"))
    assert [one[1] for one in shown(ok)] == [1]
    ok.write(open_lane, NOW, "tx", Lane.ROUTINE)
    assert [one[1] for one in shown(ok)] == [2]


def test_a_tombstone_waits_for_nobody(pair):
    tx, ok = pair
    tx.publish()
    took(ok, *tx.arrivals("ok"))
    tx.write(withdraw.withdraw, tx.supervisor, NOW, "TX-2026-0001", Reason.ERROR)
    ok.write(hold, NOW, "tx")
    took(ok, *tx.arrivals("ok"))
    assert ok.read(revisions.current, "TX-2026-0001").stage is Stage.WITHDRAWN


def test_what_was_withdrawn_while_it_waited_is_never_shown(pair):
    tx, ok = pair
    tx.publish()
    bulletins = tx.arrivals("ok")
    tx.write(withdraw.withdraw, tx.supervisor, NOW, "TX-2026-0001", Reason.ERROR)
    ok.write(hold, NOW, "tx")
    took(ok, *bulletins, *tx.arrivals("ok"))
    for lane in Lane:
        ok.write(open_lane, NOW, "tx", lane)
    assert shown(ok) == [], "not even a notice: nobody here ever saw it"


def test_the_caps_of_a_peer(pair):
    tx, ok = pair
    ok.write(desk_peers.agree, ok.operator, NOW, agreement_for("tx", caps=Caps(max_messages_per_day=2)))
    for _ in range(4):
        tx.publish()
    arrivals = tx.arrivals("ok")
    decisions = took(ok, *arrivals[:1], *arrivals)
    assert [getattr(one, "code", None) for one in decisions] == [None, None, None, "over-cap", "over-cap"]
    tx.write(withdraw.withdraw, tx.supervisor, NOW, "TX-2026-0001", Reason.ERROR)
    recall = [one for one in tx.arrivals("ok") if "recall" in one.subject]
    assert isinstance(took(ok, *recall)[0], Accepted), "what takes away is never over the cap"
    assert isinstance(took(ok, arrivals[2], now=NOW + DAY)[0], Accepted)


def test_quarantine_is_bounded(pair, monkeypatch):
    _, ok = pair
    monkeypatch.setattr(quarantine, "ROOM_ITEMS", 3)
    monkeypatch.setattr(quarantine, "ROOM_FACTS", 5)
    took(ok, *(signed("tx", SUBJECT, b"{%d" % n) for n in range(20)))
    held = ok.read(quarantine.items)
    assert len(held) == 5
    assert sum(one.payload is not None for one in held) == 3
    assert sum(one.times for one in held) == 20


def test_a_draft_is_refused_even_when_it_is_signed(pair):
    tx, ok = pair
    draft: Bulletin = tx.compose().bulletin
    assert took(ok, signed("tx", SUBJECT, stix.encode(draft)))[0].code == "not-released"


def test_topic_lists_follow_the_signed_bytes(pair):
    tx, ok = pair
    tx.publish(topic=Topic.CYBER)
    took(ok, *(arrival_of(one) for one in tx.outgoing()))
    assert ok.read(revisions.current, "TX-2026-0001").topic is Topic.CYBER
