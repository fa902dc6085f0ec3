"""Who may do what, and that nobody is ever both author and second person."""

from __future__ import annotations

import dataclasses
import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.errors import Forbidden
from hub.rules.authority import Actor, Given, Role, Verb, Work, approval_role, may, missing, rights, who_may
from hub.rules.decision import Accepted, Decision, Refused
from hub.rules.policy import DEFAULT, ApprovalRule, By, Policy
from schemas.vocabulary import Lane, Severity, Tlp, Topic
from tests.rules.cases import (
    ANN,
    DAN,
    DAY,
    DEE,
    EVERYBODY,
    HASH,
    HOUR,
    NOW,
    OTHER_HASH,
    SID,
    SUE,
    actor,
    policies,
    work,
)

WRITES = "compose edit submit update adopt set-aside read-desk read-queue run-source read-operations"
RELEASES = f"{WRITES} send-back approve publish withdraw expire"
TABLE = {
    Role.ANALYST: WRITES,
    Role.SUPERVISOR: RELEASES,
    Role.DIRECTOR: f"{RELEASES} override",
    Role.OPERATOR: "run-source manage-peers manage-people read-operations",
    Role.PRIVACY: "read-desk read-queue read-operations",
    Role.AUDITOR: "read-operations",
    Role.CONNECTOR: "run-source",
    Role.DISTRICT: "",
}


def ask(who: Actor, verb: Verb, of: Work | None = None, *more: Actor, policy: Policy = DEFAULT) -> Decision:
    accounts = EVERYBODY | {one.id: one for one in (who, *more)}
    return may(who, verb, of, now=NOW, policy=policy, accounts=accounts)


def code(decision: Decision) -> str:
    return decision.code if isinstance(decision, Refused) else "yes"


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("verb", Verb)
def test_each_role_has_its_verbs_and_no_more(role: Role, verb: Verb) -> None:
    decision = ask(actor("kim", role), verb)
    assert isinstance(decision, Accepted) is (verb.value in TABLE[role].split())
    if isinstance(decision, Refused):
        assert decision.code == "role"
        assert role.value in decision.reason
        assert all(other.value in decision.reason for other in who_may(verb))


def test_operating_and_content_are_apart() -> None:
    both = rights([Role.OPERATOR, Role.CONNECTOR, Role.AUDITOR]) & rights(
        [Role.ANALYST, Role.SUPERVISOR, Role.DIRECTOR]
    )
    assert both == {Verb.RUN_SOURCE, Verb.READ_OPERATIONS}


@pytest.mark.parametrize("verb", Verb)
def test_somebody_without_a_role_may_nothing(verb: Verb) -> None:
    assert code(ask(actor("kim"), verb)) == "role"


APPROVED = work(("sue", Role.SUPERVISOR))
FLASH = {"lane": Lane.FLASH}


