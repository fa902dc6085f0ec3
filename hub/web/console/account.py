"""One's own account: where one is signed in, the password, one's tokens."""

from __future__ import annotations

import datetime as dt
from typing import Any

import msgspec
from aiohttp import web

from hub.desk import people as desk
from hub.desk import sign_in as passwords
from hub.errors import Invalid, NotFound
from hub.rules.password import LONGEST, SHORTEST
from hub.store import credentials, people, sessions
from hub.store.database import Tx
from hub.store.people import Person, Token
from hub.store.sessions import Session
from hub.web.access import PERSON, PROOF, Proof, known
from hub.web.console.forms import act_once, read_fields, reply_once
from hub.web.console.frame import after, render, see_other
from hub.web.console.sign_in import chosen_wrong, secret, signed_out
from hub.web.idempotency import Reply
from hub.web.parts import parts
from hub.web.passwords import PASSWORDS
from hub.web.patience import TRIES

HERE = "/desk/account"


class Shown(msgspec.Struct, frozen=True):
    """A secret that an answer shows once; sealed where answers are kept."""

    secret: str
    whose: str = ""


async def show(request: web.Request) -> web.Response:
    """Sessions, password, tokens."""
    return await _page(request)


async def end_session(request: web.Request) -> web.Response:
    """End one of one's own sessions; somebody else's looks as one that never was."""
    which = request.match_info["hash"]

    def act(tx: Tx, person: Person, now: dt.datetime) -> str:
        if which not in {each.hash for each in sessions.of_person(tx, now, person.id)}:
            raise NotFound
        sessions.end(tx, which)
        return after(HERE, "session-ended")

    answer = await act_once(request, act)
    return signed_out(request, "signed-out") if which == request[PROOF].hash else answer


async def end_sessions(request: web.Request) -> web.Response:
    """Sign out everywhere, here too."""
    await read_fields(request)
    await parts(request).database.write(sessions.end_all, request[PERSON].id)
    return signed_out(request, "signed-out-everywhere")


async def change_password(request: web.Request) -> web.Response:
    """Another password, by whoever knows the one of now; every other session ends.

    No idempotency key: what is kept of a request's body is a plain hash, and a password is never kept so.
    """
    fields, node, person = await read_fields(request), parts(request), request[PERSON]
    tries = request.app[TRIES].account
    tries.take(person.handle, node.clock())
    before = await node.database.read(credentials.password_hash, person.id)
    if not await request.app[PASSWORDS].matches(before, secret(fields, "before")) or before is None:
        return await _page(request, "The password of now does not fit.", "before")
    tries.forget(person.handle)
    wrong = chosen_wrong(secret(fields, "password"), secret(fields, "again"), person, node.title)
    if wrong:
        return await _page(request, wrong, "password")
    hashed = await request.app[PASSWORDS].hash(secret(fields, "password"))
    proof, now = request[PROOF], node.clock()

    def act(tx: Tx) -> None:
        owner = known(proof.person(tx, now), proof)
        passwords.change_password(tx, node.office, owner, now, before, hashed, keep=proof.hash)

    await node.database.write(act)
    return see_other(HERE, "password")


async def make_token(request: web.Request) -> web.Response:
    """A token of one's own, shown this once."""
    label, office = (await read_fields(request)).one("label"), parts(request).office

    def act(tx: Tx, person: Person, now: dt.datetime) -> Reply:
        return Reply(200, msgspec.json.encode(Shown(desk.issue_token(tx, office, person, now, person, label))))

    try:
        answer = await reply_once(request, act)
    except Invalid as invalid:
        return await _page(request, invalid.errors[0].message, "label")
    return await shown_once(
        request,
        answer,
        title="Your token",
        words="Keep it where only your program reads it. Programs send it as Authorization: Bearer TOKEN.",
        back=HERE,
        back_words="To your account",
    )


async def end_token(request: web.Request) -> web.Response:
    """End one of one's own tokens; somebody else's looks as one that never was."""
    which, office = request.match_info["hash"], parts(request).office

    def act(tx: Tx, person: Person, now: dt.datetime) -> str:
        if which not in {each.hash for each in people.tokens_of(tx, person.id)}:
            raise NotFound
        desk.revoke_token(tx, office, person, now, which)
        return after(HERE, "token-ended")

    return await act_once(request, act)


async def shown_once(request: web.Request, answer: web.Response, **words: Any) -> web.Response:
    """The page that shows the secret in `answer`."""
    shown = msgspec.json.decode(answer.body or b"", type=Shown)  # type: ignore[arg-type]  # Reply.response makes it of bytes
    return await render(request, "console/shown_once.html", secret=shown.secret, **words)


async def _page(request: web.Request, error: str = "", field: str = "") -> web.Response:
    node, person, proof = parts(request), request[PERSON], request[PROOF]
    now = node.clock()
    live, tokens = await node.database.read(_held, now, person.id)
    return await render(
        request,
        "console/account.html",
        status=422 if error else 200,
        person=person,
        roles=", ".join(sorted(person.roles)),
        sessions=live,
        current=_current(proof),
        tokens=[each for each in tokens if each.revoked_at is None and (each.expires is None or each.expires > now)],
        error=error,
        field=field,
        shortest=SHORTEST,
        longest=LONGEST,
    )


def _current(proof: Proof) -> str:
    return proof.hash if proof.kind == "session" else ""


def _held(tx: Tx, now: dt.datetime, person_id: str) -> tuple[list[Session], list[Token]]:
    return sessions.of_person(tx, now, person_id), people.tokens_of(tx, person_id)
