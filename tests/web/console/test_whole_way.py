"""A bulletin's whole way by the desk's pages alone: real HTTP, real sessions, real store."""

from __future__ import annotations

import datetime as dt
import re
import secrets
from typing import Any
from urllib.parse import urlsplit

from lxml import html

from schemas.vocabulary import Mode
from tests.web.console.desk import filled, go, once_of, posted, seen_of


async def test_from_the_form_to_the_feed_and_back(house):
    made = await posted(house, "/desk/bulletins/new", "analyst", filled())
    draft = urlsplit(made.headers["Location"]).path
    await go(house, f"{draft}/submit", "analyst")
    await go(house, f"{draft}/approve", "supervisor")
    released = await go(house, f"{draft}/publish", "supervisor")
    product = urlsplit(released.headers["Location"]).path.rpartition("/")[2]
    assert re.fullmatch(r"TX-2030-\d{4}", product)
    feed = (await house.get("/feeds/bulletins.json")).json()
    assert [item["title"] for item in feed["items"]] == ["Recorded threat calls"]

    opened = await go(house, f"/desk/bulletins/{product}/update", "analyst")
    second = urlsplit(opened.headers["Location"]).path
    page = await house.page("GET", second, "analyst")
    changed = fields_of(page.text) | {"headline": "Recorded threat calls end", "do": "submit"}
    await posted(house, second, "analyst", changed)
    await go(house, f"{second}/approve", "supervisor")
    await go(house, f"{second}/publish", "supervisor")
    feed = (await house.get("/feeds/bulletins.json")).json()
    assert [item["title"] for item in feed["items"]] == ["UPDATE 2: Recorded threat calls end"]

    ask = await house.page("GET", f"/desk/bulletins/{product}/withdraw", "supervisor")
    assert ask.status == 200
    form = {"once": once_of(ask.text), "seen": seen_of(ask.text), "reason": "error"}
    await posted(house, f"/desk/bulletins/{product}/withdraw", "supervisor", form)
    feed = (await house.get("/feeds/bulletins.json")).json()
    assert [item["title"] for item in feed["items"]] == ["WITHDRAWN: Recorded threat calls end"]
    record = await house.page("GET", f"/desk/bulletins/{product}", "analyst")
    told = html.fromstring(record.text).xpath("string(//ol[@class='timeline'])")
    for word in ("Drafted by Analyst", "Approved by Supervisor", "Released by Supervisor", "Withdrawn by Supervisor"):
        assert word in told
    assert "Recalled" in told


def fields_of(page: str) -> dict[str, Any]:
    """What a browser would send of the compose form, without a button."""
    form = next(f for f in html.fromstring(page).forms if "headline" in f.fields)
    made: dict[str, Any] = {}
    for name, value in form.form_values():
        made.setdefault(name, []).append(value)
    return made


async def test_an_unchanged_form_changes_nothing(house):
    draft = await house.draft(expires=(house.clock.now + dt.timedelta(days=3, seconds=7)).isoformat())
    page = await house.page("GET", f"/desk/bulletins/{draft['id']}", "analyst")
    await posted(house, f"/desk/bulletins/{draft['id']}", "analyst", fields_of(page.text) | {"do": "save"})
    after = (await house.get(f"/api/v1/bulletins/{draft['id']}", "analyst")).json()
    assert after["version"] == draft["version"]


async def test_a_form_that_is_sent_twice_acts_once(house):
    form = filled()
    first = await posted(house, "/desk/bulletins/new", "analyst", form)
    again = await posted(house, "/desk/bulletins/new", "analyst", form)
    assert first.headers["Location"] == again.headers["Location"]
    listed = (await house.get("/api/v1/bulletins", "analyst")).json()["bulletins"]
    assert len(listed) == 1
    other = await house.page("POST", "/desk/bulletins/new", "analyst", form | {"headline": "Other words"})
    assert other.status == 409
    assert len((await house.get("/api/v1/bulletins", "analyst")).json()["bulletins"]) == 1


async def test_approving_twice_at_once_approves_once(house):
    draft = await house.draft()
    await house.act(draft["id"], "submit", "analyst", draft["version"])
    form = {"once": secrets.token_urlsafe(18), "seen": draft["version"] + 1}
    path = f"/desk/bulletins/{draft['id']}/approve"
    assert (await posted(house, path, "supervisor", form)).headers["Location"] == (
        await posted(house, path, "supervisor", form)
    ).headers["Location"]
    full = (await house.get(f"/api/v1/bulletins/{draft['id']}", "analyst")).json()
    assert len(full["approvals"]) == 1


