"""What a source asks its readers to do, taken from its own fields: KEV `requiredAction`, NWS and CAP `instruction`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

import msgspec

from schemas import cap
from schemas.bulletin import Advisory, RoleAction

ACTION: Final = 2_000
_SPACE: Final = re.compile(r"\s+")
_READ_IT: Final = RoleAction("principal", "Read the original advisory and decide what it means for your school.")
_ARCHIVED: Final = "originalMessage"  # OpenFEMA's archive of IPAWS: the whole CAP message in one member


def actions(advisory: Advisory) -> tuple[RoleAction, ...]:
    """What the source asks for, by role; where it asks nothing in a field of its own, to read the original."""
    said = _document(advisory.original)
    required = one_line(_text(said, "requiredAction"), ACTION)
    if required:
        return (RoleAction("it-staff", required),)
    instruction = one_line(next(_instructions(advisory.original, said), ""), ACTION)
    return (RoleAction("principal", instruction),) if instruction else (_READ_IT,)


def one_line(text: str, most: int) -> str:
    """The text as one line of at most so many characters."""
    line = _SPACE.sub(" ", text).strip()
    return line if len(line) <= most else line[: most - 1].rstrip() + "…"


def _instructions(original: str, said: dict[str, Any]) -> Iterator[str]:
    """The instructions that are not empty, first those of the first language."""
    properties = said.get("properties")
    if isinstance(properties, dict) and (text := _text(properties, "instruction")).strip():
        yield text
    message = _text(said, _ARCHIVED) or original
    if not message.lstrip().startswith("<"):
        return
    try:
        alert = cap.read(message.encode())
    except (cap.CapError, ValueError):
        return  # its source's parser said what it says already; the analyst reads the original
    yield from (info.instruction for info in alert.infos if info.instruction and info.instruction.strip())


def _document(original: str) -> dict[str, Any]:
    if not original.lstrip().startswith("{"):
        return {}
    try:
        item = msgspec.json.decode(original)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return {}
    return item if isinstance(item, dict) else {}


def _text(said: dict[str, Any], name: str) -> str:
    value = said.get(name)
    return value if isinstance(value, str) else ""
