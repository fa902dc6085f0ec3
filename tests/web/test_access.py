"""Who may: made from the route table, so that a new route is asked about too."""

from __future__ import annotations

import re

from hub.rules.authority import Role, Verb, rights
from hub.web.app import ROUTES
from hub.web.route import Route

# Pages are asked about in test_every_route_refuses.
CLOSED = [route for route in ROUTES if route.access != "public" and not route.page]
NEEDS_TOKEN = [route for route in CLOSED if route.access != "local"]
FORWARDED = {"X-Forwarded-For": "203.0.113.9"}


def path_of(route: Route) -> str:
    return re.sub(r"\{\w+\}", "x1", route.path)


def lacking(route: Route) -> list[str]:
    """The roles that this route refuses."""
    if route.access == "token":
        return []
    if isinstance(route.access, Verb):
        return [role.value for role in Role if route.access not in rights([role])]
    return [role.value for role in Role if role is not Role.OPERATOR]


async def test_no_route_behind_a_token_answers_without_a_good_one(house):
    bad = (None, "", "Basic eDp5", "Bearer", "Bearer short", "Bearer " + "x" * 43, f"Token {house.tokens['director']}")
    for route in NEEDS_TOKEN:
        for value in bad:
            headers = {} if value is None else {"Authorization": value}
            answer = await house.ask(route.method, path_of(route), headers=headers)
            assert answer.status == 401, (route.name, value)
            assert answer.headers["WWW-Authenticate"].startswith('Bearer realm="school-safety-hub"')
            assert answer.json()["type"] == "/problems/unauthorized"


async def test_no_route_answers_a_role_that_lacks_it(house):
    for route in CLOSED:
        roles = lacking(route)
        assert roles or route.access == "token", route.name
        for role in roles:
            answer = await house.ask(route.method, path_of(route), role, headers=FORWARDED, json={})
            assert answer.status == 403, (route.name, role)
            assert answer.json()["type"] == "/problems/forbidden"


async def test_head_is_no_way_round(house):
    for route in CLOSED:
        answer = await house.ask("HEAD", path_of(route), headers=FORWARDED)
        assert answer.status in {401, 405}, route.name


async def test_a_token_given_twice_is_none(house):
    headers = [("Authorization", f"Bearer {house.tokens['analyst']}")] * 2
    async with house.session.get(house.server.make_url("/api/v1/bulletins"), headers=headers) as answer:
        assert answer.status == 401


async def test_a_revoked_token_stops_at_once(house):
    issued = (await house.post("/api/v1/people/me/tokens", "analyst", {"label": "phone"})).json()
    assert (await house.get("/api/v1/bulletins", issued["token"])).status == 200
    assert (await house.ask("DELETE", f"/api/v1/tokens/{issued['hash']}", issued["token"])).status == 204
    assert (await house.get("/api/v1/bulletins", issued["token"])).status == 401


async def test_a_token_that_is_over_stops(house):
    expires = house.clock.now.isoformat()
    house.clock.forward(hours=-1)
    issued = (await house.post("/api/v1/people/me/tokens", "analyst", {"label": "a", "expires": expires})).json()
    assert (await house.get("/api/v1/bulletins", issued["token"])).status == 200
    house.clock.forward(hours=2)
    assert (await house.get("/api/v1/bulletins", issued["token"])).status == 401


async def test_a_closed_account_stops_at_once(house):
    who = house.people["analyst"].id
    assert (await house.ask("PATCH", f"/api/v1/people/{who}", "operator", json={"active": False})).status == 200
    assert (await house.get("/api/v1/bulletins", "analyst")).status == 401


async def test_nobody_ends_anothers_token(house):
    listed = await house.get(f"/api/v1/people/{house.people['director'].id}/tokens", "operator")
    which = listed.json()["tokens"][0]["hash"]
    assert (await house.ask("DELETE", f"/api/v1/tokens/{which}", "analyst")).status == 403
    assert (await house.ask("DELETE", f"/api/v1/tokens/{which}", "operator")).status == 204
    assert (await house.get("/api/v1/bulletins", "director")).status == 401


async def test_metrics_are_for_this_machine_and_for_operators(house):
    assert (await house.get("/metrics")).status == 200
    for name in ("X-Forwarded-For", "Forwarded", "X-Real-IP", "Via"):
        headers = {name: "203.0.113.9"}
        assert (await house.ask("GET", "/metrics", headers=headers)).status == 401
        assert (await house.ask("GET", "/metrics", "analyst", headers=headers)).status == 403
        assert (await house.ask("GET", "/metrics", "operator", headers=headers)).status == 200


async def test_a_private_feed_goes_up_to_its_ceiling_and_ends_when_revoked(house):
    for tlp in ("clear", "green", "amber", "amber+strict"):
        await house.publish(headline=f"At {tlp}", tlp=tlp)
    for ceiling, shown in (("clear", 1), ("green", 2), ("amber", 3)):
        body = {"place": "TX", "ceiling": ceiling, "label": "Hays CISD"}
        issued = (await house.post("/api/v1/feed-tokens", "operator", body)).json()
        path = issued["feeds"]["json"].removeprefix("https://tx.example")
        answer = await house.get(path)
        assert len(answer.json()["items"]) == shown
        assert answer.headers["Cache-Control"] == "private, no-cache"
        assert "noindex" in answer.headers["X-Robots-Tag"]
        assert (await house.ask("DELETE", f"/api/v1/feed-tokens/{issued['hash']}", "operator")).status == 204
        gone = await house.get(path)
        never = await house.get(path.replace(issued["token"], "A" * 43))
        assert gone.status == never.status == 404
        assert gone.body == never.body == (await house.get("/nothing")).body


async def test_no_private_feed_goes_beyond_amber(house):
    for ceiling in ("amber+strict", "red"):
        body = {"place": "tx", "ceiling": ceiling, "label": "Hays CISD"}
        assert (await house.post("/api/v1/feed-tokens", "operator", body)).status == 422


async def test_amber_goes_to_the_states_own_districts_only(house):
    await house.publish(tlp="amber")
    issued = await house.post("/api/v1/feed-tokens", "operator", {"place": "oh", "ceiling": "amber", "label": "Dayton"})
    path = issued.json()["feeds"]["json"].removeprefix("https://tx.example")
    assert (await house.get(path)).json()["items"] == []
