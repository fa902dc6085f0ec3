"""Signing in, the link by which a password is chosen, and sessions."""

from __future__ import annotations

import asyncio
import contextlib
import re
import secrets
import sqlite3
from urllib.parse import parse_qs, urlsplit

import pytest

from hub.web.console.sign_in import local

PASSWORD = "three calm herons at noon"
BROWSER = {
    "User-Agent": "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Safari/537.36"
}


async def link_for(house, role: str) -> str:
    """A link as the operator gets it, by its path."""
    form = {"once": secrets.token_urlsafe(18)}
    page = await house.page("POST", f"/desk/people/{house.people[role].id}/link", "operator", form)
    assert page.status == 200, page.text
    return re.search(r"https://tx\.example(/enrol/[\w-]{43})", page.text)[1]


async def enrolled(house, role: str) -> str:
    """The cookie of somebody who chose `PASSWORD` by their link."""
    path = await link_for(house, role)
    answer = await house.page("POST", path, None, {"password": PASSWORD, "again": PASSWORD})
    assert answer.status == 303, answer.text
    return cookie_of(answer)


def cookie_of(answer) -> str:
    return re.match(r"__Host-hub=([\w-]{43});", answer.headers["Set-Cookie"])[1]


async def sign_in(house, role: str, password: str = PASSWORD, **more: str):
    return await house.page("POST", "/sign-in", None, {"handle": role, "password": password, **more}, BROWSER)


def with_cookie(cookie: str) -> dict[str, str]:
    return {"Cookie": f"__Host-hub={cookie}"}


async def account(house, cookie: str):
    return await house.page("GET", "/desk/account", headers=with_cookie(cookie))


async def test_a_link_is_chosen_behind_and_then_signs_in(house):
    cookie = await enrolled(house, "analyst")
    assert (await account(house, cookie)).status == 200
    answer = await sign_in(house, "analyst", next="/desk/account")
    assert (answer.status, answer.headers["Location"]) == (303, "/desk/account")
    flags = answer.headers["Set-Cookie"].lower()
    assert all(flag in flags for flag in ("; secure", "; httponly", "; samesite=lax", "; path=/", "; max-age=86400"))
    assert "domain" not in flags
    assert cookie_of(answer) != cookie, "a new session at each sign-in"
    assert "Chrome on Linux" in (await account(house, cookie_of(answer))).text


async def test_being_fetched_uses_nothing_up(house):
    path = await link_for(house, "analyst")
    for method in ("HEAD", "GET", "HEAD", "GET"):
        assert (await house.page(method, path)).status == 200
    assert (await house.page("POST", path, None, {"password": "short", "again": "short"})).status == 422
    assert (await house.page("POST", path, None, {"password": PASSWORD, "again": PASSWORD})).status == 303
    for method in ("HEAD", "GET", "POST"):
        assert (await house.page(method, path, None, {"password": PASSWORD, "again": PASSWORD})).status == 404


async def test_used_over_replaced_closed_and_unknown_links_read_alike(house):
    used = await link_for(house, "analyst")
    await house.page("POST", used, None, {"password": PASSWORD, "again": PASSWORD})
    replaced = await link_for(house, "supervisor")
    await link_for(house, "supervisor")
    closed = await link_for(house, "privacy")
    await house.ask("PATCH", f"/api/v1/people/{house.people['privacy'].id}", "operator", json={"active": False})
    over = await link_for(house, "director")
    house.clock.forward(hours=72)
    unknown = "/enrol/" + "A" * 43
    form = {"password": PASSWORD, "again": PASSWORD}
    for method in ("GET", "POST"):
        said = {(await house.page(method, path, None, form)).body for path in (used, replaced, closed, over, unknown)}
        assert len(said) == 1


async def test_two_at_the_same_moment_use_a_link_once(house):
    path = await link_for(house, "analyst")
    words = ["first calm heron at noon", "second calm heron at noon"]
    answers = await asyncio.gather(*(house.page("POST", path, None, {"password": w, "again": w}) for w in words))
    assert sorted(answer.status for answer in answers) == [303, 404]
    won = words[[answer.status for answer in answers].index(303)]
    assert (await sign_in(house, "analyst", won)).status == 303


