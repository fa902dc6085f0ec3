"""Structs <-> CAP 1.2 XML (OASIS Common Alerting Protocol 1.2, 1 July 2010): the one door to it.

`read` and `read_all` take what agencies serve; `write` gives what the OASIS schema accepts; `from_bulletin` and
`from_tombstone` make a message of what this node released.
"""

from __future__ import annotations

from schemas.cap_bulletin import from_bulletin, from_tombstone, reference, reference_to
from schemas.cap_message import (
    DEFAULT_LANGUAGE,
    NAMESPACE,
    Alert,
    Area,
    CapError,
    Category,
    Info,
    MsgType,
    Pair,
    Reference,
    Resource,
    ResponseType,
    Scope,
    Status,
    format_time,
    parse_time,
)
from schemas.cap_reading import ALERTS, MAX_BYTES, Found, found_in, parsed, read, read_all, references
from schemas.cap_writing import check, write

__all__ = [
    "ALERTS",
    "DEFAULT_LANGUAGE",
    "MAX_BYTES",
    "NAMESPACE",
    "Alert",
    "Area",
    "CapError",
    "Category",
    "Found",
    "Info",
    "MsgType",
    "Pair",
    "Reference",
    "Resource",
    "ResponseType",
    "Scope",
    "Status",
    "check",
    "format_time",
    "found_in",
    "from_bulletin",
    "from_tombstone",
    "parse_time",
    "parsed",
    "read",
    "read_all",
    "reference",
    "reference_to",
    "references",
    "write",
]
