"""Write a bulletin: compose it, edit it, open the next version of a released one."""

from __future__ import annotations

import datetime as dt

import msgspec

from hub.desk import content as contents
from hub.desk import record
from hub.desk.content import Content
from hub.desk.drafting import advance, blank, bundled, load, permit, save, written
from hub.desk.office import Office
from hub.errors import Conflict, NotFound
from hub.rules.authority import Verb
from hub.rules.decision import Refused
from hub.rules.lifecycle import MOST_VERSIONS, Stage, step
from hub.store import bulletins, revisions
from hub.store.bulletins import Draft
from hub.store.people import Person
from hub.store.revision import Revision
from hub.store.tx import Tx
from schemas.bulletin import AdvisoryRef, Bulletin
from schemas.times import truncate_ms

__all__ = ["Content", "compose", "edit", "start", "update"]

OPEN_STAGES = frozenset({Stage.DRAFT, Stage.SUBMITTED, Stage.APPROVED})


def compose(tx: Tx, office: Office, actor: Person, now: dt.datetime, content: Content) -> Draft:
    """Begin a bulletin. It is a bundle with marking and audience from this first save (FORMAT "Product, version, time").

    Raises Forbidden, or Invalid with every field's error.
    """
    permit(tx, office, actor, now, Verb.COMPOSE)
    return start(tx, office, actor, now, content, verb=Verb.COMPOSE)


def start(
    tx: Tx,
    office: Office,
    actor: Person,
    now: dt.datetime,
    content: Content,
    *,
    verb: Verb,
    advisory: AdvisoryRef | None = None,
) -> Draft:
    """The first save of a draft, for the verbs that may begin one."""
    contents.check(content, mode=office.mode, place=office.place, now=now)
    base = blank(office, content, advisory, office.salt(), truncate_ms(now))
    return _born(tx, office, actor, now, content, verb=verb, base=base)


def edit(tx: Tx, office: Office, actor: Person, now: dt.datetime, draft_id: str, seen: int, content: Content) -> Draft:
    """Say it otherwise. Whoever does is an author from now on, and every approval is void.

    The same content again changes nothing. Raises Forbidden, NotFound, Conflict, Invalid.
    """
    draft = load(tx, office, actor, now, draft_id, seen, Verb.EDIT)
    stage = advance(draft, Verb.EDIT)
    contents.check(content, mode=office.mode, place=office.place, now=now)
    bulletin = written(office, now, content, base=draft.bulletin, audience_salt=draft.audience_salt)
    bundle, content_hash = bundled(bulletin)
    if content_hash == draft.content_hash:
        return draft
    changed = msgspec.structs.replace(
        draft,
        stage=stage,
        version=draft.version + 1,
        bundle=bundle,
        content_hash=content_hash,
        audience=contents.ordered(content.audience),
        authors=draft.authors | {actor.id},
        approvals=(),
        updated_at=now,
    )
    save(tx, changed, seen)
    _journal(tx, actor, now, Verb.EDIT, changed)
    return changed


def update(
    tx: Tx, office: Office, actor: Person, now: dt.datetime, product_id: str, content: Content | None = None
) -> Draft:
    """Open the next version of one of our products: same report, new salt; without `content` as it stands now.

    Whoever wrote the version that stands is an author of the next one, too.

    What stood may be over by now (its end, the next update): that is judged when the draft is submitted.

    Raises Forbidden, NotFound, Invalid, and Conflict when it was withdrawn or its next version is open already.
    """
    permit(tx, office, actor, now, Verb.UPDATE)
    standing = revisions.current(tx, product_id)
    if standing is None or not standing.own:
        raise NotFound
    stage = step(standing.stage, Verb.UPDATE)
    if isinstance(stage, Refused):
        record.conflict(stage)
    _refuse_second(tx, product_id)
    _refuse_too_many(tx, standing)
    audience = contents.ordered(standing.recipients)
    if content is not None:
        contents.check(content, mode=office.mode, place=office.place, now=now)
    said = content or contents.of_bulletin(standing.bulletin, audience)
    return _born(tx, office, actor, now, said, verb=Verb.UPDATE, base=_next(office, standing), follows=standing)


def _authors(tx: Tx, standing: Revision) -> frozenset[str]:
    """Who wrote what stands now: the next version says much of it again, so they stay its authors."""
    released = (one for one in bulletins.of_product(tx, standing.product_id) if one.stage not in OPEN_STAGES)
    newest = next(released, None)
    return frozenset[str]() if newest is None else newest.authors


def _refuse_second(tx: Tx, product_id: str) -> None:
    for draft in bulletins.of_product(tx, product_id):
        if draft.stage in OPEN_STAGES:
            raise Conflict(f"The next version of {product_id} is open already: {draft.id}.", code="already-open")


def _refuse_too_many(tx: Tx, standing: Revision) -> None:
    """Peers take so many versions of a product and no more: what nobody would take is not written."""
    if standing.version >= MOST_VERSIONS and len(revisions.versions(tx, standing.product_id)) >= MOST_VERSIONS:
        words = f"{standing.product_id} has {MOST_VERSIONS} versions, as many as peers take: publish a new bulletin"
        raise Conflict(f"{words}, and withdraw this one naming the new one in its place.", code="too-many-versions")


def _next(office: Office, standing: Revision) -> Bulletin:
    return msgspec.structs.replace(standing.bulletin, salt=office.salt(), stamp=None, minor=False)


def _born(
    tx: Tx,
    office: Office,
    actor: Person,
    now: dt.datetime,
    content: Content,
    *,
    verb: Verb,
    base: Bulletin,
    follows: Revision | None = None,
) -> Draft:
    audience_salt = office.salt()
    bulletin = written(office, now, content, base=base, audience_salt=audience_salt)
    bundle, content_hash = bundled(bulletin)
    draft = Draft(
        id=office.token("d"),
        stage=Stage.DRAFT,
        version=1,
        bundle=bundle,
        audience=contents.ordered(content.audience),
        audience_salt=audience_salt,
        authors=frozenset({actor.id}) | (_authors(tx, follows) if follows is not None else frozenset()),
        approvals=(),
        content_hash=content_hash,
        product_id=None if follows is None else follows.product_id,
        base_version=0 if follows is None else follows.version,
        advisory_id=None if bulletin.advisory is None else bulletin.advisory.id,
        created_at=now,
        created_by=actor.id,
        updated_at=now,
    )
    bulletins.add(tx, draft)
    _journal(tx, actor, now, verb, draft)
    return draft


def _journal(tx: Tx, actor: Person, now: dt.datetime, verb: Verb, draft: Draft) -> None:
    """The content hash hides as it stands: the bundle under it holds 16 random bytes."""
    record.commit(tx, now, actor.id, verb.value, (draft.id, draft.version), bytes.fromhex(draft.content_hash))
