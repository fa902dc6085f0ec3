"""The search index on real files: it follows the journal, is made again when it has to be, and keeps nothing that was erased."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.desk import withdraw
from hub.desk.receive import hold, open_lane, receive
from hub.errors import StoreError
from hub.store import revisions, search_index
from hub.store.connection import connect
from hub.store.search import Search, Wanted
from hub.store.search_words import MOST_CHARACTERS, MOST_TERMS, expression, terms
from schemas import stix
from schemas.bulletin import Area, RoleAction, Tombstone
from schemas.vocabulary import Lane, Mode, Reason, Severity, TombstoneKind, Topic
from tests.desk.house import NOW, Desk, folder, open_desk, signed
from tests.house.tree import ROOT

CANARY = "xylophonequartz"  # a word that stands nowhere else


@pytest.fixture
def place():
    with folder() as made:
        yield made


@pytest.fixture
def desk(place):
    with contextlib.closing((made := open_desk(place)).database):
        yield made


@pytest.fixture
def peer(place):
    with contextlib.closing((made := open_desk(place, "ok")).database):
        yield made


@pytest.fixture
def opened():
    """Opens searches; all are closed again."""
    with contextlib.ExitStack() as stack:

        def make(desk: Desk) -> Search:
            search = Search.open(path_of(desk), desk.database)
            stack.callback(search.close)
            assert search.settle()
            return search

        yield make


def path_of(desk: Desk) -> Path:
    return desk.database.path.with_name(f"{desk.office.place}-search.db")


def found(search: Search, desk: Desk, text: str, limit: int = 50, **narrowed) -> list[str]:
    """Products in the order in which they are found, once the index is up to date."""
    assert search.settle()
    wanted = Wanted(text=text, mode=Mode.LIVE, **narrowed)
    seqs = asyncio.run(search.find(wanted, limit))
    return [desk.read(revisions.by_seq, seq).product_id for seq in seqs]


def in_file(path: Path, word: str) -> bool:
    """Whether a word lies anywhere in the index file or its log."""
    return any(word.encode() in part.read_bytes() for part in path.parent.glob(path.name + "*"))


def take_back(desk: Desk, product_id: str, reason: Reason = Reason.ERROR) -> None:
    desk.write(withdraw.withdraw, desk.supervisor, NOW, product_id, reason, None)


# ------------------------------------------------------------------------------------------ what is found
def test_the_newest_comes_first_and_every_word_has_to_be_there(desk, opened):
    search = opened(desk)
    first = desk.publish(headline="Café: doors jammed shut").product_id
    second = desk.publish(text="The doors are jammed again.").product_id
    third = desk.publish(actions=(RoleAction("principal", "Open the doors by hand."),)).product_id
    assert found(search, desk, "doors") == [third, second, first]
    assert found(search, desk, "jammed doors") == [second, first]
    assert found(search, desk, '"doors jammed"') == [first]
    assert found(search, desk, "CAFE") == [first]
    assert found(search, desk, "jamm*") == [second, first]
    assert found(search, desk, second) == [second]
    assert found(search, desk, "doors", limit=2) == [third, second]
    assert found(search, desk, "windows") == []


def test_it_is_narrowed_by_topic_severity_and_place(desk, opened):
    search = opened(desk)
    texas = desk.publish(areas=(Area("TX", "48453"),), topic=Topic.WEATHER, severity=Severity.MINOR).product_id
    ohio = desk.publish(areas=(Area("OH", "39049"),)).product_id
    everywhere = desk.publish(also=(Topic.WEATHER,)).product_id
    assert found(search, desk, "voice", state="tx") == [everywhere, texas]
    assert found(search, desk, "voice", codes=("39049",)) == [everywhere, ohio]
    assert found(search, desk, "voice", topics=(Topic.WEATHER,)) == [everywhere, texas]
    assert found(search, desk, "voice", severity=Severity.MODERATE) == [everywhere, ohio]
    assert found(search, desk, "voice", lang="es") == []
    assert found(search, desk, "Ohio") == [ohio]


def test_marks_are_no_words(desk, opened):
    search = opened(desk)
    desk.publish()
    assert found(search, desk, "modelivex") == []
    assert found(search, desk, "voice")


def test_an_update_is_found_by_its_own_words_only(desk, opened):
    search = opened(desk)
    product = desk.publish(headline="Pipes froze").product_id
    assert found(search, desk, "froze") == [product]
    desk.update(product, headline="Pipes burst")
    assert found(search, desk, "froze") == []
    assert found(search, desk, "burst") == [product]


# ------------------------------------------------------------------------------------------ what is not
def test_a_withdrawn_one_is_not_found_nor_is_a_draft(desk, opened):
    search = opened(desk)
    product = desk.publish(headline=CANARY).product_id
    desk.compose(headline="Unreleased draft")
    assert found(search, desk, CANARY) == [product]
    assert found(search, desk, "unreleased") == []
    take_back(desk, product)
    assert found(search, desk, CANARY) == []


def handed_over(desk: Desk, peer: Desk) -> None:
    """Everything of `desk` comes to `peer`."""
    peer.write(receive, NOW, "tx", desk.arrivals("ok"))


def test_what_waits_for_its_lane_is_found_when_the_lane_opens(desk, peer, opened):
    """The lane's opening writes no journal entry: the version is indexed before, and the door keeps it in."""
    desk.befriend("ok")
    peer.befriend("tx")
    search = opened(peer)
    peer.write(hold, NOW, "tx")
    product = desk.publish(headline=CANARY).product_id
    handed_over(desk, peer)
    assert found(search, peer, CANARY) == [product]
    (seq,) = asyncio.run(search.find(Wanted(text=CANARY, mode=Mode.LIVE), 5))
    assert peer.read(revisions.by_seq, seq).waiting
    for lane in Lane:
        peer.write(open_lane, NOW, "tx", lane)
    assert not peer.read(revisions.by_seq, seq).waiting
    assert found(search, peer, CANARY) == [product]


