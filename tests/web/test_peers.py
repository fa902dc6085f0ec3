"""Two nodes: made peers over the API, and what one gets of the other is shown to whom it may be."""

from __future__ import annotations

import datetime as dt
import json

import pytest

from hub.desk.receive import Arrival, open_lane, receive
from hub.rules.decision import Accepted
from hub.store import outbox
from schemas.register import encode_entry
from schemas.subjects import BulletinSubject, parse
from schemas.times import format_time
from schemas.vocabulary import Lane
from tests.web.house import MONDAY, House, office, register_entry

AGREED = {
    "topics": "*",
    "ceiling": "amber",
    "lanes": ["flash", "routine"],
    "from": format_time(MONDAY - dt.timedelta(days=2)),
    "redistribution": False,
    "caps": {"max_messages_per_day": 100, "max_bytes": 1_000_000},
}


def json_of(at) -> dict:
    return json.loads(encode_entry(register_entry(at, name=f"{at.place} center")))


@pytest.fixture
async def ohio(tmp_path):
    made = await House.found(tmp_path / "found.db", office("oh")).copied(tmp_path / "oh.db").open()
    yield made
    await made.close()


@pytest.fixture
async def pair(house, ohio):
    """Ohio shares with Texas, and Texas takes what Ohio says."""
    for one, other in ((house, ohio), (ohio, house)):
        assert (await one.post("/api/v1/peers", "operator", json_of(other.office))).status == 201
    assert (await ohio.post("/api/v1/peers/tx/agreement", "operator", AGREED)).status == 200
    return house, ohio


async def deliver(ohio: House, texas: House) -> None:
    waiting = ohio.database.read_sync(outbox.pending, 1000)
    arrivals = []
    for one in waiting:
        subject = parse(one.subject)
        lane = subject.lane if isinstance(subject, BulletinSubject) else Lane.FLASH
        if one.to in {None, "tx"}:
            arrivals.append(Arrival(one.subject, one.payload, one.key, one.signature, None, lane))
    decisions = await texas.database.write(receive, texas.office, texas.clock.now, "oh", arrivals)
    assert all(isinstance(each, Accepted) for each in decisions if not str(each).startswith("Duplicate")), decisions
    for lane in Lane:
        await texas.database.write(open_lane, texas.office, texas.clock.now, "oh", lane)


async def test_what_a_peer_released_is_shown_to_whom_it_may_be(pair):
    texas, ohio = pair
    plants = {
        "Clear": {"tlp": "clear"},
        "Green": {"tlp": "green"},
        "Amber": {"tlp": "amber", "audience": ["tx"]},
        "Kept": {"tlp": "clear", "caveats": ["no-redistribution"]},
    }
    numbers = {
        name: await ohio.publish(headline=name, text=f"Canary {name}", **changes) for name, changes in plants.items()
    }
    await deliver(ohio, texas)
    desk = (await texas.get("/api/v1/bulletins", "analyst")).json()["bulletins"]
    assert {row["headline"] for row in desk} == set(plants)
    assert {row["origin"] for row in desk} == {"oh"}
    assert [item["title"] for item in (await texas.get("/feeds/bulletins.json")).json()["items"]] == ["Clear"]
    page = await texas.get(f"/bulletins/{numbers['Clear']}")
    assert "Ohio" in page.text
    assert (await texas.get(f"/bulletins/{numbers['Clear']}.stix.json")).headers["Hub-Key"] == ohio.office.key_id
    for name in ("Green", "Amber", "Kept"):
        assert (await texas.get(f"/bulletins/{numbers[name]}")).status == 404
    body = {"place": "tx", "ceiling": "amber", "label": "Hays CISD"}
    feed = (await texas.post("/api/v1/feed-tokens", "operator", body)).json()["feeds"]["json"]
    items = (await texas.get(feed.removeprefix("https://tx.example"))).json()["items"]
    assert {item["title"] for item in items} == {"Clear", "Green"}


