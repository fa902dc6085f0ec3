"""What a source is: a value with two functions. A new source is one file that reads bytes, and a row in SOURCES.

`parse` is pure (bytes -> what they say); `fetch` asks through the one polite GET that it is handed. What changed
between two answers is decided here, for every source alike.
"""

from __future__ import annotations

import dataclasses
import hashlib
import uuid
from collections.abc import Awaitable, Callable, Mapping

import msgspec

from connectors.answer import Fetched, Parsed, Unreadable, Validators
from connectors.federal import cisa_kev, ipaws, nws
from schemas.bulletin import Advisory
from schemas.vocabulary import Action, Certainty, Severity, Status, Urgency

__all__ = [
    "AREAS",
    "SOURCES",
    "Fetched",
    "Get",
    "Parsed",
    "Source",
    "Unreadable",
    "Validators",
    "advisory_id",
    "changes",
    "held",
    "is_gone",
    "missing",
]

Get = Callable[[str, Validators], Awaitable[Fetched]]

# Frozen for ever: an advisory has the same id in every state (DESIGN section 3).
_NAMESPACE = uuid.UUID("2e50727e-0db7-4e33-83fb-cdd5ac9f3265")
# Real catalogues lose an entry or two a month; more than both of these at once is a broken answer, not news.
MOST_GONE = 20
MOST_GONE_SHARE = 0.10
LEAST_LEFT_SHARE = 0.10
_GONE = "gone:"
# Stands in an address for the states that a node wants to hear of: "TX,OK".
AREAS = "{areas}"


async def one_page(get: Get, url: str, validators: Validators) -> Fetched:
    """Fetch a source whose answer is one document at one address."""
    return await get(url, validators)


@dataclasses.dataclass(frozen=True, slots=True)
class Source:
    """One outside source. `every` in seconds; `snapshot`: an answer is the whole list, what is left out is gone.

    `messages`: each item speaks for itself and may update or cancel earlier ones by their keys (`connectors.chain`).
    """

    name: str
    title: str
    every: float
    url: str
    parse: Callable[[bytes, str], Parsed]
    snapshot: bool
    max_bytes: int
    messages: bool = False
    fetch: Callable[[Get, str, Validators], Awaitable[Fetched]] = one_page


SOURCES: Mapping[str, Source] = {
    source.name: source
    for source in (
        Source(
            name=cisa_kev.NAME,
            title="CISA Known Exploited Vulnerabilities",
            every=3600,
            url=cisa_kev.URL,
            parse=cisa_kev.parse,
            snapshot=True,
            max_bytes=cisa_kev.MAX_BYTES,
        ),
        Source(
            name=nws.NAME,
            title="National Weather Service alerts",
            every=nws.EVERY,
            url=nws.URL,
            parse=nws.parse,
            snapshot=True,
            max_bytes=nws.MAX_BYTES,
        ),
        Source(
            name=ipaws.NAME,
            title="FEMA IPAWS (polling it needs an agreement with FEMA)",
            every=120,
            url=ipaws.URL,
            parse=ipaws.parse,
            snapshot=False,
            max_bytes=ipaws.MAX_BYTES,
            messages=True,
        ),
    )
}


def advisory_id(source: str, key: str) -> str:
    """The advisory's uuid5, the same at every node for ever."""
    return str(uuid.uuid5(_NAMESPACE, f"{source}\0{key}"))


def changes(
    known: Mapping[str, str],
    parsed: Parsed,
    snapshot: bool,  # noqa: FBT001 - `changes(known, parsed, source.snapshot)` reads plainly
    last: Mapping[str, Advisory] | None = None,
) -> list[Advisory]:
    """What an answer adds to `known` (key -> revision): new, update, and for a whole snapshot cancel.

    A cancel keeps the words of the advisory in `last` where it is given; its revision says that the key is gone, so
    that a key which comes back is new. An answer that is not whole, or that `held` finds suspicious, cancels nothing.
    """
    news = [made for advisory in parsed.advisories if (made := _against(known, advisory)) is not None]
    if not snapshot or not parsed.whole or held(known, parsed):
        return news
    before = last or {}
    source = next((advisory.source for advisory in (*parsed.advisories, *before.values())), "")
    gone = [key for key in missing(known, parsed) if parsed.covers(before.get(key))]
    return news + [_cancel(source, key, known[key], before) for key in gone]


def held(known: Mapping[str, str], parsed: Parsed) -> str | None:
    """Why the losses of a snapshot are not believed, or None.

    More than 10 % and more than 20 entries at once. A list that turns over may lose them all and have others instead;
    one of all that its source knows is not believed when it has less than a tenth of what stood.
    """
    listing, listed = parsed.listing, len(parsed.advisories)
    if listing.covers is not None:
        return None  # a part of the list, perhaps a storm that is over
    alive = sum(not revision.startswith(_GONE) for revision in known.values())
    gone = len(missing(known, parsed))
    if not parsed.whole or gone <= MOST_GONE or gone <= alive * MOST_GONE_SHARE:
        return None
    if listing.turns_over and listed >= alive * LEAST_LEFT_SHARE:
        return None
    return f"{gone} of {alive} known entries are missing at once; nothing was withdrawn. Look at the source itself."


def missing(known: Mapping[str, str], parsed: Parsed) -> list[str]:
    """The keys of what stood and is not named in an answer."""
    named = {advisory.key for advisory in parsed.advisories} | {error.key for error in parsed.errors}
    return [key for key, revision in known.items() if key not in named and not revision.startswith(_GONE)]


def is_gone(revision: str) -> bool:
    """Whether a revision says that its source no longer names the advisory."""
    return revision.startswith(_GONE)


def _against(known: Mapping[str, str], advisory: Advisory) -> Advisory | None:
    before = known.get(advisory.key)
    if before == advisory.revision:
        return None
    if before is None or before.startswith(_GONE) or advisory.action is Action.CANCEL:
        return advisory
    return msgspec.structs.replace(advisory, action=Action.UPDATE)


def _cancel(source: str, key: str, revision: str, last: Mapping[str, Advisory]) -> Advisory:
    gone = _GONE + hashlib.sha256(revision.encode()).hexdigest()
    before = last.get(key)
    if before is not None:
        return msgspec.structs.replace(before, action=Action.CANCEL, revision=gone, item="")
    return Advisory(
        source=source,
        key=key,
        revision=gone,
        action=Action.CANCEL,
        status=Status.ACTUAL,
        headline=f"{key}: withdrawn by its source",
        summary="The source no longer lists this entry.",
        severity=Severity.UNKNOWN,
        urgency=Urgency.UNKNOWN,
        certainty=Certainty.UNKNOWN,
        topics=(),
    )
