"""What an outside source answered, and what was read out of it: values, no I/O."""

from __future__ import annotations

import dataclasses
from typing import Final, Literal

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
class Listing:
    """What a list says of that which it leaves out.

    `covers`: None for all that its source knows; otherwise it speaks only of what names one of these places (two letters
    of a state, or a UGC code), and with none of them of nothing but its own items. `empty`: it can be read and lists
    nothing. `turns_over`: its items come and go within hours, so that many losses at once are no reason for doubt.
    """

    covers: frozenset[str] | None = None
    empty: bool = False
    turns_over: bool = False


CATALOGUE: Final = Listing()
PIECE: Final = Listing(covers=frozenset())


@dataclasses.dataclass(frozen=True, slots=True)
class Parsed:
    """All that one document said. An error without a key: nobody knows what else the document held."""

    advisories: tuple[Advisory, ...] = ()
    errors: tuple[Unreadable, ...] = ()
    listing: Listing = CATALOGUE

    @property
    def whole(self) -> bool:
        """Whether what is missing here is truly missing at the source."""
        return self.good and all(error.key is not None for error in self.errors)

    @property
    def good(self) -> bool:
        """Whether the source answered at all: with something, or with a list that can be read and is empty."""
        return bool(self.advisories) or (self.listing.empty and not self.errors)

    def covers(self, advisory: Advisory | None) -> bool:
        """Whether this answer would name an advisory if it still stood; None: one of which nothing is known."""
        if self.listing.covers is None:
            return True
        areas = () if advisory is None else advisory.areas
        return any(area.state in self.listing.covers or area.ugc in self.listing.covers for area in areas)


def unreadable(error: str, file: str) -> Parsed:
    """A document of which nothing could be read."""
    return Parsed(errors=(Unreadable(error, file),))
