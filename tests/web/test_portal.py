"""Pages for everybody: the list, a bulletin's page, its signed bundle and its plain text."""

from __future__ import annotations

import re

import feedparser
import pytest
from lxml import html as lxml_html

from hub.web.wording import clock_words
from schemas import envelope, stix
from schemas.vocabulary import Mode
from tests.web.house import form

XSS = (
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    '"><svg/onload=alert(1)>',
    "javascript:alert(1)",
    "' onmouseover='alert(1)",
    "</title><script>alert(1)</script>",
    "{{ 7 * 7 }} {% raw %}",
    "<!--",
    "&lt;b&gt; &amp; <b>",
    "]]><script>alert(1)</script>",
)


def parsed(answer):
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    return lxml_html.fromstring(answer.text)


def words(tree) -> str:
    return " ".join(tree.text_content().split())


async def test_the_list_shows_what_is_current_and_its_feeds(house):
    product = await house.publish()
    await house.publish(headline="For the community", tlp="green")
    page = await house.get("/")
    tree = parsed(page)
    assert [a.get("href") for a in tree.xpath("//ol[@class='list']//h3/a")] == [f"/bulletins/{product}"]
    assert "LIVE: bulletins on this page are real" in words(tree)
    assert "TLP:CLEAR" in words(tree)
    alternates = {link.get("type"): link.get("href") for link in tree.xpath("//link[@rel='alternate']")}
    assert alternates == {
        "application/rss+xml": "/feeds/bulletins.rss",
        "application/atom+xml": "/feeds/bulletins.atom",
        "application/feed+json": "/feeds/bulletins.json",
    }
    assert page.headers["Link"].count('rel="alternate"') == 3
    for href in alternates.values():
        assert (await house.get(href)).status == 200


async def test_a_severe_bulletin_stands_on_top(house):
    product = await house.publish(severity="severe")
    await house.publish(headline="Minor matter", severity="minor")
    alerts = parsed(await house.get("/")).xpath("//*[contains(@class, 'alert')]//a")
    assert [a.get("href") for a in alerts] == [f"/bulletins/{product}"]


async def test_an_empty_list_says_what_comes_next(house):
    assert "There is no current bulletin." in words(parsed(await house.get("/")))
    filtered = words(parsed(await house.get("/?topic=cyber&severity=&state=&area=")))
    assert "No current bulletin fits these choices." in filtered


async def test_the_filters_are_kept_and_go_into_the_feeds(house):
    await house.publish()
    tree = parsed(await house.get("/?topic=swatting&severity=severe&state=&area="))
    assert [option.get("value") for option in tree.xpath("//*[@id='topic']/option[@selected]")] == ["swatting"]
    assert tree.xpath("//table[@class='feeds']//a")[0].text == (
        "https://tx.example/feeds/bulletins.rss?topic=swatting&severity=severe"
    )
    assert (await house.get("/?topic=ghosts")).status == 400


async def test_older_bulletins_are_a_step_away(house):
    for number in range(27):
        await house.publish(headline=f"Number {number}")
    tree = parsed(await house.get("/"))
    (older,) = [a.get("href") for a in tree.xpath("//a") if a.text == "Older bulletins"]
    assert [a.text for a in parsed(await house.get(older)).xpath("//ol[@class='list']//h3/a")] == [
        "Number 1",
        "Number 0",
    ]


async def test_a_page_says_first_what_to_do(house):
    product = await house.publish()
    page = await house.get(f"/bulletins/{product}")
    tree = parsed(page)
    order = [heading.text for heading in tree.xpath("//h1 | //h2")]
    assert order == [form()["headline"], "What to do first", "What is known", "About this bulletin"]
    said = words(tree)
    for part in ("TLP:CLEAR", "▲ Severe", "Swatting", "county 48453 in Texas", "● Current.", "Front office", product):
        assert part in said, part
    times = tree.xpath("//time")
    assert times
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", each.get("datetime")) for each in times)
    assert all(each.text.endswith("UTC") for each in times)


async def test_times_are_local_with_their_zone(house):
    product = await house.publish()
    await house.server.close()
    await house.session.close()
    await house.open(zone="America/Chicago")
    assert "Mar 4, 2030, 9:00 a.m. CST" in words(parsed(await house.get(f"/bulletins/{product}")))
    assert clock_words(house.clock.now.replace(hour=0)) == "Mar 4, 2030, 12:00 a.m. UTC"


