"""What every verb on a draft does first and last: load it, ask the rules, save it over the version that was seen."""

from __future__ import annotations

import datetime as dt

import msgspec

from hub.desk.content import Content, ordered, shown_headline
from hub.desk.office import Office
from hub.desk.record import conflict, forbid
from hub.errors import Conflict, FieldError, Invalid, NotFound
from hub.rules.authority import Given, Role, Verb, Work, may
from hub.rules.decision import Refused
from hub.rules.lifecycle import Stage, step
from hub.store import bulletins, people
from hub.store.bulletins import Draft
from hub.store.people import Person
from hub.store.tx import Tx
from schemas import stix
from schemas.bulletin import AdvisoryRef, Bulletin, Translation
from schemas.content import approval_hash, audience_commitment, content_hash
from schemas.times import truncate_ms
from schemas.vocabulary import Audience


def permit(tx: Tx, office: Office, actor: Person, now: dt.datetime, verb: Verb, work: Work | None = None) -> None:
    """Forbidden, with the rule's code and reason, unless this person may do this."""
    involved = frozenset[str]()
    if work is not None:
        involved = work.authors | {given.person for given in work.approvals}
    accounts = people.accounts(tx, involved | {actor.id}, now - office.policy.second_person_age)
    decision = may(actor.actor(), verb, work, now=now, policy=office.policy, accounts=accounts)
    if isinstance(decision, Refused):
        forbid(decision)


def permit_draft(tx: Tx, office: Office, actor: Person, now: dt.datetime, verb: Verb, draft: Draft) -> None:
    """As `permit`, for one draft; NotFound for whoever may not see drafts at all."""
    seeing = may(actor.actor(), Verb.READ_DESK, None, now=now, policy=office.policy)
    if isinstance(seeing, Refused):
        raise NotFound
    permit(tx, office, actor, now, verb, work_of(draft))


def load(tx: Tx, office: Office, actor: Person, now: dt.datetime, draft_id: str, seen: int, verb: Verb) -> Draft:
    """The draft, once this person may do this to the version that they saw.

    Raises NotFound, Forbidden, or Conflict "moved-on" when somebody changed it meanwhile.
    """
    draft = bulletins.draft(tx, draft_id)
    if draft is None or draft.bulletin.mode is not office.mode:
        raise NotFound
    permit_draft(tx, office, actor, now, verb, draft)
    if draft.version != seen:
        raise moved_on(draft)
    return draft


def moved_on(draft: Draft) -> Conflict:
    """Somebody changed it since it was read."""
    return Conflict(
        f"It moved on: you saw version {draft.version - 1} or older, it is at {draft.version}. Read it again.",
        code="moved-on",
    )


def advance(draft: Draft, verb: Verb) -> Stage:
    """The stage that this verb leads to; Conflict when the draft's stage does not allow it."""
    stage = step(draft.stage, verb)
    if isinstance(stage, Refused):
        conflict(stage)
    return stage


def work_of(draft: Draft) -> Work:
    """A draft as the rule of authority sees it."""
    bulletin = draft.bulletin
    return Work(
        authors=draft.authors,
        approvals=tuple(
            Given(person=one.person, role=Role(one.role), content_hash=_bound(draft, one.verb, one.role, one.hash))
            for one in draft.approvals
        ),
        lane=bulletin.lane,
        tlp=bulletin.tlp,
        topic=bulletin.topic,
        severity=bulletin.severity,
        content_hash=draft.content_hash,
    )


def _bound(draft: Draft, verb: str, role: str, approved: str) -> str:
    """The content hash that an approval covers: this draft's, or none that anybody knows."""
    covers = approval_hash(verb, role, bytes.fromhex(draft.content_hash)).hex() == approved
    return draft.content_hash if covers else ""


def save(tx: Tx, draft: Draft, seen: int) -> None:
    """Save over the version that was seen. Conflict when the row moved on."""
    if not bulletins.change(tx, draft, seen):
        raise moved_on(draft)


def written(
    office: Office,
    now: dt.datetime,
    content: Content,
    *,
    base: Bulletin,
    audience_salt: str,
) -> Bulletin:
    """The bulletin that says this content; what was fixed at the draft's birth is taken from `base`."""
    names = ordered(content.audience)
    commitment = audience_commitment(bytes.fromhex(audience_salt), names) if names else None
    due = content.next_update_by
    return msgspec.structs.replace(
        base,
        modified=max(truncate_ms(now), base.modified),
        published=base.created,
        headline=shown_headline(office.mode, content.headline.strip()),
        text=content.text,
        topic=content.topic,
        tlp=content.tlp,
        severity=content.severity,
        urgency=content.urgency,
        certainty=content.certainty,
        expires=truncate_ms(content.expires),
        actions=content.actions,
        areas=tuple(dict.fromkeys(content.areas)),
        also=content.also,
        phase=content.phase,
        confidence=content.confidence,
        basis=content.basis,
        lane=content.lane,
        audience=Audience.NAMED if names else Audience.ALL,
        audience_commitment=commitment,
        next_update_by=None if due is None else truncate_ms(due),
        caveats=content.caveats,
        record_class=content.record_class,
        attachments=content.attachments,
        translations=tuple(_translated(office, one) for one in content.translations),
        lang=content.lang,
        minor=content.minor,
    )


def _translated(office: Office, one: Translation) -> Translation:
    return Translation(one.lang, shown_headline(office.mode, one.headline.strip()), one.text)


def blank(office: Office, content: Content, advisory: AdvisoryRef | None, seed: str, created: dt.datetime) -> Bulletin:
    """A bulletin with what is fixed at birth and a new salt; its words are still to be `written`."""
    return Bulletin(
        mode=office.mode,
        origin=office.origins[0],
        seed=seed,
        salt=office.salt(),
        created=created,
        modified=created,
        published=created,
        headline=content.headline,
        text=content.text,
        topic=content.topic,
        tlp=content.tlp,
        severity=content.severity,
        urgency=content.urgency,
        certainty=content.certainty,
        expires=content.expires,
        actions=content.actions,
        advisory=advisory,
    )


def bundled(bulletin: Bulletin) -> tuple[bytes, str]:
    """The bundle's bytes and the content hash in hex. Invalid when it cannot be a bulletin, or is too large to travel."""
    try:
        bundle = stix.encode(bulletin)
    except stix.StixError as error:
        pointer = "" if error.code == "size" else "/text"
        raise Invalid(error.message, (FieldError(pointer, error.message),), code=error.code) from None
    return bundle, content_hash(bundle).hex()
