"""Which key may speak for which origin, and whether a copy is what its subject says."""

from __future__ import annotations

import dataclasses
import datetime as dt
from typing import Any

import msgspec
import pytest

from hub.rules.decision import Accepted, Decision
from hub.rules.trust import judge_copy, may_speak
from schemas.bulletin import Approval, Bulletin, RoleAction, Stamp, Tombstone
from schemas.keys import encode_public
from schemas.register import RegisterEntry, RegisterKey
from schemas.subjects import BulletinSubject, RecallSubject, RollcallSubject, Subject, parse
from schemas.vocabulary import (
    Audience,
    Certainty,
    KeyState,
    KeyUse,
    Lane,
    Mode,
    Reason,
    Severity,
    Tlp,
    TombstoneKind,
    Topic,
    Urgency,
)
from tests.rules.cases import DAY, HOUR, NOW


def public(prefix: Any, n: int) -> str:
    return encode_public(prefix, bytes([n]) * 32)


LIVE, DRILL, CONNECT, OTHER = public("A", 3), public("A", 4), public("U", 5), public("A", 6)
SUBJECT = parse("live.oh.bulletin.routine.all.green.swatting")


def entry(**changes: Any) -> RegisterEntry:
    live = RegisterKey(public=LIVE, use=KeyUse.SIGN_LIVE, from_=NOW - 10 * DAY)
    keys = (
        msgspec.structs.replace(live, **changes),
        RegisterKey(public=DRILL, use=KeyUse.SIGN_EXERCISE, from_=NOW - 10 * DAY),
        RegisterKey(public=CONNECT, use=KeyUse.CONNECT, from_=NOW - 10 * DAY),
    )
    return RegisterEntry(
        place="oh",
        serial=1,
        mode=Mode.LIVE,
        name="Ohio",
        origins=("oh", "oh-sis"),
        keys=keys,
        public_url="https://oh.example",
    )


def code(decision: Decision) -> str:
    return "yes" if isinstance(decision, Accepted) else decision.code


@pytest.mark.parametrize(
    ("key", "subject", "answer"),
    [
        (LIVE, "live.oh.bulletin.routine.all.green.swatting", "yes"),
        (LIVE, "live.oh-sis.recall.all", "yes"),
        (DRILL, "exercise.oh.recall.all", "yes"),
        (DRILL, "live.oh.recall.all", "key-use"),
        (LIVE, "exercise.oh.recall.all", "key-use"),
        (CONNECT, "live.oh.bulletin.flash.all.green.swatting", "key-use"),
        (OTHER, "live.oh.recall.all", "key-not-listed"),
        (LIVE, "live.tx.recall.all", "origin-not-listed"),
        (LIVE, "live.oh-other.recall.all", "origin-not-listed"),
        (LIVE, "live.oh.receipt.to-tx", "yes"),
    ],
)
def test_who_may_speak(key: str, subject: str, answer: str) -> None:
    assert code(may_speak(entry(), key, parse(subject), NOW)) == answer


@pytest.mark.parametrize(
    ("changes", "said_at", "answer"),
    [
        ({"from_": NOW + dt.timedelta(minutes=9)}, None, "yes"),
        ({"from_": NOW + HOUR}, None, "key-not-yet"),
        ({"until": NOW + HOUR}, None, "yes"),
        ({"until": NOW}, None, "key-over"),
        ({"until": NOW - DAY}, NOW - 2 * DAY, "yes"),
        ({"until": NOW - DAY}, NOW - DAY, "key-over"),
        ({"until": NOW - DAY}, NOW - 11 * DAY, "key-over"),
        ({"until": NOW - DAY, "state": KeyState.RETIRED}, NOW - 2 * DAY, "yes"),
        ({"until": NOW - DAY, "state": KeyState.RETIRED}, NOW, "key-over"),
        ({"until": NOW + DAY, "state": KeyState.RETIRED}, None, "key-over"),
        ({"state": KeyState.RETIRED}, NOW - 2 * DAY, "key-over"),
        ({"state": KeyState.COMPROMISED, "compromised_at": NOW}, NOW - 5 * DAY, "key-compromised"),
    ],
)
def test_a_key_has_its_time(changes: dict[str, Any], said_at: dt.datetime | None, answer: str) -> None:
    assert code(may_speak(entry(**changes), LIVE, SUBJECT, NOW, said_at=said_at)) == answer


def test_a_key_with_two_uses_speaks_for_nobody() -> None:
    twice = entry()
    doubled = msgspec.structs.replace(twice.keys[0], use=KeyUse.SIGN_EXERCISE)
    assert code(may_speak(msgspec.structs.replace(twice, keys=(*twice.keys, doubled)), LIVE, SUBJECT, NOW)) == "key-use"


def test_an_entry_does_not_speak_for_another_state_even_when_it_says_so() -> None:
    grabbing = msgspec.structs.replace(entry(), origins=("oh", "tx"))
    assert code(may_speak(grabbing, LIVE, parse("live.tx.recall.all"), NOW)) == "origin-not-listed"


