"""CAP messages: one by hand in XML, and strategies for whatever the structs can say."""

from __future__ import annotations

import datetime as dt

from hypothesis import strategies as st

from schemas import cap
from schemas.vocabulary import Certainty, Severity, Urgency
from tests.schemas.made import tuples

NAMESPACES = {
    "1.2": "urn:oasis:names:tc:emergency:cap:1.2",
    "1.1": "urn:oasis:names:tc:emergency:cap:1.1",
    "1.0": "http://www.incident.com/cap/1.0",
}
HEAD = {
    "identifier": "river-7",
    "sender": "dispatch@county.example",
    "sent": "2031-05-06T07:08:09-05:00",
    "status": "Actual",
    "msgType": "Alert",
    "scope": "Public",
}
INFO = {
    "category": "Met",
    "event": "High water",
    "urgency": "Expected",
    "severity": "Severe",
    "certainty": "Likely",
}
AREA = "<area><areaDesc>Mill Creek</areaDesc><geocode><valueName>SAME</valueName><value>048453</value></geocode></area>"


def elements(facts: dict[str, object]) -> str:
    """An element for each fact; `...` leaves one out."""
    return "".join(f"<{name}>{value}</{name}>" for name, value in facts.items() if value is not ...)


def info(inner: str = AREA, /, **given: object) -> str:
    return f"<info>{elements(INFO | given)}{inner}</info>"


def alert(*infos: str, version: str = "1.2", **given: object) -> str:
    """One message as XML; the head's facts can be changed, and left out with `...`."""
    blocks = "".join(infos or (info(),))
    return f'<alert xmlns="{NAMESPACES[version]}">{elements(HEAD | given)}{blocks}</alert>'


def document(*infos: str, **given: object) -> bytes:
    return b'<?xml version="1.0" encoding="UTF-8"?>\n' + alert(*infos, **given).encode()


# What XML can carry; white space at the ends is no part of a CAP value.
characters = st.characters(
    exclude_categories=("Cs", "Cc"), include_characters="\n\t\r", exclude_characters="\ufffe\uffff"
)
texts = st.text(characters, min_size=1, max_size=12).map(lambda text: text.strip(" \t\r\n")).filter(bool)
names = st.text(
    st.characters(exclude_categories=("Cs", "Cc", "Zs", "Zl", "Zp"), exclude_characters=",<&\ufffe\uffff"),
    min_size=1,
    max_size=20,
)
offsets = st.integers(-14 * 60, 14 * 60).map(lambda minutes: dt.timezone(dt.timedelta(minutes=minutes)))
moments = st.datetimes(
    dt.datetime(1900, 1, 1),  # noqa: DTZ001 - hypothesis adds the zone
    dt.datetime(2200, 1, 1),  # noqa: DTZ001 - as above
    timezones=offsets,
).map(lambda moment: moment.replace(microsecond=0))
maybe = texts | st.none()
addresses = st.none() | st.sampled_from(
    ["https://example.org/a%20b?c=d&e=f#g", "http://localhost:8100/x", "mailto:a@b.example", "urn:oid:2.49.0.1"]
)
pairs = st.builds(cap.Pair, texts | st.just(""), texts | st.just(""))
decimals = st.none() | st.sampled_from(["0", "-12.5", "+3.", "12000"])
references = st.builds(cap.Reference, names, names, moments.map(cap.format_time))
resources = st.builds(
    cap.Resource,
    description=texts,
    mime_type=st.just("") | texts,
    size=st.none() | st.integers(0, 2**63),
    uri=addresses,
    deref_uri=maybe,
    digest=maybe,
)
areas = st.builds(
    cap.Area,
    description=texts | st.just(""),
    polygons=tuples(texts, 2),
    circles=tuples(texts, 2),
    geocodes=tuples(pairs, 2),
    altitude=decimals,
    ceiling=decimals,
)
infos = st.builds(
    cap.Info,
    event=texts,
    urgency=st.sampled_from(Urgency),
    severity=st.sampled_from(Severity),
    certainty=st.sampled_from(Certainty),
    categories=st.lists(st.sampled_from(cap.Category), min_size=1, max_size=3).map(tuple),
    language=st.sampled_from(["en-US", "es", "zh-Hant-TW", "x-klingon"]),
    response_types=tuples(st.sampled_from(cap.ResponseType)),
    audience=maybe,
    event_codes=tuples(pairs, 2),
    effective=st.none() | moments,
    onset=st.none() | moments,
    expires=st.none() | moments,
    sender_name=maybe,
    headline=maybe,
    description=maybe,
    instruction=maybe,
    web=addresses,
    contact=maybe,
    parameters=tuples(pairs, 2),
    resources=tuples(resources, 1),
    areas=tuples(areas, 2),
)


@st.composite
def alerts(draw):
    """Every message that keeps the rules."""
    scope, kind = draw(st.sampled_from(cap.Scope)), draw(st.sampled_from(cap.MsgType))
    refers = draw(st.lists(references, min_size=kind is not cap.MsgType.ALERT, max_size=3))
    return cap.Alert(
        identifier=draw(names),
        sender=draw(names),
        sent=draw(moments),
        status=draw(st.sampled_from(cap.Status)),
        msg_type=kind,
        scope=scope,
        source=draw(maybe),
        restriction=draw(texts) if scope is cap.Scope.RESTRICTED else None,
        addresses=draw(texts) if scope is cap.Scope.PRIVATE else draw(maybe),
        codes=draw(tuples(texts, 2)),
        note=draw(maybe),
        references=tuple(refers),
        incidents=draw(maybe),
        infos=draw(tuples(infos, 2)),
    )
