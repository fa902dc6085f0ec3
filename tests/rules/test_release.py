"""The one door: tables of who may have what, and what no drawn item, exit or reader may ever get through."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from hypothesis import given

from hub.rules.authority import Role, Verb, rights
from hub.rules.decision import Allowed, Form, Leave, Withheld
from hub.rules.lifecycle import UNRELEASED, Stage
from hub.rules.policy import DEFAULT, Policy
from hub.rules.release import (
    GRACE,
    IN_HOUSE,
    District,
    Exit,
    Item,
    Member,
    Peer,
    Public,
    Reader,
    Widest,
    may_leave,
    widest,
)
from schemas.vocabulary import Audience, Caveat, Mode, RecordClass, Tlp
from tests.rules.cases import (
    ANN,
    DAY,
    HOUR,
    NOW,
    actor,
    agreement,
    exits,
    item,
    items,
    peer,
    plain_items,
    policies,
    readers,
)

OPAL = actor("opal", Role.OPERATOR)
FEEDS = {Exit.RSS, Exit.ATOM, Exit.JSON_FEED}
PRIVATE = FEEDS | {Exit.PAGE, Exit.TEXT, Exit.STIX, Exit.CAP}
PUBLIC = PRIVATE | {Exit.TAXII, Exit.SEARCH, Exit.API, Exit.EMAIL, Exit.WEBHOOK}
SUBJECT = {Exit.SUBJECT}
ON_SCREEN = {Exit.DESK, Exit.API}
ALL_BUT_SUBJECT = set(Exit) - SUBJECT
NONE: set[Exit] = set()
IN = set(IN_HOUSE)

# Who reads by which exits, for a released safety notice for everybody, by marking.
READERS: dict[str, tuple[Reader, dict[Tlp, set[Exit]]]] = {
    "public": (Public(), {Tlp.CLEAR: PUBLIC}),
    "district, amber": (District("tx", Tlp.AMBER), {Tlp.CLEAR: PRIVATE, Tlp.GREEN: PRIVATE, Tlp.AMBER: PRIVATE}),
    "district, red": (District("tx", Tlp.RED), {Tlp.CLEAR: PRIVATE, Tlp.GREEN: PRIVATE, Tlp.AMBER: PRIVATE}),
    "district, green": (District("tx", Tlp.GREEN), {Tlp.CLEAR: PRIVATE, Tlp.GREEN: PRIVATE}),
    "district, clear": (District("tx", Tlp.CLEAR), {Tlp.CLEAR: PRIVATE}),
    "another state's district": (District("ok", Tlp.AMBER), {Tlp.CLEAR: PRIVATE, Tlp.GREEN: PRIVATE}),
    "analyst": (
        Member(ANN),
        {
            Tlp.CLEAR: ALL_BUT_SUBJECT,
            Tlp.GREEN: ALL_BUT_SUBJECT,
            Tlp.AMBER: IN,
            Tlp.AMBER_STRICT: IN,
            Tlp.RED: ON_SCREEN,
        },
    ),
    "operator": (Member(OPAL), {Tlp.CLEAR: PUBLIC}),
    "peer, all": (peer(audience="all"), {Tlp.CLEAR: SUBJECT, Tlp.GREEN: SUBJECT}),
    "peer, its own copy": (
        peer(),
        {Tlp.CLEAR: SUBJECT, Tlp.GREEN: SUBJECT, Tlp.AMBER: SUBJECT, Tlp.AMBER_STRICT: SUBJECT},
    ),
    "peer, somebody else's copy": (peer(audience="to-va"), {}),
    "peer, a group's copy": (peer(audience="g-tx-metro"), {}),
    "peer without agreement": (Peer("ok", None, "all"), {}),
    "peer with another's agreement": (Peer("ok", agreement("va"), "all"), {}),
    "the own state as a peer": (peer("tx", "all"), {}),
}


def ask(of: Item, exit_: Exit, reader: Reader, **changes: Any) -> Leave:
    given_ = {"mode": Mode.LIVE, "now": NOW, "policy": DEFAULT} | changes
    return may_leave(of, exit_, reader, **given_)


def code(decision: Leave) -> str:
    return decision.code if isinstance(decision, Withheld) else decision.form.value


@pytest.mark.parametrize("exit_", Exit)
@pytest.mark.parametrize("tlp", [*Tlp, None])
@pytest.mark.parametrize("who", READERS)
def test_every_exit_reader_and_marking(who: str, tlp: Tlp | None, exit_: Exit) -> None:
    reader, by = READERS[who]
    allowed = exit_ in by.get(Tlp.AMBER_STRICT if tlp is None else tlp, NONE)
    decision = ask(item(tlp=tlp), exit_, reader)
    assert isinstance(decision, Allowed) is allowed
    if isinstance(decision, Withheld):
        assert decision.code
        assert decision.reason.endswith(".")


RECEIVED = {"own": False, "origin": "oh"}
AMBER, GREEN = {"tlp": Tlp.AMBER}, {"tlp": Tlp.GREEN}
NAMED = {"audience": Audience.NAMED, "recipients": frozenset({"ok"})}
DISTRICT = District("tx", Tlp.AMBER)


@pytest.mark.parametrize(
    ("changes", "exit_", "reader", "answer"),
    [
        # unreleased: the desk only
        *(({"stage": stage}, Exit.RSS, Public(), "not-released") for stage in UNRELEASED),
        *(({"stage": stage}, Exit.SUBJECT, peer(), "not-released") for stage in UNRELEASED),
        *(({"stage": stage}, Exit.EXPORT, Member(ANN), "not-released") for stage in UNRELEASED),
        *(({"stage": stage}, Exit.API, Member(ANN), "full") for stage in UNRELEASED),
        *(({"stage": stage}, Exit.DESK, Member(OPAL), "exit") for stage in UNRELEASED),
        # withdrawn: a notice, to the same readers
        ({"stage": Stage.WITHDRAWN}, Exit.RSS, Public(), "withdrawn"),
        ({"stage": Stage.WITHDRAWN, "expires": NOW - DAY}, Exit.RSS, Public(), "withdrawn"),
        ({"stage": Stage.WITHDRAWN, **GREEN}, Exit.RSS, Public(), "tlp"),
        ({"stage": Stage.WITHDRAWN, **GREEN}, Exit.ATOM, DISTRICT, "withdrawn"),
        ({"stage": Stage.WITHDRAWN}, Exit.SUBJECT, peer(), "withdrawn"),
        ({"stage": Stage.WITHDRAWN}, Exit.DESK, Member(ANN), "full"),
        ({"stage": Stage.WITHDRAWN, **RECEIVED}, Exit.DESK, Member(ANN), "withdrawn"),
        # expiry by the own clock, with grace for what others dated
        ({"stage": Stage.EXPIRED}, Exit.RSS, Public(), "expired"),
        ({"expires": NOW}, Exit.RSS, Public(), "expired"),
        ({"expires": NOW + dt.timedelta(milliseconds=1)}, Exit.RSS, Public(), "full"),
        ({"expires": None}, Exit.RSS, Public(), "expired"),
        ({"expires": NOW}, Exit.SUBJECT, peer(), "expired"),
        ({"expires": NOW}, Exit.DESK, Member(ANN), "full"),
        ({"expires": NOW - GRACE + dt.timedelta(milliseconds=1), **RECEIVED}, Exit.RSS, Public(), "full"),
        ({"expires": NOW - GRACE, **RECEIVED}, Exit.RSS, Public(), "expired"),
        # live and exercise
        ({"mode": Mode.EXERCISE}, Exit.RSS, Public(), "mode"),
        ({"mode": Mode.EXERCISE}, Exit.DESK, Member(ANN), "mode"),
        ({"mode": Mode.EXERCISE}, Exit.SUBJECT, peer(), "mode"),
        # while a lane catches up nobody is shown anything; what is not understood is the desk's
        ({"waiting": True, "readable": False, **RECEIVED}, Exit.DESK, Member(ANN), "catching-up"),
        ({"waiting": True, **RECEIVED}, Exit.RSS, Public(), "catching-up"),
        ({"readable": False, **RECEIVED}, Exit.RSS, Public(), "desk-only"),
        ({"readable": False, **RECEIVED}, Exit.EXPORT, Member(ANN), "desk-only"),
        ({"readable": False, **RECEIVED}, Exit.DESK, Member(ANN), "full"),
        ({"topic": None}, Exit.RSS, Public(), "desk-only"),
        ({"record_class": None}, Exit.ATOM, DISTRICT, "desk-only"),
        ({"audience": None}, Exit.SUBJECT, peer(), "desk-only"),
        # records and caveats
        *(
            ({"record_class": one}, Exit.RSS, Public(), "record-class")
            for one in RecordClass
            if one is not RecordClass.SAFETY_NOTICE
        ),
        *(
            ({"record_class": one}, Exit.RSS, DISTRICT, "record-class")
            for one in RecordClass
            if one is not RecordClass.SAFETY_NOTICE
        ),
        *(({"record_class": one}, Exit.SUBJECT, peer(), "full") for one in RecordClass),
        *(({"caveats": frozenset({one})}, Exit.RSS, Public(), "caveat") for one in (Caveat.LES, Caveat.CUI)),
        *(({"caveats": frozenset({one})}, Exit.RSS, DISTRICT, "caveat") for one in (Caveat.LES, Caveat.CUI)),
        *(({"caveats": frozenset({one})}, Exit.SUBJECT, peer(), "full") for one in Caveat),
        ({"caveats": frozenset({Caveat.NO_REDISTRIBUTION})}, Exit.RSS, Public(), "full"),
        ({"caveats": frozenset({Caveat.NO_REDISTRIBUTION}), **RECEIVED}, Exit.RSS, Public(), "originator"),
        ({"caveats": frozenset({Caveat.ASK_ORIGINATOR}), **RECEIVED}, Exit.RSS, DISTRICT, "originator"),
        ({"caveats": frozenset({Caveat.ASK_ORIGINATOR}), **RECEIVED}, Exit.EXPORT, Member(ANN), "originator"),
        ({"caveats": frozenset({Caveat.ASK_ORIGINATOR}), **RECEIVED}, Exit.API, Member(ANN), "full"),
        # audiences
        (NAMED, Exit.RSS, Public(), "audience"),
        ({"audience": Audience.GROUP}, Exit.RSS, Public(), "audience"),
        (NAMED, Exit.RSS, DISTRICT, "audience"),
        (NAMED, Exit.SUBJECT, peer("ok"), "full"),
        (NAMED, Exit.SUBJECT, peer("va"), "not-named"),
        (NAMED, Exit.SUBJECT, peer("ok", "all"), "audience"),
        # received
        (RECEIVED, Exit.RSS, Public(), "full"),
        (RECEIVED, Exit.SUBJECT, peer(), "not-own"),
        ({**RECEIVED, **AMBER}, Exit.RSS, DISTRICT, "not-own-district"),
        ({**RECEIVED, **AMBER}, Exit.API, Member(ANN), "full"),
    ],
)
def test_the_rest_of_the_table(changes: dict[str, Any], exit_: Exit, reader: Reader, answer: str) -> None:
    assert code(ask(item(**changes), exit_, reader)) == answer


@pytest.mark.parametrize(
    ("changes", "place", "policy", "answer"),
    [
        ({**RECEIVED, **AMBER}, "tx", DEFAULT, "full"),
        ({**RECEIVED, **AMBER}, "oh", DEFAULT, "not-own-district"),
        ({**RECEIVED, **AMBER, **NAMED}, "tx", DEFAULT, "audience"),
        ({**RECEIVED, **AMBER, **NAMED}, "tx", Policy(named_to_districts=True), "full"),
        (AMBER, None, DEFAULT, "full"),
        ({**AMBER, "origin": "tx-ntic"}, None, DEFAULT, "full"),
        (AMBER, "ok", DEFAULT, "not-own-district"),
        (AMBER, "tx", Policy(district_ceiling=Tlp.GREEN), "ceiling"),
        (GREEN, "tx", Policy(district_ceiling=Tlp.CLEAR), "ceiling"),
    ],
)
def test_districts_and_the_policy(changes: dict[str, Any], place: str | None, policy: Policy, answer: str) -> None:
    assert code(ask(item(**changes), Exit.RSS, DISTRICT, place=place, policy=policy)) == answer


@pytest.mark.parametrize(
    ("changes", "answer"),
    [
        ({"ceiling": Tlp.GREEN}, "ceiling"),
        ({"topics": frozenset()}, "topic"),
        ({"lanes": frozenset()}, "lane"),
        ({"until": NOW}, "agreement-ended"),
        ({"since": NOW + HOUR}, "agreement-not-begun"),
    ],
)
def test_a_peer_has_what_its_agreement_covers(changes: dict[str, Any], answer: str) -> None:
    assert code(ask(item(tlp=Tlp.AMBER), Exit.SUBJECT, peer(**changes))) == answer


def test_an_exercise_leaves_by_exercise_addresses_only() -> None:
    drill = item(mode=Mode.EXERCISE)
    assert code(ask(drill, Exit.RSS, Public(), mode=Mode.EXERCISE)) == "full"
    assert code(ask(item(), Exit.RSS, Public(), mode=Mode.EXERCISE)) == "mode"


# ------------------------------------------------------------------------------ whatever is drawn
def reads_desk(reader: Reader) -> bool:
    return isinstance(reader, Member) and Verb.READ_DESK in rights(reader.actor.roles)


@given(items, exits, readers, policies)
def test_what_must_stay_stays(of: Item, exit_: Exit, reader: Reader, policy: Policy) -> None:
    decision = ask(of, exit_, reader, policy=policy, place="tx")
    if isinstance(decision, Withheld):
        return
    assert of.mode is Mode.LIVE
    assert not of.waiting
    if reads_desk(reader) and exit_ in IN_HOUSE:
        return
    assert of.stage in {Stage.RELEASED, Stage.WITHDRAWN}
    assert of.tlp not in {None, Tlp.RED}
    assert of.readable
    if of.tlp is Tlp.AMBER_STRICT:
        assert isinstance(reader, Peer)
    if not isinstance(reader, Member | Peer | District):
        assert of.tlp is Tlp.CLEAR
        assert of.audience is Audience.ALL
        assert of.record_class is RecordClass.SAFETY_NOTICE
    if of.stage is Stage.WITHDRAWN:
        assert decision.form is Form.WITHDRAWN


@given(plain_items, exits, readers, policies)
def test_no_reader_gets_more_by_being_less(of: Item, exit_: Exit, reader: Reader, policy: Policy) -> None:
    public = ask(of, exit_, Public(), policy=policy, place="tx")
    member = ask(of, exit_, Member(ANN), policy=policy, place="tx")
    if isinstance(public, Allowed):
        assert isinstance(member, Allowed)
        if exit_ in PRIVATE:
            assert isinstance(ask(of, exit_, DISTRICT, policy=policy, place="tx"), Allowed)
    if isinstance(reader, District) and isinstance(ask(of, exit_, reader, policy=policy, place="tx"), Allowed):
        assert isinstance(ask(of, exit_, Member(ANN), policy=policy), Allowed) or of.tlp is Tlp.AMBER


@given(items, exits, readers, policies)
def test_what_sql_narrows_by_hides_nothing_that_may_leave(
    of: Item, exit_: Exit, reader: Reader, policy: Policy
) -> None:
    if isinstance(reader, Peer) or isinstance(ask(of, exit_, reader, policy=policy, place="tx"), Withheld):
        return
    wide = widest(of)
    if isinstance(reader, Public) or (isinstance(reader, Member) and not reads_desk(reader)):
        assert wide is Widest.PUBLIC
    elif isinstance(reader, District):
        assert wide in {Widest.PUBLIC, Widest.DISTRICT}
    elif exit_ not in IN_HOUSE:
        assert wide is not Widest.DESK


@pytest.mark.parametrize(
    ("changes", "reader"),
    [
        ({}, Widest.PUBLIC),
        ({"stage": Stage.DRAFT, "expires": None, "readable": False, "waiting": True}, Widest.PUBLIC),
        (GREEN, Widest.DISTRICT),
        (AMBER, Widest.DISTRICT),
        (NAMED, Widest.DISTRICT),
        ({"record_class": RecordClass.TIP}, Widest.MEMBER),
        ({"record_class": RecordClass.TIP, **AMBER}, Widest.DESK),
        ({"tlp": Tlp.AMBER_STRICT}, Widest.DESK),
        ({"tlp": Tlp.RED}, Widest.DESK),
        ({"tlp": None}, Widest.DESK),
        ({"caveats": frozenset({Caveat.ASK_ORIGINATOR}), **RECEIVED}, Widest.DESK),
    ],
)
def test_the_widest_reader(changes: dict[str, Any], reader: Widest) -> None:
    assert widest(item(**changes)) is reader
