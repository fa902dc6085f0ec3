from __future__ import annotations

import datetime as dt
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.answer import Parsed
from connectors.federal.ipaws import parse
from connectors.source import SOURCES
from schemas.bulletin import Advisory, Area
from schemas.vocabulary import Action, Certainty, Severity, Status, Tlp, Topic, Urgency
from tests.schemas.cap_made import AREA, alert, document, info

FEED = '<ns1:alerts xmlns:ns1="http://gov.fema.ipaws.services/feed">{}</ns1:alerts>'
EDXL = (
    '<d:EDXLDistribution xmlns:d="urn:oasis:names:tc:emergency:EDXL:DE:1.0"><d:contentObject><d:xmlContent>'
    "<d:embeddedXMLContent>{}</d:embeddedXMLContent></d:xmlContent></d:contentObject></d:EDXLDistribution>"
)
ATOM = "<feed xmlns='http://www.w3.org/2005/Atom'><entry><content>{}</content></entry><entry><content>{}</content></entry></feed>"
REFERENCE = "dispatch@county.example,river-7,2031-05-06T07:08:09-05:00"


def read(data: bytes | str) -> Parsed:
    return parse(data if isinstance(data, bytes) else data.encode(), "answer")


def only(*infos: str, **given: object) -> Advisory:
    found = read(document(*infos, **given))
    assert found.errors == ()
    return found.advisories[0]


def complaint(data: bytes | str) -> str:
    found = read(data)
    assert (found.advisories, len(found.errors), found.good) == ((), 1, False)
    return found.errors[0].error


def archive(*messages: Any, **facts: Any) -> str:
    records = [
        {"id": f"r{n}", "sent": "2031-05-06T12:08:09.000Z", "originalMessage": text} for n, text in enumerate(messages)
    ]
    return json.dumps({"metadata": {"count": 0}, "IpawsArchivedAlerts": records} | facts)


def test_a_message_is_an_advisory() -> None:
    made = only(info(AREA + "<expires>2031-05-06T09:00:00-05:00</expires><web>https://county.example/7</web>"))
    assert (made.source, made.key) == ("ipaws", REFERENCE)
    assert (made.action, made.status) == (Action.NEW, Status.ACTUAL)
    assert (made.severity, made.urgency, made.certainty) == (Severity.SEVERE, Urgency.EXPECTED, Certainty.LIKELY)
    assert made.event == "High water"
    assert (made.headline, made.topics, made.areas) == ("High water", (Topic.WEATHER,), (Area("TX", "48453"),))
    assert made.effective == dt.datetime(2031, 5, 6, 12, 8, 9, tzinfo=dt.UTC)
    assert made.expires == dt.datetime(2031, 5, 6, 14, tzinfo=dt.UTC)
    assert (made.url, made.language, made.languages) == ("https://county.example/7", "en-US", ("en-US",))
    assert (made.tlp, made.item, made.references) == (Tlp.CLEAR, "0", ())


def test_a_message_keeps_the_text_that_was_served() -> None:
    signed = document(info(), '<S xmlns="http://www.w3.org/2000/09/xmldsig#"> x </S>')
    assert parse(signed, "").advisories[0].original == signed.decode()
    assert read(FEED.format(alert())).advisories[0].original.startswith("<alert ")


# --------------------------------------------------------------------------------------------- wrappers
@pytest.mark.parametrize(
    "wrapped",
    [
        FEED.format(alert() + alert(identifier="b")),
        EDXL.format(alert()).replace("</d:EDXLDistribution>", "")
        + EDXL.format(alert(identifier="b")).partition(">")[2],
        ATOM.format(alert(), alert(identifier="b")),
        archive(alert(), alert(identifier="b")),
        json.dumps([{"originalMessage": alert()}, {"originalMessage": alert(identifier="b")}]),
        json.dumps([{"source": "openfema", "xml": alert()}, {"xml": alert(identifier="b")}]),
        "\n".join(json.dumps({"originalMessage": text}) for text in (alert(), alert(identifier="b"))) + "\n",
        json.dumps(
            {"features": [{"properties": {"originalMessage": text}} for text in (alert(), alert(identifier="b"))]}
        ),
        "\ufeff" + archive(alert(), alert(identifier="b")),
        archive('<?xml version="1.0" encoding="UTF-16"?>' + alert(), "\n" + alert(identifier="b")),
    ],
)
def test_messages_come_in_many_wrappers(wrapped: str) -> None:
    found = read(wrapped)
    assert found.errors == ()
    assert [(made.key.split(",")[1], made.item) for made in found.advisories] == [("river-7", "0"), ("b", "1")]
    assert found.advisories[0].revision == only().revision


