"""A desk that came out of a backup: held until it knows what it said since, then above all of it."""

from __future__ import annotations

import contextlib
import dataclasses

import pytest

from hub.desk import compose, publish, recover, withdraw
from hub.desk import peers as desk_peers
from hub.desk.reclaim import Found
from hub.errors import Conflict, Forbidden, Invalid
from hub.rules.lifecycle import Stage
from hub.store import backup, bulletins, holders, journal, outbox, restoring, revisions, tombstones
from hub.store.database import Database
from schemas.envelope import Envelope
from schemas.vocabulary import Reason, Tlp
from tests.desk.house import DAY, NOW, content

OPEN = "TX-2026-0001"
LATER = NOW + DAY / 24


class Life:
    """A desk, the backup that was made of it, and the desk that was made of that."""

    def __init__(self, desk, stack):
        self.desk = desk
        self._stack = stack

    def backed_up(self):
        self.copy = self.desk.database.path.with_name("copy.db")
        backup.copy(self.desk.database.path, self.copy)

    def restored(self):
        """The desk of the backup, held; what the lost one had signed, oldest first, as its stream holds it."""
        database = Database.open(self.copy)
        self._stack.callback(database.close)
        again = dataclasses.replace(self.desk, database=database)
        again.write(recover.begin, LATER, {"made": "then"})
        return again

    def stream(self, after=0):
        """What the lost desk's stream holds: where, and what."""
        return [Found(one.envelope, (1, one.id)) for one in self.desk.outgoing() if one.id > after]


@pytest.fixture
def life(tx):
    tx.befriend("ok", "va")
    with contextlib.ExitStack() as stack:
        yield Life(tx, stack)


def shown(desk, product_id):
    found = desk.read(revisions.current, product_id)
    return None if found is None else (found.version, found.stage, found.readable, found.desk_only)


def first_number(desk, tlp=Tlp.GREEN):
    return int(desk.publish(LATER, tlp=tlp).product_id.rpartition("-")[2].removeprefix("R"))


def read_back(desk, found):
    done = desk.write(recover.reclaim, LATER, found)
    desk.write(recover.read_back, LATER, "own", {})
    return done


def test_a_new_epoch_follows_the_backup_s_last_entry_and_the_whole_chain_verifies(life):
    life.desk.publish()
    life.backed_up()
    again = life.restored()
    last = life.desk.read(journal.head)
    entry = next(one for one in again.read(journal.entries) if one.object == "hold own")
    assert (entry.epoch, entry.sequence, entry.verb, entry.prev) == (2, 1, "restore", last.hash)
    assert again.read(journal.verify, [again.office.key_id]) == []


def test_an_epoch_that_begins_with_anything_else_is_named(life):
    life.desk.publish()
    life.desk.database.write_sync(journal.begin_epoch, LATER, journal.Said("p-1", "agree", "ok", 0, bytes(32)))
    assert "epoch" in {one.code for one in life.desk.read(journal.verify)}


def test_held_it_numbers_nothing_and_shows_nothing(life):
    life.desk.publish()
    waiting = life.desk.approved(life.desk.compose())
    life.backed_up()
    again = life.restored()
    assert shown(again, OPEN) == (1, Stage.RELEASED, False, "restored")
    for verb, args in (
        (withdraw.withdraw, (again.supervisor, LATER, OPEN, Reason.ERROR)),
        (desk_peers.revoke_peer, (again.operator, LATER, "ok", "why")),
    ):
        with pytest.raises(Conflict) as refused:
            again.write(verb, *args)
        assert refused.value.code == "held"
    with pytest.raises(Conflict) as refused:
        again.release(again.compose(LATER), LATER)
    assert refused.value.code == "held"
    assert again.read(restoring.state).waits == ("own", "ok", "va")
    assert waiting.stage is not Stage.RELEASED


def test_an_agreement_that_ends_while_it_is_held_is_recalled_afterwards(life):
    life.desk.publish(tlp=Tlp.AMBER)
    life.backed_up()
    again = life.restored()
    again.write(desk_peers.end_agreement, again.operator, LATER, "ok")
    assert again.write(desk_peers.lapse, LATER) == ()
    again.write(recover.read_back, LATER, "own", {})
    again.write(desk_peers.lapse, LATER)
    held = again.read(holders.of_product, again.office.mode, "TX-2026-R0001")
    assert {one.place: one.held for one in held} == {"ok": False, "va": True}
    assert again.read(journal.verify) == []


def test_it_takes_back_what_it_said_since_and_goes_on_above(life):
    desk = life.desk
    for headline in ("Stays", "Withdrawn since", "Changed since"):
        desk.publish(headline=headline)
    life.backed_up()
    desk.publish(LATER, headline="Came since")
    desk.publish(LATER, headline="Restricted, came since", tlp=Tlp.AMBER)
    desk.update("TX-2026-0003", LATER, headline="Changed")
    desk.write(withdraw.withdraw, desk.supervisor, LATER, "TX-2026-0002", Reason.ERROR)
    again = life.restored()
    done = read_back(again, life.stream())
    assert (done.versions, done.tombstones, done.refused) == (3, 1, 0)
    for product_id in ("TX-2026-0001", "TX-2026-0002", "TX-2026-0003", "TX-2026-0004", "TX-2026-R0001"):
        assert shown(again, product_id) == shown(desk, product_id), product_id
    assert again.read(journal.verify, [again.office.key_id]) == []
    assert first_number(again) == 1000
    assert first_number(again, Tlp.AMBER) == 1000
    assert again.update("TX-2026-0003", LATER, headline="Again").version == 1002
    assert again.update("TX-2026-1000", LATER, headline="New ones go on by one").version == 2
    again.write(withdraw.withdraw, again.supervisor, LATER, "TX-2026-0004", Reason.ERROR)
    serials = [one.serial for one in again.read(tombstones.of_product, "TX-2026-0004")]
    assert serials == [1000]
    assert again.read(journal.verify, [again.office.key_id]) == []


