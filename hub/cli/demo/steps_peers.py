"""Steps of the check between states: who may have it, updates, withdrawals, and processes that are killed."""

from __future__ import annotations

import asyncio
import os
import signal
from typing import Any

from hub.cli.demo import nodes as processes
from hub.cli.demo.scene import FORMS, Scene, require, unlike
from hub.cli.demo.visitor import StepFailed, until


async def amber_to_one(scene: Scene) -> str:
    """An AMBER bulletin for one peer reaches that desk, never its open feeds, and not the third state."""
    headline = unlike("For one desk only:")
    product = await scene.publish(headline, tlp="amber", audience=[scene.near], topic="violence")
    await until(f"{product} at {scene.near.upper()}'s desk", lambda: _at_desk(scene, scene.near, product))
    marker = unlike("Marker after the restricted one:")
    await scene.publish(marker)
    await scene.until_shown(scene.far, marker)
    require(
        not await _at_desk(scene, scene.far, product),
        f"{scene.far.upper()} has {product}, which was not for it.",
    )
    for state in (scene.home, scene.near, scene.far):
        for form in FORMS:
            require(
                not await scene.shows(state, form, headline),
                f"{state.upper()}'s open {form} shows an AMBER bulletin.",
            )
    return f"{product} at {scene.near.upper()}, not at {scene.far.upper()}"


async def _at_desk(scene: Scene, state: str, product: str) -> Any:
    status, answer = await scene.visitor.ask(state, "analyst", "GET", f"/api/v1/bulletins/{product}")
    require(status in {200, 404}, f"{state.upper()} answered {status} for {product}.")
    return answer if status == 200 else None


async def update_resurfaces(scene: Scene) -> str:
    """An update is a new signed version that readers see as a new item."""
    product = scene.found["product"]
    draft = await scene.visitor.act(scene.home, "analyst", product, "update")
    patched = await scene.visitor.ask(
        scene.home, "analyst", "PATCH", f"/api/v1/bulletins/{draft['id']}",
        {"text": "Update: the vendor's fix is out. Install it today."}, **{"If-Match": f'"{draft["version"]}"'},
    )  # fmt: skip
    require(patched[0] == 200, f"The edit answered {patched[0]}: {patched[1]}")
    await scene.visitor.release(scene.home, draft["id"])
    await scene.until_shown(scene.near, "UPDATE 2:", scene.found["headline"])
    return f"UPDATE 2 of {product} at {scene.near.upper()}"


async def withdrawn_while_away(scene: Scene) -> str:
    """A withdrawal reaches the near peer at once, and the far one when it is back, which never shows it live meanwhile."""
    known, unknown = unlike("Known to both:"), unlike("Released while one was away:")
    first = await scene.publish(known)
    await scene.until_shown(scene.far, known)
    await scene.network.stop(scene.far)
    second = await scene.publish(unknown)
    await scene.until_shown(scene.near, unknown)
    for product in (first, second):
        await scene.visitor.act(scene.home, "supervisor", product, "withdraw", reason="error")
    for headline in (known, unknown):
        await scene.until_shown(scene.near, "WITHDRAWN:", headline)
    await scene.network.start(scene.far)
    looks = await _never_live(scene, known, unknown)
    return f"{first} and {second} withdrawn; {scene.far.upper()} looked at {looks} times, never live"


async def _never_live(scene: Scene, known: str, unknown: str) -> int:
    """Watch the far node from its first answer until it shows the withdrawal of the one it knew; count the looks."""
    looks = 0

    async def look() -> bool:
        nonlocal looks
        titles = [title for form in FORMS for title in await scene.visitor.titles(scene.far, form)]
        looks += 1
        live = [title for title in titles if (known in title or unknown in title) and "WITHDRAWN:" not in title]
        require(not live, f"{scene.far.upper()} showed a withdrawn bulletin as live: {live}")
        return any(known in title for title in titles)

    await until(f"the withdrawal at {scene.far.upper()}", look)
    for _ in range(10):
        await look()
        await asyncio.sleep(0.05)
    return looks


async def hub_killed(scene: Scene) -> str:
    """Kill -9 of the publisher right after its yes: the bulletin reaches the peer all the same, once."""
    headline = unlike("Released a moment before a crash:")
    product = await scene.publish(headline)
    await processes.end(scene.network.nodes[scene.home], kill=True)
    await scene.network.start(scene.home)
    await scene.until_shown(scene.near, headline)
    await _once(scene, headline)
    return f"{product} at {scene.near.upper()} once"


async def broker_killed(scene: Scene) -> str:
    """Kill -9 of the publisher's nats-server: the release is taken meanwhile and delivered when it is back, once."""
    headline = unlike("Released without a broker:")
    killed = processes.brokers_of(scene.network.nodes[scene.home])
    require(killed, "No nats-server was found under the hub.")
    for pid in killed:
        os.kill(pid, signal.SIGKILL)
    product = await scene.publish(headline)
    await scene.until_shown(scene.near, headline)
    await _once(scene, headline)
    return f"{product} at {scene.near.upper()} once"


async def _once(scene: Scene, headline: str) -> None:
    titles = await scene.visitor.titles(scene.near, "json")
    count = sum(headline in title for title in titles)
    require(count == 1, f"{scene.near.upper()} shows {headline!r} {count} times.")


async def verified(scene: Scene) -> str:
    """All nodes are stopped and `hub verify` finds every journal whole."""
    answers = []
    for state, node in scene.network.nodes.items():
        await scene.network.stop(state)
        code, output = await processes.command("verify", "--config", str(node.directory / "hub.toml"))
        if code != 0:
            raise StepFailed(f"hub verify of {state.upper()} ended with {code}: {output[-400:]}")
        answers.append(output.strip().splitlines()[-1])
    return "; ".join(answers)
