from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from connectors.feeds import json_feed
from connectors.feeds.entry import Entry
from connectors.plain_text import one_line
from tests.connectors.feeds.made import EPOCH, channel, entries, entry


def test_an_item_says_what_json_feed_asks() -> None:
    read = json.loads(json_feed.item(entry(version=2)))
    assert read["id"] == "urn:uuid:6f1c2f0e-3f57-4c43-9f0e-2d1c0a7a5b11#v2"
    assert read["content_text"].startswith("TLP:CLEAR\n\nCalls name several schools.\nNo device")
    assert read["date_modified"] == "2026-03-04T12:00:00.250Z"
    assert read["tags"] == ["bomb-threat", "swatting"]
    assert read["_school_safety"] == {
        "report": "6f1c2f0e-3f57-4c43-9f0e-2d1c0a7a5b11",
        "version": 2,
        "exercise": False,
        "tlp": "TLP:CLEAR",
        "severity": "severe",
        "urgency": "unknown",
        "certainty": "unknown",
        "areas": [{"state": "TX", "fips": "48453", "ugc": None}, {"state": "TX", "fips": None, "ugc": "TXZ192"}],
        "expires": None,
    }


def test_the_head_names_hub_and_next_page() -> None:
    read = json.loads(json_feed.document(channel(), []))
    assert read["version"] == "https://jsonfeed.org/version/1.1"
    assert read["items"] == []
    assert read["hubs"] == [{"type": "WebSub", "url": channel().hub_url}]
    assert read["next_url"] == channel().next_url


def test_a_bare_head_has_no_empty_members() -> None:
    read = json.loads(json_feed.document(channel(hub_url=None, next_url=None, subtitle="", updated=EPOCH), []))
    assert set(read) == {"version", "title", "home_page_url", "feed_url", "language", "authors", "items"}


@given(st.lists(entries, max_size=4))
def test_stored_items_in_a_head_are_one_document(items: list[Entry]) -> None:
    document = json_feed.document(channel(), [json_feed.item(each) for each in items])
    read = json.loads(document.decode())["items"]
    assert [each["title"] for each in read] == [one_line(each.title) for each in items]
    assert [each["content_html"] for each in read] == [each.marked_html for each in items]
