"""Every route refuses: no credentials, bad ones, the other kind, the wrong role, another site's form, another person's things.

All of it is made from the route table: a new row is asked about too, and a row that is open to everybody must be named here.
"""

from __future__ import annotations

import datetime as dt
import re
import secrets

import pytest

from hub.desk import people as accounts
from hub.rules.authority import Role, Verb, rights
from hub.store import sessions
from hub.web.access import token_hash
from hub.web.app import ROUTES
from hub.web.route import Route
from schemas.vocabulary import Tlp

# Whoever opens a row to everybody says so here.
OPEN = {
    "front", "bulletin", "bulletin_stix", "bulletin_text", "bulletin_cap", "feed", "feed_exercise", "feed_private", "feed_cap",
    "healthz", "readyz", "version", "security_txt", "node_card", "openapi", "problem", "static", "robots",
    "sign_in_page", "sign_in", "enrol_page", "enrol", "use_enrolment",
}  # fmt: skip
# Whoever lets in anybody with an account, whatever their roles, says so here.
ANY_ROLE = {
    "register_entry", "issue_token", "revoke_token", "desk", "sign_out", "account_page", "end_session", "end_sessions",
    "change_password", "make_token", "end_token",
}  # fmt: skip
# What a body must be like to reach the desk at all.
BODIES = {"issue_token": {"label": "x"}}
CLOSED = [route for route in ROUTES if route.access != "public"]
PAGES = [route for route in CLOSED if route.page]
FORMS = [route for route in ROUTES if route.page and route.method == "POST"]
FORWARDED = {"X-Forwarded-For": "203.0.113.9"}  # so that nothing is taken for this machine
JSON = {"Accept": "application/json"}
NAME = {"ids": lambda route: route.name}


def path_of(route: Route, value: str = "x1") -> str:
    return re.sub(r"\{\w+\}", value, route.path)


def lets_in(route: Route) -> set[str]:
    """The roles that the table lets in."""
    if route.access in {"token", "person"}:
        return {role.value for role in Role}
    if isinstance(route.access, Verb):
        return {role.value for role in Role if route.access in rights([role])}
    return {"operator"}


async def ask(house, route: Route, path: str | None = None, headers=None, **more):
    """This route as its own kind of client asks it, with no credentials but those in `headers`."""
    given = {**JSON, **FORWARDED, **(headers or {})}
    if route.page:
        form = {"once": "once-" + secrets.token_hex(12)}
        return await house.page(route.method, path or path_of(route), None, more.get("form", form), given)
    return await house.ask(route.method, path or path_of(route), headers=given, json=BODIES.get(route.name, {}))


async def as_role(house, route: Route, role: str, path: str | None = None):
    who = await house.signed_in(role) if route.page else {"Authorization": f"Bearer {house.tokens[role]}"}
    return await ask(house, route, path, who)


def refused(route: Route, answer) -> bool:
    """Whether this is what somebody unknown gets here."""
    if not route.page:
        return answer.status == 401 and answer.json()["type"] == "/problems/unauthorized"
    if route.method == "GET":
        return answer.status == 303 and answer.headers["Location"].startswith("/sign-in?next=")
    return answer.status == 401 and answer.json()["type"] == "/problems/signed-out"


async def session(house, person: str, at: dt.datetime, used: tuple[float, ...] = ()) -> str:
    """A session's cookie, begun at `at` and used so many hours later."""
    cookie = secrets.token_urlsafe(32)
    await house.database.write(sessions.begin, at, token_hash(cookie), person, "test")
    for hours in used:
        await house.database.write(sessions.touch, at + dt.timedelta(hours=hours), token_hash(cookie))
    return cookie


async def bad_cookies(house, role: str) -> dict[str, str]:
    person, now = house.people[role].id, house.clock.now
    ended = await session(house, person, now)
    await house.database.write(sessions.end, token_hash(ended))
    office, operator = house.office, house.people["operator"]
    shut = {"active": False}
    await house.database.write(accounts.change_person, office, operator, now, house.people["district"].id, **shut)
    closed = await session(house, house.people["district"].id, now)
    over = now - sessions.LONGEST - dt.timedelta(minutes=1)
    return {
        "none": "",
        "garbage": "x" * 43,
        "too long": "x" * 5000,
        "a token": house.tokens[role],
        "idle": await session(house, person, now - sessions.IDLE),
        "absolute": await session(house, person, now - sessions.LONGEST, (7, 14, 21, 23.9)),
        "absolute for a minute": await session(house, person, over, (7, 14, 21, 23.9)),
        "ended": ended,
        "closed account": closed,
    }


