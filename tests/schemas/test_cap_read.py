from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas import cap
from schemas.vocabulary import Certainty, Severity, Urgency
from tests.schemas.cap_made import AREA, alert, document, info


def refused(data: bytes) -> cap.CapError:
    with pytest.raises(cap.CapError) as caught:
        cap.read(data)
    return caught.value


def test_a_message_is_read() -> None:
    message = cap.read(document())
    assert str(message.identity) == "dispatch@county.example,river-7,2031-05-06T07:08:09-05:00"
    assert message.sent == dt.datetime(2031, 5, 6, 12, 8, 9, tzinfo=dt.UTC)
    (block,) = message.infos
    assert (block.language, block.categories, block.event) == ("en-US", (cap.Category.MET,), "High water")
    assert (block.urgency, block.severity, block.certainty) == (Urgency.EXPECTED, Severity.SEVERE, Certainty.LIKELY)
    assert block.areas == (cap.Area(description="Mill Creek", geocodes=(cap.Pair("SAME", "048453"),)),)


@pytest.mark.parametrize("version", ["1.0", "1.1", "1.2"])
def test_every_version_of_cap_is_read(version: str) -> None:
    assert cap.read(document(version=version)) == cap.read(document())


def test_cap_1_0_wrote_pairs_in_one_text() -> None:
    inner = "<area><areaDesc>x</areaDesc><geocode>SAME=048453</geocode></area><parameter>a = b=c</parameter>"
    block = cap.read(document(info(inner, certainty="Very Likely", category=...), version="1.0")).infos[0]
    assert block.areas[0].geocodes == (cap.Pair("SAME", "048453"),)
    assert block.parameters == (cap.Pair("a", "b=c"),)
    assert (block.certainty, block.categories) == (Certainty.LIKELY, ())


def test_order_and_case_and_white_space_are_forgiven() -> None:
    shuffled = document(
        info(AREA, severity=" severe\n", urgency="EXPECTED"),
        status="ACTUAL",
        msgType=...,
        MSGTYPE=" alert ",
        sender="\n dispatch@county.example \n",
    )
    assert cap.read(shuffled) == cap.read(document())


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2031-05-06T07:08:09Z", "2031-05-06T07:08:09+00:00"),
        ("2031-05-06t07:08:09z", "2031-05-06T07:08:09+00:00"),
        ("2031-05-06T07:08:09.123Z", "2031-05-06T07:08:09.123+00:00"),
        ("2031-05-06T07:08:09-00:00", "2031-05-06T07:08:09+00:00"),
        ("2031-05-06T07:08:09+0530", "2031-05-06T07:08:09+05:30"),
        ("2031-05-06T07:08-05:00", "2031-05-06T07:08:00-05:00"),
    ],
)
def test_times_that_can_mean_one_thing_only(text: str, moment: str) -> None:
    message = cap.read(document(sent=text))
    assert message.sent == dt.datetime.fromisoformat(moment)
    assert message.identity.sent == text


@pytest.mark.parametrize(
    "text",
    [
        "2031-05-06T07:08:09", "yesterday", "2031-05-06", "2031-13-06T07:08:09Z", "2031-05-06T25:08:09Z",
        "2031-05-06T07:08:09+99:99", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "\uff12031-05-06T07:08:09Z",
    ],
)  # fmt: skip
def test_other_times_are_refused_by_name(text: str) -> None:
    assert refused(document(sent=text)).element == "sent"
    assert refused(document(info(expires=text))).element == "info[0].expires"


@pytest.mark.parametrize("element", ["identifier", "sender", "sent", "status", "msgType", "scope"])
def test_what_a_message_cannot_do_without(element: str) -> None:
    assert refused(document(**{element: ...})).element == element
    assert refused(document(**{element: " \n"})).element == element


@pytest.mark.parametrize("element", ["event", "urgency", "severity", "certainty"])
def test_what_a_block_cannot_do_without(element: str) -> None:
    assert refused(document(info(), info(**{element: ...}))).element == f"info[1].{element}"


@pytest.mark.parametrize("element", ["status", "msgType", "scope"])
def test_words_outside_the_closed_lists(element: str) -> None:
    error = refused(document(**{element: "Foobar"}))
    assert error.element == element
    assert "Foobar" in str(error)


@pytest.mark.parametrize("element", ["urgency", "severity", "certainty", "category", "responseType"])
def test_words_outside_the_closed_lists_of_a_block(element: str) -> None:
    assert refused(document(info(**{element: "Foobar"}))).element == f"info[0].{element}"


def test_an_element_that_says_two_things_is_refused() -> None:
    twice = document().replace(b"<scope>", b"<scope>Private</scope><scope>")
    assert refused(twice).element == "scope"
    same = document().replace(b"<scope>", b"<scope>Public</scope><scope>")
    assert cap.read(same) == cap.read(document())