def test_what_was_taken_back_is_deleted_from_the_stream_when_it_is_withdrawn(life):
    desk = life.desk
    life.backed_up()
    desk.publish(LATER, tlp=Tlp.AMBER)
    again = life.restored()
    found = life.stream()
    read_back(again, found)
    again.write(withdraw.withdraw, again.supervisor, LATER, "TX-2026-R0001", Reason.ERROR)
    assert {one.sequence for one in again.read(outbox.superseded)} == {each.place[1] for each in found}
    told = {copy.to for copy in again.outgoing()}
    assert told == {"ok", "va"}


@pytest.mark.parametrize("backwards", [False, True])
def test_the_order_in_which_it_is_read_changes_nothing(life, backwards):
    desk = life.desk
    life.backed_up()
    desk.publish(LATER)
    desk.update(OPEN, LATER, headline="Two")
    earlier = life.stream()
    desk.write(withdraw.withdraw, desk.supervisor, LATER, OPEN, Reason.ERROR)
    found = [*earlier, *life.stream(after=max(each.place[1] for each in earlier))]
    again = life.restored()
    read_back(again, found[::-1] if backwards else found)
    assert again.read(revisions.current, OPEN).stage is Stage.WITHDRAWN
    assert not [one for one in again.outgoing() if one.kind == "bulletin"]
    assert again.read(journal.verify) == []


def test_the_draft_that_was_released_since_is_not_released_again(life):
    desk = life.desk
    draft = desk.approved(desk.compose())
    life.backed_up()
    released = desk.write(publish.publish, desk.supervisor, LATER, draft.id, draft.version)
    again = life.restored()
    read_back(again, life.stream())
    found = again.read(bulletins.draft, draft.id)
    assert (found.stage, found.product_id) == (Stage.RELEASED, released.product_id)


def test_hostile_offers_are_refused_one_by_one(life, ok):
    desk = life.desk
    life.backed_up()
    desk.publish(LATER)
    mine = life.stream()[0].envelope
    ok.befriend("tx")
    ok.publish(LATER)
    theirs = ok.outgoing()[0].envelope
    again = life.restored()
    altered = Envelope(mine.subject, mine.payload.replace(b"Calls", b"Balls"), mine.key, mine.signature)
    moved = Envelope(mine.subject.replace(".green.", ".clear."), mine.payload, mine.key, mine.signature)
    forged = Envelope(mine.subject, mine.payload, theirs.key, theirs.signature)
    done = again.write(recover.reclaim, LATER, [Found(one) for one in (theirs, altered, moved, forged, mine)])
    assert (done.versions, done.refused, len(done.why)) == (1, 4, 4)
    assert shown(again, OPEN) == (1, Stage.RELEASED, False, "restored")


def test_nothing_is_taken_back_by_a_node_that_is_not_held(life):
    with pytest.raises(Conflict) as refused:
        life.desk.write(recover.reclaim, LATER, [])
    assert refused.value.code == "not-held"


def test_a_director_ends_the_hold_with_a_reason_and_goes_on_further(life):
    life.desk.publish()
    life.backed_up()
    again = life.restored()
    for actor in (again.supervisor, again.operator):
        with pytest.raises(Forbidden):
            again.write(recover.override, actor, LATER, "Because", unread=True)
    with pytest.raises(Invalid):
        again.write(recover.override, again.director, LATER, "  ", unread=True)
    with pytest.raises(Conflict) as refused:
        again.write(recover.override, again.director, LATER, "Because")
    assert refused.value.code == "unread"
    again.write(recover.override, again.director, LATER, "The disk is gone.", unread=True)
    assert again.read(restoring.state) is None
    assert shown(again, OPEN) == (1, Stage.RELEASED, True, None)
    assert first_number(again) == 2000
    entry = next(one for one in again.read(journal.entries) if one.object == "hold own")
    assert (entry.verb, entry.actor) == ("override", again.director.id)
    assert b"The disk is gone." in again.read(journal.detail, entry.n).body
    with pytest.raises(Conflict):
        again.write(recover.override, again.director, LATER, "Twice")


def test_restored_twice_it_goes_on_above_both(life):
    life.desk.publish()
    life.backed_up()
    again = life.restored()
    again.write(recover.override, again.director, LATER, "Once", unread=True)
    given = first_number(again)
    second = again.database.path.with_name("second.db")
    backup.copy(again.database.path, second)
    with Database.open(second) as database:
        third = dataclasses.replace(again, database=database)
        assert third.write(recover.begin, LATER, {}).epoch == 3
        third.write(recover.read_back, LATER, "own", {})
        assert first_number(third) == 3000 > given
        assert third.update(OPEN, LATER, headline="Now").version == 1001
        assert third.read(journal.verify) == []


def test_a_year_that_begins_after_the_restore_begins_at_one(life):
    life.backed_up()
    again = life.restored()
    again.write(recover.read_back, LATER, "own", {})
    later = NOW + 60 * DAY
    draft = again.write(compose.compose, again.analyst, later, content(expires=later + DAY))
    assert again.release(draft, later).product_id == "TX-2027-0001"
