"""The record of a bulletin: who gets it and why not, where each copy is, what may be done and by whom."""

from __future__ import annotations

import secrets

import pytest
from lxml import html

from hub.store import outbox
from tests.web.console.desk import filled, go, once_of, posted, seen_of
from tests.web.test_peers import deliver, ohio, pair

__all__ = ["ohio", "pair"]  # fixtures


def section(page: str, name: str) -> str:
    texts = html.fromstring(page).xpath(f"//section[@aria-labelledby='{name}']//text()")
    return " ".join(" ".join(texts).split())


@pytest.fixture
async def shared(pair):
    """Ohio shares with Texas up to AMBER; its desk at a browser."""
    return pair[1]


async def test_who_gets_it_and_who_does_not_and_why(shared):
    named = await shared.draft(audience=["tx", "ok"], tlp="amber")
    page = await shared.page("GET", f"/desk/bulletins/{named['id']}/review", "supervisor")
    tree = html.fromstring(page.text)
    gets = tree.xpath("//section[@aria-labelledby='reach']/ul[1]/li/text()")
    assert "Texas" in gets
    assert not any("Everybody" in each for each in gets)
    reach = section(page.text, "reach")
    assert "Oklahoma. There is no agreement with OK." in reach
    assert "TLP:AMBER is not public." in reach


async def test_a_peer_is_offered_by_name_and_ticked(shared):
    form = filled(audience="named", to=["tx"], tlp="green")
    made = await posted(shared, "/desk/bulletins/new", "analyst", form)
    page = html.fromstring((await shared.page("GET", made.headers["Location"], "analyst")).text)
    assert page.xpath("//input[@name='to'][@checked]/@value") == ["tx"]
    assert page.xpath("//input[@name='audience'][@checked]/@value") == ["named"]
    both = await shared.page("POST", "/desk/bulletins/new", "analyst", filled(audience="all", to=["tx"]))
    assert both.status == 422
    assert html.fromstring(both.text).xpath("//div[@role='alert']//a/@href") == ["#audience"]


async def test_each_copy_says_where_it_is(shared):
    product = await shared.publish(audience=["tx"], tlp="amber")
    path = f"/desk/bulletins/{product}"
    assert "Texas Version 1 Waits to be sent" in section((await shared.page("GET", path, "analyst")).text, "copies")
    (waiting,) = shared.database.read_sync(outbox.pending, 10)
    await shared.database.write(outbox.mark_sent, waiting.id, 1, 1, shared.clock.now)
    assert "Texas Version 1 Sent Mar 4, 2030" in section((await shared.page("GET", path, "analyst")).text, "copies")
    await shared.withdraw(product)
    told = (await shared.page("GET", path, "analyst")).text
    assert "Texas Recall Waits to be sent" in section(told, "copies")
    assert "Recalled by Supervisor: Texas" in section(told, "history")


async def test_what_came_from_a_peer_is_read_and_never_changed_here(pair):
    texas, ohio_ = pair
    product = await ohio_.publish(tlp="green")
    await deliver(ohio_, texas)
    page = await texas.page("GET", f"/desk/bulletins/{product}", "supervisor")
    assert page.status == 200
    tree = html.fromstring(page.text)
    assert not tree.xpath("//main//form|//a[contains(@href, '/withdraw')]")
    assert "another state's" in tree.xpath("string(//main)")
    assert "Received by Ohio" in section(page.text, "history")
    assert (await texas.page("GET", f"/desk/bulletins/{product}/withdraw", "supervisor")).status == 404
    form = {"once": secrets.token_urlsafe(18), "seen": 1, "reason": "error"}
    assert (await texas.page("POST", f"/desk/bulletins/{product}/withdraw", "supervisor", form)).status == 404


async def test_a_withdrawal_asks_why_and_names_the_wrong_field(house):
    product = await house.publish()
    path = f"/desk/bulletins/{product}/withdraw"
    page = (await house.page("GET", path, "supervisor")).text
    form = {"once": once_of(page), "seen": seen_of(page)}
    bare = await house.page("POST", path, "supervisor", form)
    assert (bare.status, html.fromstring(bare.text).xpath("//div[@role='alert']//a/@href")) == (422, ["#reason"])
    wrong = form | {"reason": "superseded", "replaced_by": "TX-2030-0777"}
    unknown = await house.page("POST", path, "supervisor", wrong)
    assert unknown.status == 422
    tree = html.fromstring(unknown.text)
    assert tree.xpath("//div[@role='alert']//a/@href") == ["#replaced_by"]
    assert tree.xpath("//input[@name='replaced_by']/@value") == ["TX-2030-0777"]
    assert tree.xpath("//input[@name='reason'][@checked]/@value") == ["superseded"]
    for code in ("agreement", "audience", "expired"):  # the node's own words
        assert (await house.page("POST", path, "supervisor", form | {"reason": code})).status == 422
    instead = await house.publish(headline="What stands in its place")
    await posted(house, path, "supervisor", form | {"reason": "superseded", "replaced_by": instead.lower()})
    assert instead in (await house.page("GET", f"/desk/bulletins/{product}", "analyst")).text


