"""The hub on its own server: streams, the peers' durables, publishing and deleting, over one connection.

What a stream and a durable are made of is frozen once two states are peers; each value has its reason beside it.
"""

from __future__ import annotations

import asyncio
import base64
import dataclasses
import json
import uuid
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from typing import Any, Final

from nats.aio.msg import Msg
from nats.errors import Error
from nats.js import JetStreamContext
from nats.js.api import (
    AckPolicy,
    ConsumerConfig,
    ConsumerInfo,
    DeliverPolicy,
    DiscardPolicy,
    RetentionPolicy,
    StorageType,
    StreamConfig,
    StreamInfo,
)
from nats.js.errors import APIError, NotFoundError

from hub.errors import HubError
from hub.wire.config import MAX_PAYLOAD
from hub.wire.connection import Connection
from hub.wire.names import stream_of
from schemas.vocabulary import Mode

ACK_WAIT: Final = 30.0
MAX_ACK_PENDING: Final = 1_000
_ANSWER_WITHIN: Final = 10.0
_NOTES: Final = "_nats."  # the server's own notes in the metadata that it gives back
_PAGE: Final = 256


class BusError(HubError):
    """The node's own server does not take what the hub asks of it."""


@dataclasses.dataclass(frozen=True, slots=True)
class Stored:
    """The server's answer to a message: where it lies, and whether it says that it had it already."""

    sequence: int
    duplicate: bool


@dataclasses.dataclass(frozen=True, slots=True)
class Stream:
    """One stream as it is found: `identity` is the random name of this life of the store, `last` its newest sequence."""

    mode: Mode
    name: str
    identity: str
    last: int
    created: bool


@dataclasses.dataclass(frozen=True, slots=True)
class Durable:
    """One durable of a peer: what it may be given. `filters` is never empty, for an empty list would give everything."""

    stream: str
    name: str
    filters: tuple[str, ...]
    peer: str
    agreement: str

    def __post_init__(self) -> None:
        if not self.filters:
            raise ValueError(f"{self.name}: an empty filter delivers everything")


class Bus:
    """JetStream calls of the hub's own user. Every call is bounded; OSError, nats errors and TimeoutError come through."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._js: JetStreamContext = connection.jetstream(timeout=_ANSWER_WITHIN)
        self._inbox = connection.new_inbox()
        self._asked = 0
        self._waiting: dict[str, asyncio.Future[Msg]] = {}

    # ----------------------------------------------------------------------------------------- streams
    async def stream(self, mode: Mode, origins: Sequence[str], max_bytes: int) -> Stream:
        """Make the mode's stream, or bring it to these origins and this size; says which life of it this is."""
        name = stream_of(mode)
        subjects = [f"{mode.value}.{origin}.>" for origin in origins]
        try:
            found = await self._js.stream_info(name)
        except NotFoundError:
            wanted = stream_config(name, subjects, max_bytes, uuid.uuid4().hex)
            return _stream(mode, await self._js.add_stream(wanted), created=True)
        identity = (found.config.metadata or {}).get("epoch") or uuid.uuid4().hex
        wanted = stream_config(name, subjects, max_bytes, identity)
        if not _same(found.config, wanted):
            found = await self._js.update_stream(wanted)
        return _stream(mode, found, created=False)

    async def found(self, mode: Mode) -> Stream | None:
        """The mode's stream as it lies there, untouched; None when there is none."""
        try:
            info = await self._js.stream_info(stream_of(mode))
        except NotFoundError:
            return None
        if not (info.config.metadata or {}).get("epoch"):
            return None
        return _stream(mode, info, created=False)

    async def everything(self, stream: Stream) -> AsyncIterator[tuple[int, str, bytes, bytes]]:
        """Every message up to the stream's `last` as sequence, subject, header block and payload, in its order."""
        sequence = 0
        while sequence < stream.last:
            try:
                message = await self._js.get_msg(stream.name, seq=sequence + 1, subject=">", next=True)
            except NotFoundError:
                return
            sequence = message.seq or stream.last
            block = base64.b64decode(message.hdrs or b"")
            yield sequence, message.subject or "", block, message.data or b""

    async def begin_anew(self, stream: Stream, origins: Sequence[str], max_bytes: int) -> Stream:
        """Empty a stream that was set back (a restored copy of its store) and give its life a new name."""
        await self._js.purge_stream(stream.name)
        subjects = [f"{stream.mode.value}.{origin}.>" for origin in origins]
        wanted = stream_config(stream.name, subjects, max_bytes, uuid.uuid4().hex)
        return _stream(stream.mode, await self._js.update_stream(wanted), created=True)

    # ---------------------------------------------------------------------------------------- durables
    async def agree(self, wanted: Iterable[Durable]) -> None:
        """Make every durable what it must be, and remove peers' durables that are no longer wanted."""
        by_stream: dict[str, list[Durable]] = {}
        for durable in wanted:
            by_stream.setdefault(durable.stream, []).append(durable)
        for stream, durables in by_stream.items():
            found = {info.name: info for info in await self._consumers(stream)}
            for durable in durables:
                old = found.pop(durable.name, None)
                config = consumer_config(durable)
                if old is None or not _same(old.config, config):
                    await self._js.add_consumer(stream, config)
            for name in found:
                if name.startswith("peer-"):
                    await self._js.delete_consumer(stream, name)

    async def pending(self, stream: str, durable: str) -> int:
        """How many messages the durable would still deliver, by the server's own count."""
        return (await self._js.consumer_info(stream, durable)).num_pending or 0

    async def _consumers(self, stream: str) -> list[ConsumerInfo]:
        found: list[ConsumerInfo] = []
        while True:
            page = await self._js.consumers_info(stream, offset=len(found))
            found += page
            if len(page) < _PAGE:
                return found

    # ---------------------------------------------------------------------------------------- messages
    async def publish(self, messages: Sequence[tuple[str, bytes, Mapping[str, str]]]) -> list[Stored | BusError]:
        """Publish in this order and wait for all answers; one refused message does not stop the others.

        Written here because nats-py's `publish_async` never ends when the server refuses a message.
        """
        if not self._asked:
            await self._connection.subscribe(f"{self._inbox}.*", cb=self._take_answer)
        answers: list[asyncio.Future[Msg]] = []
        for number, (subject, payload, headers) in enumerate(messages, start=self._asked):
            answers.append(asyncio.get_running_loop().create_future())
            self._waiting[str(number)] = answers[-1]
            await self._connection.publish(subject, payload, f"{self._inbox}.{number}", dict(headers))
        self._asked += len(messages)
        try:
            async with asyncio.timeout(_ANSWER_WITHIN + len(messages) / 100):
                return [_stored(await answer) for answer in answers]
        finally:
            self._waiting.clear()

    async def _take_answer(self, message: Msg) -> None:
        waiting = self._waiting.pop(message.subject.rpartition(".")[2], None)
        if waiting is not None and not waiting.done():
            waiting.set_result(message)

    async def holds(self, stream: str, sequence: int, subject: str, payload: bytes) -> bool:
        """Whether this very message lies at this place."""
        return await self.at(stream, sequence) == (subject, payload)

    async def at(self, stream: str, sequence: int) -> tuple[str, bytes] | None:
        """Subject and payload of the message at this place, None when there is none."""
        try:
            found = await self._js.get_msg(stream, sequence)
        except NotFoundError:
            return None
        return found.subject or "", found.data or b""

    async def delete(self, stream: str, sequence: int) -> None:
        """Take one message out of the stream, overwritten; fine when it is gone already."""
        try:
            await self._js.delete_msg(stream, sequence)
        except APIError:
            try:
                await self._js.get_msg(stream, sequence)
            except NotFoundError:
                return
            raise

    async def flush(self) -> None:
        """Come back when the server has taken all that was said; Error when it is not there."""
        await self._connection.flush(5)


