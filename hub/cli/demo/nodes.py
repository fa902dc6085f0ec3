"""The demo's nodes as processes: found on disk, started, watched and ended by recorded pid and start time."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import json
import os
import signal
import socket
import sys
import time
from pathlib import Path
from typing import Any

from hub.errors import HubError, NotFound

RECORD = "demo.json"


@dataclasses.dataclass(slots=True)
class DemoNode:
    """One node of the demo: where it lies, where it answers, who may sign in, and the process that runs it."""

    state: str
    directory: Path
    url: str
    tokens: dict[str, str]
    links: dict[str, str] = dataclasses.field(default_factory=dict)
    nats: str = ""
    pid: int = 0
    started: str = ""

    def facts(self) -> dict[str, Any]:
        """What `hub demo --json` prints of this node."""
        return {
            "url": self.url,
            "nats": self.nats,
            "data": str(self.directory),
            "pid": self.pid,
            "tokens": self.tokens,
            "links": self.links,
        }


def free_port() -> int:
    """A loopback port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def save(data: Path, nodes: dict[str, DemoNode]) -> None:
    """Write the demo's record, so that `hub demo stop|start STATE` finds its nodes from another terminal."""
    rows = {state: dataclasses.asdict(node) | {"directory": str(node.directory)} for state, node in nodes.items()}
    draft = data / f"{RECORD}.new"
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(rows, file, indent=1)
    draft.replace(data / RECORD)


def load(data: Path) -> dict[str, DemoNode]:
    """The demo whose record lies in `data`. Raises NotFound when there is none."""
    try:
        rows = json.loads((data / RECORD).read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise NotFound(f"No demo was started in {data}. Start one with: hub demo --data {data}") from error
    return {state: DemoNode(**(row | {"directory": Path(row["directory"])})) for state, row in rows.items()}


def start_time(pid: int) -> str:
    """The kernel's start time of a process (field 22 of /proc/PID/stat), empty when there is no such process."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
    except OSError:
        return ""
    fields = stat.rpartition(")")[2].split()
    return "" if fields[0] == "Z" else fields[19]


def alive(node: DemoNode) -> bool:
    """Whether the very process that was started is still there: a reused pid has another start time."""
    return bool(node.pid) and bool(node.started) and start_time(node.pid) == node.started


async def start(node: DemoNode, *, log: str = "node.log") -> None:
    """Start `hub run` for this node in a session of its own and note its pid and start time."""
    with (node.directory / log).open("ab") as output:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "hub", "run", "--config", str(node.directory / "hub.toml"),
            stdin=asyncio.subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True,
        )  # fmt: skip
    node.pid, node.started = process.pid, start_time(process.pid)


async def end(node: DemoNode, *, kill: bool = False, within: float = 15.0) -> None:
    """End this node's process: politely first, or at once with `kill`. Raises HubError when it will not go."""
    if alive(node):
        _signal(node.pid, signal.SIGKILL if kill else signal.SIGTERM)
    deadline = time.monotonic() + within
    while alive(node):
        if time.monotonic() > deadline:
            _signal(node.pid, signal.SIGKILL)
            raise HubError(
                f"The {node.state.upper()} node (pid {node.pid}) did not stop within {within:g} s and was killed."
            )
        await asyncio.sleep(0.02)
    node.pid, node.started = 0, ""


def _signal(pid: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)


def brokers_of(node: DemoNode) -> list[int]:
    """The pids of the nats-server processes that this node's hub supervises: its own children, nobody else's."""
    children = Path(f"/proc/{node.pid}/task/{node.pid}/children").read_text(encoding="utf-8").split()
    return [int(pid) for pid in children if "nats-server" in Path(f"/proc/{pid}/comm").read_text(encoding="utf-8")]


async def command(*arguments: str) -> tuple[int, str]:
    """Run one `hub` command as a process of its own. Answers its exit code and what it printed."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "hub", *arguments,
        stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    output, _ = await process.communicate()
    return process.returncode or 0, output.decode(errors="replace")
