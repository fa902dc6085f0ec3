"""Peer nodes: their register entries, what was agreed with them, how the links stand."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any, TypeVar

import msgspec
from aiohttp import web

from hub.desk import peers as desk
from hub.errors import Invalid
from hub.store import peers as store
from hub.store.database import Tx
from hub.store.peers import Peer
from hub.store.people import Person
from hub.web import forms
from hub.web.idempotency import Act, Reply, perform, reply
from hub.web.parts import parts
from schemas import register
from schemas.register import AgreementFile, WireAgreement

D = TypeVar("D")


class PeerView(msgspec.Struct, frozen=True, kw_only=True):
    """One peer. `link` is what the node knows of the connection; `agreement` what it may have of us, as it is set; null for nothing."""

    place: str
    name: str
    state: str
    serial: int
    origins: tuple[str, ...]
    public_url: str
    agreement: WireAgreement | None
    link: dict[str, Any]


class Peers(msgspec.Struct, frozen=True):
    """Every peer, by place; revoked ones too."""

    peers: list[PeerView]


async def own_entry(request: web.Request) -> web.Response:
    """This node's own register entry, as a peer's operator takes it."""
    raw = register.encode_entry(parts(request).register_entry())
    return web.Response(body=raw, content_type="application/json")


async def listed(request: web.Request) -> web.Response:
    """Every peer with its agreement and its link."""
    node = parts(request)
    found = await node.database.read(store.everybody)
    links = node.links()
    return reply(Peers([_view(peer, links.get(peer.place, {})) for peer in found])).response()


async def accept(request: web.Request) -> web.Response:
    """Take a node as a peer, or its newer register entry."""
    entry = _decoded(register.decode_entry, await forms.read_document(request))
    office = parts(request).office

    def act(tx: Tx, actor: Person, now: dt.datetime) -> Reply:
        return reply(_view(desk.accept_peer(tx, office, actor, now, entry), {}), 201)

    return await _changing(request, act)


async def agree(request: web.Request) -> web.Response:
    """Set what a peer may have of us."""
    place = request.match_info["place"].lower()
    document = {"peer": place, **await forms.read_document(request)}
    if document["peer"] != place:
        raise Invalid(f"This agreement is with {str(document['peer'])[:20]!r}, the address says {place[:20]!r}.")
    agreement = _decoded(register.decode_agreement, document)
    office = parts(request).office

    def act(tx: Tx, actor: Person, now: dt.datetime) -> Reply:
        return reply(_view(desk.agree(tx, office, actor, now, agreement), {}))

    return await _changing(request, act)


async def end_agreement(request: web.Request) -> web.Response:
    """End what was agreed; everything is recalled, the peer stays one."""
    office, place = parts(request).office, request.match_info["place"].lower()

    def act(tx: Tx, actor: Person, now: dt.datetime) -> Reply:
        return reply(_view(desk.end_agreement(tx, office, actor, now, place), {}))

    return await _changing(request, act)


async def revoke(request: web.Request) -> web.Response:
    """It is no peer any more."""
    form = await forms.read_form(request, forms.RevokeForm)
    office, place = parts(request).office, request.match_info["place"].lower()

    def act(tx: Tx, actor: Person, now: dt.datetime) -> Reply:
        return reply(_view(desk.revoke_peer(tx, office, actor, now, place, form.reason), {}))

    return await _changing(request, act)


async def _changing(request: web.Request, act: Act) -> web.Response:
    """Run a verb that changes who may have what, then tell the node, so that its broker enforces it."""
    answer = await perform(request, act)
    parts(request).peers_changed()
    return answer


def _decoded(decode: Callable[[bytes], D], document: dict[str, Any]) -> D:
    try:
        return decode(msgspec.json.encode(document))
    except ValueError as error:
        raise Invalid(str(error)) from None


def _view(peer: Peer, link: Any) -> PeerView:
    return PeerView(
        place=peer.place,
        name=peer.entry.name,
        state=peer.state,
        serial=peer.entry.serial,
        origins=peer.entry.origins,
        public_url=peer.entry.public_url,
        agreement=None if peer.file is None else _wire(peer.file),
        link=dict(link),
    )


def _wire(agreement: AgreementFile) -> WireAgreement:
    """The agreement as it is written, so that what is shown here can be set again as it stands."""
    return msgspec.json.decode(register.encode_agreement(agreement), type=WireAgreement)
