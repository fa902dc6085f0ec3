"""A full disk, a failing disk, a failing fsync: what is lost, who is told, what goes on."""

from __future__ import annotations

import asyncio
import errno
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa

from hub.errors import ReadOnly, StoreError
from hub.store import connection, writer
from hub.store.database import Database, Tx
from hub.store.statement import statement
from tests.house.tree import ROOT
from tests.store.failing_disk import SYNC, WRITE, fail
from tests.store.ledger import ADD, Pause, add, count, look, notes, opened, said

_NUMBERS = sa.select(sa.literal(1).label("x")).cte("numbers", recursive=True)
_NUMBERS = _NUMBERS.union_all(sa.select(_NUMBERS.c.x + 1))
_FOREVER = statement(sa.insert(notes).from_select(["said"], sa.select(_NUMBERS.c.x)))
HUGE = "x" * 200_000
Verb = Callable[[Tx], object]


@pytest.fixture(autouse=True)
def no_hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """A group waits for the verb that gathers it, however slow the machine is."""
    monkeypatch.setattr(writer, "GROUP_SECONDS", 60.0)


def adding(text: str) -> Verb:
    return lambda tx: add(tx, text)


def no_more_pages(tx: Tx) -> None:
    """The file may not grow: as full as a disk can be, for this connection."""
    pages = tx._connection.execute("PRAGMA page_count").fetchone()[0]
    tx._connection.execute(f"PRAGMA max_page_count={pages}")


def room_again(tx: Tx) -> None:
    tx._connection.execute("PRAGMA max_page_count=1073741823")


async def in_one_group(database: Database, *verbs: Verb) -> list[object]:
    pause = Pause()
    first = await pause.holds(database)
    asked = [asyncio.create_task(database.write(verb)) for verb in verbs]
    await asyncio.sleep(0.01)
    pause.go.set()
    return (await asyncio.gather(first, *asked, return_exceptions=True))[1:]


def codes(answers: list[object]) -> list[str]:
    return [each.code if isinstance(each, StoreError) else "ok" for each in answers]


async def test_a_full_disk_inside_a_verb_takes_its_group_and_not_the_next(tmp_path: Path) -> None:
    with opened(tmp_path) as database:
        await database.write(no_more_pages)
        answers = await in_one_group(database, adding("a"), adding("b"), adding(HUGE), adding("next group"))
        assert codes(answers) == ["disk-full", "disk-full", "disk-full", "ok"]
        assert look(database.path) == ["next group"]
        await database.write(room_again)
        await database.write(add, HUGE)
        assert look(database.path) == ["next group", HUGE]
        assert not database.read_only


async def test_a_verb_that_swallows_a_full_disk_writes_nothing_behind_it(tmp_path: Path) -> None:
    """The transaction is gone: what the verb went on to write would be committed statement by statement."""
    refused: list[StoreError] = []

    def goes_on(tx: Tx) -> None:
        with pytest.raises(sqlite3.OperationalError, match="full"):
            add(tx, HUGE)
        for use in (lambda: add(tx, "loose"), lambda: tx.many(ADD, [{"said": "loose"}])):
            with pytest.raises(StoreError) as caught:
                use()
            refused.append(caught.value)

    with opened(tmp_path) as database:
        await database.write(no_more_pages)
        answers = await in_one_group(database, adding("a"), goes_on, adding("next group"))
        assert codes(answers) == ["disk-full", "disk-full", "ok"]
        assert codes([*refused]) == ["transaction-over"] * 2
        assert look(database.path) == ["next group"]


async def test_a_verb_that_takes_too_long_is_ended_and_the_writer_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "VERB_SECONDS", 0.2)
    with opened(tmp_path) as database:
        answers = await in_one_group(database, lambda tx: tx.run(_FOREVER))
        assert codes(answers) == ["too-slow"]
        assert await database.write(add, "after") == 1


async def test_after_a_failed_fsync_nothing_is_written_and_reading_goes_on(tmp_path: Path) -> None:
    with opened(tmp_path) as database:
        await database.write(add, "before")
        log = database.path.with_name("hub.db-wal")
        answers = await in_one_group(
            database, adding("a"), lambda tx: fail(SYNC, log, errno.EIO), adding("b"), adding("c")
        )
        assert codes(answers) == ["read-only"] * 4
        assert all(isinstance(each, ReadOnly) for each in answers)
        assert database.read_only
        assert "SQLITE_IOERR_FSYNC" in (database.fault or "")
        with pytest.raises(ReadOnly, match="restarted"):
            await database.write(add, "later")
        assert await database.read(said) == ["before"]
        assert database.changed.generation == 1
    with Database.open(database.path) as again:
        assert not again.read_only
        assert await again.write(add, "after a restart") > 1
        assert "later" not in await again.read(said)


