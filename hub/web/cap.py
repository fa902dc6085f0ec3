"""A bulletin as a message of the Common Alerting Protocol (OASIS CAP 1.2): Alert, Update of what this node sent before, or Cancel."""

from __future__ import annotations

import urllib.parse

from aiohttp import web

from hub.errors import NotFound
from hub.rules.release import Exit, Public
from hub.web import door, wording
from hub.web.conditional import Body, answer
from hub.web.door import Asking, Leaving, Revision
from hub.web.parts import Parts, parts
from schemas import cap
from schemas.bulletin import Tombstone
from schemas.vocabulary import Reason, TombstoneKind

MEDIA = "application/cap+xml"
# Changed by a withdrawal: a copy is asked about each time.
_FRESH = {"Cache-Control": "public, no-cache"}


async def alert(request: web.Request) -> web.Response:
    """The message of the current version; of a withdrawn bulletin the Cancel of every message before it."""
    node = parts(request)
    asking = Asking(Exit.CAP, Public(), node.mode)
    leaving, earlier = await door.with_earlier(node, asking, request.match_info["product_id"])
    sender = _sender(node)
    before = [_reference(each, sender) for each in earlier]
    try:
        said = cap.write(
            _cancel(leaving, sender, before) if leaving.withdrawn else _alert(node, leaving, sender, before)
        )
    except cap.CapError as error:  # a peer's bulletin may hold what CAP has no room for
        raise NotFound("This bulletin cannot be said in CAP; its page and its other forms are there.") from error
    body = Body(said, MEDIA, leaving.revision.updated_at)
    name = f"{leaving.revision.product_id}.cap.xml"
    return answer(request, body, {**_FRESH, "Content-Disposition": f'inline; filename="{name}"'})


def _alert(node: Parts, leaving: Leaving, sender: str, before: list[cap.Reference]) -> cap.Alert:
    revision = leaving.revision
    return cap.from_bulletin(
        revision.bulletin,
        sender=sender,
        sender_name=node.title if revision.own else wording.origin_words(revision.origin),
        web=f"{node.public_url}/bulletins/{revision.product_id}",
        earlier=before,
    )


def _cancel(leaving: Leaving, sender: str, before: list[cap.Reference]) -> cap.Alert:
    """What is told of a withdrawal here, whether or not a tombstone had to travel: there is one a product, for ever."""
    revision = leaving.revision
    taken = Tombstone(
        mode=revision.mode,
        origin=revision.origin,
        product_id=revision.product_id,
        report_id=revision.report_id,
        version=revision.version,
        kind=TombstoneKind.WITHDRAWN,
        reason=revision.reason or Reason.ERROR,
        serial=1,
        salt="",
        issued=revision.updated_at,
        replaced_by=leaving.replaced_by,
    )
    return cap.from_tombstone(taken, sender=sender, earlier=[*before, _reference(revision, sender)])


def _reference(revision: Revision, sender: str) -> cap.Reference:
    return cap.reference(revision.product_id, revision.version, revision.released_at, sender)


def _sender(node: Parts) -> str:
    """This node's host name, with its port where that is not the usual one: unique, and without what CAP forbids there."""
    return urllib.parse.urlsplit(node.public_url).netloc.rpartition("@")[2]
