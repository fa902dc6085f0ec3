"""The chain is whole, and a byte that changed anywhere in the record is found."""

from __future__ import annotations

import contextlib
import datetime as dt
import hashlib
import sqlite3
import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.desk import clock, withdraw
from hub.desk.receive import receive
from hub.store import journal
from hub.store.chain import entry_bytes, head_bytes
from hub.store.database import Database
from hub.store.journal import Said
from schemas.times import format_time
from schemas.vocabulary import Reason, Tlp
from tests.desk.house import NOW, folder, open_desk

SAID = Said("p-1", "publish", "TX-2026-0001", 1, bytes(range(32)))


def test_the_bytes_of_an_entry():
    at = "2026-11-23T15:00:00.000Z"
    raw = entry_bytes(1, 2, at, SAID, b"\xff" * 32)
    texts = b"".join(struct.pack(">I", len(text)) + text.encode() for text in (at, "p-1", "publish", "TX-2026-0001"))
    assert raw == struct.pack(">QQ", 1, 2) + texts + struct.pack(">Q", 1) + bytes(range(32)) + b"\xff" * 32


def test_the_bytes_of_a_head():
    assert head_bytes(1, 2, b"\xff" * 32) == b"hub-journal-v1\0" + struct.pack(">QQ", 1, 2) + b"\xff" * 32


@given(
    first=st.lists(st.text(max_size=8), min_size=3, max_size=3),
    other=st.lists(st.text(max_size=8), min_size=3, max_size=3),
)
def test_two_entries_never_share_their_bytes(first, other):
    one, two = (entry_bytes(1, 1, "t", Said(*words, 1, bytes(32)), bytes(32)) for words in (first, other))
    assert (one == two) == (first == other)


@pytest.fixture(scope="module")
def record():
    """A node's file with a bit of everything."""
    with folder() as within:
        yield write_record(within)


def write_record(within):
    tx, ok = open_desk(within, "tx"), open_desk(within, "ok")
    for desk, peer in ((tx, "ok"), (ok, "tx")):
        desk.befriend(peer)
    tx.publish()
    tx.publish(tlp=Tlp.AMBER)
    tx.update("TX-2026-0001", headline="Two", tlp=Tlp.AMBER)
    ok.publish()
    ok.write(withdraw.withdraw, ok.supervisor, NOW, "OK-2026-0001", Reason.ERROR)
    tx.write(receive, NOW, "ok", ok.arrivals("tx"))
    ok.publish()
    tx.write(receive, NOW, "ok", ok.arrivals("tx"))
    tx.write(withdraw.withdraw, tx.supervisor, NOW, "TX-2026-R0001", Reason.HOAX)
    tx.compose()
    tx.write(clock.seal, NOW)
    tx.compose()
    tx.write(clock.seal, NOW + dt.timedelta(hours=1))
    assert tx.read(journal.verify, [tx.office.key_id]) == []
    tx.database.close()
    ok.database.close()
    return tx.database.path


def problems_after(record, sql, *params):
    path = record.with_name("changed.db")
    path.write_bytes(record.read_bytes())
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as connection:
        assert connection.execute(sql, params).rowcount > 0
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    with Database.open(path) as database:
        return database.read_sync(journal.verify)


ENTRY = ("epoch", "sequence", "version", "at", "actor", "verb", "object", "commitment", "prev", "hash")


@pytest.mark.parametrize("column", ENTRY)
def test_a_changed_entry_is_named(record, column):
    old = {"commitment": "randomblob(32)", "prev": "randomblob(32)", "hash": "randomblob(32)"}
    new = old.get(column, f"{column} + 1000" if column in ENTRY[:3] else f"{column} || 'x'")
    found = problems_after(record, f"UPDATE journal SET {column} = {new} WHERE n = 5")  # noqa: S608 - ours
    assert any(one.code == "entry" and ".5" in one.where for one in found) or column in ("epoch", "sequence")
    assert found


@pytest.mark.parametrize(
    ("table", "where", "codes"),
    [
        ("journal", "n = 7", {"chain", "sequence"}),
        ("journal", "n = (SELECT max(n) FROM journal)", {"head"}),
        ("revisions", "seq = 1", {"lost"}),
        ("tombstones", "id = 1", {"lost"}),
    ],
)
def test_a_row_that_is_gone_is_missed(record, table, where, codes):
    found = problems_after(record, f"DELETE FROM {table} WHERE {where}")  # noqa: S608 - ours
    assert codes <= {one.code for one in found}