async def bad_tokens(house, role: str) -> dict[str, str]:
    person, now, office = house.people[role], house.clock.now, house.office
    issue = accounts.issue_token
    over = await house.database.write(issue, office, person, now, person, "over", now)
    revoked = await house.database.write(issue, office, person, now, person, "revoked")
    await house.database.write(accounts.revoke_token, office, person, now, token_hash(revoked))
    feed = await house.database.write(
        accounts.issue_feed_token, office, house.people["operator"], now, "tx", Tlp.AMBER, "Hays CISD"
    )
    operator, shut = house.people["operator"], {"active": False}
    await house.database.write(accounts.change_person, office, operator, now, house.people["district"].id, **shut)
    cookie = (await house.signed_in(role))["Cookie"].partition("=")[2]
    return {
        "none": "",
        "garbage": "x" * 43,
        "over": over,
        "revoked": revoked,
        "closed account": house.tokens["district"],
        "a feed's": feed,
        "a cookie": cookie,
    }


def test_what_is_open_to_everybody_is_named():
    assert {route.name for route in ROUTES if route.access == "public"} <= OPEN
    assert {route.name for route in CLOSED} & OPEN == set()
    assert {route.name for route in CLOSED if route.access in {"token", "person"}} <= ANY_ROLE


@pytest.mark.parametrize("route", ROUTES, **NAME)
def test_each_row_says_for_which_kind_of_client_it_is(route):
    assert not (route.page and route.access in {"token", "operator", "local"}), "a page takes no token"
    assert not (not route.page and route.access == "person"), "a program has no session"
    assert route.page or not route.path.startswith("/desk")
    assert not (route.page and route.path.startswith("/api")), "the API takes no cookie"
    assert not (route.page and route.method not in {"GET", "POST"}), "a form knows no other method"
    assert lets_in(route), "somebody may"


@pytest.mark.parametrize("route", CLOSED, **NAME)
async def test_it_refuses_whoever_shows_nothing_good(house, route):
    role = min(lets_in(route) - {"district"})
    tokens, cookies = await bad_tokens(house, role), await bad_cookies(house, role)
    shown = {name: {"Authorization": f"Bearer {token}"} for name, token in tokens.items() if token}
    shown |= {f"session: {name}": {"Cookie": f"__Host-hub={cookie}"} for name, cookie in cookies.items() if cookie}
    good = house.tokens[role], (await house.signed_in(role))["Cookie"]
    other = {"Authorization": f"Bearer {good[0]}"} if route.page else {"Cookie": good[1]}
    shown |= {"nothing": {}, "the other kind": other, "plain cookie": {"Cookie": good[1].replace("__Host-", "")}}
    let_in = [name for name, headers in shown.items() if not refused(route, await ask(house, route, headers=headers))]
    assert let_in == []
    if route.method == "GET":
        head = await house.ask("HEAD", path_of(route), headers={**FORWARDED, **other})
        assert head.status == (303 if route.page else 401)
    assert not refused(route, await as_role(house, route, role)), "the same with what is good is let in"


@pytest.mark.parametrize("route", CLOSED, **NAME)
async def test_it_refuses_every_role_that_lacks_it_and_no_other(house, route):
    for role in Role:
        answer = await as_role(house, route, role.value)
        turned_away = answer.status == 403 and answer.json()["code"] == "role"
        # A token for somebody else, and somebody else's token, are the desk's to judge.
        judged = route.access in {"token", "person"} or "x1" not in path_of(route)
        if role.value not in lets_in(route):
            assert turned_away, role
        elif not judged:
            assert not turned_away, role
        assert not refused(route, answer), role


