"""Feeds: what the door lets out, put together from items rendered once each, byte for byte the same in every process."""

from __future__ import annotations

import asyncio
import dataclasses
import functools
import urllib.parse
from collections.abc import Callable, Iterable

import msgspec
from aiohttp import web
from yarl import URL

from connectors.feeds import json_feed, rss
from connectors.feeds.entry import Channel, Entry, of_bulletin, of_withdrawal
from hub.errors import NotFound
from hub.rules.release import HEADLINE_HIDDEN, District, Exit, Public, Reader
from hub.store.people import feed_token
from hub.web import door, wording
from hub.web.accept import prefers_html
from hub.web.access import token_hash
from hub.web.conditional import Body, answer
from hub.web.door import Asking, Found, Leaving
from hub.web.parts import Parts, parts
from hub.web.query import USUAL, Filter, read_filter
from hub.web.shelf import SHELF, Shelf
from schemas.bulletin import Bulletin
from schemas.vocabulary import Mode

_STYLE = "/static/feed.css"
_PUBLIC = "public, max-age=60"
_PRIVATE = {"Cache-Control": "private, no-cache", "X-Robots-Tag": "noindex, nofollow"}
# feedgen takes a third of a millisecond an entry: the loop gets a turn between so many.
_BREATH = 20
_LONGEST_TOKEN = 200


@dataclasses.dataclass(frozen=True, slots=True)
class Form:
    """One feed format: its way out, media type, and how an entry and a whole feed are written."""

    exit: Exit
    media: str
    item: Callable[[Entry], bytes]
    document: Callable[[Channel, Iterable[bytes]], bytes]


def _rss(channel: Channel, fragments: Iterable[bytes]) -> bytes:
    return rss.document(channel, fragments, stylesheet=_STYLE)


def _atom(channel: Channel, fragments: Iterable[bytes]) -> bytes:
    return rss.atom_document(channel, fragments, stylesheet=_STYLE)


FORMS = {
    "rss": Form(Exit.RSS, "application/rss+xml; charset=utf-8", rss.item, _rss),
    "atom": Form(Exit.ATOM, "application/atom+xml; charset=utf-8", rss.atom_entry, _atom),
    "json": Form(Exit.JSON_FEED, "application/feed+json; charset=utf-8", json_feed.item, json_feed.document),
}


@dataclasses.dataclass(frozen=True, slots=True)
class Wanted:
    """One feed: in which form, for whom, of which mode, filtered how, at which address (without its suffix)."""

    form: str
    reader: Reader
    mode: Mode
    filter: Filter
    base: str

    def address(self, *, before: str | None) -> str:
        """The one spelling of this feed's address; `before` instead of the one asked for."""
        query = urllib.parse.urlencode(spelled(msgspec.structs.replace(self.filter, before=before)), safe=",")
        return f"{self.base}.{self.form}" + (f"?{query}" if query else "")


async def public(request: web.Request) -> web.Response:
    """The open feed: what everybody may have."""
    node = parts(request)
    return await _open(request, node.mode, f"{node.public_url}/feeds/bulletins")


async def exercise(request: web.Request) -> web.Response:
    """A live node's exercise items, which never stand in the open feed. An exercise node has no such address."""
    node = parts(request)
    if node.exercise:
        raise NotFound
    return await _open(request, Mode.EXERCISE, f"{node.public_url}/feeds/exercise")


async def private(request: web.Request) -> web.Response:
    """A district's feed, up to the token's ceiling. An unknown or revoked token is an address where nothing is."""
    node, token = parts(request), request.match_info["token"]
    form = _form(request)
    held = None
    if len(token) <= _LONGEST_TOKEN:
        held = await node.database.read(feed_token, token_hash(token))
    if held is None:
        raise NotFound
    reader = District(held.place, held.ceiling)
    base = f"{node.public_url}/feeds/t/{token}/bulletins"
    body = await _body(request, Wanted(form, reader, node.mode, read_filter(request.query), base))
    return answer(request, body, _PRIVATE)


async def _open(request: web.Request, mode: Mode, base: str) -> web.Response:
    wanted, own = _everybody(_form(request), mode, base, request.rel_url.raw_query_string)
    body = await _body(request, wanted)
    page = f'<{parts(request).public_url}/>; rel="alternate"; type="text/html"'
    headers = {"Cache-Control": _PUBLIC, "Link": f'<{own}>; rel="self", {page}', "Vary": "Accept, Accept-Encoding"}
    if wanted.form != "json" and prefers_html(request.headers.get("Accept", "")):
        # Whoever follows the link in a browser gets the styled feed instead of a download or a wall of source.
        headers["Content-Type"] = "text/xml; charset=utf-8"
    return answer(request, body, headers)


