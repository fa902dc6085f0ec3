"""Of which places a list of api.weather.gov speaks, by its title: "Current watches, warnings, and advisories for Ohio"."""

from __future__ import annotations

import re
from typing import Final

from connectors.answer import PIECE, Listing
from schemas.places import PLACES

_CURRENT: Final = re.compile(
    r"current watches, warnings,? and advisories(?: for (?P<where>.+?))?(?: issued by the national weather service)?",
    re.ASCII,
)
_EVERYWHERE: Final = frozenset({"", "the united states", "united states"})
_ZONE: Final = re.compile(r"\(([a-z]{2}[cz][0-9]{3})\)", re.ASCII)
_STATES: Final = {place.name.lower(): place.code.upper() for place in PLACES.values()}


def listing(title: str, *, empty: bool, first_page: bool = True) -> Listing:
    """What a list with this title says of the alerts that it leaves out.

    Only the list of current alerts says anything, and only when it is the whole of it; of a place whose name is not
    known here it says nothing, and what it does not name ends when it expires.
    """
    found = _CURRENT.fullmatch(" ".join(title.lower().split())) if first_page else None
    if found is None:
        return PIECE if not empty else Listing(frozenset(), empty=True)
    return Listing(_covers(found["where"] or ""), empty=empty, turns_over=True)


def _covers(where: str) -> frozenset[str] | None:
    if where in _EVERYWHERE:
        return None
    if zones := _ZONE.findall(where):
        return frozenset(zone.upper() for zone in zones)
    names = where.split(", ")
    return frozenset(_STATES[name] for name in names) if all(name in _STATES for name in names) else frozenset()
