"""Look at what will be released, and say yes, no or go: the second person's page."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

from aiohttp import web

from hub import metrics
from hub.desk import content as contents
from hub.desk import publish as publishing
from hub.desk import vet
from hub.errors import Conflict, Forbidden, Invalid
from hub.rules.authority import Verb
from hub.rules.decision import Allowed
from hub.rules.lifecycle import Stage
from hub.rules.release import District, Exit, Public, Reader
from hub.store.database import Tx
from hub.store.people import Person
from hub.web import door
from hub.web.access import PERSON
from hub.web.console import forms, frame, history, rights, shown
from hub.web.console.forms import Errors
from hub.web.door import Asking, Draft
from hub.web.parts import Parts, parts
from schemas.places import PLACES
from schemas.stix import MAX_DRAFT
from schemas.vocabulary import SEVERITY_RANK, Lane, Severity, Tlp

_VERBS = (Verb.APPROVE, Verb.PUBLISH, Verb.SEND_BACK, Verb.SUBMIT, Verb.EDIT)
_LABELS = {"reason": "Why it goes back"}


async def page(request: web.Request) -> web.Response:
    """What will be released, what changed, whom it reaches, what it lacks."""
    return await _shown(request)


async def submit(request: web.Request) -> web.Response:
    """Hand it over for review."""
    return await _verb(request, vet.submit, "submitted")


async def approve(request: web.Request) -> web.Response:
    """Say yes to this very content."""
    return await _verb(request, vet.approve, "approved")


async def send_back(request: web.Request) -> web.Response:
    """Give it back to its authors, saying why."""
    fields = await forms.read_fields(request)
    return await _verb(request, vet.send_back, "sent-back", fields.one("reason"))


async def publish(request: web.Request) -> web.Response:
    """Release it; then its record."""
    fields, node, which = await forms.read_fields(request), parts(request), request.match_info["id"]
    seen, asking = fields.number("seen"), frame.asking(request)

    def act(tx: Tx, person: Person, now: dt.datetime) -> str:
        draft = door.draft_within(tx, node.office, asking, which, now)
        release = publishing.publish(tx, node.office, person, now, draft.id, seen)
        return frame.after(f"/desk/bulletins/{release.product_id}", "published")

    answer = await _acted(request, act)
    if answer.status == 303 and "Idempotency-Replayed" not in answer.headers:
        metrics.RELEASES.inc()
    return answer


async def _verb(request: web.Request, verb: Callable[..., Draft], done: str, *more: str) -> web.Response:
    fields, node, which = await forms.read_fields(request), parts(request), request.match_info["id"]
    seen, asking = fields.number("seen"), frame.asking(request)

    def act(tx: Tx, person: Person, now: dt.datetime) -> str:
        draft = door.draft_within(tx, node.office, asking, which, now)
        verb(tx, node.office, person, now, draft.id, seen, *more)
        return frame.after(f"/desk/bulletins/{draft.id}/review", done)

    return await _acted(request, act)


async def _acted(request: web.Request, act: forms.Act) -> web.Response:
    """Act, or show the page again as it stands now, with what is in the way."""
    try:
        return await forms.act_once(request, act)
    except Invalid as invalid:
        errors = forms.errors_of(invalid.errors, _LABELS)
        return await _shown(request, errors=errors, status=422)
    except Forbidden as forbidden:
        return await _shown(request, refused=forbidden.message, status=403)
    except Conflict as conflict:
        return await _shown(request, refused=conflict.message, status=409)


async def _shown(
    request: web.Request, *, errors: Errors | None = None, refused: str | None = None, status: int = 200
) -> web.Response:
    node, which = parts(request), request.match_info["id"]
    view = await node.database.read(_view, node, frame.asking(request), request[PERSON], which, node.clock())
    if view["draft"].stage not in rights.OPEN:  # released meanwhile: its record says what became of it
        return frame.see_other(f"/desk/bulletins/{view['draft'].product_id}")
    typed = (await forms.read_fields(request)).one("reason") if request.method == "POST" else ""
    return await frame.render(
        request,
        "console/review.html",
        status=status,
        here="bulletins",
        errors=errors or Errors(),
        refused=refused,
        typed=typed,
        **view,
    )


def _view(tx: Tx, node: Parts, asking: Asking, person: Person, which: str, now: dt.datetime) -> dict[str, Any]:
    """Everything that the page shows, from one snapshot."""
    office = node.office
    draft = door.draft_within(tx, office, asking, which, now)
    before = _before(tx, node, asking, draft, now)
    held, was_for = (None, ()) if before is None else (before.bulletin, tuple(sorted(before.recipients)))
    lacks = rights.lacking(tx, office, now, draft)
    who = history.names(tx, (*draft.authors, *(each.person for each in draft.approvals)))
    known = rights.accounts(tx, office, person, now, [draft])
    open_draft = draft.stage in rights.OPEN
    return {
        "draft": draft,
        "bulletin": draft.bulletin,
        "shown": shown.page(draft.bulletin),
        "flash": draft.bulletin.lane is Lane.FLASH,
        "changes": shown.changed(held, draft.bulletin, was_for, draft.audience),
        "before": None if before is None else before.version,
        "reach": _reach(tx, node, draft, now) if open_draft else {},
        "checks": _checks(node, draft, lacks, now),
        "authors": sorted(who[each] for each in draft.authors),
        "approvals": [{"who": who[each.person], "role": each.role, "at": each.at} for each in draft.approvals],
        "hindered": {verb.value: rights.hindrance(office, person, now, draft, verb, known) for verb in _VERBS},
        "timeline": history.timeline(tx, None, [draft.id]),
        "sent_back": history.sent_back(tx, draft.id),
    }


def _before(tx: Tx, node: Parts, asking: Asking, draft: Draft, now: dt.datetime) -> door.Revision | None:
    """The released version that this one follows, as far as its words are here."""
    if draft.product_id is None:
        return None
    found = door.versions_within(tx, node.office, asking, draft.product_id, now)
    same = (each.revision for each in found if not each.withdrawn and each.revision.payload is not None)
    return next((each for each in same if each.version == draft.base_version), None)


# ------------------------------------------------------------------------------------------------ whom it reaches
def _reach(tx: Tx, node: Parts, draft: Draft, now: dt.datetime) -> dict[str, Any]:
    """Who would get it, and who would not and why: states, everybody, our districts."""
    reached = publishing.preview(tx, node.office, now, draft)
    ceiling = node.office.policy.district_ceiling
    outside: tuple[tuple[str, Exit, Reader], ...] = (
        ("Everybody: the open page and the open feeds", Exit.PAGE, Public()),
        ("Our districts: their private feeds", Exit.RSS, District(node.office.place, ceiling)),
    )
    told = []
    for words, way, reader in outside:
        decision = door.would_leave(node.office, draft, Asking(way, reader, node.mode), now)
        told.append((words, None if isinstance(decision, Allowed) else decision.reason))
    told += [(_name(place), None) for place in sorted(reached.gets, key=_name)]
    told += [(_name(place), reached.withheld[place]) for place in sorted(reached.withheld, key=_name)]
    return {
        "gets": [words for words, why in told if why is None],
        "not": [{"who": words, "why": why} for words, why in told if why is not None],
    }


def _name(place: str) -> str:
    return PLACES[place].name if place in PLACES else place


# ------------------------------------------------------------------------------------------------ checks
def _checks(node: Parts, draft: Draft, lacks: tuple[str, ...], now: dt.datetime) -> list[dict[str, Any]]:
    """What was looked at, and what is wrong: `stops` is true where it cannot be released so."""
    bulletin = draft.bulletin
    content = contents.of_bulletin(bulletin, draft.audience)
    made: list[dict[str, Any]] = []
    try:
        contents.check(content, mode=node.mode, place=node.office.place, now=now)
        made.append({"good": True, "words": "Every field fits."})
    except Invalid as invalid:
        wrong = forms.errors_of(invalid.errors, {}).items
        made += [{"good": False, "stops": True, "words": f"{each.label} {each.message}."} for each in wrong]
    if len(draft.bundle) > MAX_DRAFT:
        made.append(
            {"good": False, "stops": True, "words": f"It has {len(draft.bundle):,} bytes; {MAX_DRAFT:,} travel."}
        )
    if bulletin.tlp is Tlp.RED:
        made.append({"good": False, "stops": True, "words": "TLP:RED has no way out: it can never be released."})
    serious = SEVERITY_RANK[bulletin.severity] >= SEVERITY_RANK[Severity.SEVERE]
    if serious and bulletin.next_update_by is None:
        words = "It is severe and does not say when the next word comes. Readers wait for it."
        made.append({"good": False, "stops": False, "words": words})
    if not bulletin.areas:
        made.append({"good": False, "stops": False, "words": "It names no place, so it concerns every place."})
    made += [{"good": False, "stops": True, "words": f"It lacks {each}."} for each in lacks]
    if not lacks and draft.stage is Stage.APPROVED:
        made.append({"good": True, "words": "It has every approval that the policy asks for."})
    return made
