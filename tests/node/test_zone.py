"""The node's time zone: its state's unless hub.toml says another, and never one that nobody knows."""

from __future__ import annotations

import zoneinfo
from pathlib import Path

import pytest

from hub.errors import SettingsError
from hub.settings import load
from schemas.places import PLACES


def written(folder: Path, *lines: str) -> Path:
    config = folder / "hub.toml"
    config.write_text("\n".join(lines))
    return config


@pytest.mark.parametrize("place", sorted(PLACES))
def test_every_state_has_a_zone_that_is_there(tmp_path: Path, place: str) -> None:
    zone = load(written(tmp_path, f'state = "{place}"')).local_zone
    assert zoneinfo.ZoneInfo(zone).key == zone
    assert zone != "UTC"


def test_what_hub_toml_says_wins(tmp_path: Path) -> None:
    assert load(written(tmp_path, 'state = "TX"')).local_zone == "America/Chicago"
    assert load(written(tmp_path, 'state = "TX"', 'zone = "America/Denver"')).local_zone == "America/Denver"


@pytest.mark.parametrize(
    ("wrong", "hint"),
    [
        ("America/Chicgo", "did you mean America/Chicago?"),
        ("america/new york", "did you mean America/New_York?"),
        ("../../etc/passwd", "write one such as"),
        ("America", "no time zone"),
        ("x\0y", "no time zone"),
    ],
)
def test_no_such_zone_is_told_with_a_hint(tmp_path: Path, wrong: str, hint: str) -> None:
    config = written(tmp_path, 'state = "TX"', f"zone = {wrong!r}" if "\0" not in wrong else 'zone = "x\\u0000y"')
    with pytest.raises(SettingsError) as refused:
        load(config)
    assert refused.value.message.startswith("zone: ")
    assert hint in refused.value.message
