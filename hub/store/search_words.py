"""What the search index holds of a bulletin, and what a question becomes: whatever people type is words, never FTS5 syntax."""

from __future__ import annotations

import re
from collections.abc import Iterable

import msgspec

from hub.store.revisions import terms_of
from schemas.bulletin import Area, Bulletin
from schemas.places import BY_FIPS, PLACES
from schemas.vocabulary import SEVERITY_RANK, Mode, Severity, Topic

MOST_CHARACTERS = 200
MOST_TERMS = 12
SHORTEST_BEGINNING = 3  # "gat*" finds gates and gateway; a shorter beginning would read half the index
_TERM = re.compile(r'"([^"]*)"?|([^\s"]+)')
_NOT_LETTERS = re.compile(r"[^a-z0-9]")
_HAS_WORD = re.compile(r"\w")


class Words(msgspec.Struct, frozen=True, array_like=True):
    """One version as the index holds it. `marks` are words that nobody types: what lists are narrowed by."""

    headline: str
    text: str
    marks: str


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """What is searched for. `codes` are area codes (any of them); empty or None: not narrowed by it.

    An area or a state also finds what concerns every place.
    """

    text: str
    mode: Mode
    topics: tuple[Topic, ...] = ()
    severity: Severity | None = None
    codes: tuple[str, ...] = ()
    state: str | None = None
    lang: str | None = None


def words_of(bulletin: Bulletin) -> Words:
    """What is found of a bulletin: its words in every language, who speaks, its number, places and source."""
    stamp, source = bulletin.stamp, bulletin.advisory
    said = [bulletin.text, bulletin.basis, bulletin.topic, *bulletin.also, bulletin.origin]
    said += [f"{action.role} {action.text}" for action in bulletin.actions]
    said += [f"{one.headline} {one.text}" for one in bulletin.translations]
    said += [one.name for one in bulletin.attachments]
    said += list(dict.fromkeys(_place(area) for area in bulletin.areas))
    said += [stamp.product_id] if stamp is not None else []
    said += [f"{source.source} {source.key}"] if source is not None else []
    return Words(bulletin.headline, "\n".join(said), " ".join(_marks(bulletin)))


def _place(area: Area) -> str:
    place = PLACES.get((area.state or "").lower()) or BY_FIPS.get((area.fips or "")[:2])
    return f"{area.fips or area.ugc} {place.name if place else ''}"


def _marks(bulletin: Bulletin) -> list[str]:
    kinds = [f"mode:{bulletin.mode}", *(f"topic:{topic}" for topic in (bulletin.topic, *bulletin.also))]
    return [_mark(each) for each in (*kinds, f"rank:{SEVERITY_RANK[bulletin.severity]}", *terms_of(bulletin))]


def _mark(term: str) -> str:
    """One word of the index for a term such as area:48453 or area:*."""
    return _NOT_LETTERS.sub("", term.lower().replace("*", "every")) + "x"


def terms(text: str) -> tuple[str, ...]:
    """What has to be found, each as FTS5 reads it: words, "several words in a row", the beginning of a word with a star.

    Raises ValueError, in words, when there is too much of it. () when nothing in it is a word.
    """
    if len(text) > MOST_CHARACTERS:
        raise ValueError(f"what is searched for has {len(text)} characters; {MOST_CHARACTERS} are allowed")
    plain = "".join(each if each.isprintable() else " " for each in text)
    found = [_term(match) for match in _TERM.finditer(plain)]
    kept = tuple(dict.fromkeys(each for each in found if each))
    if len(kept) > MOST_TERMS:
        raise ValueError(f"there are {len(kept)} words to be found; {MOST_TERMS} are allowed")
    return kept


def _term(match: re.Match[str]) -> str:
    said = match[1] if match[1] is not None else match[2]
    if not _HAS_WORD.search(said):
        return ""
    beginning = match[1] is None and said.endswith("*") and len(said.rstrip("*")) >= SHORTEST_BEGINNING
    return f'"{said.rstrip("*")}"' + (" *" if beginning else "")


def expression(wanted: Wanted) -> str:
    """The MATCH expression: every term in the words, and the marks. Raises ValueError as `terms`, and when no word is given."""
    words = terms(wanted.text)
    if not words:
        raise ValueError("there is no word in it to search for")
    said = [f"{{headline text}} : {each}" for each in words]
    return " AND ".join(said + [f"marks : ({' OR '.join(one)})" for one in _narrowed(wanted)])


def _narrowed(wanted: Wanted) -> Iterable[list[str]]:
    yield [_mark(f"mode:{wanted.mode}")]
    if wanted.topics:
        yield [_mark(f"topic:{topic}") for topic in wanted.topics]
    if wanted.severity is not None:
        least = SEVERITY_RANK[wanted.severity]
        yield [_mark(f"rank:{rank}") for rank in sorted(set(SEVERITY_RANK.values())) if rank >= least]
    if wanted.codes:
        yield [_mark(f"area:{code}") for code in (*wanted.codes, "*")]
    if wanted.state:
        yield [_mark(f"state:{wanted.state}"), _mark("area:*")]
    if wanted.lang:
        yield [_mark(f"lang:{wanted.lang}")]
