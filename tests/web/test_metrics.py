"""What an operator's monitoring reads: every figure is there, true at the moment it is asked, and names no secret."""

from __future__ import annotations

import datetime as dt

from prometheus_client.parser import text_string_to_metric_families

from hub.metrics import LINK_STATES, REGISTRY
from hub.store import journal

GOOD = "2030-03-04T14:00:00.000Z"
LINKS = {
    "oh": {"state": "connected", "behind": 3, "last_message": dt.datetime(2030, 3, 4, 14, tzinfo=dt.UTC)},
    "va": {"state": "off", "error": "no address"},
}
SOURCES = (
    {"name": "nws", "enabled": True, "failures": 4, "last_good": GOOD},
    {"name": "ipaws", "enabled": False, "failures": 0, "last_good": None},
)


async def figures(house) -> dict[tuple[str, ...], float]:
    """Every sample of /metrics, by its name and the values of its labels."""
    answer = await house.get("/metrics")
    assert answer.status == 200
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


async def with_parts(house, **changes: object) -> None:
    """The same node with other links or sources."""
    await house.server.close()
    await house.session.close()
    await house.open(**changes)


async def test_the_record_and_the_build_are_counted(house):
    found = await figures(house)
    head = await house.database.read(journal.head)
    assert found["hub_journal_entries",] == head.n > 0
    assert found["hub_database_up",] == 1
    assert found["hub_read_only",] == 0
    assert [key for key in found if key[0] == "hub_build_info" and {"0.1.0", "tx", "live"} <= set(key)]
    assert found["process_resident_memory_bytes",] > 0


async def test_what_waits_to_be_sent_is_counted_with_its_age(house):
    before = await figures(house)
    assert (before["hub_outbox_pending",], before["hub_outbox_oldest_seconds",]) == (0, 0)
    await house.publish()
    house.clock.forward(seconds=90)
    after = await figures(house)
    assert after["hub_outbox_pending",] >= 1
    assert 90 <= after["hub_outbox_oldest_seconds",] < 100


async def test_links_and_sources_are_counted(house):
    await with_parts(house, links=lambda: LINKS, sources=lambda: SOURCES)
    found = await figures(house)
    assert {state: found["hub_peer_state", "oh", state] for state in LINK_STATES} == {
        "connecting": 0, "catching-up": 0, "connected": 1, "off": 0,
    }  # fmt: skip
    assert found["hub_peer_state", "va", "off"] == 1
    assert found["hub_peer_behind", "oh"] == 3
    assert found["hub_peer_last_message_seconds", "oh"] == LINKS["oh"]["last_message"].timestamp()
    assert ("hub_peer_last_message_seconds", "va") not in found
    assert found["hub_source_failures", "nws"] == 4
    assert found["hub_source_last_good_seconds", "nws"] == dt.datetime.fromisoformat(GOOD).timestamp()
    assert ("hub_source_failures", "ipaws") not in found


async def test_a_peer_that_is_gone_is_counted_no_more(house):
    await with_parts(house, links=lambda: LINKS)
    assert ("hub_peer_state", "va", "off") in await figures(house)
    await with_parts(house, links=lambda: {"oh": LINKS["oh"]})
    assert not [key for key in await figures(house) if key[0].startswith("hub_peer_s") and "va" in key]


async def test_a_database_that_cannot_be_read_is_a_figure_too(house):
    house.database.close()
    assert (await figures(house))["hub_database_up",] == 0


def test_every_metric_has_words():
    assert [family.name for family in REGISTRY.collect() if not family.documentation.strip()] == []
