"""States, DC and territories with their codes, origins, and the check of an area (STANDARDS 7; FIPS 5-2, ISO 3166-2:US).

The table holds the 56 places whose two letters may begin an origin. County codes are checked by shape and state only:
county lists change (Connecticut 2022), and a code that is new here must not stop a bulletin.
"""

from __future__ import annotations

import functools
import re
import types
from collections.abc import Mapping
from typing import Final

import msgspec

from schemas.bulletin import Area

_TABLE: Final = """
al 01 Alabama|ak 02 Alaska|az 04 Arizona|ar 05 Arkansas|ca 06 California|co 08 Colorado|ct 09 Connecticut
de 10 Delaware|dc 11 District of Columbia|fl 12 Florida|ga 13 Georgia|hi 15 Hawaii|id 16 Idaho|il 17 Illinois
in 18 Indiana|ia 19 Iowa|ks 20 Kansas|ky 21 Kentucky|la 22 Louisiana|me 23 Maine|md 24 Maryland
ma 25 Massachusetts|mi 26 Michigan|mn 27 Minnesota|ms 28 Mississippi|mo 29 Missouri|mt 30 Montana
ne 31 Nebraska|nv 32 Nevada|nh 33 New Hampshire|nj 34 New Jersey|nm 35 New Mexico|ny 36 New York
nc 37 North Carolina|nd 38 North Dakota|oh 39 Ohio|ok 40 Oklahoma|or 41 Oregon|pa 42 Pennsylvania
ri 44 Rhode Island|sc 45 South Carolina|sd 46 South Dakota|tn 47 Tennessee|tx 48 Texas|ut 49 Utah|vt 50 Vermont
va 51 Virginia|wa 53 Washington|wv 54 West Virginia|wi 55 Wisconsin|wy 56 Wyoming|as 60 American Samoa
gu 66 Guam|mp 69 Northern Mariana Islands|pr 72 Puerto Rico|vi 78 U.S. Virgin Islands
"""
_DESK: Final = re.compile(r"[a-z][a-z0-9]{1,11}", re.ASCII)
_FIPS: Final = re.compile(r"[0-9]{5}", re.ASCII)
_UGC: Final = re.compile(r"[A-Z]{2}[CZ](?:[0-9]{3}|ALL)", re.ASCII)


class Place(msgspec.Struct, frozen=True):
    """A state, DC or a territory: two lower-case letters, English name, two FIPS digits."""

    code: str
    name: str
    fips: str


class Origin(msgspec.Struct, frozen=True):
    """Who speaks: a place, and its desk where it has more than one. `str()` gives the token ("tx", "tx-ntic")."""

    place: str
    desk: str | None = None

    def __str__(self) -> str:
        return self.place if self.desk is None else f"{self.place}-{self.desk}"


def _read_table() -> dict[str, Place]:
    rows = (row.split(" ", 2) for row in _TABLE.strip().replace("\n", "|").split("|"))
    return {code: Place(code, name, fips) for code, fips, name in rows}


PLACES: Final[Mapping[str, Place]] = types.MappingProxyType(_read_table())
BY_FIPS: Final[Mapping[str, Place]] = types.MappingProxyType({place.fips: place for place in PLACES.values()})


def parse_place(text: str) -> Place:
    """The place of two lower-case letters; ValueError for any other text."""
    if text not in PLACES:
        raise ValueError(f"not a state or territory: {text[:40]!r}")
    return PLACES[text]


@functools.lru_cache(maxsize=1024)
def parse_origin(text: str) -> Origin:
    """The origin `<place>[-<desk>]`, desk `[a-z][a-z0-9]{1,11}` and never "ex"; ValueError otherwise.

    `us-*` and `x-*` name sources and are no origins: neither is a place.
    """
    place, hyphen, desk = text.partition("-")
    parse_place(place)
    if not hyphen:
        return Origin(place)
    if _DESK.fullmatch(desk) is None or desk == "ex":
        raise ValueError(f"not a desk: {desk[:40]!r}")
    return Origin(place, desk)


def check_area(area: Area) -> None:
    """ValueError unless the area has exactly one code and the code lies in its state.

    `fips` is five digits (SAME without its first) whose first two are the state's, "SS000" the whole state; `ugc` an NWS
    zone or county code. `state` is two upper-case letters, and None only with a `ugc`, at sea.
    """
    if (area.fips is None) == (area.ugc is None):
        raise ValueError("an area has exactly one code, fips or ugc")
    if area.state is not None and (area.state.lower() not in PLACES or not area.state.isupper()):
        raise ValueError(f"not a state or territory: {area.state[:40]!r}")
    if area.fips is not None:
        _check_fips(area.fips, area.state)
    elif area.ugc is not None:
        _check_ugc(area.ugc, area.state)


def _check_fips(fips: str, state: str | None) -> None:
    if _FIPS.fullmatch(fips) is None:
        raise ValueError(f"a fips code has five digits: {fips[:40]!r}")
    if state is None or PLACES[state.lower()].fips != fips[:2]:
        raise ValueError(f"fips {fips} does not lie in {state}")


def _check_ugc(ugc: str, state: str | None) -> None:
    if _UGC.fullmatch(ugc) is None:
        raise ValueError(f"not a UGC code: {ugc[:40]!r}")
    at_sea = ugc[:2].lower() not in PLACES
    if (state is None) != at_sea or (state is not None and state != ugc[:2]):
        raise ValueError(f"ugc {ugc} does not lie in {state}")
