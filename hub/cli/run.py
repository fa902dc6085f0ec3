"""`hub run`: the node until it is told to stop."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path
from typing import Annotated

import cyclopts
import uvloop

from hub.cli.logs import log_to_stdout
from hub.errors import Invalid
from hub.node import PARTS, Node
from hub.settings import Settings, load
from hub.store.lock import NodeLock

Config = Annotated[Path, cyclopts.Parameter(help="The node's hub.toml.")]


def run(*, config: Config = Path("hub.toml"), only: str = ",".join(PARTS)) -> int:
    """Run the node of this hub.toml: pages and API, its own nats-server and links, and the connectors."""
    settings = load(config)
    chosen = tuple(part.strip() for part in only.split(",") if part.strip())
    unknown = sorted(set(chosen) - set(PARTS))
    if unknown or not chosen:
        raise Invalid(f"--only takes {', '.join(PARTS)}, not {', '.join(unknown) or 'nothing'}.")
    log_to_stdout(settings.log)
    with NodeLock(settings.directory):
        uvloop.run(_until_told(settings, chosen))
    return 0


async def _until_told(settings: Settings, only: tuple[str, ...]) -> None:
    told = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, told.set)
    node = Node(settings)
    await node.start(only)
    try:
        await told.wait()
    finally:
        await node.stop()
