"""Readers: one snapshot a query, no writing, an end to everything."""

from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.dialects.sqlite import insert

from hub.errors import StoreError
from hub.store import readers
from hub.store.database import Database, Tx
from hub.store.statement import statement
from tests.store.ledger import ADD, Pause, add, count, make, notes, opened, said

_FOREVER = statement(
    sa.select(sa.func.count()).select_from(
        (c := sa.select(sa.literal(1).label("x")).cte("c", recursive=True)).union_all(sa.select(c.c.x + 1))
    )
)


async def test_a_query_reads_one_moment_although_verbs_commit_meanwhile(tmp_path: Path) -> None:
    def twice(tx: Tx, loop: asyncio.AbstractEventLoop) -> tuple[int, int]:
        before = count(tx)
        asyncio.run_coroutine_threadsafe(database.write(add, "meanwhile"), loop).result(10)
        return before, count(tx)

    with opened(tmp_path) as database:
        assert await database.read(twice, asyncio.get_running_loop()) == (0, 0)
        assert await database.read(count) == 1


async def test_a_query_sees_every_answered_verb(tmp_path: Path) -> None:
    with opened(tmp_path) as database:

        async def write_then_read(n: int) -> bool:
            await database.write(add, f"{n}")
            return f"{n}" in await database.read(said)

        assert all(await asyncio.gather(*(write_then_read(n) for n in range(100))))


async def test_a_query_cannot_write(tmp_path: Path) -> None:
    with opened(tmp_path) as database:
        with pytest.raises(StoreError) as refused:
            await database.read(add, "no")
        assert refused.value.code == "file-read-only"
        assert await database.read(count) == 0


async def test_a_query_that_takes_too_long_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(readers, "QUERY_SECONDS", 0.2)
    with opened(tmp_path) as database:
        with pytest.raises(StoreError) as refused:
            await database.read(lambda tx: tx.all(_FOREVER))
        assert refused.value.code == "too-slow"
        assert await database.read(count) == 0


async def test_rows_one_by_one(tmp_path: Path) -> None:
    with opened(tmp_path) as database:
        rows = [{"said": f"{n}"} for n in range(50)]
        assert await database.write(lambda tx: tx.many(ADD, rows)) == 50
        some = statement(sa.select(notes).order_by(notes.c.n.desc()).limit(sa.bindparam("most")))
        found = await database.read(lambda tx: [row["n"] for row in tx.each(some, most=3)])
        assert found == [50, 49, 48]


async def test_an_insert_that_did_nothing_has_no_rowid(tmp_path: Path) -> None:
    once = statement(insert(notes).on_conflict_do_nothing(), "said")
    with opened(tmp_path) as database:
        assert await database.write(lambda tx: [tx.insert(once, said="a") for _ in range(2)]) == [1, 0]


async def test_a_query_that_was_given_up_breaks_nothing(tmp_path: Path) -> None:
    with opened(tmp_path) as database:
        tasks = [asyncio.create_task(database.read(count)) for _ in range(40)]
        await asyncio.sleep(0)
        for task in tasks[::2]:
            task.cancel()
        found = await asyncio.gather(*tasks, return_exceptions=True)
        assert found[1::2] == [0] * 20


async def test_more_than_may_wait_is_refused_in_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(readers, "WAITING", 5)
    with Database.open(make(tmp_path), readers=1) as database:
        pause = Pause()
        first = asyncio.create_task(database.read(pause))
        await asyncio.to_thread(pause.running.wait, 10)
        tasks = [asyncio.create_task(database.read(count)) for _ in range(8)]
        await asyncio.sleep(0.01)
        pause.go.set()
        found = await asyncio.gather(first, *tasks, return_exceptions=True)
        assert [each.code for each in found if isinstance(each, StoreError)] == ["busy"] * 3


def test_there_is_no_database_of_that_name(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="hub db upgrade") as refused:
        Database.open(tmp_path / "hub.db")
    assert refused.value.code == "no-database"
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "hub.db").touch()
    with pytest.raises(StoreError, match="schema none") as refused:
        Database.open(tmp_path / "hub.db")
    assert refused.value.code == "schema-older"


def test_an_older_or_newer_or_foreign_file_is_refused(tmp_path: Path) -> None:
    path = make(tmp_path)
    for version, code in (("0000", "schema-older"), ("9999", "schema-newer")):
        with sqlite3.connect(path) as connection:
            connection.execute("UPDATE alembic_version SET version_num = ?", (version,))
        connection.close()
        with pytest.raises(StoreError) as refused:
            Database.open(path)
        assert refused.value.code == code
    (tmp_path / "text").write_text("this is no database, whatever its name may say\n" * 20)
    with pytest.raises(StoreError) as refused:
        Database.open(tmp_path / "text")
    assert refused.value.code == "corrupt"
