"""A restored node reads its own streams before it sends anything: what they hold of ours and the record lacks is taken back.

Only a stream that this very record was sending into, and that was not set back, ends the hold; from any other what is ours is
read all the same, and the hold goes on until a director ends it.
"""

from __future__ import annotations

import asyncio
import dataclasses
import datetime as dt
from collections.abc import Callable

import structlog

from hub.desk import recover
from hub.desk.office import Office
from hub.desk.reclaim import Found, Reclaimed
from hub.errors import Conflict
from hub.store import outbox, restoring
from hub.store.database import Database, Tx
from hub.store.outbox import StreamState
from hub.store.restoring import OWN
from hub.wire.bus import Bus, Stream
from hub.wire.names import modes_of
from schemas.envelope import EnvelopeError, open_headers
from schemas.vocabulary import Mode

_AT_ONCE = 200
_LOOK_AGAIN = 30.0
log = structlog.get_logger(__name__)


@dataclasses.dataclass(slots=True)
class _Read:
    """What was read of one stream: in which of our epochs it counts, None when it is no evidence."""

    stream: Stream
    epoch: int | None
    taken: Reclaimed


class Recovery:
    """Runs before the sender. `words` say why nothing is sent, None when nothing holds it."""

    def __init__(self, database: Database, office: Office, clock: Callable[[], dt.datetime]) -> None:
        self.words: str | None = None
        self._database = database
        self._office = office
        self._clock = clock

    async def run(self, bus: Bus) -> None:
        """Come back when the node is not held (any more). Raises what ends the connection, as the sender does."""
        if not await self._database.read(restoring.held):
            self.words = None
            return
        self.words = "held after a restore: its own streams are being read"
        reads = {mode: await self._read(bus, mode) for mode in modes_of(self._office.mode)}
        own = reads[self._office.mode]
        if own is not None and own.epoch is not None:
            await self._end([read for read in reads.values() if read is not None])
        else:
            await self._wait(lacking=own is None)
        self.words = None

    async def _read(self, bus: Bus, mode: Mode) -> _Read | None:
        stream = await bus.found(mode)
        if stream is None:
            return None
        known = await self._database.read(outbox.stream_state, stream.name)
        epoch = _epoch(stream, known)
        taken, batch = Reclaimed(), []
        async for sequence, subject, block, payload in bus.everything(stream):
            try:
                sealed = open_headers(subject, block, payload)
            except EnvelopeError as error:
                log.warning("a message of our own stream is no message of ours", sequence=sequence, error=error.message)
                continue
            batch.append(Found(sealed, None if epoch is None else (epoch, sequence)))
            if len(batch) >= _AT_ONCE:
                await self._take(batch, taken)
                batch = []
        await self._take(batch, taken)
        log.info("the own stream was read", stream=stream.name, evidence=epoch is not None, versions=taken.versions,
                 tombstones=taken.tombstones, known=taken.known, refused=taken.refused, why=taken.why[:3])  # fmt: skip
        return _Read(stream, epoch, taken)

    async def _take(self, batch: list[Found], taken: Reclaimed) -> None:
        if not batch:
            return
        done = await self._database.write(recover.reclaim, self._office, self._clock(), batch)
        taken.versions += done.versions
        taken.tombstones += done.tombstones
        taken.known += done.known
        taken.refused += done.refused
        taken.why += done.why

    async def _end(self, reads: list[_Read]) -> None:
        try:
            done = await self._database.write(end, self._office, self._clock(), reads)
            log.info("the hold is over", numbers=done.numbers)
        except Conflict:  # a director was faster
            return

    async def _wait(self, *, lacking: bool) -> None:
        """Until a director ends the hold."""
        why = "there is no stream of its own" if lacking else "the stream is another life of it, or was set back"
        self.words = f"held after a restore: {why}; a director ends it with hub restore override"
        await self._database.write(note_looked)
        while True:
            generation = self._database.changed.generation
            if not await self._database.read(restoring.held):
                return
            await self._database.changed.after(generation, _LOOK_AGAIN)
            await asyncio.sleep(0)


def end(tx: Tx, office: Office, now: dt.datetime, reads: list[_Read]) -> recover.Resumed:
    """Our own part of the hold is over: remember the streams as they are, and say what was read."""
    body: dict[str, object] = {}
    for read in reads:
        if read.epoch is None:
            continue
        known = outbox.stream_state(tx, read.stream.name)
        data = "{}" if known is None else known.data
        outbox.set_stream_state(
            tx, read.stream.name, StreamState(read.epoch, read.stream.identity, read.stream.last, data)
        )
        body[read.stream.name] = {
            "last": read.stream.last, "versions": read.taken.versions, "tombstones": read.taken.tombstones,
            "known": read.taken.known, "refused": read.taken.refused,
        }  # fmt: skip
    done = recover.read_back(tx, office, now, OWN, body)
    if OWN not in done.parts:
        raise Conflict("The hold is over already.", code="not-held")
    return done


def note_looked(tx: Tx) -> None:
    """The streams were looked at, and are no evidence."""
    waiting = restoring.state(tx)
    if waiting is not None:
        restoring.note_looked(tx, waiting.epoch)


def _epoch(stream: Stream, known: StreamState | None) -> int | None:
    """Our epoch of this stream when it is the one that the record knows and was not set back; the first when none is known."""
    if known is None:
        return 1
    same = known.identity == stream.identity and stream.last >= known.sequence
    return known.epoch if same else None
