"""Pages for everybody: the list of current bulletins, a bulletin's page, its signed bundle and its plain text."""

from __future__ import annotations

import urllib.parse
from typing import Any

import msgspec
from aiohttp import web

from connectors.feeds import entry as entries
from connectors.feeds import words
from hub.errors import NotFound
from hub.rules.decision import Form
from hub.rules.release import HEADLINE_HIDDEN, Exit, Public
from hub.web import door, pages, wording
from hub.web.conditional import Body, answer
from hub.web.door import Asking, Leaving
from hub.web.feeds import FORMS, entry_of, spelled
from hub.web.parts import Parts, parts
from hub.web.query import Filter, read_filter
from hub.web.shelf import SHELF
from schemas import subjects
from schemas.bulletin import AdvisoryRef, Bulletin
from schemas.places import PLACES
from schemas.subjects import BulletinSubject
from schemas.vocabulary import SEVERITY_RANK, Severity, Topic

STIX_MEDIA = "application/stix+json;version=2.1"
_FEED_NAMES = {"rss": "RSS", "atom": "Atom", "json": "JSON Feed"}
_ROWS = 25
_MOST_ALERTS = 3
_EXCERPT = 200
# Seen by everybody and changed by a withdrawal: a copy is asked about each time.
_FRESH = {"Cache-Control": "public, no-cache"}


async def front(request: web.Request) -> web.Response:
    """The list, with its filters and the same list as feeds."""
    # A form sends every field; one that was left empty asks for nothing.
    given = [(name, value) for name, value in request.query.items() if value]
    asked = dict(given)
    wanted = read_filter(request.query if len(asked) < len(given) else asked)
    if "limit" not in asked:
        wanted = msgspec.structs.replace(wanted, limit=_ROWS)
    node = parts(request)

    async def make() -> tuple[bytes, str]:
        found = await door.newest(node, Asking(Exit.PAGE, Public(), node.mode), wanted)
        page = pages.render(request, "list.html", _list(node, wanted, found))
        return page.encode(), "text/html; charset=utf-8"

    body = await request.app[SHELF].body(("front", wanted), make)
    return answer(request, body, {**_FRESH, "Link": _feed_links(node)})


async def page(request: web.Request) -> web.Response:
    """One bulletin for people: what to do first."""
    node = parts(request)
    leaving = await _one(request, Exit.PAGE)
    made = pages.render(request, "bulletin.html", {"page": _page(leaving), "feeds": _feeds(node, Filter())})
    body = Body(made.encode(), "text/html; charset=utf-8", leaving.revision.updated_at)
    return answer(request, body, {**_FRESH, "Link": _feed_links(node)})


async def stix(request: web.Request) -> web.Response:
    """The very bytes that were signed. Of a withdrawn bulletin there is nothing to give."""
    leaving = await _one(request, Exit.STIX)
    revision = leaving.revision
    if leaving.withdrawn or revision.payload is None:
        raise NotFound
    body = Body(revision.payload, STIX_MEDIA, revision.updated_at)
    headers = {**_FRESH, "Content-Disposition": f'inline; filename="{revision.product_id}.stix.json"'}
    if _for_all(revision.subject):
        headers |= {"Hub-Subject": revision.subject, "Hub-Key": revision.key, "Hub-Sig": revision.signature}
    return answer(request, body, headers)


async def text(request: web.Request) -> web.Response:
    """A bulletin as plain text, for terminals, text messages and those who print."""
    leaving = await _one(request, Exit.TEXT)
    entry = entry_of(parts(request), leaving)
    lines = (entry.title, "", entry.marked_text, "", *_times(leaving, parts(request).zone), entry.url, "")
    body = Body("\n".join(lines).encode(), "text/plain; charset=utf-8", leaving.revision.updated_at)
    return answer(request, body, _FRESH)


def _times(leaving: Leaving, zone: str) -> list[str]:
    """When it was released and until when it holds, or when it was withdrawn."""
    revision = leaving.revision
    if leaving.withdrawn:
        return [f"Withdrawn: {wording.both_clocks(revision.updated_at, zone)}"]
    said = {
        "Released": revision.released_at,
        "Next word by": revision.bulletin.next_update_by,
        "Valid until": revision.expires,
    }
    return [f"{name}: {wording.both_clocks(moment, zone)}" for name, moment in said.items() if moment is not None]


async def _one(request: web.Request, exit_: Exit) -> Leaving:
    node = parts(request)
    return await door.one(node, Asking(exit_, Public(), node.mode), request.match_info["product_id"])


def _for_all(subject: str) -> bool:
    """Whether the first copy's subject may be told: one `to-` a peer names whom it was sent to."""
    try:
        parsed = subjects.parse(subject)
    except subjects.SubjectError:
        return False
    return isinstance(parsed, BulletinSubject) and parsed.audience == "all"