async def test_unknown_wrong_closed_and_without_a_password_read_alike(house):
    await enrolled(house, "analyst")
    await enrolled(house, "privacy")
    await house.ask("PATCH", f"/api/v1/people/{house.people['privacy'].id}", "operator", json={"active": False})
    said = set()
    for handle, password in (
        ("analyst", "x" * 20),
        ("nobody", PASSWORD),
        ("director", PASSWORD),
        ("privacy", PASSWORD),
    ):
        answer = await sign_in(house, handle, password)
        assert answer.status == 403
        assert "Set-Cookie" not in answer.headers
        said.add(answer.text.replace(f'value="{handle}"', ""))
    assert len(said) == 1


async def test_many_tries_wait_and_are_never_locked(house):
    await enrolled(house, "analyst")
    for _ in range(5):
        assert (await sign_in(house, "analyst", "not the one at all")).status == 403
    for password in (PASSWORD, "not the one at all"):
        answer = await sign_in(house, "analyst", password)
        assert answer.status == 429, "neither is looked at"
        assert "nothing is locked for good" in answer.text
    assert (await sign_in(house, "nobody-here", PASSWORD)).status == 403, "other names are not made to wait"
    house.clock.forward(seconds=int(answer.headers["Retry-After"]))
    assert (await sign_in(house, "analyst")).status == 303
    assert (await sign_in(house, "analyst", "not the one at all")).status == 403


async def test_a_reset_ends_sessions_and_others_tokens(house):
    cookie = await enrolled(house, "analyst")
    body = {"label": "made by the operator"}
    issued = (await house.post(f"/api/v1/people/{house.people['analyst'].id}/tokens", "operator", body)).json()
    path = await link_for(house, "analyst")
    assert (await account(house, cookie)).status == 200, "a link that nobody used changes nothing"
    await house.page("POST", path, None, {"password": "quite other words here", "again": "quite other words here"})
    assert (await account(house, cookie)).status == 303
    assert (await house.get("/api/v1/bulletins", issued["token"])).status == 401
    assert (await house.get("/api/v1/bulletins", "analyst")).status == 200, "one's own token stays"
    assert (await sign_in(house, "analyst")).status == 403


async def test_another_password_ends_every_other_session(house):
    here, there = await enrolled(house, "analyst"), cookie_of(await sign_in(house, "analyst"))
    form = {"before": "not the one at all", "password": "quite other words here", "again": "quite other words here"}
    wrong = await house.page("POST", "/desk/account/password", form=form, headers=with_cookie(here))
    assert wrong.status == 422
    right = await house.page(
        "POST", "/desk/account/password", form=form | {"before": PASSWORD}, headers=with_cookie(here)
    )
    assert right.status == 303
    assert [(await account(house, each)).status for each in (here, there)] == [200, 303]
    assert (await sign_in(house, "analyst")).status == 403
    assert (await sign_in(house, "analyst", "quite other words here")).status == 303


@pytest.mark.parametrize("password", ["too short", "analyst-analyst", "1111111111111111", "Password12345!", "x" * 257])
async def test_a_password_that_is_tried_first_is_not_taken(house, password):
    path = await link_for(house, "analyst")
    answer = await house.page("POST", path, None, {"password": password, "again": password})
    assert answer.status == 422
    assert password not in answer.text
    assert (await house.page("GET", path)).status == 200


async def test_no_secret_lies_in_the_database_and_every_step_in_the_journal(house):
    path = await link_for(house, "analyst")
    answer = await house.page("POST", path, None, {"password": PASSWORD, "again": PASSWORD})
    with contextlib.closing(sqlite3.connect(house.database.path)) as connection:
        dump = "".join(connection.iterdump())
        verbs = [verb for (verb,) in connection.execute("SELECT verb FROM journal ORDER BY n DESC LIMIT 2")]
    assert not [each for each in (PASSWORD, path.rpartition("/")[2], cookie_of(answer)) if each in dump]
    assert "$argon2id$v=19$m=65536,t=3,p=4$" in dump
    assert verbs == ["enrol", "invite"]


async def test_signing_out_ends_the_session_itself(house):
    cookie = await enrolled(house, "analyst")
    answer = await house.page("POST", "/sign-out", headers=with_cookie(cookie))
    assert answer.headers["Location"] == "/sign-in?done=signed-out"
    assert "max-age=0" in answer.headers["Set-Cookie"].lower()
    assert (await account(house, cookie)).status == 303


