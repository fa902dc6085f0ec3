"""After a restore: begin a new epoch, take back what we ourselves signed since the backup was made, end the hold.

What is offered back counts only with our own valid signature (FORMAT "Journal"); whoever offers it may be anybody. Numbers then
go on at the next thousand above the highest known, serials as well, versions a thousand above.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence

import msgspec

from hub.desk import record
from hub.desk.drafting import permit
from hub.desk.office import Office
from hub.desk.publish import counter_of
from hub.desk.reclaim import ACTOR, Claim, Found, Reclaimed
from hub.errors import Conflict, FieldError, Invalid
from hub.rules.authority import Verb
from hub.store import counters, journal, peers, restoring
from hub.store.journal import Detail, Said
from hub.store.people import Person
from hub.store.restoring import OWN, THOUSAND, Restoration
from hub.store.tx import Tx
from schemas.places import PLACES
from schemas.product import Series

READ_BACK = "read-back"
_LONGEST_REASON = 1_000


class Resumed(msgspec.Struct, frozen=True):
    """A hold that ended: for which parts ("own", places), and the first number of each series from now on."""

    parts: tuple[str, ...]
    numbers: dict[str, int]


def begin(tx: Tx, office: Office, now: dt.datetime, body: dict[str, object]) -> Restoration:
    """The first thing that a restored record is told: a new epoch, everything hidden and held, sign-ins forgotten.

    `body` says which backup it was. It follows the last entry of the backup in the chain.
    """
    salt, raw = office.entropy(16), msgspec.json.encode(body, order="deterministic")
    said = Said(ACTOR, journal.RESTORED, restoring.subject(OWN), 0, journal.salted(salt, raw))
    entry = journal.begin_epoch(tx, now, said)
    journal.keep_detail(tx, Detail(entry.n, salt, raw))
    for peer in peers.everybody(tx):  # also one that was revoked: what it sent is hidden as well
        about = (restoring.subject(peer.place), 0)
        record.tell(tx, office, now, ACTOR, journal.RESTORED, about, {"place": peer.place})
    restoring.hide(tx)
    restoring.forget(tx, now)
    return _waiting(tx)


def reclaim(tx: Tx, office: Office, now: dt.datetime, found: Sequence[Found]) -> Reclaimed:
    """Take versions and tombstones that carry our own valid signature and that the record lacks. Conflict when not held."""
    if not restoring.held(tx):
        raise Conflict("This node is not held: nothing is taken back.", code="not-held")
    claim = Claim(tx, office, now)
    for each in found:
        claim.take(each)
    claim.close()
    return claim.done


def read_back(tx: Tx, office: Office, now: dt.datetime, part: str, body: dict[str, object]) -> Resumed:
    """One part of the hold ends because it was read: our own stream ("own"), or what a peer offered (its place)."""
    return _resume(tx, office, now, ACTOR, (part,), READ_BACK, body)


def override(tx: Tx, office: Office, actor: Person, now: dt.datetime, reason: str, *, unread: bool = False) -> Resumed:
    """A director ends the hold of everything that is not known again, with a reason that is journalled.

    Numbers go on a thousand further than after a reading, for nobody knows the highest. Raises Forbidden, Invalid, and Conflict
    "not-held", or "unread" while our own stream was not looked at (`unread` says: all the same).
    """
    permit(tx, office, actor, now, Verb.OVERRIDE)
    words = reason.strip()
    if not words or len(words) > _LONGEST_REASON:
        text = f"Say why in 1 to {_LONGEST_REASON} characters: it is written into the journal."
        raise Invalid(text, (FieldError("/reason", text),))
    waiting = _waiting(tx)
    if waiting.held and not unread and not restoring.looked(tx, waiting.epoch):
        text = "The node's own streams were not looked at yet: wait for them, or say that you end the hold unread."
        raise Conflict(text, code="unread")
    return _resume(tx, office, now, actor.id, waiting.waits, Verb.OVERRIDE.value, {"reason": words, "unread": unread})


def _waiting(tx: Tx) -> Restoration:
    waiting = restoring.state(tx)
    if waiting is None:
        raise Conflict("This node waits for nothing: it was not restored, or its hold is over.", code="not-held")
    return waiting


def _resume(
    tx: Tx, office: Office, now: dt.datetime, by: str, parts: Iterable[str], verb: str, body: dict[str, object]
) -> Resumed:
    ended = tuple(part for part in parts if part in _waiting(tx).waits)
    for part in ended:
        record.tell(tx, office, now, by, verb, (restoring.subject(part), 0), body)
        restoring.show(tx, part)
    numbers: dict[str, int] = {}
    if OWN in ended:
        numbers = _skip(tx, office, now, further=0 if verb == READ_BACK else THOUSAND)
        restoring.outdate(tx)
        record.tell(tx, office, now, by, "skip", ("numbers", 0), numbers)
    return Resumed(ended, numbers)


def _skip(tx: Tx, office: Office, now: dt.datetime, *, further: int) -> dict[str, int]:
    """Lift every counter that numbers what we say, also of series and addressees that the record never knew."""
    known = restoring.numbers(tx, "product") | restoring.numbers(tx, "serial")
    names = {*known, *_series(office, known, now), *_addressees(office)}
    first = {name: restoring.thousand(known.get(name, 0)) + further for name in sorted(names)}
    for name, number in first.items():
        counters.lift(tx, name, number - 1)
    return first


def _series(office: Office, known: Iterable[str], now: dt.datetime) -> Iterable[str]:
    years = {int(name.split()[3]) for name in known if name.startswith("product ")} | {now.year - 1, now.year}
    for origin in office.origins:
        for year in range(min(years), now.year + 1):
            for series in Series:
                yield counter_of(office.mode, origin, year, series)


def _addressees(office: Office) -> Iterable[str]:
    for origin in office.origins:
        for addressee in ("all", *(f"to-{place}" for place in PLACES)):
            yield f"serial {office.mode} {origin} {addressee}"
