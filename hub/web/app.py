"""Every route in one table; the application, its access checks and its API description are made from it."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from hub.rules.authority import Verb
from hub.rules.release import Exit
from hub.web import answers as said
from hub.web import (
    bulletins,
    cap,
    feeds,
    health,
    offer,
    pages,
    peers,
    people,
    portal,
    queue,
    reference,
    restoration,
    search,
    sources,
)
from hub.web import forms as given
from hub.web.access import admit
from hub.web.console import sign_in
from hub.web.console.routes import CONSOLE
from hub.web.openapi import describe
from hub.web.parts import PARTS, Parts
from hub.web.query import QUERY
from hub.web.reference import DESCRIPTION, Description
from hub.web.route import KIB, ROUTE, Route
from hub.web.shelf import SHELF, Shelf
from hub.web.shield import add_headers, count, problems

_FEED_MEDIA = tuple(form.media for form in feeds.FORMS.values())
_FEED_EXITS = frozenset(form.exit for form in feeds.FORMS.values())
_API = frozenset({Exit.API})
_OWN_WORDS = "answers what the caller has just done, to the caller"
_NO_BULLETIN = "says nothing of any bulletin"
_LISTED = tuple(each for each in QUERY if each.name in {"limit", "before"})

_NODE: tuple[Route, ...] = (
    # ------------------------------------------------------------------------------------ pages and feeds
    Route(method="GET", path="/", handler=portal.front, name="front", summary="Current bulletins for everybody",
          access="public", media=("text/html",), query=QUERY, exits=frozenset({Exit.PAGE})),
    Route(method="GET", path="/bulletins/{product_id}.stix.json", handler=portal.stix, name="bulletin_stix",
          summary="The signed STIX 2.1 bundle", access="public", media=(portal.STIX_MEDIA,), exits=frozenset({Exit.STIX})),
    Route(method="GET", path="/bulletins/{product_id}.cap.xml", handler=cap.alert, name="bulletin_cap",
          summary="A bulletin as a CAP 1.2 message", access="public", media=(cap.MEDIA,), exits=frozenset({Exit.CAP})),
    Route(method="GET", path="/bulletins/{product_id}.txt", handler=portal.text, name="bulletin_text",
          summary="A bulletin as plain text", access="public", media=("text/plain",), exits=frozenset({Exit.TEXT})),
    Route(method="GET", path="/bulletins/{product_id}", handler=portal.page, name="bulletin",
          summary="A bulletin's page", access="public", media=("text/html",), exits=frozenset({Exit.PAGE})),
    Route(method="GET", path="/feeds/bulletins.{form}", handler=feeds.public, name="feed",
          summary="The open feed as RSS 2.0, Atom or JSON Feed", access="public", media=_FEED_MEDIA, query=QUERY,
          exits=_FEED_EXITS),
    Route(method="GET", path="/feeds/exercise.{form}", handler=feeds.exercise, name="feed_exercise",
          summary="Exercise bulletins of a live node", access="public", media=_FEED_MEDIA, query=QUERY,
          exits=_FEED_EXITS),
    Route(method="GET", path="/feeds/t/{token}/bulletins.{form}", handler=feeds.private, name="feed_private",
          summary="A district's private feed", access="public", media=_FEED_MEDIA, query=QUERY, exits=_FEED_EXITS),
    # ------------------------------------------------------------------------------------ the desk
    Route(method="GET", path="/api/v1/bulletins", handler=bulletins.listed, name="bulletins",
          summary="Drafts and products", access=Verb.READ_DESK, answer=said.Rows, query=_LISTED, exits=_API),
    Route(method="POST", path="/api/v1/bulletins", handler=bulletins.compose, name="compose",
          summary="Make a draft", access=Verb.COMPOSE, body=given.BulletinForm, answer=said.Made, status=201,
          no_item=_OWN_WORDS),
    Route(method="GET", path="/api/v1/bulletins/{id}", handler=bulletins.show, name="show",
          summary="One bulletin", access=Verb.READ_DESK, answer=said.Full, exits=_API),
    Route(method="PATCH", path="/api/v1/bulletins/{id}", handler=bulletins.edit, name="edit",
          summary="Change a draft", access=Verb.EDIT, body=given.BulletinPatch, answer=said.Made, no_item=_OWN_WORDS),
    Route(method="POST", path="/api/v1/bulletins/{id}/submit", handler=bulletins.submit, name="submit",
          summary="Hand a draft to a second person", access=Verb.SUBMIT, body=given.SeenForm, answer=said.Made,
          no_item=_OWN_WORDS),
    Route(method="POST", path="/api/v1/bulletins/{id}/send-back", handler=bulletins.send_back, name="send_back",
          summary="Hand a draft back to its author", access=Verb.SEND_BACK, body=given.SendBackForm,
          answer=said.Made, no_item=_OWN_WORDS),
    Route(method="POST", path="/api/v1/bulletins/{id}/approve", handler=bulletins.approve, name="approve",
          summary="Say yes to the content as it stands", access=Verb.APPROVE, body=given.SeenForm,
          answer=said.Made, no_item=_OWN_WORDS),
    Route(method="POST", path="/api/v1/bulletins/{id}/publish", handler=bulletins.publish, name="publish",
          summary="Release: number, sign, journal, send", access=Verb.PUBLISH, body=given.SeenForm,
          answer=said.Released, no_item=_OWN_WORDS),
    Route(method="POST", path="/api/v1/bulletins/{id}/update", handler=bulletins.update, name="update",
          summary="Open the next version of a product", access=Verb.UPDATE, body=given.SeenForm, answer=said.Made,
          status=201, no_item=_OWN_WORDS),
    Route(method="POST", path="/api/v1/bulletins/{id}/withdraw", handler=bulletins.withdraw, name="withdraw",
          summary="Take a product back, everywhere and for good", access=Verb.WITHDRAW, body=given.WithdrawForm,
          answer=said.Withdrawn, no_item=_OWN_WORDS),
    Route(method="GET", path="/api/v1/search", handler=search.found, name="search",
          summary="Bulletins that have these words, newest first", access=Verb.READ_DESK, answer=search.FoundBulletins,
          query=search.QUERY, exits=_API),
    # ------------------------------------------------------------------------------------ what came in
    Route(method="GET", path="/api/v1/queue", handler=queue.rows, name="queue", summary="What waits, folded",
          access=Verb.READ_QUEUE, answer=queue.QueueRows, no_item=queue.NO_ITEM),
    Route(method="GET", path="/api/v1/queue/{fold}", handler=queue.items, name="queue_fold",
          summary="The advisories under one row", access=Verb.READ_QUEUE, answer=queue.QueueItems,
          query=queue.PAGE, no_item=queue.NO_ITEM),
    Route(method="GET", path="/api/v1/advisories/{id}", handler=queue.advisory, name="advisory",
          summary="One advisory with its original", access=Verb.READ_QUEUE, answer=queue.AdvisoryView,
          no_item=queue.NO_ITEM),
    Route(method="POST", path="/api/v1/advisories/{id}/adopt", handler=queue.adopt, name="adopt",
          summary="Make a draft of an advisory", access=Verb.ADOPT, body=given.BulletinPatch, answer=said.Made,
          status=201, no_item=_OWN_WORDS),
    Route(method="POST", path="/api/v1/advisories/{id}/set-aside", handler=queue.set_aside, name="set_aside",
          summary="Say why an advisory is not for us", access=Verb.SET_ASIDE, body=given.SetAsideForm,
          answer=queue.Aside, no_item=_OWN_WORDS),
    Route(method="GET", path="/api/v1/sources", handler=sources.list_sources, name="sources",
          summary="How the federal sources do", access=Verb.READ_OPERATIONS, answer=sources.Sources, no_item=_NO_BULLETIN),
    Route(method="POST", path="/api/v1/sources/{name}/run", handler=sources.run_source, name="run_source",
          summary="Run a source now, with progress as NDJSON", access=Verb.RUN_SOURCE, media=(sources.NDJSON,),
          no_item="counts advisories, quotes none", limit=sources.LARGEST),
    # ------------------------------------------------------------------------------------ peers and people
    Route(method="GET", path="/api/v1/register-entry", handler=peers.own_entry, name="register_entry",
          summary="This node's own register entry", access="token", no_item=_NO_BULLETIN),
    Route(method="GET", path="/api/v1/peers", handler=peers.listed, name="peers",
          summary="Peers, their agreement and link", access=Verb.READ_OPERATIONS, answer=peers.Peers,
          no_item=_NO_BULLETIN),
    Route(method="POST", path="/api/v1/peers", handler=peers.accept, name="accept_peer",
          summary="Take a peer's register entry", access=Verb.MANAGE_PEERS, body=given.DocumentForm,
          answer=peers.PeerView, status=201, no_item=_NO_BULLETIN),
    Route(method="POST", path="/api/v1/peers/{place}/agreement", handler=peers.agree, name="agree",
          summary="Set what a peer may have", access=Verb.MANAGE_PEERS, body=given.DocumentForm,
          answer=peers.PeerView, no_item=_NO_BULLETIN),
    Route(method="DELETE", path="/api/v1/peers/{place}/agreement", handler=peers.end_agreement, name="end_agreement",
          summary="End what was agreed; everything is recalled", access=Verb.MANAGE_PEERS, answer=peers.PeerView,
          no_item=_NO_BULLETIN),
    Route(method="POST", path="/api/v1/peers/{place}/revoke", handler=peers.revoke, name="revoke_peer",
          summary="It is no peer any more", access=Verb.MANAGE_PEERS, body=given.RevokeForm, answer=peers.PeerView,
          no_item=_NO_BULLETIN),
    Route(method="GET", path="/api/v1/peers/{place}/offer", handler=offer.page, name="offer",
          summary="What a restored peer can be given back, signed", access=Verb.PUBLISH, answer=offer.OfferPage,
          query=offer.AFTER, exits=_API),
    Route(method="GET", path="/api/v1/people", handler=people.listed, name="people",
          summary="Who has an account", access=Verb.MANAGE_PEOPLE, answer=people.People, no_item=_NO_BULLETIN),
    Route(method="POST", path="/api/v1/people", handler=people.add, name="add_person",
          summary="Make an account", access=Verb.MANAGE_PEOPLE, body=given.PersonForm, answer=people.NewPerson,
          status=201, no_item=_NO_BULLETIN),
    Route(method="PATCH", path="/api/v1/people/{id}", handler=people.change, name="change_person",
          summary="Other roles, or the account closed or open", access=Verb.MANAGE_PEOPLE, body=given.PersonPatch,
          answer=people.PersonView, no_item=_NO_BULLETIN),
    Route(method="POST", path="/api/v1/people/{id}/enrolment", handler=people.invite, name="invite",
          summary="Make a link by which somebody chooses a password; it is shown once", access=Verb.MANAGE_PEOPLE,
          answer=people.NewLink, status=201, no_item=_NO_BULLETIN),
    Route(method="POST", path="/api/v1/enrolments", handler=people.enrol, name="use_enrolment",
          summary="Choose one's own password by a link, and make one's own first token", access="public",
          body=given.EnrolmentForm, answer=people.NewToken, status=201, no_item=_NO_BULLETIN),
    Route(method="GET", path="/api/v1/people/{id}/tokens", handler=people.tokens, name="tokens",
          summary="One person's tokens, by hash", access=Verb.MANAGE_PEOPLE, answer=people.Tokens,
          no_item=_NO_BULLETIN),
    Route(method="POST", path="/api/v1/people/{id}/tokens", handler=people.issue, name="issue_token",
          summary="Make a token, for oneself (me) or as who manages people; it is shown once", access="token", body=given.TokenForm,
          answer=people.NewToken, status=201, no_item=_NO_BULLETIN),
    Route(method="DELETE", path="/api/v1/tokens/{hash}", handler=people.revoke, name="revoke_token",
          summary="End a token at once: one's own, or as who manages people", access="token", status=204, media=(),
          no_item=_NO_BULLETIN),
    Route(method="GET", path="/api/v1/feed-tokens", handler=people.feed_tokens, name="feed_tokens",
          summary="The private feeds that are open, by hash", access=Verb.MANAGE_PEOPLE, answer=people.FeedTokens,
          no_item=_NO_BULLETIN),
    Route(method="POST", path="/api/v1/feed-tokens", handler=people.issue_feed, name="issue_feed_token",
          summary="Make a private feed address; it is shown once", access=Verb.MANAGE_PEOPLE,
          body=given.FeedTokenForm, answer=people.NewFeedToken, status=201, no_item=_NO_BULLETIN),
    Route(method="DELETE", path="/api/v1/feed-tokens/{hash}", handler=people.revoke_feed, name="revoke_feed_token",
          summary="End a private feed address at once", access=Verb.MANAGE_PEOPLE, status=204, media=(),
          no_item=_NO_BULLETIN),
    # ------------------------------------------------------------------------------------ the node itself
    Route(method="GET", path="/api/v1/restoration", handler=restoration.show, name="restoration",
          summary="What a restored node still waits for", access=Verb.READ_OPERATIONS,
          answer=restoration.RestorationView, no_item=_NO_BULLETIN),
    Route(method="POST", path="/api/v1/restoration/override", handler=restoration.override, name="override_hold",
          summary="End the hold of a restored node, with a reason", access=Verb.OVERRIDE,
          body=restoration.OverrideForm, answer=restoration.Ended, no_item=_NO_BULLETIN),
    Route(method="GET", path="/healthz", handler=health.healthz, name="healthz", summary="The process answers",
          access="public", answer=health.Alive, no_item=_NO_BULLETIN),
    Route(method="GET", path="/readyz", handler=health.readyz, name="readyz", summary="The node can do its work",
          access="public", answer=health.Ready, no_item=_NO_BULLETIN),
    Route(method="GET", path="/version", handler=health.version, name="version", summary="What runs here",
          access="public", answer=health.Version, no_item=_NO_BULLETIN),
    Route(method="GET", path="/metrics", handler=health.metrics, name="metrics", summary="Prometheus text",
          access="local", media=("text/plain",), no_item=_NO_BULLETIN),
    Route(method="GET", path="/.well-known/security.txt", handler=health.security_txt, name="security_txt",
          summary="Where to report a flaw (RFC 9116)", access="public", media=("text/plain",), no_item=_NO_BULLETIN),
    Route(method="GET", path="/.well-known/school-safety-hub.json", handler=health.node_card, name="node_card",
          summary="Who this node is", access="public", answer=health.NodeCard, no_item=_NO_BULLETIN),
    Route(method="GET", path="/openapi.json", handler=reference.openapi, name="openapi",
          summary="This description", access="public", no_item=_NO_BULLETIN),
    Route(method="GET", path="/problems/{code}", handler=reference.problem_page, name="problem",
          summary="What a kind of problem means", access="public", media=("text/html",), no_item=_NO_BULLETIN),
    Route(method="GET", path="/static/{name}", handler=pages.static, name="static", summary="A static file",
          access="public", media=(), no_item=_NO_BULLETIN),
    Route(method="GET", path="/robots.txt", handler=pages.robots, name="robots", summary="What crawlers may not ask",
          access="public", media=("text/plain",), no_item=_NO_BULLETIN),
)  # fmt: skip

ROUTES: tuple[Route, ...] = _NODE + CONSOLE


def make_app(node: Parts) -> web.Application:
    """The application of one node. Nothing is shared between two of them."""
    app = web.Application(middlewares=[count, problems], client_max_size=512 * KIB)
    app[PARTS] = node
    app[SHELF] = Shelf(node)
    app[DESCRIPTION] = Description(
        lambda: describe(ROUTES, title=node.title, version=node.version, server=node.public_url)
    )
    pages.set_up(app, node)
    sign_in.set_up(app)
    app.on_response_prepare.append(add_headers)
    for route in ROUTES:
        resource = app.router.add_resource(route.path, name=route.name)
        handler = _guarded(route)
        resource.add_route(route.method, handler)
        if route.method == "GET":
            resource.add_route("HEAD", handler)
    return app


def _guarded(route: Route) -> Any:
    async def handler(request: web.Request) -> web.StreamResponse:
        request[ROUTE] = route
        await admit(request, route)
        return await route.handler(request)

    return handler
