"""Write a bulletin at the desk: a new one, or a draft as it stands. What somebody typed is never lost to an error."""

from __future__ import annotations

import dataclasses
import datetime as dt
from typing import Any

from aiohttp import web

from hub.desk import compose as composing
from hub.desk import content as contents
from hub.desk import vet
from hub.desk.content import of_bulletin
from hub.errors import Conflict, Invalid
from hub.rules.authority import Verb
from hub.store import peers
from hub.store.database import Tx
from hub.store.people import Person
from hub.web import door, wording
from hub.web.access import PERSON
from hub.web.console import forms, frame, history, rights, sheet, shown
from hub.web.console.forms import Errors, Fields
from hub.web.console.sheet import Sheet
from hub.web.door import Draft
from hub.web.forms import BulletinForm
from hub.web.parts import Parts, parts
from schemas.places import PLACES
from schemas.vocabulary import (
    Caveat,
    Certainty,
    Confidence,
    Phase,
    RecordClass,
    Severity,
    Tlp,
    Topic,
    Urgency,
)

TLP_SENTENCES = {
    Tlp.CLEAR: "TLP:CLEAR: everybody, on the open page and in the open feeds",
    Tlp.GREEN: "TLP:GREEN: schools with a private feed, and the states we share with; never an open page",
    Tlp.AMBER: "TLP:AMBER: our own districts that need to know, and the states it is sent to",
    Tlp.AMBER_STRICT: "TLP:AMBER+STRICT: this center, and the states it is sent to; no district",
    Tlp.RED: "TLP:RED: those who sign in at this desk; it can never be released",
}
_CHOOSE = ("", "Choose one")


async def new(request: web.Request) -> web.Response:
    """The form of a new bulletin."""
    return await _form(request, sheet.blank())


async def create(request: web.Request) -> web.Response:
    """Save it for the first time."""
    fields, node = await forms.read_fields(request), parts(request)

    def act(tx: Tx, person: Person, now: dt.datetime, form: BulletinForm) -> str:
        draft = composing.compose(tx, node.office, person, now, form.content())
        return _go_on(tx, request, person, now, fields, draft)

    return await _save(request, fields, None, act)


async def edit_page(request: web.Request, draft: Draft) -> web.Response:
    """The form of a draft."""
    content = of_bulletin(draft.bulletin, draft.audience)
    return await _form(request, sheet.of_content(content, parts(request).zone), draft=draft)


async def save(request: web.Request) -> web.Response:
    """Save a draft as it was typed; what the form does not show stays as it was."""
    fields, node, which = await forms.read_fields(request), parts(request), request.match_info["id"]
    seen, asking = fields.number("seen"), frame.asking(request)

    def act(tx: Tx, person: Person, now: dt.datetime, form: BulletinForm) -> str:
        draft = door.draft_within(tx, node.office, asking, which, now)
        stands = of_bulletin(draft.bulletin, draft.audience)
        said = sheet.kept_moments(dataclasses.replace(stands, **form.given()), stands, node.zone)
        draft = composing.edit(tx, node.office, person, now, draft.id, seen, said)
        return _go_on(tx, request, person, now, fields, draft)

    draft = await door.draft(node, asking, which)
    return await _save(request, fields, draft, act)


def _go_on(tx: Tx, request: web.Request, person: Person, now: dt.datetime, fields: Fields, draft: Draft) -> str:
    """Hand it over in the same transaction when that was the button; where to go then."""
    here = f"/desk/bulletins/{draft.id}"
    if fields.one("do") != "submit":
        return frame.after(here, "saved") + ("#actions" if fields.one("do") == "more" else "")
    vet.submit(tx, parts(request).office, person, now, draft.id, draft.version)
    return frame.after(f"{here}/review", "submitted")


async def _save(request: web.Request, fields: Fields, draft: Draft | None, act: Any) -> web.Response:
    """Act on what was typed, or show it again with what is wrong."""
    try:
        form = sheet.read(fields, parts(request).zone)
        return await forms.act_once(request, lambda tx, person, now: act(tx, person, now, form))
    except Invalid as invalid:
        errors = forms.errors_of(invalid.errors, sheet.LABELS)
        return await _form(request, sheet.of_fields(fields), draft=draft, errors=errors, status=422)
    except Conflict as conflict:
        if draft is None or conflict.code != "moved-on":
            raise
        return await _moved_on(request, fields, draft.id, conflict)