def stream_config(name: str, subjects: Sequence[str], max_bytes: int, identity: str) -> StreamConfig:
    """What a stream is made of (DESIGN section 5)."""
    return StreamConfig(
        name=name,
        subjects=list(subjects),
        storage=StorageType.FILE,
        retention=RetentionPolicy.LIMITS,
        discard=DiscardPolicy.NEW,  # `old` dropped messages that nobody had read, without a word
        max_bytes=max_bytes,
        max_msg_size=MAX_PAYLOAD,
        max_age=0,
        max_msgs=-1,
        max_consumers=-1,
        duplicate_window=120,
        num_replicas=1,
        deny_delete=False,  # once set it can never be unset, and what was withdrawn must leave
        deny_purge=False,
        allow_direct=False,
        metadata={"epoch": identity},
    )


def consumer_config(durable: Durable) -> ConsumerConfig:
    """What a durable is made of.

    Acknowledged one by one: with `all`, a peer that lost its link with messages in hand and acknowledged a newer one over
    the next link lost them for ever, because the server gives them again only after `ack_wait`.
    """
    return ConsumerConfig(
        durable_name=durable.name,
        deliver_policy=DeliverPolicy.ALL,
        ack_policy=AckPolicy.EXPLICIT,
        ack_wait=ACK_WAIT,
        max_deliver=-1,
        max_ack_pending=MAX_ACK_PENDING,
        max_waiting=8,
        filter_subjects=sorted(durable.filters),
        metadata={"peer": durable.peer, "agreement": durable.agreement},
    )


def _stored(message: Msg) -> Stored | BusError:
    """A PubAck (JetStream API, `io.nats.jetstream.api.v1.pub_ack_response`), or why there is none."""
    if (message.headers or {}).get("Status") == "503":
        return BusError("no stream takes this subject", code="no-stream")
    try:
        told = json.loads(message.data)
        if (error := told.get("error")) is not None:
            return BusError(f"{error['description']} ({error['err_code']})", code=str(error["err_code"]))
        return Stored(int(told["seq"]), bool(told.get("duplicate")))
    except (ValueError, KeyError, TypeError, AttributeError):
        return BusError("the server's answer is none", code="answer")


def _stream(mode: Mode, info: StreamInfo, *, created: bool) -> Stream:
    identity = (info.config.metadata or {})["epoch"]
    return Stream(mode, info.config.name or "", identity, info.state.last_seq, created)


def _same(found: StreamConfig | ConsumerConfig, wanted: StreamConfig | ConsumerConfig) -> bool:
    """Whether the server's configuration says all that we ask for; it adds values of its own."""
    asked, there = _plain(wanted), _plain(found)
    return all(there.get(name) == value for name, value in asked.items())


def _plain(config: StreamConfig | ConsumerConfig) -> dict[str, Any]:
    plain: dict[str, Any] = json.loads(json.dumps(config.as_dict()))
    if one := plain.pop("filter_subject", None):  # the server's spelling of a list of one
        plain["filter_subjects"] = [one]
    for name in ("filter_subjects", "subjects"):
        plain[name] = sorted(plain.get(name) or ())
    noted = plain.get("metadata") or {}
    plain["metadata"] = {key: value for key, value in noted.items() if not key.startswith(_NOTES)}
    return {name: value for name, value in plain.items() if value is not None}


TROUBLE: Final = (OSError, Error, TimeoutError, BusError)  # what a call here may raise when the server is not well
