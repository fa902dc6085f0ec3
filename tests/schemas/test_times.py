"""Times on the wire have one spelling."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas import times

zoned = st.datetimes(
    dt.datetime(1000, 1, 2),  # noqa: DTZ001 - hypothesis adds the zone
    dt.datetime(9999, 12, 30),  # noqa: DTZ001 - as above
    timezones=st.timezones(),
)


@given(zoned)
def test_a_written_time_is_read_back_to_the_millisecond(moment):
    text = times.format_time(moment)
    again = times.parse_time(text)
    assert again == times.truncate_ms(moment) <= moment < again + dt.timedelta(milliseconds=1)
    assert times.format_time(again) == text
    assert len(text) == 24


BAD = [
    "",
    "2026-11-23T15:04:05Z",
    "2026-11-23T15:04:05.6Z",
    "2026-11-23T15:04:05.678000Z",
    "2026-11-23T15:04:05.678",
    "2026-11-23T15:04:05.678+00:00",
    "2026-11-23t15:04:05.678z",
    "2026-11-23 15:04:05.678Z",
    "2026-11-23T15:04:05,678Z",
    "2026-11-23T15:04:05.678Z\n",
    "2026-02-30T15:04:05.678Z",
    "2026-11-23T24:00:00.000Z",
    "2026-11-23T15:04:60.000Z",
    "٢٠٢٦-11-23T15:04:05.678Z",
]


@pytest.mark.parametrize("text", BAD)
def test_another_spelling_is_no_time(text):
    with pytest.raises(ValueError):
        times.parse_time(text)


def test_a_time_has_a_zone():
    for convert in (times.format_time, times.truncate_ms):
        with pytest.raises(ValueError, match="zone"):
            convert(dt.datetime(2026, 11, 23))  # noqa: DTZ001 - the case
