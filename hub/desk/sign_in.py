"""How people come to a password of their own: an operator hands over a link, and only its owner finishes (house law 11).

Hashing takes a tenth of a second and so happens outside, before the verb; the verb gets the finished hash.
"""

from __future__ import annotations

import datetime as dt

from hub.desk import record
from hub.desk.drafting import permit
from hub.desk.office import Office
from hub.desk.people import hash_of, new_token
from hub.errors import Conflict, NotFound
from hub.rules.authority import Verb
from hub.store import credentials, enrolments, people, sessions
from hub.store.enrolments import Enrolment, Purpose
from hub.store.people import Person
from hub.store.tx import Tx

NO_LINK = "This link is not known here, was used already, or is over. Ask an operator of this node for a new one."
LINK_LASTS = dt.timedelta(hours=72)


def invite(tx: Tx, office: Office, actor: Person, now: dt.datetime, person_id: str) -> str:
    """Make a one-time code with which a person chooses their own password; it is shown this once.

    An earlier code is no good any more; the password that somebody has stays until the new code is used.
    Raises Forbidden, NotFound, Conflict for a closed account.
    """
    permit(tx, office, actor, now, Verb.MANAGE_PEOPLE)
    person = people.person(tx, person_id)
    if person is None:
        raise NotFound
    if not person.active:
        raise Conflict(f"The account {person.handle} is closed: open it first.", code="closed")
    known = credentials.password_hash(tx, person.id) is not None
    purpose = Purpose.RESET if known else Purpose.FIRST
    code = new_token(office)
    enrolments.add(tx, now, Enrolment(hash_of(code), person.id, purpose, actor.id, now + LINK_LASTS))
    record.tell(tx, office, now, actor.id, "invite", (person.id, 0), {"purpose": purpose.value})
    return code


def invited(tx: Tx, now: dt.datetime, code: str) -> Person | None:
    """Whom a code is for; None when it is unknown, used or over, or the account is closed. Uses nothing up."""
    link = enrolments.unused(tx, now, hash_of(code))
    person = None if link is None else people.person(tx, link.person)
    return person if person is not None and person.active else None


def enrol(tx: Tx, office: Office, now: dt.datetime, code: str, hashed: str) -> Person:
    """Set the password that its owner chose, and use the code up.

    Every session ends, and every token that somebody else made for this account: from now on it is its owner's alone.
    Raises NotFound, the same for a code that is unknown, used or over.
    """
    person = invited(tx, now, code)
    if person is None:
        raise NotFound(NO_LINK)
    credentials.put(tx, now, person.id, hashed)
    enrolments.close(tx, now, person.id)
    sessions.end_all(tx, person.id)
    ended = people.revoke_tokens_from_others(tx, now, person.id)
    record.tell(tx, office, now, person.id, "enrol", (person.id, 0), {"tokens_ended": ended})
    return person


def change_password(
    tx: Tx, office: Office, actor: Person, now: dt.datetime, before: str, hashed: str, *, keep: str = ""
) -> None:
    """Set one's own password over the one whose hash was `before`; every session but the one hashed `keep` ends.

    Raises Conflict when it was changed meanwhile.
    """
    if credentials.password_hash(tx, actor.id) != before:
        raise Conflict("Your password was changed meanwhile: sign in again.", code="moved-on")
    credentials.put(tx, now, actor.id, hashed)
    enrolments.close(tx, now, actor.id)
    sessions.end_all(tx, actor.id, but=keep)
    record.tell(tx, office, now, actor.id, "change-password", (actor.id, 0), {})
