"""Peers on the desk's screen: how the links stand, what was agreed, and the forms with which operators change it."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Mapping, Sequence
from typing import Any, Final, TypeVar

import msgspec
from aiohttp import web

from hub.desk import peers as desk
from hub.errors import Conflict, FieldError, Invalid, NotFound
from hub.rules.authority import Verb
from hub.store import peers as store
from hub.store import quarantine
from hub.store.database import Tx
from hub.store.peers import Peer
from hub.store.people import Person
from hub.web.console import frame
from hub.web.console.forms import Act, Errors, Fields, act_once, errors_of, now_of, read_fields
from hub.web.console.queue import age, may
from hub.web.parts import parts
from hub.web.wording import tlp_label, topic_words
from schemas import register
from schemas.places import PLACES
from schemas.register import AgreementFile, RegisterEntry
from schemas.vocabulary import Lane, Tlp, Topic

T = TypeVar("T", Topic, Lane, Tlp)
HERE: Final = "/desk/peers"
_LABELS: Final = {
    "entry": "Register entry", "topics": "Topics", "ceiling": "Up to which marking", "lanes": "Lanes", "since": "From",
    "until": "Until", "reason": "Why", "sure": "Yes",
}  # fmt: skip
_STATES: Final = {
    "connected": "✓ linked", "catching-up": "… catching up", "connecting": "✕ not linked", "off": "✕ off", "revoked": "○ revoked",
}  # fmt: skip
_ORDER: Final = ("connecting", "off", "catching-up", "connected", "revoked")
_CEILINGS: Final = tuple(tlp for tlp in Tlp if tlp is not Tlp.RED)
_HELD: Final = 100


async def page(request: web.Request) -> web.Response:
    """Every peer, those that are not linked first; one sentence on top says how the network stands."""
    node, now = parts(request), now_of(request)
    links = node.links()
    found = await node.database.read(store.everybody)
    rows = [_row(peer, links.get(peer.place, {}), now) for peer in found]
    rows.sort(key=lambda row: (_ORDER.index(row["state"]), row["name"]))
    return await frame.render(
        request, "console/peers.html", here="peers", rows=rows, sentences=sentences(rows, now),
        may_manage=may(request, Verb.MANAGE_PEERS), own=fingerprint(node.register_entry()),
    )  # fmt: skip


async def one(request: web.Request) -> web.Response:
    """One peer with its link, its keys and the agreement. Raises NotFound."""
    return await _one(request)


async def held(request: web.Request) -> web.Response:
    """What of a peer was refused, the newest first: code, reason, how often, when. Nothing of what it said."""
    node, place = parts(request), request.match_info["place"].lower()
    peer, found = await node.database.read(_held, place)
    if peer is None:
        raise NotFound
    return await frame.render(
        request, "console/quarantine.html", here="peers", place=place, name=peer.entry.name, items=found, most=_HELD
    )


def _held(tx: Tx, place: str) -> tuple[Peer | None, list[quarantine.Told]]:
    return store.peer(tx, place), quarantine.told(tx, place, limit=_HELD)


# ------------------------------------------------------------------------------------------ acts
async def check(request: web.Request) -> web.Response:
    """Show what a pasted register entry says, with its fingerprint, and ask; nothing is changed yet."""
    pasted = (await read_fields(request)).one("entry")
    try:
        entry = _entry(pasted)
    except Invalid as invalid:
        return await _ask_entry(request, pasted, errors_of(invalid.errors, _LABELS))
    known = await parts(request).database.read(store.peer, entry.place)
    return await frame.render(
        request, "console/peer_check.html", here="peers", entry=entry, pasted=pasted,
        fingerprint=fingerprint(entry), known=known, old=known and fingerprint(known.entry),
    )  # fmt: skip


async def ask(request: web.Request) -> web.Response:
    """The form that a register entry is pasted into."""
    return await _ask_entry(request, "", Errors())


async def accept(request: web.Request) -> web.Response:
    """Take it as a peer, or take its newer entry."""
    fields, office = await read_fields(request), parts(request).office
    entry = _entry(fields.one("entry"))
    if fields.one("fingerprint") != fingerprint(entry):
        raise Conflict("This is not the entry that was shown. Paste it again.", code="form-used")

    def act(tx: Tx, actor: Person, now: dt.datetime) -> str:
        desk.accept_peer(tx, office, actor, now, entry)
        return frame.after(f"{HERE}/{entry.place}", "accepted")

    return await _changing(request, act)


async def agree(request: web.Request) -> web.Response:
    """Set what a peer may have of us."""
    fields, office, place = await read_fields(request), parts(request).office, request.match_info["place"].lower()

    def act(tx: Tx, actor: Person, now: dt.datetime) -> str:
        known = store.peer(tx, place)
        desk.agree(tx, office, actor, now, _agreement(fields, place, None if known is None else known.file, now))
        return frame.after(f"{HERE}/{place}", "agreed")

    try:
        return await _changing(request, act)
    except Invalid as invalid:
        return await _one(request, errors_of(invalid.errors, _LABELS), _typed(fields))


async def end(request: web.Request) -> web.Response:
    """End what was agreed; everything is recalled, the peer stays one."""
    fields, office, place = await read_fields(request), parts(request).office, request.match_info["place"].lower()
    if fields.one("sure") != "yes":
        return await _one(request, _unsure())

    def act(tx: Tx, actor: Person, now: dt.datetime) -> str:
        desk.end_agreement(tx, office, actor, now, place)
        return frame.after(f"{HERE}/{place}", "ended")

    return await _changing(request, act)


async def revoke(request: web.Request) -> web.Response:
    """It is no peer any more."""
    fields, office, place = await read_fields(request), parts(request).office, request.match_info["place"].lower()
    reason = fields.one("reason")
    if not 1 <= len(reason) <= 500:
        return await _one(request, errors_of([FieldError("/reason", "Say why, in 1 to 500 characters.")], _LABELS))

    def act(tx: Tx, actor: Person, now: dt.datetime) -> str:
        desk.revoke_peer(tx, office, actor, now, place, reason)
        return frame.after(HERE, "revoked")

    return await _changing(request, act)


async def _changing(request: web.Request, act: Act) -> web.Response:
    """Run a verb that changes who may have what, then tell the node, so that its broker enforces it."""
    answer = await act_once(request, act)
    parts(request).peers_changed()
    return answer


# ------------------------------------------------------------------------------------------ what is shown
async def _one(request: web.Request, errors: Errors | None = None, typed: dict[str, Any] | None = None) -> web.Response:
    node, place = parts(request), request.match_info["place"].lower()
    peer = await node.database.read(store.peer, place)
    if peer is None:
        raise NotFound
    now = now_of(request)
    return await frame.render(
        request, "console/peer.html", here="peers", status=422 if errors else 200, errors=errors or Errors(),
        peer=_row(peer, node.links().get(place, {}), now), entry=peer.entry, fingerprint=fingerprint(peer.entry),
        typed=typed or _set(peer.file, now), topics=[(each, topic_words(each)) for each in Topic],
        ceilings=[(each, tlp_label(each)) for each in _CEILINGS], lanes=[(each, each.capitalize()) for each in Lane],
        may_manage=peer.state == "active" and may(request, Verb.MANAGE_PEERS),
    )  # fmt: skip


async def _ask_entry(request: web.Request, pasted: str, errors: Errors) -> web.Response:
    status = 422 if errors else 200
    return await frame.render(
        request, "console/peer_new.html", here="peers", status=status, pasted=pasted, errors=errors
    )


def _row(peer: Peer, link: Mapping[str, Any], now: dt.datetime) -> dict[str, Any]:
    state = "revoked" if peer.state == "revoked" else str(link.get("state", "off"))
    last = link.get("last_message")
    return {
        "place": peer.place, "href": f"{HERE}/{peer.place}", "name": peer.entry.name, "state": state,
        "state_words": _STATES[state], "since": link.get("since"), "last": last, "last_age": last and age(now, last),
        "behind": link.get("behind", 0), "error": link.get("error"), "url": peer.entry.public_url,
        "agreement": agreement_words(peer.file, now) if peer.state == "active" else "nothing",
        "agreed": peer.file is not None, "state_name": PLACES[peer.place].name,
    }  # fmt: skip


def sentences(rows: Sequence[Mapping[str, Any]], now: dt.datetime) -> list[str]:
    """How the network stands, a sentence for each peer that is not linked; one when all are."""
    active = [row for row in rows if row["state"] != "revoked"]
    if not active:
        return ["This node has no peers yet."]
    away = [_away(row, now) for row in active if row["state"] in {"connecting", "off"}]
    late = [
        f"{row['state_name']} is catching up: {row['behind']} of its messages are not here yet."
        for row in active
        if row["state"] == "catching-up"
    ]
    return away + late or [f"All {len(active)} peers are linked." if len(active) > 1 else "The one peer is linked."]


def _away(row: Mapping[str, Any], now: dt.datetime) -> str:
    name, behind = row["state_name"], row["behind"]
    if row["state"] == "off":
        return f"{name} is not asked for anything: {row['error'] or 'its link is off'}."
    last = row["last"]
    since = "does not answer" if last is None else f"has not answered; its last message came {age(now, last)}"
    return f"{name} {since}{f'; {behind} of its messages are not here yet' if behind else ''}."


def agreement_words(file: AgreementFile | None, now: dt.datetime) -> str:
    """What a peer may have of us, in words: ceiling, topics, lanes, dates."""
    if file is None:
        return "nothing"
    topics = "every topic" if file.topics == "*" else ", ".join(topic_words(each).lower() for each in file.topics)
    lanes = " and ".join(file.lanes)
    if not topics or not lanes:
        return "nothing: no topic or no lane is agreed"
    dates = f"from {file.from_:%Y-%m-%d}" + (f" until {file.until:%Y-%m-%d}" if file.until else "")
    over = file.until is not None and file.until <= now
    early = now < file.from_
    return f"up to {tlp_label(file.ceiling)}; {topics}; {lanes}; {dates}" + (
        " (over)" if over else " (not yet)" if early else ""
    )


def fingerprint(entry: RegisterEntry) -> str:
    """The first half of an entry's SHA-256 in groups of four: what two operators read to each other by telephone."""
    digest = hashlib.sha256(register.encode_entry(entry)).hexdigest()[:32]
    return " ".join(digest[at : at + 4] for at in range(0, len(digest), 4))


