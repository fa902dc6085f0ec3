"""The journal's chain: entries, each holding the hash of the one before (FORMAT "Journal"; bytes in docs/protocol.md).

An entry's hash is SHA-256 over, in this order: epoch and sequence (unsigned, 8 bytes, big-endian); time, actor, verb and
object (each a 4-byte big-endian length and that many bytes of UTF-8); version (8 bytes); commitment (32 bytes); the hash of
the entry before (32 bytes, zeros before the first). A head is signed over `hub-journal-v1`, a NUL, epoch and sequence
(8 bytes each) and that hash (32 bytes).
"""

from __future__ import annotations

import datetime as dt
import hashlib
import sqlite3
import struct
from collections.abc import Iterable, Iterator, Sequence

import msgspec
import sqlalchemy as sa
from msgspec.structs import asdict

from hub.store.statement import statement
from hub.store.tables import details, heads, journal
from hub.store.tx import Tx
from schemas.times import format_time

HEAD_PREFIX = b"hub-journal-v1\0"
BEGINNING = bytes(32)
FIRST_EPOCH = 1
PAGE = 2_000


class Said(msgspec.Struct, frozen=True):
    """What an entry says: who did which verb to what; `commitment` is 32 bytes, H of a payload or a salted hash."""

    actor: str
    verb: str
    object: str
    version: int
    commitment: bytes


class Entry(msgspec.Struct, frozen=True):
    """One entry as it stands; `at` is the canonical text that the hash covers, `n` its place in this database."""

    n: int
    epoch: int
    sequence: int
    at: str
    actor: str
    verb: str
    object: str
    version: int
    commitment: bytes
    prev: bytes
    hash: bytes


class Detail(msgspec.Struct, frozen=True):
    """What a salted commitment covers; erased without breaking the chain."""

    entry: int
    salt: bytes
    body: bytes


class Head(msgspec.Struct, frozen=True):
    """A signed statement that the chain ended here; `key` is a public nkey, `signature` canonical base64url."""

    epoch: int
    sequence: int
    hash: bytes
    key: str
    signature: str
    at: str


_FIELDS = (
    journal.c.n,
    journal.c.epoch,
    journal.c.sequence,
    journal.c.at,
    journal.c.actor,
    journal.c.verb,
    journal.c.object,
    journal.c.version,
    journal.c.commitment,
    journal.c.prev,
    journal.c.hash,
)
_HEAD = statement(sa.select(*_FIELDS).order_by(journal.c.n.desc()).limit(1))
_APPEND = statement(sa.insert(journal))
_DETAIL = statement(sa.insert(details))
_DETAIL_OF = statement(
    sa.select(details.c.entry, details.c.salt, details.c.body).where(details.c.entry == sa.bindparam("entry"))
)
_ERASE = statement(sa.delete(details).where(details.c.entry == sa.bindparam("which")))
_AFTER = statement(
    sa.select(*_FIELDS)
    .where(journal.c.n > sa.bindparam("after"))
    .order_by(journal.c.n)
    .limit(sa.bindparam("limit", type_=sa.Integer))
)
_BEFORE = statement(
    sa.select(*_FIELDS)
    .where(journal.c.n < sa.bindparam("before"))
    .order_by(journal.c.n.desc())
    .limit(sa.bindparam("limit", type_=sa.Integer))
)
_ABOUT = statement(
    sa.select(*_FIELDS)
    .where(journal.c.object == sa.bindparam("about"))
    .order_by(journal.c.n.desc())
    .limit(sa.bindparam("limit", type_=sa.Integer))
)
_SAVE_HEAD = statement(sa.insert(heads))
_HEAD_FIELDS = (heads.c.epoch, heads.c.sequence, heads.c.hash, heads.c.key, heads.c.signature, heads.c.at)
_HEADS = statement(sa.select(*_HEAD_FIELDS).order_by(heads.c.epoch, heads.c.sequence))
_LAST_HEAD = statement(sa.select(*_HEAD_FIELDS).order_by(heads.c.epoch.desc(), heads.c.sequence.desc()).limit(1))


def entry_bytes(epoch: int, sequence: int, at: str, said: Said, prev: bytes) -> bytes:
    """The bytes that an entry's hash covers (module docstring)."""
    parts = [struct.pack(">QQ", epoch, sequence)]
    for text in (at, said.actor, said.verb, said.object):
        raw = text.encode()
        parts.append(struct.pack(">I", len(raw)))
        parts.append(raw)
    parts.append(struct.pack(">Q", said.version))
    parts.append(said.commitment)
    parts.append(prev)
    return b"".join(parts)


