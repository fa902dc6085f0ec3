"""What a node acknowledged, in a file of the writer's own that is on disk before the writer goes on."""

from __future__ import annotations

import os
from pathlib import Path
from types import TracebackType
from typing import Self


class Promises:
    """A line an acknowledgement, fsynced; `kept` reads the file again, and not what memory says of it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def keep(self, line: str) -> None:
        """On disk when this comes back."""
        os.write(self._file, line.encode() + b"\n")
        os.fsync(self._file)

    def kept(self) -> list[str]:
        """Every whole line: the last may have been cut off by the end of its writer."""
        return self.path.read_text(encoding="utf-8").rpartition("\n")[0].splitlines()

    def close(self) -> None:
        """What was kept stays."""
        os.close(self._file)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
