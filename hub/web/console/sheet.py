"""The compose form: its fields as a browser has them, read into the form that the API takes, and back."""

from __future__ import annotations

import dataclasses
import datetime as dt
import difflib
import re
import zoneinfo
from collections.abc import Iterable, Mapping
from typing import Any, Final

import pydantic

from hub.desk.content import Content
from hub.errors import FieldError, Invalid
from hub.web.console.forms import Fields
from hub.web.forms import BulletinForm, field_errors
from schemas.bulletin import Area
from schemas.places import BY_FIPS, PLACES

LABELS: Final[Mapping[str, str]] = {
    "headline": "Headline",
    "text": "What is known",
    "actions": "What to do",
    "areas": "Where",
    "topic": "Topic",
    "also": "Also about",
    "phase": "Phase",
    "severity": "How serious",
    "urgency": "How soon",
    "certainty": "How sure",
    "confidence": "Confidence",
    "basis": "What that rests on",
    "expires": "Valid until",
    "next_update_by": "Next word by",
    "tlp": "Who may see it",
    "audience": "Which states get it",
    "lane": "Lane",
    "caveats": "Handling caveats",
    "record_class": "Kind of record",
    "minor": "A small correction",
}
_PLAIN: Final = ("headline", "text", "basis")
_CHOSEN: Final = (
    "topic",
    "phase",
    "severity",
    "urgency",
    "certainty",
    "confidence",
    "tlp",
    "lane",
    "record_class",
)
_SPARE_ROWS = 3
_MOST_ROWS = 40
_MINUTES = "%Y-%m-%dT%H:%M"
_FIPS = re.compile(r"[0-9]{5}", re.ASCII)
_UGC = re.compile(r"[A-Z]{2}[CZ](?:[0-9]{3}|ALL)", re.ASCII)
_NAMES: Final = {place.name.casefold(): place for place in PLACES.values()}


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """The form's values as they stand in its inputs; `rows` are (role, what to do), with some to spare."""

    one: Mapping[str, str]
    rows: tuple[tuple[str, str], ...] = ()
    also: tuple[str, ...] = ()
    caveats: tuple[str, ...] = ()
    to: tuple[str, ...] = ()
    minor: bool = False

    def value(self, name: str) -> str:
        """What stands in one input."""
        return self.one.get(name, "")


def blank() -> Sheet:
    """A new bulletin's form. What decides who reads it, and how loudly, is left for its author to choose."""
    chosen = {
        "phase": "response",
        "confidence": "medium",
        "lane": "routine",
        "record_class": "safety-notice",
        "audience": "all",
    }
    return Sheet(one=chosen, rows=_spare(()))


def of_fields(fields: Fields) -> Sheet:
    """What somebody typed, to be shown again."""
    names = (*_PLAIN, *_CHOSEN, "areas", "expires", "next_update_by", "audience")
    return Sheet(
        one={name: fields.one(name) for name in names},
        rows=_spare(_rows(fields)),
        also=fields.many("also"),
        caveats=fields.many("caveats"),
        to=fields.many("to"),
        minor=bool(fields.one("minor")),
    )


def of_content(content: Content, zone: str) -> Sheet:
    """A draft as it stands."""
    one = {name: getattr(content, name) for name in _PLAIN}
    one |= {name: getattr(content, name).value for name in _CHOSEN}
    due = content.next_update_by
    one |= {
        "areas": "\n".join(_line(area) for area in content.areas),
        "expires": _minutes(content.expires, zone),
        "next_update_by": "" if due is None else _minutes(due, zone),
        "audience": "named" if content.audience else "all",
    }
    return Sheet(
        one=one,
        rows=_spare(tuple((each.role, each.text) for each in content.actions)),
        also=tuple(each.value for each in content.also),
        caveats=tuple(each.value for each in content.caveats),
        to=content.audience,
        minor=content.minor,
    )


def read(fields: Fields, zone: str) -> BulletinForm:
    """The form as the API takes it. Raises Invalid with every field's error."""
    errors: list[FieldError] = []
    if not _rows(fields):
        errors.append(FieldError("/actions", "is empty: say at least one thing that somebody should do"))
    document: dict[str, Any] = {name: fields.one(name) for name in (*_PLAIN, *_CHOSEN) if _given(fields, name)}
    document |= {"also": fields.many("also"), "caveats": fields.many("caveats"), "minor": bool(fields.one("minor"))}
    document["actions"] = [{"role": role, "text": text} for role, text in _rows(fields)]
    document["areas"] = list(_areas(fields.one("areas"), errors))
    document["audience"] = _audience(fields, errors)
    for name in ("expires", "next_update_by"):
        moment = _moment(fields.one(name), zone, name, errors)
        if moment is not None or name == "next_update_by":
            document[name] = moment
    return _judged(document, errors)


