"""Whether the node lives and is ready, and who it says it is."""

from __future__ import annotations

import datetime as dt

import pytest


async def test_a_node_that_is_well(house):
    assert (await house.get("/healthz")).json() == {"status": "ok"}
    ready = await house.get("/readyz")
    assert (ready.status, ready.json()) == (200, {"status": "ok", "checks": {"database": "ok", "broker": "ok"}})
    version = (await house.get("/version")).json()
    assert version == {"name": "school-safety-hub", "version": "0.1.0", "state": "tx", "mode": "live"}


async def test_a_broker_that_is_down_is_200_degraded_and_says_no_address(house):
    house.states["broker"] = "connection to 10.0.0.7:4222 refused"
    ready = await house.get("/readyz")
    assert (ready.status, ready.json()["status"]) == (200, "degraded")
    assert ready.json()["checks"] == {"database": "ok", "broker": "down"}
    assert b"10.0.0.7" not in ready.body


async def test_a_database_that_takes_nothing_is_503(house):
    house.database.close()
    ready = await house.get("/readyz")
    assert (ready.status, ready.json()["status"]) == (503, "unavailable")
    assert (await house.get("/healthz")).status == 200
    assert (await house.get("/feeds/bulletins.rss")).status == 503


async def test_metrics_are_prometheus_text(house):
    answer = await house.get("/metrics")
    assert answer.headers["Content-Type"].startswith("text/plain")
    assert b"# TYPE hub_http_requests_total counter" in answer.body


async def test_the_nodes_card(house):
    card = (await house.get("/.well-known/school-safety-hub.json")).json()
    assert card["state"] == "tx"
    assert card["mode"] == "live"
    assert card["status"] == "ok"
    assert card["schema"] == [1]
    assert card["nats"] == {"url": "tls://127.0.0.1:4222", "tls_spki_sha256": "ab" * 32}
    assert [(key["public"], key["use"]) for key in card["keys"]] == [(house.office.key_id, "sign-live")]
    assert {"id", "use", "public", "from", "until"} <= set(card["keys"][0])
    assert card["feeds"]["rss"] == "https://tx.example/feeds/bulletins.rss"


@pytest.mark.parametrize(
    ("contact", "line"),
    [
        ("safety@tx.example", "Contact: mailto:safety@tx.example"),
        ("https://tx.example/contact", "Contact: https://tx.example/contact"),
        ("", "Contact: https://tx.example/"),
    ],
)
async def test_security_txt(house, contact, line):
    await house.server.close()
    await house.session.close()
    await house.open(contact=contact)
    answer = await house.get("/.well-known/security.txt")
    assert answer.headers["Content-Type"].startswith("text/plain")
    lines = answer.text.splitlines()
    assert lines[0] == line
    expires = dt.datetime.fromisoformat(next(each for each in lines if each.startswith("Expires: "))[9:])
    assert dt.timedelta() < expires - house.clock.now < dt.timedelta(days=366)
