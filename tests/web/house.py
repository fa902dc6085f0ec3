"""A real node's desk and store behind the real application on a loopback port; a clock that the test sets."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json as jsons
import os
import secrets
import shutil
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import aiohttp
from aiohttp import web
from aiohttp.test_utils import TestServer
from nacl.signing import SigningKey

from hub.desk import people as accounts
from hub.desk.office import Office
from hub.errors import NotFound
from hub.rules.authority import Role
from hub.rules.policy import DEFAULT
from hub.store import sessions
from hub.store.database import Database
from hub.store.people import Person
from hub.store.upgrade import upgrade
from hub.web.access import token_hash
from hub.web.app import make_app
from hub.web.parts import Parts
from schemas.keys import encode_public
from schemas.register import RegisterEntry, RegisterKey
from schemas.vocabulary import KeyUse, Mode

MONDAY = dt.datetime(2030, 3, 4, 15, 0, tzinfo=dt.UTC)


class Clock:
    """The node's clock, moved by the test."""

    def __init__(self, now: dt.datetime = MONDAY) -> None:
        self.now = now

    def __call__(self) -> dt.datetime:
        return self.now

    def forward(self, **by: float) -> None:
        self.now += dt.timedelta(**by)


def key_pair() -> tuple[str, SigningKey]:
    signing = SigningKey.generate()
    return encode_public("A", bytes(signing.verify_key)), signing


def office(place: str = "tx", mode: Mode = Mode.LIVE, **changes: Any) -> Office:
    key_id, signing = key_pair()
    made = Office(
        mode=mode,
        place=place,
        origins=(place,),
        policy=DEFAULT,
        key_id=key_id,
        sign=lambda said: bytes(signing.sign(said).signature),
        entropy=os.urandom,
    )
    return dataclasses.replace(made, **changes)


def register_entry(at: Office, **changes: Any) -> RegisterEntry:
    use = KeyUse.SIGN_LIVE if at.mode is Mode.LIVE else KeyUse.SIGN_EXERCISE
    key = RegisterKey(public=at.key_id, use=use, from_=MONDAY - dt.timedelta(days=1))
    entry = {
        "place": at.place,
        "serial": 1,
        "mode": at.mode,
        "name": "Texas School Safety Center",
        "origins": at.origins,
        "keys": (key,),
        "nats_url": "tls://127.0.0.1:4222",
        "tls_spki_sha256": "ab" * 32,
        "public_url": "https://tx.example",
    }
    return RegisterEntry(**entry | changes)


async def counted(name: str, data: bytes | None) -> AsyncIterator[Mapping[str, Any]]:
    """A source's run: what came in, counted."""
    if name != "cisa-kev":
        raise NotFound(f"There is no source {name}.")
    yield {"step": "read", "bytes": len(data or b"")}
    yield {"step": "filed", "new": 0}


