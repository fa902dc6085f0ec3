"""Product ids: ORIGIN[-EX]-year-number, the restricted series with an R (FORMAT "Product, version, time")."""

from __future__ import annotations

import enum
import re
from typing import Final

import msgspec

from schemas.places import parse_origin
from schemas.vocabulary import Mode, Tlp

_ID: Final = re.compile(
    r"([A-Z]{2}(?:-(?!EX-)[A-Z][A-Z0-9]{1,11})?)(-EX)?-([1-9][0-9]{3})-(R?)([0-9]{4}|[1-9][0-9]{4,14})", re.ASCII
)
_MAX_NUMBER: Final = 10**15 - 1
_YEARS: Final = range(1000, 10_000)


class Series(enum.StrEnum):
    """OPEN numbers CLEAR and GREEN, RESTRICTED the rest, so that open numbers do not tell of hidden products."""

    OPEN = "open"
    RESTRICTED = "restricted"


class ProductId(msgspec.Struct, frozen=True, order=True):
    """One product's number in its origin's journal; `str()` gives the only spelling. ValueError where a part is off."""

    origin: str
    year: int
    number: int
    series: Series = Series.OPEN
    exercise: bool = False

    def __post_init__(self) -> None:
        parse_origin(self.origin)
        if self.year not in _YEARS or not 1 <= self.number <= _MAX_NUMBER:
            raise ValueError(f"no product number: year {self.year}, number {self.number}")

    def __str__(self) -> str:
        exercise = "-EX" if self.exercise else ""
        series = "R" if self.series is Series.RESTRICTED else ""
        return f"{self.origin.upper()}{exercise}-{self.year}-{series}{self.number:04d}"

    @property
    def mode(self) -> Mode:
        """EXERCISE exactly when the id says EX."""
        return Mode.EXERCISE if self.exercise else Mode.LIVE


def series_of(tlp: Tlp) -> Series:
    """The series that numbers a product with this marking."""
    return Series.OPEN if tlp in (Tlp.CLEAR, Tlp.GREEN) else Series.RESTRICTED


def parse(text: str) -> ProductId:
    """The id that `text` spells; ValueError for any spelling but the one that `str()` gives."""
    found = _ID.fullmatch(text)
    if found is None:
        raise ValueError(f"not a product id: {text[:60]!r}")
    origin, exercise, year, restricted, number = found.groups()
    series = Series.RESTRICTED if restricted else Series.OPEN
    return ProductId(origin.lower(), int(year), int(number), series, exercise is not None)


def check(text: str, *, mode: Mode, origin: str, tlp: Tlp | None = None) -> ProductId:
    """As `parse`, and ValueError too unless the id is of this mode and origin (and of this marking's series)."""
    product = parse(text)
    if product.mode is not mode:
        raise ValueError(f"{text} is not of mode {mode}")
    if product.origin != origin:
        raise ValueError(f"{text} is not of origin {origin}")
    if tlp is not None and product.series is not series_of(tlp):
        raise ValueError(f"{text} is not in the series of TLP:{tlp.value.upper()}")
    return product
