"""Times on the wire: `YYYY-MM-DDThh:mm:ss.mmmZ`, UTC, milliseconds (FORMAT "Message"; STIX 2.1 section 3.3)."""

from __future__ import annotations

import datetime as dt
import re

TIME_PATTERN = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z$"
_TIME = re.compile(TIME_PATTERN.removesuffix("$"), re.ASCII)


def format_time(moment: dt.datetime) -> str:
    """The wire form of an aware datetime, converted to UTC and cut to milliseconds; ValueError when it is naive."""
    return _in_utc(moment).isoformat(timespec="milliseconds")[:23] + "Z"


def parse_time(text: str) -> dt.datetime:
    """The aware UTC datetime that `text` spells; ValueError for any other spelling of a time."""
    if _TIME.fullmatch(text) is None:
        raise ValueError(f"not a time of the form YYYY-MM-DDThh:mm:ss.mmmZ: {text[:40]!r}")
    return dt.datetime.fromisoformat(text)


def truncate_ms(moment: dt.datetime) -> dt.datetime:
    """The same moment in UTC, cut (not rounded) to milliseconds; ValueError when it is naive."""
    utc = _in_utc(moment)
    return utc.replace(microsecond=utc.microsecond // 1000 * 1000)


def _in_utc(moment: dt.datetime) -> dt.datetime:
    if moment.tzinfo is dt.UTC:
        return moment
    if moment.utcoffset() is None:
        raise ValueError("a time without a zone")
    return moment.astimezone(dt.UTC)
