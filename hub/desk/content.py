"""What a person writes, and whether it can become a bulletin: every field's error at once (FORMAT; DESIGN section 6)."""

from __future__ import annotations

import dataclasses
import datetime as dt
import re
from collections.abc import Iterable, Iterator

from hub.errors import FieldError, Invalid
from schemas.bulletin import Area, Attachment, Bulletin, RoleAction, Translation
from schemas.fitness import EXERCISE_PREFIX
from schemas.places import PLACES, check_area
from schemas.vocabulary import (
    Caveat,
    Certainty,
    Confidence,
    Lane,
    Mode,
    Phase,
    RecordClass,
    Severity,
    Tlp,
    Topic,
    Urgency,
)

HEADLINE = 120
TEXT = 20_000
ACTION = 2_000
ROLE = 60
BASIS = 2_000
MOST_ACTIONS = 30
MOST_ALSO = 6
MOST_AREAS = 500
MOST_TRANSLATIONS = 12
MOST_ATTACHMENTS = 20
FARTHEST = dt.timedelta(days=3 * 366)

_LANG = re.compile(r"[a-z]{2,3}(?:-[A-Za-z0-9]{2,8}){0,3}", re.ASCII)
_SHA256 = re.compile(r"[0-9a-f]{64}", re.ASCII)
_MEDIA = re.compile(r"[a-z]+/[A-Za-z0-9.+-]{1,100}", re.ASCII)
# Controls, lone surrogates and the marks that turn the direction of writing have no place in words that schools read.
_UNFIT = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """A bulletin as its author writes it. `audience` are places, () = everybody whom the marking lets have it."""

    headline: str
    text: str
    actions: tuple[RoleAction, ...]
    topic: Topic
    tlp: Tlp
    severity: Severity
    urgency: Urgency
    certainty: Certainty
    expires: dt.datetime
    also: tuple[Topic, ...] = ()
    phase: Phase = Phase.RESPONSE
    confidence: Confidence = Confidence.MEDIUM
    basis: str = ""
    areas: tuple[Area, ...] = ()
    audience: tuple[str, ...] = ()
    lane: Lane = Lane.ROUTINE
    next_update_by: dt.datetime | None = None
    caveats: tuple[Caveat, ...] = ()
    record_class: RecordClass = RecordClass.SAFETY_NOTICE
    attachments: tuple[Attachment, ...] = ()
    translations: tuple[Translation, ...] = ()
    lang: str = "en"
    minor: bool = False


def of_bulletin(bulletin: Bulletin, audience: tuple[str, ...]) -> Content:
    """The content of a bulletin as it stands, ready to be changed into its next version."""
    names = {field.name for field in dataclasses.fields(Content)} - {"audience", "headline"}
    return Content(
        audience=audience,
        headline=plain_headline(bulletin.mode, bulletin.headline),
        **{name: getattr(bulletin, name) for name in names},
    )


def plain_headline(mode: Mode, headline: str) -> str:
    """The headline as its author wrote it, without the word that an exercise puts before it."""
    return headline.removeprefix(EXERCISE_PREFIX) if mode is Mode.EXERCISE else headline


def shown_headline(mode: Mode, headline: str) -> str:
    """The headline as it travels: an exercise says so, once (DESIGN section 4)."""
    return EXERCISE_PREFIX + plain_headline(mode, headline) if mode is Mode.EXERCISE else headline


def check(content: Content, *, mode: Mode, place: str, now: dt.datetime) -> None:
    """Invalid, with every field's error, unless the content can become a bulletin of this node."""
    errors = tuple(_errors(content, mode, place, now))
    if errors:
        raise Invalid("Some fields do not fit.", errors)


def _errors(content: Content, mode: Mode, place: str, now: dt.datetime) -> Iterator[FieldError]:
    yield from _words("/headline", plain_headline(mode, content.headline), HEADLINE, needed=True, lines=False)
    yield from _words("/text", content.text, TEXT, needed=True)
    yield from _words("/basis", content.basis, BASIS)
    yield from _actions(content.actions)
    yield from _times(content, now)
    yield from _topics(content)
    yield from _areas(content.areas)
    yield from _audience(content, place)
    yield from _language(content)
    yield from _attachments(content)


def _words(pointer: str, text: str, most: int, *, needed: bool = False, lines: bool = True) -> Iterator[FieldError]:
    if needed and not text.strip():
        yield FieldError(pointer, "is empty: write something here")
    if len(text) > most:
        yield FieldError(pointer, f"has {len(text)} characters: at most {most}")
    if _UNFIT.search(text):
        yield FieldError(pointer, "holds control or direction characters: remove them")
    if not lines and ("\n" in text or "\r" in text or "\t" in text):
        yield FieldError(pointer, "has more than one line: write it in one")


