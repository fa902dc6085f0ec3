"""Hostile words in every field of text, on every page of the table of routes and in every feed: they are shown, never obeyed."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from lxml import etree, html

from connectors.source import advisory_id
from hub.desk import people as accounts
from hub.desk.enqueue import enqueue
from hub.rules.authority import Role
from hub.web.app import ROUTES
from schemas.register import encode_entry
from tests.web.console.desk import filled
from tests.web.house import House, office, register_entry
from tests.web.test_peers import AGREED
from tests.web.test_queue import advisory

PAYLOADS = (
    "<script>alert(1)</script>",
    "</textarea><script>alert(2)</script>",
    "</title><script>alert(3)</script>",
    "</style><script>alert(4)</script>",
    '"><script>alert(5)</script>',
    "'><script>alert(6)</script>",
    "<ScRiPt src=//evil.example>",
    "<img src=x onerror=alert(7)>",
    '" onfocus=alert(8) autofocus x="',
    "' onmouseover='alert(9)",
    "<svg onload=alert(10)>",
    "<svg><animate onbegin=alert(11)>",
    "<math><mi xlink:href=javascript:alert(12)>",
    "<iframe srcdoc='<script>1</script>'>",
    "<object data=javascript:alert(14)>",
    "<embed src=javascript:alert(15)>",
    "<a href=javascript:alert(16)>x</a>",
    "<a href='JaVaScRiPt:alert(17)'>x</a>",
    "<form action=javascript:alert(18)><button>",
    "<button formaction=javascript:alert(19)>",
    "<base href=//evil.example/>",
    "<meta http-equiv=refresh content=0>",
    "<link rel=stylesheet href=//evil.example>",
    "<style>*{display:none}</style>",
    "<body onload=alert(24)>",
    "<details open ontoggle=alert(25)>",
    "<!--<img src=--><img src=x onerror=1>",
    "<![CDATA[<script>alert(27)</script>]]>",
    "]]><script>alert(28)</script>",
    "<?xml-stylesheet href='javascript:1'?>",
    "&lt;script&gt;alert(30)&lt;/script&gt;",
    "&#60;script&#62;alert(31)",
    "{{ 7*7 }}{% raw %}",
    "${7*7}#{7*7}<%= 7*7 %>",
    "javascript:alert(34)",
    "[x](javascript:alert(35))",
    "\uff1cscript\uff1ealert(36)\uff1c/script\uff1e",
    "<x onclick=alert(37)>",
)
ALL = "\n".join(PAYLOADS)
# What no page of ours makes; a page that begins to needs another test.
NEVER = "//script|//iframe|//object|//embed|//svg|//math|//base|//style|//img|//meta[@http-equiv]|//*[@style]"
# The addresses of links that a reader follows or a form goes to.
LEADS = "//@href|//@src|//@action|//@formaction|//@data|//@srcdoc"


def batches(longest: int) -> Iterator[str]:
    """Every payload, several to a line of at most so many characters."""
    line = ""
    for payload in PAYLOADS:
        if len(line) + len(payload) + 1 > longest:
            yield line
            line = ""
        line = f"{line} {payload}".strip()
    yield line


HEADLINES = tuple(batches(115))
NAMES = tuple(batches(100))


def faults(page: str) -> list[str]:
    """What hostile words have made of a page."""
    tree = html.fromstring(page)
    found = [etree.tostring(each).decode()[:120] for each in tree.xpath(NEVER)]
    found += [name for each in tree.iter(etree.Element) for name in each.attrib if name.lower().startswith("on")]
    found += [lead for lead in tree.xpath(LEADS) if re.match(r"\s*(javascript|data|vbscript):", lead, re.IGNORECASE)]
    return found


def words(page: str) -> str:
    """All that a reader can see of a page: its text, and what stands in its inputs."""
    tree = html.fromstring(page)
    for each in tree.iter("br"):
        each.tail = f"\n{each.tail or ''}"
    return plain(" ".join([tree.text_content(), *tree.xpath("//input/@value")]))


def plain(text: str) -> str:
    return " ".join(text.split())


@pytest.mark.parametrize("payload", PAYLOADS)
def test_a_payload_that_is_not_escaped_would_be_found(payload):
    if payload.startswith("<") and not payload.startswith(("<!", "<?", "<form", "<body", "<meta", "<link", "<details")):
        assert faults(f"<!doctype html><html><body><p>{payload}</p></body></html>") != []


@pytest.fixture
async def hostile(house: House) -> dict[str, Any]:
    """A node where everybody writes such words, everywhere: the values of each parameter of an address."""
    authors = [await named(house, number, name) for number, name in enumerate(NAMES)]
    bulletin = {
        "text": ALL,
        "basis": plain(ALL)[:1900],
        "actions": [{"role": PAYLOADS[n % len(PAYLOADS)][:60], "text": ALL[:1900]} for n in range(3)],
    }
    drafts, products = [], []
    for headline in HEADLINES:
        products.append(await house.publish(headline=headline, **bulletin))
        drafts.append((await house.draft(headline=headline, **bulletin))["id"])
    await house.withdraw(products[-1], "hoax")
    for which, reason in ((drafts[0], ALL[:1990]), (drafts[1], None)):
        handed = await house.act(which, "submit", "analyst", 1)
        if reason:
            await house.act(which, "send-back", "supervisor", handed["version"], reason=reason)
    news = [advisory(n, headline=each, summary=ALL, original=ALL) for n, each in enumerate(HEADLINES)]
    await house.database.write(enqueue, house.office, house.clock.now, "cisa-kev", news)
    entry = encode_entry(register_entry(office("oh"), name=HEADLINES[0]))
    assert (await house.post("/api/v1/peers", "operator", json.loads(entry))).status == 201
    assert (await house.post("/api/v1/peers/oh/agreement", "operator", AGREED)).status == 200
    rows = (await house.get("/api/v1/queue", "analyst")).json()["rows"]
    known = [advisory_id("cisa-kev", each.key) for each in news[:2]]
    return {
        "id": [*drafts[:2], *products[:2], products[-1], *known, authors[0]],
        "product_id": [products[0], products[-1]],
        "fold": [row["fold"] for row in rows][:2],
        "place": ["oh"],
        "name": ["cisa-kev"],
        "code": ["not-found"],
        "advisories": known,
        "drafts": drafts,
        "products": products,
    }


async def named(house: House, number: int, name: str) -> str:
    """Somebody whose name is hostile."""
    now, maker = house.clock.now, house.people["operator"]
    made = await house.database.write(accounts.add_person, house.office, maker, now, f"h{number}", name, [Role.ANALYST])
    return made.id


def addresses(path: str, values: dict[str, Any]) -> list[str]:
    """A route's path with each value of its parameter."""
    names = re.findall(r"{(\w+)}", path)
    if not names:
        return [path]
    return [path.replace(f"{{{names[0]}}}", value) for value in values.get(names[0], ["absent"])]


