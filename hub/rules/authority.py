"""Who may do what, and whose yes a bulletin still lacks (DESIGN section 3, step 2; MISSION A2 to A4, D3).

**Author is everyone who changed the content or adopted it. An author never approves nor releases, whatever their roles.** An
account that an author made (or one made by such an account) within the policy's hours is no second person, and neither is whoever
made an author's account; nor is an account for which an author ever made a token, or whoever made one for an author: nobody
becomes two by opening an account or by keeping a key to somebody else's. Neither are two accounts to which the same third person
holds a key: somebody who made a token for each could act as both. An approval counts for the content hash that it was given for
and no other. Two accounts whose owners chose their own passwords are two people here, whoever opened them: that an operator used
a link themselves shows when its owner comes, and in the journal.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import enum
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Final

from hub.errors import Forbidden
from hub.rules.decision import Accepted, Decision, Refused
from hub.rules.policy import By, Policy
from schemas.vocabulary import Lane, Severity, Tlp, Topic


class Role(enum.StrEnum):
    """What a person is at this desk; somebody may be several."""

    ANALYST = "analyst"
    SUPERVISOR = "supervisor"
    DIRECTOR = "director"
    OPERATOR = "operator"
    PRIVACY = "privacy"
    AUDITOR = "auditor"
    CONNECTOR = "connector"
    DISTRICT = "district"


class Verb(enum.StrEnum):
    """What can be done at a node."""

    COMPOSE = "compose"
    EDIT = "edit"
    SUBMIT = "submit"
    SEND_BACK = "send-back"
    APPROVE = "approve"
    PUBLISH = "publish"
    UPDATE = "update"
    WITHDRAW = "withdraw"
    EXPIRE = "expire"
    ADOPT = "adopt"
    SET_ASIDE = "set-aside"
    READ_DESK = "read-desk"
    READ_QUEUE = "read-queue"
    RUN_SOURCE = "run-source"
    MANAGE_PEERS = "manage-peers"
    MANAGE_PEOPLE = "manage-people"
    READ_OPERATIONS = "read-operations"
    OVERRIDE = "override"


_WRITING: Final = frozenset(
    {
        Verb.COMPOSE,
        Verb.EDIT,
        Verb.SUBMIT,
        Verb.UPDATE,
        Verb.ADOPT,
        Verb.SET_ASIDE,
        Verb.READ_DESK,
        Verb.READ_QUEUE,
        Verb.RUN_SOURCE,
        Verb.READ_OPERATIONS,
    }
)
_RELEASING: Final = _WRITING | {Verb.SEND_BACK, Verb.APPROVE, Verb.PUBLISH, Verb.WITHDRAW, Verb.EXPIRE}
_RIGHTS: Final[Mapping[Role, frozenset[Verb]]] = MappingProxyType(
    {
        Role.ANALYST: _WRITING,
        Role.SUPERVISOR: _RELEASING,
        # What else sets a director apart is whose approval a flash needs.
        Role.DIRECTOR: _RELEASING | {Verb.OVERRIDE},
        Role.OPERATOR: frozenset({Verb.RUN_SOURCE, Verb.MANAGE_PEERS, Verb.MANAGE_PEOPLE, Verb.READ_OPERATIONS}),
        Role.PRIVACY: frozenset({Verb.READ_DESK, Verb.READ_QUEUE, Verb.READ_OPERATIONS}),
        Role.AUDITOR: frozenset({Verb.READ_OPERATIONS}),  # no right to content (MISSION L3)
        Role.CONNECTOR: frozenset({Verb.RUN_SOURCE}),
        Role.DISTRICT: frozenset(),
    }
)
_APPROVERS: Final = {
    By.SUPERVISOR: frozenset({Role.SUPERVISOR, Role.DIRECTOR}),
    By.DIRECTOR: frozenset({Role.DIRECTOR}),
}
_SECOND_PERSON: Final = frozenset({Verb.APPROVE, Verb.PUBLISH})


@dataclasses.dataclass(frozen=True, slots=True)
class Actor:
    """Who acts: an opaque person id, their roles now (none when the account is closed), when and by whom the account was made.

    `tokens_from`: who else ever made a token of this account, or lately a link to choose its password. A token is its owner, so
    each of them could have acted as them. `keys_from`: who else's token for this account is good, or lately was; once the owner
    chose a password and the token was revoked, it counts no more.
    """

    id: str
    roles: frozenset[Role]
    created_at: dt.datetime
    created_by: str | None = None
    tokens_from: frozenset[str] = frozenset()
    keys_from: frozenset[str] = frozenset()


@dataclasses.dataclass(frozen=True, slots=True)
class Given:
    """An approval that was given: by whom, in which role, for which content hash (hex)."""

    person: str
    role: Role
    content_hash: str


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """What the rules need to know of a bulletin at the desk. `content_hash` is that of its content now, in hex."""

    authors: frozenset[str]
    approvals: tuple[Given, ...]
    lane: Lane
    tlp: Tlp
    topic: Topic
    severity: Severity
    content_hash: str


def rights(roles: Iterable[Role]) -> frozenset[Verb]:
    """Every verb that these roles give together."""
    return frozenset[Verb]().union(*(_RIGHTS[role] for role in roles))


def who_may(verb: Verb) -> tuple[Role, ...]:
    """The roles that give this verb."""
    return tuple(role for role, verbs in _RIGHTS.items() if verb in verbs)


def may(
    actor: Actor,
    verb: Verb,
    work: Work | None = None,
    *,
    now: dt.datetime,
    policy: Policy,
    accounts: Mapping[str, Actor] = MappingProxyType({}),
) -> Decision:
    """Whether `actor` may do `verb`, to `work` where there is one; without `work` only the role is judged.

    `accounts` holds at least every author and everyone who approved, and those who made their accounts, by id, with their roles
    now: an approval of somebody who is not in it does not count. Codes: `role`, `author`, `not-second-person`,
    `already-approved`, `approvals`, `red`.
    """
    if verb not in rights(actor.roles):
        return Refused("role", _lacks_role(actor, verb))
    if work is None or verb not in _SECOND_PERSON:
        return Accepted()
    return _second_person(actor, verb, work, now, policy, accounts) or _ready(actor, verb, work, now, policy, accounts)


def _lacks_role(actor: Actor, verb: Verb) -> str:
    have = _listed(sorted(actor.roles)) if actor.roles else "nobody with a role here"
    return f"To {_said(verb)} takes {_listed(who_may(verb), 'or')}; you are {have}."


def _second_person(
    actor: Actor, verb: Verb, work: Work, now: dt.datetime, policy: Policy, accounts: Mapping[str, Actor]
) -> Refused | None:
    everyone = {actor.id: actor, **accounts}
    if actor.id in work.authors:
        others = _listed(who_may(verb), "or")
        return Refused("author", f"You wrote part of this: somebody else must {_said(verb)} it, {others}.")
    if _is_author_too(actor.id, work, everyone, now, policy):
        reason = (
            "Your account and an author's are no two people here: one was made by the other less than "
            f"{policy.second_person_hours} hours ago, or holds a token that the other made, or the same person made a "
            "token for each (choose a password by an enrolment link and make your own token)"
        )
        return Refused("not-second-person", f"{reason}: somebody else must {_said(verb)} it.")
    return None


def _ready(
    actor: Actor, verb: Verb, work: Work, now: dt.datetime, policy: Policy, accounts: Mapping[str, Actor]
) -> Decision:
    if work.tlp is Tlp.RED:
        return Refused(
            "red", f"TLP:RED has no subject and no feed: nobody can {_said(verb)} it. Mark a version that may travel."
        )
    if verb is Verb.APPROVE:
        given = Given(actor.id, approval_role(actor, work), work.content_hash)
        if given in work.approvals:
            return Refused("already-approved", "You approved this content already; it takes somebody else now.")
        return Accepted()
    lacking = missing(work, policy, now=now, accounts=accounts)
    if lacking:
        return Refused("approvals", f"Not approved yet. It lacks {_listed(lacking)}.")
    return Accepted()


def missing(
    work: Work, policy: Policy, *, now: dt.datetime | None = None, accounts: Mapping[str, Actor] | None = None
) -> tuple[str, ...]:
    """The approvals that are still lacking, in words; () when there are enough.

    With `now` and `accounts` an approval also counts only while its giver holds the role and is a second person; `may` always
    asks so. Without them this is a first look for a page.
    """
    counted = _counted(work, policy, now, accounts)
    needed = policy.needed(tlp=work.tlp, topic=work.topic, lane=work.lane, severity=work.severity)
    lacking = {by: needed[by] - sum(role in _APPROVERS[by] for role in counted.values()) for by in By}
    # A director's approval that is still to come is also one of the approvals that any supervisor could give.
    lacking[By.SUPERVISOR] -= max(lacking[By.DIRECTOR], 0)
    return tuple(_lack(by, count) for by, count in lacking.items() if count > 0)


def _lack(by: By, count: int) -> str:
    if by is By.DIRECTOR:
        return "the director's approval" if count == 1 else f"the approval of {count} directors"
    if count == 1:
        return "the approval of a supervisor or director who did not write it"
    return f"the approval of {count} supervisors or directors who did not write it"


def _counted(
    work: Work, policy: Policy, now: dt.datetime | None, accounts: Mapping[str, Actor] | None
) -> dict[str, Role]:
    """Whose approvals count, each person once and in the highest role that they gave one in."""
    counted: dict[str, Role] = {}
    for given in work.approvals:
        current = given.content_hash == work.content_hash and given.person not in work.authors
        if not current or given.role not in _APPROVERS[By.SUPERVISOR] or not _holds(given, accounts):
            continue
        if counted.get(given.person) is not Role.DIRECTOR:
            counted[given.person] = given.role
    if now is None or accounts is None:
        return counted
    return {person: role for person, role in counted.items() if _stands(person, work, counted, now, policy, accounts)}


def _holds(given: Given, accounts: Mapping[str, Actor] | None) -> bool:
    """Whether its giver still has the role that the approval was given in."""
    if accounts is None:
        return True
    actor = accounts.get(given.person)
    return actor is not None and given.role in actor.roles


def _stands(
    person: str,
    work: Work,
    counted: Mapping[str, Role],
    now: dt.datetime,
    policy: Policy,
    accounts: Mapping[str, Actor],
) -> bool:
    """Whether this approver is somebody else than the authors, and was not made by another approver."""
    if _is_author_too(person, work, accounts, now, policy):
        return False
    others = frozenset(counted) - {person}
    # Of two approvers that one person holds the keys of, none counts twice: the first by id stands for both.
    doubled = any(other < person and _same_holder(person, other, accounts) for other in others)
    return not doubled and not _made_by(person, others, accounts, now, policy)


def _is_author_too(person: str, work: Work, accounts: Mapping[str, Actor], now: dt.datetime, policy: Policy) -> bool:
    """Whether this account and one of an author's must be taken for the same person."""
    maker = frozenset({person})
    if _holds_token_of(person, work.authors, accounts):
        return True
    if any(_same_holder(person, author, accounts) for author in work.authors):
        return True
    return _made_by(person, work.authors, accounts, now, policy) or any(
        _made_by(author, maker, accounts, now, policy) for author in work.authors
    )


