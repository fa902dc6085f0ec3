"""How commands report: one JSON document with --json, words and tables without."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from typing import Annotated, Any

import cyclopts
from rich.console import Console
from rich.table import Table

AsJson = Annotated[bool, cyclopts.Parameter(name="--json", negative="", help="Report as JSON on one line.")]
Url = Annotated[str | None, cyclopts.Parameter(name="--url", help="Address of the running node (or HUB_URL).")]


def json_line(value: object) -> None:
    """Write one value as one line of JSON."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False, default=str) + "\n")
    sys.stdout.flush()


def say(text: str) -> None:
    """Write one line of words."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def table(columns: Sequence[str], rows: Iterable[Sequence[Any]], empty: str) -> None:
    """Print rows under their columns, or the sentence `empty` when there are none."""
    made = Table(*columns, box=None, header_style="bold", pad_edge=False)
    count = 0
    for row in rows:
        made.add_row(*("" if cell is None else str(cell) for cell in row))
        count += 1
    Console().print(made if count else empty, markup=False)
