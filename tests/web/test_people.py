"""Accounts and tokens over the API."""

from __future__ import annotations


async def test_an_account_with_a_token_that_works(house):
    body = {"handle": "new.analyst", "name": "Nora Novak", "roles": ["analyst"]}
    made = await house.post("/api/v1/people", "operator", body)
    assert made.status == 201
    person = made.json()
    assert (person["handle"], person["roles"], person["active"]) == ("new.analyst", ["analyst"], True)
    issued = await house.post(f"/api/v1/people/{person['id']}/tokens", "operator", {"label": "first"})
    assert issued.status == 201
    assert issued.headers["Cache-Control"] == "no-store"
    assert (await house.get("/api/v1/bulletins", issued.json()["token"])).status == 200
    listed = (await house.get("/api/v1/people", "operator")).json()["people"]
    assert "new.analyst" in [each["handle"] for each in listed]
    tokens = await house.get(f"/api/v1/people/{person['id']}/tokens", "operator")
    assert [each["hash"] for each in tokens.json()["tokens"]] == [issued.json()["hash"]]
    assert issued.json()["token"].encode() not in tokens.body


async def test_what_does_not_fit_is_named(house):
    body = {"handle": "Bad Handle", "name": "", "roles": []}
    answer = await house.post("/api/v1/people", "operator", body)
    assert answer.status == 422
    assert {each["pointer"] for each in answer.json()["errors"]} >= {"/handle", "/roles"}
    taken = {"handle": "analyst", "name": "Another", "roles": ["analyst"]}
    assert (await house.post("/api/v1/people", "operator", taken)).status == 409
    assert (await house.post("/api/v1/people/p-none/tokens", "operator", {"label": "x"})).status == 404
    assert (await house.post("/api/v1/people/me/tokens", "operator", {"label": ""})).status == 422


async def test_nobody_makes_a_token_for_somebody_else_without_the_right(house):
    who = house.people["director"].id
    assert (await house.post(f"/api/v1/people/{who}/tokens", "analyst", {"label": "theirs"})).status == 403


async def test_nobody_changes_their_own_roles(house):
    who = house.people["operator"].id
    answer = await house.ask("PATCH", f"/api/v1/people/{who}", "operator", json={"roles": ["operator", "director"]})
    assert (answer.status, answer.json()["code"]) == (403, "own-account")


async def test_private_feeds_are_listed_by_hash(house):
    body = {"place": "tx", "ceiling": "green", "label": "Hays CISD"}
    issued = (await house.post("/api/v1/feed-tokens", "operator", body)).json()
    listed = await house.get("/api/v1/feed-tokens", "operator")
    (view,) = listed.json()["feed_tokens"]
    assert (view["hash"], view["label"], view["ceiling"]) == (issued["hash"], "Hays CISD", "green")
    assert issued["token"].encode() not in listed.body
