"""The queue at a browser: rows explained, the original beside our words, each button once."""

from __future__ import annotations

import datetime as dt
import hashlib
import html
import json
import re

import pytest

from connectors.source import advisory_id
from hub.desk.enqueue import enqueue
from hub.web.console.queue import age
from schemas.bulletin import Area
from tests.web.house import MONDAY
from tests.web.test_queue import advisory

ONE = "mark-of-this-form-01"


@pytest.fixture
async def filled(house):
    flood = {"source": "nws", "event": "Flood Warning"}
    news = [
        advisory(100 + number, headline=f"Flood Warning in {state}", areas=(Area(state, ugc=f"{state}Z001"),), **flood)
        for number, state in enumerate(("TX", "MT"))
    ]
    await house.database.write(enqueue, house.office, house.clock.now, "nws", news)
    kev = [advisory(number) for number in range(1, 61)]
    await house.database.write(enqueue, house.office, house.clock.now, "cisa-kev", kev)
    house.clock.forward(hours=3)
    return house


def words(answer) -> str:
    """The page's text, without tags."""
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", answer.text)).split())


async def rows(house) -> dict[str, str]:
    """The rows' addresses by their titles."""
    page = await house.page("GET", "/desk/queue", "analyst")
    assert page.status == 200
    return {
        html.unescape(title): href
        for href, title in re.findall(r'<a href="(/desk/queue/[^"]+)">([^<]+)</a>', page.text)
    }


async def test_each_row_says_why_it_stands_where_it_stands(filled):
    page = await filled.page("GET", "/desk/queue", "analyst")
    said = words(page)
    severe, by_day, folded = said.index("Severe for Texas"), said.index("By source and day"), said.index("Folded away")
    assert severe < said.index("Names 1 zone of Texas.") < by_day < said.index("60 new entries") < folded
    assert folded < said.index("Not for Texas: 1 zone of Montana.")
    assert "3 h ago" in said
    assert page.text.index("<details>") < page.text.index("1 zone of Montana")


async def test_a_row_leads_to_its_advisories_page_by_page(filled):
    href = next(href for title, href in (await rows(filled)).items() if "60 new" in title)
    first = await filled.page("GET", href, "analyst")
    older = re.search(r'href="([^"]+before=\d+)"', first.text)[1]
    second = await filled.page("GET", html.unescape(older), "analyst")
    found = [re.findall(r'href="(/desk/advisories/[^"]+)"', page.text) for page in (first, second)]
    assert [len(each) for each in found] == [50, 10]
    assert len({*found[0], *found[1]}) == 60
    assert (await filled.page("GET", "/desk/queue/nothing", "analyst")).status == 404
    assert (await filled.page("GET", f"{href}?before=x", "analyst")).status == 400


async def test_the_original_stands_beside_our_words(filled):
    which = advisory_id("cisa-kev", "CVE-2030-0007")
    page = await filled.page("GET", f"/desk/advisories/{which}", "analyst")
    said = words(page)
    assert "Federal original" in said
    assert "Our words" in said
    assert "Lets a remote attacker run commands." in said
    assert "It staff : Install the update." in said
    original = json.dumps({"requiredAction": "Install the update."})
    assert hashlib.sha256(original.encode()).hexdigest() in said
    assert "TLP:CLEAR" in said
    assert (await filled.page("GET", "/desk/advisories/nothing", "analyst")).status == 404


@pytest.mark.parametrize("url", ["javascript:alert(1)", "data:text/html,x", "//evil.example"])
async def test_a_source_gives_no_link_that_acts(house, url):
    text = "<script>alert(1)</script>"
    bad = advisory(1, url=url, headline=text, summary=text, original=text)
    await house.database.write(enqueue, house.office, house.clock.now, "cisa-kev", [bad])
    page = await house.page("GET", f"/desk/advisories/{advisory_id('cisa-kev', bad.key)}", "analyst")
    assert page.status == 200
    assert f'href="{url}' not in page.text
    assert "<script" not in page.text


