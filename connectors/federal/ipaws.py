"""FEMA IPAWS: CAP messages of local, state and federal agencies, as its feeds and its archive serve them.

Read are a single CAP message, several in one document (the feed of IPAWS-OPEN, EDXL-DE) and OpenFEMA's archive
(IpawsArchivedAlerts, JSON whose `originalMessage` is the whole CAP message). FEMA asks for a Memorandum of Agreement
before its All-Hazards feed is used: polling is off until an operator turns it on.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any, Final

from lxml import etree

from connectors import chain
from connectors.answer import Listing, Parsed, Unreadable, unreadable
from connectors.federal.cap_alert import advisory
from schemas import cap
from schemas.bulletin import Advisory

NAME: Final = "ipaws"
# What is in force since then; IPAWS-OPEN itself holds a message for half an hour or until it expires.
URL: Final = "https://apps.fema.gov/IPAWSOPEN_EAS_SERVICE/rest/public/recent/2026-01-01T00:00:00Z"
MAX_BYTES: Final = 64 * 1024 * 1024
_ARCHIVE: Final = "IpawsArchivedAlerts"
_ORIGINAL: Final = ("originalMessage", "xml")
# A message says nothing of others that it does not name, and a feed without any is the usual case.
_NOTHING_MORE: Final = Listing(covers=frozenset(), empty=True)
_BOM: Final = b"\xef\xbb\xbf"
_DECLARATION: Final = re.compile(r"\A\ufeff?\s*<\?xml [^>]*\?>")


def parse(data: bytes, file: str) -> Parsed:
    """Read one document. Never raises: an unreadable message is an error in words and costs itself alone."""
    if len(data) > MAX_BYTES:
        return unreadable(f"The file is too large: more than {MAX_BYTES:,} bytes.", file)
    head = data.removeprefix(_BOM).lstrip()[:1]
    if not head:
        return unreadable("The file is empty; an empty answer says nothing about alerts.", file)
    return _archive(data, file) if head in {b"{", b"["} else _document(data, file)


# ------------------------------------------------------------------------------------------------- XML
def _document(data: bytes, file: str) -> Parsed:
    try:
        root = cap.parsed(data)
    except cap.CapError as error:
        return unreadable(f"This is no CAP document: {error}", file)
    found = cap.found_in(root)
    if not found and (wrong := _why_empty(root)):
        return unreadable(wrong, file)
    # A message that stands alone keeps the bytes that its signature is about.
    served = _text(data) if len(found) == 1 and root.tag in cap.ALERTS else None
    return _whole((_message(each, index, file, served) for index, each in enumerate(found)), file)


def _why_empty(root: etree._Element) -> str | None:
    """What came instead of alerts, or None for a feed that has none just now."""
    name = etree.QName(root).localname
    entries = [child for child in root if etree.QName(child).localname == "entry"]
    if entries:
        return f"This is an index of {len(entries)} alerts, not the alerts themselves: they are behind its links."
    if name in {"alerts", "feed"}:
        return None
    return f"There is no CAP alert in this document; it is <{name}>."


def _text(data: bytes) -> str | None:
    try:
        return data.decode()
    except UnicodeDecodeError:
        return None


def _message(found: cap.Found, index: int, file: str, original: str | None) -> Advisory | Unreadable:
    try:
        return advisory(NAME, found, str(index), original)
    except cap.CapError as error:
        return Unreadable(f"Message {index}{_known_as(found)}: {error}", file, index)


def _known_as(found: cap.Found) -> str:
    return f" ({found.alert.identity})" if isinstance(found.alert, cap.Alert) else ""


def _whole(read: Iterable[Advisory | Unreadable], file: str) -> Parsed:
    """Every message once, and all that could not be read."""
    every = list(read)
    single = chain.once((each for each in every if isinstance(each, Advisory)), file)
    errors = (*(each for each in every if isinstance(each, Unreadable)), *single.errors)
    return Parsed(single.advisories, errors, _NOTHING_MORE)


# ------------------------------------------------------------------------------------------ the archive
def _archive(data: bytes, file: str) -> Parsed:
    try:
        records = _records(_loaded(data.removeprefix(_BOM)))
    except RecursionError:
        return unreadable("This JSON is nested too deeply.", file)
    except ValueError as error:
        return unreadable(f"This is not JSON of OpenFEMA's {_ARCHIVE}: {error}.", file)
    return _whole((_record(record, index, file) for index, record in enumerate(records)), file)


def _loaded(data: bytes) -> Any:
    """One JSON document, or one a line."""
    text = data.decode()
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        if error.msg != "Extra data":
            raise
        return [json.loads(line) for line in text.split("\n") if line.strip()]


def _records(content: Any) -> list[Any]:
    """The records of an answer: in its member IpawsArchivedAlerts, as features of GeoJSON, in a bare list, or just one."""
    if isinstance(content, list):
        return content
    for name in (_ARCHIVE, "features"):
        if isinstance(listed := content.get(name), list):
            return listed
    if any(name in content for name in _ORIGINAL):
        return [content]
    raise ValueError(f"it has no member {_ARCHIVE}")


def _record(record: Any, index: int, file: str) -> Advisory | Unreadable:
    facts = _facts(record)
    text = next((facts[name] for name in _ORIGINAL if isinstance(facts.get(name), str)), None)
    if text is None:
        return Unreadable(f"Message {index}: the record has no {_ORIGINAL[0]}, the CAP message itself.", file, index)
    try:
        # Within JSON it is text already: what its XML declaration says of bytes is no longer true.
        found = cap.read_all(_DECLARATION.sub("", text).encode())
    except ValueError as error:
        return Unreadable(f"Message {index}: {error}", file, index)
    if len(found) != 1:
        return Unreadable(f"Message {index}: the record holds {len(found)} CAP alerts, not one.", file, index)
    return _message(found[0], index, file, text)


def _facts(record: Any) -> dict[str, Any]:
    inner = record.get("properties", record) if isinstance(record, dict) else None
    return inner if isinstance(inner, dict) else {}
