"""What must not stand in a log, taken out of the finished line: whatever field, nesting or trace a secret came in, it is text by then.

Loggers are never handed a secret on purpose; this is for the words of libraries and of errors that quote what was sent.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from typing import Any, Final

import structlog

MARK: Final = "[redacted]"

# Our tokens, session cookies and invitations are 32 random bytes in base64url, 43 characters; an nkey seed has 58 of base32.
_LONG: Final = re.compile(r"[A-Za-z0-9_-]{43,}")
# What is as long and no secret: digests in hex, the public half of an nkey.
_PUBLIC: Final = re.compile(r"[0-9a-f]{64}|[0-9a-f]{128}|[AOUNCX][A-Z2-7]{55}")
# Where a secret stands, and how far it goes. None of them takes a quote or a backslash: JSON stays JSON.
_PLACED: Final = (
    re.compile(r"""(?P<before>\b(?:bearer|basic)\s+)[^\s"'\\,;]+""", re.IGNORECASE),  # RFC 6750, RFC 7617
    re.compile(r"""(?P<before>\b(?:set-)?cookie:\s*)[^"'\\\r\n]+""", re.IGNORECASE),
    re.compile(r"""(?P<before>\bhub=)[^\s"'\\,;]+"""),  # the session's cookie
    re.compile(r"""(?P<before>/feeds/t/|/enrol/)[^\s"'\\/?\#]+"""),  # addresses that are secrets themselves
    re.compile(r"""(?P<before>://[^\s/@:"'\\]*:)[^\s/@"'\\]+(?=@)"""),  # the password of an address
)
_NAMES: Final = frozenset({"authorization", "cookie", "password", "secret", "seed", "set-cookie", "token"})


def redacted(text: str) -> str:
    """The text with `MARK` in place of whatever is, or stands where, a secret would be. JSON stays JSON."""
    for placed in _PLACED:
        text = placed.sub(lambda found: found["before"] + MARK, text)
    return _LONG.sub(_unless_public, text)


def _unless_public(found: re.Match[str]) -> str:
    return found[0] if _PUBLIC.fullmatch(found[0]) else MARK


def hide_named(_: Any, __: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    """A structlog processor: what is bound under the name of a secret is not shown, however it looks."""
    return {name: _hidden(name, value) for name, value in event.items()}


def _hidden(name: Any, value: Any) -> Any:
    if isinstance(name, str) and name.lower() in _NAMES:
        return MARK
    if isinstance(value, Mapping):
        return {key: _hidden(key, one) for key, one in value.items()}
    return [_hidden(None, one) for one in value] if isinstance(value, list | tuple) else value


def last_look(_: Any, __: str, line: Any) -> str:
    """A structlog processor, after the one that makes the line."""
    return redacted(line if isinstance(line, str) else str(line))


class RedactedFormatter(logging.Formatter):
    """What the standard library's loggers say, their traces too."""

    def format(self, record: logging.LogRecord) -> str:
        """The finished line, looked at last."""
        return redacted(super().format(record))
