"""RSS 2.0 and Atom 1.0 (RFC 4287) by feedgen; the only file that imports it.

feedgen writes each entry once, as a fragment; a document is the channel's head with stored fragments in it, byte for
byte the same in every process. feedgen alone drops hub and paging links from RSS, and `rel` and `type` of every Atom
entry link, so one extension writes those, and CAP 1.2 facts beside them.
"""

from __future__ import annotations

import datetime as dt
import html
import re
from collections.abc import Iterable
from typing import Any

from feedgen.entry import FeedEntry
from feedgen.ext.base import BaseEntryExtension, BaseExtension
from feedgen.feed import FeedGenerator
from lxml import etree

from connectors.feeds.entry import Channel, Entry
from connectors.plain_text import one_line, printable
from schemas.bulletin import Area

_ATOM = "http://www.w3.org/2005/Atom"
_CAP = "urn:oasis:names:tc:emergency:cap:1.2"
_DC = "http://purl.org/dc/elements/1.1/"
_SPACES = {"atom": _ATOM, "cap": _CAP, "dc": _DC}
_LANG = "{http://www.w3.org/XML/1998/namespace}lang"
_DECLARED = re.compile(rb' xmlns(:\w+)?="[^"]*"')
_RSS_TYPE, _ATOM_TYPE = "application/rss+xml", "application/atom+xml"


class _ChannelExtension(BaseExtension):  # type: ignore[misc]  # feedgen ships no types
    """The links that feedgen forgets in RSS."""

    channel: Channel | None = None

    def extend_ns(self) -> dict[str, str]:
        return dict(_SPACES)

    def extend_rss(self, feed: etree._Element) -> etree._Element:
        if self.channel is not None:
            for rel, href in _further_links(self.channel):
                etree.SubElement(feed[0], f"{{{_ATOM}}}link", rel=rel, href=href)
        return feed


class _EntryExtension(BaseEntryExtension):  # type: ignore[misc]  # feedgen ships no types
    """Author without an e-mail address in RSS, whole links in Atom, CAP 1.2 facts in both."""

    entry: Entry | None = None

    def extend_rss(self, feed: etree._Element) -> etree._Element:
        if self.entry is not None:
            _text(feed, f"{{{_DC}}}creator", self.entry.author)
            _cap(feed, self.entry)
        return feed

    def extend_atom(self, feed: etree._Element) -> etree._Element:
        if self.entry is not None:
            feed.set(_LANG, one_line(self.entry.lang))
            etree.SubElement(feed, "link", rel="alternate", type="text/html", href=_address(self.entry.url))
            _cap(feed, self.entry)
        return feed


def item(entry: Entry) -> bytes:
    """The RSS `item` of one version, to be stored and put into `document`."""
    return _fragment(_rss_entry(entry).rss_entry())


def atom_entry(entry: Entry) -> bytes:
    """The Atom `entry` of one version, to be stored and put into `atom_document`."""
    return _fragment(_atom_entry(entry).atom_entry())


def document(channel: Channel, fragments: Iterable[bytes], stylesheet: str | None = None) -> bytes:
    """An RSS 2.0 document of fragments in the order given; `stylesheet` is the address of a CSS file for browsers."""
    return _filled(_generator(channel, _RSS_TYPE).rss_str(), b"</channel>", fragments, stylesheet)


def atom_document(channel: Channel, fragments: Iterable[bytes], stylesheet: str | None = None) -> bytes:
    """An Atom document of fragments in the order given; `stylesheet` as for RSS."""
    return _filled(_generator(channel, _ATOM_TYPE).atom_str(), b"</feed>", fragments, stylesheet)


