"""JSON Feed 1.1 (jsonfeed.org, 2020): items are encoded once and stored; a feed is the head with stored items in it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from connectors.feeds import words
from connectors.feeds.entry import Channel, Entry
from connectors.plain_text import one_line, printable
from schemas.times import format_time

VERSION = "https://jsonfeed.org/version/1.1"


def item(entry: Entry) -> bytes:
    """One version as a JSON Feed item; what the format has no word for stands in `_school_safety`."""
    return msgspec.json.encode(
        {
            "id": entry.version_id,
            "url": one_line(entry.url),
            "title": one_line(entry.title),
            "content_html": printable(entry.marked_html),
            "content_text": printable(entry.marked_text),
            "date_published": format_time(entry.published),
            "date_modified": format_time(entry.updated),
            "authors": [{"name": one_line(entry.author)}],
            "tags": [one_line(category) for category in entry.categories],
            "language": one_line(entry.lang),
            "_school_safety": _facts(entry),
        }
    )


def document(channel: Channel, fragments: Iterable[bytes]) -> bytes:
    """A JSON Feed of stored items in the order given."""
    head = msgspec.json.encode(_head(channel))
    return head[:-1] + b',"items":[' + b",".join(fragments) + b"]}\n"


def _head(channel: Channel) -> dict[str, Any]:
    head: dict[str, Any] = {
        "version": VERSION,
        "title": one_line(channel.title),
        "home_page_url": one_line(channel.url),
        "feed_url": one_line(channel.self_url),
        "language": one_line(channel.language),
        "authors": [{"name": one_line(channel.title)}],
    }
    if channel.subtitle:
        head["description"] = one_line(channel.subtitle)
    if channel.next_url:
        head["next_url"] = one_line(channel.next_url)
    if channel.hub_url:
        head["hubs"] = [{"type": "WebSub", "url": one_line(channel.hub_url)}]
    return head


def _facts(entry: Entry) -> dict[str, Any]:
    return {
        "report": entry.uuid,
        "version": entry.version,
        "exercise": entry.exercise,
        "tlp": words.label(entry.tlp),
        "severity": entry.severity,
        "urgency": entry.urgency,
        "certainty": entry.certainty,
        "areas": entry.areas,
        "expires": format_time(entry.expires) if entry.expires else None,
    }