async def test_sessions_are_one_s_own_to_end(house):
    first, second = await enrolled(house, "analyst"), cookie_of(await sign_in(house, "analyst"))
    page = (await account(house, second)).text
    ends = re.findall(r"/desk/account/sessions/[0-9a-f]{64}/end", page)
    assert len(ends) == 2
    form = {"once": "once-for-the-sessions"}
    missing = await house.page("POST", f"/desk/account/sessions/{'0' * 64}/end", "director", form)
    for each in ends:
        assert (await house.page("POST", each, "director", form)).body == missing.body
    other = next(each for each in ends if page.index(each) > page.index("(this one)") or each != ends[0])
    assert (await house.page("POST", other, form=form, headers=with_cookie(second))).status == 303
    assert sorted([(await account(house, each)).status for each in (first, second)]) == [200, 303]
    last = second if (await account(house, second)).status == 200 else first
    await house.page("POST", "/desk/account/sign-out-everywhere", headers=with_cookie(last))
    assert (await account(house, last)).status == 303


async def test_other_roles_and_a_closed_account_end_sessions(house):
    for change in ({"roles": ["supervisor"]}, {"active": False}):
        await house.signed_in("analyst")
        assert (await house.page("GET", "/desk/account", "analyst")).status == 200
        who = house.people["analyst"].id
        assert (await house.ask("PATCH", f"/api/v1/people/{who}", "operator", json=change)).status == 200
        assert (await house.page("GET", "/desk/account", "analyst")).status == 303
        house.cookies.clear()


async def test_a_token_of_one_s_own_is_shown_once(house):
    form = {"once": "once-for-the-token-of-mine", "label": "laptop"}
    first = await house.page("POST", "/desk/account/tokens", "analyst", form)
    token = re.search(r"<code[^>]*>([\w-]{43})</code>", first.text)[1]
    assert (await house.get("/api/v1/bulletins", token)).status == 200
    again = await house.page("POST", "/desk/account/tokens", "analyst", form)
    assert token in again.text, "a double click makes one token"
    page = (await house.page("GET", "/desk/account", "analyst")).text
    assert token not in page
    assert page.count("laptop") == 2, "once as a row, once as the name of its button"


@pytest.mark.parametrize(
    ("path", "then"),
    [
        ("/desk/queue?x=1", "/desk/queue?x=1"),
        ("//evil.example/", "/desk"), ("/\\evil.example", "/desk"), ("https://evil.example/", "/desk"),
        ("", "/desk"), ("desk", "/desk"), ("/a\r\nSet-Cookie: x=1", "/desk"), ("/\t/evil.example", "/desk"),
        ("/sign-in?next=/sign-in", "/desk"), ("/" + "a" * 600, "/desk"),
    ],
)  # fmt: skip
async def test_the_way_on_stays_here(house, path, then):
    assert local(path) == then
    answer = await house.page("GET", "/sign-in?next=" + path.replace("\r\n", "%0d%0a").replace("\t", "%09"), "analyst")
    assert answer.headers["Location"] == then


async def test_a_page_without_a_session_leads_to_the_sign_in_page_and_back(house):
    answer = await house.page("GET", "/desk/people?after=a%26b")
    assert answer.status == 303
    assert parse_qs(urlsplit(answer.headers["Location"]).query) == {"next": ["/desk/people?after=a%26b"]}
    page = await house.page("GET", answer.headers["Location"])
    assert 'value="/desk/people?after=a%26b"' in page.text


async def test_plain_http_on_this_machine_has_a_plain_cookie(house):
    await house.server.close()
    await house.session.close()
    await house.open(public_url="http://localhost:8100")
    form = {"once": "0" * 20}
    cookie = {"Cookie": (await house.signed_in("operator"))["Cookie"].replace("__Host-hub", "hub")}
    here = {**cookie, "Origin": str(house.server.make_url("")).rstrip("/")}
    page = await house.page("POST", f"/desk/people/{house.people['analyst'].id}/link", None, form, here)
    path = re.search(r"http://localhost:8100(/enrol/[\w-]{43})", page.text)[1]
    form = {"password": PASSWORD, "again": PASSWORD}
    for origin in (here["Origin"], "http://localhost:8100"):
        answer = await house.page("POST", path, None, form, {"Origin": origin})
    assert answer.status == 404
    signed = await house.page("POST", "/sign-in", None, {"handle": "analyst", "password": PASSWORD}, {"Origin": origin})
    assert signed.headers["Set-Cookie"].startswith("hub=")
    assert "secure" not in signed.headers["Set-Cookie"].lower()
