"""After a restore: what the node waits for, and how its director ends the hold."""

from __future__ import annotations

import datetime as dt
from typing import Annotated

import msgspec
import pydantic
from aiohttp import web

from hub.desk import recover
from hub.store import restoring
from hub.store.database import Tx
from hub.store.people import Person
from hub.web import forms
from hub.web.idempotency import Reply, perform, reply
from hub.web.parts import parts


class RestorationView(msgspec.Struct, frozen=True):
    """`held`: nothing is released, withdrawn or sent. `waits`: "own" and the peers whose items are hidden; empty for nothing."""

    held: bool
    waits: tuple[str, ...]
    epoch: int | None = None
    since: dt.datetime | None = None


class Ended(msgspec.Struct, frozen=True):
    """What the hold was ended for, and the first number of each series from now on."""

    parts: tuple[str, ...]
    numbers: dict[str, int]


class OverrideForm(forms.Form):
    """Why the hold ends; `unread` although the node's own streams were not looked at."""

    reason: Annotated[str, pydantic.Field(min_length=1, max_length=1_000)]
    unread: pydantic.StrictBool = False


async def show(request: web.Request) -> web.Response:
    """What a restored node still waits for."""
    return reply(_view(await parts(request).database.read(restoring.state))).response()


async def override(request: web.Request) -> web.Response:
    """End the hold, with a reason for the journal."""
    form = await forms.read_form(request, OverrideForm)
    office = parts(request).office

    def act(tx: Tx, actor: Person, now: dt.datetime) -> Reply:
        done = recover.override(tx, office, actor, now, form.reason, unread=form.unread)
        return reply(Ended(done.parts, done.numbers))

    return await perform(request, act)


def _view(found: restoring.Restoration | None) -> RestorationView:
    if found is None:
        return RestorationView(held=False, waits=())
    return RestorationView(found.held, found.waits, found.epoch, found.since)