def _generator(channel: Channel, media_type: str) -> Any:
    """The head. The alternate link stands last: feedgen takes the last one for RSS's `link`."""
    made = FeedGenerator()
    made.id(_address(channel.id or channel.self_url))
    made.title(one_line(channel.title))
    made.description(one_line(channel.subtitle or channel.title))
    made.language(one_line(channel.language))
    made.updated(channel.updated)
    made.lastBuildDate(channel.updated)
    made.ttl(channel.ttl)
    made.generator("School Safety Hub")
    made.author(name=one_line(channel.title))
    made.link(href=_address(channel.self_url), rel="self", type=media_type)
    for rel, href in _further_links(channel):
        made.link(href=href, rel=rel)
    made.link(href=_address(channel.url), rel="alternate", type="text/html")
    made.register_extension("hub", _ChannelExtension, _EntryExtension)
    made.hub.channel = channel
    return made


def _rss_entry(entry: Entry) -> Any:
    made = _bare_entry(entry)
    made.guid(entry.version_id, permalink=False)
    made.link(href=_address(entry.url))
    made.description(printable(entry.marked_html))
    made.pubDate(_second(entry.updated))
    return made


def _atom_entry(entry: Entry) -> Any:
    made = _bare_entry(entry)
    made.id(entry.atom_id)
    made.author(name=one_line(entry.author) or "(unknown)")
    made.content(printable(entry.marked_html), type="html")
    made.published(entry.published)
    return made


def _bare_entry(entry: Entry) -> Any:
    made = FeedEntry()
    made.title(one_line(entry.title) or "(no title)")
    made.updated(entry.updated)
    made.category([{"term": term} for term in map(one_line, entry.categories) if term])
    made.register_extension("hub", _EntryExtension)
    made.hub.entry = entry
    return made


def _further_links(channel: Channel) -> list[tuple[str, str]]:
    links = (("hub", channel.hub_url), ("next", channel.next_url))
    return [(rel, _address(href)) for rel, href in links if href]


def _cap(parent: etree._Element, entry: Entry) -> None:
    """CAP 1.2 section 3.2: its words begin with a capital, its times have an offset and never a Z."""
    _text(parent, f"{{{_CAP}}}status", "Exercise" if entry.exercise else "Actual")
    for name, word in (("urgency", entry.urgency), ("severity", entry.severity), ("certainty", entry.certainty)):
        _text(parent, f"{{{_CAP}}}{name}", word.value.capitalize())
    if entry.expires is not None:
        _text(parent, f"{{{_CAP}}}expires", _second(entry.expires).strftime("%Y-%m-%dT%H:%M:%S-00:00"))
    for area in entry.areas:
        _geocode(parent, area)


def _geocode(parent: etree._Element, area: Area) -> None:
    made = etree.SubElement(parent, f"{{{_CAP}}}geocode")
    _text(made, f"{{{_CAP}}}valueName", "SAME" if area.fips else "UGC")
    _text(made, f"{{{_CAP}}}value", f"0{area.fips}" if area.fips else area.ugc or "")


def _text(parent: etree._Element, name: str, text: str) -> None:
    etree.SubElement(parent, name).text = one_line(text)


def _second(moment: dt.datetime) -> dt.datetime:
    return moment.astimezone(dt.UTC).replace(microsecond=0)


def _address(text: str) -> str:
    return "".join(printable(text).split())


def _fragment(element: etree._Element) -> bytes:
    """The element alone: every prefix that it uses is declared once, at the root of the document that it goes into."""
    etree.Element("root", nsmap=_SPACES).append(element)
    made: bytes = etree.tostring(element, encoding="UTF-8", xml_declaration=False, with_tail=False)
    start, end, rest = made.partition(b">")
    return _DECLARED.sub(b"", start) + end + rest


def _filled(head: bytes, close: bytes, fragments: Iterable[bytes], stylesheet: str | None) -> bytes:
    before, _, after = head.rpartition(close)
    if stylesheet is not None:
        href = html.escape(_address(stylesheet))
        instruction = f'?>\n<?xml-stylesheet type="text/css" href="{href}"?>'.encode()
        before = before.replace(b"?>", instruction, 1)
    return b"".join((before, *fragments, close, after, b"\n"))
