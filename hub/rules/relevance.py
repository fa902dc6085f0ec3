"""What an advisory is to this state: whether it stands in the queue on its own, stands with others, or is folded, and why.

Nothing that is severe or extreme for the state is ever folded, whatever the policy says. What names no place counts
everywhere; a severity that its source does not tell is not taken for a low one.
"""

from __future__ import annotations

import collections
import dataclasses
import datetime as dt
import enum
from collections.abc import Iterable, Sequence
from typing import Final

from hub.rules.policy import Relevance
from schemas.bulletin import Advisory, Area
from schemas.places import PLACES
from schemas.vocabulary import SEVERITY_RANK, Mode, Severity, Status

_SEVERE: Final = SEVERITY_RANK[Severity.SEVERE]
_COUNTRY: Final = "00000"
_MOST_NAMED: Final = 3


class Standing(enum.StrEnum):
    """How an advisory waits."""

    SEVERE = "severe"  # severe or extreme for this state: a row of its own
    STANDS = "stands"  # with the others of its source and day
    FOLDED = "folded"  # away, one step from sight


class Cause(enum.StrEnum):
    """Why an advisory is folded."""

    TEST = "test"
    ELSEWHERE = "elsewhere"
    AT_SEA = "at-sea"
    OVER = "over"
    TOPIC = "topic"
    MINOR = "minor"


@dataclasses.dataclass(frozen=True, slots=True)
class Verdict:
    """How it stands and why, in words that end a sentence's worth of sense without its full stop."""

    standing: Standing
    reason: str
    cause: Cause | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class Reader:
    """For whom is judged: the policy's table, the state's two letters, the node's mode."""

    wanted: Relevance
    place: str
    mode: Mode


def judge(reader: Reader, advisory: Advisory, now: dt.datetime) -> Verdict:
    """How an advisory that comes in `now` stands in the queue of this state."""
    if not _is_meant(reader.mode, advisory.status):
        return _folded(Cause.TEST, f"{_a(advisory.status)}, not a real alert")
    names = _Names(advisory.areas)
    own = names.own(reader.place)
    if own and SEVERITY_RANK[advisory.severity] >= _SEVERE:
        return Verdict(Standing.SEVERE, f"{own}; {_over(advisory, now)}" if _over(advisory, now) else own)
    if away := _away(reader, names, own=own):
        return away
    return _unwanted(reader.wanted, advisory, now) or Verdict(Standing.STANDS, own or _near(reader, names))


def _away(reader: Reader, names: _Names, *, own: str) -> Verdict | None:
    """Folded, when it is about other places only."""
    if own or names.nowhere or names.among(reader.wanted.neighbours):
        return None
    if not names.by_state:
        return _folded(Cause.AT_SEA, "marine zones only")
    return _folded(Cause.ELSEWHERE, f"not for {_name(reader.place)}: {names.listed()}")


def _unwanted(wanted: Relevance, advisory: Advisory, now: dt.datetime) -> Verdict | None:
    """Folded, when it is over, about something else, or less severe than the policy asks for."""
    if over := _over(advisory, now):
        return _folded(Cause.OVER, over)
    if wanted.topics and advisory.topics and not wanted.topics.intersection(advisory.topics):
        return _folded(Cause.TOPIC, f"{advisory.topics[0]}: not among your policy's topics")
    if SEVERITY_RANK[Severity.UNKNOWN] < SEVERITY_RANK[advisory.severity] < SEVERITY_RANK[wanted.least]:
        return _folded(Cause.MINOR, f"{advisory.severity}: below your policy's {wanted.least}")
    return None


def _over(advisory: Advisory, now: dt.datetime) -> str:
    ends = advisory.expires
    return "" if ends is None or ends > now else f"was over on {ends:%Y-%m-%d} at {ends:%H:%M} UTC"


def _near(reader: Reader, names: _Names) -> str:
    near = names.among(reader.wanted.neighbours)
    return f"names {near}" if near else f"names no place, so it counts for {_name(reader.place)} too"


def _is_meant(mode: Mode, status: Status) -> bool:
    """An exercise is what an exercise node is there for; a test is meant nowhere."""
    return status is Status.ACTUAL or (status is Status.EXERCISE and mode is Mode.EXERCISE)


def _folded(cause: Cause, reason: str) -> Verdict:
    return Verdict(Standing.FOLDED, reason, cause)


class _Names:
    """The places that an advisory names, counted by state."""

    def __init__(self, areas: Sequence[Area]) -> None:
        self.by_state: dict[str, list[Area]] = collections.defaultdict(list)
        for area in areas:
            if area.state is not None:
                self.by_state[area.state.lower()].append(area)
        self.whole_country = any(area.fips == _COUNTRY for area in areas)
        self.nowhere = not areas or self.whole_country

    def own(self, place: str) -> str:
        """In words, "names 3 counties of Texas"; empty when it names no place there."""
        if self.whole_country:
            return "names the whole country"
        return f"names {_places(place, self.by_state[place])}" if place in self.by_state else ""

    def among(self, places: Iterable[str]) -> str:
        """Those of these states: "2 counties of Oklahoma and 1 county of Louisiana"."""
        found = {place: areas for place, areas in self.by_state.items() if place in places}
        return _join([_places(place, areas) for place, areas in _most_first(found)])

    def listed(self) -> str:
        """The states that it names, those with most places first."""
        return self.among(frozenset(self.by_state))


def _most_first(found: dict[str, list[Area]]) -> list[tuple[str, list[Area]]]:
    return sorted(found.items(), key=lambda each: (-_weight(each[1]), each[0]))


def _weight(areas: Sequence[Area]) -> int:
    return len(_counties(areas)) or len(areas)


def _join(parts: Sequence[str]) -> str:
    """The first few, and how many more there are."""
    if len(parts) <= 1:
        return "".join(parts)
    more = len(parts) - _MOST_NAMED
    if more > 0:
        return ", ".join(parts[:_MOST_NAMED]) + f" and {more} more {'state' if more == 1 else 'states'}"
    return ", ".join(parts[:-1]) + f" and {parts[-1]}"


def _places(place: str, areas: Sequence[Area]) -> str:
    """All of Texas, 3 counties of Texas, or zones where only the forecast's zones are named."""
    counties = _counties(areas)
    if "000" in counties:
        return f"all of {_name(place)}"
    number, kind = (len(counties), "county") if counties else (len({area.ugc for area in areas}), "zone")
    several = {"county": "counties", "zone": "zones"}[kind]
    return f"{number} {kind if number == 1 else several} of {_name(place)}"


def _counties(areas: Sequence[Area]) -> frozenset[str]:
    """Three digits each, whichever code names them; "000" for the whole state."""
    by_fips = {area.fips[2:] for area in areas if area.fips}
    by_ugc = {area.ugc[3:].replace("ALL", "000") for area in areas if area.ugc and area.ugc[2] == "C"}
    return frozenset(by_fips | by_ugc)


def _name(place: str) -> str:
    return PLACES[place].name


def _a(status: Status) -> str:
    return {Status.TEST: "a test", Status.EXERCISE: "an exercise"}.get(status, status.value)
