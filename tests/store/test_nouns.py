"""Rows in, structs out; every table says who may write it."""

from __future__ import annotations

import datetime as dt

import pytest

from hub.store import counters, idempotency, peers, people, revisions, sources
from hub.store.idempotency import Answer
from hub.store.revisions import Narrow
from hub.store.sources import SourceState
from hub.store.tables import metadata
from schemas.bulletin import Area, Translation
from schemas.vocabulary import Lane, Mode, Severity, Tlp, Topic
from tests.desk.house import DAY, NOW, folder, open_desk


@pytest.fixture(scope="module")
def desk():
    with folder() as within:
        desk = open_desk(within)
        yield desk
        desk.database.close()


def write(desk, verb, *args, **kwargs):
    return desk.database.write_sync(verb, *args, **kwargs)


def test_every_table_says_of_which_kind_it_is():
    kinds = {table.name: table.info["kind"] for table in metadata.sorted_tables}
    assert set(kinds.values()) == {"said", "machinery"}
    assert {name for name, kind in kinds.items() if kind == "machinery"} == {
        "quarantine",
        "lanes",
        "usage",
        "counters",
        "streams",
        "sources",
        "idempotency",
        "sessions",
    }


def test_a_counter(desk):
    assert [write(desk, counters.take, "a") for _ in range(3)] == [1, 2, 3]
    assert write(desk, counters.take, "a", 10) == 13
    assert write(desk, counters.lift, "a", 7) == 13
    assert write(desk, counters.lift, "a", 1000) == 1000
    assert write(desk, counters.take, "b") == 1
    assert desk.read(counters.value, "none") == 0


def test_an_answer_is_kept_for_a_day(desk):
    answer = Answer(b"h" * 32, 201, b"{}")
    write(desk, idempotency.save, NOW, "p-1", "key", answer)
    hours = dt.timedelta(hours=1)
    assert desk.read(idempotency.find, NOW + 23 * hours, "p-1", "key") == answer
    assert desk.read(idempotency.find, NOW + 24 * hours, "p-1", "key") is None
    assert desk.read(idempotency.find, NOW, "p-2", "key") is None
    assert write(desk, idempotency.sweep, NOW + 24 * hours) == 1


def test_a_source_is_remembered(desk):
    assert desk.read(sources.state, "kev") == SourceState()
    state = SourceState(etag='"1"', good_at=NOW, counts={"new": 3})
    write(desk, sources.save, NOW, "kev", state)
    assert desk.read(sources.states) == {"kev": state}


def test_a_held_lane(desk):
    write(desk, peers.hold_lane, NOW, "oh", Lane.FLASH, held=True)
    write(desk, peers.hold_lane, NOW, "oh", Lane.ROUTINE, held=True)
    write(desk, peers.hold_lane, NOW, "oh", Lane.FLASH, held=False)
    assert desk.read(peers.held_lanes, "oh") == {Lane.ROUTINE}
    assert desk.read(peers.held_lanes, "va") == frozenset()


def test_what_a_peer_used(desk):
    for now in (NOW, NOW, NOW + DAY):
        write(desk, peers.use, now, "oh", 2, 100)
    assert desk.read(peers.used, NOW, "oh") == peers.Used(4, 300)
    assert desk.read(peers.used, NOW + DAY, "oh") == peers.Used(2, 300)
    assert desk.read(peers.used, NOW, "va") == peers.Used(0, 0)


def test_people_by_page(desk):
    first = desk.read(people.everybody, limit=2)
    rest = desk.read(people.everybody, limit=10, after=first[-1].handle)
    handles = [person.handle for person in first + rest]
    assert handles == sorted(handles)
    assert len(handles) == desk.read(people.count) == 5


