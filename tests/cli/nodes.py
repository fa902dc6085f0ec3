"""A real node for the tests of commands: founded on disk, run as a process of its own, ended."""

from __future__ import annotations

import contextlib
import datetime as dt
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from hub.cli.demo.nodes import free_port
from hub.cli.founding import Founding, Seat, found, seat
from hub.rules.authority import Role
from hub.wire.keys import write_secret

NOW = dt.datetime.now(dt.UTC)  # the node that is run later has the machine's clock
ROLES = (Role.OPERATOR, Role.ANALYST, Role.SUPERVISOR, Role.DIRECTOR)


def founded(directory: Path, *, state: str = "TX", exercise: bool = True) -> Path:
    """A stopped node with a person for each role, their tokens in files beside hub.toml."""
    founding = Founding(state=state, exercise=exercise, web_port=free_port(), nats_port=free_port())
    found(directory, founding, NOW)
    seated = seat(directory, [Seat(role.value, f"The {role.value}", role) for role in ROLES], NOW)
    for role, keys in seated.items():
        write_secret(directory / f"{role}.token", keys.token.encode() + b"\n")
    return directory


@contextlib.contextmanager
def run(directory: Path) -> Iterator[str]:
    """Run the node of this folder; its address. What it says goes to `log` there; it has to end well."""
    command = [sys.executable, "-m", "hub", "run", "--config", str(directory / "hub.toml")]
    with (directory / "log").open("wb") as log, subprocess.Popen(command, stdout=log, stderr=log) as process:
        try:
            yield _up(directory, process)
        finally:
            process.terminate()
            ended = process.wait(timeout=20)
        assert ended == 0


def _up(directory: Path, process: subprocess.Popen[bytes]) -> str:
    deadline = time.monotonic() + 30
    while b'"listening"' not in (said := (directory / "log").read_bytes()):
        assert process.poll() is None, said.decode()
        assert time.monotonic() < deadline, "the node did not come up"
        time.sleep(0.05)
    config = (directory / "hub.toml").read_text(encoding="utf-8")
    return config.partition('public_url = "')[2].partition('"')[0]