async def test_a_draft_that_moved_on_keeps_what_was_typed(house):
    draft = await house.draft()
    page = await house.page("GET", f"/desk/bulletins/{draft['id']}", "analyst")
    form = fields_of(page.text)
    other = form | {"headline": "Somebody else was faster", "once": secrets.token_urlsafe(18)}
    await posted(house, f"/desk/bulletins/{draft['id']}", "supervisor", other)
    late = await house.page("POST", f"/desk/bulletins/{draft['id']}", "analyst", form | {"headline": "My own words"})
    assert late.status == 409
    tree = html.fromstring(late.text)
    assert tree.xpath("//input[@name='headline']/@value") == ["My own words"]
    assert "Stands now: Somebody else was faster" in tree.xpath("string(//main)")
    again = fields_of(late.text) | {"do": "save"}
    await posted(house, f"/desk/bulletins/{draft['id']}", "analyst", again)
    assert (await house.get(f"/api/v1/bulletins/{draft['id']}", "analyst")).json()["headline"] == "My own words"


async def test_every_wrong_field_is_named_and_nothing_is_lost(house):
    wrong = filled(headline="", severity="", areas="Texas\nAtlantis\n99999", expires="soon", tlp="", audience="named")
    answer = await house.page("POST", "/desk/bulletins/new", "analyst", wrong)
    assert answer.status == 422
    tree = html.fromstring(answer.text)
    links = [each.get("href") for each in tree.xpath("//div[@role='alert']//a")]
    assert set(links) == {"#headline", "#severity", "#areas", "#expires", "#tlp", "#audience"}
    for link in links:
        assert len(tree.xpath(f"//*[@id='{link[1:]}']")) == 1, link
    said = tree.xpath("string(//div[@role='alert'])")
    assert "'Atlantis'" in said
    assert "'99999'" in said
    assert "Atlantis" in tree.xpath("string(//textarea[@name='areas'])")
    assert tree.xpath("string(//textarea[@name='text'])").strip() == wrong["text"]


async def test_places_by_name_by_county_and_by_zone(house):
    made = await posted(house, "/desk/bulletins/new", "analyst", filled(areas="new mexico\nOK\n48453, \ntxz192"))
    which = urlsplit(made.headers["Location"]).path.rpartition("/")[2]
    areas = (await house.get(f"/api/v1/bulletins/{which}", "analyst")).json()["areas"]
    assert [(each["state"], each["fips"], each["ugc"]) for each in areas] == [
        ("NM", "35000", None),
        ("OK", "40000", None),
        ("TX", "48453", None),
        ("TX", None, "TXZ192"),
    ]


async def test_an_author_is_told_why_somebody_else_must(house):
    made = await posted(house, "/desk/bulletins/new", "supervisor", filled(do="submit"))
    draft = urlsplit(made.headers["Location"]).path.removesuffix("/review")
    page = await house.page("GET", f"{draft}/review", "supervisor")
    tree = html.fromstring(page.text)
    assert not tree.xpath("//form[contains(@action, '/approve')]")
    assert "You wrote part of this" in tree.xpath("string(//section[@aria-labelledby='decide'])")
    form = {"once": secrets.token_urlsafe(18), "seen": seen_of(page.text)}
    refused = await house.page("POST", f"{draft}/approve", "supervisor", form)
    assert refused.status == 403
    assert "You wrote part of this" in html.fromstring(refused.text).xpath("string(//div[@role='alert'])")
    home = html.fromstring((await house.page("GET", "/desk", "supervisor")).text)
    assert "Needs another person" in home.xpath("string(//section[@aria-labelledby='waits'])")
    other = html.fromstring((await house.page("GET", "/desk", "director")).text)
    assert "1 waits for you" in other.xpath("string(//nav)")


async def test_sending_back_needs_a_reason_and_its_author_reads_it(house):
    draft = await house.draft()
    await house.act(draft["id"], "submit", "analyst", draft["version"])
    path = f"/desk/bulletins/{draft['id']}"
    page = await house.page("GET", f"{path}/review", "supervisor")
    form = {"once": once_of(page.text), "seen": seen_of(page.text), "reason": "  "}
    bare = await house.page("POST", f"{path}/send-back", "supervisor", form)
    assert bare.status == 422
    assert html.fromstring(bare.text).xpath("//div[@role='alert']//a/@href") == ["#reason"]
    await posted(house, f"{path}/send-back", "supervisor", form | {"reason": "Name the county."})
    home = html.fromstring((await house.page("GET", "/desk", "analyst")).text)
    assert "Supervisor sent it back: Name the county." in home.xpath("string(//section[@aria-labelledby='mine'])")


