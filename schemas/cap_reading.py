"""CAP 1.2, 1.1 and 1.0 documents -> structs: hostile bytes refused, agencies' habits forgiven (OASIS CAP 1.2 section 3).

An alert may stand alone or in a wrapper (EDXL-DE, Atom, a list of alerts); every one is read for itself. Order, case and
spelling of times are forgiven. What a message cannot do without, and words outside the closed lists, are errors.
"""

from __future__ import annotations

import datetime as dt
import enum
import functools
from collections.abc import Callable
from typing import Any, Final, TypeVar, cast

import msgspec
from lxml import etree

from schemas.cap_message import (
    DEFAULT_LANGUAGE,
    NAMESPACE,
    OLDER_NAMESPACES,
    Alert,
    Area,
    CapError,
    Category,
    Info,
    MsgType,
    Pair,
    Reference,
    Resource,
    ResponseType,
    Scope,
    Status,
    format_time,
    parse_time,
)
from schemas.vocabulary import Certainty, Severity, Urgency

MAX_BYTES: Final = 16 * 1024 * 1024
MAX_ELEMENTS: Final = 200_000  # a thousand long alerts; many more would take minutes
ALERTS: Final = tuple(f"{{{namespace}}}alert" for namespace in (NAMESPACE, *OLDER_NAMESPACES))
_SPACE: Final = " \t\r\n"
# CAP 1.0 had one word more.
_OLDER_WORDS: Final = {"very likely": "likely"}

_Word = TypeVar("_Word", bound=enum.StrEnum)
_Made = TypeVar("_Made")


class Found(msgspec.Struct, frozen=True):
    """One alert of a document, or why it cannot be used; `text` is its own XML."""

    alert: Alert | CapError
    text: str


def read(data: bytes) -> Alert:
    """The one alert of a document; CapError, naming the element, when there is none, another one, or one that cannot be used."""
    found = read_all(data)
    if len(found) != 1:
        raise CapError("", f"the document holds {len(found)} alerts, not one")
    if isinstance(found[0].alert, CapError):
        raise found[0].alert
    return found[0].alert


def read_all(data: bytes) -> list[Found]:
    """Every alert of a document in its order; CapError when it is no XML, is hostile, or its size is out of bounds."""
    return found_in(parsed(data))


def found_in(root: etree._Element) -> list[Found]:
    """Every alert in or under an element, in order."""
    return [_found(element) for element in root.iter(*ALERTS) if not _inside_another(element)]


def parsed(data: bytes) -> etree._Element:
    """The root of an XML document from outside: no entities, no DOCTYPE, no network, depth and size bounded."""
    if len(data) > MAX_BYTES:
        raise CapError("", f"the document is larger than {MAX_BYTES:,} bytes")
    try:
        # Some put an empty line before the XML declaration, which has to stand first.
        root = etree.fromstring(data.lstrip(), _parser())
    except (etree.XMLSyntaxError, ValueError) as error:
        raise CapError("", f"not well-formed XML: {error}") from None
    if root.xpath(f"count(descendant::*) > {MAX_ELEMENTS}"):
        raise CapError("", f"the document has more than {MAX_ELEMENTS:,} elements")
    if _has_doctype(root):
        raise CapError("", "the document has a DOCTYPE, which CAP has no use for and attacks have")
    return root


def _has_doctype(root: etree._Element) -> bool:
    info: Any = root.getroottree().docinfo
    return bool(info.doctype) or info.internalDTD is not None


def _parser() -> etree.XMLParser:
    return etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )


def _inside_another(element: etree._Element) -> bool:
    return next(element.iterancestors(*ALERTS), None) is not None


def _found(element: etree._Element) -> Found:
    text = etree.tostring(element, encoding="unicode", with_tail=False)
    try:
        alert: Alert | CapError = _alert(_Node(element, ""))
    except CapError as error:
        alert = error
    return Found(alert, text)