# ------------------------------------------------------------------------------------------ what is typed
def _entry(pasted: str) -> RegisterEntry:
    try:
        return register.decode_entry(pasted.encode())
    except ValueError as error:
        words = f"This cannot be read: {error}"
        raise Invalid(words, (FieldError("/entry", words),)) from None


def _unsure() -> Errors:
    return errors_of([FieldError("/sure", "Tick it: everything under this agreement is recalled.")], _LABELS)


def _set(file: AgreementFile | None, now: dt.datetime) -> dict[str, Any]:
    """The form's fields as the agreement stands."""
    if file is None:
        return {
            "every": False,
            "topics": (),
            "ceiling": Tlp.GREEN,
            "lanes": tuple(Lane),
            "since": f"{now:%Y-%m-%d}",
            "until": "",
        }
    return {
        "every": file.topics == "*", "topics": () if file.topics == "*" else file.topics, "ceiling": file.ceiling,
        "lanes": file.lanes, "since": f"{file.from_:%Y-%m-%d}", "until": f"{file.until:%Y-%m-%d}" if file.until else "",
    }  # fmt: skip


def _typed(fields: Fields) -> dict[str, Any]:
    return {
        "every": fields.one("every") == "yes", "topics": fields.many("topics"), "ceiling": fields.one("ceiling"),
        "lanes": fields.many("lanes"), "since": fields.one("since"), "until": fields.one("until"),
    }  # fmt: skip


