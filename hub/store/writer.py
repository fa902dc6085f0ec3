"""The one writer: a thread that runs verbs in groups, each in its own savepoint, and commits them together.

Nobody is answered before COMMIT has returned. A verb that raises rolls back alone; when SQLite ended the whole
transaction (a full disk or an I/O error does that, and the savepoints are gone), every verb of the group fails.
"""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from typing import Any

from hub.errors import StoreError
from hub.store.connection import BUSY_MS, Clock, ends_writing, read_only, store_error
from hub.store.signal import Answers, Signal, Waiter, closed
from hub.store.tx import Tx

GROUP = 64  # verbs that share a commit at most
GROUP_SECONDS = 0.05  # and how long a group takes in more: the first to come waits for the last
WAITING = 10_000  # verbs that may wait; more is an error in words, not a longer queue
VERB_SECONDS = 30.0
CHECKPOINT_ROWS = 2_000  # rows written, commits, or bytes by which the log grew, between two checkpoints
CHECKPOINT_COMMITS = 250
CHECKPOINT_BYTES = 4 << 20
LOG_FRAMES = 12_000  # a log longer than this (48 MB) is emptied, for which readers are waited for:
LOG_WAIT_MS = 200  # so long at most, and again after the next checkpoint


@dataclass(frozen=True, slots=True)
class Job:
    """A verb or a query that waits for its turn, and who waits for it."""

    call: Callable[[Tx], Any]
    waiter: Waiter


class Writer:
    """Owns the connection that writes. `put` from any thread or event loop; `close` runs what still waits."""

    def __init__(self, connection: sqlite3.Connection, path: Path, changed: Signal) -> None:
        self._connection = connection
        self._checkpoints = Checkpoints(connection, path)
        self._changed = changed
        self._clock = Clock(connection, VERB_SECONDS)
        self._jobs: SimpleQueue[Job | None] = SimpleQueue()
        self._gate = threading.Lock()
        self._closed = False
        self._fault: str | None = None
        self._thread = threading.Thread(target=self._serve, name="store-writer", daemon=True)
        self._thread.start()

    @property
    def fault(self) -> str | None:
        """Why nothing is written any more, or None."""
        return self._fault

    def put(self, job: Job) -> None:
        """StoreError when closed or too much waits already, ReadOnly after a failed fsync."""
        if threading.current_thread() is self._thread:
            raise RuntimeError("a verb writes through the transaction that it was given")
        if self._fault is not None:
            raise read_only(self._fault)
        with self._gate:
            if self._closed:
                raise closed()
            if self._jobs.qsize() >= WAITING:
                raise StoreError("Too many changes wait to be written; try again shortly.", code="busy")
            self._jobs.put(job)

    def close(self) -> None:
        """Run what waits, answer it, and close the connection."""
        with self._gate:
            already, self._closed = self._closed, True
            if not already:
                self._jobs.put(None)
        self._thread.join()
        self._connection.close()

    # -------------------------------------------------------------------------------- the writer's thread

    def _serve(self) -> None:
        while (first := self._jobs.get()) is not None:
            self._group(first)

    def _group(self, first: Job) -> None:
        """Run and commit one group, tell everyone, and only then look after the log."""
        answers = Answers()
        jobs = [first]
        wrote = False
        try:
            wrote = self._transact(jobs, answers)
        except BaseException as exc:  # noqa: BLE001 - whatever it is, those who wait are told and the thread goes on
            answers = Answers()
            for job in jobs:
                answers.error(job.waiter, self._refusal(exc))
        if wrote:
            self._changed.advance(answers)
        answers.send()
        if wrote:
            self._keep_log_short()

    def _transact(self, jobs: list[Job], answers: Answers) -> bool:
        """Run a group and commit it; whether anything was written. After any exception nothing of it stands."""
        committing = wrote = False
        try:
            if self._fault is not None:
                raise read_only(self._fault)
            self._connection.execute("BEGIN IMMEDIATE")
            for job in self._gather(jobs):
                wrote = self._attempt(job, answers) or wrote
            committing = True
            self._connection.execute("COMMIT")
        except sqlite3.Error as exc:
            if ends_writing(exc, committing=committing):
                self._fault = store_error(exc).message
            raise
        finally:
            self._roll_back()
        return wrote

    def _gather(self, jobs: list[Job]) -> Iterator[Job]:
        """The job that opened the group, then whatever waits behind it, until the group is full or its time is up."""
        until = time.monotonic() + GROUP_SECONDS
        yield jobs[0]
        while len(jobs) < GROUP and not self._jobs.empty() and time.monotonic() < until:
            job = self._jobs.get()  # at once: nobody else takes from this queue
            if job is None:
                self._jobs.put(None)  # for the loop that asks next; nothing comes behind it
                return
            jobs.append(job)
            yield job

    def _roll_back(self) -> None:
        """After COMMIT there is nothing to roll back, and SQLite often did it by itself when something failed."""
        if not self._connection.in_transaction:
            return
        try:
            self._connection.execute("ROLLBACK")
        except sqlite3.Error as exc:
            self._fault = store_error(exc).message

    def _attempt(self, job: Job, answers: Answers) -> bool:
        """One verb in its savepoint; whether it wrote. Raises when the group's transaction was lost."""
        if job.waiter.cancelled():
            return False
        connection = self._connection
        before = connection.total_changes
        tx = Tx(connection)
        connection.execute("SAVEPOINT verb")
        self._clock.start()
        try:
            value = job.call(tx)
            connection.execute("RELEASE verb")
        except BaseException as exc:
            if tx.lost is not None:
                raise tx.lost from None  # the verb may have swallowed it and failed at something else
            if not connection.in_transaction or (isinstance(exc, sqlite3.Error) and ends_writing(exc)):
                raise
            connection.execute("ROLLBACK TO verb")
            connection.execute("RELEASE verb")
            answers.error(job.waiter, store_error(exc) if isinstance(exc, sqlite3.Error) else exc)
            return False
        finally:
            self._clock.stop()
            tx.close()
        answers.value(job.waiter, value)
        return connection.total_changes != before

    def _refusal(self, exc: BaseException) -> StoreError:
        """What everyone of a failed group is told: one error each, for an exception belongs to one traceback."""
        if self._fault is not None:
            return read_only(self._fault)
        if isinstance(exc, sqlite3.Error):
            return store_error(exc)
        return StoreError(f"The transaction was lost ({exc}); nothing of it was written.", code="transaction-lost")

    def _keep_log_short(self) -> None:
        try:
            self._checkpoints.after_commit()
        except sqlite3.Error as exc:
            # A full disk leaves everything in the log, where it is safe; a failed fsync is what it is at a commit.
            if ends_writing(exc, committing=True):
                self._fault = store_error(exc).message


