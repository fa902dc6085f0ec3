from __future__ import annotations

import hashlib
import html
import subprocess
import sys
from typing import Any

import feedparser
import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from connectors.feeds import rss
from connectors.feeds.entry import Channel, Entry
from connectors.plain_text import one_line
from schemas.vocabulary import Tlp
from tests.connectors.feeds.made import EPOCH, channel, entries, entry

ATOM = "{http://www.w3.org/2005/Atom}"


def rendered(head: Channel, items: list[Entry], *, atom: bool) -> bytes:
    if atom:
        return rss.atom_document(head, [rss.atom_entry(each) for each in items])
    return rss.document(head, [rss.item(each) for each in items])


def whole(head: Channel, items: list[Entry], *, atom: bool) -> bytes:
    """The same feed, by feedgen at one go."""
    generator = rss._generator(head, rss._ATOM_TYPE if atom else rss._RSS_TYPE)
    for each in items:
        generator.add_entry(rss._atom_entry(each) if atom else rss._rss_entry(each), order="append")
    made: bytes = generator.atom_str() if atom else generator.rss_str()
    return made


def tree(document: bytes) -> list[tuple[str, dict[str, str], str]]:
    return [(node.tag, dict(node.attrib), node.text or "") for node in etree.fromstring(document).iter()]


@pytest.mark.parametrize("atom", [False, True])
@given(items=st.lists(entries, max_size=4))
def test_fragments_in_a_head_are_what_feedgen_renders_whole(atom: bool, items: list[Entry]) -> None:
    head = channel()
    assert tree(rendered(head, items, atom=atom)) == tree(whole(head, items, atom=atom))


@pytest.mark.parametrize("atom", [False, True])
@given(made=entries)
def test_nasty_words_come_back_as_they_can_be_shown(atom: bool, made: Entry) -> None:
    document = rendered(channel(), [made], atom=atom)
    read = {node.tag.rpartition("}")[2]: node.text for node in etree.fromstring(document).iter()}
    assert read["title"] == (one_line(made.title) or "(no title)")
    assert read["content" if atom else "description"] == made.marked_html
    assert made.updated.isoformat() in document.decode() or not atom
    assert feedparser.parse(document).bozo is False


@pytest.mark.parametrize("atom", [False, True])
def test_feedparser_reads_everything_back(atom: bool) -> None:
    read = feedparser.parse(rendered(channel(), [entry(version=2)], atom=atom))
    head = channel()
    links = {(link["rel"], link["href"]) for link in read.feed.links}
    assert links == {("self", head.self_url), ("hub", head.hub_url), ("next", head.next_url), ("alternate", head.url)}
    assert (read.bozo, read.feed.title, read.feed.link) == (False, head.title, head.url)
    item: Any = read.entries[0]
    made = entry(version=2)
    assert item.id == (made.atom_id if atom else made.version_id)
    assert (item.title, item.link, item.author) == (made.title, made.url, made.author)
    assert [tag.term for tag in item.tags] == ["bomb-threat", "swatting"]
    assert "TLP:CLEAR" in item.summary
    assert (item.cap_severity, item.cap_status) == ("Severe", "Actual")
    assert item.published_parsed[:6] == (2026, 3, 4, 12, 0, 0)


def test_atom_links_keep_rel_and_type() -> None:
    read = etree.fromstring(rss.atom_document(channel(), [rss.atom_entry(entry())]))
    assert dict(read.find(f"{ATOM}entry/{ATOM}link").attrib) == {
        "rel": "alternate",
        "type": "text/html",
        "href": entry().url,
    }


def test_areas_are_cap_geocodes() -> None:
    read = etree.fromstring(rss.document(channel(), [rss.item(entry())]))
    spaces = {"cap": "urn:oasis:names:tc:emergency:cap:1.2"}
    assert [
        code.xpath("string(cap:valueName)", namespaces=spaces) for code in read.iterfind(".//cap:geocode", spaces)
    ] == [
        "SAME",
        "UGC",
    ]
    assert read.xpath("//cap:value/text()", namespaces=spaces) == ["048453", "TXZ192"]


@pytest.mark.parametrize("atom", [False, True])
def test_an_empty_feed_is_valid_and_says_nothing_of_now(atom: bool) -> None:
    document = rendered(channel(updated=EPOCH, hub_url=None, next_url=None), [], atom=atom)
    read = feedparser.parse(document)
    assert (read.bozo, read.entries) == (False, [])
    assert read.feed.updated in {"2026-01-01T00:00:00+00:00", "Thu, 01 Jan 2026 00:00:00 +0000"}


def test_a_stylesheet_stands_before_the_root() -> None:
    document = rss.document(channel(), [], stylesheet='/static/feed.css?a&b"?>')
    node = etree.fromstring(document).getprevious()
    assert (node.target, node.get("type"), html.unescape(node.get("href"))) == (
        "xml-stylesheet",
        "text/css",
        '/static/feed.css?a&b"?>',
    )
    assert rss.atom_document(channel(), [], stylesheet="/x.css").count(b"<?xml-stylesheet") == 1


def test_the_marking_stands_in_every_body() -> None:
    for tlp in Tlp:
        label = f"TLP:{tlp.value.upper()}".encode()
        assert label in rss.item(entry(tlp=tlp))
        assert label in rss.atom_entry(entry(tlp=tlp))


PRINT_HASH = """
import hashlib
from connectors.feeds import json_feed, rss
from tests.connectors.feeds.made import channel, entry
parts = [rss.document(channel(), [rss.item(entry())]), rss.atom_document(channel(), [rss.atom_entry(entry())]),
         json_feed.document(channel(), [json_feed.item(entry())])]
print(hashlib.sha256(b"".join(parts)).hexdigest())
"""


def test_two_processes_render_the_same_bytes() -> None:
    said = {
        subprocess.run(
            [sys.executable, "-c", PRINT_HASH],
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": "."},
            capture_output=True,
            check=True,
            text=True,
            timeout=60,
        ).stdout.strip()
        for seed in ("1", "2")
    }
    assert len(said) == 1
    assert len(said.pop()) == len(hashlib.sha256().hexdigest())