def told(desk: Desk, kind: TombstoneKind, serial: int):
    made = desk.read(revisions.current, "TX-2026-0001")
    stone = Tombstone(
        mode=Mode.LIVE, origin="tx", product_id=made.product_id, report_id=made.report_id, version=made.version,
        kind=kind, reason=Reason.PRIVACY, serial=serial, salt="0" * 32, issued=NOW,
    )  # fmt: skip
    return signed("tx", "live.tx.recall.all", stix.encode_tombstone(stone))


@pytest.mark.parametrize("kinds", [["narrowed"], ["purged"], ["withdrawn", "purged"]], ids="-".join)
def test_what_was_erased_is_neither_found_nor_left_in_the_file(desk, peer, opened, kinds):
    desk.befriend("ok")
    peer.befriend("tx")
    search = opened(peer)
    desk.publish(headline=f"Rumour of {CANARY}", text=f"{CANARY} again, and {CANARY}.")
    others = [desk.publish(headline=f"Number {number}").product_id for number in range(40)]
    handed_over(desk, peer)
    assert found(search, peer, CANARY) == ["TX-2026-0001"]
    assert in_file(path_of(peer), CANARY)
    for serial, kind in enumerate(kinds, start=1):
        peer.write(receive, NOW, "tx", [told(desk, TombstoneKind(kind), serial)])
        assert found(search, peer, CANARY) == []
    assert not in_file(path_of(peer), CANARY)
    assert found(search, peer, "number") == others[::-1]


# ------------------------------------------------------------------------------------------ the file
def test_a_missing_index_is_made_again_from_the_journal(desk, opened):
    product = desk.publish(headline="Before there was an index").product_id
    gone = desk.publish(headline="Before, too").product_id
    take_back(desk, gone)
    search = opened(desk)
    assert search.complete
    assert found(search, desk, "before") == [product]
    assert path_of(desk).stat().st_mode & 0o777 == 0o600


