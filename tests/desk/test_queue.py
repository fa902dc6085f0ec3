"""Federal advisories: filed once, folded, adopted or set aside, and up again when their source changes its mind."""

from __future__ import annotations

import datetime as dt
import hashlib
import json

import msgspec
import pytest

from connectors.source import advisory_id
from hub.desk import adopt as adopting
from hub.desk import people, publish, vet, withdraw
from hub.desk.enqueue import enqueue
from hub.errors import Conflict, Forbidden, NotFound
from hub.rules.authority import Role
from hub.store import bulletins, journal, queue
from schemas.bulletin import Advisory, Area, RoleAction
from schemas.vocabulary import (
    Action,
    Caveat,
    Certainty,
    Lane,
    Reason,
    RecordClass,
    Severity,
    Status,
    Tlp,
    Topic,
    Urgency,
)
from tests.desk.house import DAY, NOW, content

SOURCE = "cisa-kev"


def said(key, **changes):
    given = {
        "source": SOURCE,
        "key": key,
        "revision": f"{key} 1",
        "action": Action.NEW,
        "status": Status.ACTUAL,
        "headline": f"{key}: a flaw",
        "summary": f"What {key} does.",
        "severity": Severity.SEVERE,
        "urgency": Urgency.EXPECTED,
        "certainty": Certainty.OBSERVED,
        "topics": (Topic.CYBER,),
        "effective": NOW - 2 * DAY,
        "url": "https://www.cisa.gov/kev",
        "original": json.dumps({"cveID": key, "requiredAction": f"Patch {key}\nnow."}),
        **changes,
    }
    return Advisory(**given)


def filed(desk, *advisories, now=NOW):
    done = desk.write(enqueue, now, SOURCE, advisories)
    return done.new, done.updated, done.cancelled, done.unchanged


def one(desk, key):
    return desk.read(queue.advisory, advisory_id(SOURCE, key))


def adopt(desk, key, who=None, now=NOW, said=None):
    return desk.write(adopting.adopt, who or desk.analyst, now, advisory_id(SOURCE, key), said)


def rows(desk):
    return [(row.fold, row.count) for row in desk.read(queue.rows)]


def changes_of(desk):
    """How many rows this connection ever changed, and where the journal ends."""
    count = desk.database.write_sync(lambda t: t._connection.total_changes)
    return count, desk.read(journal.head)


def test_a_whole_catalogue_at_once_and_again(tx):
    catalogue = [said(f"CVE-2026-{n:04d}", effective=NOW - (n % 40) * DAY) for n in range(1600)]
    began = dt.datetime.now(dt.UTC)
    assert filed(tx, *catalogue) == (1600, 0, 0, 0)
    assert (dt.datetime.now(dt.UTC) - began).total_seconds() < 3
    assert len(rows(tx)) <= 8
    assert sum(count for _, count in rows(tx)) == 1600
    before = changes_of(tx)
    generation = tx.database.changed.generation
    assert filed(tx, *catalogue) == (0, 0, 0, 1600)
    assert changes_of(tx) == before
    assert tx.database.changed.generation == generation
    assert tx.read(queue.known, SOURCE)["CVE-2026-0007"] == "CVE-2026-0007 1"


def test_each_row_is_one_click_from_its_items(tx):
    filed(tx, *(said(f"CVE-2026-{n:04d}", effective=NOW - 30 * DAY) for n in range(5)), said("CVE-2026-1000"))
    for row in tx.read(queue.rows, {SOURCE: "KEV"}):
        items = tx.read(queue.items, row.fold)
        assert len(items) == row.count
        assert "KEV" in row.title
    newest = tx.read(queue.items, f"{SOURCE}:backlog", 2)
    rest = tx.read(queue.items, f"{SOURCE}:backlog", 10, newest[-1].arrival)
    assert [item.key[-1] for item in newest + rest] == list("43210")


def test_in_chunks_it_is_still_the_first_load(tx):
    for n in range(4):
        filed(tx, said(f"CVE-2026-{n:04d}", effective=NOW - 30 * DAY), now=NOW + n * dt.timedelta(minutes=1))
    assert rows(tx) == [(f"{SOURCE}:backlog", 4)]
    filed(tx, said("CVE-2026-0100", effective=NOW - 30 * DAY), now=NOW + DAY)
    assert rows(tx) == [(f"{SOURCE}:2026-11-24", 1), (f"{SOURCE}:backlog", 4)]


def test_a_change_and_a_withdrawal_by_the_source(tx):
    filed(tx, said("A"), said("B"))
    gone = said("B", action=Action.CANCEL, revision="gone:1", headline="B: withdrawn")
    assert filed(tx, said("A", action=Action.UPDATE, revision="A 2", headline="A: worse"), gone) == (0, 1, 1, 0)
    assert one(tx, "A").headline == "A: worse"
    assert (one(tx, "B").state, one(tx, "B").headline) == ("cancelled", "B: a flaw")
    assert filed(tx, gone) == (0, 0, 0, 1)
    assert sum(count for _, count in rows(tx)) == 1
    assert filed(tx, said("B")) == (0, 1, 0, 0), "it came back"
    assert one(tx, "B").state == "open"


