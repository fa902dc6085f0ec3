"""What streams, durables and inboxes are called. A name that is frozen once two states are peers (DESIGN section 5)."""

from __future__ import annotations

from typing import Final

from schemas.vocabulary import Lane, Mode

API: Final = "HUB.API"  # where a peer's account sees the calls that it may make
LANES: Final = (Lane.FLASH, Lane.ROUTINE)


def stream_of(mode: Mode) -> str:
    """The stream that carries a mode: LIVE or EXERCISE."""
    return mode.value.upper()


def modes_of(mode: Mode) -> tuple[Mode, ...]:
    """The modes whose streams a node of this mode holds; an exercise node knows nothing of the other one."""
    return (Mode.LIVE, Mode.EXERCISE) if mode is Mode.LIVE else (Mode.EXERCISE,)


def streams_of(mode: Mode) -> tuple[str, ...]:
    """The streams that a node of this mode holds."""
    return tuple(stream_of(each) for each in modes_of(mode))


def durable(place: str, lane: Lane) -> str:
    """The durable that a peer pulls one lane from: `peer-ok-flash`."""
    return f"peer-{place}-{lane.value}"


def inbox(place: str) -> str:
    """The first tokens of everything that a peer's account may listen to."""
    return f"_P.{place}"


def account(place: str) -> str:
    """The account of one place on somebody else's server."""
    return f"PEER_{place}"
