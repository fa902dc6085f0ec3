"""Who is a peer, and the clock's round."""

from __future__ import annotations

import datetime as dt

import msgspec
import pytest

from hub.desk import clock, peers
from hub.errors import Conflict, Forbidden, Invalid, NotFound
from hub.store import journal
from hub.store import peers as store
from schemas.vocabulary import Mode, Tlp
from tests.desk.house import DAY, NOW, agreement_for, entry_of


def accept(desk, entry):
    return desk.write(peers.accept_peer, desk.operator, NOW, entry)


def test_a_peer_is_taken_and_nothing_is_agreed(tx):
    peer = accept(tx, entry_of("ok"))
    assert (peer.state, peer.agreement) == ("active", None)
    assert tx.read(store.agreements) == {"ok": None}
    assert tx.read(store.peer, "ok") == peer


def test_a_register_entry_only_rises(tx):
    accept(tx, entry_of("ok", serial=3))
    head = tx.read(journal.head)
    accept(tx, entry_of("ok", serial=3))
    assert tx.read(journal.head) == head, "the same entry again says nothing"
    for serial in (1, 3):
        with pytest.raises(Conflict) as caught:
            accept(tx, msgspec.structs.replace(entry_of("ok", serial=serial), name="Other"))
        assert caught.value.code == "serial"
    tx.write(peers.agree, tx.operator, NOW, agreement_for("ok"))
    assert accept(tx, entry_of("ok", serial=4)).file == agreement_for("ok"), "the agreement stays"


def test_a_key_speaks_for_one_node(tx):
    accept(tx, entry_of("ok"))
    theirs = msgspec.structs.replace(entry_of("oh"), keys=entry_of("ok").keys)
    ours = msgspec.structs.replace(entry_of("oh"), keys=entry_of("tx").keys)
    for entry in (theirs, ours):
        with pytest.raises(Conflict) as caught:
            accept(tx, entry)
        assert caught.value.code == "shared-key"


def test_no_peer_of_itself_and_none_of_the_other_mode(tx):
    for entry in (entry_of("tx"), entry_of("ok", Mode.EXERCISE)):
        with pytest.raises(Invalid):
            accept(tx, entry)


def test_only_an_operator_makes_peers(tx):
    with pytest.raises(Forbidden):
        tx.write(peers.accept_peer, tx.director, NOW, entry_of("ok"))
    accept(tx, entry_of("ok"))
    with pytest.raises(Forbidden):
        tx.write(peers.agree, tx.director, NOW, agreement_for("ok"))


def test_nothing_is_agreed_with_who_is_no_peer(tx):
    with pytest.raises(NotFound):
        tx.write(peers.agree, tx.operator, NOW, agreement_for("ok"))
    accept(tx, entry_of("ok"))
    tx.write(peers.revoke_peer, tx.operator, NOW, "ok", "Lost its keys.")
    for verb, args in ((peers.agree, (agreement_for("ok"),)), (peers.end_agreement, ("ok",))):
        with pytest.raises(NotFound):
            tx.write(verb, tx.operator, NOW, *args)
    assert accept(tx, entry_of("ok", serial=2)).state == "active"


def test_red_is_never_agreed(tx):
    accept(tx, entry_of("ok"))
    with pytest.raises(Invalid):
        tx.write(peers.agree, tx.operator, NOW, agreement_for("ok", ceiling=Tlp.RED))


# ---------------------------------------------------------------------------------------------- clock
def test_a_round_of_the_clock(tx):
    tx.befriend("ok", until=NOW + DAY)
    tx.publish()
    assert tx.write(clock.tick, NOW) == clock.Ticked(0, (), True)
    generation = tx.database.changed.generation
    assert tx.write(clock.tick, NOW + dt.timedelta(minutes=2)) == clock.Ticked(0, (), False)
    assert tx.database.changed.generation == generation, "nothing is due, nothing is written"
    assert tx.write(clock.tick, NOW + 8 * DAY) == clock.Ticked(1, ("ok",), True)
    assert tx.read(journal.verify, [tx.office.key_id]) == []


def test_heads_are_signed_at_most_once_a_minute(tx):
    second = dt.timedelta(seconds=1)
    tx.compose()
    assert tx.write(clock.seal, NOW) is not None
    tx.compose()
    assert tx.write(clock.seal, NOW + 59 * second) is None
    assert tx.write(clock.seal, NOW + 60 * second).sequence == tx.read(journal.head).sequence
