"""CISA's Known Exploited Vulnerabilities catalogue (JSON, CC0), whole each time, edited in place.

Shape by the catalogue's own schema of 2025-01-27: `{title, catalogVersion, dateReleased, count, vulnerabilities}`.
An entry's key is its CVE id; any change of any member is a new revision. A withdrawn entry is simply left out.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import re
from typing import Annotated, Any

import msgspec

from connectors.answer import Parsed, Unreadable, unreadable
from connectors.plain_text import one_line, whole_pairs
from schemas.bulletin import Advisory
from schemas.vocabulary import Action, Certainty, Severity, Status, Topic, Urgency

NAME = "cisa-kev"
URL = "https://www.cisa.gov/sites/default/files/feeds/known_exploited_vulnerabilities.json"
MAX_BYTES = 32 * 1024 * 1024
_MAX_TEXT = 20_000
_CVE = r"^CVE-[0-9]{4}-[0-9]{4,19}\Z"
_NVD = "https://nvd.nist.gov/vuln/detail/"
_LINK = re.compile(r"https?://[^\s<>\"';,]+")
_Text = Annotated[str, msgspec.Meta(min_length=1, max_length=_MAX_TEXT)]
_Day = Annotated[str, msgspec.Meta(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}\Z")]


class _Catalogue(msgspec.Struct):
    count: int
    vulnerabilities: list[msgspec.Raw]


class _Entry(msgspec.Struct):
    """One vulnerability, as CISA spells it. Members that are not known here count in the revision only."""

    cveID: Annotated[str, msgspec.Meta(pattern=_CVE)]  # noqa: N815 - CISA's spelling
    vendorProject: str  # noqa: N815 - CISA's spelling
    product: str
    vulnerabilityName: _Text  # noqa: N815 - CISA's spelling
    dateAdded: _Day  # noqa: N815 - CISA's spelling
    shortDescription: _Text  # noqa: N815 - CISA's spelling
    requiredAction: _Text  # noqa: N815 - CISA's spelling
    dueDate: _Day  # noqa: N815 - CISA's spelling
    knownRansomwareCampaignUse: str | None = None  # noqa: N815 - CISA's spelling
    notes: str | None = None
    cwes: list[str] | None = None


_BROKEN = (msgspec.MsgspecError, ValueError, RecursionError)
_CATALOGUE = msgspec.json.Decoder(_Catalogue)


def parse(data: bytes, file: str) -> Parsed:
    """Read one catalogue. Never raises: an unreadable entry is an error in words and costs itself alone."""
    try:
        catalogue = _CATALOGUE.decode(whole_pairs(_bounded(data)))
    except _BROKEN as error:
        return unreadable(_why(data, error), file)
    if not catalogue.vulnerabilities:
        return unreadable("The catalogue is empty; an empty answer says nothing about threats.", file)
    read = _entries(catalogue.vulnerabilities, file)
    if catalogue.count == len(catalogue.vulnerabilities):
        return read
    short = Unreadable(
        f"The catalogue says count {catalogue.count} and lists {len(catalogue.vulnerabilities)} entries: "
        "it is not whole, so nothing counts as withdrawn.",
        file,
    )
    return Parsed(read.advisories, (short, *read.errors))


def _bounded(data: bytes) -> bytes:
    if len(data) > MAX_BYTES:
        raise ValueError(f"The file is too large: more than {MAX_BYTES:,} bytes.")
    return data.removeprefix(b"\xef\xbb\xbf")


def _why(data: bytes, error: Exception) -> str:
    """Say what came instead of a catalogue."""
    head = data[:200].decode("utf-8", "replace").lstrip("\ufeff \t\r\n").lower()
    if len(data) > MAX_BYTES:
        return str(error)
    if not head:
        return "The file is empty; an empty answer says nothing about threats."
    if head.startswith("cveid,"):
        return "This is the catalogue's CSV form; give its JSON form (known_exploited_vulnerabilities.json)."
    if head.startswith("<"):
        return "This is a web page or XML, not the catalogue's JSON."
    if b'"$schema"' in data[:2000] and isinstance(error, msgspec.ValidationError):
        return "This is the JSON Schema of the catalogue, not a catalogue: it lists no vulnerabilities."
    if isinstance(error, msgspec.ValidationError):
        return f"This JSON is not a KEV catalogue: {error}."
    if isinstance(error, RecursionError):
        return "This JSON is nested too deeply."
    if "truncated" in str(error):
        return f"The JSON ends too early, after {len(data):,} bytes: the download was cut off."
    return f"This is not JSON: {error}."


def _entries(items: list[msgspec.Raw], file: str) -> Parsed:
    advisories: dict[str, Advisory] = {}
    errors: list[Unreadable] = []
    for index, raw in enumerate(items):
        read = _entry(bytes(raw), file, index)
        if isinstance(read, Unreadable):
            errors.append(read)
        elif read.key in advisories:
            again = f"{read.key} stands in the catalogue more than once; the first entry counts."
            errors.append(Unreadable(again, file, index, read.key))
        else:
            advisories[read.key] = read
    return Parsed(tuple(advisories.values()), tuple(errors))


def _entry(raw: bytes, file: str, index: int) -> Advisory | Unreadable:
    content: Any = None
    try:
        text = raw.decode()
        content = json.loads(text, object_pairs_hook=_once)
        return _advisory(msgspec.convert(content, _Entry), content, text, index)
    except _BROKEN as error:
        key = content.get("cveID") if isinstance(content, dict) else None
        known = key if isinstance(key, str) and re.match(_CVE, key) else None
        words = "nested too deeply" if isinstance(error, RecursionError) else str(error)
        return Unreadable(f"Entry {index}{f' ({known})' if known else ''}: {words}", file, index, known)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise ValueError("a member stands twice")
    return made


def _advisory(entry: _Entry, content: dict[str, Any], original: str, index: int) -> Advisory:
    ransomware = _ransomware(entry)
    dt.date.fromisoformat(entry.dueDate)
    return Advisory(
        source=NAME,
        key=entry.cveID,
        revision=_revision(content),
        action=Action.NEW,
        status=Status.ACTUAL,
        headline=one_line(entry.vulnerabilityName),
        summary=_summary(entry, ransomware=ransomware),
        severity=Severity.EXTREME if ransomware else Severity.SEVERE,
        urgency=Urgency.EXPECTED,
        certainty=Certainty.OBSERVED,
        topics=(Topic.CYBER,),
        effective=dt.datetime.combine(dt.date.fromisoformat(entry.dateAdded), dt.time(), dt.UTC),
        url=_url(entry),
        item=str(index),
        original=original,
    )


def _revision(content: dict[str, Any]) -> str:
    """SHA-256 hex over the entry, members sorted: only white space and order in the file do not count."""
    canonical = json.dumps(content, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()


def _ransomware(entry: _Entry) -> bool:
    return (entry.knownRansomwareCampaignUse or "").strip().casefold() == "known"


def _summary(entry: _Entry, *, ransomware: bool) -> str:
    """What it is, what CISA requires and by when; the date binds federal agencies and is advice to others."""
    parts = [
        one_line(entry.shortDescription),
        f"Affected: {_affected(entry)}.",
        f"Required action: {one_line(entry.requiredAction)}",
        f"Due for federal agencies: {entry.dueDate}.",
    ]
    if ransomware:
        parts.append("Known to be used in ransomware campaigns.")
    return "\n".join(parts)


def _affected(entry: _Entry) -> str:
    vendor, product = one_line(entry.vendorProject), one_line(entry.product)
    return product if product.casefold().startswith(vendor.casefold()) else f"{vendor} {product}"


def _url(entry: _Entry) -> str:
    links: list[str] = _LINK.findall(one_line(entry.notes or ""))
    nvd = [link for link in links if link.startswith(_NVD)]
    return next(iter((*nvd, *links)), _NVD + entry.cveID).rstrip(".)")
