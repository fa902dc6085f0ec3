"""What the journal says of a bulletin, in words: who did what and when. Asked only of what the door let through."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Iterable, Mapping
from typing import Any, Final

import msgspec

from hub.rules.authority import Verb
from hub.store import journal, people
from hub.store.database import Tx
from hub.store.journal import Entry
from hub.web import wording
from schemas.places import PLACES
from schemas.times import parse_time
from schemas.vocabulary import Reason

_MOST = 200
_DONE: Final[Mapping[str, str]] = {
    "compose": "Drafted",
    "adopt": "Drafted from an advisory",
    "edit": "Changed",
    "submit": "Handed over for review",
    "send-back": "Sent back",
    "approve": "Approved",
    "publish": "Released",
    "update": "Next version opened",
    "withdraw": "Withdrawn",
    "recall": "Recalled",
    "copy": "A copy made",
    "expire": "Expired",
    "receive": "Received",
    "receive-recall": "Recall received",
}


@dataclasses.dataclass(frozen=True, slots=True)
class Event:
    """One entry in words: what was done, at which version, by whom; `more` is a reason or an addressee."""

    at: dt.datetime
    what: str
    version: int
    who: str
    more: str = ""


def names(tx: Tx, ids: Iterable[str]) -> dict[str, str]:
    """What these actors are called: people by name, the clock and peers in words."""
    return {each: _name(tx, each) for each in set(ids)}


def _name(tx: Tx, actor: str) -> str:
    if actor == "clock":
        return "the node's clock"
    if actor.startswith("peer:"):
        place = PLACES.get(actor.removeprefix("peer:"))
        return place.name if place else actor.removeprefix("peer:")
    person = people.person(tx, actor)
    return actor if person is None else person.name


def timeline(tx: Tx, product_id: str | None, drafts: Iterable[str], addressees: Iterable[str] = ()) -> list[Event]:
    """Everything that was done to a product, its drafts and its copies, the newest first, at most 200."""
    things = [*drafts]
    if product_id is not None:
        things += [product_id, *(f"{product_id} {each}" for each in sorted(set(addressees)))]
    entries = [entry for thing in things for entry in journal.entries(tx, about=thing, limit=_MOST)]
    entries.sort(key=lambda entry: entry.n, reverse=True)
    told = [entry for entry in entries if entry.verb in _DONE][:_MOST]
    who = names(tx, (entry.actor for entry in told))
    return [_event(tx, entry, who) for entry in told]


def sent_back(tx: Tx, draft_id: str) -> dict[str, str] | None:
    """Who sent a draft back last and why; None once it was handed over again, or when it never came back."""
    for entry in journal.entries(tx, about=draft_id):
        if entry.verb == Verb.SUBMIT:
            return None
        if entry.verb == Verb.SEND_BACK:
            return {"who": _name(tx, entry.actor), "reason": str(_beside(tx, entry).get("reason", ""))}
    return None


def _event(tx: Tx, entry: Entry, who: Mapping[str, str]) -> Event:
    _, _, addressee = entry.object.partition(" ")
    more = ""
    if entry.verb == Verb.SEND_BACK:
        more = str(_beside(tx, entry).get("reason", ""))
    elif entry.verb == Verb.WITHDRAW:
        more = _withdrawn(_beside(tx, entry))
    elif addressee:
        more = addressee_words(addressee)
    return Event(parse_time(entry.at), _DONE[entry.verb], entry.version, who[entry.actor], more)


def _withdrawn(body: Mapping[str, Any]) -> str:
    reason = body.get("reason")
    words = wording.reason_words(Reason(reason)) if reason in set(Reason) else ""
    instead = body.get("replaced_by")
    return f"{words}; {instead} takes its place" if instead else words


def addressee_words(addressee: str) -> str:
    """To whom a copy goes: "every peer", "Oklahoma"."""
    if addressee == "all":
        return "every state that takes it"
    place = PLACES.get(addressee.removeprefix("to-"))
    return place.name if place else addressee


def _beside(tx: Tx, entry: Entry) -> Mapping[str, Any]:
    """What lies beside an entry; empty once it was erased."""
    found = journal.detail(tx, entry.n)
    body = None if found is None else msgspec.json.decode(found.body)
    return body if isinstance(body, dict) else {}
