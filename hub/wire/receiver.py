"""One peer: dial, pull both lanes, verify, hand to the desk, acknowledge after the commit; for ever, whatever the peer does.

When the link comes up the desk holds both lanes. What arrives is committed, but becomes readable only when everything that
was there at that moment is committed too: flash waits for the flash durable, routine for both, because recalls travel in the
flash durable (FORMAT "Tombstone, recall").
"""

from __future__ import annotations

import asyncio
import dataclasses
import datetime as dt
import random
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Final

import structlog
from nats.aio.msg import Msg
from nats.errors import Error

from hub.desk import receive as desk
from hub.desk.office import Office
from hub.desk.reading import Arrival, ahead
from hub.errors import HubError, StoreError
from hub.metrics import PEER_UP, RECEIVED
from hub.rules.decision import Refused
from hub.store.database import Database
from hub.wire.connection import Endpoint, Headers, dial
from hub.wire.keys import Key
from hub.wire.lane import Pull
from hub.wire.names import LANES, durable, inbox, stream_of
from hub.wire.together import until_one_ends
from schemas.envelope import KEY, SIGNATURE, EnvelopeError, open_headers, verify
from schemas.register import RegisterEntry
from schemas.vocabulary import Lane, Mode

Clock = Callable[[], dt.datetime]
_FIRST_PAUSE: Final = 0.2
_LONGEST_PAUSE: Final = 5.0
_SHOWN: Final = 200
_IN_A_THREAD: Final = 16  # so many signatures take longer than the way to another thread and back
log = structlog.get_logger(__name__)


@dataclasses.dataclass(slots=True)
class Link:
    """How the link to one peer stands. `state`: connecting, catching-up, connected, or off; `behind` messages not yet here."""

    place: str
    state: str = "connecting"
    since: dt.datetime | None = None
    last_message: dt.datetime | None = None
    behind: int = 0
    error: str | None = None


class Receiver:
    """Receives from one peer, whose register entry is `entry`; `endpoint` is how to dial it, and as whom."""

    def __init__(
        self, database: Database, office: Office, clock: Clock, entry: RegisterEntry, endpoint: Endpoint
    ) -> None:
        self.link = Link(entry.place)
        self.entry = entry
        self._database = database
        self._office = office
        self._clock = clock
        self._endpoint = endpoint

    async def run(self) -> None:
        """Until cancelled. Nothing that a peer does ends this, and nothing of it reaches another peer."""
        pause = _FIRST_PAUSE
        while True:
            began = asyncio.get_running_loop().time()
            try:
                await self._session()
            except (HubError, Error, OSError, TimeoutError) as error:
                self._down(getattr(error, "message", None) or str(error) or type(error).__name__)
            except Exception as error:  # noqa: BLE001 - a peer's bytes found a hole of ours: say so and go on
                self._down(f"unexpected: {error!r}")
            finally:
                PEER_UP.labels(self.link.place).set(0)
            if asyncio.get_running_loop().time() - began > _LONGEST_PAUSE:
                pause = _FIRST_PAUSE
            await asyncio.sleep(pause * random.uniform(0.5, 1.5))  # noqa: S311 - spreads the dialling, keeps no secret
            pause = min(pause * 2, _LONGEST_PAUSE)

    async def _session(self) -> None:
        connection = await dial(self._endpoint)
        try:
            stream = stream_of(self._office.mode)
            pulls = [Pull(connection, stream, durable(self._office.place, lane), lane) for lane in LANES]
            await self._database.write(desk.hold, self._office, self._clock(), self.link.place)
            for pull in pulls:
                await pull.begin()
            self._up("catching-up")
            lanes = _Lanes(self, pulls)
            await lanes.open_what_is_reached()
            await until_one_ends(connection.ended(), *(self._receive(pull, lanes) for pull in pulls))
        finally:
            await connection.close()

    async def _receive(self, pull: Pull, lanes: _Lanes) -> None:
        # One batch after the other: a thread that verifies the next one meanwhile fights the writer for the interpreter,
        # and both together were slower than each in turn (measured).
        while True:
            messages = await pull.batch()
            if messages:
                await self._keep(await self._opened(messages, pull.lane))
                await pull.acknowledge(messages)
                self.link.last_message = self._clock()
                self.link.behind = lanes.behind
            elif pull.lane not in lanes.opened and pull.head is not None and pull.head.left:
                await pull.look_again()
            await lanes.open_what_is_reached()

    async def _opened(self, messages: Sequence[Msg], lane: Lane) -> list[Arrival]:
        if len(messages) < _IN_A_THREAD:
            return [arrival_of(message, lane) for message in messages]
        return await asyncio.to_thread(lambda: [arrival_of(message, lane) for message in messages])

    async def _keep(self, arrivals: list[Arrival]) -> None:
        """Commit a batch. An item that breaks the verb itself is quarantined alone, and the rest goes on."""
        try:
            decisions = await self._database.write(desk.receive, self._office, self._clock(), self.link.place, arrivals)
        except StoreError:
            raise  # it is not the peer's fault: nothing is acknowledged, all of it comes again
        except Exception as error:
            if len(arrivals) > 1:
                for each in arrivals:
                    await self._keep([each])
                return
            if arrivals[0].fault is not None:
                raise
            log.warning(
                "an arrival broke the desk", peer=self.link.place, subject=arrivals[0].subject, error=repr(error)
            )
            await self._keep([_faulty(arrivals[0], Refused("broken", f"It could not be judged: {error!r}"))])
            return
        for kind, number in Counter(type(decision).__name__.lower() for decision in decisions).items():
            RECEIVED.labels(self.link.place, kind).inc(number)

    async def open_lane(self, lane: Lane) -> None:
        """What came in this lane is readable from now on."""
        await self._database.write(desk.open_lane, self._office, self._clock(), self.link.place, lane)

    def _up(self, state: str) -> None:
        self.link.state, self.link.since, self.link.error = state, self._clock(), None
        PEER_UP.labels(self.link.place).set(1)
        log.info("linked", peer=self.link.place)

    def _down(self, error: str) -> None:
        if self.link.state != "connecting" or self.link.error != error:
            log.warning("no link", peer=self.link.place, error=error)
        self.link.state, self.link.since, self.link.error = "connecting", None, error