@dataclasses.dataclass(slots=True)
class House:
    """One node: its parts, people by role with their tokens, and what it was told."""

    database: Database
    office: Office
    clock: Clock
    people: dict[str, Person] = dataclasses.field(default_factory=dict)
    tokens: dict[str, str] = dataclasses.field(default_factory=dict)
    told: list[str] = dataclasses.field(default_factory=list)
    cookies: dict[str, str] = dataclasses.field(default_factory=dict)
    states: dict[str, str] = dataclasses.field(default_factory=lambda: {"broker": "ok"})
    app: web.Application | None = None
    server: TestServer | None = None
    session: aiohttp.ClientSession | None = None

    @classmethod
    def found(cls, path: Path, at: Office) -> House:
        """A new node: one person a role, each with a token. Its database is closed again, to be copied by tests."""
        upgrade(path)
        house = cls(Database.open(path), at, Clock())
        first = house.clock.now - dt.timedelta(days=30)
        write = house.database.write_sync
        founder = write(accounts.first_person, at, first, "operator", "Olive Ortega", [Role.OPERATOR])
        house.people["operator"] = founder
        for role in Role:
            if role is not Role.OPERATOR:
                handle = role.value
                house.people[handle] = write(accounts.add_person, at, founder, first, handle, handle.title(), [role])
        for handle, person in house.people.items():
            house.tokens[handle] = write(accounts.issue_token, at, person, first, person, "test")
        house.database.close()
        return house

    def copied(self, path: Path) -> House:
        """The same node on a database of its own."""
        shutil.copy(self.database.path, path)
        return House(Database.open(path), self.office, Clock(), dict(self.people), dict(self.tokens))

    def parts(self, **changes: Any) -> Parts:
        made = {
            "database": self.database,
            "office": self.office,
            "clock": self.clock,
            "state_name": "Texas",
            "title": "Texas School Safety Center",
            "public_url": "https://tx.example",
            "contact": "safety@tx.example",
            "version": "0.1.0",
            "links": lambda: {"oh": {"state": "connected"}},
            "sources": lambda: [{"name": "cisa-kev", "title": "KEV"}],
            "register_entry": lambda: register_entry(self.office),
            "readiness": lambda: dict(self.states),
            "peers_changed": lambda: self.told.append("peers"),
            "run_source": counted,
        }
        return Parts(**made | changes)

    async def open(self, **changes: Any) -> House:
        self.app = make_app(self.parts(**changes))
        self.server = TestServer(self.app, host="127.0.0.1", port=0)
        await self.server.start_server()
        self.session = aiohttp.ClientSession(auto_decompress=False)
        return self

    async def close(self) -> None:
        if self.session is not None:
            await self.session.close()
        if self.server is not None:
            await self.server.close()
        self.database.close()

    async def ask(
        self, method: str, path: str, role: str | None = None, *, headers: Mapping[str, str] | None = None, **body: Any
    ) -> Answer:
        sent = {"Accept-Encoding": "identity", **(headers or {})}
        if role is not None:
            sent["Authorization"] = f"Bearer {self.tokens.get(role, role)}"
        url = self.server.make_url(path)
        async with self.session.request(method, url, headers=sent, allow_redirects=False, **body) as response:
            return Answer(response.status, response.headers.copy(), await response.read())

    async def get(self, path: str, role: str | None = None, **headers: str) -> Answer:
        return await self.ask("GET", path, role, headers=_names(headers))

    async def post(self, path: str, role: str | None, json: Any = None, **headers: str) -> Answer:
        return await self.ask("POST", path, role, json={} if json is None else json, headers=_names(headers))

    # ---------------------------------------------------------------------------------- at a browser
    async def signed_in(self, role: str) -> dict[str, str]:
        """The header with which a browser of this role's person shows its session; begun at the first asking."""
        if role not in self.cookies:
            cookie = secrets.token_urlsafe(32)
            who = self.people[role].id
            await self.database.write(sessions.begin, self.clock.now, token_hash(cookie), who, "test")
            self.cookies[role] = cookie
        return {"Cookie": f"__Host-hub={self.cookies[role]}"}

    async def page(
        self,
        method: str,
        path: str,
        role: str | None = None,
        form: Any = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """What a browser gets: as this role's person, or as nobody. A POST says where it comes from, as browsers do."""
        sent = {"Accept": "text/html", **({} if role is None else await self.signed_in(role))}
        if method == "POST":
            sent |= {"Origin": "https://tx.example", "Sec-Fetch-Site": "same-origin"}
        body = {"data": urlencode(form or {}, doseq=True)} if method == "POST" else {}
        if method == "POST":
            sent["Content-Type"] = "application/x-www-form-urlencoded"
        return await self.ask(method, path, headers={**sent, **(headers or {})}, **body)

    # ---------------------------------------------------------------------------------- the desk's way
    async def draft(self, **changes: Any) -> dict[str, Any]:
        answer = await self.post("/api/v1/bulletins", "analyst", form(self.clock.now, **changes))
        assert answer.status == 201, answer.body
        return answer.json()

    async def act(self, which: str, verb: str, role: str, seen: int, **more: Any) -> dict[str, Any]:
        answer = await self.post(f"/api/v1/bulletins/{which}/{verb}", role, {"version": seen, **more})
        assert answer.status in {200, 201}, answer.body
        return answer.json()

    async def release(self, draft: dict[str, Any], role: str = "supervisor") -> dict[str, Any]:
        submitted = await self.act(draft["id"], "submit", "analyst", draft["version"])
        approved = await self.act(draft["id"], "approve", role, submitted["version"])
        return await self.act(draft["id"], "publish", role, approved["version"])

    async def publish(self, **changes: Any) -> str:
        return (await self.release(await self.draft(**changes)))["product_id"]

    async def update(self, product: str, **changes: Any) -> dict[str, Any]:
        seen = (await self.get(f"/api/v1/bulletins/{product}", "analyst")).json()["version"]
        opened = await self.act(product, "update", "analyst", seen)
        edited = await self.ask(
            "PATCH",
            f"/api/v1/bulletins/{opened['id']}",
            "analyst",
            json=changes,
            headers={"If-Match": f'"{opened["version"]}"'},
        )
        assert edited.status == 200, edited.body
        return await self.release(edited.json())

    async def withdraw(self, product: str, reason: str = "error") -> dict[str, Any]:
        seen = (await self.get(f"/api/v1/bulletins/{product}", "supervisor")).json()["version"]
        return await self.act(product, "withdraw", "supervisor", seen, reason=reason)


@dataclasses.dataclass(frozen=True, slots=True)
class Answer:
    """One HTTP answer, its body as it came over the line."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        return jsons.loads(self.body)

    @property
    def text(self) -> str:
        return self.body.decode()


def form(now: dt.datetime = MONDAY, **changes: Any) -> dict[str, Any]:
    """A good bulletin, as a person writes it."""
    made = {
        "headline": "Recorded threat calls name rooms that do not exist",
        "text": "Front offices report the same recorded call.\n\nPolice checked each one.",
        "actions": [{"role": "front-office", "text": "Write down the exact words and call 911."}],
        "topic": "swatting",
        "also": ["bomb-threat"],
        "phase": "response",
        "severity": "severe",
        "urgency": "expected",
        "certainty": "likely",
        "areas": [{"state": "TX", "fips": "48453", "ugc": None}],
        "tlp": "clear",
        "audience": "all",
        "lane": "routine",
        "expires": (now + dt.timedelta(days=7)).isoformat(),
    }
    return made | changes


def _names(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.replace("_", "-"): value for name, value in headers.items()}
