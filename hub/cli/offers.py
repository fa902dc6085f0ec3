"""The file by which a peer gives back to a restored node what it holds of it: one signed message a line, a head and an end."""

from __future__ import annotations

import base64
import binascii
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import msgspec

from hub.cli.client import Client
from hub.desk import recover
from hub.desk.office import Office
from hub.desk.receive import Arrival, receive
from hub.desk.reclaim import Found
from hub.errors import SettingsError
from hub.node import utc_now
from hub.rules.decision import Refused
from hub.store import restoring
from hub.store.database import Database
from schemas.envelope import Envelope, EnvelopeError, verify
from schemas.vocabulary import Mode

T = TypeVar("T")
_AT_ONCE = 200

_LONGEST = 512 * 1024  # a line: a message of 256 KiB in base64, its subject, key and signature


class Head(msgspec.Struct, frozen=True, rename={"from_": "from"}):
    """The first line: whose node wrote the file for whose."""

    offer: int
    from_: str
    to: str
    mode: str


class _Line(msgspec.Struct, frozen=True):
    subject: str
    payload: str
    key: str
    signature: str


class _End(msgspec.Struct, frozen=True):
    end: int


class Offer(NamedTuple):
    """One file, read: its head and its messages, whose signatures are still to be judged."""

    head: Head
    items: list[Envelope]


class Taken(msgspec.Struct, frozen=True):
    """What one peer gave back: messages of ours, of its own, and how many of both were refused."""

    peer: str
    ours: int
    theirs: int
    refused: int

    @property
    def words(self) -> str:
        """As it is told."""
        return f"{self.peer.upper()} gave back {self.ours} of ours and {self.theirs} of its own; {self.refused} were refused."


def fetch(client: Client, place: str, out: Path) -> int:
    """Ask a running node for everything that it can give back to `place` and write it; how many messages."""
    count = 0
    descriptor = os.open(out, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        for number, page in enumerate(_pages(client, place)):
            if number == 0:
                _write(file, {"offer": 1, "from": page["from"], "to": page["to"], "mode": page["mode"]})
            for each in page["items"]:
                _write(file, each)
                count += 1
        _write(file, {"end": count})
        file.flush()
        os.fsync(file.fileno())
    return count


def _pages(client: Client, place: str) -> Iterator[dict[str, Any]]:
    after = "0.0"
    while after is not None:
        page = client.get(f"/api/v1/peers/{place}/offer?after={after}")
        yield page
        after = page["after"]


def _write(file: Any, line: dict[str, Any]) -> None:
    file.write(msgspec.json.encode(line) + b"\n")


def read(path: Path, to: str, mode: Mode) -> Offer:
    """Read a file whole. SettingsError when it is none, was cut off, or is for another node than that of `to` in this mode."""
    found = _read(path)
    if (found.head.to, found.head.mode) != (to, mode.value):
        words = f"{path} is for {found.head.to[:20].upper()} ({found.head.mode[:20]}), not for {to.upper()} ({mode})."
        raise SettingsError(words, code="offer")
    return found


def _read(path: Path) -> Offer:
    try:
        with path.open("rb") as file:
            lines = iter(lambda: file.readline(_LONGEST), b"")
            head = msgspec.json.decode(next(lines, b""), type=Head)
            items: list[Envelope] = []
            for line in lines:
                if line.startswith(b'{"end"'):
                    return _ended(path, head, items, msgspec.json.decode(line, type=_End).end)
                items.append(_envelope(line))
    except OSError as error:
        raise SettingsError(f"{path}: {error.strerror}", code="offer") from None
    except (msgspec.MsgspecError, ValueError, binascii.Error) as error:
        raise SettingsError(f"{path} is no offer of a peer: {error}", code="offer") from None
    raise SettingsError(f"{path} was cut off: its last line is not the end.", code="offer")


def _ended(path: Path, head: Head, items: list[Envelope], said: int) -> Offer:
    if said != len(items) or head.offer != 1:
        raise SettingsError(f"{path} holds {len(items)} messages and says {said}.", code="offer")
    return Offer(head, items)


def _envelope(line: bytes) -> Envelope:
    one = msgspec.json.decode(line, type=_Line)
    return Envelope(one.subject, base64.b64decode(one.payload, validate=True), one.key, one.signature)


def give_back(database: Database, office: Office, offer: Offer) -> Taken:
    """What a peer gives back: our own into the record, its own as if it came over the link."""
    ours = [Found(one) for one in offer.items if one.key == office.key_id]
    theirs = [_arrival(one) for one in offer.items if one.key != office.key_id]
    refused = 0
    for mine in _some(ours) if database.read_sync(restoring.held) else ():
        done = database.write_sync(recover.reclaim, office, utc_now(), mine)
        refused += done.refused
    for some in _some(theirs):
        decisions = database.write_sync(receive, office, utc_now(), offer.head.from_, some)
        refused += sum(isinstance(one, Refused) for one in decisions)
    taken = Taken(offer.head.from_, len(ours), len(theirs), refused)
    database.write_sync(recover.read_back, office, utc_now(), offer.head.from_, msgspec.to_builtins(taken))
    return taken


def _some(items: list[T]) -> Iterator[list[T]]:
    for first in range(0, len(items), _AT_ONCE):
        yield items[first : first + _AT_ONCE]


def _arrival(sealed: Envelope) -> Arrival:
    try:
        verify(sealed)
    except EnvelopeError as error:
        return Arrival(sealed.subject, sealed.payload, sealed.key, sealed.signature, Refused(error.code, error.message))
    return Arrival(sealed.subject, sealed.payload, sealed.key, sealed.signature)
