"""A little desk made of rules only: no sequence of verbs lets one person write and release, or lets out what must stay.

The ledger beside each bulletin is the test's own: who really touched which content, whatever the rules were told.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import itertools

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    multiple,
    precondition,
    rule,
)

from hub.rules.authority import Actor, Given, Role, Verb, Work, approval_role, may, missing, rights
from hub.rules.decision import Accepted, Allowed, Form, Refused
from hub.rules.lifecycle import UNRELEASED, Stage, begin, step
from hub.rules.policy import DEFAULT, ApprovalRule, By, Policy
from hub.rules.release import IN_HOUSE, District, Exit, Item, Member, Peer, Public, Reader, may_leave, reach
from schemas.vocabulary import Audience, Lane, Mode, RecordClass, Severity, Tlp, Topic
from tests.rules.cases import LONG_AGO, NOW, PLACES, agreement

DAY = dt.timedelta(hours=24)
STRICT = Policy(
    approvals=(
        ApprovalRule(count=2, tlp=frozenset({Tlp.AMBER})),
        ApprovalRule(count=1, by=By.DIRECTOR, topic=frozenset({Topic.CYBER})),
    )
)
AGREEMENTS = {place: agreement(place, until=None) for place in PLACES}


JUDGED: set[object] = set()


@dataclasses.dataclass
class Paper:
    """One bulletin: its working copy, the versions that were released, and the ledger."""

    work: Work
    recipients: frozenset[str]
    stage: Stage = Stage.DRAFT
    released: list[Item] = dataclasses.field(default_factory=list)
    copies: frozenset[str] = frozenset()
    touched: set[str] = dataclasses.field(default_factory=set)  # whose words are in it, by the ledger
    agreed: set[tuple[str, str]] = dataclasses.field(default_factory=set)  # (who, to which content), by the ledger

    def item(self, stage: Stage) -> Item:
        return Item(
            mode=Mode.LIVE,
            origin="tx",
            own=True,
            stage=stage,
            tlp=self.work.tlp,
            topic=self.work.topic,
            lane=self.work.lane,
            audience=Audience.NAMED if self.recipients else Audience.ALL,
            recipients=self.recipients,
            record_class=RecordClass.SAFETY_NOTICE,
            expires=NOW + 400 * DAY,
        )


tlps, lanes = st.sampled_from(Tlp), st.sampled_from(Lane)
topics = st.sampled_from([Topic.CYBER, Topic.SWATTING])
recipients = st.one_of(st.just(frozenset[str]()), st.frozensets(st.sampled_from(PLACES)))
roles = st.one_of(
    st.frozensets(st.sampled_from(Role), min_size=1, max_size=3),
    st.sampled_from(
        [frozenset({Role.SUPERVISOR, Role.OPERATOR}), frozenset({Role.DIRECTOR}), frozenset({Role.ANALYST})]
    ),
)


class Desk(RuleBasedStateMachine):
    papers: Bundle[Paper] = Bundle("papers")
    people: Bundle[str] = Bundle("people")

    def __init__(self) -> None:
        super().__init__()
        self.now = NOW
        self.hashes = (f"{n:064x}" for n in itertools.count(1))
        self.accounts: dict[str, Actor] = {}
        self.kept: list[Paper] = []
        self.policy = DEFAULT

    @initialize(target=people)
    def staff(self):
        first = {
            "ann": {Role.ANALYST},
            "sue": {Role.SUPERVISOR},
            "sam": {Role.SUPERVISOR, Role.OPERATOR},
            "dee": {Role.DIRECTOR},
            "dot": {Role.DIRECTOR, Role.OPERATOR},
        }
        self.accounts |= {name: Actor(name, frozenset(have), LONG_AGO) for name, have in first.items()}
        return multiple(*first)

    @initialize(
        target=papers,
        policy=st.sampled_from([DEFAULT, STRICT]),
        marked=st.lists(st.tuples(tlps, lanes, topics, recipients), min_size=1, max_size=3),
    )
    def what_lies_there(self, policy: Policy, marked: list[tuple[Tlp, Lane, Topic, frozenset[str]]]):
        self.policy = policy
        self.accounts["ann"] = Actor("ann", frozenset({Role.ANALYST}), LONG_AGO)
        return multiple(*(self.compose("ann", Verb.COMPOSE, *each) for each in marked))

    def asks(self, who: str, verb: Verb, work: Work | None = None) -> bool:
        decision = may(self.accounts[who], verb, work, now=self.now, policy=self.policy, accounts=self.accounts)
        return isinstance(decision, Accepted)

    # ---------------------------------------------------------------------------------- the verbs
    @rule(target=people, maker=people, have=roles)
    def open_an_account(self, maker: str, have: frozenset[Role]):
        if not self.asks(maker, Verb.MANAGE_PEOPLE) or len(self.accounts) > 9:
            return multiple()
        name = f"new{len(self.accounts)}"
        self.accounts[name] = Actor(name, have, self.now, maker)
        return name

    @rule(maker=people, who=people, have=roles)
    def change_roles(self, maker: str, who: str, have: frozenset[Role]) -> None:
        if self.asks(maker, Verb.MANAGE_PEOPLE):
            self.accounts[who] = dataclasses.replace(self.accounts[who], roles=have)

    @rule(hours=st.sampled_from([1, 12, 24]))
    def time_passes(self, hours: int) -> None:
        self.now += dt.timedelta(hours=hours)

    @rule(
        target=papers,
        who=people,
        verb=st.sampled_from([Verb.COMPOSE, Verb.ADOPT]),
        tlp=tlps,
        lane=lanes,
        topic=topics,
        to=recipients,
    )
    def compose(self, who: str, verb: Verb, tlp: Tlp, lane: Lane, topic: Topic, to: frozenset[str]):
        if not self.asks(who, verb) or len(self.kept) > 5:
            return multiple()
        assert begin(verb) is Stage.DRAFT
        work = Work(
            authors=frozenset({who}),
            approvals=(),
            lane=lane,
            tlp=tlp,
            topic=topic,
            severity=Severity.SEVERE,
            content_hash=next(self.hashes),
        )
        self.kept.append(Paper(work, to, touched={who}))
        return self.kept[-1]

    @rule(paper=papers, who=people, tlp=tlps, lane=lanes, to=recipients)
    def edit(self, paper: Paper, who: str, tlp: Tlp, lane: Lane, to: frozenset[str]) -> None:
        after = step(paper.stage, Verb.EDIT)
        if isinstance(after, Refused) or not self.asks(who, Verb.EDIT, paper.work):
            return
        authors = paper.work.authors | {who}
        # What was approved before stays on the paper on purpose: it must not count for the new content.
        paper.work = dataclasses.replace(
            paper.work, authors=authors, tlp=tlp, lane=lane, content_hash=next(self.hashes)
        )
        paper.stage, paper.recipients = after, to
        paper.touched.add(who)

    @rule(paper=papers, who=people, verb=st.sampled_from([Verb.SUBMIT, Verb.SEND_BACK]))
    def hand_over(self, paper: Paper, who: str, verb: Verb) -> None:
        after = step(paper.stage, verb)
        if isinstance(after, Stage) and self.asks(who, verb, paper.work):
            paper.stage = after

    @rule(paper=papers, who=people)
    def approve(self, paper: Paper, who: str) -> None:
        if isinstance(step(paper.stage, Verb.APPROVE), Refused) or not self.asks(who, Verb.APPROVE, paper.work):
            return
        given = Given(who, approval_role(self.accounts[who], paper.work), paper.work.content_hash)
        paper.work = dataclasses.replace(paper.work, approvals=(*paper.work.approvals, given))
        lacking = bool(missing(paper.work, self.policy, now=self.now, accounts=self.accounts))
        after = step(paper.stage, Verb.APPROVE, lacking=lacking)
        assert isinstance(after, Stage)
        paper.stage = after
        paper.agreed.add((who, paper.work.content_hash))

    @rule(paper=papers, who=people)
    def publish(self, paper: Paper, who: str) -> None:
        after = step(paper.stage, Verb.PUBLISH)
        if isinstance(after, Refused) or not self.asks(who, Verb.PUBLISH, paper.work):
            return
        self.judge_release(paper, who)
        reached = reach(paper.item(paper.stage), AGREEMENTS, now=self.now, policy=self.policy)
        assert paper.work.tlp is not Tlp.RED
        paper.stage, paper.copies = after, frozenset(reached.copies)
        paper.released.append(paper.item(after))

    @rule(
        paper=papers,
        who=st.one_of(st.permutations(["ann", "sue", "sam", "dee", "dot"]), st.lists(people, min_size=3, max_size=5)),
    )
    def hurry(self, paper: Paper, who: list[str]) -> None:
        """Some people try all it takes, one after the other; without this a release is seldom drawn."""
        for person in who:
            self.hand_over(paper, person, Verb.SUBMIT)
            self.approve(paper, person)
        for person in who:
            self.publish(paper, person)

    @rule(
        target=people,
        paper=papers,
        maker=people,
        have=st.sampled_from([Role.ANALYST, Role.SUPERVISOR, Role.DIRECTOR]),
        hours=st.sampled_from([0, 23, 24]),
    )
    def play_two(self, paper: Paper, maker: str, have: Role, hours: int):
        """Somebody opens an account for themselves and tries to be author and second person with the two."""
        other = self.open_an_account(maker, frozenset({have}))
        if not isinstance(other, str):
            return multiple()
        self.time_passes(hours)
        author, second = (other, maker) if have is Role.ANALYST else (maker, other)
        self.edit(paper, author, paper.work.tlp, paper.work.lane, paper.recipients)
        self.hurry(paper, [author, second, "sue"])
        return other

    @rule(paper=papers, who=people)
    def update(self, paper: Paper, who: str) -> None:
        after = step(paper.stage, Verb.UPDATE)
        if isinstance(after, Stage) and self.asks(who, Verb.UPDATE, paper.work):
            # The next version starts as this person's draft of the words that were released.
            paper.work = dataclasses.replace(paper.work, authors=frozenset({who}), content_hash=next(self.hashes))
            paper.stage, paper.touched = after, {who}

    @precondition(lambda self: self.kept)
    @rule(paper=consumes(papers), who=people)
    def withdraw(self, paper: Paper, who: str) -> None:
        after = step(paper.stage, Verb.WITHDRAW)
        if isinstance(after, Stage) and self.asks(who, Verb.WITHDRAW, paper.work):
            paper.stage = after
            paper.released = [dataclasses.replace(one, stage=after) for one in paper.released]

    # ------------------------------------------------------------------------------ what must hold
    def same_person(self, one: str, other: str) -> bool:
        return one == other or self.opened(one, other) or self.opened(other, one)

    def opened(self, maker: str, account: str) -> bool:
        """Whether `maker` opened this account within the last day, or opened the one that did."""
        while (by := self.accounts[account].created_by) is not None and self.now - self.accounts[
            account
        ].created_at < DAY:
            if by == maker:
                return True
            account = by
        return False

    def judge_release(self, paper: Paper, releaser: str) -> None:
        def outside(who: str) -> bool:
            return not any(self.same_person(who, writer) for writer in paper.touched)

        assert outside(releaser), f"{releaser} wrote and released"
        said_yes = {who for who, content in paper.agreed if content == paper.work.content_hash and outside(who)}
        assert said_yes, "nobody but the authors said yes to this content"
        if paper.work.lane is Lane.FLASH:
            assert any(Role.DIRECTOR in self.accounts[who].roles for who in said_yes)
        if self.policy is STRICT and paper.work.tlp is Tlp.AMBER:
            assert len(said_yes) >= 2

    def readers(self) -> list[Reader]:
        peers = [
            Peer(place, AGREEMENTS[place], audience) for place in PLACES for audience in ("all", f"to-{place}", "to-nv")
        ]
        return [
            Public(),
            District("tx", Tlp.RED),
            District("ok", Tlp.RED),
            *map(Member, self.accounts.values()),
            *peers,
        ]

    def leaves(self, item: Item, exit_: Exit, reader: Reader) -> Form | None:
        decision = may_leave(item, exit_, reader, mode=Mode.LIVE, now=self.now, policy=self.policy, place="tx")
        return decision.form if isinstance(decision, Allowed) else None

    @invariant()
    def nothing_gets_out(self) -> None:
        kinds = frozenset(account.roles for account in self.accounts.values())
        for paper in self.kept:
            for item in [*paper.released, paper.item(paper.stage)]:
                # What was judged right for such an item and such readers is right in every run: the door is a pure function.
                look = (item.stage, item.tlp, item.topic, item.lane, item.recipients, kinds, self.policy is STRICT)
                if look not in JUDGED:
                    self.judge_exits(item)
                    JUDGED.add(look)

    def judge_exits(self, item: Item) -> None:
        for exit_, reader in itertools.product(Exit, self.readers()):
            form = self.leaves(item, exit_, reader)
            if form is not None:
                self.judge_leaving(item, exit_, reader, form)

    def judge_leaving(self, item: Item, exit_: Exit, reader: Reader, form: Form) -> None:
        at_desk = isinstance(reader, Member) and Verb.READ_DESK in rights(reader.actor.roles) and exit_ in IN_HOUSE
        if item.stage in UNRELEASED or item.tlp is Tlp.RED:
            assert at_desk
        if item.tlp is Tlp.AMBER_STRICT:
            named = isinstance(reader, Peer) and reader.subject_audience == f"to-{reader.place}"
            assert at_desk or (
                exit_ is Exit.SUBJECT and named and (not item.recipients or reader.place in item.recipients)
            )
        if isinstance(reader, Public):
            assert item.tlp is Tlp.CLEAR
            assert not item.recipients
        if item.stage is Stage.WITHDRAWN:
            assert at_desk or form is Form.WITHDRAWN


TestDesk = Desk.TestCase
TestDesk.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)


def test_the_machine_really_releases() -> None:
    desk = Desk()
    desk.staff()
    paper = desk.compose("ann", Verb.COMPOSE, Tlp.GREEN, Lane.FLASH, Topic.SWATTING, frozenset())
    for who in ("ann", "sue", "dee"):
        desk.hand_over(paper, who, Verb.SUBMIT)
        desk.approve(paper, who)
        desk.publish(paper, who)
    assert paper.stage is Stage.RELEASED
    desk.nothing_gets_out()
