"""NWS alerts in XML: CAP messages, and the Atom index whose entries carry the first facts of each in CAP's own elements.

The index cuts an alert's words short; its key is the last part of the entry's address, which for api.weather.gov is
the alert's id. An older index names its alerts by their whole address.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Iterable, Iterator
from typing import Final

import msgspec
from lxml import etree

from connectors.answer import PIECE, Listing, Unreadable
from connectors.federal import cap_alert, nws_scope, nws_told, same
from connectors.federal.nws_feature import MOST_TEXT, NAME
from connectors.plain_text import one_line, printable
from schemas import cap
from schemas.bulletin import Advisory
from schemas.vocabulary import Certainty, Severity, Status, Urgency

Read = tuple[list[Advisory | Unreadable], Listing]
_API: Final = "https://api.weather.gov/alerts/"
_NONE: Final = "there are no active watches"


def read(data: bytes, file: str) -> Read:
    """Every alert of a document and what it says of others; a document that cannot be read is one error."""
    try:
        root = cap.parsed(data)
    except cap.CapError as error:
        return [Unreadable(f"This is no CAP or Atom document: {error}", file)], PIECE
    if found := cap.found_in(root):
        return [_message(each, file, index) for index, each in enumerate(found)], PIECE
    name = etree.QName(root).localname
    if name != "feed":
        return [Unreadable(f"There is no alert in this document; it is <{name}>.", file)], PIECE
    return _index(root, file)


# ------------------------------------------------------------------------------------------ a CAP message
def _message(found: cap.Found, file: str, index: int) -> Advisory | Unreadable:
    try:
        return _said(found, str(index))
    except cap.CapError as error:
        key = found.alert.identifier if isinstance(found.alert, cap.Alert) else None
        return Unreadable(f"Alert {index}{f' ({key})' if key else ''}: {error}", file, index, key)


def _said(found: cap.Found, item: str) -> Advisory:
    """As any CAP message; but the NWS names it by its identifier, and says when the event ends in a parameter."""
    made = cap_alert.advisory(NAME, found, item)
    alert = found.alert
    if isinstance(alert, cap.CapError):
        raise alert
    return msgspec.structs.replace(
        made,
        key=alert.identifier,
        references=tuple(dict.fromkeys(one.identifier for one in alert.references)),
        status=_status(made, alert),
        topics=made.topics and nws_told.topics(alert.infos[0].event, _codes(alert), _category(alert), made.headline),
        effective=min((when for info in alert.infos if (when := info.onset or info.effective)), default=alert.sent),
        expires=max(_times(_parameters(alert, "eventEndingTime")), default=made.expires),
        event=one_line(alert.infos[0].event) if alert.infos else "",
        url=_API + alert.identifier if alert.identifier.startswith("urn:oid:") else made.url,
    )


def _status(made: Advisory, alert: cap.Alert) -> Status:
    events = [info.event for info in alert.infos]
    tested = nws_told.is_test(alert.identifier, _codes(alert), _parameters(alert, "VTEC"), events)
    return Status.TEST if tested and made.status is Status.ACTUAL else made.status


def _codes(alert: cap.Alert) -> list[str]:
    return [pair.value for info in alert.infos for pair in info.event_codes if pair.name.upper() == "SAME"]


def _category(alert: cap.Alert) -> str:
    return next((category.value for info in alert.infos for category in info.categories), "")


def _parameters(alert: cap.Alert, name: str) -> list[str]:
    return [pair.value for info in alert.infos for pair in info.parameters if pair.name == name]


def _times(texts: Iterable[str]) -> Iterator[dt.datetime]:
    """Those of the texts that are times; another reading of when an alert ends is there beside them."""
    for text in texts:
        try:
            yield cap.parse_time(text.strip())
        except ValueError:
            continue


# ------------------------------------------------------------------------------------------- the Atom index
def _index(root: etree._Element, file: str) -> Read:
    entries = [_Entry(child) for child in root if etree.QName(child).localname == "entry"]
    said = [each for each in entries if not each.one("title").lower().startswith(_NONE)]
    title = next((child.text or "" for child in root if etree.QName(child).localname == "title"), "")
    listing = nws_scope.listing(title, empty=not said)
    return [_entry(each, file, index) for index, each in enumerate(said)], listing


class _Entry:
    """The children of one entry by their local names: Atom's and CAP's do not meet."""

    def __init__(self, element: etree._Element) -> None:
        self.element = element
        self._texts: dict[str, list[str]] = {}
        for child in element.iter():
            text = (child.text or "").strip()
            if text and child is not element:
                self._texts.setdefault(etree.QName(child).localname, []).append(text)

    def one(self, name: str) -> str:
        """The text of the first element of this name; empty when there is none."""
        return next(iter(self._texts.get(name, ())), "")

    def coded(self, name: str) -> list[str]:
        """The values of a code or parameter: names and values follow each other, also several in one element."""
        found: list[str] = []
        for element in self.element.iter():
            if etree.QName(element).localname == "valueName" and (element.text or "").strip() == name:
                following = element.getnext()
                found.append("" if following is None else (following.text or "").strip())
        return found


def _entry(entry: _Entry, file: str, index: int) -> Advisory | Unreadable:
    key = entry.one("id").removeprefix(_API)
    try:
        if not key:
            raise ValueError("id: is missing")  # noqa: TRY301 - one way out for all that is wrong with an entry
        return _listed(entry, key, str(index))
    except ValueError as error:
        return Unreadable(f"Alert {index}{f' ({key})' if key else ''}: {error}", file, index, key or None)


def _listed(entry: _Entry, key: str, item: str) -> Advisory:
    event, title = one_line(entry.one("event")), one_line(entry.one("title"))
    vtec = entry.coded("VTEC")
    address = next((child.get("href") for child in entry.element if child.get("href")), None)
    where = one_line(entry.one("areaDesc"))
    parts = [printable(entry.one("summary")), f"Where: {where}" if where else ""]
    return Advisory(
        source=NAME,
        key=key,
        revision=hashlib.sha256(etree.tostring(entry.element, method="c14n", exclusive=True)).hexdigest(),
        action=nws_told.action(entry.one("msgType"), vtec),
        status=nws_told.status(entry.one("status"), key, [], vtec, ([event, title], [entry.one("summary")])),
        headline=title or event or key,
        summary="\n\n".join(part for part in parts if part)[:MOST_TEXT] or event,
        severity=Severity(entry.one("severity").lower() or "unknown"),
        urgency=Urgency(entry.one("urgency").lower() or "unknown"),
        certainty=Certainty(entry.one("certainty").lower() or "unknown"),
        topics=nws_told.topics(event or title, [], entry.one("category"), title),
        areas=same.areas((*entry.coded("SAME"), *entry.coded("FIPS6")), entry.coded("UGC")),
        effective=_time(entry, "onset", "effective", "sent", "published"),
        expires=next(_times(entry.coded("eventEndingTime")), _time(entry, "ends", "expires")),
        url=address if (address or "").startswith(("https://", "http://")) else None,
        item=item,
        original=etree.tostring(entry.element, encoding="unicode", with_tail=False),
        event=event,
    )


def _time(entry: _Entry, *names: str) -> dt.datetime | None:
    text = next((text for name in names if (text := entry.one(name))), None)
    return None if text is None else cap.parse_time(text)
