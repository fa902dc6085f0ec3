"""The queue, the sources and what the desk makes of what came in."""

from __future__ import annotations

import json

import pytest

from connectors.source import advisory_id
from hub.desk.enqueue import enqueue
from schemas.bulletin import Advisory, Area
from schemas.vocabulary import Action, Certainty, Severity, Status, Topic, Urgency


def advisory(number: int, **changes) -> Advisory:
    made = {
        "source": "cisa-kev",
        "key": f"CVE-2030-{number:04d}",
        "revision": f"r{number}",
        "action": Action.NEW,
        "status": Status.ACTUAL,
        "headline": f"Flaw {number} in a gateway",
        "summary": "Lets a remote attacker run commands.",
        "severity": Severity.SEVERE,
        "urgency": Urgency.EXPECTED,
        "certainty": Certainty.OBSERVED,
        "topics": (Topic.CYBER,),
        "original": json.dumps({"requiredAction": "Install the update."}),
    }
    return Advisory(**made | changes)


@pytest.fixture
async def filled(house):
    news = [advisory(number) for number in range(1, 31)]
    await house.database.write(enqueue, house.office, house.clock.now, "cisa-kev", news)
    return house


async def test_thirty_advisories_are_one_row_a_step_from_its_items(filled):
    (row,) = (await filled.get("/api/v1/queue", "analyst")).json()["rows"]
    assert (row["count"], row["source"], row["severity"]) == (30, "cisa-kev", "severe")
    assert row["title"].startswith("KEV: 30 new entries")
    path = f"/api/v1/queue/{row['fold']}"
    first = (await filled.get(f"{path}?limit=20", "analyst")).json()
    second = (await filled.get(f"{path}?limit=20&before={first['next']}", "analyst")).json()
    assert second["next"] is None
    keys = {item["key"] for item in first["items"] + second["items"]}
    assert len(keys) == 30
    for wrong in ("limit=0", "limit=x", "before=-1", "limit=501", "page=2"):
        assert (await filled.get(f"{path}?{wrong}", "analyst")).status == 400


async def test_a_row_says_how_it_stands_and_an_item_why(filled):
    places = {"severe": "TX", "folded": "MT"}
    news = [
        advisory(
            100 + n,
            source="nws",
            headline=f"Flood Warning in {state}",
            event="Flood Warning",
            areas=(Area(state, ugc=f"{state}Z001"),),
        )
        for n, state in enumerate(places.values())
    ]
    await filled.database.write(enqueue, filled.office, filled.clock.now, "nws", news)
    rows = (await filled.get("/api/v1/queue", "analyst")).json()["rows"]
    assert [row["standing"] for row in rows] == ["severe", "stands", "folded"]
    severe, _, folded = rows
    assert (severe["title"], severe["why"]) == ("Flood Warning in TX", "Names 1 zone of Texas.")
    assert folded["why"] == "Not for Texas: 1 zone of Montana."
    (item,) = (await filled.get(f"/api/v1/queue/{folded['fold']}", "analyst")).json()["items"]
    assert (item["why"], item["kind"]) == ("not for Texas: 1 zone of Montana", "Flood Warning")
    shown = (await filled.get(f"/api/v1/advisories/{item['id']}", "analyst")).json()
    assert shown["why"] == item["why"]


async def test_an_advisory_keeps_its_original_words(filled):
    which = advisory_id("cisa-kev", "CVE-2030-0007")
    shown = (await filled.get(f"/api/v1/advisories/{which}", "analyst")).json()
    assert shown["state"] == "open"
    assert json.loads(shown["advisory"]["original"]) == {"requiredAction": "Install the update."}
    assert (await filled.get("/api/v1/advisories/nothing", "analyst")).status == 404


async def test_adopting_makes_a_draft_of_the_sources_words(filled):
    which = advisory_id("cisa-kev", "CVE-2030-0007")
    made = await filled.post(f"/api/v1/advisories/{which}/adopt", "analyst", {})
    assert made.status == 201
    draft = (await filled.get(made.headers["Location"], "analyst")).json()
    assert (draft["headline"], draft["topic"]) == ("Flaw 7 in a gateway", "cyber")
    assert draft["actions"] == [{"role": "it-staff", "text": "Install the update."}]
    assert draft["advisory"]["key"] == "CVE-2030-0007"
    assert (await filled.post(f"/api/v1/advisories/{which}/adopt", "analyst", {})).status == 409
    released = await filled.release(made.json())
    page = await filled.get(f"/bulletins/{released['product_id']}")
    assert "cisa-kev, CVE-2030-0007" in page.text


