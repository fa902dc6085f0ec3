"""A disk whose power can be cut: ext4 in a loop image, shut down by the kernel so that nothing unwritten reaches it any more.

EXT4_IOC_SHUTDOWN (linux/fs/ext4/ext4.h; FS_IOC_GOINGDOWN of XFS) with flag 2, "no log flush": from that moment no page and no
log record is written, as when the power goes. What the next mount finds is what fsync had put there, and some of the rest.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import struct
import subprocess
import time
from pathlib import Path
from types import TracebackType
from typing import Self

import pytest

_GOING_DOWN = 2 << 30 | 4 << 16 | ord("X") << 8 | 125  # _IOR('X', 125, __u32)
_NO_LOG_FLUSH = 2
_TOOLS = ("mkfs.ext4", "e2fsck", "mount", "umount", "losetup")
_WITHIN = 20.0


class Disk:
    """An ext4 file system of its own at `at`. Skips the test, saying why, where no such thing can be made."""

    def __init__(self, image: Path, at: Path, megabytes: int = 160) -> None:
        self.at = at
        self._image = image
        self._mounted = False
        if os.geteuid() != 0:
            pytest.skip("a power cut needs root: it mounts a file system of its own and shuts it down")
        lacking = [tool for tool in _TOOLS if shutil.which(tool) is None]
        if lacking:
            pytest.skip(f"a power cut needs {', '.join(lacking)}")
        with image.open("wb") as file:
            file.truncate(megabytes << 20)
        _run("mkfs.ext4", "-q", "-F", str(image))
        at.mkdir()

    def plug_in(self) -> None:
        """Mount it, which replays its log after a cut; e2fsck has looked at it before and found it sound."""
        looked = subprocess.run(["e2fsck", "-p", str(self._image)], capture_output=True, text=True, check=False)
        assert looked.returncode in (0, 1), looked.stdout + looked.stderr
        done = subprocess.run(
            ["mount", "-o", "loop", str(self._image), str(self.at)], capture_output=True, text=True, check=False
        )
        if done.returncode:
            pytest.skip(f"no file system can be mounted here: {done.stderr.strip()}")
        self._mounted = True
        (self.at / "lost+found").rmdir() if (self.at / "lost+found").exists() else None

    def cut(self) -> None:
        """The power goes. Whoever has files open there gets I/O errors from now on."""
        directory = os.open(self.at, os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.ioctl(directory, _GOING_DOWN, struct.pack("I", _NO_LOG_FLUSH))
        finally:
            os.close(directory)

    def unplug(self) -> None:
        """Unmount it, waiting for those who still have files open."""
        deadline = time.monotonic() + _WITHIN
        while self._mounted:
            done = subprocess.run(["umount", str(self.at)], capture_output=True, text=True, check=False)
            self._mounted = done.returncode != 0
            if self._mounted and time.monotonic() > deadline:
                subprocess.run(["umount", "--lazy", str(self.at)], check=False)
                self._mounted = False
                raise AssertionError(f"{self.at} could not be unmounted: {done.stderr.strip()}")
            if self._mounted:
                time.sleep(0.05)

    def __enter__(self) -> Self:
        self.plug_in()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.unplug()


def _run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True, timeout=60)