def kept_moments(content: Content, stands: Content, zone: str) -> Content:
    """The same with the very times that a draft had where the form shows no other.

    It shows local minutes: no seconds, and not which of the two when clocks go back.
    """
    kept = {}
    for name in ("expires", "next_update_by"):
        new, old = getattr(content, name), getattr(stands, name)
        if new is not None and old is not None and _minutes(new, zone) == _minutes(old, zone):
            kept[name] = old
    return dataclasses.replace(content, **kept)


def _given(fields: Fields, name: str) -> bool:
    return name == "basis" or fields.one(name) != ""


def _judged(document: dict[str, Any], errors: list[FieldError]) -> BulletinForm:
    try:
        form = BulletinForm.model_validate(document)
    except pydantic.ValidationError as error:
        said = {each.pointer for each in errors}
        for each in field_errors(error):
            if each.pointer not in said:
                words = each.message.replace("Field required", "is needed: fill it in, or choose one")
                errors.append(FieldError(each.pointer, words))
    if errors:
        raise Invalid("Some fields do not fit.", tuple(errors))
    return form


def _rows(fields: Fields) -> tuple[tuple[str, str], ...]:
    pairs = ((fields.one(f"role_{n}"), fields.one(f"action_{n}")) for n in range(_MOST_ROWS))
    return tuple(pair for pair in pairs if any(pair))


def _spare(rows: tuple[tuple[str, str], ...]) -> tuple[tuple[str, str], ...]:
    return (*rows, *((("", ""),) * _SPARE_ROWS))[:_MOST_ROWS]


# ------------------------------------------------------------------------------------------------ places
def _areas(text: str, errors: list[FieldError]) -> Iterable[dict[str, str | None]]:
    lines = dict.fromkeys(line.strip(" \t,;") for line in text.split("\n"))
    for line in lines:
        if not line:
            continue
        area = _area(line)
        if area is None:
            errors.append(FieldError("/areas", _unknown(line)))
        else:
            yield {"state": area.state, "fips": area.fips, "ugc": area.ugc}


def _area(line: str) -> Area | None:
    """A place as people write it: a state's name or letters, five digits, a UGC code. None when it is none of these."""
    code = line.upper()
    if _FIPS.fullmatch(code):
        state = BY_FIPS.get(code[:2])
        return None if state is None else Area(state.code.upper(), fips=code)
    if _UGC.fullmatch(code):
        place = PLACES.get(code[:2].lower())
        return Area(None if place is None else place.code.upper(), ugc=code)
    named = _NAMES.get(line.casefold().removeprefix("all of ")) or PLACES.get(line.lower())
    return None if named is None else Area(named.code.upper(), fips=f"{named.fips}000")


def _unknown(line: str) -> str:
    close = difflib.get_close_matches(line.casefold(), _NAMES, n=1)
    hint = f" Did you mean {_NAMES[close[0]].name}?" if close else ""
    return f"{line[:40]!r} is no state, county code of five digits, or zone such as TXZ192.{hint}"


def _line(area: Area) -> str:
    if area.fips is None:
        return area.ugc or ""
    state = BY_FIPS.get(area.fips[:2])
    return state.name if state is not None and area.fips.endswith("000") else area.fips


def _audience(fields: Fields, errors: list[FieldError]) -> Any:
    named = fields.many("to")
    if fields.one("audience") != "named":
        if fields.one("audience") != "all":
            errors.append(FieldError("/audience", "is needed: choose one"))
        elif named:
            errors.append(FieldError("/audience", "says all states, and names some: choose one of the two"))
        return "all"
    if not named:
        errors.append(FieldError("/audience", "names no state: tick those that get it, or choose all"))
        return "all"
    return named


# ------------------------------------------------------------------------------------------------ times
def _minutes(moment: dt.datetime, zone: str) -> str:
    return moment.astimezone(zoneinfo.ZoneInfo(zone)).strftime(_MINUTES)


def _moment(text: str, zone: str, name: str, errors: list[FieldError]) -> dt.datetime | None:
    """A local time of the node's zone; one that carries its own zone keeps it."""
    if not text:
        return None
    try:
        moment = dt.datetime.fromisoformat(text)
        aware = moment if moment.tzinfo else moment.replace(tzinfo=zoneinfo.ZoneInfo(zone))
        return aware.astimezone(dt.UTC)
    except (ValueError, OverflowError):
        errors.append(FieldError(f"/{name}", f"{text[:40]!r} is no date with a time, such as 2030-01-31T17:00"))
        return None