class _Node:
    """The children of one element by name, whatever their order and case; an empty one counts as missing."""

    def __init__(self, element: etree._Element, path: str) -> None:
        self._path = path
        self._text = _text(element)
        self._children: dict[str, list[etree._Element]] = {}
        namespace = etree.QName(element).namespace
        for child in element:
            name = etree.QName(child)
            if name.namespace == namespace:
                self._children.setdefault(name.localname.lower(), []).append(child)

    def at(self, name: str) -> str:
        """Where an element stands, in words for an error."""
        return f"{self._path}.{name}" if self._path else name

    def texts(self, name: str) -> tuple[str, ...]:
        """The text of every element of this name."""
        return tuple(text for child in self._children.get(name.lower(), ()) if (text := _text(child)))

    def text(self, name: str) -> str | None:
        """The text of the one element of this name, or None. Two that say the same are one."""
        texts = set(self.texts(name))
        if len(texts) > 1:
            raise CapError(self.at(name), "stands more than once")
        return next(iter(texts), None)

    def needed(self, name: str) -> str:
        """The text of an element that must be there."""
        text = self.text(name)
        if text is None:
            raise CapError(self.at(name), "is missing")
        return text

    def name(self, name: str) -> str:
        """A sender or an identifier: references could not name one with a comma in it (section 3.2.1)."""
        text = self.needed(name)
        if "," in text:
            raise CapError(self.at(name), "holds a comma, so that no message could refer to it")
        return text

    def nodes(self, name: str) -> tuple[_Node, ...]:
        """Every element of this name, to look into."""
        children = self._children.get(name.lower(), ())
        return tuple(_Node(child, f"{self.at(name)}[{index}]") for index, child in enumerate(children))

    def pairs(self, name: str) -> tuple[Pair, ...]:
        """The valueName and value of every element of this name; CAP 1.0 wrote them as `name=value`."""
        return tuple(node.pair() for node in self.nodes(name))

    def pair(self) -> Pair:
        """This element as valueName and value."""
        if not self._children and "=" in self._text:
            name, _, value = self._text.partition("=")
            return Pair(name.strip(_SPACE), value.strip(_SPACE))
        return Pair(self.text("valueName") or "", self.text("value") or "")

    def word(self, name: str, words: type[_Word]) -> _Word:
        """The word of a closed list that must be there."""
        return _word(self.needed(name), words, self.at(name))

    def words(self, name: str, words: type[_Word]) -> tuple[_Word, ...]:
        """Every word of a closed list."""
        return tuple(_word(text, words, self.at(name)) for text in self.texts(name))

    def made(self, name: str, make: Callable[[str], _Made]) -> _Made | None:
        """What an element's text stands for, or None without one; CapError where it stands for nothing."""
        text = self.text(name)
        if text is None:
            return None
        try:
            return make(text)
        except ValueError as error:
            raise CapError(self.at(name), str(error)) from None

    def time(self, name: str) -> dt.datetime | None:
        """A moment, or None without one."""
        return self.made(name, parse_time)


def _text(element: etree._Element) -> str:
    if not len(element):
        return (element.text or "").strip(_SPACE)
    return "".join(str(text) for text in element.itertext()).strip(_SPACE)


def _word(text: str, words: type[_Word], where: str) -> _Word:
    word = _by_spelling(words).get(" ".join(text.lower().split()))
    if word is None:
        raise CapError(where, f"{text[:40]!r} is not one of {', '.join(words)}")
    return cast("_Word", word)


@functools.cache
def _by_spelling(words: type[enum.StrEnum]) -> dict[str, enum.StrEnum]:
    made = {word.value.lower(): word for word in words}
    return made | {older: made[newer] for older, newer in _OLDER_WORDS.items() if newer in made}


def _alert(node: _Node) -> Alert:
    spelled, sent = node.needed("sent"), node.time("sent")
    if sent is None:
        raise CapError("sent", "is missing")
    return Alert(
        identifier=node.name("identifier"),
        sender=node.name("sender"),
        sent=sent,
        sent_as="" if spelled == format_time(sent) else spelled,
        status=node.word("status", Status),
        msg_type=node.word("msgType", MsgType),
        source=node.text("source"),
        scope=node.word("scope", Scope),
        restriction=node.text("restriction"),
        addresses=node.text("addresses"),
        codes=node.texts("code"),
        note=node.text("note"),
        references=references(node.text("references") or ""),
        incidents=node.text("incidents"),
        infos=tuple(_info(info) for info in node.nodes("info")),
    )


def references(text: str) -> tuple[Reference, ...]:
    """The triples of a list of references; what is no triple refers to nothing and is passed over.

    They are separated by white space, which some agencies also have in a sender's name: a triple ends with its time.
    """
    made: list[Reference] = []
    begun: list[str] = []
    for token in text.split():
        begun.append(token)
        before, comma, sent = token.rpartition(",")
        if not comma or not _is_time(sent):
            continue
        sender, comma, identifier = " ".join((*begun[:-1], before)).partition(",")
        if comma:
            made.append(Reference(sender, identifier, sent))
        begun = []
    return tuple(made)


def _is_time(text: str) -> bool:
    try:
        parse_time(text)
    except ValueError:
        return False
    return True


def _info(node: _Node) -> Info:
    return Info(
        language=node.text("language") or DEFAULT_LANGUAGE,
        categories=node.words("category", Category),
        event=node.needed("event"),
        response_types=node.words("responseType", ResponseType),
        urgency=node.word("urgency", Urgency),
        severity=node.word("severity", Severity),
        certainty=node.word("certainty", Certainty),
        audience=node.text("audience"),
        event_codes=node.pairs("eventCode"),
        effective=node.time("effective"),
        onset=node.time("onset"),
        expires=node.time("expires"),
        sender_name=node.text("senderName"),
        headline=node.text("headline"),
        description=node.text("description"),
        instruction=node.text("instruction"),
        web=node.text("web"),
        contact=node.text("contact"),
        parameters=node.pairs("parameter"),
        resources=tuple(_resource(each) for each in node.nodes("resource")),
        areas=tuple(_area(each) for each in node.nodes("area")),
    )


def _resource(node: _Node) -> Resource:
    return Resource(
        description=node.text("resourceDesc") or "",
        mime_type=node.text("mimeType") or "",
        size=node.made("size", int),
        uri=node.text("uri"),
        deref_uri=node.text("derefUri"),
        digest=node.text("digest"),
    )


def _area(node: _Node) -> Area:
    return Area(
        description=node.text("areaDesc") or "",
        polygons=node.texts("polygon"),
        circles=node.texts("circle"),
        geocodes=node.pairs("geocode"),
        altitude=node.text("altitude"),
        ceiling=node.text("ceiling"),
    )
