"""A bulletin's words as a feed carries them: plain text in paragraphs, and the same as clean HTML.

Bulletin text is plain text, never markup: what looks like a tag or like Markdown is shown as it was written.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable

import nh3

from connectors.plain_text import one_line, printable
from schemas.bulletin import RoleAction
from schemas.vocabulary import Tlp

_TAGS = {"p", "br", "ul", "li", "strong"}
_GAP = re.compile(r"\n[ \t]*\n\s*")
_WHAT_TO_DO = "What to do:"


def label(tlp: Tlp) -> str:
    """The marking as FIRST TLP 2.0 spells it: `TLP:AMBER+STRICT`."""
    return f"TLP:{tlp.value.upper()}"


def plain(text: str) -> str:
    """`text` in paragraphs parted by one empty line; lines keep their ends, control characters are gone."""
    return "\n\n".join("\n".join(lines) for lines in _paragraphs(text))


def markup(text: str) -> str:
    """`text` as HTML: a `p` a paragraph, a `br` a line end, everything else escaped."""
    made = "".join(f"<p>{'<br>'.join(map(_escaped, lines))}</p>" for lines in _paragraphs(text))
    return _cleaned(made)


def body_text(text: str, actions: Iterable[RoleAction] = ()) -> str:
    """Text and actions by role, as plain text."""
    listed = [f"- {one_line(action.role)}: {one_line(action.text)}" for action in actions]
    return "\n\n".join(part for part in (plain(text), "\n".join([_WHAT_TO_DO, *listed]) if listed else "") if part)


def body_html(text: str, actions: Iterable[RoleAction] = ()) -> str:
    """Text and actions by role, as clean HTML."""
    listed = [f"<li><strong>{_escaped(one_line(a.role))}:</strong> {_escaped(one_line(a.text))}</li>" for a in actions]
    return markup(text) + (_cleaned(f"<p>{_WHAT_TO_DO}</p><ul>{''.join(listed)}</ul>") if listed else "")


def _paragraphs(text: str) -> list[list[str]]:
    parts = _GAP.split(printable(text).strip())
    return [[line.strip() for line in part.split("\n")] for part in parts if part.strip()]


def _escaped(text: str) -> str:
    return html.escape(text, quote=False)


def _cleaned(markup_made_here: str) -> str:
    """A second wall behind the escaping: nothing but these tags, and no attribute at all, leaves this file."""
    return nh3.clean(markup_made_here, tags=_TAGS, attributes={})
