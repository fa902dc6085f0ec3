"""Decide about an advisory: make a bulletin of it, or set it aside with a reason. Nothing imported is published by itself."""

from __future__ import annotations

import dataclasses
import datetime as dt
import hashlib
from collections.abc import Iterable

from hub.desk import compose, record
from hub.desk import content as contents
from hub.desk.asked import actions, one_line
from hub.desk.content import HEADLINE, MOST_ALSO, MOST_AREAS, TEXT, Content
from hub.desk.drafting import permit
from hub.desk.office import Office
from hub.desk.vet import said_reason
from hub.errors import Conflict, NotFound
from hub.rules.authority import Verb
from hub.rules.lifecycle import Stage
from hub.store import bulletins, queue, revisions
from hub.store.bulletins import Draft
from hub.store.people import Person
from hub.store.queue import Waiting
from hub.store.revision import Revision
from hub.store.tx import Tx
from schemas.bulletin import Advisory, AdvisoryRef, Area
from schemas.marking import stricter
from schemas.places import check_area
from schemas.vocabulary import Topic

LASTS = dt.timedelta(days=14)


def adopt(
    tx: Tx, office: Office, actor: Person, now: dt.datetime, advisory_id: str, content: Content | None = None
) -> Draft:
    """Make a draft of an advisory, prefilled from it unless `content` says otherwise; who adopts is an author.

    When its source changed it after it was adopted and released, this opens the next version of that bulletin (`starting`).
    Raises Forbidden, NotFound, Conflict, Invalid.
    """
    permit(tx, office, actor, now, Verb.ADOPT)
    waiting = queue.advisory(tx, advisory_id)
    if waiting is None:
        raise NotFound
    said = content or starting(tx, waiting, now)
    draft = _next_version(tx, office, actor, now, waiting, said) or _first_version(
        tx, office, actor, now, waiting, said
    )
    queue.decide(tx, [waiting.id], "adopted", actor.id, draft_id=draft.id)
    return draft


def set_aside(tx: Tx, office: Office, actor: Person, now: dt.datetime, what: str, reason: str) -> int:
    """Set an advisory aside (its id), or everything under one row of the queue (its fold). How many.

    Raises Forbidden, NotFound, Conflict, Invalid.
    """
    permit(tx, office, actor, now, Verb.SET_ASIDE)
    why = said_reason(reason)
    waiting = _under(tx, what)
    adopted = [one.id for one in waiting if one.state == "adopted"]
    queue.decide(tx, [one.id for one in waiting if one.state != "adopted"], "set-aside", actor.id, reason=why)
    for one in waiting:
        if one.state == "adopted":  # it stays adopted; only that its source changed it is set aside
            queue.decide(tx, [one.id], "adopted", actor.id, draft_id=one.draft_id, reason=why)
    body = {"reason": why, "ids": sorted(one.id for one in waiting), "stay_adopted": adopted}
    record.tell(tx, office, now, actor.id, Verb.SET_ASIDE.value, (what, len(waiting)), body)
    return len(waiting)


def starting(tx: Tx, waiting: Waiting, now: dt.datetime) -> Content:
    """What an analyst starts from: the source's words, or, when the source changed what is released already, that bulletin.

    Who may have it never gets wider by itself: audience, caveats, record class, lane and topic stay, of the two markings the
    stricter counts. The analyst's headline and actions stay as well. From the source come its new text, severity, urgency,
    certainty and expiry. Translations of the old text are dropped, and so is a promised time of the next update that is past.
    """
    fresh = prefilled(waiting.advisory, now)
    released = _released(tx, waiting)
    if released is None:
        return fresh
    before = contents.of_bulletin(released.bulletin, contents.ordered(released.recipients))
    due = before.next_update_by
    return dataclasses.replace(
        before,
        text=fresh.text,
        severity=fresh.severity,
        urgency=fresh.urgency,
        certainty=fresh.certainty,
        expires=fresh.expires,
        tlp=stricter(before.tlp, fresh.tlp),
        translations=(),
        minor=False,
        next_update_by=due if due is not None and due > now else None,
    )


