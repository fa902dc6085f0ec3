"""What changed between two texts, word by word."""

from __future__ import annotations

import dataclasses
import difflib
import re
from typing import Literal

Kind = Literal["same", "gone", "new"]
# Beyond this a comparison could take minutes; the whole old text is then shown before the whole new one.
_MOST_WORDS = 5_000
_WORDS = re.compile(r"\s+|\w+|[^\w\s]")


@dataclasses.dataclass(frozen=True, slots=True)
class Run:
    """Some words that stayed, went or came."""

    kind: Kind
    text: str


def words(before: str, after: str) -> tuple[Run, ...]:
    """The runs that make `before` (same and gone) and `after` (same and new), in order."""
    if before == after:
        return (Run("same", after),) if after else ()
    old, new = _WORDS.findall(before), _WORDS.findall(after)
    if max(len(old), len(new)) > _MOST_WORDS:
        return tuple(run for run in (Run("gone", before), Run("new", after)) if run.text)
    made: list[Run] = []
    for tag, i1, i2, j1, j2 in difflib.SequenceMatcher(None, old, new).get_opcodes():
        if tag == "equal":
            made.append(Run("same", "".join(old[i1:i2])))
            continue
        runs = (Run("gone", "".join(old[i1:i2])), Run("new", "".join(new[j1:j2])))
        made.extend(run for run in runs if run.text)
    return tuple(made)
