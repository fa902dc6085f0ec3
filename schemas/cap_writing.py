"""Structs -> CAP 1.2 XML that the OASIS schema accepts, in its order, and that keeps the rules which no schema can say.

Those of section 3.2: no spaces, commas, `<` or `&` in sender and identifier; a restriction exactly when Restricted,
addresses when Private; references in what updates or cancels. CapError names the element that breaks one.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable
from typing import Any, Final

from lxml import etree

from schemas.cap_message import (
    NAMESPACE,
    SPELLED,
    Alert,
    Area,
    CapError,
    Info,
    MsgType,
    Pair,
    Reference,
    Resource,
    Scope,
    format_time,
)

_NO_PREFIX: Final[Any] = {None: NAMESPACE}
_NAME: Final = re.compile(r"[^\s,<&]+")
_LANGUAGE: Final = re.compile(r"[A-Za-z]{1,8}(?:-[A-Za-z0-9]{1,8})*", re.ASCII)
_DECIMAL: Final = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)", re.ASCII)
# RFC 3986 without what only an IPv6 host needs; an absolute address, as section 3.2.2 asks.
_CHARACTER: Final = r"(?:[A-Za-z0-9._~:/?@!$&'()*+,;=-]|%[0-9A-Fa-f]{2})"
_URI: Final = re.compile(rf"[A-Za-z][A-Za-z0-9+.-]*:{_CHARACTER}+(?:#{_CHARACTER}*)?", re.ASCII)
_REFER: Final = frozenset({MsgType.UPDATE, MsgType.CANCEL, MsgType.ACK, MsgType.ERROR})


def write(alert: Alert) -> bytes:
    """The message as a UTF-8 document; CapError, naming the element, where it breaks a rule of CAP 1.2."""
    check(alert)
    root = etree.Element(f"{{{NAMESPACE}}}alert", nsmap=_NO_PREFIX)
    _alert(_Writer(root, ""), alert)
    etree.indent(root)
    return etree.tostring(root, encoding="UTF-8", xml_declaration=True) + b"\n"


def check(alert: Alert) -> None:
    """CapError unless the message keeps the rules of section 3.2 that hold between its elements."""
    for element, name in (("sender", alert.sender), ("identifier", alert.identifier)):
        if _NAME.fullmatch(name) is None:
            raise CapError(element, f"{name[:60]!r} is empty or holds a space, a comma, '<' or '&'")
    _check_scope(alert)
    if alert.msg_type in _REFER and not alert.references:
        raise CapError("references", f"{alert.msg_type} must say to which messages it refers")
    for index, info in enumerate(alert.infos):
        for element, there in (("category", info.categories), ("event", info.event.strip())):
            if not there:
                raise CapError(f"info[{index}].{element}", "is missing")


def _check_scope(alert: Alert) -> None:
    if alert.scope is Scope.RESTRICTED and not alert.restriction:
        raise CapError("restriction", "is missing, though the scope is Restricted")
    if alert.scope is not Scope.RESTRICTED and alert.restriction:
        raise CapError("restriction", f"has no place in a message whose scope is {alert.scope}")
    if alert.scope is Scope.PRIVATE and not alert.addresses:
        raise CapError("addresses", "is missing, though the scope is Private")


class _Writer:
    """Adds elements under one element, in the order of the calls."""

    def __init__(self, element: etree._Element, path: str) -> None:
        self._element = element
        self._path = path

    def under(self, name: str, index: int) -> _Writer:
        """A new element that holds others."""
        return _Writer(etree.SubElement(self._element, f"{{{NAMESPACE}}}{name}"), f"{self._at(name)}[{index}]")

    def put(self, name: str, text: str | None) -> None:
        """A new element with its text; none without one."""
        if text is None:
            return
        try:
            etree.SubElement(self._element, f"{{{NAMESPACE}}}{name}").text = text
        except ValueError:
            raise CapError(self._at(name), "holds a character that XML cannot") from None

    def put_all(self, name: str, texts: Iterable[str]) -> None:
        """One element for each text."""
        for text in texts:
            self.put(name, text)

    def put_time(self, name: str, moment: dt.datetime | None) -> None:
        """A moment in the CAP spelling."""
        self.put(name, None if moment is None else _spelled(moment, self._at(name)))

    def put_shaped(self, name: str, text: str | None, shape: re.Pattern[str]) -> None:
        """A text of which the schema asks a form."""
        if text is not None and shape.fullmatch(text) is None:
            raise CapError(self._at(name), f"{text[:60]!r} is not of the form that CAP asks for")
        self.put(name, text)

    def put_pairs(self, name: str, pairs: Iterable[Pair]) -> None:
        """Elements of a valueName and a value."""
        for index, pair in enumerate(pairs):
            inner = self.under(name, index)
            inner.put("valueName", pair.name)
            inner.put("value", pair.value)

    def _at(self, name: str) -> str:
        return f"{self._path}.{name}" if self._path else name


def _spelled(moment: dt.datetime, where: str) -> str:
    try:
        return format_time(moment)
    except (ValueError, OverflowError) as error:
        raise CapError(where, str(error)) from None


def _alert(to: _Writer, alert: Alert) -> None:
    to.put("identifier", alert.identifier)
    to.put("sender", alert.sender)
    # As its sender spelled it, where that is valid: the spelling is part of what the message is referred to by.
    to.put("sent", alert.sent_as if SPELLED.fullmatch(alert.sent_as) else _spelled(alert.sent, "sent"))
    to.put("status", alert.status)
    to.put("msgType", alert.msg_type)
    to.put("source", alert.source)
    to.put("scope", alert.scope)
    to.put("restriction", alert.restriction)
    to.put("addresses", alert.addresses)
    to.put_all("code", alert.codes)
    to.put("note", alert.note)
    to.put("references", _references(alert.references))
    to.put("incidents", alert.incidents)
    for index, info in enumerate(alert.infos):
        _info(to.under("info", index), info)


def _references(references: tuple[Reference, ...]) -> str | None:
    for reference in references:
        if any(_NAME.fullmatch(part) is None for part in (reference.sender, reference.identifier, reference.sent)):
            raise CapError("references", f"{str(reference)[:60]!r} is no sender,identifier,sent")
    return " ".join(map(str, references)) or None


def _info(to: _Writer, info: Info) -> None:
    to.put_shaped("language", info.language, _LANGUAGE)
    to.put_all("category", info.categories)
    to.put("event", info.event)
    to.put_all("responseType", info.response_types)
    to.put("urgency", info.urgency.capitalize())
    to.put("severity", info.severity.capitalize())
    to.put("certainty", info.certainty.capitalize())
    to.put("audience", info.audience)
    to.put_pairs("eventCode", info.event_codes)
    to.put_time("effective", info.effective)
    to.put_time("onset", info.onset)
    to.put_time("expires", info.expires)
    to.put("senderName", info.sender_name)
    to.put("headline", info.headline)
    to.put("description", info.description)
    to.put("instruction", info.instruction)
    to.put_shaped("web", info.web, _URI)
    to.put("contact", info.contact)
    to.put_pairs("parameter", info.parameters)
    for index, resource in enumerate(info.resources):
        _resource(to.under("resource", index), resource)
    for index, area in enumerate(info.areas):
        _area(to.under("area", index), area)


def _resource(to: _Writer, resource: Resource) -> None:
    to.put("resourceDesc", resource.description)
    to.put("mimeType", resource.mime_type)
    to.put("size", None if resource.size is None else str(resource.size))
    to.put_shaped("uri", resource.uri, _URI)
    to.put("derefUri", resource.deref_uri)
    to.put("digest", resource.digest)


def _area(to: _Writer, area: Area) -> None:
    to.put("areaDesc", area.description)
    to.put_all("polygon", area.polygons)
    to.put_all("circle", area.circles)
    to.put_pairs("geocode", area.geocodes)
    to.put_shaped("altitude", area.altitude, _DECIMAL)
    to.put_shaped("ceiling", area.ceiling, _DECIMAL)