@pytest.mark.parametrize(
    ("who", "verb", "of", "answer"),
    [
        # the second person
        (SUE, Verb.APPROVE, work(), "yes"),
        (DEE, Verb.APPROVE, work(), "yes"),
        (ANN, Verb.APPROVE, work(authors=frozenset({"sue"})), "role"),
        (SUE, Verb.APPROVE, work(authors=frozenset({"ann", "sue"})), "author"),
        (SUE, Verb.APPROVE, APPROVED, "already-approved"),
        (SUE, Verb.APPROVE, work(Given("sue", Role.SUPERVISOR, OTHER_HASH)), "yes"),
        (SUE, Verb.SEND_BACK, work(authors=frozenset({"sue"})), "yes"),
        # release
        (SUE, Verb.PUBLISH, APPROVED, "yes"),
        (SID, Verb.PUBLISH, APPROVED, "yes"),
        (SUE, Verb.PUBLISH, work(), "approvals"),
        (ANN, Verb.PUBLISH, APPROVED, "role"),
        (SID, Verb.PUBLISH, work(("sue", Role.SUPERVISOR), authors=frozenset({"ann", "sid"})), "author"),
        (SID, Verb.PUBLISH, work(("sue", Role.SUPERVISOR), authors=frozenset({"ann", "sue"})), "approvals"),
        (SID, Verb.PUBLISH, work(Given("sue", Role.SUPERVISOR, OTHER_HASH)), "approvals"),
        (SID, Verb.PUBLISH, work(("ann", Role.ANALYST)), "approvals"),
        (SID, Verb.PUBLISH, work(("nobody-known", Role.SUPERVISOR)), "approvals"),
        (SID, Verb.PUBLISH, work(("sue", Role.DIRECTOR)), "approvals"),
        # a flash is the director's to order
        (SUE, Verb.PUBLISH, work(("sue", Role.SUPERVISOR), **FLASH), "approvals"),
        (SUE, Verb.PUBLISH, work(("dee", Role.DIRECTOR), **FLASH), "yes"),
        (SUE, Verb.PUBLISH, work(("sue", Role.SUPERVISOR), ("dee", Role.DIRECTOR), **FLASH), "yes"),
        (DEE, Verb.APPROVE, work(authors=frozenset({"dee"}), **FLASH), "author"),
        (DEE, Verb.PUBLISH, work(("sue", Role.SUPERVISOR), authors=frozenset({"dee"}), **FLASH), "author"),
        (SUE, Verb.PUBLISH, work(("dee", Role.DIRECTOR), authors=frozenset({"dee"}), **FLASH), "approvals"),
        (SUE, Verb.PUBLISH, work(("dan", Role.DIRECTOR), authors=frozenset({"dee"}), **FLASH), "yes"),
        # RED goes nowhere
        (SUE, Verb.APPROVE, work(tlp=Tlp.RED), "red"),
        (SUE, Verb.PUBLISH, work(("dee", Role.DIRECTOR), tlp=Tlp.RED), "red"),
        # taking away is safe
        (SUE, Verb.WITHDRAW, work(authors=frozenset({"sue"})), "yes"),
        (DEE, Verb.WITHDRAW, work(authors=frozenset({"dee"}), **FLASH), "yes"),
        (ANN, Verb.WITHDRAW, work(), "role"),
        (ANN, Verb.EDIT, work(authors=frozenset({"sue"})), "yes"),
    ],
)
def test_the_second_person(who: Actor, verb: Verb, of: Work, answer: str) -> None:
    assert code(ask(who, verb, of)) == answer


@pytest.mark.parametrize(
    ("age", "by", "answer"),
    [
        (HOUR, "ann", "not-second-person"),
        (DAY - dt.timedelta(milliseconds=1), "ann", "not-second-person"),
        (DAY, "ann", "yes"),
        (-HOUR, "ann", "not-second-person"),
        (HOUR, "sue", "yes"),
        (HOUR, None, "yes"),
        (HOUR, "new", "not-second-person"),
        (HOUR, "old", "yes"),
    ],
)
@pytest.mark.parametrize("verb", [Verb.APPROVE, Verb.PUBLISH])
def test_an_account_that_an_author_made_is_no_second_person(
    age: dt.timedelta, by: str | None, answer: str, verb: Verb
) -> None:
    young = actor("kim", Role.SUPERVISOR, age=age, by=by)
    of = work(("sid", Role.SUPERVISOR)) if verb is Verb.PUBLISH else work()
    makers = (actor("new", Role.OPERATOR, age=HOUR, by="ann"), actor("old", Role.OPERATOR, age=2 * DAY, by="ann"))
    assert code(ask(young, verb, of, *makers)) == answer


@pytest.mark.parametrize(("age", "answer"), [(HOUR, "not-second-person"), (DAY, "yes")])
def test_who_made_the_authors_account_is_no_second_person(age: dt.timedelta, answer: str) -> None:
    maker, author = actor("kim", Role.OPERATOR, Role.SUPERVISOR), actor("ann", Role.ANALYST, age=age, by="kim")
    assert code(ask(maker, Verb.APPROVE, work(), author)) == answer
    assert code(ask(SID, Verb.PUBLISH, work(("kim", Role.SUPERVISOR)), maker, author)) == answer.replace(
        "not-second-person", "approvals"
    )


def test_two_accounts_that_an_operator_made_are_two_people() -> None:
    young = actor("kim", Role.SUPERVISOR, age=HOUR, by="opal")
    author = actor("ann", Role.ANALYST, age=HOUR, by="opal")
    assert code(ask(young, Verb.APPROVE, work(), author, actor("opal", Role.OPERATOR))) == "yes"


def test_makers_in_a_circle_do_not_hang() -> None:
    one, two = actor("one", Role.SUPERVISOR, age=HOUR, by="two"), actor("two", Role.SUPERVISOR, age=HOUR, by="one")
    assert code(ask(one, Verb.APPROVE, work(), two)) == "yes"


