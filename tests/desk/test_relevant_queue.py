"""The queue that a desk can use: few rows, nothing severe for the state folded, one step to each alert; messages that follow each other."""

from __future__ import annotations

import dataclasses
import datetime as dt
import time

import msgspec
import pytest

from connectors.federal import cisa_kev, nws
from connectors.source import advisory_id
from hub.desk import adopt as adopting
from hub.desk.clock import tick
from hub.desk.enqueue import MOST_RETIRED, enqueue, refold, retire
from hub.errors import Conflict
from hub.rules.fold import MOST_ROWS
from hub.rules.policy import Policy, Relevance
from hub.rules.relevance import Standing
from hub.store import journal, queue
from schemas.bulletin import Advisory, Area
from schemas.vocabulary import SEVERITY_RANK, Action, Certainty, Severity, Status, Topic, Urgency
from tests.desk.house import DAY, NOW

TITLES = {"nws": "National Weather Service alerts", "cisa-kev": "CISA KEV"}
CAPTURED = dt.datetime(2025, 12, 15, 21, 55, tzinfo=dt.UTC)
HOUR = dt.timedelta(hours=1)


@pytest.fixture(scope="module")
def nation(recordings):
    return nws.parse((recordings / "nws-api" / "alerts_active_2025-12-15.json").read_bytes(), "").advisories


@pytest.fixture(scope="module")
def catalogue(recordings):
    return cisa_kev.parse((recordings / "cisa-kev" / "kev_2025-08-25.json").read_bytes(), "").advisories


def for_state(one: Advisory, place: str) -> bool:
    return any(area.state == place.upper() for area in one.areas)


# ----------------------------------------------------------------------------------- the real snapshots
@pytest.mark.parametrize("place", ["tx", "oh", "mt", "wa", "fl", "ak"])
@pytest.mark.parametrize("now", [CAPTURED, CAPTURED.replace(month=8, day=26), CAPTURED + 300 * DAY])
def test_fifteen_rows_and_nothing_severe_is_folded(desks, nation, catalogue, place, now) -> None:
    desk = desks(place)
    desk.write(enqueue, now, "cisa-kev", catalogue)
    desk.write(enqueue, now, "nws", nation)
    rows = desk.read(queue.rows, TITLES)
    assert len(rows) <= MOST_ROWS
    assert sum(row.count for row in rows) == len(catalogue) + len(nation) - 3
    reached, folded = {}, set()
    for row in rows:
        items = desk.read(queue.items, row.fold, 2_000)
        assert len(items) == row.count
        assert row.why.endswith(".")
        assert all(item.why for item in items)
        reached |= {item.id: row for item in items}
        folded |= {item.key for item in items if row.standing is Standing.FOLDED}
    assert len(reached) == sum(row.count for row in rows), "each alert is behind one row"
    severe = {
        each.key
        for each in nation
        if for_state(each, place)
        and each.action is not Action.CANCEL
        and SEVERITY_RANK[each.severity] >= SEVERITY_RANK[Severity.SEVERE]
    }
    assert not severe & folded
    assert severe == {
        item.key for row in rows if row.standing is Standing.SEVERE for item in desk.read(queue.items, row.fold, 2_000)
    }


def test_the_reason_of_each_folded_one_is_said(desks, nation) -> None:
    desk = desks("tx")
    desk.write(enqueue, CAPTURED, "nws", nation)
    reasons = {item.event: waiting.why for item, waiting in _waiting(desk, nation)}
    assert reasons["Gale Warning"] == "marine zones only"
    assert reasons["Winter Storm Watch"].startswith("not for Texas: ")
    assert reasons["High Surf Advisory"] == "minor: below your policy's moderate"


def _waiting(desk, nation):
    texas = [each for each in nation if for_state(each, "tx")]
    others = [each for each in nation if each.event in {"Gale Warning", "Winter Storm Watch"}]
    for each in others + texas:
        yield each, desk.read(queue.advisory, advisory_id("nws", each.key))


def test_filing_them_takes_less_than_a_second_each(desks, nation, catalogue) -> None:
    desk = desks("mt")
    more = [msgspec.structs.replace(each, key=f"{each.key} again") for each in (*catalogue, *nation)]
    for source, advisories, most in (("cisa-kev", catalogue, 1600), ("nws", nation, 600)):
        filled = [*advisories, *(one for one in more if one.source == source)][:most]
        began = time.process_time()
        desk.write(enqueue, CAPTURED, source, filled)
        assert time.process_time() - began < 1
    began = time.process_time()
    desk.read(queue.rows, TITLES)
    assert time.process_time() - began < 0.2


