"""The CAP exit: a message that OASIS's schema accepts, Update and Cancel of what was sent before, and no word of what was not."""

from __future__ import annotations

import pytest
from lxml import etree

from schemas import cap
from tests.web.house import MONDAY


@pytest.fixture(scope="session")
def judge(standards) -> etree.XMLSchema:
    return etree.XMLSchema(etree.parse(standards / "cap12.xsd"))


async def message(house, product: str, judge: etree.XMLSchema) -> cap.Alert:
    answer = await house.get(f"/bulletins/{product}.cap.xml")
    assert answer.status == 200, answer.body
    assert answer.headers["Content-Type"] == "application/cap+xml"
    judge.assertValid(etree.fromstring(answer.body))
    return cap.read(answer.body)


async def test_a_bulletin_is_an_alert(house, judge):
    product = await house.publish(translations=[{"lang": "es", "headline": "Llamadas", "text": "Llamadas grabadas."}])
    said = await message(house, product, judge)
    assert (said.identifier, said.sender, said.sent) == (f"{product}-v1", "tx.example", MONDAY)
    assert (said.status, said.msg_type, said.scope) == (cap.Status.ACTUAL, cap.MsgType.ALERT, cap.Scope.PUBLIC)
    assert [info.language for info in said.infos] == ["en", "es"]
    assert said.infos[0].web == f"https://tx.example/bulletins/{product}"
    assert said.infos[0].sender_name == "Texas School Safety Center"
    assert said.references == ()


async def test_an_update_refers_to_every_message_before_it_though_they_have_expired(house, judge):
    soon = (MONDAY.replace(hour=16)).isoformat()
    product = await house.publish(expires=soon)
    first = await message(house, product, judge)
    later = (MONDAY.replace(day=9)).isoformat()
    house.clock.forward(minutes=5)
    await house.update(product, text="More is known.", expires=later)
    house.clock.forward(hours=3)
    second = await message(house, product, judge)
    assert second.msg_type is cap.MsgType.UPDATE
    sent = cap.format_time(first.sent)
    assert second.references == (cap.Reference("tx.example", first.identifier, sent),)
    await house.update(product, text="All is known.", expires=later)
    third = await message(house, product, judge)
    assert [each.identifier for each in third.references] == [f"{product}-v1", f"{product}-v2"]


async def test_an_update_of_what_was_not_public_tells_nothing_of_it(house, judge):
    product = await house.publish(tlp="green")
    assert (await house.get(f"/bulletins/{product}.cap.xml")).status == 404
    answer = await house.get(f"/api/v1/bulletins/{product}", "analyst")
    assert answer.status == 200
    await house.update(product, tlp="clear")
    said = await message(house, product, judge)
    assert (said.msg_type, said.references) == (cap.MsgType.ALERT, ())


@pytest.mark.parametrize("reason", ["error", "privacy"])
async def test_a_withdrawal_is_the_cancel_of_every_message(house, judge, reason):
    product = await house.publish(headline="CANARY of the headline", text="CANARY of the text")
    house.clock.forward(minutes=1)
    await house.update(product, text="CANARY again")
    house.clock.forward(minutes=1)
    await house.withdraw(product, reason)
    said = await message(house, product, judge)
    assert said.msg_type is cap.MsgType.CANCEL
    assert [each.identifier for each in said.references] == [f"{product}-v1", f"{product}-v2"]
    assert said.sent == house.clock.now
    assert b"CANARY" not in (await house.get(f"/bulletins/{product}.cap.xml")).body


async def test_an_exercise_says_so(drill, judge):
    product = await drill.publish()
    said = await message(drill, product, judge)
    assert said.status is cap.Status.EXERCISE
    assert said.infos[0].headline.startswith("EXERCISE: ")


async def test_what_is_not_there_looks_like_what_is_not_public(house):
    hidden = await house.publish(tlp="amber")
    numbers = (hidden, "TX-2030-0777")
    said = [(await house.get(f"/bulletins/{which}.cap.xml")).body.replace(which.encode(), b"ID") for which in numbers]
    assert said[0] == said[1]


async def test_a_reader_that_has_it_gets_304_and_the_page_leads_here(house):
    product = await house.publish()
    first = await house.get(f"/bulletins/{product}.cap.xml")
    again = await house.get(f"/bulletins/{product}.cap.xml", If_None_Match=first.headers["ETag"])
    assert (again.status, again.body) == (304, b"")
    assert f'href="/bulletins/{product}.cap.xml"' in (await house.get(f"/bulletins/{product}")).text
