"""Take a bulletin back: withdrawal, for good and for everybody (FORMAT "Tombstone, recall"), and the end of its time."""

from __future__ import annotations

import dataclasses
import datetime as dt

from hub.desk import dispatch, record
from hub.desk.dispatch import Recall
from hub.desk.drafting import permit
from hub.desk.held import refuse_held
from hub.desk.office import CLOCK, Office
from hub.errors import Conflict, FieldError, Invalid, NotFound
from hub.rules.authority import Verb
from hub.rules.decision import Refused
from hub.rules.lifecycle import Stage, step
from hub.rules.release import GRACE, Widest
from hub.store import bulletins, holders, outbox, revisions, standing
from hub.store.people import Person
from hub.store.revision import Revision
from hub.store.tx import Tx
from schemas.marking import rank
from schemas.product import Series, parse
from schemas.subjects import peer_of
from schemas.vocabulary import Audience, Reason, Tlp, TombstoneKind

_WIDTH = tuple(one.value for one in Widest)  # the widest first
MOST_EXPIRED = 500  # a round of the clock


@dataclasses.dataclass(frozen=True, slots=True)
class Withdrawal:
    """What was withdrawn, up to which version, and which addressees are told."""

    product_id: str
    version: int
    recalled: tuple[str, ...]


def withdraw(
    tx: Tx,
    office: Office,
    actor: Person,
    now: dt.datetime,
    product_id: str,
    reason: Reason,
    replaced_by: str | None = None,
) -> Withdrawal:
    """Withdraw every version of one of our products. One person with the right to release is enough (DESIGN section 3).

    What was not sent yet is never sent; what was is deleted from the stream. Raises Forbidden, NotFound, Conflict, Invalid.
    """
    permit(tx, office, actor, now, Verb.WITHDRAW)
    standing_now = revisions.current(tx, product_id)
    if standing_now is None or not standing_now.own:
        raise NotFound
    stage = step(standing_now.stage, Verb.WITHDRAW)
    if isinstance(stage, Refused):
        record.conflict(stage)
    refuse_held(tx)
    _check_replacement(tx, standing_now, replaced_by)
    _take_back(tx, now, standing_now, reason, replaced_by)
    body = {"reason": reason.value, "replaced_by": replaced_by}
    record.tell(tx, office, now, actor.id, Verb.WITHDRAW.value, (product_id, standing_now.version), body)
    recalled = dispatch.ever(holders.of_product(tx, standing_now.mode, product_id))
    told = Recall(
        by=actor.id,
        kind=TombstoneKind.WITHDRAWN,
        reason=reason,
        version=standing_now.version,
        replaced_by=replaced_by,
    )
    dispatch.recall(tx, office, now, standing_now, recalled, told)
    return Withdrawal(product_id, standing_now.version, recalled)


def _take_back(tx: Tx, now: dt.datetime, revision: Revision, reason: Reason, replaced_by: str | None) -> None:
    outbox.supersede(tx, revision.mode, revision.product_id, revision.version)
    standing.withdraw(tx, now, revision.product_id, TombstoneKind.WITHDRAWN, reason, replaced_by)
    bulletins.close(tx, revision.product_id, Stage.WITHDRAWN, now)


def _check_replacement(tx: Tx, revision: Revision, replaced_by: str | None) -> None:
    if replaced_by is None:
        return
    other = revisions.current(tx, replaced_by)
    if other is None or not other.own or other.origin != revision.origin or replaced_by == revision.product_id:
        words = f"{replaced_by[:60]} is no other bulletin of {revision.origin}."
        raise Invalid(words, (FieldError("/replaced_by", words),))
    if other.stage is Stage.WITHDRAWN:
        raise Conflict(f"{replaced_by} was withdrawn itself.", code="stage")
    if not _as_wide(tx, revision, other):
        words = f"{replaced_by} is not for all who are told of this withdrawal: name one that they may read, or none."
        raise Invalid(words, (FieldError("/replaced_by", words),))


def _as_wide(tx: Tx, revision: Revision, other: Revision) -> bool:
    """Whether everybody who reads this withdrawal may read `other`: a number alone would tell them that it exists."""
    if rank(other.tlp) > rank(revision.tlp) or _WIDTH.index(other.reach) > _WIDTH.index(revision.reach):
        return False
    if parse(other.product_id).series is not Series.OPEN and parse(revision.product_id).series is Series.OPEN:
        return False
    named = None if other.audience is Audience.ALL else frozenset(other.recipients)
    if named is not None and (revision.audience is Audience.ALL or not named >= set(revision.recipients)):
        return False
    told = dispatch.ever(holders.of_product(tx, revision.mode, revision.product_id))
    if dispatch.ALL in told and (named is not None or rank(other.tlp) > rank(Tlp.GREEN)):
        return False
    return named is None or {peer_of(one) for one in told} <= named


def expire(tx: Tx, office: Office, now: dt.datetime) -> int:  # noqa: ARG001 - every verb takes the office
    """Mark what is over, by this node's clock; what came from others has ten minutes of grace. How many products.

    It needs no message: every receiver's own clock says the same (FORMAT "Product, version, time"). Run again when it returns
    `MOST_EXPIRED`.
    """
    over = revisions.due(tx, now, MOST_EXPIRED, own=True)
    over += revisions.due(tx, now - GRACE, MOST_EXPIRED - len(over), own=False)
    for revision in over:
        _expire(tx, now, revision)
    return len(over)


def _expire(tx: Tx, now: dt.datetime, revision: Revision) -> None:
    standing.expire(tx, now, revision.seq)
    if revision.own:
        outbox.supersede(tx, revision.mode, revision.product_id, revision.version)
    record.commit(tx, now, CLOCK, Verb.EXPIRE.value, (revision.product_id, revision.version), revision.hash)
