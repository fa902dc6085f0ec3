"""Product numbers have no gaps, whatever fails, and open numbers do not tell of hidden products."""

from __future__ import annotations

import asyncio
import itertools

from hub.desk import compose, publish, vet
from hub.errors import HubError
from hub.store import counters, journal
from schemas.product import Series
from schemas.vocabulary import Mode, Tlp
from tests.desk.house import DAY, NOW, content


class Tripped(HubError):
    """Raised after everything was done."""


def test_two_hundred_at_once_of_which_many_fail(tx):
    tx.befriend("ok")
    drafts = [tx.approved(tx.compose(tlp=Tlp.AMBER if n % 5 == 0 else Tlp.GREEN)) for n in range(60)]

    def fails_late(t, office, draft):
        publish.publish(t, office, tx.supervisor, NOW, draft.id, draft.version)
        raise Tripped("after the last statement")

    def verbs(n):
        draft = drafts[n % 60]
        kind = n // 60
        if kind == 0:
            return publish.publish, tx.supervisor, NOW, draft.id, draft.version
        if kind == 1:
            return publish.publish, tx.analyst, NOW, draft.id, draft.version
        if kind == 2:
            return publish.publish, tx.supervisor, NOW, draft.id, draft.version - 1
        return fails_late, draft

    async def one(verb, *args):
        try:
            return await tx.database.write(verb, tx.office, *args)
        except HubError as error:
            return error

    async def everybody():
        order = sorted(range(240), key=lambda n: (n * 7919) % 240)
        return await asyncio.gather(*(one(*verbs(n)) for n in order))

    outcomes = asyncio.run(everybody())
    numbers = sorted(one.product_id for one in outcomes if not isinstance(one, HubError))
    assert numbers == sorted([f"TX-2026-{n:04d}" for n in range(1, 49)] + [f"TX-2026-R{n:04d}" for n in range(1, 13)])
    assert sum(isinstance(one, Tripped) for one in outcomes) + len(numbers) >= 60
    published = [e for e in tx.read(journal.entries, limit=5_000) if e.verb == "publish"]
    assert sorted(e.object for e in published) == numbers
    assert tx.read(journal.verify) == []


def test_the_series_are_apart(tx):
    ids = [tx.publish(tlp=tlp).product_id for tlp in (Tlp.GREEN, Tlp.AMBER, Tlp.CLEAR, Tlp.AMBER_STRICT)]
    assert ids == ["TX-2026-0001", "TX-2026-R0001", "TX-2026-0002", "TX-2026-R0002"]


def test_a_new_year_begins_at_one(tx):
    tx.publish()
    later = NOW + 60 * DAY
    draft = tx.write(compose.compose, tx.analyst, later, content(expires=later + DAY))
    draft = tx.write(vet.submit, tx.analyst, later, draft.id, 1)
    draft = tx.write(vet.approve, tx.supervisor, later, draft.id, 2)
    assert tx.write(publish.publish, tx.supervisor, later, draft.id, 3).product_id == "TX-2027-0001"


def test_an_update_that_is_marked_otherwise_keeps_its_number(tx):
    tx.befriend("ok")
    tx.publish()
    release = tx.update("TX-2026-0001", tlp=Tlp.AMBER)
    assert (release.product_id, release.version) == ("TX-2026-0001", 2)
    assert tx.publish(tlp=Tlp.AMBER).product_id == "TX-2026-R0001"
    counted = tx.read(counters.value, publish.counter_of(Mode.LIVE, "tx", 2026, Series.RESTRICTED))
    assert counted == 1


def test_no_two_releases_share_a_number(desks):
    offices = [desks("tx"), desks("oh")]
    ids = [desk.publish().product_id for desk, _ in itertools.product(offices, range(3))]
    assert len(set(ids)) == 6
