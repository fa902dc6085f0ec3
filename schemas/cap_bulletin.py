"""A released bulletin, or its withdrawal, as a CAP message (OASIS CAP 1.2 section 3.2; STANDARDS "CAP").

Whether it may leave is asked before: here words only change their form. A bulletin's version is a message of its own,
known by the product id with the version after it; the version before it, where its message is known, is referred to.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Sequence
from typing import Final

from schemas import marking
from schemas.bulletin import Area as Place
from schemas.bulletin import Bulletin, RoleAction, Stamp, Tombstone
from schemas.cap_message import (
    Alert,
    Area,
    CapError,
    Category,
    Info,
    MsgType,
    Pair,
    Reference,
    Scope,
    Status,
    format_time,
)
from schemas.places import BY_FIPS, PLACES
from schemas.vocabulary import Certainty, Mode, Reason, Severity, Tlp, Topic, Urgency

_EVENTS: Final = {
    Topic.VIOLENCE: (Category.SECURITY, "Violence"),
    Topic.WEAPON: (Category.SECURITY, "Weapon"),
    Topic.BOMB_THREAT: (Category.SECURITY, "Bomb threat"),
    Topic.SWATTING: (Category.SECURITY, "Swatting"),
    Topic.TERRORISM: (Category.SECURITY, "Terrorism"),
    Topic.BULLYING: (Category.SAFETY, "Bullying"),
    Topic.SUICIDE: (Category.HEALTH, "Suicide prevention"),
    Topic.MENTAL_HEALTH: (Category.HEALTH, "Mental health"),
    Topic.SUBSTANCE: (Category.HEALTH, "Substance use"),
    Topic.ONLINE_SAFETY: (Category.SECURITY, "Online safety"),
    Topic.CYBER: (Category.INFRA, "Cyber security"),
    Topic.WEATHER: (Category.MET, "Weather"),
    Topic.HAZARD: (Category.SAFETY, "Hazard"),
    Topic.HEALTH: (Category.HEALTH, "Health"),
    Topic.PRODUCT: (Category.SAFETY, "Product recall"),
    Topic.TRANSPORT: (Category.TRANSPORT, "Transport"),
    Topic.FACILITY: (Category.INFRA, "Facility"),
    Topic.MISSING_PERSON: (Category.RESCUE, "Missing person"),
    Topic.PRACTICE: (Category.SAFETY, "Practice guidance"),
    Topic.OTHER: (Category.OTHER, "School safety"),
}
_READERS: Final = {
    Tlp.GREEN: "the school safety community",
    Tlp.AMBER: "school officials with a need to know",
    Tlp.AMBER_STRICT: "the receiving organization only",
    Tlp.RED: "named persons only",
}
_WITHDRAWN: Final = {
    Reason.ERROR: "It was released in error.",
    Reason.HOAX: "What it told of was a hoax.",
    Reason.SUPERSEDED: "Another bulletin took its place.",
    Reason.EXPIRED: "It is no longer in force.",
}
# What XML 1.0 section 2.2 has no character for.
_UNFIT: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_EXERCISE: Final = "EXERCISE. This message is part of an exercise; nothing in it is real."


def reference_to(bulletin: Bulletin, sender: str) -> Reference:
    """How a later message refers to the one that carried this version."""
    stamp = _stamp(bulletin)
    return reference(stamp.product_id, stamp.version, stamp.released, sender)


def reference(product_id: str, version: int, released: dt.datetime, sender: str) -> Reference:
    """The same for a version whose words are not at hand: they may be erased, and what was sent of them is still cancelled."""
    return Reference(sender, _identifier(product_id, version), format_time(released))


def from_bulletin(
    bulletin: Bulletin,
    *,
    sender: str,
    sender_name: str | None = None,
    web: str | None = None,
    earlier: Sequence[Reference] = (),
) -> Alert:
    """A released version as a message of `sender` (a host name, say); CapError for a draft.

    `earlier` are the messages of the versions before it. A version of which none is known, or none was had, comes as an
    Alert of its own: CAP has no Update without something to refer to.
    """
    stamp = _stamp(bulletin)
    updates = stamp.version > 1 and bool(earlier)
    return Alert(
        identifier=_identifier(stamp.product_id, stamp.version),
        sender=sender,
        sent=stamp.released.replace(microsecond=0),
        status=_status(bulletin.mode),
        msg_type=MsgType.UPDATE if updates else MsgType.ALERT,
        source=_fit(f"{bulletin.advisory.source} {bulletin.advisory.key}") if bulletin.advisory else None,
        scope=Scope.PUBLIC if bulletin.tlp is Tlp.CLEAR else Scope.RESTRICTED,
        restriction=_restriction(bulletin.tlp),
        note=_note(bulletin.mode),
        references=tuple(earlier) if updates else (),
        infos=tuple(_infos(bulletin, stamp, sender_name, web)),
    )


def from_tombstone(
    tombstone: Tombstone, *, sender: str, earlier: Sequence[Reference], restriction: str | None = None
) -> Alert:
    """What takes a bulletin away, as a Cancel of its messages (`earlier`, never empty); it repeats none of its words.

    `restriction` is that of the messages it cancels, where they had one.
    """
    return Alert(
        identifier=_identifier(tombstone.product_id, tombstone.version) + f"-recall{tombstone.serial}",
        sender=sender,
        sent=tombstone.issued.replace(microsecond=0),
        status=_status(tombstone.mode),
        msg_type=MsgType.CANCEL,
        scope=Scope.RESTRICTED if restriction else Scope.PUBLIC,
        restriction=restriction,
        note=_note(tombstone.mode),
        references=tuple(earlier),
        infos=(_withdrawal(tombstone),),
    )


def _withdrawal(tombstone: Tombstone) -> Info:
    why = _WITHDRAWN.get(tombstone.reason, "It is not to be used any more.")
    follow = f" See {tombstone.replaced_by}." if tombstone.replaced_by else ""
    return Info(
        categories=(Category.OTHER,),
        event="Withdrawal",
        urgency=Urgency.PAST,
        severity=Severity.UNKNOWN,
        certainty=Certainty.UNLIKELY,
        headline=f"WITHDRAWN: {tombstone.product_id}",
        description=f"Bulletin {tombstone.product_id} was withdrawn. {why}{follow}",
    )


def _stamp(bulletin: Bulletin) -> Stamp:
    if bulletin.stamp is None:
        raise CapError("identifier", "is missing: a draft has no product id yet and is no message")
    return bulletin.stamp


def _identifier(product_id: str, version: int) -> str:
    return f"{product_id}-v{version}"


def _status(mode: Mode) -> Status:
    return Status.EXERCISE if mode is Mode.EXERCISE else Status.ACTUAL


def _note(mode: Mode) -> str | None:
    return _EXERCISE if mode is Mode.EXERCISE else None


def _restriction(tlp: Tlp) -> str | None:
    return None if tlp is Tlp.CLEAR else f"{marking.label(tlp)} {_READERS[tlp]}"


def _infos(bulletin: Bulletin, stamp: Stamp, sender_name: str | None, web: str | None) -> Iterable[Info]:
    """One block a language; only the words differ. Actions were written in the bulletin's own language alone."""
    words = [(bulletin.lang, bulletin.headline, bulletin.text, _instruction(bulletin.actions))]
    words += [(each.lang, each.headline, each.text, None) for each in bulletin.translations]
    category, event = _EVENTS[bulletin.topic]
    for language, headline, text, instruction in words:
        yield Info(
            language=language,
            categories=(category,),
            event=event,
            urgency=bulletin.urgency,
            severity=bulletin.severity,
            certainty=bulletin.certainty,
            expires=bulletin.expires.replace(microsecond=0),
            sender_name=_fit(sender_name or ""),
            headline=_fit(" ".join(headline.split())),
            description=_fit(text),
            instruction=instruction,
            web=web,
            parameters=_parameters(bulletin, stamp),
            areas=_areas(bulletin.areas),
        )


