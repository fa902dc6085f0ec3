"""Forms against whatever comes: a form, or errors that point into what was sent; never a fault."""

from __future__ import annotations

import contextlib

import pydantic
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.desk.content import check
from hub.errors import Invalid
from hub.web.forms import BulletinForm, BulletinPatch, field_errors
from schemas.vocabulary import Mode
from tests.web.house import MONDAY, form

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=8,
)


def leads_into(document: object, pointer: str) -> bool:
    """Whether a JSON pointer names something in the document, or a member that it lacks."""
    for step in pointer.split("/")[1:-1]:
        name = step.replace("~1", "/").replace("~0", "~")
        if isinstance(document, dict) and name in document:
            document = document[name]
        elif isinstance(document, list) and name.isdecimal() and int(name) < len(document):
            document = document[int(name)]
        else:
            return False
    return True


@given(st.dictionaries(st.sampled_from([*form(), "minor", "lang", "translations", "attachments", "caveats"]), ANYTHING))
def test_any_object_is_a_bulletin_or_has_errors_that_point_into_it(changes):
    document = form() | changes
    try:
        made = BulletinForm.model_validate(document)
    except pydantic.ValidationError as error:
        for each in field_errors(error):
            assert leads_into(document, each.pointer), each
        return
    with contextlib.suppress(Invalid):
        check(made.content(), mode=Mode.LIVE, place="tx", now=MONDAY)


@pytest.mark.parametrize(
    "moment",
    ["9999-12-31T23:59:59-14:00", "0001-01-01T00:00:00+14:00", "2030-03-05", "2030-03-05T10:00:00", 1, 1.5, True, ""],
)
def test_a_time_has_a_zone_and_lies_in_a_calendar(moment):
    with pytest.raises(pydantic.ValidationError) as refused:
        BulletinPatch.model_validate({"expires": moment})
    assert [each.pointer for each in field_errors(refused.value)] == ["/expires"]


OUT_OF_ANY_CALENDAR = ["0001-01-01T00:00:00+23:00", "9999-12-31T23:59:59-23:00"]
AT_ITS_ENDS = ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999Z", "9999-12-31T23:55:00Z"]


@pytest.mark.parametrize("moment", OUT_OF_ANY_CALENDAR + AT_ITS_ENDS)
async def test_a_time_out_of_any_calendar_is_a_422_that_points_at_it(house, moment):
    draft = await house.draft()
    match = {"If-Match": '"1"'}
    for name in ("expires", "next_update_by"):
        one = {name: moment}
        made = await house.post("/api/v1/bulletins", "analyst", form() | one)
        changed = await house.ask("PATCH", f"/api/v1/bulletins/{draft['id']}", "analyst", json=one, headers=match)
        for answer in (made, changed):
            assert answer.status == 422, (name, answer.body)
            assert [each["pointer"] for each in answer.json()["errors"]] == [f"/{name}"]
    answer = await house.post("/api/v1/people/me/tokens", "analyst", {"label": "phone", "expires": moment})
    if moment in OUT_OF_ANY_CALENDAR:
        assert (answer.status, [each["pointer"] for each in answer.json()["errors"]]) == (422, ["/expires"])
    else:
        assert answer.status in {201, 422}


@pytest.mark.parametrize("moment", ["2030-03-05T10:00:00Z", "2030-03-05T10:00:00.1234567+05:30"])
def test_a_good_time_is_taken_in_utc_by_the_millisecond(moment):
    taken = BulletinPatch.model_validate({"expires": moment}).expires
    assert taken.utcoffset().total_seconds() == 0
    assert taken.microsecond % 1000 == 0


def test_everybody_is_an_empty_list_of_names():
    assert BulletinPatch.model_validate({"audience": "all"}).given() == {"audience": ()}
    assert BulletinPatch.model_validate({"audience": ["OH", "va"]}).given() == {"audience": ("oh", "va")}
    with pytest.raises(pydantic.ValidationError):
        BulletinPatch.model_validate({"audience": []})
