"""Signing in in a real browser: its own forms are taken as ours, and its cookie is what the pages want."""

from __future__ import annotations

import asyncio
import json
import re

import pytest

from tests.web.test_browser import CHROMIUM, Tab, tab
from tests.web.test_sign_in import PASSWORD

__all__ = ["tab"]  # the fixture
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine: apt-get install chromium"),
]


async def send(page: Tab, fields: dict[str, str], form: str, then: str) -> None:
    """Fill the form in and press its button; wait until the browser is at a path."""
    for name, value in fields.items():
        await page.value(f"document.querySelector('{form} [name={name}]').value = {json.dumps(value)}")
    await page.value(f"window.sentBefore = true; document.querySelector('{form} button').click()")
    async with asyncio.timeout(30):
        while await page.value("document.readyState + !window.sentBefore + location.pathname") != f"completetrue{then}":  # noqa: ASYNC110 - the browser's, not ours
            await asyncio.sleep(0.05)


async def fits(page: Tab, url: str) -> None:
    for width in (1280, 360):
        await page.load(url, width)
        wide, inner = await page.value("document.documentElement.scrollWidth"), await page.value("innerWidth")
        assert wide <= inner == width, (url, width, wide)
        assert page.complaints() == [], url
        unlabelled = (
            "[...document.querySelectorAll('input:not([type=hidden])')].filter(each => !each.labels.length).length"
        )
        assert await page.value(unlabelled) == 0, url


async def test_an_operator_enrols_adds_somebody_and_signs_out_and_in(house, tab):
    await house.server.close()
    await house.session.close()
    await house.open(public_url="http://localhost:8100")
    base = str(house.server.make_url("")).rstrip("/")
    issued = await house.ask("POST", f"/api/v1/people/{house.people['operator'].id}/enrolment", "operator")
    link = base + re.search(r"/enrol/[\w-]{43}", issued.json()["enrolment"])[0]
    await fits(tab, link)
    await send(tab, {"password": PASSWORD, "again": PASSWORD}, "main form", "/desk")
    for path in ("/desk/people", f"/desk/people/{house.people['analyst'].id}", "/desk/account"):
        await fits(tab, base + path)
    await tab.load(base + "/desk/people", 1280)
    await tab.value("document.querySelector('[value=analyst]').click()")
    await send(tab, {"name": "New Analyst", "handle": "new.analyst"}, "main form", "/desk/people")
    assert "/enrol/" in await tab.value("document.querySelector('main code').textContent")
    await send(tab, {}, ".who form", "/sign-in")
    await fits(tab, base + "/sign-in")
    await tab.load(base + "/sign-in?next=/desk/account", 1280)
    await send(tab, {"handle": "operator", "password": PASSWORD}, "main form", "/desk/account")
    assert "Chrome on Linux" in await tab.value("document.querySelector('main').textContent")