async def _moved_on(request: web.Request, fields: Fields, which: str, conflict: Conflict) -> web.Response:
    """Somebody saved before: what they changed it to, beside what was typed here, which is still in the form."""
    node, asking = parts(request), frame.asking(request)
    draft = await door.draft(node, asking, which)
    stands = sheet.of_content(of_bulletin(draft.bulletin, draft.audience), node.zone)
    typed = sheet.of_fields(fields)
    moved = {"message": conflict.message, "changes": list(_against(stands, typed))}
    return await _form(request, typed, draft=draft, moved=moved, status=409)


def _against(stands: Sheet, typed: Sheet) -> Any:
    for name, label in sheet.LABELS.items():
        was, now = _said(stands, name), _said(typed, name)
        if was != now:
            yield {"label": label, "stands": was or "nothing", "typed": now or "nothing"}


def _said(one: Sheet, name: str) -> str:
    if name == "actions":
        return "\n".join(f"{role}: {text}" for role, text in one.rows if role or text)
    if name in {"also", "caveats"}:
        return ", ".join(getattr(one, name))
    if name == "minor":
        return "yes" if one.minor else "no"
    return ", ".join(sorted(one.to)) or "all" if name == "audience" else one.value(name)


async def _form(
    request: web.Request,
    values: Sheet,
    *,
    draft: Draft | None = None,
    errors: Errors | None = None,
    moved: Any = None,
    status: int = 200,
) -> web.Response:
    node = parts(request)
    around = await node.database.read(_around, node, request[PERSON], draft, node.clock())
    return await frame.render(
        request,
        "console/compose.html",
        status=status,
        here="bulletins" if draft is not None else "compose",
        values=values,
        draft=draft,
        errors=errors or Errors(),
        moved=moved,
        choices=_choices(around["peers"], values.to),
        zone=node.zone,
        headline_most=contents.HEADLINE,
        **around,
    )


def _around(tx: Tx, node: Parts, person: Person, draft: Draft | None, now: dt.datetime) -> dict[str, Any]:
    """What the form says beside its fields: the states we know, why this person may not, why it came back."""
    known = tuple(each.place for each in peers.everybody(tx) if each.state == "active")
    if draft is None:
        return {"peers": known, "hindrance": None, "sent_back": None}
    involved = rights.accounts(tx, node.office, person, now, [draft])
    return {
        "peers": known,
        "hindrance": rights.hindrance(node.office, person, now, draft, Verb.EDIT, involved),
        "sent_back": history.sent_back(tx, draft.id),
    }


def _choices(known: tuple[str, ...], named: tuple[str, ...]) -> dict[str, list[tuple[str, str]]]:
    """What each field of choice offers, as (value, words)."""
    states = sorted({*known, *(place for place in named if place in PLACES)}, key=lambda code: PLACES[code].name)
    return {
        "topic": [_CHOOSE, *((each.value, wording.topic_words(each)) for each in Topic)],
        "also": [(each.value, wording.topic_words(each)) for each in Topic],
        "phase": _capitalized(Phase),
        "severity": [_CHOOSE, *_capitalized(Severity)],
        "urgency": [_CHOOSE, *_capitalized(Urgency)],
        "certainty": [_CHOOSE, *_capitalized(Certainty)],
        "confidence": _capitalized(Confidence),
        "tlp": [(each.value, words) for each, words in TLP_SENTENCES.items()],
        "audience": [("all", "Every state that may have it"), ("named", "Only the states ticked here")],
        "to": [(code, PLACES[code].name) for code in states],
        "lane": list(shown.LANES.items())[::-1],
        "caveats": [(each.value, _CAVEATS[each]) for each in Caveat],
        "record_class": _capitalized(RecordClass),
    }


def _capitalized(words: Any) -> list[tuple[str, str]]:
    return [(each.value, each.value.replace("-", " ").capitalize()) for each in words]


_CAVEATS = {
    Caveat.LES: "Law enforcement sensitive (LES)",
    Caveat.CUI: "Controlled unclassified information (CUI)",
    Caveat.ASK_ORIGINATOR: "Ask the originator before passing it on",
    Caveat.NO_REDISTRIBUTION: "No redistribution",
}