def head_bytes(epoch: int, sequence: int, entry_hash: bytes) -> bytes:
    """The bytes that a head's signature covers (module docstring)."""
    return HEAD_PREFIX + struct.pack(">QQ", epoch, sequence) + entry_hash


def salted(salt: bytes, body: bytes) -> bytes:
    """The commitment of an entry whose object is no payload: SHA-256 of 16 random bytes and the body."""
    return hashlib.sha256(salt + body).digest()


def append(tx: Tx, now: dt.datetime, said: Said) -> Entry:
    """Add one entry at the end of the chain. The head is read inside the transaction."""
    return append_all(tx, now, (said,))[0]


def begin_epoch(tx: Tx, now: dt.datetime, said: Said) -> Entry:
    """Begin the chain's next epoch with this entry, which holds the hash of the last one of the epoch before."""
    last = head(tx)
    epoch, n, prev = (last.epoch + 1, last.n, last.hash) if last else (FIRST_EPOCH, 0, BEGINNING)
    before = Entry(n, epoch, 0, "", "", "", "", 0, b"", b"", prev)
    (entry,) = _chain(before, format_time(now), (said,))
    tx.run(_APPEND, **asdict(entry))
    return entry


def append_all(tx: Tx, now: dt.datetime, saids: Sequence[Said]) -> list[Entry]:
    """Add entries in order, in one go."""
    last = head(tx)
    at = format_time(now)
    entries = list(_chain(last, at, saids))
    if len(entries) == 1:
        tx.run(_APPEND, **asdict(entries[0]))
    elif entries:
        tx.many(_APPEND, (asdict(entry) for entry in entries))
    return entries


def _chain(last: Entry | None, at: str, saids: Iterable[Said]) -> Iterator[Entry]:
    n, epoch, sequence, prev = (
        (last.n, last.epoch, last.sequence, last.hash) if last else (0, FIRST_EPOCH, 0, BEGINNING)
    )
    for said in saids:
        n += 1
        sequence += 1
        digest = hashlib.sha256(entry_bytes(epoch, sequence, at, said, prev)).digest()
        yield Entry(
            n, epoch, sequence, at, said.actor, said.verb, said.object, said.version, said.commitment, prev, digest
        )
        prev = digest


def keep_detail(tx: Tx, detail: Detail) -> None:
    """Lay what a salted commitment covers beside its entry."""
    tx.run(_DETAIL, entry=detail.entry, salt=detail.salt, body=detail.body)


def detail(tx: Tx, entry: int) -> Detail | None:
    """What lies beside entry `n`, unless it was erased or never was."""
    row = tx.one(_DETAIL_OF, entry=entry)
    return Detail(*row) if row else None


def erase_detail(tx: Tx, entry: int) -> None:
    """Erase what lies beside an entry; the chain still verifies."""
    tx.run(_ERASE, which=entry)


def head(tx: Tx) -> Entry | None:
    """The last entry."""
    row = tx.one(_HEAD)
    return _entry(row) if row else None


def entries(tx: Tx, *, limit: int = 100, before: int | None = None, about: str | None = None) -> list[Entry]:
    """Entries newest first, a page; `about` narrows to one object and takes no `before`."""
    if about is not None:
        return [_entry(row) for row in tx.all(_ABOUT, about=about, limit=limit)]
    return [_entry(row) for row in tx.all(_BEFORE, before=2**62 if before is None else before, limit=limit)]


def walk(tx: Tx, *, after: int = 0) -> Iterator[Entry]:
    """Every entry in order, read a page at a time."""
    while rows := tx.all(_AFTER, after=after, limit=PAGE):
        for row in rows:
            yield _entry(row)
        after = rows[-1]["n"]


def save_head(tx: Tx, sealed: Head) -> None:
    """Keep a signed head. Raises sqlite3.IntegrityError when this one is signed already."""
    tx.run(_SAVE_HEAD, **asdict(sealed))


def last_sealed(tx: Tx) -> Head | None:
    """The newest signed head."""
    row = tx.one(_LAST_HEAD)
    return Head(*row) if row else None


def sealed_heads(tx: Tx) -> list[Head]:
    """Every signed head, oldest first."""
    return [Head(*row) for row in tx.all(_HEADS)]


def fits(entry: Entry) -> bool:
    """Whether an entry's fields give its hash."""
    said = Said(entry.actor, entry.verb, entry.object, entry.version, entry.commitment)
    body = entry_bytes(entry.epoch, entry.sequence, entry.at, said, entry.prev)
    return hashlib.sha256(body).digest() == entry.hash


def _entry(row: sqlite3.Row) -> Entry:
    return Entry(*row)