CHANGES = {
    "payload": ("revisions", "payload = CAST(payload || ' ' AS BLOB)", "payload"),
    "hash": ("revisions", "hash = randomblob(32)", "no-entry"),
    "an own signature": ("outbox", "signature = 'A' || substr(signature, 2)", "signature"),
    "tlp": ("revisions", "tlp = 'clear'", "column"),
    "topic": ("revisions", "topic = 'cyber'", "column"),
    "lane": ("revisions", "lane = 'flash'", "column"),
    "expires": ("revisions", "expires = '2099-01-01T00:00:00.000Z'", "column"),
    "caveats": ("revisions", "caveats = '[\"les\"]'", "column"),
    "record class": ("revisions", "record_class = 'tip'", "column"),
    "stage": ("revisions", "stage = 'released'", "stage"),
    "a tombstone": ("tombstones", "payload = CAST(payload || ' ' AS BLOB)", "payload"),
    "a tombstone's signature": ("tombstones", "signature = 'A' || substr(signature, 2)", "signature"),
    "a head": ("heads", "hash = randomblob(32)", "head"),
    "a head's signature": ("heads", "signature = 'A' || substr(signature, 2)", "head-signature"),
    "a reason": ("details", "body = CAST(body || ' ' AS BLOB)", "detail"),
    "a draft": ("drafts", "bundle = CAST(replace(CAST(bundle AS TEXT), 'Calls', 'Shots') AS BLOB)", "content"),
}


@pytest.mark.parametrize("what", CHANGES)
def test_a_change_outside_the_chain_is_found(record, what):
    table, change, code = CHANGES[what]
    found = problems_after(record, f"UPDATE {table} SET {change}")  # noqa: S608 - ours
    assert code in {one.code for one in found}
    assert all(str(one).startswith(one.where) for one in found)


@settings(max_examples=60, deadline=None)
@given(
    n=st.integers(1, 20),
    column=st.sampled_from(("commitment", "prev", "hash")),
    at=st.integers(0, 31),
    bit=st.integers(0, 7),
)
def test_every_flipped_bit_of_the_chain_is_located(record, n, column, at, bit):
    with contextlib.closing(sqlite3.connect(record)) as connection:
        (whole,) = connection.execute(f"SELECT {column} FROM journal WHERE n = ?", (n,)).fetchone()  # noqa: S608 - ours
    flipped = bytearray(whole)
    flipped[at] ^= 1 << bit
    found = problems_after(record, f"UPDATE journal SET {column} = ? WHERE n = ?", bytes(flipped), n)  # noqa: S608 - ours
    assert f"entry 1.{n}" in {one.where for one in found}


def test_another_key_signs_no_head_of_ours(record):
    with Database.open(record) as database:
        found = database.read_sync(journal.verify, ["A" * 56])
    assert {one.code for one in found} == {"head-signature"}


@pytest.fixture
def desk():
    with folder() as within:
        desk = open_desk(within, "va")
        yield desk
        desk.database.close()


def test_a_new_record_is_whole(desk):
    assert desk.read(journal.verify) == []


def test_erasing_what_lies_beside_leaves_the_chain_whole(record):
    for sql in ("DELETE FROM details", "UPDATE revisions SET payload = NULL"):
        assert problems_after(record, sql) == []


def test_an_entry_holds_no_word_of_what_was_said(record):
    with contextlib.closing(sqlite3.connect(record)) as connection:
        everything = b"".join(str(row).encode() for row in connection.execute("SELECT * FROM journal"))
    for word in (b"Calls", b"recorded", b"police"):
        assert word not in everything


def test_entries_follow_each_other(desk):
    entries = desk.database.write_sync(journal.append_all, NOW, [SAID, SAID])
    assert [one.prev for one in entries[1:]] == [entries[0].hash]
    assert entries[0].at == format_time(NOW)
    assert (
        entries[1].hash
        == hashlib.sha256(entry_bytes(1, entries[1].sequence, entries[1].at, SAID, entries[0].hash)).digest()
    )
    assert desk.read(journal.entries, limit=1)[0] == entries[1]
    assert desk.read(journal.entries, limit=1, before=entries[1].n)[0] == entries[0]