def test_a_feed_without_alerts_is_a_good_answer() -> None:
    for empty in (FEED.format(""), "<feed xmlns='http://www.w3.org/2005/Atom'/>", archive(), "[]"):
        found = read(empty)
        assert (found.advisories, found.errors, found.good) == ((), (), True)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "empty"),
        (b" \n", "empty"),
        (b"\xef\xbb\xbf", "empty"),
        ("<feed xmlns='http://www.w3.org/2005/Atom'><entry/><entry/></feed>", "index of 2 alerts"),
        ("<html><body>x</body></html>", "no CAP alert"),
        ("<alerts", "not well-formed"),
        ("<!DOCTYPE a><a/>", "DOCTYPE"),
        ("id,sent\n1,2", "not well-formed"),
        ("{", "not JSON"),
        ('{"DisasterDeclarationsSummaries": []}', "no member IpawsArchivedAlerts"),
        ("[" * 100_000, "nested"),
        (b'{"a": "\xff"}', "not JSON"),
        (b" " * (64 * 1024 * 1024 + 1), "too large"),
    ],
)
def test_what_is_no_answer_is_told_in_words(data: bytes | str, words: str) -> None:
    assert words in complaint(data)


@pytest.mark.parametrize(
    ("message", "words"),
    [
        (alert(sent="soon"), "sent"),
        (alert(scope=...), "scope"),
        (alert(msgType="Ack"), "carries no alert"),
        (alert(msgType="Error"), "carries no alert"),
        (alert(info(severity="Foobar")), "info[0].severity"),
    ],
)
def test_a_broken_message_costs_itself_alone(message: str, words: str) -> None:
    for wrapped in (FEED.format(alert() + message), archive(alert(), message)):
        found = read(wrapped)
        assert (len(found.advisories), [error.item for error in found.errors]) == (1, [1])
        assert words in found.errors[0].error


@pytest.mark.parametrize(
    ("message", "words"),
    [
        (None, "no originalMessage"),
        ("", "not well-formed"),
        ("\ud800", "surrogates"),
        ("<a/>", "0 CAP alerts"),
        (FEED.format(alert() + alert(identifier="b")), "2 CAP alerts"),
        ("<!DOCTYPE a><a/>", "DOCTYPE"),
    ],
)
def test_a_broken_record_costs_itself_alone(message: Any, words: str) -> None:
    found = read(archive(message, alert()))
    assert ([made.item for made in found.advisories], [error.item for error in found.errors]) == (["1"], [0])
    assert words in found.errors[0].error


def test_a_record_that_is_none_costs_itself_alone() -> None:
    found = read(json.dumps([1, None, [], {"properties": 3}, {"originalMessage": alert()}]))
    assert [error.item for error in found.errors] == [0, 1, 2, 3]
    assert len(found.advisories) == 1


def test_a_message_that_is_listed_twice_counts_once() -> None:
    spaced = alert().replace("><", ">\n<")
    assert len(read(FEED.format(alert() + spaced)).advisories) == 1
    found = read(FEED.format(alert() + alert(note="other")))
    assert len(found.advisories) == 1
    assert "twice" in found.errors[0].error


@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_any_bytes_are_answered(data: bytes) -> None:
    assert read(data).errors


