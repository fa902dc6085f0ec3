"""The journal and the proof that nothing in the record was changed since it was written (FORMAT "Journal")."""

from __future__ import annotations

import functools
from collections.abc import Callable, Collection, Iterator

import msgspec
import sqlalchemy as sa
from nacl.exceptions import BadSignatureError
from nacl.signing import VerifyKey

from hub.store import bulletins, outbox, revisions, tombstones
from hub.store.chain import (
    BEGINNING,
    Detail,
    Entry,
    Head,
    Said,
    append,
    append_all,
    begin_epoch,
    detail,
    entries,
    erase_detail,
    fits,
    head,
    head_bytes,
    keep_detail,
    last_sealed,
    salted,
    save_head,
    sealed_heads,
    walk,
)
from hub.store.revision import HIDDEN, Revision, of_bulletin
from hub.store.statement import statement
from hub.store.tables import details, journal
from hub.store.tables import revisions as revision_table
from hub.store.tables import tombstones as tombstone_table
from hub.store.tombstones import Grave
from hub.store.tx import Tx
from schemas import envelope
from schemas.content import content_hash
from schemas.envelope import Envelope, EnvelopeError
from schemas.keys import KeyError_, decode_public
from schemas.stix import StixError

__all__ = [
    "Detail",
    "Entry",
    "Head",
    "Problem",
    "Said",
    "append",
    "append_all",
    "begin_epoch",
    "detail",
    "entries",
    "erase_detail",
    "head",
    "head_bytes",
    "keep_detail",
    "last_sealed",
    "salted",
    "save_head",
    "sealed_heads",
    "told",
    "verify",
    "walk",
]

MOST = 1_000  # problems told; a record with more is lost anyway
PAGE = 500
RELEASED = ("publish", "receive", "recover")
RECALLED = ("recall", "receive-recall", "recover-recall")
RESTORED = "restore"  # the only verb that begins an epoch
_COLUMNS = (
    "mode",
    "origin",
    "report_id",
    "tlp",
    "topic",
    "severity",
    "severity_rank",
    "lane",
    "audience",
    "caveats",
    "record_class",
    "released_at",
    "expires",
)


class Problem(msgspec.Struct, frozen=True):
    """One place that does not hold: an entry ("entry 1.17"), a version, a tombstone, a head, a draft; what is wrong with it."""

    where: str
    code: str
    message: str

    def __str__(self) -> str:
        return f"{self.where}: {self.message}"


def _verb_is(verbs: tuple[str, ...]) -> sa.ColumnElement[bool]:
    return sa.or_(*(journal.c.verb == verb for verb in verbs))


_thing = tombstone_table.c.product_id + " " + tombstone_table.c.addressee
_LOST_VERSIONS = statement(
    sa.select(journal.c.epoch, journal.c.sequence, journal.c.object, journal.c.version)
    .select_from(
        journal.outerjoin(
            revision_table,
            sa.and_(
                revision_table.c.product_id == journal.c.object,
                revision_table.c.version == journal.c.version,
                revision_table.c.hash == journal.c.commitment,
            ),
        )
    )
    .where(_verb_is(RELEASED), revision_table.c.seq.is_(None))
    .limit(MOST)
)
_LOST_TOMBSTONES = statement(
    sa.select(journal.c.epoch, journal.c.sequence, journal.c.object, journal.c.version)
    .select_from(
        journal.outerjoin(
            tombstone_table,
            sa.and_(
                tombstone_table.c.product_id
                == sa.func.substr(journal.c.object, 1, sa.func.instr(journal.c.object, " ") - 1),
                _thing == journal.c.object,
                tombstone_table.c.version == journal.c.version,
                tombstone_table.c.hash == journal.c.commitment,
            ),
        )
    )
    .where(_verb_is(RECALLED), tombstone_table.c.id.is_(None))
    .limit(MOST)
)
_SAID_OF = statement(
    sa.select(journal.c.verb)
    .where(
        journal.c.object == sa.bindparam("about"),
        journal.c.version == sa.bindparam("version"),
        journal.c.commitment == sa.bindparam("commitment"),
    )
    .limit(10)
)
_WITHDRAWN = statement(
    sa.select(journal.c.n).where(journal.c.object == sa.bindparam("about"), journal.c.verb == "withdraw").limit(1)
)
_DETAILS = statement(
    sa.select(journal.c.epoch, journal.c.sequence, journal.c.commitment, details.c.salt, details.c.body)
    .select_from(details.join(journal, journal.c.n == details.c.entry))
    .order_by(details.c.entry)
)