async def test_verbs_that_already_wait_fail_with_the_group_whose_fsync_failed(tmp_path: Path) -> None:
    with opened(tmp_path) as database:
        await database.write(add, "before")
        log = database.path.with_name("hub.db-wal")
        many = [adding(f"{n}") for n in range(200)]
        answers = await in_one_group(database, lambda tx: fail(SYNC, log, errno.EIO), *many)
        assert codes(answers) == ["read-only"] * 201
        assert look(database.path) == ["before"]


async def test_a_failed_fsync_of_a_checkpoint_is_no_secret(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """SQLite's automatic checkpoint would drop this error: the log is safe, the file behind it is not."""
    monkeypatch.setattr(writer, "CHECKPOINT_COMMITS", 3)
    with opened(tmp_path) as database:
        await database.write(lambda tx: fail(SYNC, database.path, errno.EIO))
        for text in "abc":
            await database.write(add, text)  # the third is answered, then the log is copied
        with pytest.raises(ReadOnly):
            await database.write(add, "d")
        assert await database.read(said) == ["a", "b", "c"]
    with Database.open(database.path) as again:
        assert await again.read(said) == ["a", "b", "c"]


async def test_a_disk_that_is_full_at_the_commit_fails_the_group_only(tmp_path: Path) -> None:
    with opened(tmp_path) as database:
        await database.write(add, "before")
        log = database.path.with_name("hub.db-wal")
        answers = await in_one_group(database, adding("a"), lambda tx: fail(WRITE, log, errno.ENOSPC), adding("b"))
        assert codes(answers) == ["disk-full"] * 3
        assert not database.read_only
        assert await database.read(said) == ["before"]
    with Database.open(database.path) as again:
        assert await again.write(add, "after") == 2


async def test_an_io_error_at_the_commit_ends_writing(tmp_path: Path) -> None:
    with opened(tmp_path) as database:
        await database.write(add, "before")
        log = database.path.with_name("hub.db-wal")
        answers = await in_one_group(database, adding("a"), lambda tx: fail(WRITE, log, errno.EIO), adding("b"))
        assert codes(answers) == ["read-only"] * 3
        assert await database.read(count) == 1


async def test_a_damaged_file_is_not_written_any_further(tmp_path: Path) -> None:
    with opened(tmp_path) as database:
        await database.write(lambda tx: tx.many(ADD, [{"said": f"{n:0100}"} for n in range(2000)]))
        path = database.path
    whole = path.read_bytes()
    path.write_bytes(whole[:-200_000] + b"\xff" * 100_000 + whole[-100_000:])
    with Database.open(path) as database:
        with pytest.raises(StoreError) as refused:
            await database.read(said)
        assert refused.value.code == "corrupt"
        assert not database.read_only
        with pytest.raises(ReadOnly, match="damaged"):
            await database.write(said)
        assert database.read_only


async def test_another_process_that_writes_is_waited_for_and_then_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "BUSY_MS", 100)
    with opened(tmp_path) as database:
        other = sqlite3.connect(database.path, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        assert codes(await asyncio.gather(database.write(add, "a"), return_exceptions=True)) == ["busy"]
        other.execute("COMMIT")
        other.close()
        assert await database.write(add, "b") == 1


_LIMITED = """
import resource, sys
from pathlib import Path
from hub.errors import ReadOnly, StoreError
from hub.store.database import Database
from tests.store.ledger import add, count

with Database.open(Path(sys.argv[1])) as database:
    database.write_sync(add, "before")
    resource.setrlimit(resource.RLIMIT_FSIZE, (150_000, resource.RLIM_INFINITY))
    try:
        database.write_sync(add, "x" * 10_000_000)  # more than the cache holds: it is written inside the verb
    except ReadOnly as exc:
        raise SystemExit(f"too much: {exc}")
    except StoreError as exc:
        assert exc.code == "io-error", exc
    else:
        raise SystemExit("written")
    database.write_sync(add, "next group")
    try:
        database.write_sync(add, "x" * 500_000)  # what the cache holds is written by COMMIT
    except ReadOnly:
        print(database.read_sync(count))
"""


def test_a_file_that_may_not_grow_fails_inside_a_verb_and_at_the_commit(tmp_path: Path) -> None:
    """RLIMIT_FSIZE answers EFBIG, which SQLite takes for an I/O error."""
    with opened(tmp_path) as database:
        path = database.path
    ran = subprocess.run(
        [sys.executable, "-c", _LIMITED, str(path)], check=False, cwd=ROOT, capture_output=True, text=True, timeout=60
    )
    assert (ran.stdout, ran.stderr) == ("2\n", "")
    assert look(path) == ["before", "next group"]
