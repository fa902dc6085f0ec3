"""`hub demo --check`: the main job once, a line a step."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Awaitable, Callable

import aiohttp

from hub.cli.demo import steps_desk, steps_peers
from hub.cli.demo.network import Network
from hub.cli.demo.scene import Scene
from hub.cli.demo.visitor import Visitor
from hub.errors import HubError

Step = Callable[[Scene], Awaitable[str]]

STEPS: tuple[tuple[str, Step], ...] = (
    ("advisory waits in the queue", steps_desk.advisory_arrives),
    ("an import publishes nothing by itself", steps_desk.nothing_by_itself),
    ("the analyst adopts it", steps_desk.adopted),
    ("the author is refused as approver", steps_desk.author_refused),
    ("another person approves", steps_desk.approved),
    ("another person releases", steps_desk.released),
    ("the peer shows it in every form", steps_desk.in_every_form),
    ("AMBER reaches one peer only", steps_peers.amber_to_one),
    ("an update re-surfaces", steps_peers.update_resurfaces),
    ("a withdrawal reaches a peer that was away", steps_peers.withdrawn_while_away),
    ("kill -9 of the hub loses nothing", steps_peers.hub_killed),
    ("kill -9 of the nats-server loses nothing", steps_peers.broker_killed),
    ("hub verify finds every journal whole", steps_peers.verified),
)


@dataclasses.dataclass(frozen=True, slots=True)
class Outcome:
    """One step's line: name, whether it held, milliseconds taken, what was seen."""

    step: str
    ok: bool
    ms: int
    detail: str


async def rehearse(network: Network, tell: Callable[[Outcome], None]) -> bool:
    """Bring the network up, run every step once and stop at the first that fails. True when all held."""
    began = time.monotonic()
    await network.up()
    tell(
        Outcome(
            "nodes are up", ok=True, ms=_since(began), detail=", ".join(node.url for node in network.nodes.values())
        )
    )
    home, near, far = list(network.nodes)[:3]
    timeout = aiohttp.ClientTimeout(total=30)
    async with aiohttp.ClientSession(timeout=timeout) as session:
        scene = Scene(network, Visitor(session, network.nodes), home, near, far)
        for name, step in STEPS:
            outcome = await _run(name, step, scene)
            tell(outcome)
            if not outcome.ok:
                return False
    return True


async def _run(name: str, step: Step, scene: Scene) -> Outcome:
    began = time.monotonic()
    try:
        detail = await step(scene)
    except (HubError, aiohttp.ClientError, TimeoutError, KeyError, LookupError) as error:
        return Outcome(name, ok=False, ms=_since(began), detail=f"{type(error).__name__}: {error}")
    return Outcome(name, ok=True, ms=_since(began), detail=detail)


def _since(began: float) -> int:
    return round((time.monotonic() - began) * 1000)
