"""What a client said it takes: Accept and Accept-Encoding (RFC 9110, sections 12.5.1 and 12.5.3)."""

from __future__ import annotations

import functools

# Readers say the same few things; a header is as long as the parser lets it be (8 KB), so this many are a megabyte at most.
_SAID = 128


def weights(header: str) -> dict[str, float]:
    """The weight of each name in the header, lower case; a weight that cannot be read counts as 0."""
    found: dict[str, float] = {}
    for part in header.split(","):
        name, *parameters = (each.strip().lower() for each in part.split(";"))
        if name:
            found[name] = _weight(parameters)
    return found


def _weight(parameters: list[str]) -> float:
    for each in parameters:
        key, _, value = each.partition("=")
        if key.strip() == "q":
            try:
                return min(max(float(value), 0.0), 1.0)
            except ValueError:
                return 0.0
    return 1.0


@functools.lru_cache(maxsize=_SAID)
def prefers_html(accept: str) -> bool:
    """Whether a browser asks: text/html is named and weighs no less than JSON."""
    given = weights(accept)
    html = given.get("text/html", 0.0)
    rival = max(given.get("application/problem+json", 0.0), given.get("application/json", 0.0))
    return html > 0 and html >= rival


@functools.lru_cache(maxsize=_SAID)
def takes_gzip(accept_encoding: str) -> bool:
    """Whether gzip is wanted; a client that says nothing gets the plain bytes."""
    given = weights(accept_encoding)
    return given.get("gzip", given.get("x-gzip", given.get("*", 0.0))) > 0
