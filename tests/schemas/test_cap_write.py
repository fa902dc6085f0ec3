from __future__ import annotations

import datetime as dt
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from lxml import etree

from schemas import cap
from schemas.vocabulary import Certainty, Severity, Urgency
from tests.schemas.cap_made import alerts, moments

INFO = cap.Info(
    event="High water",
    urgency=Urgency.EXPECTED,
    severity=Severity.SEVERE,
    certainty=Certainty.LIKELY,
    categories=(cap.Category.MET,),
)
ALERT = cap.Alert(
    identifier="river-7",
    sender="dispatch@county.example",
    sent=dt.datetime(2031, 5, 6, 12, 8, 9, tzinfo=dt.UTC),
    status=cap.Status.ACTUAL,
    msg_type=cap.MsgType.ALERT,
    scope=cap.Scope.PUBLIC,
    infos=(INFO,),
)


@pytest.fixture(scope="session")
def judge(standards: Path) -> etree.XMLSchema:
    """The schema of OASIS; it judges shape, nobody's rules."""
    return etree.XMLSchema(etree.parse(standards / "cap12.xsd"))


def changed(**given: object) -> cap.Alert:
    return msgspec.structs.replace(ALERT, **given)


def refused(message: cap.Alert) -> str:
    with pytest.raises(cap.CapError) as caught:
        cap.write(message)
    return caught.value.element


@given(message=alerts())
def test_the_oasis_schema_accepts_whatever_is_written(judge: etree.XMLSchema, message: cap.Alert) -> None:
    judge.assertValid(etree.fromstring(cap.write(message)))


@given(message=alerts())
def test_what_was_written_reads_the_same(message: cap.Alert) -> None:
    assert cap.read(cap.write(message)) == message


def test_a_message_is_written_in_the_order_of_the_standard(judge: etree.XMLSchema) -> None:
    written = cap.write(ALERT)
    judge.assertValid(etree.fromstring(written))
    assert written.decode() == (
        "<?xml version='1.0' encoding='UTF-8'?>\n"
        '<alert xmlns="urn:oasis:names:tc:emergency:cap:1.2">\n'
        "  <identifier>river-7</identifier>\n"
        "  <sender>dispatch@county.example</sender>\n"
        "  <sent>2031-05-06T12:08:09-00:00</sent>\n"
        "  <status>Actual</status>\n"
        "  <msgType>Alert</msgType>\n"
        "  <scope>Public</scope>\n"
        "  <info>\n"
        "    <language>en-US</language>\n"
        "    <category>Met</category>\n"
        "    <event>High water</event>\n"
        "    <urgency>Expected</urgency>\n"
        "    <severity>Severe</severity>\n"
        "    <certainty>Likely</certainty>\n"
        "  </info>\n"
        "</alert>\n"
    )


@given(moments)
def test_a_time_has_a_numeric_offset_and_never_z(moment: dt.datetime) -> None:
    text = cap.format_time(moment)
    assert "Z" not in text
    assert not text.endswith("+00:00")
    assert cap.parse_time(text) == moment


@pytest.mark.parametrize(
    ("moment", "text"),
    [
        (dt.datetime(2031, 1, 2, 3, 4, 5, 999_999, dt.UTC), "2031-01-02T03:04:05-00:00"),
        (dt.datetime(2031, 1, 2, 3, 4, 5, tzinfo=dt.timezone(dt.timedelta(hours=-7))), "2031-01-02T03:04:05-07:00"),
        (dt.datetime(2031, 1, 2, 3, 4, 5, tzinfo=dt.timezone(dt.timedelta(seconds=30))), "2031-01-02T03:03:35-00:00"),
    ],
)
def test_times_are_cut_to_seconds(moment: dt.datetime, text: str) -> None:
    assert cap.format_time(moment) == text


def test_a_time_without_a_zone_is_refused() -> None:
    naive = dt.datetime(2031, 1, 2)  # noqa: DTZ001 - a time without a zone is what is tried
    assert refused(changed(sent=naive)) == "sent"
    assert refused(changed(infos=(msgspec.structs.replace(INFO, expires=naive),))) == "info[0].expires"


def test_a_sender_keeps_its_own_spelling_of_its_time(judge: etree.XMLSchema) -> None:
    odd = changed(sent_as="2031-05-06T12:08:09+00:00")
    judge.assertValid(etree.fromstring(cap.write(odd)))
    assert cap.read(cap.write(odd)) == odd
    assert b"<sent>2031-05-06T12:08:09-00:00</sent>" in cap.write(changed(sent_as="2031-05-06T12:08:09Z"))


@pytest.mark.parametrize("name", ["", "two words", "a,b", "a<b", "a&b", "a\tb", "a\u00a0b"])
def test_names_that_no_reference_could_hold_are_refused(name: str) -> None:
    assert refused(changed(sender=name)) == "sender"
    assert refused(changed(identifier=name)) == "identifier"
    reference = cap.Reference(name, "x", "2031-01-02T03:04:05-00:00")
    assert refused(changed(references=(reference,))) == "references"


@pytest.mark.parametrize(
    ("given", "element"),
    [
        ({"scope": cap.Scope.RESTRICTED}, "restriction"),
        ({"restriction": "for some"}, "restriction"),
        ({"scope": cap.Scope.PRIVATE}, "addresses"),
        ({"scope": cap.Scope.PRIVATE, "addresses": "a", "restriction": "b"}, "restriction"),
        ({"msg_type": cap.MsgType.UPDATE}, "references"),
        ({"msg_type": cap.MsgType.CANCEL}, "references"),
        ({"note": "\0"}, "note"),
        ({"note": "\ud800"}, "note"),
        ({"infos": (msgspec.structs.replace(INFO, categories=()),)}, "info[0].category"),
        ({"infos": (INFO, msgspec.structs.replace(INFO, event=" "))}, "info[1].event"),
        ({"infos": (msgspec.structs.replace(INFO, web="not a link"),)}, "info[0].web"),
        ({"infos": (msgspec.structs.replace(INFO, language="english please"),)}, "info[0].language"),
        (
            {"infos": (msgspec.structs.replace(INFO, areas=(cap.Area(description="x", altitude="high"),)),)},
            "info[0].area[0].altitude",
        ),
    ],
)
def test_rules_that_a_schema_cannot_say(given: dict[str, object], element: str) -> None:
    assert refused(changed(**given)) == element


def test_what_agencies_wrote_can_be_written_again(recordings: Path, judge: etree.XMLSchema) -> None:
    """Both ways over real messages; their signature, which a new document cannot bear, is left out."""
    paths = [
        *(recordings / "ipaws").glob("*.xml"),
        *(recordings / "cap").glob("*.cap"),
        *(recordings / "cap").glob("*.xml"),
    ]
    messages = [each.alert for path in paths for each in cap.read_all(path.read_bytes())]
    assert len(messages) > 50
    for message in messages:
        assert isinstance(message, cap.Alert)
        written = cap.write(message)
        judge.assertValid(etree.fromstring(written))
        assert cap.read(written) == message
