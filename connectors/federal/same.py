"""SAME: the event and place codes of the Emergency Alert System (47 CFR 11.31; NWSI 10-1712) and the NWS zone codes beside them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final, TypeVar

from schemas.bulletin import Area
from schemas.cap import Category
from schemas.places import BY_FIPS, PLACES
from schemas.vocabulary import Topic

_Each = TypeVar("_Each")

# Required weekly and monthly tests, the national ones, practice and demonstration, and transmitters switched over.
TESTS: Final = frozenset({"RWT", "RMT", "NPT", "NAT", "NST", "DMO", "TXB", "TXF", "TXO", "TXP"})

_BY_TOPIC: Final = {
    Topic.WEATHER: (
        "BZW CFA CFW DSW EWW FFA FFS FFW FLA FLS FLW FSW FZW HLS HUA HUW HWA HWW SMW SPS SQW SSA SSW SVA SVR SVS "
        "TOA TOR TRA TRW WSA WSW"
    ),
    Topic.HAZARD: "AVA AVW CHW DBA DBW EAN EQW EVA EVI FRW HMW IBW IFW LSW NUW RHW TSA TSW VOW WFA WFW",
    Topic.HEALTH: "BHW BWW CWW DEW FCW",
    Topic.VIOLENCE: "BLU CDW",
    Topic.MISSING_PERSON: "CAE MEP",
    Topic.FACILITY: "POS TOE",
}
_TOPIC: Final = {code: topic for topic, codes in _BY_TOPIC.items() for code in codes.split()}
# These say that something is wrong, not what: a road crash has come as a Law Enforcement Warning.
_VAGUE: Final = {"CEM": Topic.HAZARD, "LAE": Topic.HAZARD, "LEW": Topic.VIOLENCE, "SPW": Topic.HAZARD}

_BY_CATEGORY: Final = {
    Category.GEO: Topic.HAZARD,
    Category.MET: Topic.WEATHER,
    Category.SECURITY: Topic.VIOLENCE,
    Category.RESCUE: Topic.HAZARD,
    Category.FIRE: Topic.HAZARD,
    Category.HEALTH: Topic.HEALTH,
    Category.ENV: Topic.HAZARD,
    Category.TRANSPORT: Topic.TRANSPORT,
    Category.INFRA: Topic.FACILITY,
    Category.CBRNE: Topic.HAZARD,
}
# Lower case, as the words are before they are searched.
_WORDS: Final = (
    (Topic.BOMB_THREAT, re.compile(r"\bbomb|\bexplosive devices?\b")),
    (Topic.WEAPON, re.compile(r"\bshoot(?:er|ing)s?\b|\bgunm[ae]n\b|\bshots fired\b|\barmed\b")),
    (Topic.VIOLENCE, re.compile(r"\bassailant|\blaw enforcement\b(?! warning)|\bpolice\b|\blockdown\b|\bhostage")),
    (Topic.MISSING_PERSON, re.compile(r"\bamber alert|\babduct|\bmissing\b|\bendangered\b")),
    (Topic.HEALTH, re.compile(r"\bboil(?:ing)? water\b|\bdrinking water\b|\bdisease\b|\boutbreak\b")),
    (Topic.HAZARD, re.compile(r"\bfires?\b|\bwildfire|\bhaz-?mat\b|\bhazardous material|\bchemical|\bgas leak")),
    (Topic.WEATHER, re.compile(r"\bflood|\btornado|\bhurricane|\bstorm|\bblizzard|\bsnow\b")),
    (Topic.FACILITY, re.compile(r"\b911\b|\bpower (?:outage|failure)\b|\bphone (?:outage|lines?)\b")),
    (Topic.TRANSPORT, re.compile(r"\broads?\b|\bhighway|\btraffic\b|\btravel\b|\bbridge\b|\bcrash\b")),
)
_DIGITS: Final = re.compile(r"[0-9]{5,6}", re.ASCII)
_UGC: Final = re.compile(r"[A-Z]{2}[CZ](?:[0-9]{3}|ALL)", re.ASCII)


def is_test(codes: Iterable[str]) -> bool:
    """Whether one of these event codes means a test, whatever the message's status says."""
    return any(code.strip().upper() in TESTS for code in codes)


def topics(codes: Iterable[str], categories: Iterable[Category], words: str = "") -> tuple[Topic, ...]:
    """What a message is about, never empty: by its event codes; where those are vague, by its words and then its categories."""
    plain, kinds = [code.strip().upper() for code in codes], tuple(categories)
    if found := _unique(_TOPIC[code] for code in plain if code in _TOPIC):
        return found
    if Category.MET in kinds:
        return (Topic.WEATHER,)
    by_words = (topic for topic, pattern in _WORDS if pattern.search(words.lower()))
    by_category = (_BY_CATEGORY[kind] for kind in kinds if kind in _BY_CATEGORY)
    vague = (_VAGUE[code] for code in plain if code in _VAGUE)
    return _unique(by_words) or _unique(by_category) or _unique(vague) or (Topic.OTHER,)


def areas(same: Iterable[str], ugc: Iterable[str]) -> tuple[Area, ...]:
    """The places that SAME and UGC codes name, each code once, in their order; what is no code names none."""
    coded = [text for value in same for text in value.split()]
    zoned = [text for value in ugc for text in value.upper().split()]
    return _unique((*_of_same(coded), *_of_ugc(zoned)))


def _of_same(codes: Iterable[str]) -> Iterator[Area]:
    """`fips` is SAME without its first digit, a part of the county. At sea, and for "000000", no state is named."""
    for code in codes:
        if _DIGITS.fullmatch(code):
            fips = code[-5:]
            place = BY_FIPS.get(fips[:2])
            yield Area(place.code.upper() if place else None, fips=fips)


def _of_ugc(codes: Iterable[str]) -> Iterator[Area]:
    for code in codes:
        if _UGC.fullmatch(code):
            yield Area(code[:2] if code[:2].lower() in PLACES else None, ugc=code)


def _unique(values: Iterable[_Each]) -> tuple[_Each, ...]:
    return tuple(dict.fromkeys(values))
