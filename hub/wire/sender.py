"""From the outbox into the node's own streams (house law 3: JetStream is filled, checked and refilled from the record).

Each round first makes the peers' durables what the agreements say, then takes out of the streams what was superseded, and
only then puts in what waits: whoever lost a right has lost it before the next message goes in.
"""

from __future__ import annotations

import asyncio
import dataclasses
import datetime as dt
import hashlib
from collections.abc import Callable, Sequence
from typing import Final

import structlog

from hub.desk.office import Office
from hub.metrics import OUTBOX, SENT
from hub.rules.agreement import Agreement, filters, void_filter
from hub.rules.decision import Allowed, Withheld
from hub.rules.release import Exit, Peer, may_leave
from hub.store import outbox, peers, revisions
from hub.store.database import Database, Tx
from hub.store.outbox import Outgoing, StreamState
from hub.wire.bus import Bus, BusError, Durable, Stored, Stream
from hub.wire.names import LANES, durable, modes_of, stream_of
from schemas.envelope import KEY, MSG_ID, SIGNATURE
from schemas.register import encode_agreement
from schemas.vocabulary import Lane, Mode

Clock = Callable[[], dt.datetime]
Terms = tuple[tuple[str, Agreement | None, bool], ...]
_AT_ONCE: Final = 200
_AT_MOST: Final = 2_000  # so many that cannot be sent do not stand before those that can
_DELETED_AT_ONCE: Final = 500
_LONGEST_PAUSE: Final = 30.0
_LOOK_AGAIN: Final = 30.0  # an agreement begins or ends without a commit
log = structlog.get_logger(__name__)


@dataclasses.dataclass(frozen=True, slots=True)
class Work:
    """What one look at the record found: to delete, to send, not to be sent after all (id, why), and the terms in force."""

    gone: Sequence[outbox.Sent]
    ready: Sequence[Outgoing]
    withheld: Sequence[tuple[int, str]]
    terms: Terms

    @property
    def nothing(self) -> bool:
        """Whether there is nothing to do."""
        return not (self.gone or self.ready or self.withheld)


@dataclasses.dataclass(slots=True)
class Outcome:
    """What became of one round's work: row ids, with where they lie or what went wrong."""

    deleted: list[int] = dataclasses.field(default_factory=list)
    sent: list[tuple[Outgoing, int]] = dataclasses.field(default_factory=list)
    failed: list[tuple[Outgoing, str]] = dataclasses.field(default_factory=list)