# ------------------------------------------------------------------------------------- what it means
@pytest.mark.parametrize(
    ("kind", "action"), [("Alert", Action.NEW), ("Update", Action.UPDATE), ("Cancel", Action.CANCEL)]
)
def test_what_a_message_does(kind: str, action: Action) -> None:
    made = only(msgType=kind, references=f"{REFERENCE}\n a,b,2031-05-06T07:00:00-05:00")
    assert (made.action, made.references) == (action, (REFERENCE, "a,b,2031-05-06T07:00:00-05:00"))


@pytest.mark.parametrize(
    ("vtec", "action"),
    [
        (["/O.CAN.KALY.FF.W.0018.000000T0000Z-310506T1745Z/"], Action.CANCEL),
        (["/O.EXP.KALY.FF.W.0018.000000T0000Z-310506T1745Z/"], Action.CANCEL),
        (
            ["/O.CAN.KALY.FF.W.0018.000000T0000Z-310506T1745Z/", "/O.CON.KALY.FF.W.0019.000000T0000Z-310506T1745Z/"],
            Action.UPDATE,
        ),
        (["/O.CON.KALY.FF.W.0018.000000T0000Z-310506T1745Z/"], Action.UPDATE),
        (["nonsense"], Action.UPDATE),
    ],
)
def test_vtec_ends_what_a_message_only_updates(vtec: list[str], action: Action) -> None:
    parameters = "".join(f"<parameter><valueName>VTEC</valueName><value>{code}</value></parameter>" for code in vtec)
    assert only(info(parameters), msgType="Update", references=REFERENCE).action is action


@pytest.mark.parametrize(
    ("given", "status"),
    [
        ({"status": "Exercise"}, Status.EXERCISE),
        ({"status": "Test"}, Status.TEST),
        ({"status": "System"}, Status.TEST),
        ({"status": "Draft"}, Status.TEST),
        ({"note": "This is only a test."}, Status.TEST),
        ({}, Status.ACTUAL),
    ],
)
def test_the_status(given: dict[str, str], status: Status) -> None:
    assert only(**given).status is status


@pytest.mark.parametrize(
    ("inner", "status"),
    [
        ("<eventCode><valueName>SAME</valueName><value>RWT</value></eventCode>", Status.TEST),
        ("<eventCode><valueName>same</valueName><value>dmo</value></eventCode>", Status.TEST),
        ("<eventCode><valueName>SAME</valueName><value>TOR</value></eventCode>", Status.ACTUAL),
        ("<headline>TEST</headline>", Status.TEST),
        ("<description>THIS IS A TEST of the alert system.</description>", Status.TEST),
        ("<instruction>Esto es una prueba.</instruction>", Status.TEST),
        ("<parameter><valueName>CMAMtext</valueName><value>This is a test.</value></parameter>", Status.TEST),
        ("<parameter><valueName>WEAHandling</valueName><value>WEA Test</value></parameter>", Status.TEST),
        (
            "<parameter><valueName>VTEC</valueName><value>/T.NEW.KALY.TO.W.0018.310506T1645Z-310506T1745Z/</value></parameter>",
            Status.TEST,
        ),
        ("<description>This is a drill.</description>", Status.EXERCISE),
        ("<description>This is not a test.</description>", Status.ACTUAL),
    ],
)
def test_tests_say_actual(inner: str, status: Status) -> None:
    assert only(info(inner + AREA, severity="Extreme")).status is status


def test_a_code_of_a_test_among_warnings_makes_no_test() -> None:
    codes = [f"<eventCode><valueName>SAME</valueName><value>{code}</value></eventCode>" for code in ("RWT", "TOR")]
    assert only(*map(info, codes)).status is Status.ACTUAL


def test_two_languages_are_one_advisory() -> None:
    made = only(
        info("<language>es-US</language><headline>Agua alta</headline>" + AREA),
        info("<language>en-us</language><headline>High water now</headline>" + AREA),
    )
    assert (made.headline, made.language, made.languages) == ("High water now", "en-US", ("es-US", "en-US"))
    assert made.areas == (Area("TX", "48453"),)


