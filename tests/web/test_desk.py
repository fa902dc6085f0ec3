"""The desk over HTTP: the way of a bulletin, versions that were seen, every wrong field at once."""

from __future__ import annotations

import datetime as dt

import pytest

from tests.web.house import form


async def test_the_way_of_a_bulletin(house):
    made = await house.post("/api/v1/bulletins", "analyst", form())
    assert made.status == 201
    draft = made.json()
    assert draft["status"] == "draft"
    assert made.headers["ETag"] == '"1"'
    assert made.headers["Location"] == f"/api/v1/bulletins/{draft['id']}"
    shown = (await house.get(made.headers["Location"], "supervisor")).json()
    assert shown["headline"] == form()["headline"]
    assert shown["actions"] == form()["actions"]
    assert shown["reach"] == {"gets": [], "withheld": {}, "public": True}
    assert shown["lacks"] == ["the approval of a supervisor or director who did not write it"]
    submitted = await house.act(draft["id"], "submit", "analyst", 1)
    approved = await house.act(draft["id"], "approve", "supervisor", submitted["version"])
    assert (approved["status"], approved["lacks"]) == ("approved", [])
    released = await house.act(draft["id"], "publish", "supervisor", approved["version"])
    assert released["product_id"] == "TX-2030-0001"
    assert (released["version"], released["status"], released["public"]) == (1, "released", True)
    assert len(released["hash"]) == 64


async def test_an_author_neither_approves_nor_releases(house):
    draft = await house.draft()
    submitted = await house.act(draft["id"], "submit", "analyst", 1)
    for verb in ("approve", "publish"):
        answer = await house.post(
            f"/api/v1/bulletins/{draft['id']}/{verb}", "analyst", {"version": submitted["version"]}
        )
        assert answer.status == 403
    own = await house.post("/api/v1/bulletins", "director", form())
    path = f"/api/v1/bulletins/{own.json()['id']}"
    await house.post(f"{path}/submit", "director", {"version": 1})
    answer = await house.post(f"{path}/approve", "director", {"version": 2})
    assert (answer.status, answer.json()["code"]) == (403, "author")


async def test_send_back_says_why(house):
    draft = await house.draft()
    await house.act(draft["id"], "submit", "analyst", 1)
    path = f"/api/v1/bulletins/{draft['id']}/send-back"
    assert (await house.post(path, "supervisor", {"version": 2})).status == 422
    back = await house.post(path, "supervisor", {"version": 2, "reason": "Say which schools."})
    assert back.json()["status"] == "draft"


async def test_a_patch_needs_the_version_that_was_seen(house):
    draft = await house.draft()
    path = f"/api/v1/bulletins/{draft['id']}"
    change = {"headline": "Other words"}
    missing = await house.ask("PATCH", path, "analyst", json=change)
    assert (missing.status, missing.json()["type"]) == (428, "/problems/version-needed")
    for wrong in ("1", '"x"', 'W/"1"', '"1", "2"', "*"):
        answer = await house.ask("PATCH", path, "analyst", json=change, headers={"If-Match": wrong})
        assert answer.status == 400, wrong
    good = await house.ask("PATCH", path, "analyst", json=change, headers={"If-Match": '"1"'})
    assert (good.status, good.headers["ETag"]) == (200, '"2"')
    stale = await house.ask("PATCH", path, "analyst", json={"text": "Late"}, headers={"If-Match": '"1"'})
    assert (stale.status, stale.json()["code"]) == (409, "moved-on")
    shown = (await house.get(path, "analyst")).json()
    assert (shown["headline"], shown["text"]) == ("Other words", form()["text"])


async def test_a_verb_takes_the_version_from_the_body_or_from_if_match(house):
    draft = await house.draft()
    path = f"/api/v1/bulletins/{draft['id']}/submit"
    assert (await house.post(path, "analyst", {})).status == 428
    assert (await house.post(path, "analyst", {"version": 7})).status == 409
    assert (await house.post(path, "analyst", {"version": 2}, If_Match='"1"')).status == 400
    assert (await house.post(path, "analyst", {}, If_Match='"1"')).status == 200