def _released(tx: Tx, waiting: Waiting) -> Revision | None:
    """The bulletin that was made of an advisory which its source changed since."""
    if waiting.state != "adopted" or not waiting.changed or waiting.draft_id is None:
        return None
    draft = bulletins.draft(tx, waiting.draft_id)
    if draft is None or draft.product_id is None or draft.stage is not Stage.RELEASED:
        return None
    return revisions.current(tx, draft.product_id)


def prefilled(advisory: Advisory, now: dt.datetime) -> Content:
    """What an analyst starts from: the source's own words, cut to what a bulletin may have."""
    topics = tuple(dict.fromkeys(advisory.topics)) or (Topic.OTHER,)
    ends = advisory.expires
    return Content(
        headline=one_line(advisory.headline, HEADLINE) or advisory.key,
        text=advisory.summary[:TEXT] if advisory.summary.strip() else advisory.headline[:TEXT],
        actions=actions(advisory),
        topic=topics[0],
        also=topics[1 : 1 + MOST_ALSO],
        tlp=advisory.tlp,
        severity=advisory.severity,
        urgency=advisory.urgency,
        certainty=advisory.certainty,
        expires=ends if ends is not None and now < ends < now + LASTS else now + LASTS,
        areas=_places(advisory.areas),
        basis=f"{advisory.source} {advisory.key}",
    )


def _places(areas: Iterable[Area]) -> tuple[Area, ...]:
    """Those that a bulletin may name, each county once, whichever code names it."""
    kept = dict[tuple[str | None, str], Area]()
    for area in areas:
        if _is_place(area):
            code = area.fips or area.ugc or ""
            county = code[3:] if area.ugc and code[2] == "C" else code[2:] if area.fips else None
            kept.setdefault((area.state, county or code), area)
    return tuple(kept.values())[:MOST_AREAS]


def _is_place(area: Area) -> bool:
    try:
        check_area(area)
    except ValueError:
        return False
    return True


def reference(advisory_id: str, advisory: Advisory) -> AdvisoryRef:
    """What travels of the original: its id, source, key and link, and the hash of its own text."""
    original = advisory.original.encode()
    digest = hashlib.sha256(original).hexdigest() if original else None
    return AdvisoryRef(advisory_id, advisory.source, advisory.key, advisory.url, digest)


def _first_version(tx: Tx, office: Office, actor: Person, now: dt.datetime, waiting: Waiting, said: Content) -> Draft:
    if waiting.state == "cancelled":
        raise Conflict("Its source withdrew this advisory.", code="cancelled")
    if waiting.state == "adopted" and not _was_withdrawn(tx, waiting):
        raise Conflict(f"It was adopted already: {waiting.draft_id}.", code="already-adopted")
    ref = reference(waiting.id, waiting.advisory)
    return compose.start(tx, office, actor, now, said, verb=Verb.ADOPT, advisory=ref)


def _was_withdrawn(tx: Tx, waiting: Waiting) -> bool:
    draft = bulletins.draft(tx, waiting.draft_id or "")
    return draft is not None and draft.stage is Stage.WITHDRAWN


def _next_version(
    tx: Tx, office: Office, actor: Person, now: dt.datetime, waiting: Waiting, said: Content
) -> Draft | None:
    if waiting.state != "adopted" or not waiting.changed or waiting.draft_id is None:
        return None
    draft = bulletins.draft(tx, waiting.draft_id)
    if draft is None or draft.stage is Stage.WITHDRAWN:
        return None
    if draft.product_id is None or draft.stage is not Stage.RELEASED:
        raise Conflict(f"It is being written already: edit {draft.id}.", code="already-adopted")
    return compose.update(tx, office, actor, now, draft.product_id, said)


def _under(tx: Tx, what: str) -> list[Waiting]:
    """An advisory by its id, or what waits under one row."""
    ids = queue.ids_under(tx, what) if ":" in what else [what]
    found = list(queue.some(tx, ids).values())
    if not found:
        raise NotFound
    if ":" not in what and not (found[0].state == "open" or found[0].changed):
        raise Conflict(f"Somebody decided about it already: {found[0].state}.", code="decided")
    return found
