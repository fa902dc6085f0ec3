"""Nobody releases what they wrote: by API and by command line (DESIGN section 3, step 2)."""

from __future__ import annotations

import pytest

from hub.cli.demo.scene import Scene, unlike
from tests.journeys.conftest import hub


@pytest.mark.parametrize("role", ["supervisor", "director"])
async def test_a_supervisor_who_writes_cannot_approve_or_publish(scene: Scene, role: str):
    draft = await scene.draft(unlike("Written by one person:"))
    seen = (await scene.visitor.must("tx", role, "GET", f"/api/v1/bulletins/{draft}"))["version"]
    status, edited = await scene.visitor.ask(
        "tx", role, "PATCH", f"/api/v1/bulletins/{draft}", {"text": "I changed it."}, **{"If-Match": f'"{seen}"'}
    )
    assert status == 200, edited
    await scene.visitor.act("tx", "analyst", draft, "submit")
    version = (await scene.visitor.must("tx", role, "GET", f"/api/v1/bulletins/{draft}"))["version"]
    for verb in ("approve", "publish"):
        path = f"/api/v1/bulletins/{draft}/{verb}"
        status, answer = await scene.visitor.ask("tx", role, "POST", path, {"version": version})
        assert status in {403, 409}, answer
    assert (await scene.visitor.must("tx", role, "GET", f"/api/v1/bulletins/{draft}"))["status"] == "submitted"


async def test_the_command_line_has_no_back_door(scene: Scene):
    node = scene.network.nodes["tx"]
    given = {"HUB_URL": node.url, "HUB_TOKEN": node.tokens["analyst"]}
    draft = await scene.draft(unlike("From the command line:"))
    assert hub("bulletin", "submit", draft, **given).returncode == 0
    for verb in ("approve", "publish"):
        done = hub("bulletin", verb, draft, **given)
        assert done.returncode == 1
        assert done.stderr.startswith("hub: ")
    second = given | {"HUB_TOKEN": node.tokens["supervisor"]}
    assert hub("bulletin", "approve", draft, **second).returncode == 0
    assert hub("bulletin", "publish", draft, **second).returncode == 0


async def test_an_edit_after_approval_needs_a_new_one(scene: Scene):
    draft = await scene.draft(unlike("Edited after approval:"))
    await scene.visitor.act("tx", "analyst", draft, "submit")
    approved = await scene.visitor.act("tx", "supervisor", draft, "approve")
    status, edited = await scene.visitor.ask(
        "tx", "analyst", "PATCH", f"/api/v1/bulletins/{draft}", {"text": "Other words."},
        **{"If-Match": f'"{approved["version"]}"'},
    )  # fmt: skip
    assert status == 200, edited
    path = f"/api/v1/bulletins/{draft}/publish"
    status, answer = await scene.visitor.ask("tx", "supervisor", "POST", path, {"version": edited["version"]})
    assert status in {403, 409}, answer