def _holds_token_of(person: str, authors: frozenset[str], accounts: Mapping[str, Actor]) -> bool:
    """Whether one of them made a token for the other, however long ago: it may still be in their hands."""
    account = accounts.get(person)
    if account is not None and account.tokens_from & authors:
        return True
    return any(person in accounts[author].tokens_from for author in authors if author in accounts)


def _same_holder(one: str, other: str, accounts: Mapping[str, Actor]) -> bool:
    """Whether a third person holds a key to both accounts."""
    if one not in accounts or other not in accounts:
        return False
    return bool(accounts[one].keys_from & accounts[other].keys_from)


def _made_by(
    person: str, makers: frozenset[str], accounts: Mapping[str, Actor], now: dt.datetime, policy: Policy
) -> bool:
    """Whether one of `makers` made this account, or made the one that made it, each of them too young to count."""
    seen: set[str] = set()
    while person not in seen:
        seen.add(person)
        account = accounts.get(person)
        if account is None or account.created_by is None or now - account.created_at >= policy.second_person_age:
            return False
        if account.created_by in makers:
            return True
        person = account.created_by
    return False


def approval_role(actor: Actor, work: Work) -> Role:  # noqa: ARG001 - the role may come to depend on what is approved
    """The role in which this person's approval counts: the highest they hold. Forbidden for somebody who cannot approve."""
    for role in (Role.DIRECTOR, Role.SUPERVISOR):
        if role in actor.roles:
            return role
    raise Forbidden(_lacks_role(actor, Verb.APPROVE), code="role")


def _said(verb: Verb) -> str:
    return verb.value.replace("-", " ")


def _listed(words: Iterable[str], joint: str = "and") -> str:
    """The words as one phrase: "a, b and c"."""
    *head, last = list(words) or ["nobody"]
    return f"{', '.join(head)} {joint} {last}" if head else str(last)
