"""The columns that nobody signed, held against what they follow from.

`journal.verify` proves the chain, the signed bytes and the columns that repeat them. What is left is what the desk worked out
from them when it wrote the row: when it was stored, which list shows it, where a copy goes. A flipped bit there is found here.
"""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Callable, Iterator

import sqlalchemy as sa

from hub.rules.release import Widest
from hub.store import revisions, tombstones
from hub.store.journal import MOST, PAGE, Problem, told
from hub.store.revision import Revision, reach_of
from hub.store.revisions import terms_of
from hub.store.statement import statement
from hub.store.tables import journal, lanes, outbox, terms
from hub.store.tables import revisions as revision_table
from hub.store.tables import tombstones as tombstone_table
from hub.store.tombstones import Grave
from hub.store.tx import Tx
from schemas import envelope
from schemas.envelope import Envelope, EnvelopeError, message_id
from schemas.places import PLACES
from schemas.stix import StixError
from schemas.times import format_time, parse_time
from schemas.tombstone import decode_tombstone

STATES = frozenset({"pending", "sent", "superseded", "deleted", "cancelled"})
_payload = sa.func.coalesce(revision_table.c.payload, tombstone_table.c.payload)
_COPIES = statement(
    sa.select(
        outbox.c.id,
        outbox.c.product_id,
        outbox.c.addressee,
        outbox.c.subject,
        outbox.c.hash,
        outbox.c.key,
        outbox.c.signature,
        outbox.c.state,
        outbox.c.msg_id,
        _payload.label("payload"),
    )
    .select_from(
        outbox.outerjoin(revision_table, revision_table.c.seq == outbox.c.revision).outerjoin(
            tombstone_table, tombstone_table.c.id == outbox.c.tombstone
        )
    )
    .order_by(outbox.c.id)
)
_TIMES = statement(sa.select(journal.c.at).distinct())
_SETTLED = statement(sa.select(lanes.c.changed_at))
_TERMS = statement(sa.select(terms.c.seq, terms.c.term).order_by(terms.c.seq, terms.c.term))
_CURRENT = statement(
    sa.select(revision_table.c.product_id)
    .where(revision_table.c.current == 1)
    .group_by(revision_table.c.product_id)
    .having(sa.func.count() > 1)
    .limit(MOST)
)


def verify(tx: Tx) -> list[Problem]:
    """Everything that does not follow, at most a thousand; [] when all does. What was erased is passed over."""
    checks: tuple[Callable[[], Iterator[Problem]], ...] = (
        lambda: _versions(tx),
        lambda: _tombstones(tx),
        lambda: _copies(tx),
        lambda: _shown_twice(tx),
    )
    return list(itertools.islice(itertools.chain.from_iterable(told(check) for check in checks), MOST))


def _versions(tx: Tx) -> Iterator[Problem]:
    times = {str(row[0]) for row in tx.each(_TIMES)}
    listed, latest = _by_version(tx), _latest(tx, times)
    ahead = next(listed, None)
    for revision in _every_version(tx):
        found: list[str] = []
        while ahead is not None and ahead[0] <= revision.seq:
            found = ahead[1] if ahead[0] == revision.seq else found
            ahead = next(listed, None)
        where = f"{revision.product_id} version {revision.version}"
        yield from _times(where, times, stored_at=revision.stored_at)
        if not _waited(revision, latest):
            yield from _times(where, times, updated_at=revision.updated_at)
        yield from _placed(where, revision)
        yield from _listed(where, revision, found)


def _latest(tx: Tx, times: set[str]) -> str:
    """The newest moment that the record knows of."""
    return max(itertools.chain((str(row[0]) for row in tx.each(_SETTLED)), times), default="")


def _waited(revision: Revision, latest: str) -> bool:
    """Whether it may have been shown when its peer's lane had caught up: that moment stands in no entry."""
    return revision.peer is not None and revision.stored_at <= revision.updated_at <= parse_time(latest)


