"""What a signed-in person may do to a bulletin, or in words why not: the pages ask the same rules as the verbs."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping

from hub.desk.drafting import work_of
from hub.desk.office import Office
from hub.rules.authority import Actor, Verb, may, missing, rights
from hub.rules.decision import Refused
from hub.rules.lifecycle import UNRELEASED, Stage, step
from hub.store import people
from hub.store.database import Tx
from hub.store.people import Person
from hub.web import door
from hub.web.door import Asking, Draft

OPEN = UNRELEASED
# What moves a draft of each stage on towards release.
_NEXT = {Stage.SUBMITTED: Verb.APPROVE, Stage.APPROVED: Verb.PUBLISH}


def accounts(tx: Tx, office: Office, person: Person, now: dt.datetime, drafts: Iterable[Draft]) -> dict[str, Actor]:
    """Everybody whom the rules need to know of to judge these drafts, asked for once."""
    involved = {person.id}
    for draft in drafts:
        involved |= draft.authors | {given.person for given in draft.approvals}
    return people.accounts(tx, frozenset(involved), now - office.policy.second_person_age)


def hindrance(
    office: Office, person: Person, now: dt.datetime, draft: Draft, verb: Verb, known: Mapping[str, Actor]
) -> str | None:
    """Why this person cannot do this to this draft now, in words; None when they may. `known` from `accounts`."""
    stage = step(draft.stage, verb)
    if isinstance(stage, Refused):
        return stage.reason
    decision = may(person.actor(), verb, work_of(draft), now=now, policy=office.policy, accounts=known)
    return decision.reason if isinstance(decision, Refused) else None


def lacking(tx: Tx, office: Office, now: dt.datetime, draft: Draft) -> tuple[str, ...]:
    """The approvals that a draft still lacks, as they count now."""
    work = work_of(draft)
    involved = work.authors | {given.person for given in work.approvals}
    accounts = people.accounts(tx, involved, now - office.policy.second_person_age)
    return missing(work, office.policy, now=now, accounts=accounts)


def next_hindrance(
    office: Office, person: Person, now: dt.datetime, draft: Draft, known: Mapping[str, Actor]
) -> str | None:
    """Why this person cannot bring a submitted or approved draft further, None when they can."""
    return hindrance(office, person, now, draft, _NEXT[draft.stage], known)


def waiting(tx: Tx, office: Office, asking: Asking, person: Person, now: dt.datetime) -> int:
    """How many drafts wait for this very person."""
    if not rights(person.roles) & set(_NEXT.values()):
        return 0
    found = door.drafts_within(tx, office, asking, now, frozenset(_NEXT))
    known = accounts(tx, office, person, now, found)
    return sum(next_hindrance(office, person, now, draft, known) is None for draft in found)
