"""The README's first command, and what an operator does with a running demo."""

from __future__ import annotations

import json
from pathlib import Path

from hub.cli.demo import nodes
from hub.cli.demo.check import STEPS
from hub.cli.demo.scene import Scene, unlike
from tests.journeys.conftest import hub


def test_the_check_runs_the_main_job_and_says_each_step():
    done = hub("demo", "--check", "--json")
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert [line["step"] for line in lines] == ["nodes are up", *(name for name, _ in STEPS)], done.stdout + done.stderr
    assert all(line["ok"] and line["detail"] for line in lines)
    assert done.returncode == 0


def test_the_check_needs_three_states():
    done = hub("demo", "--check", "--states", "tx,oh")
    assert done.returncode == 1
    assert "3 to 6" in done.stderr


def test_an_unknown_state_is_named():
    done = hub("demo", "--states", "tx,zz")
    assert done.returncode == 1
    assert "zz" in done.stderr


def test_a_second_demo_does_not_erase_a_running_one(demo: Path):
    done = hub("demo", "--data", str(demo))
    assert done.returncode == 1
    assert "running" in done.stderr
    assert all(nodes.alive(node) for node in nodes.load(demo).values())


def test_a_folder_that_is_no_demo_is_left_alone(tmp_path: Path):
    (tmp_path / "thesis.txt").write_text("mine")
    done = hub("demo", "--data", str(tmp_path))
    assert done.returncode == 1
    assert (tmp_path / "thesis.txt").read_text() == "mine"


async def test_a_node_that_was_stopped_catches_up(demo: Path, scene: Scene):
    assert hub("demo", "stop", "va", "--data", str(demo)).returncode == 0
    headline = unlike("Released while Virginia was away:")
    await scene.publish(headline)
    assert hub("demo", "start", "va", "--data", str(demo)).returncode == 0
    scene.network.nodes.update(nodes.load(demo))
    await scene.until_shown("va", headline)


async def test_the_made_up_bulletins_say_exercise(scene: Scene):
    for state in ("tx", "oh", "va"):
        titles = await scene.visitor.titles(state, "rss")
        assert titles
        assert all("EXERCISE: " in title for title in titles)
