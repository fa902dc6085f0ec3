"""The desk's verbs over HTTP. Each carries the version that the person saw, and is answered once it is on disk."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Callable

from aiohttp import web

from hub import metrics
from hub.desk import compose as composing
from hub.desk import publish as publishing
from hub.desk import vet
from hub.desk import withdraw as withdrawing
from hub.desk.content import of_bulletin
from hub.errors import Conflict
from hub.rules.lifecycle import UNRELEASED
from hub.rules.release import Exit, Member
from hub.store.database import Tx
from hub.store.people import Person
from hub.web import answers, door, forms
from hub.web.access import PERSON
from hub.web.door import Asking, Draft
from hub.web.idempotency import Reply, perform, reply
from hub.web.parts import Parts, parts
from hub.web.query import read_filter
from schemas import product


async def listed(request: web.Request) -> web.Response:
    """Open drafts, then products, newest first."""
    wanted = read_filter(request.query, names=("limit", "before"))
    node, asking = parts(request), _asking(request)
    open_drafts = [] if wanted.before else await door.drafts(node, asking)
    found = await door.newest(node, asking, wanted)
    rows = [answers.row_of_draft(each) for each in open_drafts]
    rows += door.written(found.items, answers.row_of_product)
    return reply(answers.Rows(rows, found.more)).response()


async def show(request: web.Request) -> web.Response:
    """One bulletin: a draft by its id, a product by its number."""
    node, asking, which = parts(request), _asking(request), request.match_info["id"]
    if is_product(which):
        full = answers.full_of_product(await door.one(node, asking, which))
    else:
        draft = await door.draft(node, asking, which)
        reached = None
        if draft.stage in UNRELEASED:
            reached = await node.database.read(publishing.preview, node.office, node.clock(), draft)
        full = answers.full_of_draft(draft, node.office.policy, reached)
    return reply(full, headers=_tag(full.version)).response()


async def compose(request: web.Request) -> web.Response:
    """A new draft."""
    form = await forms.read_form(request, forms.BulletinForm)
    node = parts(request)

    def act(tx: Tx, person: Person, now: dt.datetime) -> Reply:
        return _made(node, composing.compose(tx, node.office, person, now, form.content()), status=201)

    return await perform(request, act)


async def edit(request: web.Request) -> web.Response:
    """Change the fields that are given; every approval is void then."""
    form = await forms.read_form(request, forms.BulletinPatch)
    node, asking, which = parts(request), _asking(request), request.match_info["id"]
    seen = forms.seen_version(request)

    def act(tx: Tx, person: Person, now: dt.datetime) -> Reply:
        draft = door.draft_within(tx, node.office, asking, which, now)
        said = dataclasses.replace(of_bulletin(draft.bulletin, draft.audience), **form.given())
        return _made(node, composing.edit(tx, node.office, person, now, draft.id, seen, said))

    return await perform(request, act)


async def submit(request: web.Request) -> web.Response:
    """Hand a draft to a second person."""
    form = await forms.read_form(request, forms.SeenForm)
    return await _vet(request, form, vet.submit)


async def approve(request: web.Request) -> web.Response:
    """Say yes to the content as it stands."""
    form = await forms.read_form(request, forms.SeenForm)
    return await _vet(request, form, vet.approve)


async def send_back(request: web.Request) -> web.Response:
    """Hand a draft back, saying why."""
    form = await forms.read_form(request, forms.SendBackForm)
    return await _vet(request, form, vet.send_back, form.reason)


async def publish(request: web.Request) -> web.Response:
    """Release. The answer names who gets it, and who does not and why."""
    form = await forms.read_form(request, forms.SeenForm)
    node, asking, which = parts(request), _asking(request), request.match_info["id"]
    seen = forms.seen_version(request, form.version)

    def act(tx: Tx, person: Person, now: dt.datetime) -> Reply:
        draft = door.draft_within(tx, node.office, asking, which, now)
        release = publishing.publish(tx, node.office, person, now, draft.id, seen)
        answer = answers.Released(
            id=draft.id,
            product_id=release.product_id,
            version=release.version,
            status="released",
            hash=release.hash,
            gets=release.gets,
            withheld=dict(release.withheld),
            public=release.public,
            recalled=release.recalled,
        )
        return reply(answer, headers={**_tag(release.version), **_location(release.product_id)})

    answer = await perform(request, act)
    if "Idempotency-Replayed" not in answer.headers:
        metrics.RELEASES.inc()
    return answer


async def update(request: web.Request) -> web.Response:
    """Open the next version of one of our products as a draft."""
    form = await forms.read_form(request, forms.SeenForm)
    node, asking, which = parts(request), _asking(request), request.match_info["id"]
    seen = forms.seen_version(request, form.version)

    def act(tx: Tx, person: Person, now: dt.datetime) -> Reply:
        product_id = _product(tx, node, asking, which, seen, now)
        return _made(node, composing.update(tx, node.office, person, now, product_id), status=201)

    return await perform(request, act)


async def withdraw(request: web.Request) -> web.Response:
    """Take a product back, everywhere and for good."""
    form = await forms.read_form(request, forms.WithdrawForm)
    node, asking, which = parts(request), _asking(request), request.match_info["id"]
    seen = forms.seen_version(request, form.version)

    def act(tx: Tx, person: Person, now: dt.datetime) -> Reply:
        product_id = _product(tx, node, asking, which, seen, now)
        done = withdrawing.withdraw(tx, node.office, person, now, product_id, form.reason, form.replaced_by)
        return reply(
            answers.Withdrawn(
                product_id=done.product_id, version=done.version, status="withdrawn", recalled=done.recalled
            )
        )

    return await perform(request, act)


async def _vet(request: web.Request, form: forms.SeenForm, verb: Callable[..., Draft], *more: str) -> web.Response:
    node, asking, which = parts(request), _asking(request), request.match_info["id"]
    seen = forms.seen_version(request, form.version)

    def act(tx: Tx, person: Person, now: dt.datetime) -> Reply:
        draft = door.draft_within(tx, node.office, asking, which, now)
        return _made(node, verb(tx, node.office, person, now, draft.id, seen, *more))

    return await perform(request, act)


def _product(tx: Tx, node: Parts, asking: Asking, which: str, seen: int, now: dt.datetime) -> str:
    """The product that is meant, once it stands at the version that was seen. A draft's id means the product it became."""
    if is_product(which):
        at, product_id = door.one_within(tx, node.office, asking, which, now).revision.version, which
    else:
        draft = door.draft_within(tx, node.office, asking, which, now)
        at, found = draft.version, draft.product_id
        if found is None:
            raise Conflict("This is not released yet: there is nothing to update or withdraw.", code="stage")
        product_id = found
    if at != seen:
        raise Conflict(f"It moved on: you saw version {seen}, it is at {at}. Read it again.", code="moved-on")
    return product_id


def is_product(which: str) -> bool:
    """Whether this spells a product's number."""
    try:
        product.parse(which)
    except ValueError:
        return False
    return True


def _asking(request: web.Request) -> Asking:
    return Asking(Exit.API, Member(request[PERSON].actor()), parts(request).mode)


def _made(node: Parts, draft: Draft, status: int = 200) -> Reply:
    headers = {**_tag(draft.version), **_location(draft.id)}
    return reply(answers.made(draft, node.office.policy), status, headers)


def _tag(version: int) -> dict[str, str]:
    return {"ETag": f'"{version}"'}


def _location(which: str) -> dict[str, str]:
    return {"Location": f"/api/v1/bulletins/{which}"}
