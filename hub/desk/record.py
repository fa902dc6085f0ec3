"""How a verb is written into the journal, and how a refusal of the rules becomes an error for the one who asked."""

from __future__ import annotations

import datetime as dt
from typing import NoReturn

import msgspec

from hub.desk.office import Office
from hub.errors import Conflict, Forbidden
from hub.rules.decision import Refused
from hub.store import journal
from hub.store.journal import Detail, Entry, Said
from hub.store.tx import Tx

_encode = msgspec.json.Encoder(order="deterministic").encode


def commit(tx: Tx, now: dt.datetime, actor: str, verb: str, about: tuple[str, int], commitment: bytes) -> Entry:
    """Write an entry whose commitment hides already: H of a payload, or the content hash of a draft."""
    thing, version = about
    return journal.append(tx, now, Said(actor, verb, thing, version, commitment))


def tell(
    tx: Tx, office: Office, now: dt.datetime, actor: str, verb: str, about: tuple[str, int], body: object
) -> Entry:
    """Write an entry about something that is no payload: it commits to a salt and the body's JSON, which lie beside it."""
    thing, version = about
    salt, raw = office.entropy(16), _encode(body)
    entry = journal.append(tx, now, Said(actor, verb, thing, version, journal.salted(salt, raw)))
    journal.keep_detail(tx, Detail(entry.n, salt, raw))
    return entry


def commit_and_tell(tx: Tx, office: Office, now: dt.datetime, said: Said, verb: str, body: object) -> None:
    """Write two entries about one thing in one go: `said`, and under another verb what belongs to it (as `tell`)."""
    salt, raw = office.entropy(16), _encode(body)
    beside = Said(said.actor, verb, said.object, said.version, journal.salted(salt, raw))
    _, entry = journal.append_all(tx, now, (said, beside))
    journal.keep_detail(tx, Detail(entry.n, salt, raw))


def forbid(refused: Refused) -> NoReturn:
    """The rules say that this person may not."""
    raise Forbidden(refused.reason, code=refused.code)


def conflict(refused: Refused) -> NoReturn:
    """The rules say that its state does not allow this."""
    raise Conflict(refused.reason, code=refused.code)
