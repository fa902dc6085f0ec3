from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.web.accept import prefers_html, takes_gzip, weights


@pytest.mark.parametrize(
    ("accept", "html"),
    [
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", True),
        ("application/json", False),
        ("*/*", False),
        ("", False),
        ("application/json, text/html;q=0.5", False),
        ("text/html;q=0", False),
        ("TEXT/HTML", True),
    ],
)
def test_a_browser_gets_pages_and_a_program_json(accept, html):
    assert prefers_html(accept) is html


@pytest.mark.parametrize(
    ("accepts", "gzip"),
    [
        ("gzip", True),
        ("gzip, deflate, br", True),
        ("br;q=1, gzip;q=0.2", True),
        ("gzip;q=0", False),
        ("*", True),
        ("*;q=0", False),
        ("identity", False),
        ("", False),
        ("gzip;q=nonsense", False),
    ],
)
def test_gzip_goes_to_whoever_takes_it(accepts, gzip):
    assert takes_gzip(accepts) is gzip


@given(st.text())
def test_any_header_is_read_without_a_fault(header):
    assert all(not weight > 1 for weight in weights(header).values())
