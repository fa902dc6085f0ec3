"""The record of a released bulletin: how it stands, what was done, who has it; update and withdraw."""

from __future__ import annotations

import datetime as dt
from typing import Any

from aiohttp import web

from hub.desk import compose as composing
from hub.desk import withdraw as withdrawing
from hub.errors import Conflict, FieldError, Forbidden, Invalid, NotFound
from hub.rules.authority import Verb, may
from hub.rules.decision import Refused
from hub.rules.lifecycle import step
from hub.rules.release import Exit, Public
from hub.store.database import Tx
from hub.store.people import Person
from hub.web import door, wording
from hub.web.access import PERSON
from hub.web.console import forms, frame, history, rights, shown
from hub.web.console.forms import Errors
from hub.web.door import Asking, Leaving, Revision
from hub.web.parts import Parts, parts
from schemas.vocabulary import Reason

# What a person may say; the others are the node's own (an agreement that ended, an expiry).
REASONS = (Reason.ERROR, Reason.HOAX, Reason.SUPERSEDED, Reason.PRIVACY, Reason.LEGAL, Reason.OTHER)
_REASON_WORDS = {Reason.OTHER: "another reason"}
_OPEN = (
    ("Page", "", Exit.PAGE),
    ("Plain text", ".txt", Exit.TEXT),
    ("STIX 2.1, signed", ".stix.json", Exit.STIX),
    ("CAP 1.2", ".cap.xml", Exit.CAP),
)
_LABELS = {"reason": "Why it is withdrawn", "replaced_by": "What takes its place"}


async def page(request: web.Request, refused: str | None = None, status: int = 200) -> web.Response:
    """How it stands and how it came about."""
    node, which = parts(request), request.match_info["id"]
    view = await node.database.read(_view, node, frame.asking(request), request[PERSON], which, node.clock())
    return await frame.render(request, "console/record.html", status=status, here="bulletins", refused=refused, **view)


async def update(request: web.Request) -> web.Response:
    """Open the next version as a draft."""
    fields, node, which = await forms.read_fields(request), parts(request), request.match_info["id"]
    seen, asking = fields.number("seen"), frame.asking(request)

    def act(tx: Tx, person: Person, now: dt.datetime) -> str:
        product_id = _stands_at(tx, node, asking, which, seen, now)
        draft = composing.update(tx, node.office, person, now, product_id)
        return frame.after(f"/desk/bulletins/{draft.id}", "opened")

    try:
        return await forms.act_once(request, act)
    except Forbidden as forbidden:
        return await page(request, forbidden.message, 403)
    except Conflict as conflict:
        return await page(request, conflict.message, 409)


async def withdraw_page(request: web.Request) -> web.Response:
    """Ask once more, and why."""
    return await _withdraw_form(request)


async def withdraw(request: web.Request) -> web.Response:
    """Take it back, everywhere and for good."""
    fields, node, which = await forms.read_fields(request), parts(request), request.match_info["id"]
    seen, asking = fields.number("seen"), frame.asking(request)

    def act(tx: Tx, person: Person, now: dt.datetime) -> str:
        reason = fields.one("reason")
        if reason not in REASONS:
            raise Invalid("", (FieldError("/reason", "is needed: choose one"),))
        product_id = _stands_at(tx, node, asking, which, seen, now)
        instead = fields.one("replaced_by").upper() or None
        withdrawing.withdraw(tx, node.office, person, now, product_id, Reason(reason), instead)
        return frame.after(f"/desk/bulletins/{product_id}", "withdrawn")

    try:
        return await forms.act_once(request, act)
    except Invalid as invalid:
        return await _withdraw_form(request, errors=forms.errors_of(invalid.errors, _LABELS), status=422)
    except Forbidden as forbidden:
        return await page(request, forbidden.message, 403)
    except Conflict as conflict:
        return await _withdraw_form(request, refused=conflict.message, status=409)