class Sender:
    """Keeps the streams full of what the record says, in its order."""

    def __init__(self, database: Database, office: Office, clock: Clock, max_bytes: int) -> None:
        self.error: str | None = None
        self.running = False  # the streams are found, and what the record says goes into them
        self._database = database
        self._office = office
        self._clock = clock
        self._max_bytes = max_bytes
        self._applied: Terms | None = None
        self._epochs: dict[Mode, int] = {}

    async def run(self, bus: Bus) -> None:
        """Send for as long as the connection holds. Raises what ends it (`bus.TROUBLE`, StoreError)."""
        self._applied = None
        try:
            for mode in modes_of(self._office.mode):
                await self._enter(bus, mode)
            self.running = True
            await self._rounds(bus)
        finally:
            self.running = False

    async def _rounds(self, bus: Bus) -> None:
        pause, stuck = 0.0, 0
        while True:
            generation = self._database.changed.generation
            work = await self._database.read(look, self._office, self._clock(), min(_AT_ONCE + stuck, _AT_MOST))
            if work.terms != self._applied:
                await self._agree(bus, work.terms)
            if work.nothing:
                await self._database.changed.after(generation, _LOOK_AGAIN)
                continue
            outcome = await self._do(bus, work)
            await self._database.write(settle, self._clock(), work, outcome, self._epochs)
            stuck = len(outcome.failed)
            pause = await self._rest(outcome, pause)

    async def _enter(self, bus: Bus, mode: Mode) -> None:
        """Find the stream; when this is another life of it, everything that it should hold waits again."""
        stream = await bus.stream(mode, self._office.origins, self._max_bytes)
        known = await self._database.read(outbox.stream_state, stream.name)
        if known is not None and known.identity == stream.identity:
            if stream.last >= known.sequence:
                self._epochs[mode] = known.epoch
                return
            log.error("the stream was set back and is filled anew", stream=stream.name, last=stream.last)
        if known is not None and stream.last:  # what lies there unknown to the record could never be taken back
            stream = await bus.begin_anew(stream, self._office.origins, self._max_bytes)
        self._epochs[mode] = await self._database.write(begin_epoch, stream)

    async def _agree(self, bus: Bus, terms: Terms) -> None:
        everybody = await self._database.read(peers.everybody)
        now = self._clock()
        await bus.agree(each for peer in everybody for each in durables(peer, self._office, now))
        self._applied = terms

    async def _do(self, bus: Bus, work: Work) -> Outcome:
        outcome = Outcome()
        for old in work.gone:
            if old.epoch == self._epochs.get(old.mode):
                await bus.delete(stream_of(old.mode), old.sequence)
            outcome.deleted.append(old.id)
        if len(work.gone) < _DELETED_AT_ONCE and work.ready:
            answers = await bus.publish([_message(each, each.msg_id) for each in work.ready])
            for each, answer in zip(work.ready, answers, strict=True):
                self._note(outcome, each, await self._checked(bus, each, answer))
        return outcome

    async def _checked(self, bus: Bus, outgoing: Outgoing, answer: Stored | BusError) -> Stored | BusError:
        """A duplicate counts only when the message is there: after a delete the server's window swallows it silently."""
        if isinstance(answer, BusError) or not answer.duplicate:
            return answer
        if await self._is_there(bus, outgoing, answer):
            return answer
        again = (
            f"{outgoing.msg_id.partition('#')[0]}#{self._epochs[outgoing.mode]}.{outgoing.id}.{outgoing.attempts + 2}"
        )
        (answer,) = await bus.publish([_message(outgoing, again)])
        if isinstance(answer, Stored) and answer.duplicate and not await self._is_there(bus, outgoing, answer):
            return BusError("the server calls it a duplicate and does not hold it", code="lost-duplicate")
        return answer

    async def _is_there(self, bus: Bus, outgoing: Outgoing, answer: Stored) -> bool:
        return await bus.holds(stream_of(outgoing.mode), answer.sequence, outgoing.subject, outgoing.payload)

    def _note(self, outcome: Outcome, outgoing: Outgoing, answer: Stored | BusError) -> None:
        if isinstance(answer, Stored):
            outcome.sent.append((outgoing, answer.sequence))
        else:
            outcome.failed.append((outgoing, answer.message))

    async def _rest(self, outcome: Outcome, pause: float) -> float:
        """Count what was sent; after a failure wait before trying again. The next pause."""
        SENT.inc(len(outcome.sent))
        taken = len(outcome.sent) + len(outcome.failed)
        OUTBOX.set((await self._database.read(outbox.waiting))[0] if taken >= _AT_ONCE else len(outcome.failed))
        if not outcome.failed:
            self.error = None
            return 0.0
        outgoing, self.error = outcome.failed[0]
        log.error("not sent", subject=outgoing.subject, error=self.error, failed=len(outcome.failed))
        pause = min(pause * 2 or 0.5, _LONGEST_PAUSE)
        await asyncio.sleep(pause)
        return pause


def look(tx: Tx, office: Office, now: dt.datetime, limit: int = _AT_ONCE) -> Work:
    """What is to be done, in one snapshot. Each copy for one peer is asked about again: it may leave now, or it stays."""
    agreements = peers.agreements(tx)
    ready, withheld = [], []
    for outgoing in outbox.pending(tx, limit):
        held = _withheld(tx, office, outgoing, agreements.get(outgoing.to or ""), now)
        if held is None:
            ready.append(outgoing)
        else:
            withheld.append((outgoing.id, f"{held.code}: {held.reason}"))
    terms = tuple((place, one, _in_force(one, now)) for place, one in sorted(agreements.items()))
    return Work(outbox.superseded(tx, _DELETED_AT_ONCE), ready, withheld, terms)


