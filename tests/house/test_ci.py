""".ci/run and README say the same: the same installation, the same test command."""

from __future__ import annotations

import os
import re
import subprocess

from tests.house.tree import ROOT

RUN = ROOT / ".ci" / "run"


def commands(text: str, venv: str) -> set[str]:
    """The pip and pytest commands of a text, without the place of the venv."""
    parts = [part.strip() for line in text.splitlines() for part in line.split("&&")]
    plain = [part.replace(venv, "").strip().replace('"', "") for part in parts if part.startswith(venv)]
    return {" ".join(each.split()) for each in plain if re.match(r"pip install|python -m pytest", each)}


def readme() -> set[str]:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    fenced = re.findall(r"^```\w*\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    return commands("\n".join(fenced).replace("\\\n", " "), ".venv/bin/")


def run() -> set[str]:
    text = RUN.read_text(encoding="utf-8")
    return commands(re.sub(r'^\s*phase "[^"]*" ', "", text, flags=re.MULTILINE), '"$venv"/bin/')


def test_the_readme_installs_and_tests_as_ci_does() -> None:
    runtime = "pip install --require-hashes -r requirements.lock"
    assert readme() - {runtime} == {
        "pip install --require-hashes -r requirements-dev.lock",
        "pip install --no-deps --no-build-isolation -e .",
        "python -m pytest",
    }
    assert readme() - {runtime} <= run()
    assert runtime in readme()


def test_ci_is_strict_and_can_be_run() -> None:
    text = RUN.read_text(encoding="utf-8")
    assert text.startswith("#!/usr/bin/env bash\n")
    assert "\nset -euo pipefail\n" in text
    assert os.access(RUN, os.X_OK)
    assert subprocess.run(["bash", "-n", str(RUN)], check=False, timeout=10).returncode == 0


def test_ci_runs_every_check() -> None:
    text = RUN.read_text(encoding="utf-8")
    checks = ["ruff check", "ruff format --check", "mypy schemas connectors hub", "-m slow", "-m browser"]
    assert [check for check in checks if check not in text] == []
