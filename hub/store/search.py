"""Full-text search over what the node holds, in a file of its own with a thread of its own (STORE "Search").

It follows the journal after the commit, never inside the writer's transaction, and is made again from it whenever it is
missing, damaged, of another layout, or of another journal. It answers with versions by `seq`; whoever asks loads each
through the door, which decides whether it may be read.
"""

from __future__ import annotations

import asyncio
import functools
import sqlite3
import threading
from pathlib import Path

import msgspec
import sqlalchemy as sa
import structlog

from hub.errors import StoreError
from hub.store.connection import connect, store_error
from hub.store.database import Database
from hub.store.readers import Readers
from hub.store.search_index import Index, Mark, Product, remove
from hub.store.search_words import Wanted, Words, expression, words_of
from hub.store.statement import Statement, each_of, statement
from hub.store.tables import journal
from hub.store.tables import revisions as table
from hub.store.tx import Tx
from hub.store.writer import Job
from schemas import stix
from schemas.stix import StixError

__all__ = ["Search", "Wanted"]

BATCH = 200  # journal entries looked at in one step
_GATHER = 0.05  # seconds in which more may come, so that a burst is indexed together
_BREATH = 0.01  # between two steps of a long merge
_RETRY = 5.0
_DAMAGED = frozenset(
    {"corrupt", "database"}
)  # "no such table" is damage too: nothing that a reader types comes to this thread
_READERS = 2
_log = structlog.get_logger("hub.store")

_FIND = Statement(
    "SELECT rowid FROM words WHERE words MATCH ? AND rowid < ? ORDER BY rowid DESC LIMIT ?",
    ("expression", "before", "limit"),
    {},
)
_ENTRIES = statement(
    sa.select(journal.c.n, journal.c.hash, journal.c.object)
    .where(journal.c.n > sa.bindparam("after"))
    .order_by(journal.c.n)
    .limit(sa.bindparam("limit", type_=sa.Integer))
)
_HASH = statement(sa.select(journal.c.hash).where(journal.c.n == sa.bindparam("n")))
# What waits for its lane is indexed as well: no entry of the journal tells when it is shown, and the door keeps it in till then.
_TO_HOLD = statement(
    sa.select(table.c.seq, table.c.product_id, table.c.payload).where(
        table.c.product_id.in_(each_of("products")),
        table.c.payload.is_not(None),
        table.c.stage != "withdrawn",
        sa.or_(table.c.current == 1, table.c.waiting == 1),
    )
)
_ERASED = statement(
    sa.select(table.c.seq, table.c.product_id).where(
        table.c.product_id.in_(each_of("products")), table.c.payload.is_(None)
    )
)


