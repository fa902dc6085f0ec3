"""The repository as files: where it is, which modules it has, which of its files are text."""

from __future__ import annotations

import ast
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("schemas", "connectors", "hub")


def modules(*rooms: str) -> list[Path]:
    found = sorted(path for room in rooms for path in (ROOT / room).rglob("*.py"))
    assert found, rooms
    return found


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), name(path))


def texts() -> dict[str, str]:
    """Every text file that a commit of this tree would hold; vendored files are others' words."""
    if not (ROOT / ".git").exists():
        pytest.skip("not a git work tree: which files belong to it is not known")
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=True,
        timeout=60,
    )
    names = [name for name in listed.stdout.decode().split("\0") if name and "/vendor/" not in name]
    return {name: text for name in names if (text := text_of(ROOT / name)) is not None}


def text_of(path: Path) -> str | None:
    if not path.is_file():
        return None
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return None
