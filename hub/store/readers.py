"""Reader threads: each with a connection of its own, each query in one snapshot, none of them able to write."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Sequence
from queue import SimpleQueue

from hub.errors import StoreError
from hub.store.connection import Clock, store_error
from hub.store.signal import Answers, closed
from hub.store.tx import Tx
from hub.store.writer import Job

WAITING = 10_000
QUERY_SECONDS = 10.0


class Readers:
    """A few threads on one queue. A query sees every commit that was answered before it was asked."""

    def __init__(self, connections: Sequence[sqlite3.Connection]) -> None:
        self._jobs: SimpleQueue[Job | None] = SimpleQueue()
        self._gate = threading.Lock()
        self._closed = False
        self._threads = [
            threading.Thread(target=self._serve, args=(connection,), name=f"store-reader-{number}", daemon=True)
            for number, connection in enumerate(connections, start=1)
        ]
        for thread in self._threads:
            thread.start()

    def put(self, job: Job) -> None:
        """StoreError when closed or too much waits already."""
        if threading.current_thread() in self._threads:
            raise RuntimeError("a query reads through the transaction that it was given")
        with self._gate:
            if self._closed:
                raise closed()
            if self._jobs.qsize() >= WAITING:
                raise StoreError("Too many queries wait; try again shortly.", code="busy")
            self._jobs.put(job)

    def close(self) -> None:
        """Answer what waits, then end the threads and their connections."""
        with self._gate:
            already, self._closed = self._closed, True
            if not already:
                for _ in self._threads:
                    self._jobs.put(None)
        for thread in self._threads:
            thread.join()

    # -------------------------------------------------------------------------------- a reader's thread

    def _serve(self, connection: sqlite3.Connection) -> None:
        clock = Clock(connection, QUERY_SECONDS)
        while (job := self._jobs.get()) is not None:
            if job.waiter.cancelled():
                continue
            answers = Answers()
            clock.start()
            try:
                answers.value(job.waiter, _snapshot(connection, job))
            except sqlite3.Error as exc:
                answers.error(job.waiter, store_error(exc))
            except BaseException as exc:  # noqa: BLE001 - a query's failure is its caller's, the thread goes on
                answers.error(job.waiter, exc)
            clock.stop()
            answers.send()
        connection.close()


def _snapshot(connection: sqlite3.Connection, job: Job) -> object:
    """Everything the query reads is of one moment: SQLite fixes it at the first statement after BEGIN."""
    tx = Tx(connection)
    connection.execute("BEGIN DEFERRED")
    try:
        return job.call(tx)
    finally:
        tx.close()
        if connection.in_transaction:
            connection.execute("ROLLBACK")  # nothing was written; like COMMIT, and it cannot fail half-way
