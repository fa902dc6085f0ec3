"""A real database file at the real schema, with one plain table beside it for tests of the machinery itself."""

from __future__ import annotations

import asyncio
import functools
import sqlite3
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa

from hub.store.database import Database, Tx
from hub.store.statement import statement
from hub.store.upgrade import upgrade

notes = sa.Table(
    "notes",
    sa.MetaData(),
    sa.Column("n", sa.Integer, primary_key=True),
    sa.Column("said", sa.Text, nullable=False, unique=True),
)
ADD = statement(sa.insert(notes), "said")
COUNT = statement(sa.select(sa.func.count()).select_from(notes))
SAID = statement(sa.select(notes.c.said).order_by(notes.c.n))


class Stopped(Exception):
    """What a verb of these tests raises."""


class Pause:
    """A verb that holds the writer until it is let go, so that a group of known size gathers behind it."""

    def __init__(self) -> None:
        self.running, self.go = threading.Event(), threading.Event()

    def __call__(self, tx: Tx) -> None:
        self.running.set()
        assert self.go.wait(10)

    async def holds(self, database: Database) -> asyncio.Task[None]:
        task = asyncio.create_task(database.write(self))
        await asyncio.to_thread(self.running.wait, 10)
        return task


def add(tx: Tx, said: str) -> int:
    return tx.insert(ADD, said=said)


def add_then_stop(tx: Tx, said: str) -> None:
    tx.insert(ADD, said=said)
    raise Stopped(said)


def count(tx: Tx) -> int:
    row = tx.one(COUNT)
    assert row is not None
    return int(row[0])


def said(tx: Tx) -> list[str]:
    return [row["said"] for row in tx.all(SAID)]


@functools.cache
def _template() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "hub.db"
        upgrade(path)
        with sqlite3.connect(path) as connection:
            connection.execute("CREATE TABLE notes (n INTEGER PRIMARY KEY, said TEXT NOT NULL UNIQUE)")
        connection.close()
        return path.read_bytes()


def make(folder: Path) -> Path:
    """A new database file, closed."""
    path = folder / "hub.db"
    path.write_bytes(_template())
    return path


@contextmanager
def opened(folder: Path) -> Iterator[Database]:
    with Database.open(make(folder)) as database:
        yield database


def look(path: Path) -> list[str]:
    """What a second connection sees, which knows nothing of the hub."""
    connection = sqlite3.connect(path)
    try:
        return [row[0] for row in connection.execute("SELECT said FROM notes ORDER BY n")]
    finally:
        connection.close()
