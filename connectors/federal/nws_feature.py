"""One alert of api.weather.gov in JSON: a GeoJSON feature, or the same members flat in JSON-LD (its openapi.json).

Every member but the id may be missing, null, or hold one value where others hold a list: alerts that are relayed for
counties have few of them. A word that would make an alert quieter than it is, is an error and no guess.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from typing import Any, Final, TypeVar

import msgspec

from connectors.federal import nws_told, same
from connectors.plain_text import one_line, printable
from schemas import cap
from schemas.bulletin import Advisory
from schemas.vocabulary import Certainty, Severity, Urgency

NAME: Final = "nws"
MOST_TEXT: Final = 20_000
_MOST_PLACES: Final = 2_000
_Word = TypeVar("_Word", Severity, Urgency, Certainty)


class Reference(msgspec.Struct):
    """An earlier alert; its own address ends in its identifier."""

    identifier: str | None = None
    link: str | None = msgspec.field(name="@id", default=None)


class Properties(msgspec.Struct, rename="camel"):
    """The members that are read, as the API spells them; all of them count in the revision."""

    id: str | None = None
    link: str | None = msgspec.field(name="@id", default=None)
    area_desc: str | None = None
    geocode: dict[str, Any] | None = None
    references: list[Reference] | None = None
    sent: str | None = None
    effective: str | None = None
    onset: str | None = None
    expires: str | None = None
    ends: str | None = None
    status: str | None = None
    message_type: str | None = None
    category: str | None = None
    severity: str | None = None
    certainty: str | None = None
    urgency: str | None = None
    event: str | None = None
    headline: str | None = None
    description: str | None = None
    instruction: str | None = None
    parameters: dict[str, Any] | None = None
    language: str | None = None
    event_code: dict[str, Any] | None = None


def key_of(content: object) -> str | None:
    """The id of an alert of which perhaps nothing else can be read."""
    if not isinstance(content, dict):
        return None
    inner = content.get("properties")
    found = [one.get(name) for one in (inner, content) if isinstance(one, dict) for name in ("id", "@id")]
    return next((_last_part(one) for one in found if isinstance(one, str) and one.strip()), None)


def _last_part(address: str) -> str:
    """`https://api.weather.gov/alerts/urn:oid:...` names the alert at its end; an id stands for itself."""
    return address.strip().rpartition("/")[2] if address.startswith("http") else address.strip()


def advisory(content: dict[str, Any], original: str, item: str) -> Advisory:
    """What the alert says. ValueError or msgspec.ValidationError: it cannot be used."""
    key = key_of(content)
    if not key:
        raise ValueError("id: is missing")
    said = msgspec.convert(content.get("properties") or content, Properties)
    event = one_line(said.event or "")
    codes, vtec = _strings(said.event_code, "SAME"), _strings(said.parameters, "VTEC")
    titles, texts = _texts(said)
    language = said.language or cap.DEFAULT_LANGUAGE
    return Advisory(
        source=NAME,
        key=key,
        revision=_revision(content),
        action=nws_told.action(said.message_type or "", vtec),
        status=nws_told.status(said.status or "", key, codes, vtec, (titles, texts)),
        headline=next((line for line in (one_line(said.headline or ""), event) if line), key),
        summary=_summary(said) or event or key,
        severity=_word(Severity, said.severity),
        urgency=_word(Urgency, said.urgency),
        certainty=_word(Certainty, said.certainty),
        topics=nws_told.topics(event, codes, said.category or "", "\n".join(titles)),
        areas=same.areas(_strings(said.geocode, "SAME"), _strings(said.geocode, "UGC"))[:_MOST_PLACES],
        effective=_first_time(said.onset, said.effective, said.sent),
        expires=_first_time(said.ends, said.expires),
        references=_references(said),
        url=said.link if (said.link or "").startswith("https://") else None,
        language=language,
        languages=(language,),
        item=item,
        original=original,
        event=event,
    )


def _revision(content: dict[str, Any]) -> str:
    """SHA-256 hex over the alert, members sorted: only white space and order in the file do not count."""
    return hashlib.sha256(msgspec.json.encode(content, order="sorted")).hexdigest()


def _texts(said: Properties) -> tuple[list[str], list[str]]:
    titles = [text for text in (said.event, said.headline) if text]
    return titles, [text for text in (said.description, said.instruction) if text]


def _summary(said: Properties) -> str:
    """What happens, what to do, and where in words."""
    where = one_line(said.area_desc or "")
    parts = [printable(text).strip() for text in (said.description, said.instruction) if text]
    if where:
        parts.append(f"Where: {where}")
    return "\n\n".join(part for part in parts if part)[:MOST_TEXT]


def _strings(table: dict[str, Any] | None, name: str) -> list[str]:
    value = (table or {}).get(name)
    listed = value if isinstance(value, list) else [value]
    return [one for one in listed if isinstance(one, str)]


def _references(said: Properties) -> tuple[str, ...]:
    found = (one.identifier or _last_part(one.link or "") for one in said.references or ())
    return tuple(dict.fromkeys(key for key in found if key))


def _word(kind: type[_Word], text: str | None) -> _Word:
    """CAP's word in lower case; "Unknown" is a word of the agency's own, so that another one is no unknown."""
    try:
        return kind((text or "unknown").strip().lower())
    except ValueError:
        raise ValueError(f"{kind.__name__.lower()}: {str(text)[:40]!r} is not one of its words") from None


def _first_time(*spelled: str | None) -> dt.datetime | None:
    """The first of these that is there; ValueError when it is no time with a zone."""
    text = next((one for one in spelled if one), None)
    return None if text is None else cap.parse_time(text.strip()).astimezone(dt.UTC)
