"""The database of a node that ran the founding skeleton (commit 178eabe), as text: it is brought to this program's form and serves.

An exercise node of Texas with four people, two peers, two releases (one withdrawn), a draft, a bulletin of Ohio and what one
look at a small catalogue brought. The keys were the test's own and are gone; no token of it is known to anybody.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import sqlite3
from pathlib import Path

import pytest

from hub.rules.lifecycle import Stage
from hub.rules.release import Widest
from hub.store import bulletins, derived, journal, outbox, peers, people, queue, revisions, tombstones
from hub.store.database import Database
from hub.store.schema import head, revision
from hub.store.upgrade import upgrade
from schemas.vocabulary import Mode
from tests.web.house import Clock, House, office

TEXT = Path(__file__).with_name("skeleton.sql")
AFTERWARDS = dt.datetime(2026, 11, 24, 2, 0, tzinfo=dt.UTC)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    made = tmp_path / "hub.db"
    with contextlib.closing(sqlite3.connect(made)) as opened:
        opened.executescript(TEXT.read_text(encoding="utf-8"))
    assert revision(made) == "0002"
    assert upgrade(made) == head()
    return made


def test_the_record_is_whole_and_everybody_is_there(path: Path) -> None:
    with Database.open(path) as database:
        read = database.read_sync
        assert read(journal.verify) == []
        assert read(derived.verify) == []
        assert [one.handle for one in read(people.everybody)] == [
            "analyst.tx",
            "director.tx",
            "operator.tx",
            "supervisor.tx",
        ]
        assert [peer.place for peer in read(peers.everybody)] == ["oh", "va"]
        stored = {one.product_id: one for one in read(revisions.after, 0, 10)}
        assert {name: one.stage for name, one in stored.items()} == {
            "TX-EX-2026-0001": Stage.RELEASED,
            "TX-EX-2026-0002": Stage.WITHDRAWN,
            "OH-EX-2026-0001": Stage.RELEASED,
        }
        assert stored["TX-EX-2026-0001"].bulletin.headline == "EXERCISE: The first bulletin of the skeleton"
        assert [grave.product_id for grave in read(tombstones.after, 0, 10)] == ["TX-EX-2026-0002"]
        assert len(read(queue.rows)) > 0
        assert read(outbox.stream_state, "EXERCISE").epoch == 1
        shown = read(revisions.newest, mode=Mode.EXERCISE, reach=[Widest.PUBLIC])
        assert len(shown) == 3
        drafts = read(bulletins.drafts, stage=Stage.DRAFT)
        assert [one.bulletin.headline for one in drafts] == ["EXERCISE: A draft of the skeleton"]


async def test_it_serves_its_readers(path: Path) -> None:
    house = await House(Database.open(path), office(mode=Mode.EXERCISE), Clock(AFTERWARDS)).open()
    try:
        for form in ("rss", "atom", "json"):
            answer = await house.ask("GET", f"/feeds/bulletins.{form}")
            assert answer.status == 200
            for words in ("The first bulletin of the skeleton", "A bulletin of Ohio", "WITHDRAWN: The second"):
                assert words in answer.text
        assert (await house.ask("GET", "/bulletins/TX-EX-2026-0001")).status == 200
        assert "withdrawn" in (await house.ask("GET", "/bulletins/TX-EX-2026-0002")).text.lower()
    finally:
        await house.close()
