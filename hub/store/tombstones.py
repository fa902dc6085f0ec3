"""Tombstones, own and received, kept for ever: what was taken away stays taken away, in any order of arrival."""

from __future__ import annotations

import datetime as dt
import sqlite3

import msgspec
import sqlalchemy as sa

from hub.store.statement import statement
from hub.store.tables import tombstones as table
from hub.store.tx import Tx
from schemas import product
from schemas.bulletin import Tombstone
from schemas.envelope import Envelope, payload_hash
from schemas.times import format_time, parse_time
from schemas.vocabulary import Mode, Reason, TombstoneKind


class Grave(msgspec.Struct, frozen=True, kw_only=True):
    """One signed tombstone and how it came: `addressee` is the last token of its subject, `peer` None for our own."""

    id: int
    mode: Mode
    origin: str
    own: bool
    peer: str | None
    addressee: str
    serial: int
    product_id: str
    report_id: str
    version: int
    kind: TombstoneKind
    reason: Reason
    replaced_by: str | None
    hash: bytes
    payload: bytes
    subject: str
    key: str
    signature: str
    issued: dt.datetime
    stored_at: dt.datetime


class Told(msgspec.Struct, frozen=True):
    """What a tombstone does to its product, without the signed bytes and how it came."""

    kind: TombstoneKind
    version: int
    serial: int
    addressee: str
    hash: bytes
    reason: Reason
    replaced_by: str | None


_FIELDS = Grave.__struct_fields__
_COLUMNS = tuple(table.c[name] for name in _FIELDS)
_ADD = statement(sa.insert(table), *(name for name in _FIELDS if name != "id"))
# The id spells mode and origin, by which the index begins.
_PRODUCT = (
    table.c.mode == sa.bindparam("mode"),
    table.c.origin == sa.bindparam("origin"),
    table.c.product_id == sa.bindparam("product_id"),
)
_OF_PRODUCT = statement(sa.select(*_COLUMNS).where(*_PRODUCT).order_by(table.c.id))
_TOLD = statement(sa.select(*(table.c[name] for name in Told.__struct_fields__)).where(*_PRODUCT).order_by(table.c.id))
_KINDS = {one.value: one for one in TombstoneKind}
_REASONS = {one.value: one for one in Reason}
_BY_ID = statement(sa.select(*_COLUMNS).where(table.c.id == sa.bindparam("id")))
_BY_SERIAL = statement(
    sa.select(*_COLUMNS).where(
        table.c.mode == sa.bindparam("mode"),
        table.c.origin == sa.bindparam("origin"),
        table.c.addressee == sa.bindparam("addressee"),
        table.c.serial == sa.bindparam("serial"),
    )
)
_HIGHEST = statement(
    sa.select(sa.func.max(table.c.serial)).where(
        table.c.mode == sa.bindparam("mode"),
        table.c.origin == sa.bindparam("origin"),
        table.c.addressee == sa.bindparam("addressee"),
    )
)
_AFTER = statement(
    sa.select(*_COLUMNS)
    .where(table.c.id > sa.bindparam("after"))
    .order_by(table.c.id)
    .limit(sa.bindparam("limit", type_=sa.Integer))
)


def add(tx: Tx, now: dt.datetime, tombstone: Tombstone, envelope: Envelope, addressee: str, *, peer: str | None) -> int:
    """Keep a signed tombstone; its id. Raises sqlite3.IntegrityError when this serial is there already."""
    return tx.insert(
        _ADD,
        mode=tombstone.mode.value,
        origin=tombstone.origin,
        own=int(peer is None),
        peer=peer,
        addressee=addressee,
        serial=tombstone.serial,
        product_id=tombstone.product_id,
        report_id=tombstone.report_id,
        version=tombstone.version,
        kind=tombstone.kind.value,
        reason=tombstone.reason.value,
        replaced_by=tombstone.replaced_by,
        hash=payload_hash(envelope.payload),
        payload=envelope.payload,
        subject=envelope.subject,
        key=envelope.key,
        signature=envelope.signature,
        issued=format_time(tombstone.issued),
        stored_at=format_time(now),
    )


def of_product(tx: Tx, product_id: str) -> list[Grave]:
    """Every tombstone of a product, in the order in which they were stored."""
    return [_grave(row) for row in tx.all(_OF_PRODUCT, **_spelt(product_id))]


def told(tx: Tx, product_id: str) -> list[Told]:
    """What every tombstone of a product does, in the order in which they were stored."""
    return [
        Told(_KINDS[kind], version, serial, addressee, digest, _REASONS[reason], replaced_by)
        for kind, version, serial, addressee, digest, reason, replaced_by in tx.all(_TOLD, **_spelt(product_id))
    ]


def _spelt(product_id: str) -> dict[str, object]:
    named = product.parse(product_id)
    return {"mode": named.mode.value, "origin": named.origin, "product_id": product_id}


def by_id(tx: Tx, tombstone_id: int) -> Grave | None:
    """One tombstone."""
    return _maybe(tx.one(_BY_ID, id=tombstone_id))


def by_serial(tx: Tx, mode: Mode, origin: str, addressee: str, serial: int) -> Grave | None:
    """The tombstone that carries this serial."""
    return _maybe(tx.one(_BY_SERIAL, mode=mode.value, origin=origin, addressee=addressee, serial=serial))


def highest_serial(tx: Tx, mode: Mode, origin: str, addressee: str) -> int:
    """The highest serial known of this origin for this addressee; 0 when there is none."""
    row = tx.one(_HIGHEST, mode=mode.value, origin=origin, addressee=addressee)
    return int(row[0]) if row and row[0] is not None else 0


def after(tx: Tx, tombstone_id: int, limit: int) -> list[Grave]:
    """Tombstones in the order in which they were stored, a page."""
    return [_grave(row) for row in tx.all(_AFTER, after=tombstone_id, limit=limit)]


def _maybe(row: sqlite3.Row | None) -> Grave | None:
    return None if row is None else _grave(row)


def _grave(row: sqlite3.Row) -> Grave:
    return Grave(
        id=row["id"],
        mode=Mode(row["mode"]),
        origin=row["origin"],
        own=bool(row["own"]),
        peer=row["peer"],
        addressee=row["addressee"],
        serial=row["serial"],
        product_id=row["product_id"],
        report_id=row["report_id"],
        version=row["version"],
        kind=TombstoneKind(row["kind"]),
        reason=Reason(row["reason"]),
        replaced_by=row["replaced_by"],
        hash=row["hash"],
        payload=row["payload"],
        subject=row["subject"],
        key=row["key"],
        signature=row["signature"],
        issued=parse_time(row["issued"]),
        stored_at=parse_time(row["stored_at"]),
    )
