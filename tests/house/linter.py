"""Runs import-linter over a tree, in a process of its own, and reads its verdicts."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

from tests.house.tree import ROOT

COMMAND = "from importlinter.cli import lint_imports_command as run; run()"
VERDICT = re.compile(r"^(?P<name>\S.*?) ?(?P<verdict>KEPT|BROKEN)\b", re.MULTILINE)


def contracts() -> dict[str, str]:
    """Id and name of every contract in pyproject.toml."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    return {each["id"]: each["name"] for each in settings["tool"]["importlinter"]["contracts"]}


def lint(tree: Path, *only: str) -> tuple[int, dict[str, str], str]:
    """Exit code, verdict of each contract by name, and all that was printed."""
    chosen = [argument for each in only for argument in ("--contract", each)]
    ran = subprocess.run(
        [sys.executable, "-c", COMMAND, "--no-cache", "--no-logo", *chosen],
        cwd=tree,
        env={**os.environ, "COLUMNS": "200", "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    said = ran.stdout + ran.stderr
    return ran.returncode, {m["name"]: m["verdict"] for m in VERDICT.finditer(said)}, said