async def test_who_may_not_withdraw_is_told_who_may(house):
    product = await house.publish()
    page = await house.page("GET", f"/desk/bulletins/{product}", "analyst")
    assert "To withdraw takes supervisor or director; you are analyst." in page.text
    form = {"once": secrets.token_urlsafe(18), "seen": 1, "reason": "error"}
    assert (await house.page("POST", f"/desk/bulletins/{product}/withdraw", "analyst", form)).status == 403


@pytest.mark.parametrize("verb", ["submit", "approve", "send-back", "publish"])
async def test_a_stale_page_does_nothing_and_says_so(house, verb):
    draft = await house.draft()
    handed = await house.act(draft["id"], "submit", "analyst", draft["version"])
    if verb == "publish":
        handed = await house.act(draft["id"], "approve", "supervisor", handed["version"])
    path = f"/desk/bulletins/{draft['id']}/{verb}"
    form = {"once": secrets.token_urlsafe(18), "seen": handed["version"] - 1, "reason": "Name the county."}
    answer = await house.page("POST", path, "supervisor", form)
    assert answer.status == 409
    assert "It moved on" in html.fromstring(answer.text).xpath("string(//div[@role='alert'])")
    after = (await house.get(f"/api/v1/bulletins/{draft['id']}", "analyst")).json()
    assert (after["version"], after["status"]) == (handed["version"], handed["status"])


async def test_stale_update_and_withdrawal_do_nothing(house):
    product = await house.publish()
    await house.update(product, headline="The second version")
    for verb, more in (("update", {}), ("withdraw", {"reason": "error"})):
        form = {"once": secrets.token_urlsafe(18), "seen": 1, **more}
        answer = await house.page("POST", f"/desk/bulletins/{product}/{verb}", "supervisor", form)
        assert answer.status == 409, verb
        assert "it is at 2" in answer.text
    assert (await house.get(f"/api/v1/bulletins/{product}", "analyst")).json()["status"] == "released"


async def test_versions_are_compared_word_by_word(house):
    product = await house.publish(text="Police checked four rooms.")
    await house.update(product, text="Police checked nine rooms.")
    page = html.fromstring((await house.page("GET", f"/desk/bulletins/{product}", "analyst")).text)
    versions = page.xpath("//section[@aria-labelledby='versions']")[0]
    assert versions.xpath(".//del/text()") == ["four"]
    assert versions.xpath(".//ins/text()") == ["nine"]


async def test_an_open_next_version_is_one_step_away(house):
    product = await house.publish()
    opened = await go(house, f"/desk/bulletins/{product}/update", "analyst")
    record = html.fromstring((await house.page("GET", f"/desk/bulletins/{product}", "analyst")).text)
    draft = opened.headers["Location"].partition("?")[0]
    assert draft in record.xpath("//main//a/@href")
    assert not record.xpath("//form[contains(@action, '/update')]")
    assert (await house.page("GET", f"/desk/bulletins/{product}/withdraw", "supervisor")).status == 200


async def test_a_released_draft_leads_to_its_record(house):
    draft = await house.draft()
    product = (await house.release(draft))["product_id"]
    for path in (f"/desk/bulletins/{draft['id']}", f"/desk/bulletins/{draft['id']}/review"):
        answer = await house.page("GET", path, "analyst")
        assert (answer.status, answer.headers["Location"]) == (303, f"/desk/bulletins/{product}")


async def test_the_list_pages_by_before(house):
    for number in range(27):
        await house.publish(headline=f"Bulletin {number}")
    first = html.fromstring((await house.page("GET", "/desk/bulletins", "analyst")).text)
    (older,) = first.xpath("//a[starts-with(@href, '/desk/bulletins?before=')]/@href")
    second = html.fromstring((await house.page("GET", older, "analyst")).text)
    titles = [*first.xpath("//h3/a/text()"), *second.xpath("//h3/a/text()")]
    assert titles == [f"Bulletin {number}" for number in reversed(range(27))]
    assert (await house.page("GET", "/desk/bulletins?page=2", "analyst")).status == 400
