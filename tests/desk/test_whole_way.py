"""A bulletin from its first save to the peer's list, through real files and real signatures."""

from __future__ import annotations

import msgspec
import pytest

from hub.desk import compose, publish, vet
from hub.desk.receive import receive
from hub.errors import Conflict, Forbidden, Invalid, NotFound
from hub.rules.decision import Accepted, Duplicate
from hub.rules.lifecycle import Stage
from hub.store import bulletins, journal, outbox, revisions
from schemas import envelope, stix
from schemas.content import approval_hash, content_hash
from schemas.gate import check
from schemas.vocabulary import Audience, Mode, Tlp
from tests.desk.house import DAY, NOW, content

ANYBODY = ("public", "district", "member", "desk")


def test_from_the_first_save_to_the_peer(tx, ok):
    tx.befriend("ok")
    ok.befriend("tx")
    draft = tx.compose()
    assert draft.stage is Stage.DRAFT
    release = tx.release(draft)
    assert (release.product_id, release.version, release.gets) == ("TX-2026-0001", 1, ("ok",))

    (arrival,) = tx.arrivals("ok")
    assert arrival.subject == "live.tx.bulletin.routine.all.green.swatting"
    envelope.verify(envelope.Envelope(arrival.subject, arrival.payload, arrival.key, arrival.signature))
    assert isinstance(ok.write(receive, NOW, "tx", [arrival])[0], Accepted)
    assert isinstance(ok.write(receive, NOW, "tx", [arrival])[0], Duplicate)

    (shown,) = ok.read(revisions.newest, mode=Mode.LIVE, reach=ANYBODY)
    assert (shown.product_id, shown.peer, shown.own) == ("TX-2026-0001", "tx", False)
    assert shown.bulletin.headline == draft.bulletin.headline
    assert ok.read(journal.verify) == []
    assert tx.read(journal.verify) == []


def test_what_is_released_is_what_was_approved(tx):
    draft = tx.approved(tx.compose())
    tx.write(publish.publish, tx.supervisor, NOW, draft.id, draft.version)
    released = tx.read(revisions.current, "TX-2026-0001")
    assert content_hash(released.payload).hex() == draft.content_hash
    check(released.payload)
    stamp = released.bulletin.stamp
    (approval,) = stamp.approvals
    covered = approval_hash("approve", "supervisor", bytes.fromhex(draft.content_hash))
    assert (approval.person, approval.hash) == (tx.supervisor.id, covered.hex())
    assert (stamp.product_id, stamp.version, stamp.released) == ("TX-2026-0001", 1, NOW)


def test_a_draft_is_a_bundle_from_its_first_save(tx):
    draft = tx.compose(audience=("va", "ok"), tlp=Tlp.AMBER)
    kept = tx.read(bulletins.draft, draft.id)
    assert stix.decode(kept.bundle) == draft.bulletin
    assert draft.bulletin.audience is Audience.NAMED
    assert draft.audience == ("ok", "va")
    assert b'"ok"' not in kept.bundle
    assert b'"va"' not in kept.bundle


def test_an_edit_keeps_what_was_fixed_at_birth(tx):
    first = tx.compose()
    second = tx.write(compose.edit, tx.other, NOW + DAY, first.id, 1, content(headline="Other words"))
    before, after = first.bulletin, second.bulletin
    assert (before.seed, before.salt, before.created) == (after.seed, after.salt, after.created)
    assert second.authors == {tx.analyst.id, tx.other.id}
    assert second.content_hash != first.content_hash


def test_the_same_words_again_are_no_edit(tx):
    draft = tx.approved(tx.compose())
    again = tx.write(compose.edit, tx.other, NOW, draft.id, draft.version, content())
    assert again == draft
    assert tx.other.id not in again.authors


def test_an_update_is_the_same_report_with_a_new_salt(tx):
    tx.publish()
    tx.update("TX-2026-0001", NOW, headline="Calls, now with a name")
    one, two = tx.read(revisions.versions, "TX-2026-0001")
    assert one.report_id == two.report_id
    assert one.bulletin.salt != two.bulletin.salt
    assert two.bulletin.modified > one.bulletin.modified, "even when the clock stands still"
    assert (one.current, two.current) == (False, True)
    assert two.bulletin.stamp.version == 2


def test_one_next_version_at_a_time(tx):
    tx.publish()
    tx.write(compose.update, tx.analyst, NOW, "TX-2026-0001")
    with pytest.raises(Conflict) as caught:
        tx.write(compose.update, tx.other, NOW, "TX-2026-0001")
    assert caught.value.code == "already-open"


def test_what_expired_is_opened_as_it_stood_and_needs_a_new_end(tx):
    tx.publish()
    later = NOW + 9 * DAY
    draft = tx.write(compose.update, tx.analyst, later, "TX-2026-0001")
    with pytest.raises(Invalid) as caught:
        tx.write(vet.submit, tx.analyst, later, draft.id, draft.version)
    assert [error.pointer for error in caught.value.errors] == ["/expires"]
    draft = tx.write(compose.edit, tx.analyst, later, draft.id, draft.version, content(expires=later + DAY))
    assert tx.release(draft, later).version == 2