def _list(node: Parts, wanted: Filter, found: door.Found) -> dict[str, Any]:
    rows = list(door.written(found.items, _row))
    filtered = msgspec.structs.replace(wanted, limit=_ROWS, before=None) != Filter(limit=_ROWS)
    older = None
    if found.more is not None:
        query = spelled(msgspec.structs.replace(wanted, before=found.more))
        older = "/?" + urllib.parse.urlencode({k: v for k, v in query.items() if (k, v) != ("limit", str(_ROWS))})
    urgent = [
        row for row in rows if not row["taken"] and SEVERITY_RANK[row["severity"]] >= SEVERITY_RANK[Severity.SEVERE]
    ]
    return {
        "rows": rows,
        "alerts": urgent[:_MOST_ALERTS] if wanted.before is None else (),
        "older": older,
        "filtered": filtered,
        "chosen": wanted,
        "topics": [(topic, wording.topic_words(topic)) for topic in Topic],
        "severities": list(Severity)[:-1],
        "places": sorted(PLACES.values(), key=lambda place: place.name),
        "feeds": _feeds(node, wanted),
        "here": "list",
    }


def _row(leaving: Leaving) -> dict[str, Any]:
    revision = leaving.revision
    bulletin = revision.bulletin
    return {
        "href": f"/bulletins/{revision.product_id}",
        "product_id": revision.product_id,
        "title": _title(leaving),
        "taken": leaving.withdrawn,
        "severity": revision.severity,
        "tlp": revision.tlp,
        "topic": revision.topic,
        "who": wording.origin_words(revision.origin),
        "version": revision.version,
        "released": revision.released_at,
        "updated": revision.updated_at,
        "lang": bulletin.lang,
        "first": None if leaving.withdrawn else _excerpt(bulletin),
    }


def _title(leaving: Leaving) -> str:
    revision = leaving.revision
    hidden = leaving.withdrawn and revision.reason in HEADLINE_HIDDEN
    return entries.title(
        revision.product_id if hidden else revision.bulletin.headline,
        version=revision.version,
        withdrawn=leaving.withdrawn,
        exercise=revision.mode.value == "exercise",
    )


def _excerpt(bulletin: Bulletin) -> str:
    """The first words of what is known, cut at a word."""
    plain = " ".join(bulletin.text.split())
    if len(plain) <= _EXCERPT:
        return plain
    return plain[:_EXCERPT].rpartition(" ")[0] + " …"


def _page(leaving: Leaving) -> dict[str, Any]:
    revision, bulletin = leaving.revision, leaving.revision.bulletin
    made: dict[str, Any] = {
        "href": f"/bulletins/{revision.product_id}",
        "product_id": revision.product_id,
        "title": _title(leaving),
        "taken": leaving.form is Form.WITHDRAWN,
        "version": revision.version,
        "origin": revision.origin,
        "updated": revision.updated_at,
        "released": revision.released_at,
        "lang": bulletin.lang,
        "reason": wording.reason_words(revision.reason),
        "replaced_by": leaving.replaced_by,
    }
    return made if made["taken"] else made | _words(bulletin)


def _words(bulletin: Bulletin) -> dict[str, Any]:
    """What a bulletin says, for its page; a withdrawn one has none of it."""
    return {
        "tlp": bulletin.tlp,
        "severity": bulletin.severity,
        "topic": bulletin.topic,
        "urgency": bulletin.urgency.value,
        "certainty": bulletin.certainty.value,
        "confidence": bulletin.confidence.value,
        "basis": bulletin.basis,
        "areas": bulletin.areas,
        "actions": bulletin.actions,
        "paragraphs": _paragraphs(bulletin.text),
        "translations": [
            {"lang": each.lang, "headline": each.headline, "paragraphs": _paragraphs(each.text)}
            for each in bulletin.translations
        ],
        "expires": bulletin.expires,
        "next_update_by": bulletin.next_update_by,
        "source": None if bulletin.advisory is None else _source(bulletin.advisory),
    }


def _paragraphs(plain: str) -> list[str]:
    return words.plain(plain).split("\n\n")


def _source(advisory: AdvisoryRef) -> dict[str, str]:
    """The federal original, as a link only when it is one that a browser may follow without harm."""
    href = advisory.url if advisory.url and advisory.url.startswith(("https://", "http://")) else ""
    return {"href": href, "words": f"{advisory.source}, {advisory.key}"}


def _feeds(node: Parts, wanted: Filter) -> list[dict[str, str]]:
    query = urllib.parse.urlencode(
        {name: value for name, value in spelled(wanted).items() if name not in {"before", "limit"}}, safe=","
    )
    made = []
    for name, form in FORMS.items():
        href = f"/feeds/bulletins.{name}" + (f"?{query}" if query else "")
        media = form.media.partition(";")[0]
        made.append({"name": _FEED_NAMES[name], "href": href, "media": media, "absolute": node.public_url + href})
    return made


def _feed_links(node: Parts) -> str:
    """The feeds as a Link header (RFC 8288), for readers that are given a page's address."""
    return ", ".join(
        f'<{feed["absolute"]}>; rel="alternate"; type="{feed["media"]}"' for feed in _feeds(node, Filter())
    )