# --------------------------------------------------------------------------- messages that follow others
def alert(key: str, *refers: str, **changes) -> Advisory:
    given = {
        "source": "nws",
        "key": key,
        "revision": f"{key} 1",
        "action": Action.UPDATE if refers else Action.NEW,
        "status": Status.ACTUAL,
        "headline": f"Flood Warning {key}",
        "summary": "The creek is rising.",
        "severity": Severity.SEVERE,
        "urgency": Urgency.IMMEDIATE,
        "certainty": Certainty.LIKELY,
        "topics": (Topic.WEATHER,),
        "areas": (Area("TX", fips="48453"),),
        "effective": NOW,
        "expires": NOW + DAY,
        "references": refers,
        "event": "Flood Warning",
        **changes,
    }
    return Advisory(**given)


def gone(one: Advisory) -> Advisory:
    return msgspec.structs.replace(one, action=Action.CANCEL, revision=f"gone:{one.key}")


def filed(desk, *advisories, now=NOW):
    done = desk.write(enqueue, now, "nws", advisories)
    return done.new, done.updated, done.cancelled, done.unchanged


def one(desk, key):
    return desk.read(queue.advisory, advisory_id("nws", key))


def shown(desk):
    return sorted(item.key for row in desk.read(queue.rows, TITLES) for item in desk.read(queue.items, row.fold, 1_000))


def test_an_update_takes_the_place_of_what_it_refers_to(tx) -> None:
    filed(tx, alert("A"))
    assert filed(tx, alert("B", "A")) == (1, 0, 1, 0)
    assert (one(tx, "A").state, one(tx, "A").why) == ("cancelled", "replaced by a later message")
    assert shown(tx) == ["B"]
    assert filed(tx, alert("B", "A")) == (0, 0, 0, 1)


def test_whatever_the_order_in_one_answer(tx) -> None:
    assert filed(tx, alert("C", "B", "A"), alert("B", "A"), alert("A")) == (3, 0, 0, 0)
    assert shown(tx) == ["C"]
    assert filed(tx, alert("C", "B", "A"), alert("B", "A")) == (0, 0, 0, 2)


@pytest.mark.parametrize("order", ["BC", "CB"])
def test_a_decision_is_handed_on_by_way_of_others(tx, order) -> None:
    filed(tx, alert("A"))
    draft = tx.write(adopting.adopt, tx.analyst, NOW, advisory_id("nws", "A"))
    chain = {"B": alert("B", "A"), "C": alert("C", "B")}
    filed(tx, *(chain[key] for key in order))
    assert [one(tx, key).state for key in "ABC"] == ["cancelled", "cancelled", "adopted"]
    assert (one(tx, "C").draft_id, shown(tx)) == (draft.id, ["C"])


def test_two_that_name_each_other_both_stand(tx) -> None:
    filed(tx, alert("A", "B"), alert("B", "A"))
    assert shown(tx) == ["A", "B"]


def test_a_cancel_ends_what_it_refers_to_and_is_remembered(tx) -> None:
    filed(tx, alert("A"))
    end = alert("Z", "A", action=Action.CANCEL)
    assert filed(tx, end) == (0, 0, 2, 0)
    assert (one(tx, "A").state, one(tx, "Z").state) == ("cancelled", "cancelled")
    assert shown(tx) == []
    assert tx.read(queue.known, "nws") == {"A": "A 1", "Z": "Z 1"}, "so that its own words again are no news"
    assert filed(tx, end) == (0, 0, 0, 1)


def test_what_was_adopted_is_followed_by_its_update(tx) -> None:
    filed(tx, alert("A"))
    draft = tx.write(adopting.adopt, tx.analyst, NOW, advisory_id("nws", "A"))
    release = tx.release(draft)
    filed(tx, alert("B", "A", severity=Severity.MINOR, areas=(Area("OK", fips="40001"),)))
    assert (one(tx, "B").state, one(tx, "B").changed, one(tx, "B").draft_id) == ("adopted", True, draft.id)
    (row,) = tx.read(queue.rows, TITLES)
    assert row.standing is Standing.SEVERE, "what was decided about before is not folded"
    assert row.why.startswith("Its source changed it after you decided")
    update = tx.write(adopting.adopt, tx.analyst, NOW, advisory_id("nws", "B"))
    assert (update.product_id, update.base_version) == (release.product_id, 1)
    assert shown(tx) == []
    filed(tx, gone(alert("A")))
    assert shown(tx) == [], "the one before is nobody's any more"


def test_what_was_set_aside_stays_so_unless_it_matters_more(tx) -> None:
    filed(tx, alert("A", severity=Severity.MODERATE))
    tx.write(adopting.set_aside, tx.analyst, NOW, advisory_id("nws", "A"), "A park, no school.")
    filed(tx, alert("B", "A", severity=Severity.MODERATE))
    assert (one(tx, "B").state, one(tx, "B").reason) == ("set-aside", "A park, no school.")
    filed(tx, alert("C", "B"))
    assert (one(tx, "C").state, shown(tx)) == ("open", ["C"])


