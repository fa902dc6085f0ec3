"""What a source asks its readers to do stands in the draft as an action: from a field of its own, never guessed from the text."""

from __future__ import annotations

import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.federal import cisa_kev, ipaws, nws
from hub.desk.asked import ACTION, actions
from schemas.bulletin import Advisory, RoleAction
from tests.connectors.federal.made import catalogue, vulnerability
from tests.connectors.federal.made_nws import collection, feature
from tests.schemas.cap_made import AREA, alert, document, info

ASK = "<instruction>Stay  inside.\nClose the windows.</instruction>"
READ_IT = "Read the original advisory and decide what it means for your school."


def of_ipaws(text: str) -> Advisory:
    return ipaws.parse(text.encode(), "answer").advisories[0]


def of_nws(**facts: object) -> Advisory:
    return nws.parse(collection(feature(1, **facts)), "answer").advisories[0]


def test_a_required_action_is_for_those_who_patch():
    advisory = cisa_kev.parse(catalogue(vulnerability(1)), "answer").advisories[0]
    assert actions(advisory) == (RoleAction("it-staff", "Apply updates per vendor instructions."),)


def test_an_instruction_of_the_weather_service():
    assert actions(of_nws()) == (RoleAction("principal", "Move the buses to high ground."),)


@pytest.mark.parametrize("instruction", [None, "", "  ", 7])
def test_without_an_instruction_somebody_reads_the_original(instruction):
    advisory = msgspec.structs.replace(
        of_nws(instruction=None), original=json.dumps(feature(1, instruction=instruction))
    )
    assert actions(advisory) == (RoleAction("principal", READ_IT),)


def test_an_instruction_of_a_cap_message_as_one_line():
    said = of_ipaws(document(info(ASK + AREA)).decode())
    assert actions(said) == (RoleAction("principal", "Stay inside. Close the windows."),)


def test_an_instruction_of_an_archived_message():
    record = {"id": "r0", "sent": "2031-05-06T12:08:09.000Z", "originalMessage": alert(info(ASK + AREA))}
    said = of_ipaws(json.dumps({"metadata": {"count": 0}, "IpawsArchivedAlerts": [record]}))
    assert actions(said)[0].text == "Stay inside. Close the windows."


@pytest.mark.parametrize("text", ["<alert>", "<!DOCTYPE x><alert/>", "<", "{", "[]", "[" * 5_000, '{"properties":[]}'])
def test_an_original_that_cannot_be_read_asks_nothing(text):
    assert actions(msgspec.structs.replace(of_nws(), original=text))[0].text == READ_IT


@given(st.text(max_size=4_000))
def test_whatever_is_asked_is_one_bounded_line(text):
    (asked,) = actions(msgspec.structs.replace(of_nws(), original=json.dumps({"properties": {"instruction": text}})))
    assert 0 < len(asked.text) <= ACTION
    assert asked.text == " ".join(asked.text.split())
