"""A bulletin in words: as its readers will see it, and as lines that two versions are compared by."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any, Final

from connectors.feeds import words as plain_words
from hub.web import wording
from hub.web.console import difference
from hub.web.console.difference import Run
from schemas.bulletin import Bulletin
from schemas.places import PLACES
from schemas.times import format_time

LANES: Final = {"flash": "Flash: goes first, and wakes people", "routine": "Routine"}


@dataclasses.dataclass(frozen=True, slots=True)
class Changed:
    """One field in which two versions differ (or all of them, against nothing)."""

    label: str
    runs: tuple[Run, ...]


def page(bulletin: Bulletin) -> dict[str, Any]:
    """What `console/sheet.html` shows."""
    return {
        "headline": bulletin.headline,
        "tlp": bulletin.tlp,
        "severity": bulletin.severity,
        "topic": bulletin.topic,
        "lang": bulletin.lang,
        "actions": bulletin.actions,
        "paragraphs": plain_words.plain(bulletin.text).split("\n\n"),
        "translations": [
            {"lang": each.lang, "headline": each.headline, "paragraphs": plain_words.plain(each.text).split("\n\n")}
            for each in bulletin.translations
        ],
        "facts": [(label, say(bulletin)) for label, say in _FACTS if say(bulletin)],
        "expires": bulletin.expires,
        "next_update_by": bulletin.next_update_by,
        "advisory": bulletin.advisory,
    }


def changed(
    before: Bulletin | None, after: Bulletin, to_before: tuple[str, ...], to_after: tuple[str, ...]
) -> list[Changed]:
    """The fields that differ, each word by word; against None every field that says something is new."""
    old = {} if before is None else dict(_lines(before, to_before))
    made = []
    for label, text in _lines(after, to_after):
        was = old.get(label, "")
        if was != text:
            made.append(Changed(label, difference.words(was, text)))
    return made


def audience_words(audience: tuple[str, ...]) -> str:
    """Which states get it, in words."""
    if not audience:
        return "every state that may have it"
    return ", ".join(PLACES[place].name if place in PLACES else place for place in sorted(audience))


def _lines(bulletin: Bulletin, audience: tuple[str, ...]) -> list[tuple[str, str]]:
    actions = "\n".join(f"{wording.role_words(each.role)}: {each.text}" for each in bulletin.actions)
    translations = "\n\n".join(f"{each.lang}: {each.headline}\n{each.text}" for each in bulletin.translations)
    due = bulletin.next_update_by
    return [
        ("Headline", bulletin.headline),
        ("What to do", actions),
        ("What is known", bulletin.text),
        *((label, say(bulletin)) for label, say in _FACTS),
        ("May be shared", wording.tlp_label(bulletin.tlp)),
        ("States", audience_words(audience)),
        ("Next word by", "" if due is None else format_time(due)),
        ("Valid until", format_time(bulletin.expires)),
        ("Translations", translations),
    ]


_FACTS: Final[tuple[tuple[str, Callable[[Bulletin], str]], ...]] = (
    ("Topic", lambda b: ", ".join(wording.topic_words(each) for each in (b.topic, *b.also))),
    ("How serious", lambda b: b.severity.capitalize()),
    ("How soon", lambda b: b.urgency.capitalize()),
    ("How sure", lambda b: f"{b.certainty.capitalize()}; confidence {b.confidence}"),
    ("Rests on", lambda b: b.basis),
    ("Where", lambda b: ", ".join(wording.area_words(each) for each in b.areas)),
    ("Phase", lambda b: b.phase.capitalize()),
    ("Lane", lambda b: LANES[b.lane.value]),
    ("Caveats", lambda b: ", ".join(each.value for each in b.caveats)),
    ("Kind of record", lambda b: b.record_class.value.replace("-", " ").capitalize()),
)
