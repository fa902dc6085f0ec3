"""Feeds as HTTP: validators, 304, HEAD, gzip, and bytes that depend on the rows alone."""

from __future__ import annotations

import asyncio
import gzip
import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from hub.rules.release import Public
from hub.web.feeds import Wanted, render
from hub.web.query import Filter
from hub.web.shelf import Shelf

FORMS = ("rss", "atom", "json")
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
async def stocked(house):
    for number in range(3):
        await house.publish(headline=f"Number {number}", text="Plain words. " * 40)
    return house


@pytest.mark.parametrize("form", FORMS)
async def test_a_reader_that_has_it_gets_304(stocked, form):
    path = f"/feeds/bulletins.{form}"
    first = await stocked.get(path)
    tag, date = first.headers["ETag"], first.headers["Last-Modified"]
    assert not tag.startswith("W/")
    for known in (tag, f"W/{tag}", f'"other", {tag}', "*"):
        answer = await stocked.get(path, If_None_Match=known)
        assert (answer.status, answer.body) == (304, b""), known
        assert answer.headers["ETag"] == tag
        assert answer.headers["Vary"] == "Accept, Accept-Encoding"
    assert (await stocked.get(path, If_Modified_Since=date)).status == 304
    assert (await stocked.get(path, If_Modified_Since=date, If_None_Match='"other"')).status == 200
    assert (await stocked.get(path, If_None_Match='"other"')).status == 200


async def test_a_change_ends_the_304_for_tag_and_date_alike(stocked):
    path = "/feeds/bulletins.atom"
    first = await stocked.get(path)
    product = await stocked.publish(headline="One more")
    second = await stocked.get(path, If_None_Match=first.headers["ETag"])
    assert second.status == 200
    assert (await stocked.get(path, If_Modified_Since=first.headers["Last-Modified"])).status == 200
    await stocked.withdraw(product)
    assert (await stocked.get(path, If_Modified_Since=second.headers["Last-Modified"])).status == 200


@pytest.mark.parametrize("form", FORMS)
async def test_gzip_has_a_tag_of_its_own_and_the_same_bytes_inside(stocked, form):
    path = f"/feeds/bulletins.{form}"
    plain = await stocked.get(path)
    zipped = await stocked.get(path, Accept_Encoding="gzip")
    assert zipped.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(zipped.body) == plain.body
    assert zipped.headers["ETag"] == plain.headers["ETag"][:-1] + '-gz"'
    assert (await stocked.get(path, Accept_Encoding="gzip")).body == zipped.body
    assert (await stocked.get(path, Accept_Encoding="gzip", If_None_Match=zipped.headers["ETag"])).status == 304


@pytest.mark.parametrize("form", FORMS)
async def test_head_says_what_get_would(stocked, form):
    path = f"/feeds/bulletins.{form}"
    got, head = await stocked.get(path), await stocked.ask("HEAD", path)
    assert (head.status, head.body) == (200, b"")
    for name in ("ETag", "Last-Modified", "Content-Length", "Content-Type", "Link", "Cache-Control"):
        assert head.headers[name] == got.headers[name]


async def test_headers_of_an_open_feed(stocked):
    answer = await stocked.get("/feeds/bulletins.rss?severity=severe&topic=swatting")
    assert answer.headers["Content-Type"] == "application/rss+xml; charset=utf-8"
    assert answer.headers["Cache-Control"] == "public, max-age=60"
    self_, page = answer.headers["Link"].split(", ")
    assert self_ == '<https://tx.example/feeds/bulletins.rss?topic=swatting&severity=severe>; rel="self"'
    assert page == '<https://tx.example/>; rel="alternate"; type="text/html"'


async def test_a_browser_gets_a_styled_feed_and_a_reader_the_feeds_own_type(stocked):
    browser = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
    reader = "application/rss+xml, application/atom+xml, application/xml;q=0.9, text/xml;q=0.8, */*;q=0.1"
    for form, media in (("rss", "application/rss+xml"), ("atom", "application/atom+xml")):
        path = f"/feeds/bulletins.{form}"
        assert (await stocked.get(path, Accept=browser)).headers["Content-Type"] == "text/xml; charset=utf-8"
        assert (await stocked.get(path, Accept=reader)).headers["Content-Type"] == f"{media}; charset=utf-8"
        body = (await stocked.get(path)).body
        assert b'<?xml-stylesheet type="text/css" href="/static/feed.css"?>' in body
    assert (await stocked.get("/static/feed.css")).status == 200


async def test_two_processes_render_the_same_bytes(stocked):
    node = stocked.parts()
    served = {}
    for form in FORMS:
        served[form] = hashlib.sha256((await stocked.get(f"/feeds/bulletins.{form}")).body).hexdigest()
        wanted = Wanted(form, Public(), node.mode, Filter(), "https://tx.example/feeds/bulletins")
        again, _ = await render(node, Shelf(node), wanted)
        assert hashlib.sha256(again).hexdigest() == served[form]
    other = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.web.render_feeds",
        str(stocked.database.path),
        cwd=ROOT,
        env={**os.environ, "PYTHONHASHSEED": "1"},
        stdout=subprocess.PIPE,
    )
    printed, _ = await other.communicate()
    assert json.loads(printed) == served
