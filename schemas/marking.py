"""TLP 2.0 (FIRST; OASIS STIX extension): the order of the levels, their STIX objects and the words of older lists."""

from __future__ import annotations

import types
from collections.abc import Mapping
from typing import Any, Final

from schemas.vocabulary import Tlp

TLP_EXTENSION_ID: Final = "extension-definition--60a3c5c5-0d10-413e-aab3-9e08dde9e88d"

MARKING_IDS: Final[Mapping[Tlp, str]] = types.MappingProxyType(
    {
        Tlp.CLEAR: "marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487",
        Tlp.GREEN: "marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb",
        Tlp.AMBER: "marking-definition--55d920b0-5e8b-4f79-9ee9-91f868d9b421",
        Tlp.AMBER_STRICT: "marking-definition--939a9414-2ddd-4d32-a0cd-375ea402b003",
        Tlp.RED: "marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1",
    }
)
BY_MARKING_ID: Final[Mapping[str, Tlp]] = types.MappingProxyType(
    {identity: tlp for tlp, identity in MARKING_IDS.items()}
)

# The four markings that STIX 2.1 section 7.2.1.4 predefines for TLP 1; read, never written.
TLP1_MARKING_IDS: Final[Mapping[str, Tlp]] = types.MappingProxyType(
    {
        "marking-definition--613f2e26-407d-48c7-9eca-b8e91df99dc9": Tlp.CLEAR,
        "marking-definition--34098fce-860f-48ae-8e50-ebd3cc5e41da": Tlp.GREEN,
        "marking-definition--f88d31f6-486f-44da-b317-01333bde0b82": Tlp.AMBER,
        "marking-definition--5e57c739-391a-4eb3-b6be-7d15ca92d5ed": Tlp.RED,
    }
)

_RANK: Final = {tlp: rank for rank, tlp in enumerate(Tlp)}
_TOKENS: Final = {
    Tlp.CLEAR: "clear",
    Tlp.GREEN: "green",
    Tlp.AMBER: "amber",
    Tlp.AMBER_STRICT: "amberstrict",
}
_BY_TOKEN: Final = {token: tlp for tlp, token in _TOKENS.items()}
_NAMES: Final = {
    "clear": Tlp.CLEAR,
    "white": Tlp.CLEAR,
    "green": Tlp.GREEN,
    "amber": Tlp.AMBER,
    "amber+strict": Tlp.AMBER_STRICT,
    "amberstrict": Tlp.AMBER_STRICT,
    "amber-strict": Tlp.AMBER_STRICT,
    "amber strict": Tlp.AMBER_STRICT,
    "red": Tlp.RED,
}


def _definition(tlp: Tlp) -> dict[str, Any]:
    """The OASIS object of one level, member for member as published; it cannot be versioned."""
    return {
        "type": "marking-definition",
        "spec_version": "2.1",
        "id": MARKING_IDS[tlp],
        "created": "2022-10-01T00:00:00.000Z",
        "name": f"TLP:{tlp.value.upper()}",
        "extensions": {TLP_EXTENSION_ID: {"extension_type": "property-extension", "tlp_2_0": tlp.value}},
    }


MARKINGS: Final[Mapping[Tlp, dict[str, Any]]] = types.MappingProxyType({tlp: _definition(tlp) for tlp in Tlp})


def rank(tlp: Tlp) -> int:
    """0 for CLEAR up to 4 for RED: the higher, the fewer may read."""
    return _RANK[tlp]


def stricter(one: Tlp, other: Tlp) -> Tlp:
    """The one of two levels that fewer may read."""
    return one if _RANK[one] >= _RANK[other] else other


def of_marking_id(identity: str) -> Tlp:
    """The level behind a STIX marking id, TLP 2.0 or 1; an unknown id counts as AMBER+STRICT (fail closed)."""
    return BY_MARKING_ID.get(identity) or TLP1_MARKING_IDS.get(identity, Tlp.AMBER_STRICT)


def from_name(text: str | None) -> Tlp:
    """The level that a label names: "TLP:GREEN", "tlp-white", "Amber+Strict"; no label or another one is AMBER+STRICT."""
    word = (text or "").strip().lower()
    for lead in ("tlp:", "tlp-", "tlp_", "tlp "):
        if word.startswith(lead):
            word = word.removeprefix(lead).strip()
            break
    return _NAMES.get(word, Tlp.AMBER_STRICT)


def label(tlp: Tlp) -> str:
    """The label as FIRST writes it: "TLP:AMBER+STRICT"."""
    return f"TLP:{tlp.value.upper()}"


def token(tlp: Tlp) -> str:
    """The level's token in a subject; ValueError for RED, which has none."""
    if tlp not in _TOKENS:
        raise ValueError("TLP:RED has no subject")
    return _TOKENS[tlp]


def from_token(text: str) -> Tlp:
    """The level behind a subject token; ValueError for anything else."""
    if text not in _BY_TOKEN:
        raise ValueError(f"not a TLP token: {text[:40]!r}")
    return _BY_TOKEN[text]
