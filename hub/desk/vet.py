"""Let a second person look: submit a draft, send it back, approve it (DESIGN section 3, step 2)."""

from __future__ import annotations

import datetime as dt

import msgspec

from hub.desk import content as contents
from hub.desk import record
from hub.desk.drafting import advance, load, save, work_of
from hub.desk.office import Office
from hub.errors import Conflict, FieldError, Invalid
from hub.rules.authority import Verb, approval_role, missing
from hub.rules.lifecycle import Stage
from hub.store.bulletins import Draft
from hub.store.people import Person
from hub.store.tx import Tx
from schemas.bulletin import Approval
from schemas.content import approval_hash, content_hash
from schemas.stix import MAX_DRAFT
from schemas.times import truncate_ms

REASON = 2_000


def submit(tx: Tx, office: Office, actor: Person, now: dt.datetime, draft_id: str, seen: int) -> Draft:
    """Ask for approval. Its size is measured here, with room for what release adds.

    Raises Forbidden, NotFound, Conflict, Invalid.
    """
    draft = load(tx, office, actor, now, draft_id, seen, Verb.SUBMIT)
    stage = advance(draft, Verb.SUBMIT)
    contents.check(contents.of_bulletin(draft.bulletin, draft.audience), mode=office.mode, place=office.place, now=now)
    if len(draft.bundle) > MAX_DRAFT:
        words = (
            f"It has {len(draft.bundle)} bytes and may have {MAX_DRAFT}: shorten the text or leave out translations."
        )
        raise Invalid(words, (FieldError("/text", words),), code="size")
    moved = _moved(draft, stage, now)
    save(tx, moved, seen)
    record.commit(tx, now, actor.id, Verb.SUBMIT.value, (draft.id, moved.version), bytes.fromhex(draft.content_hash))
    return moved


def send_back(tx: Tx, office: Office, actor: Person, now: dt.datetime, draft_id: str, seen: int, reason: str) -> Draft:
    """Give it back to its authors with a reason; approvals are void. Raises Forbidden, NotFound, Conflict, Invalid."""
    draft = load(tx, office, actor, now, draft_id, seen, Verb.SEND_BACK)
    stage = advance(draft, Verb.SEND_BACK)
    why = said_reason(reason)
    moved = msgspec.structs.replace(_moved(draft, stage, now), approvals=())
    save(tx, moved, seen)
    body = {"reason": why, "content_hash": draft.content_hash}
    record.tell(tx, office, now, actor.id, Verb.SEND_BACK.value, (draft.id, moved.version), body)
    return moved


def approve(tx: Tx, office: Office, actor: Person, now: dt.datetime, draft_id: str, seen: int) -> Draft:
    """Say yes to this very content. It becomes approved when no approval is lacking any more.

    Raises Forbidden (an author never approves), NotFound, Conflict.
    """
    draft = load(tx, office, actor, now, draft_id, seen, Verb.APPROVE)
    stage = advance(draft, Verb.APPROVE)
    if content_hash(draft.bundle).hex() != draft.content_hash:
        raise Conflict("The stored draft is not what its content hash says: run hub verify.", code="content")
    role = approval_role(actor.actor(), work_of(draft)).value
    covered = approval_hash(Verb.APPROVE.value, role, bytes.fromhex(draft.content_hash))
    given = Approval(actor.id, role, Verb.APPROVE.value, truncate_ms(now), covered.hex())
    approved = msgspec.structs.replace(_moved(draft, stage, now), approvals=(*draft.approvals, given))
    if missing(work_of(approved), office.policy):
        approved = msgspec.structs.replace(approved, stage=Stage.SUBMITTED)
    save(tx, approved, seen)
    record.commit(tx, now, actor.id, Verb.APPROVE.value, (draft.id, approved.version), covered)
    return approved


def said_reason(reason: str) -> str:
    """A reason in words. Invalid when there is none, or too many."""
    if not reason.strip() or len(reason) > REASON:
        words = f"Say why, in 1 to {REASON} characters."
        raise Invalid(words, (FieldError("/reason", words),))
    return reason.strip()


def _moved(draft: Draft, stage: Stage, now: dt.datetime) -> Draft:
    return msgspec.structs.replace(draft, stage=stage, version=draft.version + 1, updated_at=now)