@functools.lru_cache(maxsize=256)
def _everybody(form: str, mode: Mode, base: str, query: str) -> tuple[Wanted, str]:
    """The open feed that this query asks for, and its own address: readers ask the same again and again."""
    asked = read_filter(URL.build(path="/", query_string=query, encoded=True).query)
    wanted = Wanted(form, Public(), mode, asked, base)
    return wanted, wanted.address(before=asked.before)


def _form(request: web.Request) -> str:
    form = request.match_info["form"]
    if form not in FORMS:
        raise NotFound
    return form


async def _body(request: web.Request, wanted: Wanted) -> Body:
    node, shelf = parts(request), request.app[SHELF]
    return await shelf.body(wanted, lambda: render(node, shelf, wanted))


async def render(node: Parts, shelf: Shelf, wanted: Wanted) -> tuple[bytes, str]:
    """The feed's bytes and media type. Equal rows give equal bytes: no time of day goes in."""
    form = FORMS[wanted.form]
    found = await door.newest(node, Asking(form.exit, wanted.reader, wanted.mode), wanted.filter)
    fragments = []
    for number, fragment in enumerate(door.written(found.items, lambda each: _fragment(node, shelf, wanted, each))):
        if number % _BREATH == _BREATH - 1:
            await asyncio.sleep(0)
        fragments.append(fragment)
    return form.document(_channel(node, wanted, found), fragments), form.media


def _fragment(node: Parts, shelf: Shelf, wanted: Wanted, leaving: Leaving) -> bytes:
    """One item, rendered once while it is kept. A version never changes; what is told of it does, and then its row says when."""
    revision = leaving.revision
    key = (revision.seq, leaving.form, leaving.replaced_by, revision.updated_at, wanted.form, wanted.filter.lang)
    kept = shelf.fragments.get(key)
    if kept is None:
        kept = FORMS[wanted.form].item(entry_of(node, leaving, wanted.filter.lang))
        shelf.fragments.put(key, kept)
    return kept


def entry_of(node: Parts, leaving: Leaving, lang: str | None = None) -> Entry:
    """A version as every feed shows it, in `lang` where it is translated. Of a withdrawn one only the correction."""
    revision = leaving.revision
    entry = of_bulletin(
        spoken(revision.bulletin, lang),
        report_id=revision.report_id,
        url=f"{node.public_url}/bulletins/{revision.product_id}",
        author=node.title if revision.own else wording.origin_words(revision.origin),
    )
    if not leaving.withdrawn:
        return entry
    hidden = revision.reason in HEADLINE_HIDDEN
    headline = revision.product_id if hidden else spoken(revision.bulletin, lang).headline
    told = of_withdrawal(
        entry, headline, at=revision.updated_at, correction=wording.withdrawal(revision, leaving.replaced_by)
    )
    return msgspec.structs.replace(told, categories=(), areas=()) if hidden else told


def spoken(bulletin: Bulletin, lang: str | None) -> Bulletin:
    """The bulletin in another language, where it has a translation; its actions stay as they were written."""
    if lang is None or bulletin.lang.lower() == lang:
        return bulletin
    for each in bulletin.translations:
        if each.lang.lower() == lang:
            return msgspec.structs.replace(bulletin, lang=each.lang, headline=each.headline, text=each.text)
    return bulletin


def _channel(node: Parts, wanted: Wanted, found: Found) -> Channel:
    drill = wanted.mode is Mode.EXERCISE
    who = "everybody" if isinstance(wanted.reader, Public) else "one district: do not pass the address on"
    times = [leaving.revision.updated_at for leaving in found.items]
    return Channel(
        title=f"{'EXERCISE: ' if drill else ''}{node.title}",
        subtitle=f"School safety bulletins for {who}.{' Nothing in this feed is real.' if drill else ''}",
        url=f"{node.public_url}/",
        self_url=wanted.address(before=wanted.filter.before),
        id=wanted.address(before=None),
        next_url=None if found.more is None else wanted.address(before=found.more),
        updated=max(times, default=node.issued),
        language=wanted.filter.lang or "en",
    )


def spelled(wanted: Filter) -> dict[str, str]:
    """The query that spells this filter, in one order, without what goes without saying."""
    made = {
        "topic": ",".join(wanted.topics),
        "area": wanted.area or "",
        "severity": "" if wanted.severity is None else wanted.severity.value,
        "state": wanted.state or "",
        "lang": wanted.lang or "",
        "limit": "" if wanted.limit == USUAL else str(wanted.limit),
        "before": wanted.before or "",
    }
    return {name: value for name, value in made.items() if value}