class Checkpoints:
    """Copies the log into the database file now and then, after the group was answered.

    SQLite's automatic checkpoint would run inside COMMIT, and drops its errors, a failed fsync among them.
    """

    def __init__(self, connection: sqlite3.Connection, path: Path) -> None:
        self._connection = connection
        self._log = path.with_name(path.name + "-wal")
        self._rows = connection.total_changes
        self._commits = 0
        self._size = 0
        self._too_long = False

    def after_commit(self) -> None:
        """sqlite3.Error when the checkpoint failed; then all is still in the log."""
        self._commits += 1
        if self._due():
            self._run()

    def _due(self) -> bool:
        return (
            self._commits >= CHECKPOINT_COMMITS
            or self._connection.total_changes - self._rows >= CHECKPOINT_ROWS
            or self._log_size() - self._size >= CHECKPOINT_BYTES
        )

    def _run(self) -> None:
        self._rows, self._commits = self._connection.total_changes, 0
        frames = self._empty() if self._too_long else self._copy("PASSIVE")
        self._too_long = frames > LOG_FRAMES
        self._size = self._log_size()

    def _copy(self, mode: str) -> int:
        """Pages in the log afterwards; whatever a reader still looks at stays for the next time."""
        _, frames, _ = self._connection.execute(f"PRAGMA wal_checkpoint({mode})").fetchone()
        return int(frames)

    def _empty(self) -> int:
        self._connection.execute(f"PRAGMA busy_timeout={LOG_WAIT_MS}")
        try:
            return self._copy("TRUNCATE")
        finally:
            self._connection.execute(f"PRAGMA busy_timeout={BUSY_MS}")

    def _log_size(self) -> int:
        try:
            return self._log.stat().st_size
        except FileNotFoundError:
            return 0
