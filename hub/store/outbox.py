"""What waits to go into the stream, and what must leave it again (house law 3: JetStream is filled from here).

pending -> sent -> superseded -> deleted; pending -> cancelled. A row that was cancelled while the sender had it in hand is
superseded as soon as the sender reports where it lies, so that it is deleted again.
"""

from __future__ import annotations

import datetime as dt
import sqlite3
from collections.abc import Iterable
from typing import Literal

import msgspec
import sqlalchemy as sa
from sqlalchemy.dialects.sqlite import insert

from hub.store.statement import statement
from hub.store.tables import outbox, revisions, streams, tombstones
from hub.store.tx import Tx
from schemas.envelope import Envelope, message_id, payload_hash
from schemas.times import format_time, parse_time
from schemas.vocabulary import Mode

Kind = Literal["bulletin", "recall"]
ERROR_CHARS = 500


class Copy(msgspec.Struct, frozen=True, kw_only=True):
    """One signed copy on its way: `of` is the revision's seq or the tombstone's id, by kind."""

    mode: Mode
    kind: Kind
    product_id: str
    version: int
    addressee: str
    of: int
    envelope: Envelope


class Outgoing(msgspec.Struct, frozen=True):
    """One message for the sender. `to` is the peer of a `to-` copy, None for `all`; `revision` the seq of a bulletin."""

    id: int
    mode: Mode
    kind: Kind
    subject: str
    payload: bytes
    key: str
    signature: str
    msg_id: str
    product_id: str
    version: int
    to: str | None
    revision: int | None
    attempts: int

    @property
    def envelope(self) -> Envelope:
        """The signed copy as schemas know it."""
        return Envelope(self.subject, self.payload, self.key, self.signature)


class Sent(msgspec.Struct, frozen=True):
    """Where a message lies in the stream that must leave it."""

    id: int
    mode: Mode
    epoch: int
    sequence: int


class Sending(msgspec.Struct, frozen=True):
    """Where one copy of a product is: pending, sent, superseded, deleted or cancelled; why, when it did not go."""

    kind: Kind
    version: int
    addressee: str
    state: str
    error: str | None
    created_at: dt.datetime
    sent_at: dt.datetime | None


class StreamState(msgspec.Struct, frozen=True):
    """What the sender remembers of a stream: our epoch of it, what the broker calls this incarnation, the last sequence."""

    epoch: int
    identity: str
    sequence: int
    data: str = "{}"