@pytest.mark.parametrize(("when", "again"), [(NOW + HOUR, True), (NOW + 2 * DAY, False)])
def test_an_adopted_one_that_left_its_list_shows_again_only_when_that_was_early(tx, when, again) -> None:
    filed(tx, alert("A"))
    tx.write(adopting.adopt, tx.analyst, NOW, advisory_id("nws", "A"))
    filed(tx, gone(alert("A")), now=when)
    assert (one(tx, "A").changed, one(tx, "A").why) == (
        again,
        "taken back by its source" if again else "ended as announced",
    )
    with pytest.raises(Conflict):
        tx.write(adopting.adopt, tx.analyst, when, advisory_id("nws", "A"))


def test_it_moves_when_it_gets_worse_or_better(tx) -> None:
    filed(tx, alert("A", severity=Severity.MINOR))
    assert one(tx, "A").fold == "nws:folded:minor"
    filed(tx, alert("A", revision="2", action=Action.UPDATE))
    assert one(tx, "A").fold.startswith("nws:severe:flood-warning:")
    filed(tx, alert("A", revision="3", action=Action.UPDATE, severity=Severity.MODERATE))
    assert one(tx, "A").fold == f"nws:{NOW.date().isoformat()}"


def test_a_row_can_be_opened_by_the_name_it_had_in_a_shorter_queue(tx) -> None:
    filed(
        tx, *(alert(f"A{n}") for n in range(3)), *(alert(f"S{n}", areas=(Area(None, ugc="GMZ335"),)) for n in range(2))
    )
    assert len(tx.read(queue.items, "nws:severe:flood-warning")) == 3
    assert len(tx.read(queue.items, "nws:folded")) == len(tx.read(queue.items, "all:folded")) == 2
    assert tx.write(adopting.set_aside, tx.analyst, NOW, "nws:folded", "Not ours.") == 2
    assert len(shown(tx)) == 3


# ------------------------------------------------------------------------------------- over, and judged anew
def test_what_is_over_leaves_the_queue_by_the_clock(tx) -> None:
    filed(tx, alert("A"), alert("B", expires=NOW + 3 * DAY), alert("C", expires=None))
    filed(tx, alert("D"))
    tx.write(adopting.adopt, tx.analyst, NOW, advisory_id("nws", "D"))
    assert tx.write(retire, NOW + HOUR) == 0
    assert tx.write(tick, NOW + DAY).retired == 1
    assert (one(tx, "A").state, one(tx, "A").why, one(tx, "D").state) == ("cancelled", "ended as announced", "adopted")
    assert shown(tx) == ["B", "C"]
    assert tx.write(tick, NOW + DAY + HOUR).retired == 0
    assert tx.read(journal.verify) == []
    assert filed(tx, gone(alert("A")), now=NOW + DAY) == (0, 0, 0, 0)
    assert one(tx, "A").why == "ended as announced"


def test_what_was_over_when_it_came_in_is_kept_for_whoever_loaded_it(tx) -> None:
    filed(tx, alert("A", expires=NOW - DAY))
    assert tx.write(retire, NOW + DAY) == 0
    assert shown(tx) == ["A"]


def test_many_that_are_over_leave_in_bounded_steps(tx) -> None:
    filed(tx, *(alert(f"A{n}") for n in range(MOST_RETIRED + 3)))
    assert [tx.write(retire, NOW + DAY) for _ in range(3)] == [MOST_RETIRED, 3, 0]


def test_a_new_policy_is_applied_to_what_waits(tx) -> None:
    filed(tx, alert("A", areas=(Area("OK", fips="40001"),)), alert("B", severity=Severity.MINOR), alert("C"))
    before = tx.read(journal.head)
    assert tx.write(refold) == 0
    wanted = Relevance(neighbours=frozenset({"ok"}), least=Severity.MINOR, topics=frozenset({Topic.WEATHER}))
    office = dataclasses.replace(tx.office, policy=Policy(relevance=wanted))
    assert tx.database.write_sync(refold, office) == 2
    assert {row.standing for row in tx.read(queue.rows, TITLES)} == {Standing.SEVERE, Standing.STANDS}
    assert one(tx, "A").why == "names 1 county of Oklahoma"
    assert tx.read(journal.head) == before


def test_an_alert_at_sea_too_can_be_adopted(tx) -> None:
    areas = (
        Area("TX", fips="48007"),
        Area("TX", ugc="TXC007"),
        Area("TX", ugc="TXZ245"),
        Area(None, fips="77235"),
        Area(None, ugc="GMZ235"),
        Area(None, fips="00000"),
    )
    filed(tx, alert("A", areas=areas))
    draft = tx.write(adopting.adopt, tx.analyst, NOW, advisory_id("nws", "A"))
    assert draft.bulletin.areas == (Area("TX", fips="48007"), Area("TX", ugc="TXZ245"), Area(None, ugc="GMZ235"))
