"""A real catalogue of CISA into a running node's queue, and one entry of it in the other state's feeds."""

from __future__ import annotations

import json
from pathlib import Path

from hub.cli.demo.scene import Scene
from tests.journeys.conftest import hub


async def test_a_real_catalogue_becomes_a_bulletin_at_the_other_state(scene: Scene, recordings: Path):
    node = scene.network.nodes["oh"]
    given = {"HUB_URL": node.url, "HUB_TOKEN": node.tokens["analyst"]}
    catalogue = recordings / "cisa-kev" / "kev_2025-08-25.json"
    entries = json.loads(catalogue.read_text(encoding="utf-8"))["vulnerabilities"]

    first = json.loads(hub("sources", "run", "cisa-kev", "--from", str(catalogue), "--json", **given).stdout)
    assert first["new"] == len(entries) == 1404
    for _ in range(3):
        again = json.loads(hub("sources", "run", "cisa-kev", "--from", str(catalogue), "--json", **given).stdout)
        if not again["cancelled"]:
            break  # else the demo's own poll of its small catalogue came between two runs
    assert (again["new"], again["updated"], again["cancelled"]) == (0, 0, 0)
    assert again["unchanged"] == 1404

    rows = (await scene.visitor.must("oh", "analyst", "GET", "/api/v1/queue"))["rows"]
    assert sum(row["count"] for row in rows) >= 1404
    assert len(rows) <= 15
    fold = max(rows, key=lambda row: row["count"])["fold"]
    item = (await scene.visitor.must("oh", "analyst", "GET", f"/api/v1/queue/{fold}?limit=1"))["items"][0]

    draft = await scene.visitor.must("oh", "analyst", "POST", f"/api/v1/advisories/{item['id']}/adopt", {})
    await scene.visitor.act("oh", "analyst", draft["id"], "submit")
    await scene.visitor.act("oh", "supervisor", draft["id"], "approve")
    await scene.visitor.act("oh", "supervisor", draft["id"], "publish")
    await scene.until_shown("va", item["headline"])
