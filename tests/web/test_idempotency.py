"""A POST sent twice acts once; the answer is kept with the verb, sealed, for a day."""

from __future__ import annotations

import asyncio

import pytest

from hub.store import bulletins, people
from tests.web.house import form


def drafts(house) -> int:
    return len(house.database.read_sync(bulletins.drafts))


async def test_the_same_request_gets_the_same_answer_and_acts_once(house):
    first = await house.post("/api/v1/bulletins", "analyst", form(), Idempotency_Key="k-1")
    again = await house.post("/api/v1/bulletins", "analyst", form(), Idempotency_Key="k-1")
    assert (again.status, again.body) == (first.status, first.body) == (201, first.body)
    for name in ("ETag", "Location", "Content-Type"):
        assert again.headers[name] == first.headers[name]
    assert "Idempotency-Replayed" not in first.headers
    assert again.headers["Idempotency-Replayed"] == "true"
    assert drafts(house) == 1


async def test_two_at_the_same_moment_act_once(house):
    sent = [house.post("/api/v1/bulletins", "analyst", form(), Idempotency_Key="k") for _ in range(8)]
    answers = await asyncio.gather(*sent)
    assert {answer.status for answer in answers} == {201}
    assert len({answer.body for answer in answers}) == 1
    assert drafts(house) == 1


async def test_another_request_under_the_same_key_is_refused(house):
    await house.post("/api/v1/bulletins", "analyst", form(), Idempotency_Key="k-1")
    other = await house.post("/api/v1/bulletins", "analyst", form(headline="Other"), Idempotency_Key="k-1")
    assert (other.status, other.json()["code"]) == (422, "key-reused")
    assert drafts(house) == 1


async def test_a_key_is_one_persons(house):
    await house.post("/api/v1/bulletins", "analyst", form(), Idempotency_Key="k-1")
    other = await house.post("/api/v1/bulletins", "supervisor", form(headline="Other"), Idempotency_Key="k-1")
    assert other.status == 201
    assert drafts(house) == 2


async def test_a_refusal_is_not_kept(house):
    draft = await house.draft()
    path = f"/api/v1/bulletins/{draft['id']}/approve"
    await house.act(draft["id"], "submit", "analyst", 1)
    assert (await house.post(path, "supervisor", {"version": 9}, Idempotency_Key="k")).status == 409
    assert (await house.post(path, "supervisor", {"version": 2}, Idempotency_Key="k")).status == 200


async def test_after_a_day_the_key_is_free(house):
    await house.post("/api/v1/bulletins", "analyst", form(), Idempotency_Key="k-1")
    house.clock.forward(hours=25)
    later = await house.post(
        "/api/v1/bulletins", "analyst", form(house.clock.now, headline="Other"), Idempotency_Key="k-1"
    )
    assert later.status == 201


@pytest.mark.parametrize("key", ["", "two words", "x" * 201, "ümlaut"])
async def test_a_key_that_cannot_be_is_refused(house, key):
    answer = await house.post("/api/v1/bulletins", "analyst", form(), Idempotency_Key=key)
    assert answer.status == 400
    assert drafts(house) == 0


async def test_a_new_token_is_given_again_and_nowhere_readable(house):
    path = "/api/v1/people/me/tokens"
    first = await house.post(path, "analyst", {"label": "laptop"}, Idempotency_Key="k-1")
    again = await house.post(path, "analyst", {"label": "laptop"}, Idempotency_Key="k-1")
    token = first.json()["token"]
    assert again.json()["token"] == token
    assert len(house.database.read_sync(people.tokens_of, house.people["analyst"].id)) == 2
    held = b"".join(file.read_bytes() for file in house.database.path.parent.glob("hub.db*"))
    assert first.json()["hash"].encode() in held
    assert token.encode() not in held
    assert b"k-1" not in held


async def test_a_token_revoked_while_the_request_waited_does_nothing(house):
    issued = (await house.post("/api/v1/people/me/tokens", "analyst", {"label": "old"})).json()
    assert (await house.get("/api/v1/bulletins", issued["token"])).status == 200
    assert (await house.ask("DELETE", f"/api/v1/tokens/{issued['hash']}", "analyst")).status == 204
    assert (await house.post("/api/v1/bulletins", issued["token"], form())).status == 401
    assert drafts(house) == 0
