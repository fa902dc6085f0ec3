"""Steps of the check at the publishing desk: from the federal advisory to a released bulletin at the peer state."""

from __future__ import annotations

from typing import Any

from hub.cli.demo.scene import FORMS, Scene, require
from hub.cli.demo.visitor import until


async def advisory_arrives(scene: Scene) -> str:
    """The federal catalogue comes in through the real connector and waits, folded, in the queue."""
    await scene.visitor.must(scene.home, "analyst", "POST", "/api/v1/sources/cisa-kev/run")

    async def look() -> Any:
        return (await scene.visitor.must(scene.home, "analyst", "GET", "/api/v1/queue"))["rows"]

    rows = await until("the advisory in the queue", look)
    items = (await scene.visitor.must(scene.home, "analyst", "GET", f"/api/v1/queue/{rows[0]['fold']}"))["items"]
    scene.found["advisory"], scene.found["headline"] = items[0]["id"], items[0]["headline"]
    return f"{sum(row['count'] for row in rows)} advisories in {len(rows)} rows"


async def nothing_by_itself(scene: Scene) -> str:
    """An import is never a bulletin: no feed names it before somebody decided."""
    for form in FORMS:
        shown = await scene.shows(scene.home, form, scene.found["headline"])
        require(not shown, f"{scene.home.upper()}'s {form} shows an import that nobody released.")
    return "no feed shows the import"


async def adopted(scene: Scene) -> str:
    """The analyst makes a bulletin of it and hands it to a second person."""
    path = f"/api/v1/advisories/{scene.found['advisory']}/adopt"
    scene.found["draft"] = (await scene.visitor.must(scene.home, "analyst", "POST", path, {}))["id"]
    await scene.visitor.act(scene.home, "analyst", scene.found["draft"], "submit")
    return f"draft {scene.found['draft'][:8]} submitted"


async def author_refused(scene: Scene) -> str:
    """Whoever wrote it may neither approve nor release it; a stranger does not even see it."""
    path = f"/api/v1/bulletins/{scene.found['draft']}"
    seen = (await scene.visitor.must(scene.home, "analyst", "GET", path))["version"]
    for verb in ("approve", "publish"):
        status, answer = await scene.visitor.ask(scene.home, "analyst", "POST", f"{path}/{verb}", {"version": seen})
        require(status == 403, f"The author's {verb} answered {status}, not 403: {answer}")
    status, _ = await scene.visitor.ask(scene.home, None, "GET", path)
    require(status == 401, f"A stranger who asks for the draft got {status}, not 401.")
    return "approve and publish answered 403"


async def approved(scene: Scene) -> str:
    """A second person says yes to exactly this content."""
    done = await scene.visitor.act(scene.home, "supervisor", scene.found["draft"], "approve")
    return f"{done['status']}, version {done['version']}"


async def released(scene: Scene) -> str:
    """The answer to the release names who gets it."""
    done = await scene.visitor.act(scene.home, "supervisor", scene.found["draft"], "publish")
    scene.found["product"] = done["product_id"]
    return f"{done['product_id']} to {', '.join(done['gets'])}"


async def in_every_form(scene: Scene) -> str:
    """The peer state shows it in RSS, Atom, JSON Feed and as the signed STIX bundle."""
    await scene.until_shown(scene.near, scene.found["headline"])
    path = f"/bulletins/{scene.found['product']}.stix.json"
    bundle = await scene.visitor.must(scene.near, None, "GET", path)
    report = next(item for item in bundle["objects"] if item["type"] == "report")
    require(scene.found["headline"] in report["name"], f"The bundle names {report['name']!r}.")
    return f"rss, atom, json and stix at {scene.near.upper()}"