async def test_the_review_says_what_changes_and_whom_it_reaches(house):
    product = await house.publish()
    opened = await house.act(product, "update", "analyst", 1)
    page = await house.page("GET", f"/desk/bulletins/{opened['id']}", "analyst")
    changed = fields_of(page.text) | {"text": "Police found every call false.", "tlp": "green", "do": "submit"}
    await posted(house, f"/desk/bulletins/{opened['id']}", "analyst", changed)
    review = html.fromstring((await house.page("GET", f"/desk/bulletins/{opened['id']}/review", "supervisor")).text)
    assert "Police found every" in review.xpath("string(//ins)") or review.xpath("//ins")
    assert review.xpath("//del")
    reach = review.xpath("string(//section[@aria-labelledby='reach'])")
    assert "TLP:GREEN is not public." in reach
    assert "private feeds" in reach


async def test_what_is_not_there_and_what_is_not_for_one_look_alike(house):
    absent = await house.page("GET", "/desk/bulletins/d-00000000000000000000", "analyst")
    number = await house.page("GET", "/desk/bulletins/TX-2030-0999", "analyst")
    assert absent.status == number.status == 404
    assert absent.body == number.body


async def test_who_may_not_read_the_desk_is_told_so(house):
    assert (await house.page("GET", "/desk/bulletins", "auditor")).status == 403
    home = await house.page("GET", "/desk", "auditor")
    assert home.status == 200
    assert "Bulletins" not in html.fromstring(home.text).xpath("string(//nav)")


async def test_a_red_draft_is_read_at_the_desk_and_can_never_be_released(house):
    draft = await house.draft(tlp="red")
    review = await house.page("GET", f"/desk/bulletins/{draft['id']}/review", "analyst")
    assert review.status == 200
    assert "TLP:RED has no way out" in html.fromstring(review.text).xpath(
        "string(//section[@aria-labelledby='checks'])"
    )


async def test_a_live_desk_says_live(house):
    page = html.fromstring((await house.page("GET", "/desk", "analyst")).text)
    assert "LIVE" in page.xpath("string(//div[contains(@class, 'node-live')])")
    assert not page.xpath("//div[contains(@class, 'node-exercise')]")


async def test_a_desk_for_exercises_says_exercise_and_its_buttons_too(drill):
    draft = await drill.draft()
    await drill.act(draft["id"], "submit", "analyst", draft["version"])
    path = f"/desk/bulletins/{draft['id']}"
    await go(drill, f"{path}/approve", "supervisor")
    page = html.fromstring((await drill.page("GET", f"{path}/review", "supervisor")).text)
    assert "EXERCISE" in page.xpath("string(//div[contains(@class, 'node-exercise')])")
    assert not page.xpath("//div[contains(@class, 'node-live')]")
    assert page.xpath("string(//form[contains(@action, '/publish')]//button)") == "Release (exercise)"


async def test_a_flash_says_so_and_waits_for_the_director(house):
    draft = await house.draft(lane="flash")
    await house.act(draft["id"], "submit", "analyst", draft["version"])
    path = f"/desk/bulletins/{draft['id']}"
    await go(house, f"{path}/approve", "supervisor")
    page = html.fromstring((await house.page("GET", f"{path}/review", "supervisor")).text)
    assert "FLASH" in page.xpath("string(//p[@class='flash'])")
    assert "the director's approval" in page.xpath("string(//section[@aria-labelledby='checks'])")


async def test_times_are_those_of_the_nodes_zone(tmp_path, founded):
    node = await founded[Mode.LIVE].copied(tmp_path / "zone.db").open(zone="America/Chicago")
    try:
        made = await posted(node, "/desk/bulletins/new", "analyst", filled(expires="2030-03-06T09:30"))
        which = urlsplit(made.headers["Location"]).path
        full = (await node.get(f"/api/v1/bulletins/{which.rpartition('/')[2]}", "analyst")).json()
        assert full["expires"].startswith("2030-03-06T15:30:00")
        page = html.fromstring((await node.page("GET", which, "analyst")).text)
        assert page.xpath("//input[@name='expires']/@value") == ["2030-03-06T09:30"]
        assert "America/Chicago" in page.xpath("string(//*[@id='expires-hint'])")
    finally:
        await node.close()