def verify(tx: Tx, keys: Collection[str] | None = None) -> list[Problem]:
    """Everything that does not hold, at most a thousand; [] when the record is whole.

    The chain is recomputed from its first entry; heads are held against it and against their signatures (by one of `keys`, public
    nkeys, where given); every released version and tombstone against its entry, its bytes, its signatures and the columns
    that decide who may read it; every draft against its content hash. What was erased is passed over.
    """
    problems: list[Problem] = []
    checks: tuple[Callable[[], Iterator[Problem]], ...] = (
        functools.partial(_chain, tx),
        functools.partial(_heads, tx, keys),
        functools.partial(_details, tx),
        functools.partial(_lost, tx),
        functools.partial(_versions, tx),
        functools.partial(_tombstones, tx),
        functools.partial(_drafts, tx),
    )
    for check in checks:
        for problem in told(check):
            problems.append(problem)
            if len(problems) >= MOST:
                return problems
    return problems


def told(check: Callable[[], Iterator[Problem]]) -> Iterator[Problem]:
    """What a check finds; where damage ends it, what it met there: the other checks go on."""
    try:
        yield from check()
    except Exception as error:  # noqa: BLE001 - a flipped bit shows itself as any error of any decoder
        yield Problem("record", "unreadable", f"a row cannot be read ({type(error).__name__}: {error})"[:300])


def _chain(tx: Tx) -> Iterator[Problem]:
    prev, epoch, sequence = BEGINNING, 0, 0
    for entry in walk(tx):
        where = f"entry {entry.epoch}.{entry.sequence}"
        if not fits(entry):
            yield Problem(where, "entry", "its fields do not give its hash")
        if entry.prev != prev:
            yield Problem(where, "chain", "it does not follow the entry before it")
        follows = (epoch, sequence + 1) if entry.epoch == epoch else (entry.epoch, 1)
        if (entry.epoch, entry.sequence) != follows or entry.epoch < epoch:
            yield Problem(where, "sequence", f"the entry before it is {epoch}.{sequence}")
        if entry.epoch != epoch and epoch and entry.verb != RESTORED:
            yield Problem(where, "epoch", f"epoch {epoch} ends without a {RESTORED}")
        prev, epoch, sequence = entry.hash, entry.epoch, entry.sequence


def _heads(tx: Tx, keys: Collection[str] | None) -> Iterator[Problem]:
    signed = {(one.epoch, one.sequence): one for one in sealed_heads(tx)}
    for entry in walk(tx):
        sealed = signed.pop((entry.epoch, entry.sequence), None)
        if sealed is None:
            continue
        where = f"head {sealed.epoch}.{sealed.sequence}"
        if sealed.hash != entry.hash:
            yield Problem(where, "head", "the journal's entry is not the one that was signed")
        if not _signed(sealed) or (keys is not None and sealed.key not in keys):
            yield Problem(where, "head-signature", "its signature does not hold")
    for epoch, sequence in sorted(signed):
        yield Problem(f"head {epoch}.{sequence}", "head", "the journal lost the entry that was signed")


def _signed(sealed: Head) -> bool:
    try:
        key = VerifyKey(decode_public(sealed.key, "A"))
        key.verify(head_bytes(sealed.epoch, sealed.sequence, sealed.hash), envelope.decode_signature(sealed.signature))
    except (BadSignatureError, KeyError_, EnvelopeError, ValueError):
        return False
    return True


def _details(tx: Tx) -> Iterator[Problem]:
    for epoch, sequence, commitment, salt, body in tx.each(_DETAILS):
        if salted(salt, body) != commitment:
            yield Problem(f"entry {epoch}.{sequence}", "detail", "what lies beside it is not what it commits to")


def _lost(tx: Tx) -> Iterator[Problem]:
    for lost in (_LOST_VERSIONS, _LOST_TOMBSTONES):
        for epoch, sequence, thing, version in tx.all(lost):
            yield Problem(
                f"entry {epoch}.{sequence}",
                "lost",
                f"{thing} version {version} is not stored with the hash that it names",
            )


