"""NATS subjects, built and read by one strict grammar (FORMAT "Subjects").

    <mode>.<origin>.bulletin.<lane>.<audience>.<tlp>.<topic>     live.tx.bulletin.routine.all.green.violence
    <mode>.<origin>.recall.<all|to-<peer>|g-<owner>-<name>>      live.tx.recall.to-ok
    <mode>.<origin>.rollcall.<all|to-<peer>>                     live.tx.rollcall.all
    <mode>.<origin>.receipt.to-<peer>                            live.ok.receipt.to-tx

A peer and a group's owner are nodes, named by their place. Reserved and refused here: `relay.<me>.<subject>`, `post.<peer>`
and the message kind `part`.
"""

from __future__ import annotations

import re
from typing import Final

import msgspec

from schemas.marking import from_token, token
from schemas.places import parse_origin, parse_place
from schemas.vocabulary import Audience, Lane, Mode, Tlp, Topic

MAX_BYTES: Final = 255
_GROUP: Final = re.compile(r"g-([a-z]{2})-[a-z][a-z0-9]*(?:-[a-z0-9]+)*", re.ASCII)
_WIDE: Final = frozenset({Tlp.CLEAR, Tlp.GREEN})
_RELEASABLE: Final = frozenset(Tlp) - {Tlp.RED}


class SubjectError(ValueError):
    """The subject is off the grammar (`code` "subject"), or its message kind is unknown (`code` "unknown-kind")."""

    def __init__(self, message: str, code: str = "subject") -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class BulletinSubject(msgspec.Struct, frozen=True):
    """Where one copy of a bulletin travels; SubjectError when the parts do not go together."""

    mode: Mode
    origin: str
    lane: Lane
    audience: str
    tlp: Tlp
    topic: Topic

    def __post_init__(self) -> None:
        _check_origin(self.origin)
        _check_audience(self.audience)
        if self.tlp not in _RELEASABLE:
            raise SubjectError("TLP:RED has no subject")
        if self.tlp not in _WIDE and peer_of(self.audience) is None:
            raise SubjectError("AMBER and AMBER+STRICT travel only to one named peer")
        _check_length(str(self))

    def __str__(self) -> str:
        tail = f"{self.lane}.{self.audience}.{token(self.tlp)}.{self.topic}"
        return f"{self.mode}.{self.origin}.bulletin.{tail}"


class RecallSubject(msgspec.Struct, frozen=True):
    """Where a tombstone travels: to all, to a peer or to a group."""

    mode: Mode
    origin: str
    audience: str

    def __post_init__(self) -> None:
        _check_origin(self.origin)
        _check_audience(self.audience)
        _check_length(str(self))

    def __str__(self) -> str:
        return f"{self.mode}.{self.origin}.recall.{self.audience}"


class RollcallSubject(msgspec.Struct, frozen=True):
    """Where a roll-call travels (reserved for the federation issue): to all or to a peer."""

    mode: Mode
    origin: str
    audience: str

    def __post_init__(self) -> None:
        _check_origin(self.origin)
        _check_audience(self.audience)
        if group_of(self.audience) is not None:
            raise SubjectError("a roll-call goes to all or to one peer")

    def __str__(self) -> str:
        return f"{self.mode}.{self.origin}.rollcall.{self.audience}"


class ReceiptSubject(msgspec.Struct, frozen=True):
    """Where receipts travel (reserved for the federation issue): `to` is the peer's place."""

    mode: Mode
    origin: str
    to: str

    def __post_init__(self) -> None:
        _check_origin(self.origin)
        _check_audience(f"to-{self.to}")

    def __str__(self) -> str:
        return f"{self.mode}.{self.origin}.receipt.to-{self.to}"


Subject = BulletinSubject | RecallSubject | RollcallSubject | ReceiptSubject


def parse(subject: str) -> Subject:
    """The subject's parts; SubjectError for anything off the grammar. `str(parse(text)) == text` for all that is taken."""
    _check_length(subject)
    tokens = subject.split(".")
    if len(tokens) < 3:
        raise SubjectError(f"not a subject: {subject!r}")
    try:
        mode = Mode(tokens[0])
        _check_origin(tokens[1])
        return _by_kind(mode, tokens[1], tokens[2], tokens[3:])
    except SubjectError:
        raise
    except ValueError as error:
        raise SubjectError(str(error)) from None


def _by_kind(mode: Mode, origin: str, kind: str, rest: list[str]) -> Subject:
    match kind, rest:
        case "bulletin", [lane, audience, tlp, topic]:
            return BulletinSubject(mode, origin, Lane(lane), audience, from_token(tlp), Topic(topic))
        case "recall", [audience]:
            return RecallSubject(mode, origin, audience)
        case "rollcall", [audience]:
            return RollcallSubject(mode, origin, audience)
        case "receipt", [audience] if (peer := peer_of(audience)) is not None:
            return ReceiptSubject(mode, origin, peer)
        case (("bulletin" | "recall" | "rollcall" | "receipt"), _):
            raise SubjectError(f"a {kind} subject has other parts")
        case _:
            raise SubjectError(f"unknown message kind {kind[:40]!r}", "unknown-kind")


def peer_of(audience: str) -> str | None:
    """The place behind `to-<place>`, else None."""
    return audience[3:] if audience.startswith("to-") else None


def group_of(audience: str) -> str | None:
    """The name behind `g-<owner>-<name>` ("<owner>-<name>"), else None."""
    return audience[2:] if audience.startswith("g-") else None


def fits(audience: str, audience_class: Audience) -> bool:
    """Whether a copy on this audience token may carry this class: `all` on all or to-, `group` on g- or to-, `named` on to-."""
    if peer_of(audience) is not None:
        return True
    if group_of(audience) is not None:
        return audience_class is Audience.GROUP
    return audience_class is Audience.ALL


def filter_of(
    mode: Mode,
    origin: str | None,
    lane: Lane | None = None,
    audience: str | None = None,
    tlp: Tlp | None = None,
    topic: Topic | None = None,
) -> str:
    """A NATS filter for bulletin subjects: None stands for any (`*`); a part that is given must be right by itself."""
    if origin is not None:
        _check_origin(origin)
    if audience is not None:
        _check_audience(audience)
    parts = (origin, "bulletin", lane, audience, None if tlp is None else token(tlp), topic)
    return ".".join((mode.value, *("*" if part is None else str(part) for part in parts)))


def _check_origin(origin: str) -> None:
    try:
        parse_origin(origin)
    except ValueError as error:
        raise SubjectError(str(error)) from None


def _check_audience(audience: str) -> None:
    if audience == "all":
        return
    group = _GROUP.fullmatch(audience)
    place = peer_of(audience) if group is None else group.group(1)
    if place is None:
        raise SubjectError(f"not an audience: {audience[:40]!r}")
    try:
        parse_place(place)
    except ValueError as error:
        raise SubjectError(str(error)) from None


def _check_length(subject: str) -> None:
    if len(subject.encode("utf-8", "surrogatepass")) > MAX_BYTES:
        raise SubjectError(f"a subject has at most {MAX_BYTES} bytes")