@pytest.fixture(scope="module")
def shelf(desk):
    """Six bulletins that differ."""
    austin, ohio, zone = Area("TX", "48453"), Area("OH", "39000"), Area("TX", None, "TXZ192")
    spanish = Translation("es-MX", "Aviso", "Texto")
    for changes in (
        {"tlp": Tlp.CLEAR, "areas": (austin,)},
        {"tlp": Tlp.CLEAR, "areas": (ohio,), "severity": Severity.MINOR},
        {"tlp": Tlp.CLEAR},
        {"tlp": Tlp.GREEN, "topic": Topic.CYBER},
        {"tlp": Tlp.AMBER, "areas": (zone,)},
        {"tlp": Tlp.CLEAR, "translations": (spanish,), "topic": Topic.WEATHER},
    ):
        desk.publish(**changes)
    return desk


def listed(desk, *reach, **narrow):
    found = desk.read(revisions.newest, mode=Mode.LIVE, reach=reach or ("public",), narrow=Narrow(**narrow))
    return [one.product_id.removeprefix("TX-2026-") for one in found]


def test_lists_are_narrowed(shelf):
    assert listed(shelf) == ["0005", "0003", "0002", "0001"]
    assert listed(shelf, "public", "district") == ["0005", "R0001", "0004", "0003", "0002", "0001"]
    assert listed(shelf, topics=(Topic.WEATHER,)) == ["0005"]
    assert listed(shelf, topics=(Topic.WEATHER, Topic.CYBER)) == ["0005"]
    assert listed(shelf, severity_rank=2) == ["0005", "0003", "0001"]
    assert listed(shelf, areas=("48453",)) == ["0005", "0003", "0001"], "what has no area concerns every place"
    assert listed(shelf, state="oh") == ["0005", "0003", "0002"]
    assert listed(shelf, lang="es-mx") == ["0005"]
    assert listed(shelf, "district", areas=("TXZ192",)) == ["R0001", "0004"]
    assert listed(shelf, "public", "district", topics=(Topic.CYBER,), severity_rank=3, state="TX", lang="en") == [
        "0004"
    ]


def test_pages_follow_each_other(shelf):
    seen, before = [], None
    while page := shelf.read(revisions.newest, mode=Mode.LIVE, reach=("public", "district"), limit=2, before=before):
        seen += [one.product_id for one in page]
        before = page[-1].position
    assert len(seen) == len(set(seen)) == 6
    assert shelf.read(revisions.position_of, seen[-1]) == before


def test_the_other_mode_is_not_listed(shelf):
    assert shelf.read(revisions.newest, mode=Mode.EXERCISE, reach=("public", "district")) == []


def test_one_version_by_each_of_its_names(shelf):
    one = shelf.read(revisions.current, "TX-2026-0001")
    assert shelf.read(revisions.by_seq, one.seq) == one
    assert shelf.read(revisions.by_report, one.report_id) == one
    assert shelf.read(revisions.version, "TX-2026-0001", 1) == one
    assert shelf.read(revisions.version, "TX-2026-0001", 2) is None
    assert shelf.read(revisions.after, one.seq - 1, 1) == [one]


def test_the_listing_uses_its_index(shelf):
    def plan(t, **params):
        listing = revisions._listing(frozenset())
        text = f"EXPLAIN QUERY PLAN {listing.sql}"
        return " ".join(str(tuple(row)) for row in t._connection.execute(text, listing.values(params)))

    found = shelf.read(plan, mode="live", reach="public", before=10, limit=5)
    assert "ix_revisions_listing" in found
    assert "TEMP B-TREE" not in found


def test_what_outsiders_list_never_walks_past_what_is_marked_expired(shelf):
    def plan(t, **params):
        listing = revisions._listing(frozenset({"alive_at", "told_since", "settled"}))
        text = f"EXPLAIN QUERY PLAN {listing.sql}"
        return " ".join(str(tuple(row)) for row in t._connection.execute(text, listing.values(params)))

    times = {"alive_at": "2026-01-01T00:00:00.000Z", "told_since": "2026-01-01T00:00:00.000Z"}
    found = shelf.read(plan, mode="live", reach="public", before=10, limit=5, **times)
    assert "ix_revisions_open" in found
    assert "TEMP B-TREE" not in found
