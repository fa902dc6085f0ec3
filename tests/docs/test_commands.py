"""Every command in README and docs/ is run as it stands, against a real node, or stands here with the reason why not."""

from __future__ import annotations

import datetime as dt
import os
import re
import shutil
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from hub.cli.client import Client
from hub.cli.founding import Founding, found
from schemas import register
from tests.cli.nodes import founded, run
from tests.house.tree import ROOT

pytestmark = pytest.mark.xdist_group("journeys")

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
_BLOCK = re.compile(r"^( *)```sh\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)
_FILE = re.compile(r"`([\w.-]+)`[^`\n]*:\n\n```(?:toml|json)\n(.*?)```", re.DOTALL)

_RESTORE = "docs/how-to/operator/backup-and-restore.md"

# What no test can run: where it stands, how it begins, and why. Each row has to fit something.
NOT_RUN: tuple[tuple[str, str, str], ...] = (
    (
        "README.md",
        "python3 -m venv",
        ".ci/run makes such an environment; hub demo --check runs in tests/journeys/test_demo.py",
    ),
    ("docs/tutorial/", "", "tests/journeys/test_tutorial.py follows this page as its people"),
    ("docs/how-to/", "sudo", "changes the machine; the units and the site are judged in tests/deploy/"),
    ("docs/how-to/", "hub run", "runs until it is told to stop; the node that these pages talk to was started with it"),
    ("docs/how-to/", "journalctl", "needs systemd"),
    (_RESTORE, "hub restore override", "needs a held node: tests/journeys/test_restore.py"),
    (_RESTORE, "hub restore take", "needs a held node: tests/journeys/test_restore.py"),
    (_RESTORE, "hub peer offer", "needs a restored peer: tests/journeys/test_restore.py"),
)
# These want a stopped node; the others talk to the running one.
STOPPED = ("hub verify", "hub db")
NODE = "/var/lib/school-safety-hub/node"
PRELUDE = """
set -eo pipefail
hub() { "$PYTHON" -m hub "$@" | tee -a "$SAID"; }
draft() { sed -nE 's/^Draft ([^ ]+) .*/\\1/p' "$SAID" | tail -1; }
"""


def name(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def lines(page: Path) -> list[str]:
    """Every line of every sh block of a page."""
    blocks = [textwrap.dedent(body) for _, body in _BLOCK.findall(page.read_text(encoding="utf-8"))]
    return [line for block in blocks for line in block.splitlines() if line.strip() and not line.startswith("#")]


def reason(page: Path, line: str) -> str | None:
    """Why this line is not run here; None when it is."""
    fits = (why for where, begins, why in NOT_RUN if name(page).startswith(where) and line.strip().startswith(begins))
    return next(fits, None)


def to_run(page: Path) -> list[str]:
    return [line for line in lines(page) if reason(page, line) is None]


class World(NamedTuple):
    """A running node, a stopped copy of it, a folder with the people's tokens, and where backups go."""

    url: str
    running: Path
    stopped: Path
    folder: Path


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    place = tmp_path_factory.mktemp("docs")
    running = founded(place / "node")
    stopped = Path(shutil.copytree(running, place / "stopped"))
    folder = place / "here"
    folder.mkdir()
    for token in running.glob("*.token"):
        shutil.copy(token, folder)
    entry = found(place / "ok", Founding(state="OK", exercise=True), dt.datetime.now(dt.UTC))
    (folder / "oklahoma.json").write_bytes(register.encode_entry(entry))
    with run(running) as url:
        yield World(url, running, stopped, folder)


def bound(page: Path, line: str, world: World, ids: dict[str, str], tmp_path: Path) -> str:
    """The line with this world's addresses, folders and ids in place of the page's."""
    node = world.stopped if line.startswith(STOPPED) else world.running
    node = tmp_path / "new" if page.name == "install-and-run.md" else node
    for old, new in (
        (NODE, str(node)), ("/var/lib/school-safety-hub/restored", str(tmp_path / "restored")),
        ("/var/backups/school-safety-hub", str(tmp_path / "backups")), ("https://hub.example.org", world.url),
        ("http://127.0.0.1:8100", world.url), *ids.items(),
    ):  # fmt: skip
        line = line.replace(old, new)
    return line


def submitted(world: World) -> str:
    """The id of a draft that waits for a second person."""
    client = Client(world.url, (world.running / "analyst.token").read_text().strip())
    expires = (dt.datetime.now(dt.UTC) + dt.timedelta(days=7)).isoformat()
    body = {
        "headline": "Ice on the roads of two counties", "text": "Buses run an hour late.", "topic": "weather",
        "severity": "moderate", "urgency": "expected", "certainty": "likely", "tlp": "clear", "audience": "all",
        "actions": [{"role": "front-office", "text": "Tell the parents."}], "expires": expires,
    }  # fmt: skip
    made = client.post("/api/v1/bulletins", json=body)
    client.post(f"/api/v1/bulletins/{made['id']}/submit", json={"version": made["version"]})
    return str(made["id"])


def released(world: World) -> str:
    """The number of a bulletin that is out."""
    client, which = Client(world.url, (world.running / "supervisor.token").read_text().strip()), submitted(world)
    for verb in ("approve", "publish"):
        seen = client.get(f"/api/v1/bulletins/{which}")["version"]
        done = client.post(f"/api/v1/bulletins/{which}/{verb}", json={"version": seen})
    return str(done["product_id"])


def ids_of(page: Path, world: World) -> dict[str, str]:
    """What the page's capital words stand for; who writes on the page finds the id in what the commands said."""
    text = "\n".join(to_run(page))
    ids = {}
    if "DRAFT_ID" in text:
        ids["DRAFT_ID"] = '"$(draft)"' if "hub post" in text else submitted(world)
    if "PRODUCT_ID" in text:
        ids["PRODUCT_ID"] = released(world)
    return ids


# Making a peer that is not there leaves a mark on the node that `hub doctor` rightly calls bad: it comes last.
RUN = sorted((page for page in PAGES if to_run(page)), key=lambda page: page.stem == "peer-with-a-state")


@pytest.mark.parametrize("page", RUN, ids=lambda page: page.stem)
def test_the_commands_of_a_page_do_what_it_says(page: Path, world: World, tmp_path: Path):
    if any(line.startswith("curl") for line in to_run(page)) and shutil.which("curl") is None:
        pytest.skip("curl is not on this machine: the commands of this page are NOT run here")
    for file, body in _FILE.findall(page.read_text(encoding="utf-8")):
        (world.folder / file).write_text(body)
    ids = ids_of(page, world)
    script = "\n".join(bound(page, line, world, ids, tmp_path) for line in to_run(page))
    clean = {key: value for key, value in os.environ.items() if not key.startswith("HUB_")}
    done = subprocess.run(
        ["bash", "-c", PRELUDE + script], cwd=world.folder, capture_output=True, text=True, timeout=100, check=False,
        env=clean | {"PYTHON": sys.executable, "SAID": str(tmp_path / "said"), "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert done.returncode == 0, f"{script}\n{done.stdout}\n{done.stderr}"


def test_every_reason_not_to_run_something_fits_something():
    for where, begins, _ in NOT_RUN:
        fits = [
            line for page in PAGES if name(page).startswith(where) for line in lines(page) if line.startswith(begins)
        ]
        assert fits, (where, begins)


def test_no_command_hides_in_a_block_that_is_not_run():
    other = re.compile(r"^ *```(?!sh$)(\w*)\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
    hidden = [
        (name(page), line)
        for page in PAGES
        if "reference" not in page.parts
        for _, body in other.findall(re.sub(_BLOCK, "", page.read_text(encoding="utf-8")))
        for line in body.splitlines()
        if re.match(r" *(\S*bin/)?hub [a-z]", line)
    ]
    assert hidden == []


def known_commands() -> set[str]:
    text = (ROOT / "docs" / "reference" / "cli.md").read_text(encoding="utf-8")
    return set(re.findall(r"^#+ (hub [a-z -]+)$", text, re.MULTILINE))


def test_every_command_that_a_sentence_names_is_there():
    known = known_commands()
    unknown = [
        (name(page), words)
        for page in PAGES
        for words in re.findall(r"`(hub (?:[a-z][a-z-]*)(?: [a-z][a-z-]*)?)[^`]*`", page.read_text(encoding="utf-8"))
        if words not in known and words.rpartition(" ")[0] not in known
    ]
    assert unknown == []


def test_every_link_leads_somewhere():
    broken = [
        (name(page), target)
        for page in PAGES
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8"))
        if not (page.parent / target).exists()
    ]
    assert broken == []


def test_every_page_can_be_found_from_the_first():
    text = (ROOT / "docs" / "README.md").read_text(encoding="utf-8")
    listed = {(ROOT / "docs" / target).resolve() for target in re.findall(r"\]\(([^)#:]+)\)", text)}
    assert [name(page) for page in PAGES[1:] if page.resolve() not in listed and page.name != "README.md"] == []