def _every_version(tx: Tx) -> Iterator[Revision]:
    after = 0
    while page := revisions.after(tx, after, PAGE):
        yield from page
        after = page[-1].seq


def _by_version(tx: Tx) -> Iterator[tuple[int, list[str]]]:
    """Each version's terms, in the order of storing."""
    for seq, rows in itertools.groupby(tx.all(_TERMS), key=lambda row: int(row["seq"])):
        yield seq, [str(row["term"]) for row in rows]


def _times(where: str, times: set[str], **columns: dt.datetime) -> Iterator[Problem]:
    for name, moment in columns.items():
        if format_time(moment) not in times:
            yield Problem(where, "column", f"{name} is no moment at which the journal says that anything was done")


def _placed(where: str, revision: Revision) -> Iterator[Problem]:
    if revision.own != (revision.peer is None) or (revision.peer is not None and revision.peer not in PLACES):
        yield Problem(where, "column", "own and peer do not say one thing")
    if not all(_is_audience(copy) for copy in revision.copies) or not revision.recipients <= set(PLACES):
        yield Problem(where, "column", "copies or recipients name what is no place")
    # What was taken back before it was ever shown keeps the narrowest reach.
    if revision.desk_only is None and revision.reach not in (Widest.DESK, reach_of(revision)):
        yield Problem(where, "column", f"reach says {revision.reach}, the rules say otherwise")


def _is_audience(one: str) -> bool:
    return one == "all" or one.startswith("g-") or one.removeprefix("to-") in PLACES


def _listed(where: str, revision: Revision, found: list[str]) -> Iterator[Problem]:
    if revision.payload is None or revision.desk_only is not None:
        return
    if found != sorted(set(terms_of(revision.bulletin))):
        yield Problem(where, "terms", "the terms that lists narrow it by are not those of its signed words")


def _tombstones(tx: Tx) -> Iterator[Problem]:
    times, after = {str(row[0]) for row in tx.each(_TIMES)}, 0
    while page := tombstones.after(tx, after, PAGE):
        for grave in page:
            yield from _tombstone(grave, times)
        after = page[-1].id


def _tombstone(grave: Grave, times: set[str]) -> Iterator[Problem]:
    where = f"tombstone {grave.product_id} {grave.addressee} serial {grave.serial}"
    yield from _times(where, times, stored_at=grave.stored_at)
    try:
        signed = decode_tombstone(grave.payload)
    except (StixError, ValueError) as error:
        yield Problem(where, "payload", f"its bytes are no tombstone: {error}")
        return
    for name in (
        "mode",
        "origin",
        "serial",
        "product_id",
        "report_id",
        "version",
        "kind",
        "reason",
        "replaced_by",
        "issued",
    ):
        if getattr(signed, name) != getattr(grave, name):
            yield Problem(where, "column", f"{name} says {getattr(grave, name)}, the signed bytes say otherwise")


def _copies(tx: Tx) -> Iterator[Problem]:
    for row in tx.each(_COPIES):
        where = f"outbox {row['id']} ({row['product_id']} for {row['addressee']})"
        if row["state"] not in STATES or not _is_audience(row["addressee"]):
            yield Problem(where, "column", "its state or its addressee is none")
        if row["payload"] is None:
            continue
        sealed = Envelope(row["subject"], row["payload"], row["key"], row["signature"])
        if row["msg_id"].partition("#")[0] != message_id(sealed.subject, sealed.payload):
            yield Problem(where, "column", "its message id is not that of its bytes")
        if envelope.payload_hash(sealed.payload) != row["hash"]:
            yield Problem(where, "column", "its hash is not that of its bytes")
        if not _holds(sealed):
            yield Problem(where, "signature", "its signature does not hold")


def _holds(sealed: Envelope) -> bool:
    try:
        envelope.verify(sealed)
    except EnvelopeError:
        return False
    return True


def _shown_twice(tx: Tx) -> Iterator[Problem]:
    for row in tx.all(_CURRENT):
        yield Problem(str(row[0]), "column", "two of its versions stand as the current one")
