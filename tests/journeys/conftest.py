"""Real nodes with real nats-servers, started as a person would: by `hub demo`."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import aiohttp
import pytest

from hub.cli.demo import nodes
from hub.cli.demo.network import Network
from hub.cli.demo.scene import Scene
from hub.cli.demo.visitor import Visitor

STATES = ("tx", "oh", "va")


def hub(*arguments: str, timeout: float = 120, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run one command of the hub to its end."""
    return subprocess.run(
        [sys.executable, "-m", "hub", *arguments],
        capture_output=True, text=True, timeout=timeout, env=os.environ | environment, check=False,
    )  # fmt: skip


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The directory of a running demo; it is ended by Ctrl-C and has to end cleanly."""
    data = tmp_path_factory.mktemp("demo") / "nodes"
    command = [sys.executable, "-m", "hub", "demo", "--json", "--states", ",".join(STATES), "--data", str(data)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line, "hub demo ended before it was up"
        assert set(json.loads(line)["nodes"]) == set(STATES)
        yield data
        running = list(nodes.load(data).values())
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=30) == 0
    assert not [node.state for node in running if nodes.alive(node)]


@pytest.fixture
async def scene(demo: Path) -> AsyncIterator[Scene]:
    """The running demo as the check looks at it."""
    network = Network(list(STATES), demo)
    network.nodes = nodes.load(demo)
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=30)) as session:
        yield Scene(network, Visitor(session, network.nodes), *STATES)