def test_an_approval_of_an_account_that_an_author_made_does_not_count() -> None:
    young = actor("kim", Role.SUPERVISOR, age=HOUR, by="ann")
    assert code(ask(SUE, Verb.PUBLISH, work(("kim", Role.SUPERVISOR)), young)) == "approvals"


def test_an_approver_does_not_make_the_next_one() -> None:
    two = Policy(approvals=(ApprovalRule(count=2),))
    young = actor("kim", Role.SUPERVISOR, age=HOUR, by="sue")
    of = work(("sue", Role.SUPERVISOR), ("kim", Role.SUPERVISOR))
    assert code(ask(SID, Verb.PUBLISH, of, young, policy=two)) == "approvals"
    assert code(ask(SID, Verb.PUBLISH, work(("sue", Role.SUPERVISOR), ("sid", Role.SUPERVISOR)), policy=two)) == "yes"


def test_an_approval_counts_only_while_its_giver_has_the_role() -> None:
    closed = actor("sue")
    assert code(ask(SID, Verb.PUBLISH, APPROVED, closed)) == "approvals"


def test_without_the_accounts_no_approval_counts() -> None:
    assert code(may(SID, Verb.PUBLISH, APPROVED, now=NOW, policy=DEFAULT)) == "approvals"


@pytest.mark.parametrize(
    ("of", "lacking"),
    [
        (work(), ("the approval of a supervisor or director who did not write it",)),
        (APPROVED, ()),
        (work(lane=Lane.FLASH), ("the director's approval",)),
        (work(("sue", Role.SUPERVISOR), lane=Lane.FLASH), ("the director's approval",)),
        (work(("dee", Role.DIRECTOR), lane=Lane.FLASH), ()),
        (work(topic=Topic.TERRORISM), ("the approval of 3 supervisors or directors who did not write it",)),
        (
            work(topic=Topic.TERRORISM, lane=Lane.FLASH),
            ("the approval of 2 supervisors or directors who did not write it", "the director's approval"),
        ),
        (
            work(("dee", Role.DIRECTOR), topic=Topic.TERRORISM, lane=Lane.FLASH),
            ("the approval of 2 supervisors or directors who did not write it",),
        ),
        (work(("sue", Role.SUPERVISOR), severity=Severity.EXTREME), ("the approval of 2 directors",)),
        (
            work(("dee", Role.DIRECTOR), ("dee", Role.SUPERVISOR), severity=Severity.EXTREME),
            ("the director's approval",),
        ),
        (work(("dee", Role.DIRECTOR), ("dan", Role.DIRECTOR), severity=Severity.EXTREME), ()),
    ],
)
def test_what_is_lacking_is_said(of: Work, lacking: tuple[str, ...]) -> None:
    policy = Policy(
        approvals=(
            ApprovalRule(count=3, topic=frozenset({Topic.TERRORISM})),
            ApprovalRule(count=2, by=By.DIRECTOR, severity=Severity.EXTREME),
        )
    )
    assert missing(of, policy) == lacking
    decision = ask(SID, Verb.PUBLISH, of, policy=policy)
    assert all(words in decision.reason for words in lacking) if isinstance(decision, Refused) else not lacking


@pytest.mark.parametrize(
    ("who", "role"),
    [(SUE, Role.SUPERVISOR), (DEE, Role.DIRECTOR), (actor("x", Role.SUPERVISOR, Role.DIRECTOR), Role.DIRECTOR)],
)
def test_an_approval_is_given_in_the_highest_role(who: Actor, role: Role) -> None:
    assert approval_role(who, work()) is role


def test_who_cannot_approve_has_no_role_to_do_it_in() -> None:
    with pytest.raises(Forbidden):
        approval_role(ANN, work())


