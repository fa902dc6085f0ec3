"""NWS alerts as CAP messages and as entries of the Atom index."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.federal.nws import parse
from connectors.source import changes
from schemas.bulletin import Area
from schemas.vocabulary import Action, Severity, Status, Topic
from tests.connectors.federal.made_nws import NATIONAL, name

INFO = """<info><language>{language}</language><category>Met</category><event>{event}</event>
<urgency>Immediate</urgency><severity>Severe</severity><certainty>Likely</certainty>
<eventCode><valueName>SAME</valueName><value>{same}</value></eventCode>
<effective>2031-02-03T10:00:00-06:00</effective><onset>2031-02-03T11:00:00-06:00</onset>
<expires>2031-02-03T13:00:00-06:00</expires><headline>{headline}</headline>
<description>The creek is rising.</description><instruction>Move the buses.</instruction>
<parameter><valueName>VTEC</valueName><value>{vtec}</value></parameter>
<parameter><valueName>eventEndingTime</valueName><value>2031-02-03T14:00:00-06:00</value></parameter>
<area><areaDesc>Travis, TX</areaDesc><geocode><valueName>SAME</valueName><value>048453</value></geocode>
<geocode><valueName>UGC</valueName><value>TXC453</value></geocode></area></info>"""


def message(number: int = 1, *, kind: str = "Alert", refers: str = "", info: str = "", **given: str) -> str:
    facts = {"language": "en-US", "event": "Flood Warning", "same": "FLW", "headline": "Flood Warning", **given}
    facts.setdefault("vtec", "/O.NEW.KEWX.FL.W.0001.310203T1700Z-310203T2000Z/")
    return f"""<alert xmlns="urn:oasis:names:tc:emergency:cap:1.2"><identifier>{name(number)}</identifier>
