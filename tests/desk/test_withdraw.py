"""What is taken back stays back."""

from __future__ import annotations

import pytest

from hub.desk import compose, publish, withdraw
from hub.errors import Conflict, Forbidden, Invalid, NotFound
from hub.rules.lifecycle import Stage
from hub.store import bulletins, journal, outbox, revisions, tombstones
from schemas.stix import decode_tombstone
from schemas.vocabulary import Caveat, Mode, Reason, Tlp, TombstoneKind
from tests.desk.house import DAY, NOW


def sent(desk, epoch=1):
    """As the sender does: everything that waits lies in the stream now."""
    for one in desk.outgoing():
        desk.database.write_sync(outbox.mark_sent, one.id, epoch, one.id, NOW)


def take_back(desk, product_id="TX-2026-0001", reason=Reason.ERROR, replaced_by=None):
    return desk.write(withdraw.withdraw, desk.supervisor, NOW, product_id, reason, replaced_by)


def test_before_it_was_sent_it_is_never_sent(tx):
    tx.befriend("ok")
    tx.publish()
    take_back(tx)
    assert [(one.kind, one.subject) for one in tx.outgoing()] == [("recall", "live.tx.recall.all")]


def test_what_the_sender_had_in_hand_is_deleted_again(tx):
    tx.publish()
    (in_hand,) = tx.outgoing()
    take_back(tx)
    assert tx.read(outbox.superseded) == []
    tx.database.write_sync(outbox.mark_sent, in_hand.id, 1, 7, NOW)
    assert [(one.id, one.epoch, one.sequence) for one in tx.read(outbox.superseded)] == [(in_hand.id, 1, 7)]


def test_what_was_sent_leaves_the_stream(tx):
    tx.befriend("ok")
    tx.publish(tlp=Tlp.AMBER)
    sent(tx)
    take_back(tx, "TX-2026-R0001")
    (old,) = tx.read(outbox.superseded)
    tx.database.write_sync(outbox.mark_deleted, old.id)
    assert tx.read(outbox.superseded) == []
    assert [one.subject for one in tx.outgoing()] == ["live.tx.recall.to-ok"]


def test_the_tombstone_says_what_and_nothing_more(tx):
    tx.publish(headline="CANARY")
    take_back(tx, reason=Reason.HOAX)
    (one,) = tx.outgoing()
    stone = decode_tombstone(one.payload)
    assert (stone.product_id, stone.version, stone.kind) == ("TX-2026-0001", 1, TombstoneKind.WITHDRAWN)
    assert (stone.reason, stone.serial) == (Reason.HOAX, 1)
    assert b"CANARY" not in one.payload


def test_serials_rise_for_each_addressee(tx):
    tx.befriend("ok", "va")
    for tlp in (Tlp.GREEN, Tlp.AMBER, Tlp.GREEN, Tlp.AMBER):
        take_back(tx, tx.publish(tlp=tlp).product_id)
    serials = {}
    for stone in tx.read(tombstones.after, 0, 100):
        serials.setdefault(stone.addressee, []).append(stone.serial)
    assert serials == {"all": [1, 2], "to-ok": [1, 2], "to-va": [1, 2]}


def test_whoever_ever_had_it_is_told(tx):
    tx.befriend("ok", "va")
    tx.publish()
    tx.update("TX-2026-0001", NOW, tlp=Tlp.AMBER, audience=("ok",))
    told = take_back(tx).recalled
    assert told == ("all", "to-ok")


def test_it_is_for_good(tx):
    tx.publish()
    open_update = tx.write(compose.update, tx.analyst, NOW, "TX-2026-0001")
    ready = tx.approved(open_update)
    take_back(tx)
    assert tx.read(revisions.current, "TX-2026-0001").stage is Stage.WITHDRAWN
    assert tx.read(bulletins.draft, ready.id).stage is Stage.WITHDRAWN
    with pytest.raises(Conflict):
        tx.write(publish.publish, tx.director, NOW, ready.id, ready.version + 1)
    with pytest.raises(Conflict):
        tx.write(compose.update, tx.analyst, NOW, "TX-2026-0001")
    with pytest.raises(Conflict):
        take_back(tx)
    assert tx.read(journal.verify) == []