def _many(pointer: str, items: tuple[object, ...], most: int) -> Iterator[FieldError]:
    if len(items) > most:
        yield FieldError(pointer, f"has {len(items)} items: at most {most}")


def _actions(actions: tuple[RoleAction, ...]) -> Iterator[FieldError]:
    if not actions:
        yield FieldError("/actions", "is empty: say at least one thing that somebody should do")
    yield from _many("/actions", actions, MOST_ACTIONS)
    for index, action in enumerate(actions[:MOST_ACTIONS]):
        yield from _words(f"/actions/{index}/role", action.role, ROLE, needed=True, lines=False)
        yield from _words(f"/actions/{index}/text", action.text, ACTION, needed=True)


def _times(content: Content, now: dt.datetime) -> Iterator[FieldError]:
    for pointer, moment in (("/expires", content.expires), ("/next_update_by", content.next_update_by)):
        if moment is None:
            continue
        if moment.utcoffset() is None:
            yield FieldError(pointer, "has no zone: write one, such as Z")
        elif moment <= now:
            yield FieldError(pointer, "is not in the future")
        elif moment - now > FARTHEST:
            yield FieldError(pointer, f"is more than {FARTHEST.days} days away")


def _topics(content: Content) -> Iterator[FieldError]:
    yield from _many("/also", content.also, MOST_ALSO)
    if content.topic in content.also:
        yield FieldError("/also", f"repeats the topic {content.topic}")
    if len(set(content.also)) < len(content.also):
        yield FieldError("/also", "names a topic twice")
    if len(set(content.caveats)) < len(content.caveats):
        yield FieldError("/caveats", "names a caveat twice")


def _areas(areas: tuple[Area, ...]) -> Iterator[FieldError]:
    yield from _many("/areas", areas, MOST_AREAS)
    for index, area in enumerate(areas[:MOST_AREAS]):
        part = "fips" if area.fips is not None else "ugc" if area.ugc is not None else "state"
        try:
            check_area(area)
        except ValueError as error:
            yield FieldError(f"/areas/{index}/{part}", str(error))


def _audience(content: Content, place: str) -> Iterator[FieldError]:
    for index, name in enumerate(content.audience):
        if name not in PLACES:
            yield FieldError(f"/audience/{index}", f"{name[:40]!r} is no state or territory: two lower-case letters")
        elif name == place:
            yield FieldError(f"/audience/{index}", "is this state itself: it always has what it releases")
    if len(set(content.audience)) < len(content.audience):
        yield FieldError("/audience", "names a place twice")


def _language(content: Content) -> Iterator[FieldError]:
    if not _LANG.fullmatch(content.lang):
        yield FieldError("/lang", "is no language tag: such as en or es-MX")
    yield from _many("/translations", content.translations, MOST_TRANSLATIONS)
    languages = [content.lang, *(one.lang for one in content.translations)]
    if len(set(languages)) < len(languages):
        yield FieldError("/translations", "gives a language twice")
    for index, one in enumerate(content.translations[:MOST_TRANSLATIONS]):
        if not _LANG.fullmatch(one.lang):
            yield FieldError(f"/translations/{index}/lang", "is no language tag: such as es")
        yield from _words(f"/translations/{index}/headline", one.headline, HEADLINE * 2, needed=True, lines=False)
        yield from _words(f"/translations/{index}/text", one.text, TEXT, needed=True)


def _attachments(content: Content) -> Iterator[FieldError]:
    yield from _many("/attachments", content.attachments, MOST_ATTACHMENTS)
    for index, one in enumerate(content.attachments[:MOST_ATTACHMENTS]):
        yield from _words(f"/attachments/{index}/name", one.name, HEADLINE, needed=True, lines=False)
        yield from _facts(f"/attachments/{index}", one)


def _facts(pointer: str, one: Attachment) -> Iterator[FieldError]:
    if not _SHA256.fullmatch(one.sha256):
        yield FieldError(f"{pointer}/sha256", "is no SHA-256 in lower-case hex")
    if not _MEDIA.fullmatch(one.media_type):
        yield FieldError(f"{pointer}/media_type", "is no media type: such as application/pdf")
    if not 0 <= one.size < 2**53:
        yield FieldError(f"{pointer}/size", "is no size in bytes")


def ordered(names: Iterable[str]) -> tuple[str, ...]:
    """Places in the one order that the commitment covers."""
    return tuple(sorted(set(names)))
