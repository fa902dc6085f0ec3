"""What a page's POST takes: a form of ours, bounded and readable, once; everything else is refused before it acts."""

from __future__ import annotations

import secrets

import pytest

from tests.web.console.desk import filled
from tests.web.house import House

MEDIA = "application/x-www-form-urlencoded"


async def send(house: House, body: bytes, media: str = MEDIA) -> int:
    browser = await house.signed_in("analyst")
    headers = {**browser, "Origin": "https://tx.example", "Sec-Fetch-Site": "same-origin", "Content-Type": media}
    return (await house.ask("POST", "/desk/bulletins/new", headers=headers, data=body)).status


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"headline=%FF%FE", 400),
        ("headline=é".encode(), 400),
        (b"headline=%ED%A0%80", 400),
        (b"&".join(b"a%d=1" % n for n in range(501)), 400),
        (b"once=short&headline=x", 422),
        (b"", 422),
        (b"headline=" + b"x" * (600 * 1024), 413),
    ],
)
async def test_hostile_bodies_are_refused(house, body, status):
    assert await send(house, body) == status
    assert (await house.get("/api/v1/bulletins", "analyst")).json()["bulletins"] == []


@pytest.mark.parametrize("media", ["application/json", "text/plain", "multipart/form-data; boundary=x"])
async def test_other_media_are_refused(house, media):
    assert await send(house, b"{}", media) == 415


@pytest.mark.parametrize("once", ["", "short", "has spaces in its middle", "x" * 65, "é" * 20])
async def test_a_form_without_its_own_mark_does_nothing(house, once):
    answer = await house.page("POST", "/desk/bulletins/new", "analyst", filled(once=once))
    assert answer.status == 400
    assert (await house.get("/api/v1/bulletins", "analyst")).json()["bulletins"] == []


@pytest.mark.parametrize("seen", ["", "0", "-1", "1.0", "x", "9" * 30])
async def test_a_form_says_which_version_its_page_showed(house, seen):
    draft = await house.draft()
    form = {"once": secrets.token_urlsafe(18), "seen": seen}
    answer = await house.page("POST", f"/desk/bulletins/{draft['id']}/submit", "analyst", form)
    assert answer.status == 400
    assert (await house.get(f"/api/v1/bulletins/{draft['id']}", "analyst")).json()["status"] == "draft"


async def test_one_persons_mark_is_no_other_persons(house):
    """The same `once` of two people are two forms: nobody is answered with what another did."""
    form = filled()
    first = await house.page("POST", "/desk/bulletins/new", "analyst", form)
    second = await house.page("POST", "/desk/bulletins/new", "supervisor", form)
    assert first.status == second.status == 303
    assert first.headers["Location"] != second.headers["Location"]
