"""One durable at a peer: a standing pull, what came of it so far, and the acknowledgements.

A pull in flight is lost when the peer's server restarts, so each lives three seconds and is asked again; a server that says
nothing at all for twice that long is taken for gone.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Sequence
from typing import Any, Final

from nats.aio.msg import Msg
from nats.errors import Error, NoRespondersError

from hub.wire.connection import Connection, NoLink
from hub.wire.names import API
from schemas.vocabulary import Lane

_BATCH: Final = 512
_BYTES: Final = 8 << 20
_EXPIRES: Final = 3.0
_SILENCE: Final = 2 * _EXPIRES + 1
_HASTY: Final = 0.5
_FINAL: Final = ("Deleted", "Shutdown", "Exceeded", "push based")  # ADR-13 lists the words of status 409
_HANDED_BACK: Final = 5_000
_ACK_TOKENS: Final = 9  # $JS ACK stream durable delivered stream-sequence delivery-sequence time pending


class Head:
    """What had to be committed before the lane counts as caught up: everything that was there when the link came up.

    `old` are messages that were given to an earlier link and not acknowledged, at or before `edge`; `new` how many came
    after it and wait. First deliveries come in the order of the stream; what is given again comes at any time.
    """

    def __init__(self, info: dict[str, Any]) -> None:
        self.edge = int(info["delivered"]["stream_seq"])
        self._old = int(info["num_ack_pending"])
        self._new = int(info["num_pending"])
        self._newest = self.edge
        self._again: set[int] = set()

    @property
    def left(self) -> int:
        """How many are still to be committed."""
        return max(self._new, 0) + max(self._old - len(self._again), 0)

    def committed(self, sequence: int) -> None:
        """The message at this place of the stream is on disk here."""
        if sequence > self._newest:
            self._newest, self._new = sequence, self._new - 1
        elif sequence <= self.edge and len(self._again) < self._old:
            self._again.add(sequence)


class Pull:
    """The standing pull of one lane over one connection."""

    def __init__(self, connection: Connection, stream: str, durable: str, lane: Lane) -> None:
        self.lane = lane
        self.head: Head | None = None
        self.behind = 0  # what the peer's server still held when it gave the last message
        self._connection = connection
        self._where = f"{stream}.{durable}"
        self._acks = f"$JS.ACK.{self._where}."
        self._inbox = connection.new_inbox()
        self._asked = 0
        self._asked_at = 0.0
        self._left = 0
        self._gathered: list[Msg] = []
        self._news = asyncio.Event()
        self._trouble: str | None = None

    async def begin(self) -> None:
        """See what lies there, hand back what an earlier link left in the air, and start to ask."""
        info = await self._info()
        self.head = Head(info)
        await self._hand_back(info)
        await self._connection.subscribe(
            f"{self._inbox}.*", cb=self._take, pending_msgs_limit=4 * _BATCH, pending_bytes_limit=4 * _BYTES
        )
        await self._ask()

    async def batch(self) -> list[Msg]:
        """What came since the last call, waiting for it; an empty list when one pull ended without a message.

        NoLink when the server is silent, or gives us nothing any more.
        """
        if not self._left:
            await self._ask()
        while not self._gathered and self._left:
            self._news.clear()
            try:
                async with asyncio.timeout(_SILENCE):
                    await self._news.wait()
            except TimeoutError:
                raise NoLink("The peer's server is silent.", code="silent") from None
        taken, self._gathered = self._gathered, []
        if not taken and time.monotonic() - self._asked_at < _HASTY:
            await asyncio.sleep(_HASTY)  # a server that ends every pull at once is not asked in a circle
        elif not self._left:
            await self._ask()  # the next ones come while these are judged and stored
        return taken

    async def acknowledge(self, messages: Sequence[Msg]) -> None:
        """Tell the peer that these are on disk here."""
        await self._connection.acknowledge([message.reply for message in messages])
        if self.head is not None:
            for message in messages:
                self.head.committed(_sequence(message))

    async def look_again(self) -> None:
        """Nothing came for a while, yet the head is not reached: part of it may have been withdrawn meanwhile."""
        self.head = Head(await self._info())

    # ---------------------------------------------------------------------------------------- asking
    async def _ask(self) -> None:
        if self._trouble is not None:
            raise NoLink(f"The peer's server gives us nothing: {self._trouble}", code="refused")
        self._asked += 1
        self._asked_at = time.monotonic()
        self._left = _BATCH
        wanted = {"batch": _BATCH, "max_bytes": _BYTES, "expires": int(_EXPIRES * 1e9)}
        subject = f"{API}.CONSUMER.MSG.NEXT.{self._where}"
        await self._connection.publish(subject, json.dumps(wanted).encode(), f"{self._inbox}.{self._asked}")

    async def _take(self, message: Msg) -> None:
        if message.reply.startswith(self._acks):
            self._left = max(self._left - 1, 0)
            self._gathered.append(message)
            self.behind = _token(message, -1)
        elif message.subject == f"{self._inbox}.{self._asked}":
            self._left = 0
            self._note((message.headers or {}).get("Status", ""), (message.headers or {}).get("Description", ""))
        self._news.set()

    def _note(self, status: str, words: str) -> None:
        """How a pull ended. 404, 408 and most kinds of 409 mean: ask again. A few end the link, and so does any other status."""
        if status not in {"404", "408", "409"} or any(each in words for each in _FINAL):
            self._trouble = f"{status} {words}".strip() or "an answer without a status"

    async def _info(self) -> dict[str, Any]:
        try:
            answer = await self._connection.request(f"{API}.CONSUMER.INFO.{self._where}", b"", timeout=5)
            info: dict[str, Any] = json.loads(answer.data)
            Head(info)
        except NoRespondersError:
            raise NoLink(
                "The peer's server does not know our account yet, or its hub is down.", code="no-durable"
            ) from None
        except (ValueError, KeyError, TypeError):
            raise NoLink(f"The peer's server has no durable {self._where} for us.", code="no-durable") from None
        except Error as error:
            raise NoLink(f"The peer's server does not answer: {error}", code="no-answer") from None
        return info

    async def _hand_back(self, info: dict[str, Any]) -> None:
        """Without this the server gives them again only after `ack_wait`, half a minute later."""
        floor, edge, given = (
            int(info["ack_floor"]["stream_seq"]), int(info["delivered"]["stream_seq"]), info["delivered"]["consumer_seq"]
        )  # fmt: skip
        if not info["num_ack_pending"] or edge - floor > _HANDED_BACK:
            return
        for sequence in range(floor + 1, edge + 1):
            await self._connection.publish(f"{self._acks}1.{sequence}.{given}.{time.time_ns()}.0", b"-NAK")


def _token(message: Msg, position: int) -> int:
    """One number of a delivery's reply subject; 0 when it is none."""
    tokens = message.reply.split(".")
    found = tokens[position] if len(tokens) == _ACK_TOKENS else ""
    return int(found) if found.isdecimal() and found.isascii() else 0


def _sequence(message: Msg) -> int:
    return _token(message, 5)
