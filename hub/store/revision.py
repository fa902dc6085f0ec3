"""One version of a bulletin, own or received: its row as a struct and back."""

from __future__ import annotations

import datetime as dt
import functools
import sqlite3
from collections.abc import Iterable
from typing import Any

import msgspec

from hub.rules.lifecycle import Stage
from hub.rules.release import Item, Widest, widest
from hub.store.decoding import decoded
from hub.store.tables import revisions as table
from schemas import stix
from schemas.bulletin import Bulletin
from schemas.content import report_id
from schemas.envelope import Envelope, payload_hash
from schemas.times import format_time, parse_time
from schemas.vocabulary import (
    SEVERITY_RANK,
    Audience,
    Caveat,
    Lane,
    Mode,
    Reason,
    RecordClass,
    Severity,
    Tlp,
    TombstoneKind,
    Topic,
)

NEVER = dt.datetime(9999, 12, 31, tzinfo=dt.UTC)  # the end of what this node cannot read
HIDDEN = "restored"  # `desk_only` of what came out of a backup, until it is known what was taken back since


class Revision(msgspec.Struct, frozen=True, kw_only=True):
    """One version. `seq` is the order of storing here, `position` that of showing (a withdrawal comes up again).

    `payload` is None once it was erased; `taken` the kind of tombstone that lies on it. `current`: this is the version that is
    shown. `readable`: its bytes are here and its lane is not catching up (`waiting`). `desk_only`: why only the desk sees it (words
    of a later list; then `topic` and `record_class` may be None). `peer` handed it over, None for our own. `copies` are the
    audience tokens that it came or went on; `subject`, `key`, `signature` those of the first copy, empty when nothing travelled.
    """

    seq: int = 0
    position: int = 0
    mode: Mode
    origin: str
    own: bool
    peer: str | None
    product_id: str
    report_id: str
    version: int
    hash: bytes
    payload: bytes | None
    copies: frozenset[str]
    subject: str
    key: str
    signature: str
    stage: Stage
    taken: TombstoneKind | None = None
    reason: Reason | None = None
    replaced_by: str | None = None
    current: bool = True
    readable: bool = True
    waiting: bool = False
    desk_only: str | None = None
    reach: str
    tlp: Tlp
    topic: Topic | None
    severity: Severity
    severity_rank: int
    lane: Lane
    audience: Audience
    recipients: frozenset[str]
    caveats: frozenset[Caveat]
    record_class: RecordClass | None
    released_at: dt.datetime
    stored_at: dt.datetime
    updated_at: dt.datetime
    expires: dt.datetime

    @property
    def bulletin(self) -> Bulletin:
        """The signed words. LookupError once they were erased; StixError when this node does not understand them."""
        if self.payload is None:
            raise LookupError(f"{self.product_id} version {self.version} was erased")
        return decoded(self.payload)

    @property
    def withdrawn_reason(self) -> Reason | None:
        """Why it was withdrawn, None while it stands."""
        return self.reason if self.stage is Stage.WITHDRAWN else None

    def item(self) -> Item:
        """This version as the rule of release sees it."""
        return Item(
            mode=self.mode,
            origin=self.origin,
            own=self.own,
            stage=self.stage,
            tlp=self.tlp,
            lane=self.lane,
            audience=self.audience,
            recipients=self.recipients,
            caveats=self.caveats,
            record_class=self.record_class,
            topic=self.topic,
            readable=self.readable and self.desk_only is None,
            waiting=self.waiting,
            expires=self.expires,
        )


def reach_of(revision: Revision) -> str:
    """The widest reader of a version (`rules.release.Widest`), by which lists narrow. The rule is asked once for what is alike."""
    return _widest(
        (
            revision.mode, revision.origin, revision.own, revision.tlp, revision.topic, revision.lane, revision.audience,
            revision.caveats, revision.record_class,
        )
    )  # fmt: skip


_Alike = tuple[Mode, str, bool, Tlp, Topic | None, Lane, Audience, frozenset[Caveat], RecordClass | None]


@functools.lru_cache(maxsize=1024)
def _widest(alike: _Alike) -> str:
    """Of an item that is released, here and never over: `widest` takes whatever else may happen to it into account."""
    mode, origin, own, tlp, topic, lane, audience, caveats, record_class = alike
    item = Item(
        mode=mode, origin=origin, own=own, stage=Stage.RELEASED, tlp=tlp, topic=topic, lane=lane, audience=audience,
        caveats=caveats, record_class=record_class,
    )  # fmt: skip
    return widest(item).value


def of_bulletin(
    bulletin: Bulletin,
    payload: bytes,
    *,
    now: dt.datetime,
    peer: str | None = None,
    recipients: Iterable[str] = (),
    copies: Iterable[str] = (),
    envelope: Envelope | None = None,
) -> Revision:
    """A released bulletin as a version that is shown; `peer` None makes it our own. `reach` is still to be asked of the rules."""
    stamp = bulletin.stamp
    if stamp is None:
        raise ValueError("a draft is no version")
    return Revision(
        mode=bulletin.mode,
        origin=bulletin.origin,
        own=peer is None,
        peer=peer,
        product_id=stamp.product_id,
        report_id=report_id(bulletin.mode, bulletin.origin, bulletin.seed),
        version=stamp.version,
        hash=payload_hash(payload),
        payload=payload,
        copies=frozenset(copies),
        subject="" if envelope is None else envelope.subject,
        key="" if envelope is None else envelope.key,
        signature="" if envelope is None else envelope.signature,
        stage=Stage.RELEASED,
        reach=Widest.DESK,
        tlp=bulletin.tlp,
        topic=bulletin.topic,
        severity=bulletin.severity,
        severity_rank=SEVERITY_RANK[bulletin.severity],
        lane=bulletin.lane,
        audience=bulletin.audience,
        recipients=frozenset(recipients),
        caveats=frozenset(bulletin.caveats),
        record_class=bulletin.record_class,
        released_at=stamp.released,
        stored_at=now,
        updated_at=now,
        expires=bulletin.expires,
    )