async def _withdraw_form(
    request: web.Request, *, errors: Errors | None = None, refused: str | None = None, status: int = 200
) -> web.Response:
    node, which = parts(request), request.match_info["id"]
    view = await node.database.read(_view, node, frame.asking(request), request[PERSON], which, node.clock())
    if not view["revision"].own:
        raise NotFound
    typed = await forms.read_fields(request) if request.method == "POST" else forms.Fields()
    return await frame.render(
        request,
        "console/withdraw.html",
        status=status,
        here="bulletins",
        errors=errors or Errors(),
        refused=refused,
        chosen=typed.one("reason"),
        replaced_by=typed.one("replaced_by"),
        reasons=[(each.value, _REASON_WORDS.get(each, wording.reason_words(each)).capitalize()) for each in REASONS],
        **view,
    )


def _stands_at(tx: Tx, node: Parts, asking: Asking, product_id: str, seen: int, now: dt.datetime) -> str:
    """The product, while it still stands at the version that was seen. Raises NotFound, Conflict."""
    at = door.one_within(tx, node.office, asking, product_id, now).revision.version
    if at != seen:
        raise Conflict(f"It moved on: you saw version {seen}, it is at {at}. Look at it again.", code="moved-on")
    return product_id


def _view(tx: Tx, node: Parts, asking: Asking, person: Person, which: str, now: dt.datetime) -> dict[str, Any]:
    """Everything that the record shows, from one snapshot. Raises NotFound."""
    office = node.office
    leaving = door.one_within(tx, office, asking, which, now)
    versions = door.versions_within(tx, office, asking, which, now)
    drafts = door.drafts_of_within(tx, office, asking, which, now)
    copies = door.copies_within(tx, office, asking, which, now)
    addressees = [each.addressee for each in copies]
    tells = leaving.revision.payload is not None and leaving.revision.desk_only is None and not leaving.withdrawn
    return {
        "revision": leaving.revision,
        "told": leaving,
        "shown": shown.page(leaving.revision.bulletin) if tells else None,
        "reason": wording.reason_words(leaving.revision.reason),
        "hindered": _hindered(node, leaving.revision, person, now),
        "open": next((each for each in drafts if each.stage in rights.OPEN), None),
        "copies": [{"to": history.addressee_words(each.addressee), "of": each} for each in copies],
        "timeline": history.timeline(tx, which, [each.id for each in drafts], addressees),
        "versions": list(_compared(versions))[::-1],
        "formats": _formats(tx, node, leaving, now),
    }


def _hindered(node: Parts, revision: Revision, person: Person, now: dt.datetime) -> dict[str, str | None]:
    """Why this person cannot update or withdraw it, None where they can."""
    made: dict[str, str | None] = {}
    for verb in (Verb.UPDATE, Verb.WITHDRAW):
        allowed = may(person.actor(), verb, None, now=now, policy=node.office.policy)
        after = step(revision.stage, verb)
        refused = next((each.reason for each in (after, allowed) if isinstance(each, Refused)), None)
        made[verb.value] = refused if revision.own else "It is another state's: only that state changes it."
    return made


def _compared(versions: list[Leaving]) -> Any:
    """Each version with what it changed from the one before, as far as the words of both are here."""
    before: Revision | None = None
    for leaving in versions:
        revision = leaving.revision
        readable = revision.payload is not None and revision.desk_only is None and not leaving.withdrawn
        changes = []
        if readable and before is not None:
            held, now_for = tuple(sorted(before.recipients)), tuple(sorted(revision.recipients))
            changes = shown.changed(before.bulletin, revision.bulletin, held, now_for)
        yield {"revision": revision, "changes": changes, "follows": None if before is None else before.version}
        before = revision if readable else before


def _formats(tx: Tx, node: Parts, leaving: Leaving, now: dt.datetime) -> list[tuple[str, str]]:
    """The open addresses under which everybody finds it; none when it is not for everybody."""
    which = leaving.revision.product_id
    made = []
    for words, ending, way in _OPEN:
        try:
            found = door.one_within(tx, node.office, Asking(way, Public(), node.mode), which, now)
        except NotFound:
            continue
        if way is not Exit.STIX or not found.withdrawn:
            made.append((words, f"/bulletins/{which}{ending}"))
    return made
