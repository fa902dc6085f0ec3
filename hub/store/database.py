"""The node's database: verbs in, answers out after the commit; queries in, rows of one moment out."""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Concatenate, ParamSpec, Self, TypeVar

from hub.store.connection import connect
from hub.store.readers import Readers
from hub.store.schema import check
from hub.store.signal import Signal
from hub.store.tx import Tx
from hub.store.writer import Job, Writer

__all__ = ["Database", "Tx"]

P = ParamSpec("P")
T = TypeVar("T")


class Database:
    """One SQLite file with one writer thread and a few readers; safe from any thread and any event loop.

    `changed` counts the commits in which something was written.
    """

    def __init__(self, path: Path, writer: Writer, readers: Readers, changed: Signal) -> None:
        self.path = path
        self.changed = changed
        self._writer = writer
        self._readers = readers

    @classmethod
    def open(cls, path: Path, *, readers: int = 2) -> Self:
        """Open a database that is at the newest schema; it creates and upgrades nothing.

        StoreError: there is no such file, it cannot be used, or its schema is older or newer than this program.
        """
        check(path)
        path = path.resolve()  # SQLite keeps its log beside the file itself, not beside a link to it
        with contextlib.ExitStack() as opened:
            writing, *reading = [
                opened.enter_context(contextlib.closing(connect(path, query_only=number > 0)))
                for number in range(1 + readers)
            ]
            opened.pop_all()
        changed = Signal()
        return cls(path, Writer(writing, path, changed), Readers(reading), changed)

    @property
    def read_only(self) -> bool:
        """An fsync failed: nothing is written before a restart; reading goes on."""
        return self._writer.fault is not None

    @property
    def fault(self) -> str | None:
        """Why nothing is written any more, in words, or None."""
        return self._writer.fault

    async def write(self, verb: Callable[Concatenate[Tx, P], T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a verb in the writer thread; its answer, once it is on disk.

        Raises what the verb raised (nothing of it is written then); StoreError when the database cannot take it,
        ReadOnly when it will take nothing more. A caller that is cancelled leaves its verb behind: it may commit.
        """
        waiter: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._writer.put(Job(partial(_call, verb, args, kwargs), waiter))
        return await waiter

    async def read(self, query: Callable[Concatenate[Tx, P], T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a query in a reader thread, in one snapshot that holds everything answered so far.

        Raises what the query raised; StoreError when it took too long or the database cannot be read.
        """
        waiter: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._readers.put(Job(partial(_call, query, args, kwargs), waiter))
        return await waiter

    def write_sync(self, verb: Callable[Concatenate[Tx, P], T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """`write` for callers without an event loop; it blocks."""
        waiter: concurrent.futures.Future[T] = concurrent.futures.Future()
        self._writer.put(Job(partial(_call, verb, args, kwargs), waiter))
        return waiter.result()

    def read_sync(self, query: Callable[Concatenate[Tx, P], T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """`read` for callers without an event loop; it blocks."""
        waiter: concurrent.futures.Future[T] = concurrent.futures.Future()
        self._readers.put(Job(partial(_call, query, args, kwargs), waiter))
        return waiter.result()

    def close(self) -> None:
        """Run what waits, answer it, and close. May be called twice."""
        self._readers.close()
        self._writer.close()
        self.changed.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _call(verb: Callable[..., T], args: tuple[Any, ...], kwargs: dict[str, Any], tx: Tx) -> T:
    return verb(tx, *args, **kwargs)
