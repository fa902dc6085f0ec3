"""Security headers stand on every answer, good or bad, of every route."""

from __future__ import annotations

import re

import pytest

from hub.metrics import REGISTRY
from hub.web.app import ROUTES
from hub.web.shield import HEADERS


@pytest.mark.parametrize("role", [None, "operator", "director"])
async def test_every_route_answers_with_every_header(house, role):
    for route in ROUTES:
        path = re.sub(r"\{\w+\}", "x1", route.path)
        for method in (route.method, "HEAD", "OPTIONS"):
            answer = await house.ask(method, path, role)
            expected = dict(HEADERS)
            if route.page:  # another page may answer HEAD at this address
                wanted = {"same-origin"} if method == route.method else {"same-origin", "no-referrer"}
                assert answer.headers["Referrer-Policy"] in wanted
                del expected["Referrer-Policy"]
            for name, value in expected.items():
                assert answer.headers.get(name) == value, (method, path, name)
            assert answer.headers["Server"] == "school-safety-hub"
            assert answer.headers["Cache-Control"]
            assert answer.headers["Strict-Transport-Security"]


def test_nothing_may_run_or_frame_a_page():
    policy = HEADERS["Content-Security-Policy"]
    assert policy == (
        "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; "
        "frame-ancestors 'none'; base-uri 'none'"
    )


async def test_plain_http_is_not_told_to_come_back_by_tls(house):
    await house.server.close()
    await house.session.close()
    await house.open(public_url="http://localhost:8100")
    assert "Strict-Transport-Security" not in (await house.get("/")).headers


async def test_answers_are_counted_by_route_and_class(house):
    def count(route: str, status: str) -> float:
        return REGISTRY.get_sample_value("hub_http_requests_total", {"route": route, "status": status}) or 0.0

    before = count("feed", "2xx"), count("feed", "4xx"), count("none", "4xx")
    await house.get("/feeds/bulletins.rss")
    await house.get("/feeds/bulletins.rss?x=1")
    await house.get("/nothing")
    assert (count("feed", "2xx"), count("feed", "4xx"), count("none", "4xx")) == tuple(each + 1 for each in before)
