"""Full-text search: the index says which versions have the words, the door says which of them this reader may have."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

import msgspec
from aiohttp import web

from hub.errors import FieldError, NotFound, StoreError
from hub.rules.release import Exit, Member
from hub.store.search import Search, Wanted
from hub.store.search_words import MOST_CHARACTERS, MOST_TERMS
from hub.web import answers, door
from hub.web.access import PERSON
from hub.web.door import Asking, Leaving
from hub.web.idempotency import reply
from hub.web.parts import Parts, parts
from hub.web.problem import Problem
from hub.web.query import QUERY as FILTERS
from hub.web.query import Filter, read_filter
from hub.web.route import Query

_SCHEMA = {"type": "string", "minLength": 1, "maxLength": MOST_CHARACTERS}
_ABOUT = f'up to {MOST_TERMS} words, all of which have to be there; "words in a row"; the beginning of a word with *'
QUERY = (Query("q", _ABOUT, _SCHEMA), *FILTERS)
_MOST_LOOKED_AT = 5_000
_END = 2**62


class FoundBulletins(msgspec.Struct, frozen=True):
    """What was found, the last stored first; `next` is the `before` of the next page.

    `complete` is false while the index is made again: then something older may be missing.
    """

    bulletins: list[answers.Row]
    next: str | None
    complete: bool


@dataclasses.dataclass(frozen=True, slots=True)
class Hits:
    """A page of what was found and may be read; `more` is the `before` of the next."""

    items: tuple[Leaving, ...]
    more: str | None
    complete: bool


async def found(request: web.Request) -> web.Response:
    """What has these words."""
    text, wanted = read_question(request.query)
    node = parts(request)
    hits = await look(node, Asking(Exit.API, Member(request[PERSON].actor()), node.mode), text, wanted)
    rows = list(door.written(hits.items, answers.row_of_product))
    return reply(FoundBulletins(rows, hits.more, hits.complete)).response()


def read_question(given: Mapping[str, str]) -> tuple[str, Filter]:
    """`q` and the filters beside it. Raises Problem `malformed` for what is not known."""
    others = {name: value for name, value in given.items() if name != "q"}
    return given.get("q", ""), read_filter(others)


async def look(node: Parts, asking: Asking, text: str, wanted: Filter) -> Hits:
    """What this reader may have of what has these words.

    Raises Problem `malformed` for a question that asks nothing or too much, StoreError while there is no index and when too
    much is withheld to find the next.
    """
    search = _index(node)
    question = Wanted(
        text=text, mode=asking.mode, topics=wanted.topics, severity=wanted.severity, codes=wanted.codes,
        state=wanted.place, lang=wanted.lang,
    )  # fmt: skip
    before, kept = await _start(node, asking, wanted), list[Leaving]()
    size = wanted.limit + 1
    for _ in range(0, _MOST_LOOKED_AT, size):
        seqs = await _asked(search, question, size, before)
        kept += await door.some(node, asking, seqs)
        if len(kept) > wanted.limit:
            return _page(kept[: wanted.limit], search, more=True)
        if len(seqs) < size:
            return _page(kept, search, more=False)
        before = seqs[-1]
    if kept:
        return _page(kept, search, more=True)
    raise StoreError("Too much of what has these words is not for this reader; add a word.", code="list-too-deep")


def _index(node: Parts) -> Search:
    if node.search is None:
        raise StoreError("This process keeps no search index.", code="no-search")
    return node.search


async def _start(node: Parts, asking: Asking, wanted: Filter) -> int:
    """Where the page begins, by seq."""
    if wanted.before is None:
        return _END
    try:
        return (await door.one(node, asking, wanted.before)).revision.seq
    except NotFound:
        raise _malformed("before", f"before is {wanted.before!r}; allowed is a product id of this list") from None


async def _asked(search: Search, question: Wanted, size: int, before: int) -> list[int]:
    try:
        return await search.find(question, size, before)
    except ValueError as error:
        raise _malformed("q", str(error)) from None


def _page(items: list[Leaving], search: Search, *, more: bool) -> Hits:
    return Hits(tuple(items), items[-1].revision.product_id if more else None, search.complete)


def _malformed(name: str, words: str) -> Problem:
    sentence = f"{words[:1].upper()}{words[1:]}."
    return Problem("malformed", sentence, (FieldError(f"?{name}", words),), code="unknown-parameter")