def _versions(tx: Tx) -> Iterator[Problem]:
    after = 0
    while page := revisions.after(tx, after, PAGE):
        for revision in page:
            yield from _version(tx, revision)
        after = page[-1].seq


def _version(tx: Tx, revision: Revision) -> Iterator[Problem]:
    where = f"{revision.product_id} version {revision.version}"
    if not _entered(tx, revision.product_id, revision.version, revision.hash, RELEASED):
        yield Problem(where, "no-entry", "no entry of the journal names it with this hash")
    if _is_shown_though_withdrawn(tx, revision):
        yield Problem(where, "stage", f"it was withdrawn and stands as {revision.stage}")
    if revision.payload is None:
        return
    if envelope.payload_hash(revision.payload) != revision.hash:
        yield Problem(where, "payload", "its bytes do not give its hash")
        return
    yield from _copies(tx, where, revision, revision.payload)
    if revision.desk_only in (None, HIDDEN):
        yield from _columns(where, revision, revision.payload)


def _entered(tx: Tx, about: str, version: int, commitment: bytes, verbs: Collection[str]) -> bool:
    rows = tx.all(_SAID_OF, about=about, version=version, commitment=commitment)
    return any(row[0] in verbs for row in rows)


def _is_shown_though_withdrawn(tx: Tx, revision: Revision) -> bool:
    if revision.stage == "withdrawn":
        return False
    ended = any(grave.kind in ("withdrawn", "purged") for grave in tombstones.of_product(tx, revision.product_id))
    return ended or (revision.own and tx.one(_WITHDRAWN, about=revision.product_id) is not None)


def _copies(tx: Tx, where: str, revision: Revision, payload: bytes) -> Iterator[Problem]:
    """Every signed copy of our own; of what was received the one that was stored."""
    sent = [row[1:4] for row in outbox.copies(tx, revision.seq)] if revision.own else []
    for subject, key, signature in {*sent, (revision.subject, revision.key, revision.signature)}:
        if subject and not _verifies(Envelope(subject, payload, key, signature)):
            yield Problem(where, "signature", f"the signature of its copy on {subject} does not hold")


def _verifies(sealed: Envelope) -> bool:
    try:
        envelope.verify(sealed)
    except EnvelopeError:
        return False
    return True


def _columns(where: str, revision: Revision, payload: bytes) -> Iterator[Problem]:
    """The columns that decide who may read it must say what the signed bytes say."""
    try:
        signed = of_bulletin(revision.bulletin, payload, now=revision.stored_at, peer=revision.peer)
    except (StixError, ValueError) as error:
        yield Problem(where, "payload", f"its bytes are no bulletin: {error}")
        return
    for name in _COLUMNS:
        if getattr(signed, name) != getattr(revision, name):
            yield Problem(where, "column", f"{name} says {getattr(revision, name)}, the signed bytes say otherwise")


def _tombstones(tx: Tx) -> Iterator[Problem]:
    after = 0
    while page := tombstones.after(tx, after, PAGE):
        for grave in page:
            yield from _tombstone(tx, grave)
        after = page[-1].id


def _tombstone(tx: Tx, grave: Grave) -> Iterator[Problem]:
    thing = f"{grave.product_id} {grave.addressee}"
    where = f"tombstone {thing} serial {grave.serial}"
    if not _entered(tx, thing, grave.version, grave.hash, RECALLED):
        yield Problem(where, "no-entry", "no entry of the journal names it with this hash")
    if envelope.payload_hash(grave.payload) != grave.hash:
        yield Problem(where, "payload", "its bytes do not give its hash")
    elif not _verifies(Envelope(grave.subject, grave.payload, grave.key, grave.signature)):
        yield Problem(where, "signature", "its signature does not hold")


def _drafts(tx: Tx) -> Iterator[Problem]:
    for draft in bulletins.every(tx):
        try:
            found = content_hash(draft[1]).hex()
        except ValueError:
            found = ""
        if found != draft[2]:
            yield Problem(f"draft {draft[0]}", "content", "its content does not give its content hash")
