"""One process at a time in a node's directory."""

from __future__ import annotations

import errno
import fcntl
import os
import re
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Self

from hub.errors import StoreError

_HOLDER = re.compile(r"pid (\d+) since (\S+)")


class NodeLock:
    """`DIR/lock`, held with flock(2) as long as this object says so or the process lives, whichever ends first.

    The file says who holds it and is never removed: a lock on a removed file keeps nobody out. It stays with this
    process: a child that is executed does not inherit it.
    """

    def __init__(self, directory: Path) -> None:
        self.path = directory / "lock"
        self._file: int | None = None

    def acquire(self) -> None:
        """StoreError when another process holds it (saying which, code "locked") or it cannot be made."""
        if self._file is not None:
            raise RuntimeError("this lock is held already")
        try:
            file = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as exc:
            raise StoreError(f"The lock {self.path} cannot be made: {exc.strerror}.", code="cannot-open") from exc
        try:
            _take(file, self.path)
        except BaseException:
            os.close(file)
            raise
        self._file = file

    def release(self) -> None:
        """Let others in; nothing happens when it is not held."""
        if self._file is not None:
            os.ftruncate(self._file, 0)
            os.close(self._file)
            self._file = None

    def __enter__(self) -> Self:
        self.acquire()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()


def _take(file: int, path: Path) -> None:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as exc:
        if exc.errno not in {errno.EWOULDBLOCK, errno.EACCES}:
            raise StoreError(f"{path} cannot be locked: {exc.strerror}.", code="cannot-lock") from exc
        raise StoreError(f"{path.parent} is in use by {_holder(file)}.", code="locked") from exc
    os.ftruncate(file, 0)
    os.pwrite(file, f"pid {os.getpid()} since {datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}\n".encode(), 0)


def _holder(file: int) -> str:
    """In words; the holder may not have written its name yet."""
    found = _HOLDER.match(os.pread(file, 200, 0).decode(errors="replace"))
    return f"process {found[1]}, since {found[2]}" if found else "another process"
