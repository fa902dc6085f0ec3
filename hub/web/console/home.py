"""The desk's first page: what is yours, and what waits for a second person."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from aiohttp import web

from hub.rules.authority import Actor, Verb
from hub.rules.authority import rights as rights_of
from hub.rules.lifecycle import Stage
from hub.store.database import Tx
from hub.store.people import Person
from hub.web import door
from hub.web.access import PERSON
from hub.web.console import frame, history, rights
from hub.web.console.bulletins import row_of_draft
from hub.web.door import Asking, Draft
from hub.web.parts import Parts, parts


async def page(request: web.Request) -> web.Response:
    """Yours first, then what waits."""
    node, person = parts(request), request[PERSON]
    has = rights_of(person.roles)
    lanes: dict[str, Any] = {"mine": [], "waits": [], "others": 0}
    if Verb.READ_DESK in has:
        lanes = await node.database.read(_lanes, node, frame.asking(request), person, node.clock())
    return await frame.render(
        request,
        "console/home.html",
        here="desk",
        may_compose=Verb.COMPOSE in has,
        reads=Verb.READ_DESK in has,
        queue=Verb.READ_QUEUE in has,
        **lanes,
    )


def _lanes(tx: Tx, node: Parts, asking: Asking, person: Person, now: dt.datetime) -> dict[str, Any]:
    drafts = door.drafts_within(tx, node.office, asking, now)
    written = [each for each in drafts if each.stage is Stage.DRAFT]
    mine = [each for each in written if person.id in each.authors]
    handed = [each for each in drafts if each.stage is not Stage.DRAFT]
    known = rights.accounts(tx, node.office, person, now, handed)
    waits = [_waiting(node, person, now, each, known) for each in handed]
    return {
        "mine": [{**row_of_draft(each), "sent_back": history.sent_back(tx, each.id)} for each in mine],
        # What this person can act on comes first.
        "waits": sorted(waits, key=lambda row: row["hindrance"] is not None),
        "others": len(written) - len(mine),
    }


def _waiting(node: Parts, person: Person, now: dt.datetime, draft: Draft, known: Mapping[str, Actor]) -> dict[str, Any]:
    hindrance = rights.next_hindrance(node.office, person, now, draft, known)
    return {**row_of_draft(draft), "hindrance": hindrance, "mine": person.id in draft.authors}
