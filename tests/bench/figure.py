"""One measured figure beside its goal and its yardstick of the same run (DESIGN section 7)."""

from __future__ import annotations

import operator
import re

import msgspec

_BOUND = re.compile(r"(<=|>=) ([\d.]+)(x?)")
_HOLDS = {"<=": operator.le, ">=": operator.ge}


class Figure(msgspec.Struct, frozen=True, kw_only=True):
    """What one bench found. `value` and `yardstick` are in `unit`, `ratio` is value / yardstick.

    `met` is None when nothing could be judged, and then `reason` says why.
    """

    figure: str
    value: float | None
    unit: str
    yardstick: float | None
    ratio: float | None
    goal: str
    met: bool | None
    reason: str = ""


def measured(
    figure: str, value: float, unit: str, goal: str, *, yardstick: float | None = None, reason: str = ""
) -> Figure:
    """A figure judged by its goal: bounds joined by " and ", such as ">= 4000 and >= 0.4x"; an x bounds the ratio.

    A bound on the ratio without a yardstick cannot be judged: `reason` says why there is none. Raises ValueError for
    a goal that is not written so.
    """
    ratio = value / yardstick if yardstick else None
    verdicts = [_holds(bound, value, ratio) for bound in goal.split(" and ")]
    met = False if False in verdicts else None if None in verdicts else True
    return Figure(
        figure=figure, value=value, unit=unit, yardstick=yardstick, ratio=ratio, goal=goal, met=met, reason=reason
    )


def unmeasured(figure: str, unit: str, goal: str, reason: str) -> Figure:
    """A figure that could not be taken at all, and why."""
    return Figure(figure=figure, value=None, unit=unit, yardstick=None, ratio=None, goal=goal, met=None, reason=reason)


def _holds(bound: str, value: float, ratio: float | None) -> bool | None:
    found = _BOUND.fullmatch(bound)
    if found is None:
        raise ValueError(f"{bound!r} is no bound; write it as '>= 0.15x' or '<= 96'")
    sign, number, of_ratio = found.groups()
    judged = ratio if of_ratio else value
    return None if judged is None else bool(_HOLDS[sign](judged, float(number)))
