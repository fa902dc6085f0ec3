"""What a verb or a query sees of the database: one transaction, statements in, rows out."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from typing import Never

from hub.errors import StoreError
from hub.store.statement import Statement


class Tx:
    """One verb's savepoint, or one query's snapshot. It ends with the function that it was handed to.

    Parameters are integers, floats, text, bytes and None, by name; rows are `sqlite3.Row` (by name or by position).
    sqlite3's own errors pass through inside `store`; what leaves the verb is a StoreError.
    """

    __slots__ = ("_connection", "_execute", "_executemany", "_over", "lost")

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._execute = connection.execute
        self._executemany = connection.executemany
        self._over = False
        self.lost: sqlite3.Error | None = None
        """The error by which SQLite ended the whole transaction."""

    def all(self, stmt: Statement, /, **params: object) -> list[sqlite3.Row]:
        """Every row. Bound it with a LIMIT."""
        return self._run(stmt, params).fetchall()

    def one(self, stmt: Statement, /, **params: object) -> sqlite3.Row | None:
        """The first row, or None."""
        row: sqlite3.Row | None = self._run(stmt, params).fetchone()
        return row

    def each(self, stmt: Statement, /, **params: object) -> Iterator[sqlite3.Row]:
        """Rows one by one, for walks over a whole table (the journal's chain); to be used up before the verb ends."""
        for row in self._run(stmt, params):
            if self._over:
                self._refuse()
            yield row

    def run(self, stmt: Statement, /, **params: object) -> int:
        """How many rows an INSERT, UPDATE or DELETE touched."""
        return self._run(stmt, params).rowcount

    def insert(self, stmt: Statement, /, **params: object) -> int:
        """The new row's rowid; 0 when ON CONFLICT DO NOTHING did nothing."""
        cursor = self._run(stmt, params)
        return (cursor.lastrowid or 0) if cursor.rowcount else 0

    def many(self, stmt: Statement, rows: Iterable[Mapping[str, object]], /) -> int:
        """One statement over many rows of parameters; how many rows it touched in all."""
        try:
            return self._executemany(stmt.sql, map(stmt.values, rows)).rowcount
        except sqlite3.Error as exc:
            self._look(exc)
            raise

    def close(self) -> None:
        """The verb is over: a Tx that it kept must not reach into the transactions of others."""
        self._over = True
        self._execute = self._executemany = self._refuse

    def _run(self, stmt: Statement, params: Mapping[str, object]) -> sqlite3.Cursor:
        try:
            return self._execute(stmt.sql, stmt.values(params))
        except sqlite3.Error as exc:
            self._look(exc)
            raise

    def _look(self, exc: sqlite3.Error) -> None:
        """A full disk or an I/O error may have ended the whole transaction.

        A verb that swallowed the error would go on with each statement committed for itself; it is stopped here.
        """
        if not self._connection.in_transaction:
            self.lost = exc
            self.close()

    def _refuse(self, *_: object) -> Never:
        raise StoreError("The transaction is over.", code="transaction-over")
