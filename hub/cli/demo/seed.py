"""The made-up bulletins of the demo (`bulletins.toml`), dated relative to now and placed in the state that publishes them."""

from __future__ import annotations

import datetime as dt
import importlib.resources
import tomllib
from typing import Any

from schemas.places import PLACES
from schemas.times import format_time

_DATED = ("expires", "next_update_by")


def bulletins(state: str, peers: list[str], now: dt.datetime) -> list[dict[str, Any]]:
    """What `state` publishes when the demo starts, in the form of POST /api/v1/bulletins."""
    text = (importlib.resources.files(__package__) / "bulletins.toml").read_text(encoding="utf-8")
    neighbour = next((peer for peer in peers if peer != state), None)
    placed = (_placed(row, state, neighbour, now) for row in tomllib.loads(text)["bulletin"])
    return [row for row in placed if row["audience"]]


def _placed(row: dict[str, Any], state: str, neighbour: str | None, now: dt.datetime) -> dict[str, Any]:
    audience = ([neighbour] if neighbour else []) if row["audience"] == "neighbour" else row["audience"]
    dated = {key: format_time(now + dt.timedelta(days=row[key])) for key in _DATED if key in row}
    areas = [{"state": state.upper(), "fips": f"{PLACES[state].fips}000"}]
    return row | dated | {"audience": audience, "areas": areas}