def test_empty_elements_are_missing_ones() -> None:
    empty = document(info(AREA + "<headline/><web> </web><expires></expires><audience><!-- x --></audience>"), note="")
    assert cap.read(empty) == cap.read(document())


def test_a_comma_in_a_name_is_refused() -> None:
    assert refused(document(identifier="INVALID,")).element == "identifier"
    assert refused(document(sender="a,b")).element == "sender"


def test_text_is_whole_over_comments_cdata_and_elements() -> None:
    odd = document(info("<description>one <!-- c --><![CDATA[<two> & ]]>three&#32;<b>four</b></description>"))
    assert cap.read(odd).infos[0].description == "one <two> & three four"


def test_elements_of_other_namespaces_are_no_part_of_it() -> None:
    signed = document(info(), '<S xmlns="http://www.w3.org/2000/09/xmldsig#"><sender>x</sender></S>')
    (found,) = cap.read_all(signed)
    assert found.alert == cap.read(document())
    assert "xmldsig" in found.text


@pytest.mark.parametrize(
    ("text", "triples"),
    [
        ("", []),
        ("a,b,2031-05-06T07:08:09-05:00", ["a,b,2031-05-06T07:08:09-05:00"]),
        (
            "a,b,2031-05-06T07:08:09-05:00\n\t c,d,2031-05-06T07:08:09Z",
            ["a,b,2031-05-06T07:08:09-05:00", "c,d,2031-05-06T07:08:09Z"],
        ),
        ("NWS Albany,b c,2031-05-06T07:08:09Z", ["NWS Albany,b c,2031-05-06T07:08:09Z"]),
        ("a,b,c,2031-05-06T07:08:09Z", ["a,b,c,2031-05-06T07:08:09Z"]),
        ("see the last one", []),
        ("a,2031-05-06T07:08:09Z", []),
        (",,", []),
    ],
)
def test_references(text: str, triples: list[str]) -> None:
    assert [str(reference) for reference in cap.references(text)] == triples


@given(st.text(max_size=200))
def test_references_of_any_text(text: str) -> None:
    assert all(cap.parse_time(reference.sent) for reference in cap.references(text))


# ------------------------------------------------------------------------------------------- wrappers
def test_several_messages_in_one_document() -> None:
    wrapped = f"<alerts xmlns='http://feed.example'>{alert()}{alert(identifier='b')}{alert(sent='x')}</alerts>"
    first, second, third = cap.read_all(wrapped.encode())
    assert first.alert == cap.read(document())
    assert isinstance(second.alert, cap.Alert)
    assert second.alert.identifier == "b"
    assert isinstance(third.alert, cap.CapError)
    assert refused(wrapped.encode()).element == ""
    assert cap.read(second.text.encode()) == second.alert


def test_the_digest_moves_with_the_content_alone() -> None:
    plain = document().decode()
    prefixed = plain.replace("<", "<c:").replace("<c:/", "</c:").replace("<c:?", "<?").replace("xmlns=", "xmlns:c=")
    spaced = plain.replace("><", ">\n  <")
    wrapped = f"<x>{alert()}</x>"
    assert len({cap.read(each.encode()).digest for each in (plain, prefixed, spaced, wrapped)}) == 1
    for other in (document(note="x"), document(info(), info()), document(sent="2031-05-06T08:08:09-04:00")):
        assert cap.read(other).digest != cap.read(plain.encode()).digest


def test_a_message_within_a_message_is_not_read_by_itself() -> None:
    assert len(cap.read_all(document(info(alert(identifier="inner"))))) == 1


# ----------------------------------------------------------------------------------------- recordings
def test_messages_of_many_agencies_are_read(recordings: Path) -> None:
    counts = {}
    for path in sorted((recordings / "cap").glob("*.*")):
        if path.suffix != ".md":
            found = cap.read_all(path.read_bytes())
            assert all(isinstance(each.alert, cap.Alert) for each in found), path.name
            counts[path.name] = len(found)
    assert {name: n for name, n in counts.items() if n != 1 and not name.endswith((".atom", ".rss"))} == {
        "bushfire_valid.edxlde": 7,
        "smhi.se.alerts.cap": 17,
    }


def test_malformed_messages_cost_themselves_alone(recordings: Path) -> None:
    found = cap.read_all((recordings / "cap" / "malformed" / "bushfire_invalid.edxlde").read_bytes())
    wrong = [each.alert.element for each in found if isinstance(each.alert, cap.CapError)]
    assert len(found) == 7
    assert {"sent", "info[0].urgency"} <= set(wrong) or {"identifier", "info[0].urgency"} <= set(wrong)
    assert refused((recordings / "cap" / "malformed" / "invalid.cap").read_bytes()).element == "scope"
    assert refused((recordings / "cap" / "malformed" / "weather_invalid.atom").read_bytes()).element == "identifier"
    assert "DOCTYPE" in str(refused((recordings / "cap" / "malformed" / "xee.atom").read_bytes()))
