"""The benches' own machinery: what is judged, what is told when something fails, and one bench at a tiny scale."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.bench import rerender
from tests.bench.__main__ import NAMES, table, taken
from tests.bench.figure import measured

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(
    ("value", "yardstick", "goal", "met"),
    [
        (5.0, 10.0, "<= 0.5x", True),
        (5.1, 10.0, "<= 0.5x", False),
        (5.0, None, "<= 0.5x", None),
        (96.0, None, "<= 96", True),
        (96.1, 10.0, "<= 96", False),
        (4000.0, 8000.0, ">= 4000 and >= 0.4x", True),
        (4000.0, 12000.0, ">= 4000 and >= 0.4x", False),
        (4000.0, None, ">= 4000 and >= 0.4x", None),
        (3000.0, None, ">= 4000 and >= 0.4x", False),
    ],
)
def test_a_figure_is_judged_by_its_goal(value, yardstick, goal, met):
    found = measured("x", value, "/s", goal, yardstick=yardstick)
    assert found.met is met
    assert found.ratio == (None if yardstick is None else value / yardstick)


def test_a_goal_that_cannot_be_read_is_refused():
    with pytest.raises(ValueError, match="is no bound"):
        measured("x", 1.0, "/s", "about 5")


def test_a_bench_that_fails_is_told_and_stops_none_of_the_others():
    told = list(taken(["figure", "no_such_module"]))
    assert [(each.figure, each.met, each.value) for each in told] == [
        ("figure", None, None),
        ("no_such_module", None, None),
    ]
    assert "AttributeError" in told[0].reason
    assert "ModuleNotFoundError" in told[1].reason
    assert len(table(told).splitlines()) == 3


def test_an_unknown_name_lists_those_that_there_are():
    said = subprocess.run(
        [sys.executable, "-m", "tests.bench", "rerendr", "--json"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (said.returncode, said.stdout) == (2, "")
    assert all(name in said.stderr for name in NAMES)


def test_every_bench_in_this_folder_is_listed():
    files = (ROOT / "tests" / "bench").glob("*.py")
    benches = {file.stem for file in files if "\nasync def run(place: Path) -> list[Figure]:" in file.read_text()}
    assert {"feed", "rerender", "rss", "cold_start"} <= benches <= set(NAMES)


async def test_a_quick_bench_measures_a_real_node(tmp_path):
    (found,) = await rerender.measure(tmp_path, items=5, changes=3)
    assert found.figure == "rerender"
    assert found.value > 0
    assert found.ratio == found.value / found.yardstick
    written = json.loads(json.dumps({name: getattr(found, name) for name in found.__struct_fields__}))
    assert list(written) == ["figure", "value", "unit", "yardstick", "ratio", "goal", "met", "reason"]