<sender>w-nws.webmaster@noaa.gov</sender><sent>2031-02-03T10:00:00-06:00</sent><status>Actual</status>
<msgType>{kind}</msgType><scope>Public</scope>{refers}{info or INFO.format(**facts)}</alert>"""


ENTRY = """<entry><id>{id}</id><updated>2031-02-03T10:00:00-06:00</updated><title>Flood Warning until 2 PM</title>
<link href="{link}"/><summary>The creek is rising.</summary><cap:event>{event}</cap:event>
<cap:onset>2031-02-03T11:00:00-06:00</cap:onset><cap:expires>2031-02-03T13:00:00-06:00</cap:expires>
<cap:status>Actual</cap:status><cap:msgType>{kind}</cap:msgType><cap:category>Met</cap:category>
<cap:urgency>Immediate</cap:urgency><cap:severity>Severe</cap:severity><cap:certainty>Likely</cap:certainty>
<cap:areaDesc>Travis; Hays</cap:areaDesc><cap:geocode><valueName>FIPS6</valueName><value>048453 048209</value>
<valueName>UGC</valueName><value>TXZ192 TXZ206</value></cap:geocode></entry>"""


def entry(number: int = 1, **given: str) -> str:
    link = f"https://api.weather.gov/alerts/{name(number)}"
    return ENTRY.format(**{"id": link, "link": link, "event": "Flood Warning", "kind": "Alert", **given})


def index(*entries: str, title: str = NATIONAL) -> bytes:
    head = '<feed xmlns="http://www.w3.org/2005/Atom" xmlns:cap="urn:oasis:names:tc:emergency:cap:1.2">'
    return f"{head}<title>{title}</title>{''.join(entries)}</feed>".encode()


def test_a_cap_message_has_the_key_of_its_json() -> None:
    (said,) = parse(message(3).encode(), "").advisories
    assert (said.source, said.key) == ("nws", name(3))
    assert (said.action, said.status, said.severity) == (Action.NEW, Status.ACTUAL, Severity.SEVERE)
    assert (said.topics, said.event, said.headline) == ((Topic.WEATHER,), "Flood Warning", "Flood Warning")
    assert said.areas == (Area("TX", fips="48453"), Area("TX", ugc="TXC453"))
    assert said.effective == dt.datetime(2031, 2, 3, 17, tzinfo=dt.UTC)
    assert said.expires == dt.datetime(2031, 2, 3, 20, tzinfo=dt.UTC)
    assert said.url == f"https://api.weather.gov/alerts/{name(3)}"


def test_references_are_keys() -> None:
    triple = f"<references>w-nws.webmaster@noaa.gov,{name(1)},2031-02-03T09:00:00-06:00</references>"
    (said,) = parse(message(2, kind="Update", refers=triple).encode(), "").advisories
    assert (said.action, said.references) == (Action.UPDATE, (name(1),))


def test_two_languages_are_one_alert() -> None:
    spanish = INFO.format(language="es-US", event="Aviso de Inundaciones", same="FLW", headline="Aviso", vtec="")
    english = INFO.format(language="en-US", event="Flood Warning", same="FLW", headline="Flood", vtec="")
    (said,) = parse(message(info=spanish + english).encode(), "").advisories
    assert (said.language, set(said.languages), said.headline) == ("en-US", {"en-US", "es-US"}, "Flood")


@pytest.mark.parametrize(
    ("given_facts", "action", "status"),
    [
        ({"vtec": "/O.CAN.KEWX.FL.W.0001.310203T1700Z-310203T2000Z/"}, Action.CANCEL, Status.ACTUAL),
        ({"kind": "Cancel"}, Action.CANCEL, Status.ACTUAL),
        ({"vtec": "/T.NEW.KEWX.FL.W.0001.310203T1700Z-310203T2000Z/"}, Action.NEW, Status.TEST),
        ({"event": "Test Message"}, Action.NEW, Status.TEST),
        ({"same": "RMT"}, Action.NEW, Status.TEST),
    ],
)
def test_ends_and_tests(given_facts: dict[str, str], action: Action, status: Status) -> None:
    (said,) = parse(message(**given_facts).encode(), "").advisories
    assert (said.action, said.status) == (action, status)


def test_an_index_is_a_list() -> None:
    parsed = parse(index(entry(1), entry(2, kind="Update"), entry(2)), "")
    assert [(each.key, each.action.value) for each in parsed.advisories] == [(name(1), "new"), (name(2), "update")]
    said = parsed.advisories[0]
    assert said.headline == "Flood Warning until 2 PM"
    assert [area.fips or area.ugc for area in said.areas] == ["48453", "48209", "TXZ192", "TXZ206"]
    assert (said.url, said.event) == (f"https://api.weather.gov/alerts/{name(1)}", "Flood Warning")
    assert parsed.listing.covers is None
    known = {each.key: each.revision for each in parsed.advisories}
    gone = changes(
        known, parse(index(entry(2, kind="Update")), ""), True, {each.key: each for each in parsed.advisories}
    )
    assert [(each.action.value, each.key) for each in gone] == [("cancel", name(1))]


NONE = "<entry><id>x</id><title>There are no active watches, warnings or advisories</title></entry>"


@pytest.mark.parametrize("entries", [(), (NONE,)])
def test_an_empty_index_is_an_answer(entries: tuple[str, ...]) -> None:
    parsed = parse(index(*entries, title=f"{NATIONAL} for Ohio Issued by the National Weather Service"), "")
    assert (parsed.advisories, parsed.errors, parsed.good) == ((), (), True)
    assert parsed.listing.covers == {"OH"}


def test_a_broken_entry_costs_itself_alone() -> None:
    parsed = parse(index(entry(1, kind="Nonsense"), entry(2), entry(3, id="")), "f")
    assert [(each.item, each.key) for each in parsed.errors] == [(0, name(1)), (2, None)]
    assert [each.key for each in parsed.advisories] == [name(2)]


@pytest.mark.parametrize(
    "hostile",
    [
        b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><feed xmlns="http://www.w3.org/2005/Atom">&x;</feed>',
        b"<alert",
        b"<rss><channel/></rss>",
        b"<" + b"a" * 100_000,
    ],
)
def test_what_is_no_list_is_unavailable(hostile: bytes) -> None:
    parsed = parse(hostile, "")
    assert not parsed.good
    assert len(parsed.errors) == 1


@given(st.text(alphabet='<>/="&;! abcfeedalrtntry\n', max_size=120))
def test_any_markup_is_read_or_an_error(text: str) -> None:
    parsed = parse(f"<feed>{text}</feed>".encode(), "")
    assert parsed.advisories or parsed.errors or parsed.listing.empty