def test_only_our_own_is_updated(tx, ok):
    tx.publish(tlp=Tlp.CLEAR)
    ok.befriend("tx")
    ok.write(receive, NOW, "tx", tx.arrivals("ok"))
    with pytest.raises(NotFound):
        ok.write(compose.update, ok.analyst, NOW, "TX-2026-0001")


def test_a_version_that_moved_on_is_refused(tx):
    draft = tx.compose()
    tx.write(vet.submit, tx.analyst, NOW, draft.id, 1)
    for verb in (vet.submit, vet.approve):
        person = tx.analyst if verb is vet.submit else tx.supervisor
        with pytest.raises(Conflict) as caught:
            tx.write(verb, person, NOW, draft.id, 1)
        assert caught.value.code == "moved-on"


def test_an_expired_draft_is_not_released(tx):
    draft = tx.approved(tx.compose())
    with pytest.raises(Conflict) as caught:
        tx.write(publish.publish, tx.supervisor, NOW + 30 * DAY, draft.id, draft.version)
    assert caught.value.code == "expired"


def test_who_may_not_see_drafts_finds_nothing(tx):
    draft = tx.compose()
    for who in (tx.operator,):
        with pytest.raises(NotFound):
            tx.write(vet.submit, who, NOW, draft.id, 1)
    with pytest.raises(NotFound):
        tx.write(vet.submit, tx.analyst, NOW, "d-none", 1)


def test_amber_goes_as_one_signed_copy_a_peer_with_the_same_bytes(tx):
    tx.befriend("ok", "va")
    release = tx.publish(tlp=Tlp.AMBER)
    assert release.product_id == "TX-2026-R0001"
    waiting = tx.outgoing()
    assert {one.to for one in waiting} == {"ok", "va"}
    assert len({one.payload for one in waiting}) == 1
    assert len({one.msg_id for one in waiting}) == 2


def test_named_audiences_reach_the_named_only(tx):
    tx.befriend("ok", "va")
    release = tx.publish(audience=("ok", "nm"))
    assert release.gets == ("ok",)
    assert set(release.withheld) == {"nm", "va"}
    assert [one.to for one in tx.outgoing()] == ["ok"]


def test_a_preview_is_what_happens(tx):
    tx.befriend("ok")
    tx.befriend("va", ceiling=Tlp.GREEN)
    draft = tx.approved(tx.compose(tlp=Tlp.AMBER))
    seen = tx.read(lambda t: publish.preview(t, tx.office, NOW, draft))
    release = tx.write(publish.publish, tx.supervisor, NOW, draft.id, draft.version)
    assert tuple(seen.gets) == release.gets == ("ok",)
    assert dict(seen.withheld) == release.withheld


def test_the_release_record_says_who_and_why(tx):
    tx.befriend("ok")
    tx.befriend("va", ceiling=Tlp.GREEN)
    tx.publish(tlp=Tlp.AMBER)
    entry = next(e for e in tx.read(journal.entries, about="TX-2026-R0001") if e.verb == "reach")
    kept = tx.read(journal.detail, entry.n)
    assert journal.salted(kept.salt, kept.body) == entry.commitment
    record = msgspec.json.decode(kept.body)
    assert record["gets"] == {"ok": "to-ok"}
    assert record["withheld"] == {"va": "ceiling"}
    tx.database.write_sync(journal.erase_detail, entry.n)
    assert tx.read(journal.verify) == []


def test_exercise_says_so_once(desks):
    desk = desks("oh", Mode.EXERCISE)
    release = desk.publish(headline="EXERCISE: a drill")
    assert release.product_id == "OH-EX-2026-0001"
    shown = desk.read(revisions.current, release.product_id)
    assert shown.bulletin.headline == "EXERCISE: a drill"
    desk.update(release.product_id)
    shown = desk.read(revisions.current, release.product_id)
    assert shown.bulletin.headline == "EXERCISE: a drill"


def test_red_is_never_released(tx):
    draft = tx.compose(tlp=Tlp.RED)
    draft = tx.write(vet.submit, tx.analyst, NOW, draft.id, draft.version)
    with pytest.raises(Forbidden) as caught:
        tx.write(vet.approve, tx.supervisor, NOW, draft.id, draft.version)
    assert caught.value.code == "red"
    assert tx.outgoing() == []


def test_the_outbox_and_the_journal_come_with_the_row(tx):
    tx.befriend("ok")
    before = tx.read(journal.head).n
    tx.publish()
    verbs = [entry.verb for entry in tx.read(journal.entries) if entry.n > before]
    assert verbs == ["reach", "publish", "approve", "submit", "compose"]
    assert tx.read(outbox.waiting)[0] == 1