async def test_adopting_may_say_it_otherwise(filled):
    which = advisory_id("cisa-kev", "CVE-2030-0008")
    made = await filled.post(
        f"/api/v1/advisories/{which}/adopt", "analyst", {"headline": "Update the gateway", "tlp": "green"}
    )
    draft = (await filled.get(made.headers["Location"], "analyst")).json()
    assert (draft["headline"], draft["tlp"], draft["topic"]) == ("Update the gateway", "green", "cyber")


async def test_setting_aside_takes_one_or_a_whole_row_with_a_reason(filled):
    which = advisory_id("cisa-kev", "CVE-2030-0001")
    path = f"/api/v1/advisories/{which}/set-aside"
    assert (await filled.post(path, "analyst", {})).status == 422
    assert (await filled.post(path, "analyst", {"reason": "No school has it."})).json()["count"] == 1
    (row,) = (await filled.get("/api/v1/queue", "analyst")).json()["rows"]
    rest = await filled.post(f"/api/v1/advisories/{row['fold']}/set-aside", "analyst", {"reason": "Not ours."})
    assert rest.json()["count"] == 29
    assert (await filled.get("/api/v1/queue", "analyst")).json()["rows"] == []


@pytest.mark.parametrize(
    "url", ["javascript:alert(1)", "data:text/html,x", "JAVASCRIPT:x", "//evil.example", "ftp://x", None]
)
async def test_a_source_gives_no_link_that_acts(house, url):
    await house.database.write(enqueue, house.office, house.clock.now, "cisa-kev", [advisory(1, url=url)])
    made = await house.post(f"/api/v1/advisories/{advisory_id('cisa-kev', 'CVE-2030-0001')}/adopt", "analyst", {})
    if made.status == 422:  # the bundle's own rules refuse it already
        return
    released = await house.release(made.json())
    page = await house.get(f"/bulletins/{released['product_id']}")
    assert page.status == 200
    assert url is None or f'href="{url}' not in page.text


async def test_the_sources_are_listed(house):
    assert (await house.get("/api/v1/sources", "analyst")).json()["sources"][0]["name"] == "cisa-kev"


@pytest.mark.parametrize("role", ["analyst", "operator", "connector"])
async def test_a_run_tells_its_progress_line_by_line(house, role):
    data = b"x" * 300_000
    answer = await house.ask("POST", "/api/v1/sources/cisa-kev/run", role, data=data)
    assert answer.status == 200
    assert answer.headers["Content-Type"] == "application/x-ndjson"
    lines = [json.loads(line) for line in answer.body.splitlines()]
    assert lines == [{"step": "read", "bytes": 300_000}, {"step": "filed", "new": 0}]


async def test_an_unknown_source_is_404_before_any_line(house):
    answer = await house.ask("POST", "/api/v1/sources/ghosts/run", "analyst")
    assert answer.status == 404
    assert answer.json()["detail"] == "There is no source ghosts."


async def test_a_run_sent_twice_gives_the_same_lines(house):
    path = "/api/v1/sources/cisa-kev/run"
    first = await house.ask("POST", path, "analyst", data=b"x", headers={"Idempotency-Key": "k"})
    again = await house.ask("POST", path, "analyst", data=b"x", headers={"Idempotency-Key": "k"})
    assert again.body == first.body
    assert again.headers["Idempotency-Replayed"] == "true"
    assert again.headers["Content-Type"] == first.headers["Content-Type"]
    other = await house.ask("POST", path, "analyst", data=b"y", headers={"Idempotency-Key": "k"})
    assert other.status == 422


async def test_a_run_that_fails_half_way_says_so_in_its_last_line(house):
    async def failing(name, data):
        yield {"step": "read"}
        raise RuntimeError("secret of the inside")

    await house.server.close()
    await house.session.close()
    await house.open(run_source=failing)
    answer = await house.ask("POST", "/api/v1/sources/cisa-kev/run", "analyst")
    assert answer.status == 200
    last = json.loads(answer.body.splitlines()[-1])
    assert last["code"] == "internal"
    assert b"secret" not in answer.body