async def test_an_update_and_a_withdrawal_say_so(house):
    product = await house.publish()
    await house.update(product, text="New facts.")
    said = words(parsed(await house.get(f"/bulletins/{product}")))
    assert "▲ Update 2." in said
    assert f"UPDATE 2: {form()['headline']}" in said
    await house.withdraw(product)
    page = await house.get(f"/bulletins/{product}")
    assert page.status == 200
    assert "✕ Withdrawn." in words(parsed(page))
    assert "New facts." not in page.text
    assert parsed(page).xpath("//h1")[0].text == f"WITHDRAWN: {form()['headline']}"
    assert "WITHDRAWN:" in words(parsed(await house.get("/")))
    text = await house.get(f"/bulletins/{product}.txt")
    assert "New facts." not in text.text
    assert (await house.get(f"/bulletins/{product}.stix.json")).status == 404


async def test_what_is_withdrawn_for_privacy_is_a_number_on_pages_too(house):
    product = await house.publish(headline="CANARY of the headline")
    await house.withdraw(product, "privacy")
    for path in ("/", f"/bulletins/{product}", f"/bulletins/{product}.txt"):
        page = await house.get(path)
        assert f"WITHDRAWN: {product}" in page.text
        assert "CANARY" not in page.text


async def test_a_replacement_is_named(house):
    first, second = await house.publish(headline="First"), await house.publish(headline="Second")
    await house.act(first, "withdraw", "supervisor", 1, reason="superseded", replaced_by=second)
    tree = parsed(await house.get(f"/bulletins/{first}"))
    assert f"/bulletins/{second}" in [a.get("href") for a in tree.xpath("//*[contains(@class, 'notice')]//a")]


async def test_the_bundle_is_the_signed_bytes(house):
    product = await house.publish()
    answer = await house.get(f"/bulletins/{product}.stix.json")
    assert answer.headers["Content-Type"] == "application/stix+json;version=2.1"
    sealed = envelope.Envelope(
        answer.headers["Hub-Subject"], answer.body, answer.headers["Hub-Key"], answer.headers["Hub-Sig"]
    )
    envelope.verify(sealed)
    assert stix.decode(answer.body).stamp.product_id == product
    assert answer.headers["Hub-Key"] == house.office.key_id


async def test_the_plain_text(house):
    product = await house.publish()
    lines = (await house.get(f"/bulletins/{product}.txt")).text.splitlines()
    assert lines[0] == form()["headline"]
    assert "TLP:CLEAR" in lines
    assert f"https://tx.example/bulletins/{product}" in lines
    assert "- front-office: Write down the exact words and call 911." in lines


async def test_plain_text_says_times_by_both_clocks(tmp_path, founded):
    texas = await founded[Mode.LIVE].copied(tmp_path / "zone.db").open(zone="America/Chicago")
    try:
        product = await texas.publish()
        lines = (await texas.get(f"/bulletins/{product}.txt")).text.splitlines()
        assert "Released: Mar 4, 2030, 9:00 a.m. CST (15:00 UTC, 2030-03-04)" in lines
        # The clocks go forward in between.
        assert "Valid until: Mar 11, 2030, 10:00 a.m. CDT (15:00 UTC, 2030-03-11)" in lines
        page = (await texas.get(f"/bulletins/{product}")).text
        shown = "Mar 4, 2030, 9:00 a.m. CST"
        assert f'<time datetime="2030-03-04T15:00:00Z" title="2030-03-04 15:00 UTC">{shown}</time>' in page
        await texas.withdraw(product)
        assert "Withdrawn: Mar 4, 2030, 9:00 a.m. CST" in (await texas.get(f"/bulletins/{product}.txt")).text
    finally:
        await texas.close()


@pytest.mark.parametrize("other", ["tx-2030-0001", "TX-2030-1", "TX-2030-00001", "TX-2030-0002", "TX-EX-2030-0001"])
async def test_there_is_one_spelling_of_a_number(house, other):
    await house.publish()
    assert (await house.get(f"/bulletins/{other}")).status == 404


@pytest.mark.parametrize("path", ["/", "/bulletins/TX-2030-0001", "/bulletins/TX-2030-0001.txt"])
async def test_a_page_that_did_not_change_is_304(house, path):
    await house.publish()
    first = await house.get(path)
    assert first.headers["Cache-Control"] == "public, no-cache"
    assert (await house.get(path, If_None_Match=first.headers["ETag"])).status == 304