def settle(tx: Tx, now: dt.datetime, work: Work, outcome: Outcome, epochs: dict[Mode, int]) -> None:
    """Write down what became of the round."""
    for row in outcome.deleted:
        outbox.mark_deleted(tx, row)
    for row, reason in work.withheld:
        outbox.withhold(tx, row, reason)
    for outgoing, error in outcome.failed:
        outbox.mark_failed(tx, outgoing.id, error)
    newest: dict[Mode, int] = {}
    for outgoing, sequence in outcome.sent:
        outbox.mark_sent(tx, outgoing.id, epochs[outgoing.mode], sequence, now)
        newest[outgoing.mode] = max(sequence, newest.get(outgoing.mode, 0))
    for mode, sequence in newest.items():
        known = outbox.stream_state(tx, stream_of(mode))
        if known is not None and known.epoch == epochs[mode] and known.sequence < sequence:
            reached = StreamState(known.epoch, known.identity, sequence, known.data)
            outbox.set_stream_state(tx, stream_of(mode), reached)


def begin_epoch(tx: Tx, stream: Stream) -> int:
    """This life of the stream is new to the record: what it should hold waits again. Answers the epoch's number."""
    known = outbox.stream_state(tx, stream.name)
    epoch = 1 if known is None else known.epoch + 1
    outbox.set_stream_state(tx, stream.name, StreamState(epoch, stream.identity, stream.last))
    refilled = outbox.refill(tx, epoch, stream.mode)
    log.info("a new life of the stream", stream=stream.name, epoch=epoch, refilled=refilled)
    return epoch


def durables(peer: peers.Peer, office: Office, now: dt.datetime) -> list[Durable]:
    """What a peer may pull: two durables on each of our streams. An exercise node is given nothing live, not even recalls."""
    file = None if peer.agreement is None else peer.file
    terms = "none" if file is None else hashlib.sha256(encode_agreement(file)).hexdigest()[:16]
    found = []
    for mode in modes_of(office.mode):
        allowed = filters(peer.agreement, peer=peer.place, mode=mode, origins=office.origins, now=now)
        meant = {Lane.FLASH: allowed.flash, Lane.ROUTINE: allowed.routine}
        for lane in LANES:
            given = meant[lane] if mode is Mode.EXERCISE or peer.entry.mode is mode else (void_filter(peer.place),)
            found.append(Durable(stream_of(mode), durable(peer.place, lane), given, peer.place, terms))
    return found


def _withheld(
    tx: Tx, office: Office, outgoing: Outgoing, agreement: Agreement | None, now: dt.datetime
) -> Withheld | None:
    if outgoing.to is None or outgoing.revision is None:  # on `all` each durable decides; a recall always goes
        return None
    revision = revisions.by_seq(tx, outgoing.revision)
    if revision is None:
        return Withheld("gone", "The version is not there any more.")
    reader = Peer(outgoing.to, agreement, f"to-{outgoing.to}")
    leave = may_leave(revision.item(), Exit.SUBJECT, reader, mode=outgoing.mode, now=now, policy=office.policy)
    return None if isinstance(leave, Allowed) else leave


def _in_force(agreement: Agreement | None, now: dt.datetime) -> bool:
    return agreement is not None and isinstance(agreement.in_force(now), Allowed)


def _message(outgoing: Outgoing, msg_id: str) -> tuple[str, bytes, dict[str, str]]:
    headers = {MSG_ID: msg_id, KEY: outgoing.key, SIGNATURE: outgoing.signature}
    return outgoing.subject, outgoing.payload, headers
