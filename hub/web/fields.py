"""Types of form fields. They judge the shape; whether words, dates and places can become a bulletin, the desk judges."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any

import pydantic

from schemas.places import PLACES
from schemas.times import truncate_ms

_MOST = 100_000


def _moment(value: Any) -> Any:
    """A bare number would be taken for seconds since 1970 without a word."""
    if isinstance(value, str | dt.datetime):
        return value
    raise ValueError("write a time with its zone, such as 2030-01-31T17:00:00Z")
    # ValueErrors; a TypeError would end the request


def _utc(value: dt.datetime) -> dt.datetime:
    try:
        return truncate_ms(value)
    except OverflowError:  # the last day of the year 9999, west of Greenwich
        raise ValueError("is out of any calendar") from None


def _place(value: str) -> str:
    if value.lower() not in PLACES:
        raise ValueError(f"{value[:20]!r} is not a state or territory; write two letters, such as oh")
    return value.lower()


Text = Annotated[str, pydantic.StringConstraints(strip_whitespace=True, max_length=_MOST)]
Label = Annotated[
    str, pydantic.StringConstraints(strip_whitespace=True, max_length=100, pattern=r"^[^\x00-\x1f\x7f]*$")
]
Moment = Annotated[pydantic.AwareDatetime, pydantic.BeforeValidator(_moment), pydantic.AfterValidator(_utc)]
PlaceCode = Annotated[str, pydantic.AfterValidator(_place)]
Version = Annotated[pydantic.StrictInt, pydantic.Field(ge=1)]