async def test_make_bulletin_leads_to_one_draft_however_often_it_is_pressed(filled):
    which = advisory_id("cisa-kev", "CVE-2030-0007")
    path = f"/desk/advisories/{which}/adopt"
    first = await filled.page("POST", path, "analyst", {"once": ONE})
    again = await filled.page("POST", path, "analyst", {"once": ONE})
    assert first.status == again.status == 303
    where = first.headers["Location"]
    assert where == again.headers["Location"]
    draft = await filled.page("GET", where, "analyst")
    assert "A draft was made of it." in words(draft)
    assert "Flaw 7 in a gateway" in draft.text
    shown = await filled.page("GET", f"/desk/advisories/{which}", "supervisor")
    assert where.partition("?")[0] in shown.text
    assert "Make bulletin" not in shown.text
    assert (await filled.page("POST", path, "analyst", {"once": "another-mark-of-a-form"})).status == 409


async def test_one_is_set_aside_with_a_reason(filled):
    which = advisory_id("cisa-kev", "CVE-2030-0007")
    path = f"/desk/advisories/{which}/set-aside"
    wrong = await filled.page("POST", path, "analyst", {"once": ONE, "reason": " "})
    assert wrong.status == 422
    assert 'href="#reason"' in wrong.text
    done = await filled.page("POST", path, "analyst", {"once": ONE, "reason": "No school has it."})
    assert (done.status, done.headers["Location"]) == (303, "/desk/queue?done=set-aside")
    shown = await filled.page("GET", f"/desk/advisories/{which}", "analyst")
    assert "Set aside because: No school has it." in words(shown)
    assert any("59 new" in title for title in await rows(filled))


async def test_a_whole_row_is_set_aside_once(filled):
    href = next(href for title, href in (await rows(filled)).items() if "60 new" in title)
    wrong = await filled.page("POST", f"{href}/set-aside", "analyst", {"once": ONE, "reason": ""})
    assert wrong.status == 422
    for _ in range(2):
        done = await filled.page("POST", f"{href}/set-aside", "analyst", {"once": ONE, "reason": "Not ours."})
        assert done.status == 303
    assert not any("60 new" in title for title in await rows(filled))
    # The name of a row is no advisory.
    other = next(iter((await rows(filled)).values())).rpartition("/")[2]
    path = f"/desk/advisories/{other}/set-aside"
    assert (await filled.page("POST", path, "analyst", {"once": "x" * 20, "reason": "y"})).status == 404


@pytest.mark.parametrize("path", ["adopt", "set-aside"])
async def test_who_may_not_is_refused_and_sees_no_button(filled, path):
    which = advisory_id("cisa-kev", "CVE-2030-0007")
    refused = await filled.page("POST", f"/desk/advisories/{which}/{path}", "privacy", {"once": ONE, "reason": "x"})
    assert refused.status == 403
    shown = await filled.page("GET", f"/desk/advisories/{which}", "privacy")
    assert shown.status == 200
    assert f"/{path}" not in shown.text
    assert (await filled.page("GET", "/desk/queue", "operator")).status == 403
    assert (await filled.page("GET", "/desk/queue")).status == 303


async def test_a_row_that_was_emptied_meanwhile_is_gone_in_words(filled):
    href = next(href for title, href in (await rows(filled)).items() if "60 new" in title)
    await filled.page("POST", f"{href}/set-aside", "analyst", {"once": ONE, "reason": "Not ours."})
    assert (await filled.page("GET", href, "analyst")).status == 404


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (-5, "just now"),
        (59, "just now"),
        (60, "1 min ago"),
        (3_600, "1 h ago"),
        (172_799, "47 h ago"),
        (172_800, "2 days ago"),
    ],
)
def test_an_age_is_said_in_words(seconds, said):
    assert age(MONDAY, MONDAY - dt.timedelta(seconds=seconds)) == said