async def test_what_looks_like_markup_is_shown_as_it_was_written(house):
    for attack in XSS:
        product = await house.publish(
            headline=attack,
            text=f"{attack}\nsecond line",
            basis=attack,
            actions=[{"role": attack, "text": attack}],
            translations=[{"lang": "es", "headline": attack, "text": attack}],
        )
        for path in ("/?limit=1", f"/bulletins/{product}"):
            tree = parsed(await house.get(path))
            assert attack in words(tree), (path, attack)
            harmless(tree)
        item = (await house.get("/feeds/bulletins.json?limit=1")).json()["items"][0]
        assert item["title"] == attack
        assert f"{attack}\nsecond line" in item["content_text"]
        assert not re.search(r"<(?!/?(p|br|ul|li|strong)>)", item["content_html"])
        assert attack in lxml_html.fromstring(item["content_html"]).text_content()
        for feed in ("rss", "atom"):
            read = feedparser.parse((await house.get(f"/feeds/bulletins.{feed}?limit=1")).body, sanitize_html=False)
            assert not read.bozo
            shown = read.entries[0].content[0].value if feed == "atom" else read.entries[0].summary
            assert shown.replace("<br />", "<br>") == item["content_html"]


def harmless(tree) -> None:
    """No element that runs or loads, no handler, no address that acts."""
    assert tree.xpath("//script | //img | //svg | //iframe | //object") == []
    names = {name for element in tree.iter() if isinstance(element.tag, str) for name in element.attrib}
    assert not {name for name in names if name.startswith("on")}
    hrefs = [a.get("href").lower() for a in tree.xpath("//a")]
    assert not [href for href in hrefs if href.startswith(("javascript:", "data:"))]


async def test_an_exercise_node_cannot_be_taken_for_a_real_one(drill):
    product = await drill.publish()
    for path in ("/", f"/bulletins/{product}", "/problems/invalid"):
        page = await drill.get(path)
        tree = parsed(page)
        assert "EXERCISE NODE: nothing on this page is real" in words(tree)
        assert "(exercise)" in tree.xpath("//title")[0].text
        assert tree.xpath("//*[contains(@class, 'node-exercise')]")
        assert not tree.xpath("//*[contains(@class, 'node-live')]")
    assert words(parsed(await drill.get(f"/bulletins/{product}"))).count("EXERCISE: ") >= 1


async def test_every_page_can_be_used_without_a_mouse_or_colours(house):
    product = await house.publish()
    for path in ("/", f"/bulletins/{product}", "/problems/invalid"):
        tree = parsed(await house.get(path))
        assert tree.get("lang") == "en"
        assert tree.xpath("//a[@class='skip']")[0].get("href") == "#main"
        assert len(tree.xpath("//main[@id='main']")) == 1
        assert len(tree.xpath("//h1")) == 1
        ids = [element.get("id") for element in tree.xpath("//*[@id]")]
        assert len(ids) == len(set(ids))
        for field in tree.xpath("//select | //input"):
            assert tree.xpath(f"//label[@for='{field.get('id')}']")
        for element in tree.xpath("//*[@aria-describedby or @aria-labelledby]"):
            target = element.get("aria-describedby") or element.get("aria-labelledby")
            assert tree.xpath(f"//*[@id='{target}']")
        assert not tree.xpath("//*[@style] | //style | //script")


async def test_static_files_change_their_address_with_their_bytes(house):
    tree = parsed(await house.get("/"))
    href = tree.xpath("//link[@rel='stylesheet']")[0].get("href")
    fixed = await house.get(href)
    assert (fixed.status, fixed.headers["Content-Type"]) == (200, "text/css; charset=utf-8")
    assert "immutable" in fixed.headers["Cache-Control"]
    assert "immutable" not in (await house.get("/static/hub.css?v=other")).headers["Cache-Control"]
    assert (await house.get("/static/hub.css", If_None_Match=fixed.headers["ETag"])).status == 304
    assert (await house.get("/static/nothing.css")).status == 404
    icon = tree.xpath("//link[@rel='icon']")[0].get("href")
    assert (await house.get(icon)).headers["Content-Type"] == "image/svg+xml"
    assert "Disallow: /feeds/t/" in (await house.get("/robots.txt")).text


async def test_no_page_asks_another_host_for_anything(house):
    product = await house.publish()
    for path in ("/", f"/bulletins/{product}"):
        tree = parsed(await house.get(path))
        loads = [element.get("src") for element in tree.xpath("//*[@src]")]
        loads += [link.get("href") for link in tree.xpath("//link")]
        assert not [each for each in loads if "//" in each]
