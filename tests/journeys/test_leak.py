"""What may not leave is looked for in every byte that anybody else can get: answers, databases, broker stores, logs."""

from __future__ import annotations

import base64
import json
import secrets
from pathlib import Path
from typing import Any

import pytest

from hub.cli.demo.scene import Scene
from hub.cli.demo.visitor import until

STRANGER_PATHS = ("/", "/feeds/bulletins.rss", "/feeds/bulletins.atom", "/feeds/bulletins.json", "/openapi.json",
                  "/.well-known/school-safety-hub.json", "/metrics", "/robots.txt")  # fmt: skip
DESK_PATHS = ("/api/v1/bulletins", "/api/v1/queue", "/api/v1/sources", "/api/v1/peers")


def spellings(canary: str) -> list[bytes]:
    """The canary as it may hide: as it is, and in base64 at each of three offsets."""
    plain = canary.encode()
    encoded = [base64.b64encode(b"x" * shift + plain)[4:-4] for shift in range(3)]
    return [plain, *encoded]


def holding(directory: Path, canary: str) -> list[Path]:
    """The files below `directory` that hold the canary in any spelling."""
    marks = spellings(canary)
    return [file for file in directory.rglob("*") if file.is_file() and any(m in file.read_bytes() for m in marks)]


async def bodies(scene: Scene, state: str, role: str | None, product: str) -> list[str]:
    """Every answer of a node that a reader with this role can ask for, errors included."""
    paths = (*STRANGER_PATHS, *DESK_PATHS, f"/bulletins/{product}", f"/bulletins/{product}.stix.json",
             f"/bulletins/{product}.txt", f"/api/v1/bulletins/{product}")  # fmt: skip
    answers: list[Any] = [await scene.visitor.ask(state, role, "GET", path) for path in paths]
    return [json.dumps(answer, default=str) for answer in answers]


async def test_a_draft_is_nowhere_outside_its_desk(scene: Scene):
    canary = f"canary{secrets.token_hex(8)}"
    draft = await scene.draft(f"Draft {canary}")
    for state, role in (("tx", None), ("oh", "analyst"), ("oh", None), ("va", "director"), ("va", None)):
        assert not [body for body in await bodies(scene, state, role, draft) if canary in body], (state, role)
    assert holding(scene.network.nodes["tx"].directory, canary), "the search has to find it where it is"
    for state in ("oh", "va"):
        assert not holding(scene.network.nodes[state].directory, canary)


@pytest.mark.parametrize("tlp", ["amber", "amber+strict"])
async def test_a_restricted_bulletin_is_only_at_the_desk_it_is_for(scene: Scene, tlp: str):
    canary = f"canary{secrets.token_hex(8)}"
    product = await scene.publish(f"Restricted {canary}", tlp=tlp, audience=["oh"], topic="violence")

    async def arrived() -> bool:
        status, _ = await scene.visitor.ask("oh", "analyst", "GET", f"/api/v1/bulletins/{product}")
        return status == 200

    await until(f"{product} at OH", arrived)
    marker = f"Marker {secrets.token_hex(8)}"
    await scene.publish(marker)
    await scene.until_shown("va", marker)
    for state, role in (("tx", None), ("oh", None), ("va", None), ("va", "analyst"), ("va", "director")):
        assert not [body for body in await bodies(scene, state, role, product) if canary in body], (state, role)
    assert not holding(scene.network.nodes["va"].directory, canary)
    assert product not in "".join(await bodies(scene, "va", None, "TX-EX-2026-0001"))


async def test_red_never_leaves_the_desk(scene: Scene):
    canary = f"canary{secrets.token_hex(8)}"
    draft = await scene.draft(f"Red {canary}", tlp="red", audience=["oh"], topic="violence")
    await scene.visitor.act("tx", "analyst", draft, "submit")
    seen = (await scene.visitor.must("tx", "supervisor", "GET", f"/api/v1/bulletins/{draft}"))["version"]
    for verb in ("approve", "publish"):
        path = f"/api/v1/bulletins/{draft}/{verb}"
        status, answer = await scene.visitor.ask("tx", "director", "POST", path, {"version": seen})
        assert status in {403, 409}, answer
    marker = f"Marker {secrets.token_hex(8)}"
    await scene.publish(marker)
    for state in ("oh", "va"):
        await scene.until_shown(state, marker)
        assert not holding(scene.network.nodes[state].directory, canary)
        for role in (None, "analyst", "director"):
            assert not [body for body in await bodies(scene, state, role, draft) if canary in body], (state, role)
    assert not holding(scene.network.nodes["tx"].directory / "nats", canary)
