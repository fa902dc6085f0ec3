"""What may be asked of a list: the same filters for feeds and for the front page. Whatever is not known is refused."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from typing import Any

import msgspec

from hub.errors import FieldError
from hub.web.problem import Problem
from hub.web.route import Query
from schemas import product
from schemas.places import BY_FIPS, PLACES
from schemas.vocabulary import SEVERITY_RANK, Severity, Topic

MOST = 500
USUAL = 100
_AREA = re.compile(r"[0-9]{5}|[A-Z]{2}[CZ](?:[0-9]{3}|ALL)", re.ASCII)
_LANG = re.compile(r"[A-Za-z]{2,3}(?:-[A-Za-z0-9]{2,8}){0,3}", re.ASCII)
_LIMIT = re.compile(r"[1-9][0-9]{0,2}", re.ASCII)


class Filter(msgspec.Struct, frozen=True):
    """What a reader wants to see. `topics` empty: all; `severity`: at least this; `before`: older than this product."""

    topics: tuple[Topic, ...] = ()
    area: str | None = None
    severity: Severity | None = None
    state: str | None = None
    lang: str | None = None
    limit: int = USUAL
    before: str | None = None

    @property
    def rank(self) -> int | None:
        """The lowest severity rank that is shown, None for all."""
        return None if self.severity is None else SEVERITY_RANK[self.severity]

    @property
    def codes(self) -> tuple[str, ...]:
        """The area codes that fit: the one asked for, the same county in the other code, and its whole state."""
        return () if self.area is None else tuple(dict.fromkeys((self.area, *_wider(self.area))))

    @property
    def place(self) -> str | None:
        """The state that items have to concern; a whole state asked for as an area takes in all its places."""
        if self.state is not None:
            return self.state
        if self.area is not None and self.area.endswith("000") and self.area[:2] in BY_FIPS:
            return BY_FIPS[self.area[:2]].code
        return None


def _wider(area: str) -> tuple[str, ...]:
    """Codes of areas that hold `area`. A county is 48453 in FIPS and TXC453 in UGC."""
    place = BY_FIPS.get(area[:2]) or PLACES.get(area[:2].lower())
    if place is None:  # a zone at sea
        return ()
    if area.isdigit():
        return (f"{place.code.upper()}C{area[2:]}", f"{place.fips}000")
    county = (f"{place.fips}{area[3:]}",) if area[2] == "C" and area[3:].isdigit() else ()
    return (*county, f"{place.fips}000")


def _place_of(area: str) -> str | None:
    place = BY_FIPS.get(area[:2]) or PLACES.get(area[:2].lower())
    return None if place is None else place.code


def _topics(text: str) -> tuple[Topic, ...]:
    return tuple(sorted({Topic(word) for word in text.split(",")}))


def _area(text: str) -> str:
    code = text.upper()
    known = BY_FIPS.get(code[:2]) if code.isdigit() else True
    if _AREA.fullmatch(code) is None or known is None:
        raise ValueError(text)
    return code


def _state(text: str) -> str:
    return PLACES[text.lower()].code


def _lang(text: str) -> str:
    if _LANG.fullmatch(text) is None:
        raise ValueError(text)
    return text.lower()


def _limit(text: str) -> int:
    if _LIMIT.fullmatch(text) is None or int(text) > MOST:
        raise ValueError(text)
    return int(text)


def _before(text: str) -> str:
    return str(product.parse(text))


# name -> (member of Filter, reader, what is allowed in words, JSON Schema)
_READERS: Mapping[str, tuple[str, Any, str, dict[str, Any]]] = {
    "topic": (
        "topics",
        _topics,
        f"one or more of {', '.join(Topic)}, with commas",
        {"type": "string"},
    ),
    "area": (
        "area",
        _area,
        "five digits of a county (FIPS), such as 48453, SS000 for a whole state, or a UGC zone such as MTZ301",
        {"type": "string", "pattern": r"^([0-9]{5}|[A-Za-z]{2}[CZcz]([0-9]{3}|ALL|all))$"},
    ),
    "severity": (
        "severity",
        Severity,
        f"at least one of {', '.join(Severity)}",
        {"type": "string", "enum": [each.value for each in Severity]},
    ),
    "state": (
        "state",
        _state,
        "two letters of a state or territory that bulletins concern, such as tx",
        {"type": "string"},
    ),
    "lang": ("lang", _lang, "a language tag, such as en or es", {"type": "string"}),
    "limit": (
        "limit",
        _limit,
        f"a number from 1 to {MOST}",
        {"type": "integer", "minimum": 1, "maximum": MOST, "default": USUAL},
    ),
    "before": ("before", _before, "a product id of this feed, such as TX-2026-0042", {"type": "string"}),
}
QUERY = tuple(Query(name, about, schema) for name, (_, _, about, schema) in _READERS.items())


def read_filter(given: Mapping[str, str], *, names: tuple[str, ...] = tuple(_READERS)) -> Filter:
    """The filter that a query string spells. Raises Problem `malformed` naming every parameter or value that is not known."""
    errors: list[FieldError] = []
    values: dict[str, Any] = {}
    for name in dict.fromkeys(given):
        values_of = given.getall(name) if hasattr(given, "getall") else [given[name]]
        if name not in names:
            errors.append(FieldError(f"?{name}", _unknown(name, names)))
        elif len(values_of) > 1:
            errors.append(FieldError(f"?{name}", f"{name} may stand once; it stands {len(values_of)} times"))
        else:
            _read(name, values_of[0], values, errors)
    if not errors:
        _settle(values, errors)
    if errors:
        raise Problem(
            "malformed", "; ".join(each.message for each in errors) + ".", tuple(errors), code="unknown-parameter"
        )
    return Filter(**values)


def _read(name: str, text: str, values: dict[str, Any], errors: list[FieldError]) -> None:
    member, reader, allowed, _ = _READERS[name]
    try:
        values[member] = reader(text)
    except (ValueError, KeyError):
        errors.append(FieldError(f"?{name}", f"{name} is {text[:40]!r}; allowed is {allowed}"))


def _settle(values: dict[str, Any], errors: list[FieldError]) -> None:
    """An area lies in one state: naming that state too adds nothing, naming another one is a slip."""
    area, state = values.get("area"), values.get("state")
    if area is None or state is None:
        return
    if _place_of(area) != state:
        errors.append(FieldError("?area", f"area {area} does not lie in state {state}"))
    del values["state"]


def _unknown(name: str, names: tuple[str, ...]) -> str:
    close = difflib.get_close_matches(name, names, n=1)
    hint = f"; did you mean {close[0]}?" if close else ""
    return f"there is no parameter {name[:40]!r}{hint} Allowed are {', '.join(names)}"