async def test_what_a_peer_withdrew_is_hidden_at_the_desk_too(pair):
    texas, ohio = pair
    product = await ohio.publish(headline="Headline", text="Canary of the text")
    await deliver(ohio, texas)
    assert (await texas.get(f"/api/v1/bulletins/{product}", "analyst")).json()["text"] == "Canary of the text"
    await ohio.withdraw(product)
    await deliver(ohio, texas)
    shown = (await texas.get(f"/api/v1/bulletins/{product}", "analyst")).json()
    assert (shown["status"], shown["text"], shown["headline"]) == ("withdrawn", None, None)
    for path in (
        "/",
        f"/bulletins/{product}",
        "/feeds/bulletins.rss",
        f"/api/v1/bulletins/{product}",
        "/api/v1/bulletins",
    ):
        assert b"Canary" not in (await texas.get(path, "director")).body
    assert "WITHDRAWN: Headline" in (await texas.get("/feeds/bulletins.rss")).text


async def test_the_desk_changes_nothing_of_anothers(pair):
    texas, ohio = pair
    product = await ohio.publish()
    await deliver(ohio, texas)
    for verb, body in (("update", {}), ("withdraw", {"reason": "error"})):
        answer = await texas.post(f"/api/v1/bulletins/{product}/{verb}", "supervisor", {"version": 1, **body})
        assert answer.status == 404, verb


async def test_the_list_has_agreement_and_link_and_the_node_is_told(pair):
    texas, ohio = pair
    assert ohio.told == ["peers"] * 2
    (peer,) = (await ohio.get("/api/v1/peers", "auditor")).json()["peers"]
    assert (peer["place"], peer["state"], peer["agreement"]["ceiling"]) == ("tx", "active", "amber")
    (peer,) = (await texas.get("/api/v1/peers", "operator")).json()["peers"]
    assert (peer["agreement"], peer["link"]) == (None, {"state": "connected"})
    assert (await ohio.ask("DELETE", "/api/v1/peers/tx/agreement", "operator")).json()["agreement"] is None
    revoked = await ohio.post("/api/v1/peers/tx/revoke", "operator", {"reason": "It left the network."})
    assert revoked.json()["state"] == "revoked"
    assert ohio.told == ["peers"] * 4


@pytest.mark.parametrize("until", [None, format_time(MONDAY + dt.timedelta(days=9))])
async def test_an_agreement_as_listed_can_be_set_again_as_it_stands(pair, until):
    _, ohio = pair
    given = AGREED | {"until": until}
    assert (await ohio.post("/api/v1/peers/tx/agreement", "operator", given)).json()["agreement"] == {
        "peer": "tx",
        **given,
    }
    (peer,) = (await ohio.get("/api/v1/peers", "operator")).json()["peers"]
    again = await ohio.post("/api/v1/peers/tx/agreement", "operator", peer["agreement"])
    assert (again.status, again.json()["agreement"]) == (200, peer["agreement"])
    refused = await ohio.post("/api/v1/peers/tx/agreement", "operator", {**peer["agreement"], "from": 1})
    assert (refused.status, "not an agreement" in refused.text) == (422, True)


async def test_a_release_names_who_gets_it_and_who_not(pair):
    _, ohio = pair
    draft = await ohio.draft(tlp="amber", audience=["tx", "va"])
    shown = (await ohio.get(f"/api/v1/bulletins/{draft['id']}", "analyst")).json()
    assert shown["reach"]["gets"] == ["tx"]
    assert "va" in shown["reach"]["withheld"]
    assert shown["audience"] == ["tx", "va"]
    released = await ohio.release(draft)
    assert (released["gets"], list(released["withheld"]), released["public"]) == (["tx"], ["va"], False)


async def test_what_does_not_fit_is_refused_in_words(house, ohio):
    good = json_of(ohio.office)
    for change, status in (
        ({"place": "zz"}, 422),
        ({"mode": "exercise"}, 422),
        ({"name": ""}, 422),
        ({"surplus": 1}, 201),
    ):
        answer = await house.post("/api/v1/peers", "operator", {**good, **change})
        assert answer.status == status, change
    assert (await house.post("/api/v1/peers/oh/agreement", "operator", {**AGREED, "peer": "va"})).status == 422
    assert (await house.post("/api/v1/peers/oh/agreement", "operator", {**AGREED, "ceiling": "red"})).status == 422
    assert (await house.post("/api/v1/peers/va/agreement", "operator", AGREED)).status == 404
    assert (await house.post("/api/v1/peers", "operator", {**good, "name": "again", "serial": 1})).status == 409


async def test_the_own_entry_is_what_a_peer_takes(house):
    answer = await house.get("/api/v1/register-entry", "analyst")
    assert answer.body == encode_entry(register_entry(house.office))