def of_unknown(
    item: stix.Item, envelope: Envelope, *, now: dt.datetime, peer: str, audience: str, why: str
) -> Revision:
    """A released item that this node does not understand: kept for the desk, its bytes as they came."""
    if item.product_id is None or item.version is None:
        raise ValueError("a draft is no version")
    return Revision(
        mode=item.mode,
        origin=item.origin,
        own=False,
        peer=peer,
        product_id=item.product_id,
        report_id=item.report_id,
        version=item.version,
        hash=payload_hash(envelope.payload),
        payload=envelope.payload,
        copies=frozenset({audience}),
        subject=envelope.subject,
        key=envelope.key,
        signature=envelope.signature,
        stage=Stage.RELEASED,
        desk_only=why,
        reach=Widest.DESK,
        tlp=item.tlp,
        topic=Topic(item.topic) if item.topic in set(Topic) else None,
        severity=Severity.UNKNOWN,
        severity_rank=0,
        lane=item.lane,
        audience=item.audience,
        recipients=frozenset[str](),
        caveats=frozenset[Caveat](),
        record_class=None,
        released_at=now,
        stored_at=now,
        updated_at=now,
        expires=NEVER,
    )


FIELDS = Revision.__struct_fields__
COLUMNS = tuple(table.c[name] for name in FIELDS)
_BYTES = FIELDS.index("payload")
_NAMES = tuple(name for name in FIELDS if name != "payload")


def to_row(revision: Revision) -> dict[str, object]:
    """The columns of a new row: all but `seq` and `position`, which the database gives."""
    stored = format_time(revision.stored_at)
    return {
        "mode": revision.mode.value,
        "origin": revision.origin,
        "own": int(revision.own),
        "peer": revision.peer,
        "product_id": revision.product_id,
        "report_id": revision.report_id,
        "version": revision.version,
        "hash": revision.hash,
        "payload": revision.payload,
        "copies": _json(revision.copies),
        "subject": revision.subject,
        "key": revision.key,
        "signature": revision.signature,
        "stage": revision.stage.value,
        "taken": None if revision.taken is None else revision.taken.value,
        "reason": None if revision.reason is None else revision.reason.value,
        "replaced_by": revision.replaced_by,
        "current": int(revision.current),
        "readable": int(revision.readable),
        "waiting": int(revision.waiting),
        "desk_only": revision.desk_only,
        "reach": revision.reach,
        "tlp": revision.tlp.value,
        "topic": "" if revision.topic is None else revision.topic.value,
        "severity": revision.severity.value,
        "severity_rank": revision.severity_rank,
        "lane": revision.lane.value,
        "audience": revision.audience.value,
        "recipients": _json(revision.recipients),
        "caveats": _json(revision.caveats),
        "record_class": "" if revision.record_class is None else revision.record_class.value,
        "released_at": format_time(revision.released_at),
        "stored_at": stored,
        "updated_at": stored if revision.updated_at is revision.stored_at else format_time(revision.updated_at),
        "expires": format_time(revision.expires),
    }


def _json(words: Iterable[str]) -> str:
    return msgspec.json.encode(sorted(words)).decode()


def from_row(row: sqlite3.Row) -> Revision:
    """The struct of a row of `COLUMNS`.

    What a row says beside its bytes is read once: lists show the same versions again and again, and any change makes another row.
    """
    values = tuple(row)
    return msgspec.structs.replace(_facts(*values[:_BYTES], *values[_BYTES + 1 :]), payload=values[_BYTES])


@functools.lru_cache(maxsize=600)  # a feed and its next page; about 4 KB each
def _facts(*values: Any) -> Revision:
    """A revision without its bytes, of the other columns in their order."""
    row = dict(zip(_NAMES, values, strict=True))
    taken, reason = row["taken"], row["reason"]
    return Revision(
        seq=row["seq"],
        position=row["position"],
        mode=Mode(row["mode"]),
        origin=row["origin"],
        own=bool(row["own"]),
        peer=row["peer"],
        product_id=row["product_id"],
        report_id=row["report_id"],
        version=row["version"],
        hash=row["hash"],
        payload=None,
        copies=frozenset(msgspec.json.decode(row["copies"])),
        subject=row["subject"],
        key=row["key"],
        signature=row["signature"],
        stage=Stage(row["stage"]),
        taken=None if taken is None else TombstoneKind(taken),
        reason=None if reason is None else Reason(reason),
        replaced_by=row["replaced_by"],
        current=bool(row["current"]),
        readable=bool(row["readable"]),
        waiting=bool(row["waiting"]),
        desk_only=row["desk_only"],
        reach=row["reach"],
        tlp=Tlp(row["tlp"]),
        topic=Topic(row["topic"]) if row["topic"] else None,
        severity=Severity(row["severity"]),
        severity_rank=row["severity_rank"],
        lane=Lane(row["lane"]),
        audience=Audience(row["audience"]),
        recipients=frozenset(msgspec.json.decode(row["recipients"])),
        caveats=frozenset(Caveat(word) for word in msgspec.json.decode(row["caveats"])),
        record_class=RecordClass(row["record_class"]) if row["record_class"] else None,
        released_at=parse_time(row["released_at"]),
        stored_at=parse_time(row["stored_at"]),
        updated_at=parse_time(row["updated_at"]),
        expires=parse_time(row["expires"]),
    )