def spoiled(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[4096:] = b"\xa5" * (len(data) - 4096)
    path.write_bytes(data)


def older(path: Path) -> None:
    with contextlib.closing(sqlite3.connect(path)) as direct:
        direct.execute("PRAGMA user_version = 999")


def emptied(path: Path) -> None:
    path.write_bytes(b"")


def of_another_journal(path: Path) -> None:
    with contextlib.closing(sqlite3.connect(path)) as direct, direct:
        direct.execute("UPDATE state SET hash = x'00'")


@pytest.mark.parametrize("how", [spoiled, older, emptied, of_another_journal], ids=lambda how: how.__name__)
def test_an_index_that_does_not_fit_is_made_again(desk, opened, how):
    product = desk.publish(headline=CANARY).product_id
    search = opened(desk)
    search.close()
    how(path_of(desk))
    again = opened(desk)
    assert found(again, desk, CANARY) == [product]


def test_one_that_is_damaged_while_it_is_used_is_made_again(desk, opened):
    search = opened(desk)
    products = [desk.publish(headline=f"{CANARY} {number}").product_id for number in range(30)]
    assert found(search, desk, CANARY) == products[::-1]
    with contextlib.closing(connect(path_of(desk), query_only=False)) as direct:
        direct.execute("DELETE FROM words_data WHERE id > 10")
    with pytest.raises(StoreError, match="made again"):
        found(search, desk, CANARY)
    until = time.monotonic() + 20
    while time.monotonic() < until:
        with contextlib.suppress(StoreError):
            if found(search, desk, CANARY) == products[::-1]:
                return
        time.sleep(0.02)
    raise AssertionError("it was not made again")


def test_a_failing_disk_is_tried_again_and_stops_nobody(desk, opened, monkeypatch):
    monkeypatch.setattr("hub.store.search._RETRY", 0.01)
    path_of(desk).mkdir()
    with contextlib.closing(Search.open(path_of(desk), desk.database)) as search:
        product = desk.publish(headline=CANARY).product_id
        with pytest.raises(StoreError, match="index is being made"):
            asyncio.run(search.find(Wanted(text=CANARY, mode=Mode.LIVE), 5))
        assert not search.complete
        path_of(desk).rmdir()
        assert found(search, desk, CANARY) == [product]


def test_it_wakes_by_itself_after_a_commit(desk, opened):
    async def journey() -> list[int]:
        following = asyncio.create_task(search.follow())
        await asyncio.sleep(0)
        await asyncio.to_thread(desk.publish, headline=CANARY)
        async with asyncio.timeout(20):
            while not (seqs := await search.find(Wanted(text=CANARY, mode=Mode.LIVE), 5)):  # noqa: ASYNC110 - it wakes nobody
                await asyncio.sleep(0.01)
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)
        return seqs

    search = opened(desk)
    assert len(asyncio.run(journey())) == 1


_INDEXES = """
import sys, time
from pathlib import Path
from hub.store import search as module
from hub.store.database import Database
module.BATCH = 3
with Database.open(Path(sys.argv[1])) as database:
    search = module.Search.open(Path(sys.argv[2]), database)
    print("begun", flush=True)
    time.sleep(60)
"""


def test_killed_in_the_middle_it_goes_on_where_it_was(desk, opened):
    products = [desk.publish(headline=f"{CANARY} {number}").product_id for number in range(40)]
    for delay in (0.0, 0.01, 0.03):
        command = [sys.executable, "-c", _INDEXES, str(desk.database.path), str(path_of(desk))]
        with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE) as process:
            assert process.stdout.readline() == b"begun\n"
            time.sleep(delay)
            process.send_signal(signal.SIGKILL)
    search = opened(desk)
    assert found(search, desk, CANARY, limit=100) == products[::-1]
    search.close()
    with contextlib.closing(sqlite3.connect(path_of(desk))) as direct:
        assert direct.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert direct.execute("SELECT count(*) FROM versions").fetchone() == (40,)


# ------------------------------------------------------------------------------------------ hostile questions
@pytest.fixture(scope="module")
def table():
    with contextlib.closing(sqlite3.connect(":memory:")) as direct:
        for each in search_index.MAKE:
            direct.execute(each)
        direct.execute(
            "INSERT INTO words (rowid, headline, text, marks) VALUES (1, 'doors', 'not near or and', 'modelivex')"
        )
        yield direct


SYNTAX = [*"\"*(){}:^-+'\0 ", "NEAR", "NOT", "AND", "OR", "doors", "text :"]


@given(st.one_of(st.text(max_size=MOST_CHARACTERS), st.lists(st.sampled_from(SYNTAX)).map("".join)))
def test_no_hostile_text_is_syntax(table, text):
    try:
        said = expression(Wanted(text=text, mode=Mode.LIVE))
    except ValueError:
        return
    table.execute("SELECT rowid FROM words WHERE words MATCH ? ORDER BY rowid DESC LIMIT 5", (said,)).fetchall()


def test_a_question_is_bounded_in_words(table):
    assert len(terms("word " * 40)) == 1
    with pytest.raises(ValueError, match=f"{MOST_TERMS} are allowed"):
        terms(" ".join(f"w{number}" for number in range(MOST_TERMS + 1)))
    with pytest.raises(ValueError, match=f"{MOST_CHARACTERS} are allowed"):
        terms("x" * (MOST_CHARACTERS + 1))
    for nothing in ("", "  ", '"', "(*)", "--"):
        with pytest.raises(ValueError, match="no word"):
            expression(Wanted(text=nothing, mode=Mode.LIVE))


def test_operators_of_fts5_are_words_here(desk, opened):
    search = opened(desk)
    product = desk.publish(text="Doors are NOT to be opened near the gate.").product_id
    assert found(search, desk, "doors NOT opened") == [product]
    assert found(search, desk, "NEAR(doors gate)") == []  # "neardoors" is nowhere
    assert found(search, desk, "headline:doors") == []