people = st.builds(
    Actor,
    id=st.sampled_from(["ann", "sue", "sid", "dee", "dan"]),
    roles=st.frozensets(st.sampled_from(Role)),
    created_at=st.sampled_from([NOW - HOUR, NOW - 2 * DAY]),
    created_by=st.sampled_from([None, "ann", "sue", "dee"]),
    tokens_from=st.frozensets(st.sampled_from(["ann", "sue", "olive"]), max_size=1),
    keys_from=st.frozensets(st.sampled_from(["olive", "oscar"])),
)
works = st.builds(
    Work,
    authors=st.frozensets(st.sampled_from(["ann", "sue", "dee"]), min_size=1),
    approvals=st.lists(
        st.builds(Given, st.sampled_from(list(EVERYBODY)), st.sampled_from(Role), st.sampled_from([HASH, OTHER_HASH])),
        max_size=5,
    ).map(tuple),
    lane=st.sampled_from(Lane),
    tlp=st.sampled_from(Tlp),
    topic=st.sampled_from([Topic.SWATTING, Topic.CYBER]),
    severity=st.sampled_from(Severity),
    content_hash=st.just(HASH),
)


@pytest.mark.parametrize(
    ("author", "other", "answer"),
    [
        ({"olive"}, {"olive"}, "not-second-person"),
        ({"olive", "oscar"}, {"oscar"}, "not-second-person"),
        ({"olive"}, {"oscar"}, "yes"),
        ({"olive"}, set(), "yes"),
        (set(), {"olive"}, "yes"),
        (set(), set(), "yes"),
    ],
)
@pytest.mark.parametrize("verb", [Verb.APPROVE, Verb.PUBLISH])
def test_two_accounts_with_one_holder_of_keys_are_one_person(
    author: set[str], other: set[str], answer: str, verb: Verb
) -> None:
    ann = dataclasses.replace(ANN, keys_from=frozenset(author))
    sue = dataclasses.replace(SUE, keys_from=frozenset(other))
    of = work(("sid", Role.SUPERVISOR)) if verb is Verb.PUBLISH else work()
    assert code(ask(sue, verb, of, ann)) == answer


@pytest.mark.parametrize(
    ("keys", "answer"), [(("olive", "olive"), "approvals"), (("olive", "oscar"), "yes"), (("olive", None), "yes")]
)
def test_two_approvals_by_one_holder_of_keys_count_once(keys: tuple[str | None, ...], answer: str) -> None:
    sid, sue = (
        dataclasses.replace(one, keys_from=frozenset({key} if key else ()))
        for one, key in zip((SID, SUE), keys, strict=True)
    )
    twice = dataclasses.replace(DEFAULT, approvals=(ApprovalRule(count=2),))
    of = work(("sid", Role.SUPERVISOR), ("sue", Role.SUPERVISOR))
    assert code(ask(DEE, Verb.PUBLISH, of, sid, sue, policy=twice)) == answer
    once = work(("sid", Role.SUPERVISOR))
    assert code(ask(DEE, Verb.PUBLISH, once, sid, sue)) == "yes"


def test_an_approval_by_the_holder_of_the_author_s_keys_does_not_count() -> None:
    ann, sid = (dataclasses.replace(one, keys_from=frozenset({"olive"})) for one in (ANN, SID))
    assert code(ask(DEE, Verb.PUBLISH, work(("sid", Role.SUPERVISOR)), ann, sid)) == "approvals"


@given(people, works, policies, st.lists(people, max_size=5))
def test_what_is_released_had_a_second_person(who: Actor, of: Work, policy: Policy, others: list[Actor]) -> None:
    accounts = EVERYBODY | {one.id: one for one in (*others, who)}
    if isinstance(may(who, Verb.PUBLISH, of, now=NOW, policy=policy, accounts=accounts), Accepted):
        counted = {one.person for one in of.approvals if one.content_hash == HASH} - of.authors
        assert who.id not in of.authors
        assert counted
        assert of.tlp is not Tlp.RED
        assert who.roles & {Role.SUPERVISOR, Role.DIRECTOR}
        keys = {person: accounts[person].keys_from for person in accounts}
        assert not any(keys[who.id] & keys[author] for author in of.authors), "one holder of both released it"
        assert any(not any(keys[one] & keys[author] for author in of.authors) for one in counted)
        if of.lane is Lane.FLASH:
            assert any(Role.DIRECTOR in accounts[person].roles for person in counted)


@given(people, works, policies)
def test_every_refusal_gives_a_reason(who: Actor, of: Work, policy: Policy) -> None:
    for verb in Verb:
        decision = may(who, verb, of, now=NOW, policy=policy, accounts=EVERYBODY)
        if isinstance(decision, Refused):
            assert decision.code
            assert decision.reason.endswith(".")


def test_the_table_names_every_role() -> None:
    assert set(TABLE) == set(Role)
    assert {DAN.id, SID.id} <= set(EVERYBODY)