_ADD = statement(
    sa.insert(outbox),
    *("mode", "kind", "product_id", "version", "addressee", "subject", "hash", "key", "signature"),
    *("revision", "tombstone", "state", "msg_id", "created_at"),
)
_SAME = statement(
    sa.select(outbox.c.id)
    .where(
        outbox.c.mode == sa.bindparam("in_mode"),
        outbox.c.product_id == sa.bindparam("product"),
        outbox.c.subject == sa.bindparam("which"),
        outbox.c.hash == sa.bindparam("digest"),
    )
    .order_by(outbox.c.id.desc())
    .limit(1)
)
_LIVE = sa.or_(outbox.c.state == "pending", outbox.c.state == "sent")
_payload = sa.func.coalesce(revisions.c.payload, tombstones.c.payload)
_PENDING = statement(
    sa.select(
        outbox.c.id,
        outbox.c.mode,
        outbox.c.kind,
        outbox.c.subject,
        _payload.label("payload"),
        outbox.c.key,
        outbox.c.signature,
        outbox.c.msg_id,
        outbox.c.product_id,
        outbox.c.version,
        outbox.c.addressee,
        outbox.c.revision,
        outbox.c.attempts,
    )
    .select_from(
        outbox.outerjoin(revisions, revisions.c.seq == outbox.c.revision).outerjoin(
            tombstones, tombstones.c.id == outbox.c.tombstone
        )
    )
    .where(outbox.c.state == sa.literal_column("'pending'"), _payload.is_not(None))
    .order_by(outbox.c.id)
    .limit(sa.bindparam("limit", type_=sa.Integer))
)
_WAITING = statement(
    sa.select(sa.func.count(), sa.func.min(outbox.c.created_at)).where(outbox.c.state == sa.literal_column("'pending'"))
)
_SENT = statement(
    sa.update(outbox)
    .where(outbox.c.id == sa.bindparam("which"))
    .values(
        state=sa.case((_LIVE, "sent"), else_="superseded"),
        epoch=sa.bindparam("at_epoch", type_=sa.Integer),
        sequence=sa.bindparam("at_sequence", type_=sa.Integer),
        sent_at=sa.bindparam("at"),
        error=None,
    )
)
_FAILED = statement(
    sa.update(outbox)
    .where(outbox.c.id == sa.bindparam("which"))
    .values(attempts=outbox.c.attempts + 1, error=sa.bindparam("why"))
)
_WITHHELD = statement(
    sa.update(outbox)
    .where(outbox.c.id == sa.bindparam("which"), outbox.c.state == "pending")
    .values(state="cancelled", error=sa.bindparam("why"))
)
_SUPERSEDED = statement(
    sa.select(outbox.c.id, outbox.c.mode, outbox.c.epoch, outbox.c.sequence)
    .where(outbox.c.state == sa.literal_column("'superseded'"))
    .order_by(outbox.c.id)
    .limit(sa.bindparam("limit", type_=sa.Integer))
)
_DELETED = statement(
    sa.update(outbox)
    .where(outbox.c.id == sa.bindparam("which"), outbox.c.state == "superseded")
    .values(state="deleted")
)
_SUPERSEDE = statement(
    sa.update(outbox)
    .where(
        outbox.c.mode == sa.bindparam("in_mode"),
        outbox.c.product_id == sa.bindparam("product"),
        outbox.c.kind == "bulletin",
        outbox.c.version <= sa.bindparam("up_to"),
        _LIVE,
    )
    .values(state=sa.case((outbox.c.state == "pending", "cancelled"), else_="superseded"))
)
_SUPERSEDE_FOR = statement(
    sa.update(outbox)
    .where(
        outbox.c.mode == sa.bindparam("in_mode"),
        outbox.c.product_id == sa.bindparam("product"),
        outbox.c.kind == "bulletin",
        outbox.c.addressee == sa.bindparam("for_whom"),
        _LIVE,
    )
    .values(state=sa.case((outbox.c.state == "pending", "cancelled"), else_="superseded"))
)
_FORGET_OLD = statement(
    sa.update(outbox)
    .where(
        outbox.c.mode == sa.bindparam("in_mode"),
        outbox.c.state == "superseded",
        outbox.c.epoch != sa.bindparam("new_epoch"),
    )
    .values(state="deleted")
)
_REFILL = statement(
    sa.update(outbox)
    .where(
        outbox.c.mode == sa.bindparam("in_mode"),
        outbox.c.state == "sent",
        outbox.c.epoch != sa.bindparam("new_epoch", type_=sa.Integer),
    )
    .values(
        state="pending",
        refills=outbox.c.refills + 1,
        msg_id=sa.func.substr(outbox.c.msg_id, 1, 64)
        + "#"
        + sa.cast(sa.bindparam("new_epoch", type_=sa.Integer), sa.Text)
        + "."
        + sa.cast(outbox.c.id, sa.Text)
        + "."
        + sa.cast(outbox.c.refills + 1, sa.Text),
    )
)
_COPIES = statement(
    sa.select(outbox.c.addressee, outbox.c.subject, outbox.c.key, outbox.c.signature, outbox.c.state).where(
        outbox.c.revision == sa.bindparam("revision")
    )
)
_OF_PRODUCT = statement(
    sa.select(
        outbox.c.kind,
        outbox.c.version,
        outbox.c.addressee,
        outbox.c.state,
        outbox.c.error,
        outbox.c.created_at,
        outbox.c.sent_at,
    )
    .where(outbox.c.product_id == sa.bindparam("product_id"), outbox.c.mode == sa.bindparam("mode"))
    .order_by(outbox.c.id.desc())
    .limit(sa.bindparam("limit", type_=sa.Integer))
)
_new = insert(streams)
_STREAM_SET = statement(
    _new.on_conflict_do_update(
        index_elements=["name"],
        set_={name: _new.excluded[name] for name in ("epoch", "identity", "sequence", "data")},
    )
)
_STREAM_GET = statement(
    sa.select(streams.c.epoch, streams.c.identity, streams.c.sequence, streams.c.data).where(
        streams.c.name == sa.bindparam("name")
    )
)


def add(tx: Tx, now: dt.datetime, copies: Iterable[Copy]) -> None:
    """Put signed copies into the outbox, in order, in the transaction of the verb that made them."""
    at = format_time(now)
    tx.many(_ADD, (_row(copy, at) for copy in copies))


def _row(copy: Copy, at: str) -> dict[str, object]:
    sealed = copy.envelope
    return {
        "mode": copy.mode.value,
        "kind": copy.kind,
        "product_id": copy.product_id,
        "version": copy.version,
        "addressee": copy.addressee,
        "subject": sealed.subject,
        "hash": payload_hash(sealed.payload),
        "key": sealed.key,
        "signature": sealed.signature,
        "revision": copy.of if copy.kind == "bulletin" else None,
        "tombstone": copy.of if copy.kind == "recall" else None,
        "state": "pending",
        "msg_id": message_id(sealed.subject, sealed.payload),
        "created_at": at,
    }