def _parameters(bulletin: Bulletin, stamp: Stamp) -> tuple[Pair, ...]:
    return (
        Pair("TLP", marking.label(bulletin.tlp)),
        Pair("productId", stamp.product_id),
        Pair("version", str(stamp.version)),
    )


def _instruction(actions: Iterable[RoleAction]) -> str | None:
    return _fit("\n".join(f"{action.role.strip()}: {action.text.strip()}" for action in actions))


def _areas(places: Sequence[Place]) -> tuple[Area, ...]:
    """All places in one area, in words and in SAME and UGC codes; a bulletin without places has none."""
    if not places:
        return ()
    described = "; ".join(dict.fromkeys(map(_described, places)))
    return (Area(description=described, geocodes=tuple(dict.fromkeys(map(_geocode, places)))),)


def _geocode(place: Place) -> Pair:
    return Pair("SAME", f"0{place.fips}") if place.fips else Pair("UGC", place.ugc or "")


def _described(place: Place) -> str:
    if place.fips is None:
        return f"zone {place.ugc}"
    state = BY_FIPS.get(place.fips[:2]) or PLACES.get((place.state or "").lower())
    name = state.name if state else "no state"
    return name if place.fips.endswith("000") else f"{name}, county {place.fips}"


def _fit(text: str) -> str | None:
    """The text as XML can carry it, without white space around it; None when nothing is left."""
    return _UNFIT.sub("", text).strip(" \t\r\n") or None
