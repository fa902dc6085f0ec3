"""Who holds the node's lock and its ports, read from /proc: asking the kernel disturbs nobody, trying to bind would."""

from __future__ import annotations

import contextlib
import json
import os
import re
from collections.abc import Iterator
from pathlib import Path

from hub.cli.doctor.finding import Finding, Ground, bad, good

_PROC = Path("/proc")
_LOCKED = re.compile(r"^\d+: FLOCK +ADVISORY +WRITE (?P<pid>\d+) [0-9a-f]+:[0-9a-f]+:(?P<inode>\d+) ", re.MULTILINE)
_LISTENS = "0A"  # TCP_LISTEN, include/net/tcp_states.h


def holder(directory: Path) -> int | None:
    """The process that holds the node's lock, or None."""
    try:
        inode = (directory / "lock").stat().st_ino
        locks = (_PROC / "locks").read_text(encoding="ascii")
    except OSError:
        return None
    return next((int(each["pid"]) for each in _LOCKED.finditer(locks) if int(each["inode"]) == inode), None)


def ports(ground: Ground) -> Iterator[Finding]:
    """The two ports are free while the node is stopped, and its own while it runs."""
    yield _port(ground, "web.port", ground.settings.web.port)
    nats = ground.settings.nats.port or _kept(ground.directory / "nats" / "ports.json")
    if nats:
        yield _port(ground, "nats.port", nats)
    else:
        yield good("ports", "nats.port is chosen at the first start and kept")


def _port(ground: Ground, setting: str, port: int) -> Finding:
    inodes = _listeners(port)
    if not inodes:
        if ground.pid is not None and setting == "web.port":
            fix = "See the node's log: it may be starting, or it was started with --only."
            return bad("ports", f"nothing listens on {setting} {port}, though process {ground.pid} runs the node", fix)
        return good("ports", f"{setting} {port} is free")
    pid = _owner(inodes)
    if pid is None:
        who = "a process of another account"
    elif ground.pid is not None and ground.pid in {pid, _parent(pid)}:
        return good("ports", f"{setting} {port} is held by this node (process {pid})")
    else:
        who = f"process {pid} ({_name(pid)})"
    return bad("ports", f"{setting} {port} is held by {who}, which is not this node", f"End it, or change {setting}.")


def _kept(record: Path) -> int:
    try:
        return int(json.loads(record.read_bytes())["client"])
    except (OSError, ValueError, KeyError, TypeError):
        return 0


def _listeners(port: int) -> set[str]:
    """Inodes of the sockets that listen on a port, on any address of this machine."""
    found = set()
    for table in ("tcp", "tcp6"):
        with contextlib.suppress(OSError):
            for line in (_PROC / "net" / table).read_text(encoding="ascii").splitlines()[1:]:
                fields = line.split()
                if fields[3] == _LISTENS and int(fields[1].rpartition(":")[2], 16) == port:
                    found.add(fields[9])
    return found


def _owner(inodes: set[str]) -> int | None:
    """The process that has one of these sockets; None when it is not ours to see."""
    wanted = {f"socket:[{inode}]" for inode in inodes}
    for folder in sorted(_PROC.glob("[0-9]*/fd")):
        with contextlib.suppress(OSError):
            for link in folder.iterdir():
                with contextlib.suppress(OSError):
                    if str(link.readlink()) in wanted:
                        return int(folder.parent.name)
    return None


def _parent(pid: int) -> int:
    with contextlib.suppress(OSError, ValueError, IndexError):
        return int((_PROC / str(pid) / "stat").read_text(encoding="utf-8").rpartition(")")[2].split()[1])
    return 0


def _name(pid: int) -> str:
    with contextlib.suppress(OSError):
        return os.fsdecode((_PROC / str(pid) / "comm").read_bytes()).strip()
    return "its name is not to be seen"
