"""A POST that is sent twice acts once: the verb and its answer are saved in one transaction (house law 2).

The draft "The Idempotency-Key HTTP Header Field" (IETF httpapi) names the header. An answer may hold a new token, so it
is kept sealed under the key that the client made up, of which only a hash is stored.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import hashlib
import re
from collections.abc import Callable

import msgspec
from aiohttp import web
from nacl.secret import SecretBox

from hub.store import idempotency
from hub.store.database import Tx
from hub.store.people import Person
from hub.web.access import PERSON, PROOF, Proof, known
from hub.web.body import read_body
from hub.web.parts import parts
from hub.web.problem import Problem

_KEY = re.compile(r"[\x21-\x7e]{1,200}")


class Reply(msgspec.Struct, frozen=True):
    """An answer in JSON, with the headers that belong to it."""

    status: int
    body: bytes
    headers: dict[str, str] = {}
    media: str = "application/json"

    def response(self, *, replayed: bool = False) -> web.Response:
        """The HTTP response; a replayed one says so."""
        more = {"Idempotency-Replayed": "true"} if replayed else {}
        return web.Response(
            status=self.status,
            body=self.body,
            content_type=self.media,
            headers={**self.headers, **more},
        )


def reply(answer: msgspec.Struct, status: int = 200, headers: dict[str, str] | None = None) -> Reply:
    """`answer` in JSON."""
    return Reply(status, msgspec.json.encode(answer), headers or {})


Act = Callable[[Tx, Person, dt.datetime], Reply]


@dataclasses.dataclass(frozen=True, slots=True)
class Key:
    """One person's key for one request: its hash, the hash of the request, the secret that seals the answer."""

    person: str
    name: str
    request: bytes
    secret: bytes

    def seal(self, answer: Reply) -> idempotency.Answer:
        """What is stored of the answer."""
        sealed = SecretBox(self.secret).encrypt(msgspec.msgpack.encode(answer))
        return idempotency.Answer(self.request, answer.status, bytes(sealed))

    def open(self, kept: idempotency.Answer) -> Reply:
        """The stored answer. Raises Problem when another request was answered under this key."""
        if kept.request != self.request:
            raise Problem(
                "invalid",
                "This Idempotency-Key was used for another request. Make a new key for a new request.",
                code="key-reused",
            )
        return msgspec.msgpack.decode(SecretBox(self.secret).decrypt(kept.body), type=Reply)


async def perform(request: web.Request, act: Act) -> web.Response:
    """Run `act` in the writer thread, once for each Idempotency-Key; its answer is on disk before it is given.

    The token or session is looked up again inside the transaction: one that was revoked while the request waited does nothing.
    """
    return await perform_under(request, await key_of(request), act)


async def perform_under(request: web.Request, key: Key | None, act: Act) -> web.Response:
    """As `perform`, under a key that was made otherwise: a page's form carries it in a hidden field."""
    now = parts(request).clock()
    answer, again = await parts(request).database.write(once, now, request[PROOF], key, act)
    return answer.response(replayed=again)


def once(tx: Tx, now: dt.datetime, proof: Proof, key: Key | None, act: Act) -> tuple[Reply, bool]:
    """In the writer thread: who it is, what was answered under this key or else is answered now, and whether it was kept."""
    person = known(proof.person(tx, now), proof)
    kept = None if key is None else replayed(tx, now, key)
    if kept is not None:
        return kept, True
    answer = act(tx, person, now)
    if key is not None:
        idempotency.save(tx, now, key.person, key.name, key.seal(answer))
    return answer, False


def replayed(tx: Tx, now: dt.datetime, key: Key) -> Reply | None:
    """What was answered under this key. Raises Problem when that was to another request."""
    kept = idempotency.find(tx, now, key.person, key.name)
    return None if kept is None else key.open(kept)


async def key_of(request: web.Request) -> Key | None:
    """The request's Idempotency-Key, None without one. Raises Problem `malformed` for one that cannot be."""
    given = request.headers.getall("Idempotency-Key", [])
    if not given:
        return None
    if len(given) > 1 or _KEY.fullmatch(given[0]) is None:
        raise Problem("malformed", "Idempotency-Key is one word of 1 to 200 printable ASCII characters.")
    return await key_named(request, given[0])


async def key_named(request: web.Request, name: str) -> Key:
    """The key of this name for this person and request."""
    person = request[PERSON].id
    said = (request.method, request.path, request.headers.get("If-Match", ""))
    asked = hashlib.sha256("\0".join(said).encode() + b"\0" + await read_body(request)).digest()
    secret = hashlib.sha256(f"idempotency-answer\0{person}\0{name}".encode()).digest()
    hashed = hashlib.sha256(f"idempotency-key\0{name}".encode()).hexdigest()
    return Key(person, hashed, asked, secret)