def test_a_withdrawal_of_what_nobody_knows_is_nothing(tx):
    assert filed(tx, said("A", action=Action.CANCEL, revision="gone:1")) == (0, 0, 0, 1)
    assert one(tx, "A") is None


def test_adopted_it_is_a_draft_with_its_original_behind_it(tx):
    advisory = said("CVE-2026-0001", areas=(Area("TX", "48000"),), topics=(Topic.CYBER, Topic.HAZARD))
    filed(tx, advisory)
    draft = adopt(tx, "CVE-2026-0001")
    bulletin = draft.bulletin
    assert bulletin.headline == "CVE-2026-0001: a flaw"
    assert bulletin.actions == (RoleAction("it-staff", "Patch CVE-2026-0001 now."),)
    assert (bulletin.topic, bulletin.also) == (Topic.CYBER, (Topic.HAZARD,))
    assert (bulletin.tlp, bulletin.expires) == (Tlp.CLEAR, NOW + 14 * DAY)
    assert bulletin.advisory.id == advisory_id(SOURCE, "CVE-2026-0001")
    assert bulletin.advisory.hash == hashlib.sha256(advisory.original.encode()).hexdigest()
    assert draft.authors == {tx.analyst.id}
    assert (one(tx, "CVE-2026-0001").state, one(tx, "CVE-2026-0001").draft_id) == ("adopted", draft.id)
    assert rows(tx) == []


def test_whoever_adopts_is_an_author(tx):
    filed(tx, said("A"))
    draft = adopt(tx, "A", tx.supervisor)
    draft = tx.write(vet.submit, tx.analyst, NOW, draft.id, draft.version)
    with pytest.raises(Forbidden) as caught:
        tx.write(vet.approve, tx.supervisor, NOW, draft.id, draft.version)
    assert caught.value.code == "author"


@pytest.mark.parametrize(
    "odd",
    [
        {"headline": "x" * 500},
        {"headline": "two\nlines"},
        {"summary": ""},
        {"summary": "y" * 50_000},
        {"topics": ()},
        {"original": "<alert/>"},
        {"original": "{broken"},
        {"original": '{"requiredAction": 7}'},
        {"original": ""},
        {"areas": tuple(Area("TX", f"48{n:03d}") for n in range(900))},
        {"expires": NOW - DAY},
        {"expires": NOW + DAY},
        {"topics": tuple(Topic)},
    ],
)
def test_whatever_a_source_says_can_be_adopted(tx, odd):
    filed(tx, said("A", **odd))
    draft = adopt(tx, "A")
    assert draft.bulletin.actions


def test_adopted_once(tx):
    filed(tx, said("A"))
    adopt(tx, "A")
    with pytest.raises(Conflict) as caught:
        adopt(tx, "A", tx.other)
    assert caught.value.code == "already-adopted"
    with pytest.raises(NotFound):
        adopt(tx, "nothing")


def test_what_its_source_withdrew_is_not_adopted(tx):
    filed(tx, said("A"))
    filed(tx, said("A", action=Action.CANCEL, revision="gone:1"))
    with pytest.raises(Conflict) as caught:
        adopt(tx, "A")
    assert caught.value.code == "cancelled"


def test_changed_since_adopted_it_shows_again_and_opens_the_next_version(tx):
    filed(tx, said("A"))
    draft = adopt(tx, "A")
    changed = said("A", action=Action.UPDATE, revision="A 2", summary="It is exploited in schools.")
    filed(tx, changed)
    assert (one(tx, "A").state, one(tx, "A").changed) == ("adopted", True)
    assert sum(count for _, count in rows(tx)) == 1
    with pytest.raises(Conflict):
        adopt(tx, "A")
    release = tx.release(draft)
    update = adopt(tx, "A")
    assert (update.product_id, update.base_version) == (release.product_id, 1)
    assert update.bulletin.headline == "A: a flaw", "the analyst's headline and actions stay"
    assert update.bulletin.text == "It is exploited in schools."
    assert rows(tx) == []
    assert tx.release(update).version == 2


def test_withdrawn_by_its_source_after_it_was_adopted_it_shows_again(tx):
    filed(tx, said("A"))
    adopt(tx, "A")
    filed(tx, said("A", action=Action.CANCEL, revision="gone:1"))
    assert (one(tx, "A").state, one(tx, "A").changed, one(tx, "A").action) == ("adopted", True, "cancel")
    assert tx.write(adopting.set_aside, tx.analyst, NOW, advisory_id(SOURCE, "A"), "We keep ours.") == 1
    assert (one(tx, "A").state, one(tx, "A").changed) == ("adopted", False)
    assert rows(tx) == []


def test_after_ours_was_withdrawn_it_can_be_adopted_anew(tx):
    filed(tx, said("A"))
    release = tx.release(adopt(tx, "A"))
    tx.write(withdraw.withdraw, tx.supervisor, NOW, release.product_id, Reason.ERROR)
    assert adopt(tx, "A").product_id is None


