"""Two processes, one directory: the second is told who holds it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from hub.errors import StoreError
from hub.store.lock import NodeLock
from tests.house.tree import ROOT

_HOLDS = """
import sys
from pathlib import Path
from hub.store.lock import NodeLock

with NodeLock(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


def holder(folder: Path) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", _HOLDS, str(folder)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def test_the_second_process_is_told_who_holds_it(tmp_path: Path) -> None:
    with holder(tmp_path) as process:
        with pytest.raises(StoreError, match=rf"process {process.pid}, since 20") as refused:
            NodeLock(tmp_path).acquire()
        assert refused.value.code == "locked"
        process.communicate()
    with NodeLock(tmp_path):
        assert f"pid {os.getpid()} " in (tmp_path / "lock").read_text()


def test_a_killed_process_leaves_no_lock_behind(tmp_path: Path) -> None:
    with holder(tmp_path) as process:
        process.send_signal(signal.SIGKILL)
        process.wait(10)
    with NodeLock(tmp_path):
        pass


def test_a_child_does_not_keep_the_lock(tmp_path: Path) -> None:
    with NodeLock(tmp_path):
        child = subprocess.Popen(["sleep", "60"], close_fds=False)
    with child:
        with NodeLock(tmp_path):
            pass
        child.kill()


def test_the_same_process_cannot_have_it_twice(tmp_path: Path) -> None:
    lock = NodeLock(tmp_path)
    with lock:
        with pytest.raises(StoreError, match=f"process {os.getpid()}"):
            NodeLock(tmp_path).acquire()
        with pytest.raises(RuntimeError):
            lock.acquire()
    lock.release()
    assert (tmp_path / "lock").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "lock").read_text() == ""


def test_there_is_no_such_directory(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="cannot be made"):
        NodeLock(tmp_path / "none").acquire()
