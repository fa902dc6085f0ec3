"""What is given back to a peer that came out of a backup, page by page, as signed bytes."""

from __future__ import annotations

import base64
import re

import msgspec
from aiohttp import web

from hub.desk.offer import After, offer
from hub.errors import FieldError
from hub.rules.release import Exit, Member
from hub.web.access import PERSON
from hub.web.door import Asking
from hub.web.idempotency import reply
from hub.web.parts import parts
from hub.web.problem import Problem
from hub.web.route import Query
from schemas.envelope import Envelope

_AFTER = re.compile(r"([0-9]{1,15})\.([0-9]{1,15})", re.ASCII)
AFTER = (Query("after", "where the page before ended", {"type": "string"}),)


class OfferedMessage(msgspec.Struct, frozen=True):
    """One signed message: its subject, the payload in base64, public key and signature."""

    subject: str
    payload: str
    key: str
    signature: str


class OfferPage(msgspec.Struct, frozen=True, rename={"from_": "from"}):
    """A page; `after` is what to ask for next, null at the end. `from` and `to` are places."""

    from_: str
    to: str
    mode: str
    items: tuple[OfferedMessage, ...]
    after: str | None


async def page(request: web.Request) -> web.Response:
    """The next messages for this peer."""
    node, place = parts(request), request.match_info["place"].lower()
    asking = Asking(Exit.API, Member(request[PERSON].actor()), node.mode)
    found = await node.database.read(offer, node.office, node.clock(), place, asking.reader, _after(request))
    after = None if found.after is None else f"{found.after.version}.{found.after.tombstone}"
    items = tuple(_message(each) for each in found.items)
    return reply(OfferPage(node.office.place, place, node.mode.value, items, after)).response()


def _after(request: web.Request) -> After:
    unknown = sorted(set(request.query) - {"after"})
    said = request.query.get("after", "0.0")
    where = _AFTER.fullmatch(said)
    if unknown or where is None:
        words = f"{unknown[0]!r} is no parameter here" if unknown else "after is what the page before gave"
        name = unknown[0] if unknown else "after"
        raise Problem("malformed", f"{words}.", (FieldError(f"?{name[:60]}", words),), code="unknown-parameter")
    return After(int(where[1]), int(where[2]))


def _message(sealed: Envelope) -> OfferedMessage:
    return OfferedMessage(sealed.subject, base64.b64encode(sealed.payload).decode(), sealed.key, sealed.signature)
