"""How pages put codes into words: times with their zone, places, topics, markings."""

from __future__ import annotations

import datetime as dt
import zoneinfo
from collections.abc import Callable

from markupsafe import Markup, escape

from hub.web.door import Revision
from schemas import marking
from schemas.bulletin import Area
from schemas.places import BY_FIPS, PLACES, parse_origin
from schemas.vocabulary import Reason, Severity, Tlp, Topic

# Never colour alone: each severity has a sign of its own.
MARKS = {
    Severity.EXTREME: "▲▲",
    Severity.SEVERE: "▲",
    Severity.MODERATE: "◆",
    Severity.MINOR: "●",
    Severity.UNKNOWN: "○",
}
TLP_WORDS = {
    Tlp.CLEAR: "with everybody",
    Tlp.GREEN: "within the school safety community, never on an open page",
    Tlp.AMBER: "within your own organization and with those who need to know there",
    Tlp.AMBER_STRICT: "within your own organization only",
    Tlp.RED: "with nobody else",
}
_NOON = 12


def when(zone: str) -> Callable[[dt.datetime], Markup]:
    """A filter that shows a time in `zone` with its name, and in UTC for machines and on hover."""
    local = zoneinfo.ZoneInfo(zone)

    def shown(moment: dt.datetime) -> Markup:
        utc, here = moment.astimezone(dt.UTC), moment.astimezone(local)
        return Markup('<time datetime="{}" title="{}">{}</time>').format(
            f"{utc:%Y-%m-%dT%H:%M:%SZ}", f"{utc:%Y-%m-%d %H:%M} UTC", clock_words(here)
        )

    return shown


def both_clocks(moment: dt.datetime, zone: str) -> str:
    """A time for plain text, where nothing can be hovered: "Nov 23, 2026, 2:05 p.m. CST (20:05 UTC, 2026-11-23)"."""
    utc = moment.astimezone(dt.UTC)
    return f"{clock_words(moment.astimezone(zoneinfo.ZoneInfo(zone)))} ({utc:%H:%M} UTC, {utc:%Y-%m-%d})"


def clock_words(here: dt.datetime) -> str:
    """A local time as people write it: "Nov 23, 2026, 2:05 p.m. CST"."""
    half = "a.m." if here.hour < _NOON else "p.m."
    return f"{here:%b} {here.day}, {here.year}, {here.hour % _NOON or _NOON}:{here:%M} {half} {here.tzname()}"


def lines(text: str) -> Markup:
    """Text with its line ends, everything else escaped."""
    return Markup("<br>").join(escape(line) for line in text.split("\n"))


def topic_words(topic: Topic) -> str:
    """A topic in words: "Bomb threat"."""
    return topic.value.replace("-", " ").capitalize()


def role_words(role: str) -> str:
    """A role in words: "Front office"."""
    words = role.replace("-", " ").replace("_", " ").strip()
    return words[:1].upper() + words[1:]


def area_words(area: Area) -> str:
    """An area in words: "all of Texas", "county 48453 in Texas", "zone MTZ301 in Montana"."""
    if area.fips is not None:
        state = BY_FIPS.get(area.fips[:2])
        name = state.name if state else "an unknown state"
        return f"all of {name}" if area.fips.endswith("000") else f"county {area.fips} in {name}"
    place = PLACES.get((area.state or "").lower())
    return f"zone {area.ugc}" + (f" in {place.name}" if place else " at sea")


def origin_words(origin: str) -> str:
    """Who speaks, in words: "Texas", "Texas (NTIC)"."""
    parsed = parse_origin(origin)
    name = PLACES[parsed.place].name
    return f"{name} ({parsed.desk.upper()})" if parsed.desk else name


_REASONS = {
    Reason.ERROR: "it was wrong",
    Reason.HOAX: "it was about a hoax",
    Reason.SUPERSEDED: "another bulletin takes its place",
    Reason.PRIVACY: "it should not have named what it named",
    Reason.LEGAL: "for legal reasons",
    Reason.AUDIENCE: "it went to the wrong readers",
    Reason.AGREEMENT: "the agreement that it was shared under has ended",
}


def reason_words(reason: Reason | None) -> str:
    """Why something was withdrawn, in words."""
    return _REASONS.get(reason, "no reason was given") if reason else "no reason was given"


def withdrawal(revision: Revision, replaced_by: str | None) -> str:
    """What is told of a withdrawn bulletin, and nothing of what it said; `replaced_by` as the door lets it out."""
    who = origin_words(revision.origin)
    told = f"{revision.product_id} was withdrawn by {who} on {revision.updated_at:%Y-%m-%d}: {reason_words(revision.reason)}."
    instead = f" {replaced_by} stands in its place." if replaced_by else ""
    return f"{told} Do not act on it, and tell those to whom you passed it on.{instead}"


def tlp_class(tlp: Tlp) -> str:
    """The marking as a CSS class."""
    return f"tlp-{tlp.value.replace('+', '')}"


def tlp_label(tlp: Tlp) -> str:
    """The marking as FIRST writes it."""
    return marking.label(tlp)
