"""What an NWS alert is, whatever form it came in: its kind of message, whether it is meant, what it is about.

api.weather.gov says Actual of tests too, and cancels by VTEC under a message that stays Alert or Update.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Final

from connectors import chain
from connectors.federal import drill, same
from schemas import cap
from schemas.vocabulary import Action, Status, Topic

_ACTIONS: Final = {"alert": Action.NEW, "update": Action.UPDATE, "cancel": Action.CANCEL}
_STATUS: Final = {
    "actual": Status.ACTUAL,
    "exercise": Status.EXERCISE,
    "system": Status.TEST,
    "test": Status.TEST,
    "draft": Status.TEST,
}
_CATEGORIES: Final = {category.value.lower(): category for category in cap.Category}
# The line is watched with messages of its own, which name a real county and say that they are actual.
_KEEPALIVE: Final = "KEEPALIVE"
_TEST_EVENT: Final = "test message"
_TEST_WORDS: Final = ("test", "drill", "exercise", "prueba", "simulacro", "ejercicio")
# All of it is category Met to the NWS; these are no weather to a school.
_HAZARD: Final = re.compile(
    r"\btsunami|\bearthquake|\bvolcan|\bashfall|\bavalanche|\bfire\b|\bred flag\b|\bair (?:quality|stagnation)\b|\bsmoke\b"
    r"|\bradiolog|\bnuclear\b|\bhazardous material|\blandslide|\bdebris flow"
)


def action(message_type: str, vtec: Iterable[str]) -> Action:
    """What the message does; ValueError for a message that is no alert (Ack, Error) and for an unknown word."""
    said = _ACTIONS.get(message_type.lower())
    if said is None:
        raise ValueError(f"messageType: {message_type[:40]!r} is not one of Alert, Update, Cancel")
    return Action.CANCEL if chain.is_ended(vtec) else said


def status(
    said: str, key: str, codes: Sequence[str], vtec: Sequence[str], texts: tuple[list[str], list[str]]
) -> Status:
    """Whether it is meant; `texts` are its event and headline, and its other words. ValueError for an unknown word."""
    found = _STATUS.get(said.lower())
    if found is None:
        raise ValueError(f"status: {said[:40]!r} is not one of Actual, Exercise, System, Test, Draft")
    if found is not Status.ACTUAL:
        return found
    if is_test(key, codes, vtec, texts[0]):
        return Status.TEST
    # Most alerts have no such word at all; looking for the phrases takes longer than all the rest of an alert.
    mentioned = any(word in text.lower() for several in texts for text in several for word in _TEST_WORDS)
    return drill.status(*texts) if mentioned else Status.ACTUAL


def is_test(key: str, codes: Sequence[str], vtec: Sequence[str], titles: Iterable[str]) -> bool:
    """Whether its id, its event, its event codes or the class of its VTEC product show a test."""
    if _KEEPALIVE in key.upper() or any(title.strip().lower() == _TEST_EVENT for title in titles):
        return True
    return same.is_test(codes) or chain.is_trial(vtec)


def topics(event: str, codes: Iterable[str], category: str, words: str) -> tuple[Topic, ...]:
    """Weather, or a hazard that the NWS warns of; what it relays for others is about what its event code says."""
    kind = _CATEGORIES.get(category.strip().lower())
    kinds = () if kind is None else (kind,)
    found = same.topics(codes, kinds, words)
    if found == (Topic.WEATHER,) and _HAZARD.search(event.lower()):
        return (Topic.HAZARD, Topic.WEATHER)
    return found