class _Lanes:
    """Which lanes of one link have caught up."""

    def __init__(self, receiver: Receiver, pulls: Sequence[Pull]) -> None:
        self.opened: set[Lane] = set()
        self._receiver = receiver
        self._pulls = {pull.lane: pull for pull in pulls}
        self._opening = asyncio.Lock()

    @property
    def behind(self) -> int:
        """How many messages the peer's server still held for us when it gave the last ones."""
        return sum(pull.behind for pull in self._pulls.values())

    async def open_what_is_reached(self) -> None:
        """Flash when its head is committed; routine when both are."""
        if len(self.opened) == len(LANES):
            return
        async with self._opening:
            for lane, needed in ((Lane.FLASH, (Lane.FLASH,)), (Lane.ROUTINE, LANES)):
                if lane not in self.opened and all(self._is_reached(each) for each in needed):
                    await self._receiver.open_lane(lane)
                    self.opened.add(lane)
        if len(self.opened) == len(LANES):
            self._receiver.link.state = "connected"

    def _is_reached(self, lane: Lane) -> bool:
        head = self._pulls[lane].head
        return lane in self.opened or (head is not None and not head.left)


def arrival_of(message: Msg, lane: Lane) -> Arrival:
    """What the desk gets: the copy as it came, and what is wrong with its envelope, if anything is."""
    raw = message.headers.raw if isinstance(message.headers, Headers) else b""
    try:
        envelope = open_headers(message.subject, raw, message.data)
        verify(envelope)
        bulletin = ahead(message.subject, message.data)
        return Arrival(message.subject, message.data, envelope.key, envelope.signature, None, lane, bulletin)
    except EnvelopeError as error:
        fault = Refused(error.code, error.message)
    return Arrival(message.subject, message.data, _shown(raw, KEY), _shown(raw, SIGNATURE), fault, lane)


def _shown(raw: bytes, name: str) -> str:
    """A header of a block that is no good, as far as it can be read: for the quarantine."""
    values = [line.partition(b":")[2] for line in raw.split(b"\r\n") if line.startswith(name.encode() + b":")]
    return values[0].strip().decode("ascii", "replace")[:_SHOWN] if values else ""


def _faulty(arrival: Arrival, fault: Refused) -> Arrival:
    return Arrival(arrival.subject, arrival.payload, arrival.key, arrival.signature, fault, arrival.lane)


def off_because(own: Mode, entry: RegisterEntry) -> str | None:
    """Why a peer is not dialled at all, in words; None when it is."""
    if entry.nats_url is None or entry.tls_spki_sha256 is None:
        return "It cannot be dialled: its register entry has no address."
    if own is Mode.LIVE and entry.mode is Mode.EXERCISE:
        return "It is an exercise node: it has no live stream."
    return None


def endpoint_of(entry: RegisterEntry, office: Office, key: Key) -> Endpoint:
    """How the node of `office` dials a peer with its connection key."""
    name = f"hub {office.place}"
    return Endpoint(entry.nats_url or "", entry.tls_spki_sha256 or "", key, inbox(office.place), name)