def page_routes() -> list[Any]:
    return [route for route in ROUTES if route.method == "GET" and "text/html" in route.media]


async def test_no_page_obeys_hostile_words(house, hostile):
    asked = [
        (route.name, address, role)
        for route in page_routes()
        for address in addresses(route.path, hostile)
        for role in (("supervisor", "analyst", "operator") if route.page else (None,))
    ]
    for role in ("supervisor", "analyst", "operator"):
        await house.signed_in(role)
    answers = await asyncio.gather(*(house.page("GET", address, role) for _, address, role in asked))
    bad = [(address, role, fault) for (_, address, role), answer in zip(asked, answers, strict=True)
           if answer.body for fault in faults(answer.text)]  # fmt: skip
    assert bad == []
    assert {answer.status for answer in answers} <= {200, 303, 403, 404}
    seen = {name for (name, _, _), answer in zip(asked, answers, strict=True) if answer.status == 200}
    unseen = {route.name for route in page_routes()} - seen - {"sign_in_page", "enrol_page", "problem"}
    assert unseen == set()


async def test_what_was_written_is_shown_letter_by_letter(house, hostile):
    draft, product = hostile["drafts"][1], hostile["products"][0]
    for path in (f"/desk/bulletins/{draft}/review", f"/desk/bulletins/{draft}", f"/desk/bulletins/{product}"):
        shown = words((await house.page("GET", path, "supervisor")).text)
        assert [each for each in PAYLOADS if plain(each) not in shown] == [], path
    shown = words((await house.page("GET", f"/bulletins/{product}")).text)
    assert [each for each in PAYLOADS if plain(each) not in shown] == []
    home = words((await house.page("GET", "/desk", "analyst")).text)
    back = plain(ALL[:1990])
    assert back in home
    assert [each for each in HEADLINES if plain(each) not in home] == []
    listed = words((await house.page("GET", "/desk/bulletins", "analyst")).text)
    assert [each for each in HEADLINES[:-1] if plain(each) not in listed] == []
    news = words((await house.page("GET", f"/desk/advisories/{hostile['advisories'][0]}", "analyst")).text)
    assert [each for each in PAYLOADS if plain(each) not in news] == []
    people = words((await house.page("GET", "/desk/people", "operator")).text)
    assert [each for each in NAMES if plain(each) not in people] == []


async def test_what_is_typed_wrong_is_shown_again_and_not_obeyed(house):
    lines = "\n".join(each.replace("\n", " ") for each in PAYLOADS)
    form = filled(
        areas=lines, headline=HEADLINES[1], text=ALL, basis=ALL[:1000], expires=PAYLOADS[4], role_0=PAYLOADS[4],
        action_0=ALL, topic=PAYLOADS[3], tlp=PAYLOADS[4], to=list(PAYLOADS), also=list(PAYLOADS), severity=PAYLOADS[8],
    )  # fmt: skip
    answer = await house.page("POST", "/desk/bulletins/new", "analyst", form)
    assert answer.status == 422
    assert faults(answer.text) == []
    assert [each for each in PAYLOADS if plain(each) not in words(answer.text)] == []


async def test_feeds_carry_the_words_and_no_markup_of_theirs(house, hostile):
    items = (await house.get("/feeds/bulletins.json?limit=100")).json()["items"]
    assert len(items) == len(HEADLINES)
    for item in items:
        assert faults(f"<html><body>{item.get('content_html', '')}</body></html>") == []
    for form in ("rss", "atom"):
        feed = etree.fromstring((await house.get(f"/feeds/bulletins.{form}?limit=100")).body)
        inside = [each.text for each in feed.iter(etree.Element) if each.text and "<" in each.text]
        marked = [each for each in inside if re.match(r"\s*<p>", each)]
        assert marked
        for each in marked:
            assert faults(f"<html><body>{each}</body></html>") == []
