"""A child process that cannot outlive the hub, and the record by which the next hub finds one that did.

The kernel sends the death signal when the thread that forked the child ends, so the loop that calls `spawn` must live on
the main thread. The signal is asked for by a few lines that then become the server (prctl(2) PR_SET_PDEATHSIG, kept across
exec): code between fork and exec of a process with threads would not be safe.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import json
import os
import signal
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Final

_TIED: Final = """
import ctypes, os, signal, sys
if ctypes.CDLL(None).prctl(1, signal.SIGTERM, 0, 0, 0) != 0 or os.getppid() != int(sys.argv[1]):
    sys.exit("the process that started this one is gone")
os.execv(sys.argv[2], sys.argv[2:])
"""
_PATIENCE: Final = 5.0


@dataclasses.dataclass(frozen=True, slots=True)
class Living:
    """One process, told from a later one with the same number by when it started (clock ticks since boot, proc(5))."""

    pid: int
    started: int

    @classmethod
    def of(cls, pid: int) -> Living | None:
        """The living process with this number, if there is one; a zombie is none."""
        try:
            fields = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
        except OSError:
            return None
        return None if fields[0] in (b"Z", b"X") else cls(pid, int(fields[19]))

    @property
    def alive(self) -> bool:
        """Whether it runs still: this process, not another one that was given its number."""
        return Living.of(self.pid) == self

    def save(self, path: Path) -> None:
        """Record the process, whole or not at all."""
        part = path.with_suffix(".part")
        part.write_text(json.dumps(dataclasses.asdict(self)), encoding="ascii")
        part.replace(path)

    @classmethod
    def load(cls, path: Path) -> Living | None:
        """The recorded process if it still lives; None without a readable record."""
        try:
            found = cls(**json.loads(path.read_text(encoding="ascii")))
        except (OSError, ValueError, TypeError):
            return None
        return found if found.alive else None

    async def end(self) -> None:
        """SIGTERM, and SIGKILL after five seconds; returns when the process is gone."""
        for sent in (signal.SIGTERM, signal.SIGKILL):
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, sent)
            if await gone(self):
                return


async def spawn(command: Sequence[str | Path], *, errors: IO[bytes], keep: int) -> asyncio.subprocess.Process:
    """Start `command` (an absolute path first) tied to this process. It holds on to the descriptor `keep`.

    RuntimeError on another thread than the main one; OSError when the program cannot be started.
    """
    if threading.current_thread() is not threading.main_thread():
        raise RuntimeError("a child is tied to the thread that starts it: start it from the main thread")
    return await asyncio.create_subprocess_exec(
        sys.executable, "-I", "-S", "-c", _TIED, str(os.getpid()), *map(str, command),
        stdin=asyncio.subprocess.DEVNULL, stdout=errors, stderr=errors, pass_fds=(keep,), env=_environment(),
        start_new_session=True,  # Ctrl-C in a terminal goes to the hub, which ends its child in order
    )  # fmt: skip


async def gone(process: Living) -> bool:
    """Whether the process ended within five seconds."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_PATIENCE):
            while process.alive:  # noqa: ASYNC110 - the kernel tells nobody but the parent
                await asyncio.sleep(0.02)
            return True
    return False


def _environment() -> dict[str, str]:
    """What the child may know: our settings and secrets are not its business."""
    return {name: value for name, value in os.environ.items() if not name.startswith("HUB_")}
