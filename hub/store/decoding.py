"""Stored bundles as structs; the last few are kept, for a page and its feed ask for the same ones."""

from __future__ import annotations

import functools

from schemas import stix
from schemas.bulletin import Bulletin

KEPT = 64


@functools.lru_cache(maxsize=KEPT)
def decoded(payload: bytes) -> Bulletin:
    """The bulletin in stored bytes. StixError for bytes that this node keeps without understanding them."""
    return stix.decode(payload)
