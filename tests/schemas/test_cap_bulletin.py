from __future__ import annotations

import datetime as dt
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from schemas import cap
from schemas.bulletin import AdvisoryRef, Area, RoleAction, Stamp, Tombstone, Translation
from schemas.vocabulary import Mode, Reason, Severity, Tlp, TombstoneKind, Topic
from tests.schemas.made import MOMENT, PLAIN, bulletins, tombstones

SENDER = "tx.hub.example"
STAMP = Stamp("TX-2026-0042", 1, MOMENT, ())
RELEASED = msgspec.structs.replace(PLAIN, stamp=STAMP)
TOMBSTONE = Tombstone(
    mode=Mode.LIVE,
    origin="tx",
    product_id="TX-2026-0042",
    report_id="report--00000000-0000-4000-8000-000000000000",
    version=1,
    kind=TombstoneKind.WITHDRAWN,
    reason=Reason.HOAX,
    serial=7,
    salt="0" * 32,
    issued=MOMENT,
)
BEFORE = cap.Reference(SENDER, "TX-2026-0042-v1", "2026-11-23T15:04:05-00:00")


@pytest.fixture(scope="session")
def judge(standards: Path) -> etree.XMLSchema:
    return etree.XMLSchema(etree.parse(standards / "cap12.xsd"))


def said(bulletin: object = RELEASED, **given: object) -> cap.Alert:
    return cap.from_bulletin(bulletin, sender=SENDER, **given)


def changed(**given: object) -> object:
    return msgspec.structs.replace(RELEASED, **given)


@given(bulletins(released=True), st.booleans())
def test_every_released_bulletin_is_a_valid_message(judge: etree.XMLSchema, bulletin: object, known: bool) -> None:
    message = said(bulletin, earlier=(BEFORE,) if known else (), web="https://hub.example/bulletins/x", sender_name="X")
    written = cap.write(message)
    judge.assertValid(etree.fromstring(written))
    assert cap.read(written) == message


@given(tombstones(), st.sampled_from([None, "TLP:AMBER school officials"]))
def test_every_tombstone_is_a_valid_cancel(judge: etree.XMLSchema, tombstone: object, restriction: str | None) -> None:
    message = cap.from_tombstone(tombstone, sender=SENDER, earlier=(BEFORE,), restriction=restriction)
    written = cap.write(message)
    judge.assertValid(etree.fromstring(written))
    assert cap.read(written) == message
    assert message.msg_type is cap.MsgType.CANCEL


def test_a_bulletin_in_cap() -> None:
    message = said(sender_name="Texas School Safety Center", web="https://hub.example/bulletins/TX-2026-0042")
    (info,) = message.infos
    assert message.identity == BEFORE
    assert (message.status, message.msg_type, message.scope) == (
        cap.Status.ACTUAL,
        cap.MsgType.ALERT,
        cap.Scope.RESTRICTED,
    )
    assert message.restriction == "TLP:GREEN the school safety community"
    assert (info.categories, info.event) == ((cap.Category.INFRA,), "Facility")
    assert (info.severity, info.expires) == (Severity.MODERATE, MOMENT.replace(microsecond=0) + dt.timedelta(hours=6))
    assert (info.headline, info.description) == (PLAIN.headline, PLAIN.text)
    assert info.instruction == "principal: Close the south entrance."
    assert info.areas == (cap.Area(description="Texas, county 48453", geocodes=(cap.Pair("SAME", "048453"),)),)
    assert cap.Pair("TLP", "TLP:GREEN") in info.parameters


def test_a_draft_is_no_message() -> None:
    with pytest.raises(cap.CapError, match="draft"):
        said(PLAIN)


def test_an_exercise_says_so() -> None:
    message = said(changed(mode=Mode.EXERCISE))
    assert message.status is cap.Status.EXERCISE
    assert "exercise" in str(message.note)


@pytest.mark.parametrize("tlp", Tlp)
def test_only_clear_is_public(tlp: Tlp) -> None:
    message = said(changed(tlp=tlp))
    assert (message.scope is cap.Scope.PUBLIC) is (tlp is Tlp.CLEAR)
    assert str(message.restriction).split()[0] == ("None" if tlp is Tlp.CLEAR else f"TLP:{tlp.upper()}")


def test_a_later_version_updates_what_it_can_refer_to() -> None:
    second = changed(stamp=msgspec.structs.replace(STAMP, version=2, released=MOMENT + dt.timedelta(hours=1)))
    message = said(second, earlier=(cap.reference_to(RELEASED, SENDER),))
    assert (message.msg_type, message.references) == (cap.MsgType.UPDATE, (BEFORE,))
    assert message.identifier == "TX-2026-0042-v2"
    alone = said(second)
    assert (alone.msg_type, alone.references) == (cap.MsgType.ALERT, ())
    assert said(earlier=(BEFORE,)).msg_type is cap.MsgType.ALERT


def test_each_language_is_a_block_of_one_message() -> None:
    message = said(changed(translations=(Translation("es", "Rotura de tubería", "Hasta el mediodía."),)))
    assert [(info.language, info.headline) for info in message.infos] == [
        ("en", PLAIN.headline),
        ("es", "Rotura de tubería"),
    ]
    assert [info.instruction for info in message.infos] == ["principal: Close the south entrance.", None]
    assert message.infos[0].areas == message.infos[1].areas


@pytest.mark.parametrize(
    ("area", "words", "code"),
    [
        (Area("TX", "48000"), "Texas", ("SAME", "048000")),
        (Area("TX", None, "TXZ301"), "zone TXZ301", ("UGC", "TXZ301")),
        (Area(None, None, "GMZ335"), "zone GMZ335", ("UGC", "GMZ335")),
    ],
)
def test_places_have_words_and_codes(area: Area, words: str, code: tuple[str, str]) -> None:
    (made,) = said(changed(areas=(area, area))).infos[0].areas
    assert (made.description, made.geocodes) == (words, (cap.Pair(*code),))


def test_no_place_is_no_area() -> None:
    assert said(changed(areas=())).infos[0].areas == ()


def test_the_original_is_named() -> None:
    message = said(changed(advisory=AdvisoryRef("x", "nws", "urn:oid:1")))
    assert message.source == "nws urn:oid:1"


def test_characters_that_xml_has_not_are_left_out() -> None:
    message = said(changed(headline=" a\x00b\ufffe\nc ", text="\x01", actions=(RoleAction("x", "y\x0b"),)))
    info = cap.read(cap.write(message)).infos[0]
    assert (info.headline, info.description, info.instruction) == ("ab c", None, "x: y")


@pytest.mark.parametrize("topic", Topic)
def test_every_topic_has_a_category_and_a_name(topic: Topic) -> None:
    info = said(changed(topic=topic)).infos[0]
    assert len(info.categories) == 1
    assert info.event


@pytest.mark.parametrize("reason", Reason)
def test_a_withdrawal_repeats_no_word_of_what_it_withdraws(reason: Reason) -> None:
    tombstone = msgspec.structs.replace(TOMBSTONE, reason=reason)
    message = cap.from_tombstone(tombstone, sender=SENDER, earlier=(BEFORE,))
    (info,) = message.infos
    assert info.headline == "WITHDRAWN: TX-2026-0042"
    assert str(info.description).startswith("Bulletin TX-2026-0042 was withdrawn.")
    assert message.references == (BEFORE,)
    assert message.identifier != BEFORE.identifier


def test_a_withdrawal_of_nothing_is_refused() -> None:
    with pytest.raises(cap.CapError, match="references"):
        cap.write(cap.from_tombstone(TOMBSTONE, sender=SENDER, earlier=()))
