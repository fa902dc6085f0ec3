"""Every field's error at once, each with its pointer."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.desk import compose, content, vet
from hub.errors import Invalid
from schemas.bulletin import Area, Attachment, RoleAction, Translation
from schemas.stix import MAX_DRAFT
from schemas.vocabulary import Caveat, Mode, Tlp, Topic
from tests.desk import house
from tests.desk.house import DAY, NOW

BAD = {
    "/headline": {"headline": " "},
    "/headline long": {"headline": "x" * 121},
    "/headline lines": {"headline": "one\ntwo"},
    "/text": {"text": ""},
    "/text control": {"text": "bell \x07"},
    "/text surrogate": {"text": "half \ud800"},
    "/text turned": {"text": "right\u202eleft"},
    "/actions": {"actions": ()},
    "/actions/0/role": {"actions": (RoleAction("", "Do it."),)},
    "/actions/0/text": {"actions": (RoleAction("principal", " "),)},
    "/expires": {"expires": NOW},
    "/expires naive": {"expires": dt.datetime(2027, 1, 1)},  # noqa: DTZ001 - that is the fault
    "/expires far": {"expires": NOW + 5 * 366 * DAY},
    "/next_update_by": {"next_update_by": NOW - DAY},
    "/also": {"also": (Topic.SWATTING,)},
    "/also twice": {"also": (Topic.CYBER, Topic.CYBER)},
    "/caveats": {"caveats": (Caveat.LES, Caveat.LES)},
    "/areas/0/fips": {"areas": (Area("TX", "39001"),)},
    "/areas/0/ugc": {"areas": (Area("TX", None, "OHZ001"),)},
    "/areas/0/state": {"areas": (Area("TX"),)},
    "/audience/0": {"audience": ("zz",)},
    "/audience/0 own": {"audience": ("tx",)},
    "/audience twice": {"audience": ("ok", "ok")},
    "/lang": {"lang": "English"},
    "/translations/0/lang": {"translations": (Translation("x", "h", "t"),)},
    "/translations/0/text": {"translations": (Translation("es", "h", ""),)},
    "/translations twice": {"translations": (Translation("en", "h", "t"),)},
    "/attachments/0/sha256": {"attachments": (Attachment("a.pdf", "application/pdf", 1, "00", Tlp.GREEN),)},
    "/attachments/0/media_type": {"attachments": (Attachment("a.pdf", "pdf", 1, "0" * 64, Tlp.GREEN),)},
    "/attachments/0/size": {"attachments": (Attachment("a.pdf", "application/pdf", -1, "0" * 64, Tlp.GREEN),)},
}


@pytest.mark.parametrize("case", BAD)
def test_one_field(case):
    with pytest.raises(Invalid) as caught:
        content.check(house.content(**BAD[case]), mode=Mode.LIVE, place="tx", now=NOW)
    assert [error.pointer for error in caught.value.errors] == [case.split()[0]]


def test_every_field_at_once():
    bad = house.content(headline="", text="", actions=(), expires=NOW, lang="?", areas=(Area("TX", "1"),))
    with pytest.raises(Invalid) as caught:
        content.check(bad, mode=Mode.LIVE, place="tx", now=NOW)
    pointers = {error.pointer for error in caught.value.errors}
    assert pointers == {"/headline", "/text", "/actions", "/expires", "/lang", "/areas/0/fips"}


def test_a_drill_may_have_as_long_a_headline():
    content.check(house.content(headline="EXERCISE: " + "x" * 120), mode=Mode.EXERCISE, place="tx", now=NOW)


def test_nothing_invalid_is_saved(tx):
    with pytest.raises(Invalid):
        tx.compose(text="")
    draft = tx.compose()
    with pytest.raises(Invalid):
        tx.write(compose.edit, tx.analyst, NOW, draft.id, 1, house.content(text=""))


def test_a_draft_too_large_to_travel_says_so(tx):
    words = "ä" * 20_000
    many = tuple(Translation(lang, "Titel", words) for lang in ("de", "sv", "fi", "es", "fr", "vi", "zh"))
    with pytest.raises(Invalid) as caught:
        tx.compose(translations=many, actions=tuple(RoleAction("all", "y" * 2_000) for _ in range(30)))
    assert caught.value.code == "size"
    assert str(MAX_DRAFT) in caught.value.message


def test_what_expired_while_it_waited_is_not_submitted(tx):
    draft = tx.compose()
    with pytest.raises(Invalid):
        tx.write(vet.submit, tx.analyst, NOW + 8 * DAY, draft.id, 1)


@given(headline=st.text(max_size=140), text=st.text(max_size=300))
def test_what_passes_becomes_a_bundle_and_comes_back(headline, text):
    said = house.content(headline=headline, text=text)
    try:
        content.check(said, mode=Mode.LIVE, place="tx", now=NOW)
    except Invalid:
        return
    from hub.desk.drafting import blank, bundled, written  # noqa: PLC0415 - read where it is used
    from schemas import stix  # noqa: PLC0415 - read where it is used

    office = house.office_of("tx")
    base = blank(office, said, None, office.salt(), NOW)
    bulletin = written(office, NOW, said, base=base, audience_salt=office.salt())
    bundle, _ = bundled(bulletin)
    assert stix.decode(bundle) == bulletin
