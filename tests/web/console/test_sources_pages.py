"""Sources at a browser: what fails stands first with its reason, and `Run now` asks once."""

from __future__ import annotations

import html
import re

import pytest

from schemas.times import format_time
from tests.web.house import MONDAY

ONE = "mark-of-this-form-01"
AT = format_time(MONDAY)
SOURCES = [
    {"name": "nws", "title": "Alerts", "enabled": True, "every": 60, "url": "https://api.example/alerts", "last_try": AT, "last_good": AT,
     "next_run": AT, "failures": 0, "error": None, "counts": {"new": 3, "unchanged": 40}},
    {"name": "ntas", "title": "Bulletins <b>", "enabled": False, "every": 3_600, "last_try": None, "error": None},
    {"name": "cisa-kev", "title": "KEV", "enabled": True, "every": 900, "last_try": AT, "last_good": None, "next_run": AT,
     "failures": 4, "error": "The server answered 503 <script>.", "counts": {}},
]  # fmt: skip


class Runs:
    """A source's run that remembers that it was asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    async def __call__(self, name, data):
        assert data is None
        self.asked.append(name)
        yield {"result": {}}


@pytest.fixture
async def running(house):
    runs = Runs()
    await house.server.close()
    await house.session.close()
    await house.open(sources=lambda: SOURCES, run_source=runs)
    return house, runs


def words(answer) -> str:
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", answer.text)).split())


async def test_what_fails_stands_first_with_its_reason(running):
    house, _ = running
    house.clock.forward(hours=2)
    page = await house.page("GET", "/desk/sources", "operator")
    assert page.status == 200
    said = words(page)
    assert said.index("KEV") < said.index("Alerts") < said.index("Bulletins <b>")
    assert "1 source fails" in said
    assert "The server answered 503 <script>. (4 times in a row" in said
    assert "<script" not in page.text
    assert "Last good answer never" in said
    assert "2 h ago" in said
    assert "3 new, 40 as before" in said
    assert "switched off in hub.toml" in said


async def test_run_now_asks_once_however_often_it_is_sent(running):
    house, runs = running
    for _ in range(2):
        done = await house.page("POST", "/desk/sources/nws/run", "operator", {"once": ONE})
        assert (done.status, done.headers["Location"]) == (303, "/desk/sources?done=run")
    assert runs.asked == ["nws"]
    await house.page("POST", "/desk/sources/nws/run", "operator", {"once": "another-mark-of-a-form"})
    assert runs.asked == ["nws", "nws"]
    assert "The source was asked." in words(await house.page("GET", "/desk/sources?done=run", "operator"))


async def test_who_may_not_run_sees_no_button_and_is_refused(running):
    house, runs = running
    page = await house.page("GET", "/desk/sources", "auditor")
    assert page.status == 200
    assert "Run now" not in page.text
    assert (await house.page("POST", "/desk/sources/nws/run", "auditor", {"once": ONE})).status == 403
    assert (await house.page("POST", "/desk/sources/nws/run", None, {"once": ONE})).status == 401
    assert (await house.page("POST", "/desk/sources/ghosts/run", "operator", {"once": ONE})).status == 404
    assert (await house.page("POST", "/desk/sources/nws/run", "operator", {})).status == 400
    assert runs.asked == []
    assert (await house.page("GET", "/desk/sources", "district")).status == 403
