"""What an outside source answered, and what was read out of it: values, no I/O."""

from __future__ import annotations

import dataclasses
from typing import Literal

from schemas.bulletin import Advisory

Status = Literal["changed", "unchanged", "unavailable"]


@dataclasses.dataclass(frozen=True, slots=True)
class Validators:
    """What makes the next GET conditional (RFC 9110 section 13.1), byte for byte, and the address that gave it."""

    etag: str | None = None
    last_modified: str | None = None
    url: str | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class Fetched:
    """The outcome of one polite GET. `retry_after`, `max_age` in seconds; `reason`: why it is unavailable."""

    status: Status
    body: bytes = b""
    validators: Validators = Validators()
    retry_after: int | None = None
    max_age: int | None = None
    reason: str = ""


@dataclasses.dataclass(frozen=True, slots=True)
class Unreadable:
    """What could not be read: an item of a document, or the document itself (`item` None).

    `key` is the item's key where it could still be told; such a key is never taken for gone.
    """

    error: str
    file: str = ""
    item: int | None = None
    key: str | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class Parsed:
    """All that one document said. An error without a key: nobody knows what else the document held."""

    advisories: tuple[Advisory, ...] = ()
    errors: tuple[Unreadable, ...] = ()

    @property
    def whole(self) -> bool:
        """Whether what is missing here is truly missing at the source."""
        return bool(self.advisories) and all(error.key is not None for error in self.errors)


def unreadable(error: str, file: str) -> Parsed:
    """A document of which nothing could be read."""
    return Parsed(errors=(Unreadable(error, file),))