# ---------------------------------------------------------------------------------------------- copies
BULLETIN = Bulletin(
    mode=Mode.LIVE,
    origin="oh",
    seed="00" * 16,
    salt="11" * 16,
    created=NOW,
    modified=NOW,
    published=NOW,
    headline="Hoax calls to schools",
    text="Callers name a school and a weapon.",
    topic=Topic.SWATTING,
    tlp=Tlp.GREEN,
    severity=Severity.SEVERE,
    urgency=Urgency.IMMEDIATE,
    certainty=Certainty.LIKELY,
    expires=NOW + DAY,
    actions=(RoleAction("principal", "Call the dispatcher back."),),
    stamp=Stamp("OH-2026-0042", 1, NOW, (Approval("sue", "supervisor", "publish", NOW, "00" * 32),)),
)
GRAVE = Tombstone(
    mode=Mode.LIVE,
    origin="oh",
    product_id="OH-2026-0042",
    report_id="report--00000000-0000-4000-8000-000000000000",
    version=1,
    kind=TombstoneKind.WITHDRAWN,
    reason=Reason.HOAX,
    serial=1,
    salt="11" * 16,
    issued=NOW,
)
ALL = BulletinSubject(Mode.LIVE, "oh", Lane.ROUTINE, "all", Tlp.GREEN, Topic.SWATTING)
TO_ME = msgspec.structs.replace(ALL, audience="to-tx")
GROUP = msgspec.structs.replace(ALL, audience="g-oh-metro")
RECALL = RecallSubject(Mode.LIVE, "oh", "all")
NAMED, GROUPED = {"audience": Audience.NAMED}, {"audience": Audience.GROUP}


def stamped(product_id: str) -> dict[str, Any]:
    return {"stamp": Stamp(product_id, 1, NOW, ())}


@pytest.mark.parametrize(
    ("changes", "subject", "answer"),
    [
        ({}, ALL, "yes"),
        ({}, TO_ME, "yes"),
        ({}, GROUP, "audience-mismatch"),
        (NAMED, TO_ME, "yes"),
        (NAMED, ALL, "audience-mismatch"),
        (NAMED, GROUP, "audience-mismatch"),
        (GROUPED, GROUP, "yes"),
        (GROUPED, TO_ME, "yes"),
        (GROUPED, ALL, "audience-mismatch"),
        ({}, msgspec.structs.replace(ALL, audience="to-va"), "not-for-us"),
        ({"mode": Mode.EXERCISE}, ALL, "mode-mismatch"),
        ({"origin": "oh-sis"}, ALL, "origin-mismatch"),
        ({"lane": Lane.FLASH}, ALL, "lane-mismatch"),
        ({"tlp": Tlp.CLEAR}, ALL, "tlp-mismatch"),
        ({"tlp": Tlp.RED}, ALL, "tlp-mismatch"),
        ({"topic": Topic.CYBER}, ALL, "topic-mismatch"),
        ({"stamp": None}, ALL, "not-released"),
        (stamped("TX-2026-0042"), ALL, "product-origin"),
        (stamped("OH-SIS-2026-0042"), ALL, "product-origin"),
        (stamped("OH-EX-2026-0042"), ALL, "product-mode"),
        (stamped("OH-2026-42"), ALL, "product-id"),
        (stamped("OH-2026-R0007"), ALL, "yes"),
        ({}, RECALL, "kind-mismatch"),
        ({}, RollcallSubject(Mode.LIVE, "oh", "all"), "kind-mismatch"),
    ],
)
def test_a_bulletin_is_what_its_subject_says(changes: dict[str, Any], subject: Subject, answer: str) -> None:
    assert code(judge_copy(msgspec.structs.replace(BULLETIN, **changes), subject, "tx")) == answer


@pytest.mark.parametrize(
    ("changes", "subject", "answer"),
    [
        ({}, RECALL, "yes"),
        ({}, RecallSubject(Mode.LIVE, "oh", "to-tx"), "yes"),
        ({}, RecallSubject(Mode.LIVE, "oh", "g-oh-metro"), "yes"),
        ({}, RecallSubject(Mode.LIVE, "oh", "to-va"), "not-for-us"),
        ({}, RecallSubject(Mode.EXERCISE, "oh", "all"), "mode-mismatch"),
        ({}, RecallSubject(Mode.LIVE, "va", "all"), "origin-mismatch"),
        ({"product_id": "TX-2026-0042"}, RECALL, "product-origin"),
        ({"product_id": "OH-EX-2026-0042"}, RECALL, "product-mode"),
        ({"product_id": "oh-2026-0042"}, RECALL, "product-id"),
        ({}, ALL, "kind-mismatch"),
    ],
)
def test_only_an_origin_takes_its_own_back(changes: dict[str, Any], subject: Subject, answer: str) -> None:
    assert code(judge_copy(msgspec.structs.replace(GRAVE, **changes), subject, "tx")) == answer


def test_a_refusal_says_what_differs() -> None:
    decision = judge_copy(msgspec.structs.replace(BULLETIN, tlp=Tlp.CLEAR), ALL, "tx")
    assert dataclasses.asdict(decision) == {
        "code": "tlp-mismatch",
        "reason": "The payload says tlp clear, its subject says green.",
        "field": None,
    }