def test_without_english_the_first_language_speaks() -> None:
    made = only(info("<language>es</language>"), info("<language>fr</language>", severity="Extreme"))
    assert (made.language, made.severity) == ("es", Severity.SEVERE)


def test_the_most_severe_block_speaks() -> None:
    made = only(info(severity="Minor"), info("<headline>Worse</headline>", severity="Extreme", urgency="Immediate"))
    assert (made.headline, made.severity, made.urgency) == ("Worse", Severity.EXTREME, Urgency.IMMEDIATE)


def test_times_cover_all_blocks() -> None:
    hours = "<effective>2031-05-06T0{}:00:00Z</effective><expires>2031-05-06T1{}:00:00Z</expires>"
    made = only(info(hours.format(2, 5)), info(hours.format(1, 7)), info(hours.format(3, 6)))
    assert (str(made.effective)[11:16], str(made.expires)[11:16]) == ("01:00", "17:00")


def test_places_come_by_code() -> None:
    pairs = [("SAME", "048453"), ("same", "048000"), ("UGC", "TXC453"), ("FIPS6", "048491"), ("other", "048001")]
    inner = "".join(f"<geocode><valueName>{name}</valueName><value>{value}</value></geocode>" for name, value in pairs)
    made = only(info(f"<area><areaDesc>x</areaDesc>{inner}</area>"))
    assert made.areas == (Area("TX", "48453"), Area("TX", "48000"), Area("TX", "48491"), Area("TX", None, "TXC453"))


def test_the_summary_says_what_happens_and_what_to_do_once() -> None:
    both = info("<description>Water\nrises.</description><instruction>Go up.</instruction>")
    same = info("<description>Go up.</description><instruction>Go up.</instruction>")
    phone = info("<parameter><valueName>CMAMtext</valueName><value>Go up now</value></parameter>")
    assert [only(each).summary for each in (both, same, phone, info())] == [
        "Water\nrises.\n\nGo up.",
        "Go up.",
        "Go up now",
        "High water",
    ]


@pytest.mark.parametrize(
    ("web", "url"),
    [
        ("https://a.example/x", "https://a.example/x"),
        ("HTTP://a.example", "HTTP://a.example"),
        ("www.a.example", None),
        ("javascript:alert(1)", None),
        ("https://a.example/x and more", None),
        ("", None),
    ],
)
def test_only_a_link_is_a_link(web: str, url: str | None) -> None:
    assert only(info(f"<web>{web}</web>")).url == url


@pytest.mark.parametrize(
    ("given", "tlp"),
    [
        ({}, Tlp.CLEAR),
        ({"scope": "Restricted", "restriction": "TLP:GREEN schools"}, Tlp.GREEN),
        ({"scope": "Restricted", "restriction": "for officials"}, Tlp.AMBER_STRICT),
        ({"scope": "Restricted"}, Tlp.AMBER_STRICT),
        ({"scope": "Private", "addresses": "a"}, Tlp.RED),
    ],
)
def test_what_is_not_public_is_marked(given: dict[str, str], tlp: Tlp) -> None:
    assert only(**given).tlp is tlp


def test_a_cancel_without_words_says_what_it_can() -> None:
    cancel = only(" ", msgType="Cancel", references=REFERENCE, source="Mill County", note="All clear.")
    assert cancel.headline == "Mill County cancels river-7, without further words"
    assert cancel.summary == "Cancelled by Mill County at 2031-05-06T07:08:09-05:00.\n\nAll clear."
    assert (cancel.topics, cancel.areas, cancel.severity) == ((), (), Severity.UNKNOWN)
    nameless = only(" ", msgType="Cancel")
    assert nameless.headline == "dispatch@county.example cancels no other message, without further words"


def test_a_source_that_needs_an_agreement_says_so() -> None:
    source = SOURCES["ipaws"]
    assert "agreement" in source.title
    assert (source.snapshot, source.messages, source.every) == (False, True, 120)
