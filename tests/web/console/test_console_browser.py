"""The desk's pages in a real browser, at the widths of a desk and of a telephone: nothing overflows, nothing is refused."""

from __future__ import annotations

import asyncio
from urllib.parse import urlsplit

import pytest

from hub.desk.enqueue import enqueue
from hub.rules.authority import Verb, rights
from hub.web.console.routes import CONSOLE
from tests.web.console.desk import filled, go, posted
from tests.web.test_browser import CHROMIUM, LONG, Tab, tab
from tests.web.test_queue import advisory

__all__ = ["tab"]

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine: apt-get install chromium"),
]
WIDTHS = (1280, 360)
# Everything that a browser does not tell a reader of the screen, or that is too small to press.
UNLABELLED = """[...document.querySelectorAll('main input:not([type=hidden]), main select, main textarea, main button')]
  .filter(each => each.tagName === 'BUTTON' ? !each.textContent.trim() : !each.labels.length)
  .map(each => each.outerHTML)"""
SMALL = """[...document.querySelectorAll('button, input:not([type=hidden]), select, textarea, nav a, summary')]
  .filter(each => { const box = (each.closest('label') || each).getBoundingClientRect();
    return box.width && (box.height < 24 || box.width < 24) })
  .map(each => each.outerHTML)"""
TWICE = """[...document.querySelectorAll('[id]')].map(each => each.id)
  .filter((id, at, all) => all.indexOf(id) !== at)"""


async def at_browser(house, tab: Tab, role: str) -> None:
    """The browser shows this person's session."""
    name, _, value = (await house.signed_in(role))["Cookie"].partition("=")
    home = f"https://{house.server.host}/"
    done = await tab.ask("Network.setCookie", name=name, value=value, url=home, secure=True, httpOnly=True)
    assert done["success"]


async def until(tab: Tab, said: str) -> None:
    """Until the browser says so, on whatever page it is by then."""
    async with asyncio.timeout(30):
        while not await tab.value(said):  # noqa: ASYNC110 - the browser's, not ours
            await asyncio.sleep(0.05)


async def pages_of(house) -> list[str]:
    """Every page of the desk's bulletins, with long words and long lists."""
    long = filled(headline=f"A long word {LONG}", text=f"https://example.org/{LONG} stands here", areas="Texas\nOhio")
    draft = urlsplit((await posted(house, "/desk/bulletins/new", "analyst", long)).headers["Location"]).path
    handed = await house.draft(lane="flash", headline=f"Flash {LONG}")
    await house.act(handed["id"], "submit", "analyst", handed["version"])
    released = await house.publish(headline=f"Released {LONG}")
    opened = await house.act(released, "update", "analyst", 1)
    await go(house, f"/desk/bulletins/{opened['id']}/submit", "analyst")
    taken = await house.publish()
    await house.withdraw(taken)
    base = "/desk/bulletins"
    return [
        "/desk", base, f"{base}/new", draft, f"{draft}/review", f"{base}/{handed['id']}/review", f"{base}/{released}",
        f"{base}/{released}/withdraw", f"{base}/{opened['id']}/review", f"{base}/{taken}",
    ]  # fmt: skip


async def test_pages_fit_are_labelled_and_ask_nobody_else(house, tab):
    await at_browser(house, tab, "supervisor")
    for path in await pages_of(house):
        await look(house, tab, path)


@pytest.mark.parametrize("role", ["operator", "analyst"])
async def test_every_page_with_an_address_of_its_own_fits(house, tab, role):
    """From the table of routes, so that a page that comes later is looked at as well."""
    person = house.people[role]
    await house.database.write(enqueue, house.office, house.clock.now, "cisa-kev", [advisory(1, headline=LONG)])
    await at_browser(house, tab, role)
    mine = [
        route.path
        for route in CONSOLE
        if route.method == "GET"
        and "{" not in route.path
        and (not isinstance(route.access, Verb) or route.access in rights(person.roles))
    ]
    assert len(mine) > 3
    for path in mine:
        if not path.startswith("/sign-in"):  # who is signed in is sent on
            await look(house, tab, path)


async def look(house, tab: Tab, path: str) -> None:
    """Load one page at each width and look for what a reader would stumble over."""
    own = urlsplit(str(house.server.make_url("/"))).netloc
    for width in WIDTHS:
        await tab.load(str(house.server.make_url(path)), width)
        wide, inner = await tab.value("document.documentElement.scrollWidth"), await tab.value("innerWidth")
        assert wide <= inner == width, (path, width, wide, inner)
        asked = [url for url in tab.requests() if not url.startswith("data:")]  # those are the browser's own arrows
        assert {urlsplit(url).netloc for url in asked} == {own}, path
        assert tab.complaints() == [], path
        assert await tab.value("document.styleSheets.length") == 2, path
        for what in (UNLABELLED, SMALL, TWICE):
            assert await tab.value(what) == [], (path, width)


async def test_a_form_is_sent_by_a_real_browser(house, tab):
    """Its Origin and Fetch Metadata pass; what was typed arrives; an error keeps it and has the focus."""
    await at_browser(house, tab, "analyst")
    new = str(house.server.make_url("/desk/bulletins/new"))
    await tab.load(new, 1280)
    await tab.value("document.getElementById('headline').value = 'Typed in a browser'")
    await tab.value("document.querySelector('button[value=save]').click()")
    await until(tab, "document.activeElement.className === 'errors'")
    assert await tab.value("document.getElementById('headline').value") == "Typed in a browser"
    typed = {name: value for name, value in filled().items() if isinstance(value, str) and value and name != "once"}
    for name, value in typed.items():
        if name not in {"do", "tlp", "audience", "lane"}:
            await tab.value(f"document.getElementById({name!r}).value = {value!r}")
    await tab.value("document.querySelector('input[name=tlp][value=clear]').checked = true")
    await tab.value("document.querySelector('button[value=save]').click()")
    await until(tab, "location.href.includes('done=saved')")
    listed = (await house.get("/api/v1/bulletins", "analyst")).json()["bulletins"]
    assert [each["headline"] for each in listed] == ["Recorded threat calls"]
