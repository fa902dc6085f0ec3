"""The open feed: what three formats say, filters, caching, and that equal rows give equal bytes."""

from __future__ import annotations

import datetime as dt
import gzip
import json

import feedparser
import pytest

FORMS = ("rss", "atom", "json")


async def test_three_formats_show_the_same_bulletin(house):
    product = await house.publish()
    for form in ("rss", "atom"):
        read = feedparser.parse((await house.get(f"/feeds/bulletins.{form}")).body)
        assert not read.bozo, read.get("bozo_exception")
        assert [entry.title for entry in read.entries] == ["Recorded threat calls name rooms that do not exist"]
        assert read.entries[0].link == f"https://tx.example/bulletins/{product}"
    items = (await house.get("/feeds/bulletins.json")).json()["items"]
    assert items[0]["title"] == "Recorded threat calls name rooms that do not exist"
    assert items[0]["_school_safety"]["tlp"] == "TLP:CLEAR"
