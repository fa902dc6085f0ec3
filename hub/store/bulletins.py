"""Drafts: a bulletin from its first save until it is released, as the bundle that will travel (FORMAT "Product, version, time")."""

from __future__ import annotations

import datetime as dt
import sqlite3
from collections.abc import Iterator
from typing import Any

import msgspec
import sqlalchemy as sa

from hub.rules.lifecycle import Stage
from hub.store.decoding import decoded
from hub.store.statement import statement
from hub.store.tables import drafts as table
from hub.store.tx import Tx
from schemas.bulletin import Approval, Bulletin
from schemas.times import format_time, parse_time


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    """One draft.

    `version` is the row's, raised by every verb, and what a caller sends back as `seen`; `base_version` the released version that
    this one follows (0: none). `audience` are places, () = all; with `audience_salt` (16 bytes hex) they make the commitment,
    and neither ever travels. `content_hash` is hex.
    """

    id: str
    stage: Stage
    version: int
    bundle: bytes
    audience: tuple[str, ...]
    audience_salt: str
    authors: frozenset[str]
    approvals: tuple[Approval, ...]
    content_hash: str
    product_id: str | None
    base_version: int
    advisory_id: str | None
    created_at: dt.datetime
    created_by: str
    updated_at: dt.datetime

    @property
    def bulletin(self) -> Bulletin:
        """The draft as a bulletin without a stamp."""
        return decoded(self.bundle)


_FIELDS = (
    "id",
    "stage",
    "version",
    "bundle",
    "audience",
    "audience_salt",
    "authors",
    "approvals",
    "content_hash",
    "product_id",
    "base_version",
    "advisory_id",
    "created_at",
    "created_by",
    "updated_at",
)
_COLUMNS = tuple(table.c[name] for name in _FIELDS)
_CHANGING = ("stage", "version", "bundle", "audience", "audience_salt", "authors", "approvals", "content_hash")
_CHANGING_TOO = ("product_id", "updated_at")

_ADD = statement(sa.insert(table))
_CHANGE = statement(
    sa.update(table)
    .where(table.c.id == sa.bindparam("which"), table.c.version == sa.bindparam("seen"))
    .values({name: sa.bindparam(f"new_{name}") for name in (*_CHANGING, *_CHANGING_TOO)})
)
_ONE = statement(sa.select(*_COLUMNS).where(table.c.id == sa.bindparam("id")))
_NEWEST = statement(
    sa.select(*_COLUMNS)
    .where(table.c.updated_at < sa.bindparam("before"))
    .order_by(table.c.updated_at.desc(), table.c.id)
    .limit(sa.bindparam("limit", type_=sa.Integer))
)
_STAGED = statement(
    sa.select(*_COLUMNS)
    .where(table.c.stage == sa.bindparam("stage"), table.c.updated_at < sa.bindparam("before"))
    .order_by(table.c.updated_at.desc(), table.c.id)
    .limit(sa.bindparam("limit", type_=sa.Integer))
)
_OF_PRODUCT = statement(
    sa.select(*_COLUMNS)
    .where(table.c.product_id == sa.bindparam("product_id"))
    .order_by(table.c.base_version.desc(), table.c.created_at.desc())
    .limit(sa.bindparam("limit", type_=sa.Integer))
)
_CLOSE = statement(
    sa.update(table)
    .where(table.c.product_id == sa.bindparam("product"), table.c.stage != sa.bindparam("new_stage"))
    .values(stage=sa.bindparam("new_stage"), version=table.c.version + 1, updated_at=sa.bindparam("at"))
)
_EVERY = statement(sa.select(table.c.id, table.c.bundle, table.c.content_hash).order_by(table.c.id))
_LATEST = "9999"  # sorts after every time
_approvals_of = msgspec.json.Decoder(tuple[Approval, ...]).decode
_texts_of = msgspec.json.Decoder(tuple[str, ...]).decode


def add(tx: Tx, draft: Draft) -> None:
    """Save a new draft. Raises sqlite3.IntegrityError when the id is taken."""
    tx.run(
        _ADD,
        id=draft.id,
        mode=draft.bulletin.mode.value,
        origin=draft.bulletin.origin,
        base_version=draft.base_version,
        advisory_id=draft.advisory_id,
        created_at=format_time(draft.created_at),
        created_by=draft.created_by,
        **_changing(draft),
    )


def change(tx: Tx, draft: Draft, seen: int) -> bool:
    """Save a draft over the row of version `seen`; False when the row moved on."""
    row = {f"new_{name}": value for name, value in _changing(draft).items()}
    return tx.run(_CHANGE, which=draft.id, seen=seen, **row) == 1


def draft(tx: Tx, draft_id: str) -> Draft | None:
    """One draft, whatever its stage."""
    row = tx.one(_ONE, id=draft_id)
    return _draft(row) if row else None


def drafts(tx: Tx, limit: int = 100, before: dt.datetime | None = None, stage: Stage | None = None) -> list[Draft]:
    """Drafts, the last changed first, a page; `before` is the `updated_at` of the last one seen."""
    end = _LATEST if before is None else format_time(before)
    if stage is None:
        return [_draft(row) for row in tx.all(_NEWEST, limit=limit, before=end)]
    return [_draft(row) for row in tx.all(_STAGED, limit=limit, before=end, stage=stage.value)]


def of_product(tx: Tx, product_id: str, limit: int = 20) -> list[Draft]:
    """The drafts of one product, that of the newest version first."""
    return [_draft(row) for row in tx.all(_OF_PRODUCT, product_id=product_id, limit=limit)]


def every(tx: Tx) -> Iterator[tuple[str, bytes, str]]:
    """Every draft as (id, bundle, content hash in hex), for whoever proves the record."""
    for row in tx.each(_EVERY):
        yield row[0], row[1], row[2]


def close(tx: Tx, product_id: str, stage: Stage, now: dt.datetime) -> int:
    """Every draft of a product gets its last stage; how many changed."""
    return tx.run(_CLOSE, product=product_id, new_stage=stage.value, at=format_time(now))


def _changing(draft: Draft) -> dict[str, Any]:
    return {
        "stage": draft.stage.value,
        "version": draft.version,
        "bundle": draft.bundle,
        "audience": _json(draft.audience),
        "audience_salt": draft.audience_salt,
        "authors": _json(sorted(draft.authors)),
        "approvals": _json(draft.approvals),
        "content_hash": draft.content_hash,
        "product_id": draft.product_id,
        "updated_at": format_time(draft.updated_at),
    }


def _draft(row: sqlite3.Row) -> Draft:
    return Draft(
        id=row["id"],
        stage=Stage(row["stage"]),
        version=row["version"],
        bundle=row["bundle"],
        audience=_texts_of(row["audience"]),
        audience_salt=row["audience_salt"],
        authors=frozenset(_texts_of(row["authors"])),
        approvals=_approvals_of(row["approvals"]),
        content_hash=row["content_hash"],
        product_id=row["product_id"],
        base_version=row["base_version"],
        advisory_id=row["advisory_id"],
        created_at=parse_time(row["created_at"]),
        created_by=row["created_by"],
        updated_at=parse_time(row["updated_at"]),
    )


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()
