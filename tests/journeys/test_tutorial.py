"""The tutorial's own commands, run in its order by the people it names."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

from hub.cli.demo import nodes
from hub.cli.demo.scene import Scene
from tests.house.tree import ROOT
from tests.journeys.conftest import hub

PAGE = (ROOT / "docs" / "tutorial" / "first-bulletin.md").read_text(encoding="utf-8")
COMMANDS = [shlex.split(line)[1:] for line in re.findall(r"^\.venv/bin/hub .*$", PAGE, re.MULTILINE)]
WHO = ("analyst", "analyst", "analyst", "supervisor", "supervisor", "supervisor", "supervisor", "supervisor")


async def test_who_follows_the_tutorial_sees_what_it_says(scene: Scene, demo: Path, tmp_path: Path):
    file = tmp_path / "prank-calls.toml"
    file.write_text(re.search(r"```toml\n(.*?)```", PAGE, re.DOTALL)[1])
    assert COMMANDS[0] == ["demo"], "the demo runs already; everything after it is run here"
    ids: dict[str, str] = {"prank-calls.toml": str(file)}
    said = []
    for who, command in zip(WHO, COMMANDS[1:], strict=True):
        node = scene.network.nodes["tx"]
        words = [ids.get(word, word) for word in command]
        words += ["--data", str(demo)] if words[0] == "demo" else []
        done = hub(*words, HUB_URL=node.url, HUB_TOKEN=node.tokens[who])
        assert done.returncode == (1 if (who, command[1]) == ("analyst", "approve") else 0), (command, done)
        said.append(done.stdout)
        if command[0] == "post":
            ids["ID"] = re.search(r"Draft (\S+) ", done.stdout)[1]
        if command[1] == "publish":
            ids["PRODUCT_ID"] = done.stdout.partition(":")[0]
            await scene.until_shown("oh", "Prank calls ask front offices for class lists")
    scene.network.nodes.update(nodes.load(demo))
    await scene.until_shown("oh", "WITHDRAWN:", "Prank calls")
    assert not [
        title for title in await scene.visitor.titles("va", "rss") if "Prank" in title and "WITHDRAWN" not in title
    ]
    assert re.fullmatch(r"TX-EX-\d{4}-\d{4}", ids["PRODUCT_ID"])
