"""`python -m tests.bench [NAME ...] [--json]`: the figures that DESIGN section 7 asks for, with their yardsticks in the same run.

A bench is a module of this package with `async def run(place: Path) -> list[Figure]`; it may use `place`, an empty folder, and leaves
nothing running. Measure on a quiet machine: other work on its cores moves every figure.
"""

from __future__ import annotations

import argparse
import importlib
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import msgspec
import uvloop

from tests.bench.figure import Figure, unmeasured

NAMES = ("release", "a2b", "catchup", "feed", "rerender", "search", "rss", "cold_start")
_COLUMNS = ("figure", "value", "unit", "yardstick", "ratio", "goal", "met", "reason")
_MET = {True: "yes", False: "NO", None: "?"}


def main(given: Sequence[str] | None = None) -> int:
    """Run the benches named, or all. Exit 0 also when a goal is missed, 2 for a name that is none."""
    asked = _arguments(given)
    unknown = [name for name in asked.names if name not in NAMES]
    if unknown:
        sys.stderr.write(f"There is no bench {', '.join(unknown)}; there are: {' '.join(NAMES)}\n")
        return 2
    figures = taken(asked.names or NAMES)
    if asked.json:
        for figure in figures:
            print(msgspec.json.encode(figure).decode(), flush=True)
    else:
        print(table(figures))
    return 0


def _arguments(given: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.bench",
        description="Measure this node beside its yardsticks. Progress goes to stderr.",
        epilog="The exit status is 0 also when a goal is missed: read `met`. It is 2 for a bench that does not exist.",
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"one of: {' '.join(NAMES)} (default: all)")
    parser.add_argument("--json", action="store_true", help="one JSON object a line instead of a table")
    return parser.parse_args(given)


def taken(names: Iterable[str]) -> Iterator[Figure]:
    """The figures of each bench in turn; one that fails is told and stops none of the others."""
    for name in names:
        began = time.perf_counter()
        sys.stderr.write(f"{name} ...\n")
        yield from one(name)
        sys.stderr.write(f"{name} took {time.perf_counter() - began:.1f} s\n")


def one(name: str) -> list[Figure]:
    """What one bench found, in a folder of its own that is gone afterwards."""
    try:
        bench = importlib.import_module(f"tests.bench.{name}")
        with tempfile.TemporaryDirectory(prefix=f"bench-{name}-") as place:
            return list(uvloop.run(bench.run(Path(place))))
    except Exception as error:  # noqa: BLE001 - one failing bench never stops the rest
        return [unmeasured(name, "", "", f"the bench failed: {type(error).__name__}: {error}")]


def table(figures: Iterable[Figure]) -> str:
    """The figures as lines of columns."""
    rows = [_COLUMNS, *(tuple(_shown(figure, column) for column in _COLUMNS) for figure in figures)]
    widths = [max(len(row[number]) for row in rows) for number in range(len(_COLUMNS))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )


def _shown(figure: Figure, column: str) -> str:
    value = getattr(figure, column)
    if column == "met":
        return _MET[value]
    if isinstance(value, float):
        return f"{value:,.3g}" if abs(value) < 100 else f"{value:,.0f}"
    return "" if value is None else str(value)


if __name__ == "__main__":
    sys.exit(main())