def test_set_aside_with_a_reason(tx):
    filed(tx, said("A"), said("B"))
    tx.write(adopting.set_aside, tx.analyst, NOW, advisory_id(SOURCE, "A"), "Not in any school here.")
    assert (one(tx, "A").state, one(tx, "A").reason) == ("set-aside", "Not in any school here.")
    with pytest.raises(Conflict):
        tx.write(adopting.set_aside, tx.analyst, NOW, advisory_id(SOURCE, "A"), "Again.")
    (row,) = tx.read(queue.rows)
    assert tx.write(adopting.set_aside, tx.analyst, NOW, row.fold, "All of it.") == 1
    assert rows(tx) == []
    with pytest.raises(NotFound):
        tx.write(adopting.set_aside, tx.analyst, NOW, row.fold, "All of it.")


def test_what_was_set_aside_comes_back_only_when_it_matters_more(tx):
    filed(tx, said("A", severity=Severity.MODERATE), said("B", status=Status.TEST))
    for key in "AB":
        tx.write(adopting.set_aside, tx.analyst, NOW, advisory_id(SOURCE, key), "No.")
    filed(tx, said("A", severity=Severity.MODERATE, revision="A 2"))
    assert rows(tx) == []
    filed(tx, said("A", severity=Severity.EXTREME, revision="A 3"), said("B", revision="B 2"))
    assert sum(count for _, count in rows(tx)) == 2


def test_a_set_aside_one_can_still_be_adopted(tx):
    filed(tx, said("A"))
    tx.write(adopting.set_aside, tx.analyst, NOW, advisory_id(SOURCE, "A"), "No.")
    assert adopt(tx, "A").advisory_id == advisory_id(SOURCE, "A")


def test_other_words_at_once(tx):
    filed(tx, said("A"))
    draft = adopt(tx, "A", said=content(headline="In our words"))
    assert draft.bulletin.headline == "In our words"
    assert draft.bulletin.advisory.key == "A"


def test_nothing_imported_is_published_by_itself(tx):
    filed(tx, said("A"))
    assert tx.read(bulletins.drafts) == []
    assert tx.outgoing() == []


def test_one_entry_says_what_was_filed(tx):
    filed(tx, said("A"), said("B"))
    entry = tx.read(journal.head)
    assert (entry.actor, entry.verb, entry.object) == (f"source:{SOURCE}", "enqueue", SOURCE)
    body = msgspec.json.decode(tx.read(journal.detail, entry.n).body)
    assert [line[2] for line in body] == ["new", "new"]
    assert tx.read(journal.verify) == []


def test_a_district_has_no_queue(tx):
    district = tx.write(people.add_person, tx.operator, NOW, "isd", "A district", [Role.DISTRICT])
    filed(tx, said("A"))
    with pytest.raises(Forbidden):
        adopt(tx, "A", district)
    with pytest.raises(Forbidden):
        tx.write(adopting.set_aside, district, NOW, advisory_id(SOURCE, "A"), "No.")


def test_the_preview_of_an_adopted_one(tx):
    tx.befriend("ok")
    filed(tx, said("A"))
    draft = adopt(tx, "A")
    assert tx.read(lambda t: publish.preview(t, tx.office, NOW, draft)).public


def test_a_change_at_the_source_never_widens_who_may_have_it(tx):
    """No leak: what the analyst made stricter stays so when the source says more."""
    tx.befriend("ok", "va")
    filed(tx, said("A"))
    ours = content(
        headline="In our words",
        actions=(RoleAction("it-staff", "Our advice."),),
        tlp=Tlp.AMBER,
        audience=("ok",),
        caveats=(Caveat.LES,),
        record_class=RecordClass.TIP,
        lane=Lane.FLASH,
        topic=Topic.WEAPON,
    )
    first = tx.release(adopt(tx, "A", said=ours))
    filed(tx, said("A", action=Action.UPDATE, revision="A 2", summary="New facts.", severity=Severity.EXTREME))
    update = adopt(tx, "A")
    now = update.bulletin
    assert (now.tlp, update.audience, now.caveats, now.record_class, now.lane, now.topic) == (
        Tlp.AMBER,
        ("ok",),
        (Caveat.LES,),
        RecordClass.TIP,
        Lane.FLASH,
        Topic.WEAPON,
    )
    assert (now.headline, now.actions) == ("In our words", ours.actions)
    assert (now.text, now.severity, update.product_id) == ("New facts.", Severity.EXTREME, first.product_id)
    second = tx.release(update)
    assert (second.gets, second.public) == (("ok",), False)


def test_a_source_that_marks_it_stricter_makes_it_stricter(tx):
    filed(tx, said("A"))
    tx.release(adopt(tx, "A"))
    filed(tx, said("A", action=Action.UPDATE, revision="A 2", tlp=Tlp.AMBER))
    assert adopt(tx, "A").bulletin.tlp is Tlp.AMBER
