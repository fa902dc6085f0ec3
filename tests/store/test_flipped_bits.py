"""A bit of a stopped node's database is flipped on disk: it is found, or no reader and no peer sees any difference."""

from __future__ import annotations

import contextlib
import random
import sqlite3
from pathlib import Path

import pytest

from hub.desk import receive, withdraw
from hub.errors import StoreError
from hub.rules.release import Widest
from hub.store import derived, journal, outbox, repair, revisions, tombstones
from hub.store.database import Database, Tx
from hub.store.journal import Problem
from schemas.vocabulary import Mode, Reason, Tlp
from tests.desk.house import NOW, folder, office_of, open_desk


@pytest.fixture(scope="module")
def whole() -> bytes:
    """The file of a node with releases, an update, a withdrawal, something received and a draft."""
    with folder() as made:
        desk, oh = open_desk(made), open_desk(made, "oh")
        desk.befriend("oh", "va")
        oh.befriend("tx")
        done = [desk.publish(headline=f"Calls number {number}") for number in range(6)]
        desk.update(done[0].product_id, headline="Calls, said again")
        desk.write(withdraw.withdraw, desk.supervisor, NOW, done[1].product_id, Reason.HOAX)
        desk.compose(headline="A draft")
        oh.publish(headline="From Ohio", tlp=Tlp.AMBER)
        desk.database.write_sync(receive.receive, desk.office, NOW, "oh", oh.arrivals("tx"))
        for each in (desk, oh):
            each.database.close()
        return desk.database.path.read_bytes()


TABLES = ("revisions", "terms", "outbox", "tombstones")


def cells(path: Path, held: bytes, table: str) -> list[int]:
    """Where in the file the rows of a table lie (sqlite.org/fileformat2.html, sections 1.6): heads and cells of its leaf pages."""
    with contextlib.closing(sqlite3.connect(path)) as opened:
        (root,) = opened.execute("SELECT rootpage FROM sqlite_master WHERE name = ?", (table,)).fetchone()
    size = int.from_bytes(held[16:18], "big")
    return [at for number in leaves(held, size, root) for at in used(held, size, number)]


def leaves(held: bytes, size: int, number: int) -> list[int]:
    start = (number - 1) * size
    kind, cells = held[start], int.from_bytes(held[start + 3 : start + 5], "big")
    if kind in (10, 13):
        return [number]
    pointers = [int.from_bytes(held[at : at + 2], "big") for at in range(start + 12, start + 12 + 2 * cells, 2)]
    children = [int.from_bytes(held[start + at : start + at + 4], "big") for at in (8, *pointers)]
    return [leaf for child in children for leaf in leaves(held, size, child)]


def used(held: bytes, size: int, number: int) -> list[int]:
    start = (number - 1) * size
    count, content = (int.from_bytes(held[start + at : start + at + 2], "big") for at in (3, 5))
    return [*range(start, start + 8 + 2 * count), *range(start + content, start + size)]


def everything_shown(tx: Tx) -> list[object]:
    """What lists, pages and peers are made of."""
    shown: list[object] = []
    for reach in Widest:
        shown.append(revisions.newest(tx, mode=Mode.LIVE, reach=[reach]))
        narrow = revisions.Narrow(outside_at=NOW)
        shown.append([one.seq for one in revisions.newest(tx, mode=Mode.LIVE, reach=[reach], narrow=narrow)])
        narrow = revisions.Narrow(state="TX", lang="en", severity_rank=1)
        shown.append([one.seq for one in revisions.newest(tx, mode=Mode.LIVE, reach=[reach], narrow=narrow)])
    shown += [outbox.pending(tx, 1000), tombstones.after(tx, 0, 100)]
    return shown


def found(path: Path) -> list[Problem]:
    """All that `hub verify` asks of the file and of the record in it."""
    if told := repair.file_problems(path):
        return told
    try:
        with Database.open(path) as database:
            key = office_of("tx").key_id
            return database.read_sync(journal.verify, {key}) + database.read_sync(derived.verify)
    except StoreError as error:
        return [Problem("database", "file", error.message)]


def seen(path: Path) -> list[object]:
    with Database.open(path) as database:
        return database.read_sync(everything_shown)


def write(folder: Path, held: bytes) -> Path:
    for rest in folder.iterdir():
        rest.unlink()
    path = folder / "hub.db"
    path.write_bytes(held)
    return path


def flip_and_look(whole: bytes, folder: Path, places: list[int], chance: random.Random, flips: int) -> int:
    """How many were found; every other must be one that nobody sees."""
    before, told = seen(write(folder, whole)), 0
    assert found(folder / "hub.db") == []
    for _ in range(flips):
        at, bit = chance.choice(places), 1 << chance.randrange(8)
        held = bytearray(whole)
        held[at] ^= bit
        path = write(folder, held)
        if found(path):
            told += 1
        else:
            assert seen(path) == before, f"bit {bit} at {at}"
    return told


def rows_of(path: Path, whole: bytes) -> list[int]:
    return [at for table in TABLES for at in cells(path, whole, table)]


def test_every_flipped_bit_of_a_row_is_found_or_harmless(whole: bytes, tmp_path: Path) -> None:
    places = rows_of(write(tmp_path, whole), whole)
    told = flip_and_look(whole, tmp_path, places, random.Random(20260106), 120)
    assert told > 100  # rows hold little that says nothing


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_many_flipped_bits_are_found_or_harmless(whole: bytes, tmp_path: Path) -> None:
    places = rows_of(write(tmp_path, whole), whole)
    chance = random.Random(20260107)
    told = flip_and_look(whole, tmp_path, places, chance, 900)
    told += flip_and_look(whole, tmp_path, list(range(len(whole))), chance, 400)
    print(f"1300 flipped bits, {told} found, the others harmless")  # noqa: T201 - the figure to report


def test_an_index_that_lost_an_entry_is_made_again(whole: bytes, tmp_path: Path) -> None:
    path = write(tmp_path, whole)
    damage_index(path, "ix_outbox_product", b"TX-2026-0003")
    blamed = repair.file_problems(path)
    assert {problem.code for problem in blamed} == {"index"}
    assert repair.make_index_again(path, blamed)
    assert found(path) == []


def test_an_index_is_not_made_from_rows_that_nothing_proves(whole: bytes, tmp_path: Path) -> None:
    """The handle stands in the row and in its index: which of the two is right nobody can tell from here."""
    path = write(tmp_path, whole)
    damage_index(path, "sqlite_autoindex_people_2", b"supervisor")
    blamed = repair.file_problems(path)
    assert {problem.code for problem in blamed} == {"index"}
    assert not repair.make_index_again(path, blamed)
    assert found(path) == blamed


def test_a_row_that_cannot_be_read_does_not_end_the_look(whole: bytes, tmp_path: Path) -> None:
    """Two places are damaged: the second is told, too."""
    path = write(tmp_path, whole)
    with contextlib.closing(sqlite3.connect(path)) as opened, opened:
        opened.execute("UPDATE revisions SET tlp = 'gren' WHERE seq = 3")
        opened.execute("UPDATE tombstones SET signature = replace(signature, 'A', 'B')")
    codes = {problem.code for problem in found(path)}
    assert {"unreadable", "signature"} <= codes


def damage_index(path: Path, index: str, word: bytes) -> None:
    """Flip a bit of the last byte of a word that an entry of the index holds."""
    held = bytearray(path.read_bytes())
    places = cells(path, bytes(held), index)
    at = held.index(word, places[0]) + len(word) - 1
    assert at in places
    held[at] ^= 2
    path.write_bytes(held)