async def test_a_patch_clears_only_what_may_be_empty(house):
    due = (house.clock.now + dt.timedelta(days=1)).isoformat()
    draft = await house.draft(next_update_by=due)
    path = f"/api/v1/bulletins/{draft['id']}"
    cleared = await house.ask("PATCH", path, "analyst", json={"next_update_by": None}, headers={"If-Match": '"1"'})
    assert cleared.status == 200
    assert (await house.get(path, "analyst")).json()["next_update_by"] is None
    refused = await house.ask("PATCH", path, "analyst", json={"headline": None}, headers={"If-Match": '"2"'})
    assert [each["pointer"] for each in refused.json()["errors"]] == ["/headline"]


async def test_every_wrong_field_is_named_at_once_with_its_pointer(house):
    wrong = form(
        headline=7,
        topic="ghosts",
        tlp="purple",
        audience=["zz"],
        areas=[{"state": "TX", "fips": 48453}, {"fips": "1"}],
        expires=1_900_000_000,
        actions=[{"role": "principal"}],
        surprise="yes",
        minor="no",
    )
    answer = await house.post("/api/v1/bulletins", "analyst", wrong)
    assert answer.status == 422
    assert answer.headers["Content-Type"].startswith("application/problem+json")
    pointers = {each["pointer"] for each in answer.json()["errors"]}
    assert pointers >= {
        "/headline", "/topic", "/tlp", "/areas/0/fips", "/areas/1/state", "/expires", "/actions/0/text",
        "/surprise", "/minor",
    }  # fmt: skip
    assert any(pointer.startswith("/audience") for pointer in pointers)


async def test_the_desk_names_what_it_refuses_with_pointers_too(house):
    answer = await house.post(
        "/api/v1/bulletins",
        "analyst",
        form(
            headline="two\nlines",
            text="\u202eturned",
            actions=[],
            areas=[{"state": "TX", "fips": "39035", "ugc": None}],
            expires="2020-01-01T00:00:00Z",
            audience=["tx"],
        ),
    )
    assert answer.status == 422
    pointers = {each["pointer"] for each in answer.json()["errors"]}
    assert pointers == {"/headline", "/text", "/actions", "/areas/0/fips", "/expires", "/audience/0"}


@pytest.mark.parametrize("field", ["tlp", "audience", "headline", "expires", "topic"])
async def test_nobody_guesses_what_was_left_out(house, field):
    body = form()
    del body[field]
    answer = await house.post("/api/v1/bulletins", "analyst", body)
    assert answer.status == 422
    assert [each["pointer"] for each in answer.json()["errors"]] == [f"/{field}"]


async def test_the_list_has_open_drafts_first_and_then_products(house):
    product = await house.publish(headline="Released")
    draft = await house.draft(headline="Open", tlp="red")
    rows = (await house.get("/api/v1/bulletins", "analyst")).json()["bulletins"]
    assert [(row["status"], row["id"] if row["status"] == "draft" else row["product_id"]) for row in rows] == [
        ("draft", draft["id"]),
        ("released", product),
    ]
    paged = (await house.get(f"/api/v1/bulletins?before={product}", "analyst")).json()
    assert paged == {"bulletins": [], "next": None}


async def test_an_update_and_a_withdrawal_need_the_version_that_was_seen(house):
    product = await house.publish()
    path = f"/api/v1/bulletins/{product}"
    assert (await house.post(f"{path}/update", "analyst", {"version": 9})).status == 409
    opened = await house.post(f"{path}/update", "analyst", {"version": 1})
    assert (opened.status, opened.json()["product_id"]) == (201, product)
    assert (await house.post(f"{path}/update", "analyst", {"version": 1})).status == 409
    assert (await house.post(f"{path}/withdraw", "supervisor", {"version": 1, "reason": "whim"})).status == 422
    gone = await house.post(f"{path}/withdraw", "supervisor", {"version": 1, "reason": "hoax"})
    assert (gone.status, gone.json()["status"]) == (200, "withdrawn")
    assert (await house.post(f"{path}/withdraw", "supervisor", {"version": 1, "reason": "hoax"})).status == 409
    shown = (await house.get(path, "analyst")).json()
    assert (shown["status"], shown["withdrawn_reason"]) == ("withdrawn", "hoax")


async def test_what_is_not_there_is_404_for_every_verb(house):
    for which in ("TX-2030-0404", "d-nothing", "report--x"):
        for verb in ("submit", "approve", "publish", "send-back", "withdraw", "update"):
            body = {"version": 1, **({"reason": "error"} if verb in {"send-back", "withdraw"} else {})}
            assert (await house.post(f"/api/v1/bulletins/{which}/{verb}", "director", body)).status == 404, verb
        assert (await house.get(f"/api/v1/bulletins/{which}", "director")).status == 404