def add_sent(tx: Tx, now: dt.datetime, copy: Copy, place: tuple[int, int]) -> None:
    """Note a copy that lies in the stream already, at this (epoch, sequence): of a row that is there only the place."""
    row = _row(copy, format_time(now))
    same = tx.one(_SAME, in_mode=row["mode"], product=row["product_id"], which=row["subject"], digest=row["hash"])
    number = tx.insert(_ADD, **row) if same is None else int(same[0])
    mark_sent(tx, number, *place, now)


def pending(tx: Tx, limit: int = 100) -> list[Outgoing]:
    """What waits, oldest first. Delete what `superseded` lists before sending any of it."""
    return [_outgoing(row) for row in tx.all(_PENDING, limit=limit)]


def waiting(tx: Tx) -> tuple[int, str | None]:
    """How many wait, and since when the oldest."""
    row = tx.all(_WAITING)[0]
    return int(row[0]), row[1]


def mark_sent(tx: Tx, row_id: int, epoch: int, sequence: int, now: dt.datetime | None = None) -> None:
    """The broker stored it, there. A row cancelled meanwhile becomes superseded, to be deleted again."""
    at = None if now is None else format_time(now)
    tx.run(_SENT, which=row_id, at_epoch=epoch, at_sequence=sequence, at=at)


def mark_failed(tx: Tx, row_id: int, error: str, now: dt.datetime | None = None) -> None:  # noqa: ARG001 - the
    # sender's retries are timed by the sender; the time is taken for the signature that others call
    """The broker did not take it; it stays pending."""
    tx.run(_FAILED, which=row_id, why=error[:ERROR_CHARS])


def withhold(tx: Tx, row_id: int, reason: str) -> bool:
    """At the moment of sending it may not leave any more (`may_leave` was asked again); False when it is not pending."""
    return tx.run(_WITHHELD, which=row_id, why=reason[:ERROR_CHARS]) == 1


def superseded(tx: Tx, limit: int = 500) -> list[Sent]:
    """What must be deleted from the stream."""
    return [Sent(row[0], Mode(row[1]), row[2], row[3]) for row in tx.all(_SUPERSEDED, limit=limit)]


def mark_deleted(tx: Tx, row_id: int) -> None:
    """It left the stream."""
    tx.run(_DELETED, which=row_id)


def supersede(tx: Tx, mode: Mode, product_id: str, up_to: int, *, addressee: str | None = None) -> int:
    """Nothing of these versions goes out any more: what waits is cancelled, what was sent is to be deleted.

    With an addressee only its copies, of every version.
    """
    if addressee is None:
        return tx.run(_SUPERSEDE, in_mode=mode.value, product=product_id, up_to=up_to)
    return tx.run(_SUPERSEDE_FOR, in_mode=mode.value, product=product_id, for_whom=addressee)


def refill(tx: Tx, epoch: int, mode: Mode = Mode.LIVE) -> int:
    """The mode's stream is new, or was set back, and has this epoch now: what it held is pending again. How many messages.

    They go out under `<hash>#<epoch>.<row>.<n>`, for the dedup window may still know the old id. What was to be deleted is gone.
    """
    tx.run(_FORGET_OLD, in_mode=mode.value, new_epoch=epoch)
    return tx.run(_REFILL, in_mode=mode.value, new_epoch=epoch)


def copies(tx: Tx, revision: int) -> list[tuple[str, str, str, str, str]]:
    """The copies of one revision: (addressee, subject, key, signature, state)."""
    return [tuple(row) for row in tx.all(_COPIES, revision=revision)]


def of_product(tx: Tx, mode: Mode, product_id: str, limit: int = 500) -> list[Sending]:
    """What became of every copy and recall of a product, the newest first."""
    rows = tx.all(_OF_PRODUCT, mode=mode.value, product_id=product_id, limit=limit)
    return [_sending(row) for row in rows]


def stream_state(tx: Tx, name: str) -> StreamState | None:
    """What is remembered of a stream."""
    row = tx.one(_STREAM_GET, name=name)
    return StreamState(*row) if row else None


def set_stream_state(tx: Tx, name: str, state: StreamState) -> None:
    """Remember a stream."""
    tx.run(
        _STREAM_SET,
        name=name,
        epoch=state.epoch,
        identity=state.identity,
        sequence=state.sequence,
        data=state.data,
    )


def _sending(row: sqlite3.Row) -> Sending:
    kind, version, addressee, state, error, created, sent = row
    return Sending(kind, version, addressee, state, error, parse_time(created), parse_time(sent) if sent else None)


def _outgoing(row: sqlite3.Row) -> Outgoing:
    addressee = row["addressee"]
    return Outgoing(
        id=row["id"],
        mode=Mode(row["mode"]),
        kind=row["kind"],
        subject=row["subject"],
        payload=row["payload"],
        key=row["key"],
        signature=row["signature"],
        msg_id=row["msg_id"],
        product_id=row["product_id"],
        version=row["version"],
        to=addressee[3:] if addressee.startswith("to-") else None,
        revision=row["revision"],
        attempts=row["attempts"],
    )
