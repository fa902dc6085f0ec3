"""What one peer may have, and the filters that make the broker keep to it (DESIGN section 5; FORMAT "Subjects").

Filters are allow lists. Recall, roll-call and receipt filters stay whatever the agreement says, so that what is out can always
be taken back; a list is never empty, because an empty one delivers everything, and no filter in a list lies within another, because
the server refuses such a list.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Iterable, Iterator
from typing import Final

from hub.rules.decision import Allowed, Leave, Withheld
from schemas.marking import rank, stricter
from schemas.register import AgreementFile
from schemas.subjects import RecallSubject, ReceiptSubject, RollcallSubject, filter_of
from schemas.vocabulary import Lane, Mode, Tlp, Topic

EVERYTHING: Final = frozenset(Topic)
_WIDE: Final = (Tlp.CLEAR, Tlp.GREEN)
_NARROW: Final = (Tlp.CLEAR, Tlp.GREEN, Tlp.AMBER, Tlp.AMBER_STRICT)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """What `peer` may have from this node, from `since` until just before `until` (None: until one of the two ends it)."""

    peer: str
    topics: frozenset[Topic]
    ceiling: Tlp
    lanes: frozenset[Lane]
    since: dt.datetime
    until: dt.datetime | None = None
    redistribution: bool = False
    max_messages_per_day: int = 10_000
    max_bytes: int = 1_000_000_000

    def in_force(self, now: dt.datetime) -> Leave:
        """Whether it has begun and not ended."""
        if now < self.since:
            return Withheld("agreement-not-begun", f"The agreement with {self.peer} begins on {self.since:%Y-%m-%d}.")
        if self.until is not None and now >= self.until:
            return Withheld("agreement-ended", f"The agreement with {self.peer} ended on {self.until:%Y-%m-%d}.")
        return Allowed()

    def allows(self, *, topic: Topic, tlp: Tlp, lane: Lane, now: dt.datetime) -> Leave:
        """Whether it covers such a bulletin now."""
        begun = self.in_force(now)
        if isinstance(begun, Withheld):
            return begun
        if topic not in self.topics:
            return Withheld("topic", f"The agreement with {self.peer} does not cover the topic {topic}.")
        if rank(tlp) > rank(self.ceiling) or tlp is Tlp.RED:
            return Withheld(
                "ceiling",
                f"The agreement with {self.peer} goes up to TLP:{self.ceiling.upper()}; this is TLP:{tlp.upper()}.",
            )
        if lane not in self.lanes:
            return Withheld("lane", f"The agreement with {self.peer} does not cover the {lane} lane.")
        return Allowed()


@dataclasses.dataclass(frozen=True, slots=True)
class Filters:
    """The `filter_subjects` of a peer's two durables on one stream; neither is ever empty."""

    flash: tuple[str, ...]
    routine: tuple[str, ...]


def of_file(file: AgreementFile) -> Agreement:
    """The agreement that an operator's file holds."""
    return Agreement(
        peer=file.peer,
        topics=file.topic_set,
        ceiling=file.ceiling,
        lanes=frozenset(file.lanes),
        since=file.from_,
        until=file.until,
        redistribution=file.redistribution,
        max_messages_per_day=file.caps.max_messages_per_day,
        max_bytes=file.caps.max_bytes,
    )


def filters(agreement: Agreement | None, *, peer: str, mode: Mode, origins: Iterable[str], now: dt.datetime) -> Filters:
    """The filters of peer `peer` on this node's stream of `mode`, for each of the node's own `origins`.

    No agreement, or one for another peer, not begun or ended, allows no bulletin.
    """
    own = sorted(set(origins))
    void = (void_filter(peer),)
    control = tuple(text for origin in own for text in _control(mode, origin, peer))
    flash = control + _bulletins(agreement, peer, mode, own, Lane.FLASH, now)
    routine = _bulletins(agreement, peer, mode, own, Lane.ROUTINE, now)
    return Filters(flash=flash or void, routine=routine or void)


def void_filter(peer: str) -> str:
    """A filter that no stream holds a subject for."""
    return f"void.{peer}"


def _control(mode: Mode, origin: str, peer: str) -> Iterator[str]:
    for audience in ("all", f"to-{peer}"):
        yield str(RecallSubject(mode, origin, audience))
        yield str(RollcallSubject(mode, origin, audience))
    yield str(ReceiptSubject(mode, origin, peer))


def _bulletins(
    agreement: Agreement | None, peer: str, mode: Mode, origins: list[str], lane: Lane, now: dt.datetime
) -> tuple[str, ...]:
    if agreement is None or agreement.peer != peer or lane not in agreement.lanes:
        return ()
    if isinstance(agreement.in_force(now), Withheld):
        return ()
    topics: tuple[Topic | None, ...] = (None,) if agreement.topics >= EVERYTHING else tuple(sorted(agreement.topics))
    levels = tuple(_levels(agreement.ceiling, peer))
    return tuple(
        filter_of(mode, origin, lane, audience, tlp, topic)
        for origin in origins
        for audience, tlp in levels
        for topic in topics
    )


def _levels(ceiling: Tlp, peer: str) -> Iterator[tuple[str, Tlp]]:
    """Every (audience, level) up to the ceiling; each level is named, so that none comes in by a wildcard."""
    for audience, levels in (("all", _WIDE), (f"to-{peer}", _NARROW)):
        for tlp in levels:
            if stricter(tlp, ceiling) is ceiling:
                yield audience, tlp