BAD_FORMS = {
    "another site": {"Origin": "https://evil.example"},
    "no origin at all": {"Origin": "null"},
    "plain http": {"Origin": "http://tx.example"},
    "another port": {"Origin": "https://tx.example:444"},
    "a longer name": {"Origin": "https://tx.example.evil.example"},
    "a name below": {"Origin": "https://www.tx.example"},
    "loopback behind a proxy": {"Origin": "http://127.0.0.1"},
    "cross-site": {"Sec-Fetch-Site": "cross-site"},
    "same-site": {"Sec-Fetch-Site": "same-site"},
}
BAD_MEDIA = ("application/json", "text/plain", "multipart/form-data; boundary=x", "")


@pytest.mark.parametrize("route", FORMS, **NAME)
async def test_it_refuses_forms_that_no_page_of_ours_sent(house, route):
    role = "operator" if route.access == "public" else min(lets_in(route))
    who = await house.signed_in(role)
    before = await house.database.read(lambda tx: sessions.of_person(tx, house.clock.now, house.people[role].id))
    for name, headers in BAD_FORMS.items():
        answer = await ask(house, route, headers={**who, **headers})
        assert (answer.status, answer.json()["code"]) == (403, "bad-origin"), name
    for media in BAD_MEDIA:
        answer = await ask(house, route, headers={**who, "Content-Type": media})
        assert (answer.status, answer.json()["type"]) == (415, "/problems/media-type"), media
    large = await ask(house, route, headers=who, form={"x": "x" * route.limit})
    assert large.status == 413
    after = await house.database.read(lambda tx: sessions.of_person(tx, house.clock.now, house.people[role].id))
    assert after == before, "none of them signed anybody out"


# ---------------------------------------------------------------------------------- other people's things
NAMED = [route for route in ROUTES if "{" in route.path]


def same(first, second, words: tuple[str, str]) -> bool:
    """Whether two answers are one, but for what was asked for by name."""
    plain = [answer.body.replace(word.encode(), b"?") for answer, word in zip((first, second), words, strict=True)]
    return first.status == second.status and plain[0] == plain[1]


async def told_apart(house, route: Route, roles: list[str | None], there: str, nowhere: str) -> list[str | None]:
    """The roles that are told apart what there is and what there is not."""
    found = []
    for role in roles:
        answers = [
            await (ask(house, route, path) if role is None else as_role(house, route, role, path))
            for path in (path_of(route, there), path_of(route, nowhere))
        ]
        if not same(*answers, (there, nowhere)):
            found.append(role)
    return found


@pytest.mark.parametrize("route", [r for r in NAMED if re.search(r"\{(id|product_id|fold)\}", r.path)], **NAME)
async def test_a_draft_is_nothing_to_anybody_outside_the_desk(house, route):
    draft = await house.draft(tlp="clear")
    outside: list[str | None] = [role.value for role in Role if Verb.READ_DESK not in rights([role])]
    nowhere = draft["id"][:-4] + "ffff"
    assert await told_apart(house, route, [None, *outside], draft["id"], nowhere) == []
    submitted = await house.act(draft["id"], "submit", "analyst", draft["version"])
    assert await told_apart(house, route, [None, *outside], submitted["id"], nowhere) == []


@pytest.mark.parametrize("route", [r for r in NAMED if "{hash}" in r.path], **NAME)
async def test_another_person_s_token_or_session_is_nothing(house, route):
    token = token_hash(house.tokens["director"])
    cookie = token_hash((await house.signed_in("director"))["Cookie"].partition("=")[2])
    # An operator ends anybody's token over the API; on their own account's page they do not.
    roles = [role.value for role in Role if role.value not in {"director", "" if route.page else "operator"}]
    for theirs in (token, cookie):
        assert await told_apart(house, route, roles, theirs, "0" * 64) == []
    assert (await house.get("/api/v1/bulletins", "director")).status == 200
    assert (await house.page("GET", "/desk/account", "director")).status == 200


@pytest.mark.parametrize("route", [r for r in NAMED if "/people/{id}" in r.path], **NAME)
async def test_who_has_an_account_is_nothing_to_whoever_manages_nobody(house, route):
    roles = [role.value for role in Role if Verb.MANAGE_PEOPLE not in rights([role])]
    theirs = house.people["operator"].id
    assert await told_apart(house, route, roles, theirs, theirs[:-4] + "ffff") == []
