"""The compose form: whatever is typed is read or refused by field, and what stands comes back as it was."""

from __future__ import annotations

import dataclasses
import datetime as dt
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.desk.content import Content
from hub.errors import FieldError, Invalid
from hub.web.console import sheet
from hub.web.console.forms import Fields
from schemas.bulletin import Area, RoleAction
from schemas.places import PLACES
from schemas.vocabulary import (
    Caveat,
    Certainty,
    Confidence,
    Lane,
    Phase,
    RecordClass,
    Severity,
    Tlp,
    Topic,
    Urgency,
)
from tests.web.console.desk import filled

ZONE = "America/Chicago"
WORDS = st.text(st.characters(codec="utf-8", exclude_characters="\r"), max_size=40).map(str.strip)
SAID = WORDS.filter(bool)
MOMENTS = st.integers(0, 400_000).map(
    lambda minutes: dt.datetime(2031, 1, 1, tzinfo=dt.UTC) + dt.timedelta(minutes=minutes)
)
AREAS = st.sampled_from(sorted(PLACES)).flatmap(
    lambda code: st.sampled_from(
        (
            Area(code.upper(), fips=f"{PLACES[code].fips}000"),
            Area(code.upper(), fips=f"{PLACES[code].fips}453"),
            Area(code.upper(), ugc=f"{code.upper()}Z192"),
        )
    )
)
CONTENTS = st.builds(
    Content,
    headline=SAID,
    text=SAID,
    basis=WORDS,
    actions=st.lists(st.builds(RoleAction, SAID, SAID), min_size=1, max_size=5).map(tuple),
    topic=st.sampled_from(Topic),
    also=st.lists(st.sampled_from(Topic), unique=True, max_size=4).map(tuple),
    phase=st.sampled_from(Phase),
    tlp=st.sampled_from(Tlp),
    severity=st.sampled_from(Severity),
    urgency=st.sampled_from(Urgency),
    certainty=st.sampled_from(Certainty),
    confidence=st.sampled_from(Confidence),
    areas=st.lists(AREAS, unique=True, max_size=5).map(tuple),
    audience=st.lists(st.sampled_from(sorted(PLACES)), unique=True, max_size=4).map(tuple),
    lane=st.sampled_from(Lane),
    expires=MOMENTS,
    next_update_by=st.none() | MOMENTS,
    caveats=st.lists(st.sampled_from(Caveat), unique=True).map(tuple),
    record_class=st.sampled_from(RecordClass),
    minor=st.booleans(),
)


def sent(of: sheet.Sheet) -> Fields:
    """The fields as a browser sends the form that shows this sheet."""
    pairs = list(of.one.items())
    for number, (role, action) in enumerate(of.rows):
        pairs += [(f"role_{number}", role), (f"action_{number}", action)]
    pairs += [(name, value) for name in ("also", "caveats", "to") for value in getattr(of, name)]
    return Fields((*pairs, *((("minor", "yes"),) if of.minor else ())))


@given(CONTENTS)
def test_what_stands_comes_back_as_it_was(content):
    again = sheet.read(sent(sheet.of_content(content, ZONE)), ZONE).content()
    assert again == content


@given(CONTENTS)
def test_what_was_typed_is_shown_as_it_was_typed(content):
    shown = sheet.of_content(content, ZONE)
    again = sheet.of_fields(sent(shown))
    assert {name: again.value(name) for name in shown.one} == shown.one
    assert (again.rows, again.also, again.caveats, again.to, again.minor) == (
        shown.rows, shown.also, shown.caveats, shown.to, shown.minor,
    )  # fmt: skip


NAMES = [*filled(), "to", "caveats", "minor", "role_39", "role_40"]


@given(st.dictionaries(st.sampled_from(NAMES), WORDS | st.sampled_from(["all", "named", "2031-01-01T10:00", "Texas"])))
def test_whatever_is_typed_is_read_or_refused_by_field(changes):
    fields = Fields(tuple((name, value) for name, value in (filled() | changes).items() if isinstance(value, str)))
    refused: tuple[FieldError, ...] = ()
    try:
        assert sheet.read(fields, ZONE).headline == fields.one("headline")
    except Invalid as invalid:
        refused = invalid.errors or (FieldError("", "nothing is named"),)
    assert {each.pointer.split("/")[1] for each in refused} <= set(sheet.LABELS)


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("Texas", "48000"), ("  texas ", "48000"), ("all of Texas", "48000"), ("TX", "48000"), ("tx", "48000"),
        ("48453", "48453"), ("48453,", "48453"), ("txz192", "TXZ192"), ("TXC453", "TXC453"), ("Puerto Rico", "72000"),
        ("PZZ130", "PZZ130"),
    ],
)  # fmt: skip
def test_a_place_as_people_write_it(line, code):
    (area,) = sheet.read(fields(areas=line), ZONE).areas
    assert (area.fips or area.ugc) == code


@pytest.mark.parametrize("line", ["Texs", "99999", "4845", "Travis County", "484530", "XX", "TXQ192", "٤٨٤٥٣"])
def test_an_unknown_place_is_named(line):
    with pytest.raises(Invalid) as refused:
        sheet.read(fields(areas=f"Ohio\n{line}"), ZONE)
    (error,) = refused.value.errors
    assert error.pointer == "/areas"
    assert repr(line) in error.message


def test_a_slip_in_a_name_is_told_what_it_is_near_to():
    with pytest.raises(Invalid) as refused:
        sheet.read(fields(areas="Texs"), ZONE)
    assert "Did you mean Texas?" in refused.value.errors[0].message


def test_times_are_local_to_the_node_and_those_with_a_zone_keep_it():
    form = sheet.read(fields(expires="2031-01-31T17:00", next_update_by="2031-01-31T17:00Z"), ZONE)
    assert form.expires == dt.datetime(2031, 1, 31, 23, 0, tzinfo=dt.UTC)
    assert form.next_update_by == dt.datetime(2031, 1, 31, 17, 0, tzinfo=dt.UTC)


@given(CONTENTS, st.integers(0, 59), st.integers(0, 999))
def test_seconds_that_the_form_does_not_show_are_kept(content, seconds, ms):
    stands = dataclasses.replace(content, expires=content.expires.replace(second=seconds, microsecond=ms * 1000))
    again = sheet.read(sent(sheet.of_content(stands, ZONE)), ZONE).content()
    assert sheet.kept_moments(again, stands, ZONE) == stands


def test_the_hour_that_comes_twice_is_kept():
    """When clocks go back, 1:30 a.m. is two times; the form shows one, and an unchanged one stays what it was."""
    for hour in (6, 7):
        due = dt.datetime(2030, 11, 3, hour, 30, tzinfo=dt.UTC)
        stands = sheet.read(fields(), ZONE).content()
        stands = dataclasses.replace(stands, expires=due)
        again = sheet.read(sent(sheet.of_content(stands, ZONE)), ZONE).content()
        assert sheet.kept_moments(again, stands, ZONE) == stands


def fields(**changes: Any) -> Fields:
    return Fields(tuple((name, value) for name, value in (filled() | changes).items() if isinstance(value, str)))
