"""Made-up entries for the tests of the feeds, plain and nasty."""

from __future__ import annotations

import datetime as dt
from typing import Any

from hypothesis import strategies as st

from connectors.feeds import words
from connectors.feeds.entry import Channel, Entry
from schemas.bulletin import Area
from schemas.vocabulary import Severity, Tlp

NOON = dt.datetime(2026, 3, 4, 12, 0, 0, 250_000, dt.UTC)
EPOCH = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)


def entry(**given: Any) -> Entry:
    text = given.pop("body", "Calls name several schools.\nNo device was found.\n\nReport new calls at once.")
    facts: dict[str, Any] = {
        "uuid": "6f1c2f0e-3f57-4c43-9f0e-2d1c0a7a5b11",
        "version": 1,
        "title": "Hoax bomb threats by telephone",
        "url": "https://hub.tx.example/bulletins/TX-2026-0001",
        "text": words.body_text(text),
        "html": words.body_html(text),
        "updated": NOON,
        "published": NOON,
        "categories": ("bomb-threat", "swatting"),
        "tlp": Tlp.CLEAR,
        "author": "Texas School Safety Center",
        "severity": Severity.SEVERE,
        "areas": (Area("TX", "48453"), Area("TX", None, "TXZ192")),
    }
    return Entry(**facts | given)


def channel(**given: Any) -> Channel:
    facts: dict[str, Any] = {
        "title": "Texas School Safety Center: bulletins",
        "url": "https://hub.tx.example/",
        "self_url": "https://hub.tx.example/feeds/bulletins.rss?topic=cyber&limit=5",
        "hub_url": "https://hub.tx.example/websub",
        "next_url": "https://hub.tx.example/feeds/bulletins.rss?before=TX-2026-0001&limit=5",
        "updated": NOON,
        "subtitle": "What schools should know",
    }
    return Channel(**facts | given)


# XML metacharacters, controls, lone surrogates, direction marks, and the whole of Unicode.
nasty = st.text(
    st.one_of(
        st.sampled_from("<>&\"'\x00\x08\x0b\x1f\x7f\x85\ud800\udfff\ufffe\uffff\u202e\u2066\u200f\u05d0\u0627]\n\r\t "),
        st.sampled_from(
            ["]]>", "<script>alert(1)</script>", "&amp;", "<!--", "?>", "\U0001f6a8", "\U0001ffff"]
        ).flatmap(st.sampled_from),
        st.characters(),
    ),
    max_size=40,
)
moments = st.datetimes(dt.datetime(2000, 1, 1), dt.datetime(2100, 1, 1), timezones=st.just(dt.UTC))  # noqa: DTZ001 - hypothesis wants naive bounds
entries = st.builds(
    lambda head, body, author, terms, version, at, tlp: entry(
        title=head, body=body, author=author, categories=tuple(terms), version=version, updated=at, tlp=tlp
    ),
    nasty,
    nasty,
    nasty,
    st.lists(nasty, max_size=3),
    st.integers(1, 99),
    moments,
    st.sampled_from(Tlp),
)