def _agreement(fields: Fields, place: str, before: AgreementFile | None, now: dt.datetime) -> AgreementFile:
    """The agreement in a form. Days are UTC; a first day that was not changed keeps its hour. Raises Invalid by field."""
    given, errors = _typed(fields), list[FieldError]()
    since = _day(given["since"], "/since", errors)
    until = _day(given["until"], "/until", errors) if given["until"] else None
    topics = _closed(Topic, given["topics"], "/topics", errors)
    lanes = _closed(Lane, given["lanes"], "/lanes", errors)
    ceiling = _closed(Tlp, (given["ceiling"],), "/ceiling", errors)
    if not given["every"] and not topics:
        errors.append(FieldError("/topics", "Choose at least one topic, or every topic."))
    if not lanes:
        errors.append(FieldError("/lanes", "Choose at least one lane."))
    if until is not None and since is not None and until <= since:
        errors.append(FieldError("/until", "The last day lies after the first."))
    if errors or since is None or not ceiling:
        raise Invalid("The agreement does not fit.", tuple(errors))
    if before is not None and before.from_.date() == since.date():
        since = before.from_
    elif since.date() == now.date():
        since = now
    made = AgreementFile(
        peer=place,
        topics="*" if given["every"] else topics,
        ceiling=ceiling[0],
        lanes=lanes,
        from_=since,
        until=until,
    )
    # What the form does not ask for stays as it was agreed.
    return (
        made
        if before is None
        else msgspec.structs.replace(made, redistribution=before.redistribution, caps=before.caps)
    )


def _day(text: str, pointer: str, errors: list[FieldError]) -> dt.datetime | None:
    try:
        return dt.datetime.combine(dt.date.fromisoformat(text), dt.time(), dt.UTC)
    except ValueError:
        errors.append(FieldError(pointer, "Write a day as YYYY-MM-DD."))
        return None


def _closed(kind: type[T], words: Sequence[str], pointer: str, errors: list[FieldError]) -> tuple[T, ...]:
    try:
        return tuple(dict.fromkeys(kind(word) for word in words))
    except ValueError:
        errors.append(FieldError(pointer, "Choose from the list."))
        return ()