class Search:
    """The index of one node. `open` does not wait for it; `complete` says whether all is in it that was there when it last looked."""

    def __init__(self, path: Path, database: Database) -> None:
        self._path = path
        self._database = database
        self._gate = threading.Condition()
        self._readers: Readers | None = None
        self._seen = -1  # the database's generation that is indexed
        self._failures = 0
        self._woken = self._closed = self._damaged = False
        self._thread = threading.Thread(target=self._serve, name="store-search", daemon=True)

    @classmethod
    def open(cls, path: Path, database: Database) -> Search:
        """Start to follow the database."""
        made = cls(path, database)
        made._thread.start()
        return made

    @property
    def complete(self) -> bool:
        """Whether everything is indexed that was committed before the index last looked; False while it is made again."""
        return self._seen >= 0

    async def find(self, wanted: Wanted, limit: int, before: int = 2**62) -> list[int]:
        """Versions with these words, by seq, the last stored first. The caller asks the door about each.

        Raises ValueError, in words, for a question that asks too much or nothing; StoreError while there is no index.
        """
        asked = expression(wanted)
        waiter: asyncio.Future[list[int]] = asyncio.get_running_loop().create_future()
        with self._gate:
            if self._readers is None:
                raise StoreError("The search index is being made; try again shortly.", code="no-search")
            call = functools.partial(_found, expression=asked, before=before, limit=limit)
            self._readers.put(Job(call, waiter))
        try:
            return await waiter
        except StoreError as error:
            if error.code == "corrupt":
                self._wake(damaged=True)
                raise StoreError(
                    "The search index is being made again; try again shortly.", code="no-search"
                ) from error
            raise

    async def follow(self) -> None:
        """Wake the index at each commit, until cancelled or the database is closed."""
        generation = self._database.changed.generation
        while True:
            try:
                generation = await self._database.changed.after(generation)
            except StoreError:
                return
            self._wake()

    def settle(self, timeout: float = 30.0) -> bool:
        """Wait until everything committed so far is indexed and nothing is left to scrub; False when it takes longer."""
        asked = self._database.changed.generation
        self._wake()
        with self._gate:
            return self._gate.wait_for(lambda: self._seen >= asked, timeout)

    def close(self) -> None:
        """End the thread and close the file. May be called twice."""
        with self._gate:
            self._closed = True
            self._gate.notify_all()
        self._thread.join()

    def _wake(self, *, damaged: bool = False) -> None:
        with self._gate:
            self._woken = True
            self._damaged = self._damaged or damaged
            self._gate.notify_all()

    # -------------------------------------------------------------------------------------- the thread
    def _serve(self) -> None:
        while not self._closed:
            try:
                self._run()
            except (sqlite3.Error, StoreError, OSError) as error:
                self._failed(error)
        self._close_readers()

    def _run(self) -> None:
        """With one opened file, until it is damaged or the node stops."""
        index = Index.open(self._path)
        try:
            self._check(index.mark())
            self._open_readers()
            while not self._closed:
                generation = self._database.changed.generation
                self._catch_up(index)
                self._scrub(index)
                self._tell(generation)
                self._rest()
        finally:
            index.close()

    def _check(self, mark: Mark) -> None:
        """Raise StoreError when the index followed another journal: that of a backup, or of the node before it was restored."""
        if mark.n and self._database.read_sync(_hash_of, mark.n) != mark.hash:
            raise StoreError("The search index is of another journal.", code="corrupt")

    def _catch_up(self, index: Index) -> None:
        after = index.mark().n
        while not self._closed:
            entries, held, erased = self._database.read_sync(_next, after)
            if not entries:
                return
            after, digest, _ = entries[-1]
            index.apply(_products(entries, held, erased), after, digest)

    def _scrub(self, index: Index) -> None:
        """Clear the file of what was erased, in steps; what comes meanwhile is indexed between them."""
        while (changes := index.mark().scrub) and not self._closed:
            idle = index.merge(begin=True)
            while not (idle and index.scrubbed(changes)) and not self._closed:
                self._catch_up(index)
                idle = index.merge(begin=False)
                self._pause(_BREATH)

    def _tell(self, generation: int) -> None:
        with self._gate:
            self._seen, self._failures = generation, 0
            self._gate.notify_all()

    def _rest(self) -> None:
        """Wait to be woken, and then for more to come. Raises StoreError when the file has to be made again."""
        with self._gate:
            self._gate.wait_for(lambda: self._woken or self._closed)
            self._gate.wait_for(lambda: self._damaged or self._closed, _GATHER)
            self._woken = False
            if self._damaged:
                raise StoreError("A search found the index damaged.", code="corrupt")

    def _pause(self, seconds: float) -> None:
        with self._gate:
            self._gate.wait_for(lambda: self._closed, seconds)

    def _failed(self, error: Exception) -> None:
        """A damaged index is made again; anything else (a full disk) is tried again later, and so is what fails twice."""
        told = store_error(error) if isinstance(error, sqlite3.Error) else error
        code = told.code if isinstance(told, StoreError) else "io-error"
        if code == "closed":
            self._closed = True
            return
        _log.error("the search index failed", error=str(told), again=code in _DAMAGED)
        self._close_readers()
        with self._gate:
            self._seen, self._damaged = -1, False
            self._failures += 1
        if code in _DAMAGED:
            remove(self._path)
        if self._failures > 1 or code not in _DAMAGED:
            self._pause(_RETRY)

    def _open_readers(self) -> None:
        made = Readers([connect(self._path, query_only=True) for _ in range(_READERS)])
        with self._gate:
            self._readers = made

    def _close_readers(self) -> None:
        with self._gate:
            old, self._readers = self._readers, None
        if old is not None:
            old.close()


def _found(tx: Tx, *, expression: str, before: int, limit: int) -> list[int]:
    return [row[0] for row in tx.all(_FIND, expression=expression, before=before, limit=limit)]


def _hash_of(tx: Tx, n: int) -> bytes | None:
    row = tx.one(_HASH, n=n)
    return None if row is None else bytes(row[0])


_Entries = list[tuple[int, bytes, str]]
_Held = list[tuple[int, str, bytes]]
_Gone = list[tuple[int, str]]


def _next(tx: Tx, after: int) -> tuple[_Entries, _Held, _Gone]:
    """The next entries, and of the products in them the versions that are to be found, and those that were erased."""
    entries: _Entries = [tuple(row) for row in tx.all(_ENTRIES, after=after, limit=BATCH)]
    listed = msgspec.json.encode(_names(entries)).decode()
    held: _Held = [tuple(row) for row in tx.all(_TO_HOLD, products=listed)]
    gone: _Gone = [tuple(row) for row in tx.all(_ERASED, products=listed)]
    return entries, held, gone


def _names(entries: _Entries) -> list[str]:
    """The products that entries are about; a tombstone's names its addressee behind the product."""
    return sorted({thing.partition(" ")[0] for *_, thing in entries if "-" in thing})


def _products(entries: _Entries, held: _Held, gone: _Gone) -> list[Product]:
    versions: dict[str, dict[int, Words]] = {name: {} for name in _names(entries)}
    erased: dict[str, set[int]] = {name: set() for name in versions}
    for seq, name, payload in held:
        words = _words(seq, payload)
        if words is not None:
            versions[name][seq] = words
    for seq, name in gone:
        erased[name].add(seq)
    return [Product(name, versions[name], frozenset(erased[name])) for name in versions]


def _words(seq: int, payload: bytes) -> Words | None:
    """What is indexed of stored bytes. One version that cannot be read costs itself alone (house law 4)."""
    try:
        return words_of(stix.decode(payload))
    except StixError:
        return None  # kept for the desk without being understood: there are no words
    except Exception as error:  # noqa: BLE001 - one bad item never stops the rest
        _log.error("a version cannot be indexed", seq=seq, exc_info=error)
        return None
