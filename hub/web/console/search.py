"""The desk's search page: words and filters in, bulletins out, newest first."""

from __future__ import annotations

import urllib.parse
from typing import Any

import msgspec
from aiohttp import web

from hub.errors import StoreError
from hub.store.search_words import MOST_CHARACTERS
from hub.web import door, wording
from hub.web.console import frame
from hub.web.console.bulletins import row_of_product
from hub.web.console.forms import Errors, errors_of
from hub.web.parts import parts
from hub.web.problem import Problem
from hub.web.query import Filter
from hub.web.search import Hits, look, read_question
from schemas.places import PLACES
from schemas.vocabulary import Severity, Topic

_ROWS = 25
_LABELS = {"q": "Words", "topic": "Topic", "severity": "How serious", "state": "State"}


async def page(request: web.Request) -> web.Response:
    """The form, and what was found if something was asked. What cannot be asked is said beside the form."""
    # A form sends every field; one that was left empty asks for nothing.
    given = {name: value for name, value in request.query.items() if value}
    hits, errors, lacking = None, Errors(), ""
    try:
        text, wanted = read_question(given)
        if text:
            hits = await _looked(request, text, wanted, limited="limit" in given)
    except Problem as problem:
        errors = errors_of(problem.errors, _LABELS)
    except StoreError as error:
        lacking = error.message
    return await frame.render(
        request, "console/search.html", here="search", status=400 if errors else 200, given=given, errors=errors,
        lacking=lacking, most=MOST_CHARACTERS, **_choices(), **_shown(hits, given),
    )  # fmt: skip


async def _looked(request: web.Request, text: str, wanted: Filter, *, limited: bool) -> Hits:
    wanted = wanted if limited else msgspec.structs.replace(wanted, limit=_ROWS)
    return await look(parts(request), frame.asking(request), text, wanted)


def _shown(hits: Hits | None, given: dict[str, str]) -> dict[str, Any]:
    if hits is None:
        return {"asked": False, "rows": [], "older": None, "complete": True}
    older = hits.more and "/desk/search?" + urllib.parse.urlencode({**given, "before": hits.more})
    rows = list(door.written(hits.items, row_of_product))
    return {"asked": True, "rows": rows, "older": older, "complete": hits.complete}


def _choices() -> dict[str, Any]:
    return {
        "topics": [("", "All"), *((topic, wording.topic_words(topic)) for topic in Topic)],
        "severities": [("", "All"), *((each, f"{each.capitalize()} or more") for each in list(Severity)[:-2])],
        "states": [("", "All"), *((place.code, place.name) for place in sorted(PLACES.values(), key=lambda p: p.name))],
    }