def test_it_comes_up_again_in_the_lists(tx):
    for _ in range(3):
        tx.publish()
    take_back(tx)
    listed = tx.read(revisions.newest, mode=Mode.LIVE, reach=("district",))
    assert [one.product_id[-1] for one in listed] == ["1", "3", "2"]
    assert listed[0].withdrawn_reason is Reason.ERROR


def test_a_replacement_is_one_of_ours(tx):
    tx.publish()
    tx.publish()
    for wrong in ("TX-2026-0001", "TX-2026-0009", "OH-2026-0001"):
        with pytest.raises(Invalid):
            take_back(tx, replaced_by=wrong)
    take_back(tx, replaced_by="TX-2026-0002")
    (stone,) = tx.read(tombstones.of_product, "TX-2026-0001")
    assert stone.replaced_by == "TX-2026-0002"


def test_an_analyst_does_not_withdraw(tx):
    tx.publish()
    with pytest.raises(Forbidden):
        tx.write(withdraw.withdraw, tx.analyst, NOW, "TX-2026-0001", Reason.ERROR)


def test_what_is_not_there_is_not_found(tx):
    with pytest.raises(NotFound):
        take_back(tx)


def test_time_ends_it_without_a_message(tx):
    tx.publish()
    sent(tx)
    assert tx.write(withdraw.expire, NOW + 6 * DAY) == 0
    assert tx.write(withdraw.expire, NOW + 7 * DAY) == 1
    assert tx.write(withdraw.expire, NOW + 8 * DAY) == 0
    assert tx.read(revisions.current, "TX-2026-0001").stage is Stage.EXPIRED
    assert tx.outgoing() == []
    assert len(tx.read(outbox.superseded)) == 1
    later = NOW + 8 * DAY
    assert tx.update("TX-2026-0001", later, expires=later + DAY).version == 2
    assert tx.read(revisions.current, "TX-2026-0001").stage is Stage.RELEASED


@pytest.mark.parametrize(
    ("old", "new", "fits"),
    [
        ({}, {}, True),
        ({}, {"tlp": Tlp.CLEAR}, True),
        ({"tlp": Tlp.CLEAR}, {}, False),
        ({"tlp": Tlp.CLEAR}, {"tlp": Tlp.AMBER}, False),
        ({}, {"audience": ("ok",)}, False),
        ({"audience": ("ok",)}, {"audience": ("ok",)}, True),
        ({"audience": ("ok", "va")}, {"audience": ("ok",)}, False),
        ({"audience": ("ok",)}, {}, True),
        ({"tlp": Tlp.AMBER, "audience": ("ok",)}, {"tlp": Tlp.AMBER, "audience": ("ok", "va")}, True),
        ({"tlp": Tlp.AMBER, "audience": ("ok",)}, {"tlp": Tlp.AMBER, "audience": ("va",)}, False),
        ({"tlp": Tlp.CLEAR}, {"tlp": Tlp.CLEAR, "caveats": (Caveat.LES,)}, False),
    ],
)
def test_no_leak_of_a_replacement_that_not_all_may_read(tx, old, new, fits):
    tx.befriend("ok", "va")
    product, other = tx.publish(**old).product_id, tx.publish(**new).product_id
    if fits:
        take_back(tx, product, replaced_by=other)
        return
    with pytest.raises(Invalid) as caught:
        take_back(tx, product, replaced_by=other)
    assert caught.value.errors[0].pointer == "/replaced_by"
    assert "may read" in caught.value.errors[0].message


def test_no_leak_to_those_who_had_an_earlier_version(tx):
    tx.befriend("ok", "va")
    product = tx.publish().product_id
    tx.update(product, tlp=Tlp.AMBER, audience=("ok",))
    other = tx.publish(tlp=Tlp.AMBER, audience=("ok",)).product_id
    with pytest.raises(Invalid):
        take_back(tx, product, replaced_by=other)
