"""A bulletin and its bundle are the same thing in two forms."""

from __future__ import annotations

import datetime as dt
import json

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas import content, marking, stix, stix_judge
from schemas.bulletin import AdvisoryRef, Approval, Area, Attachment, Bulletin, RoleAction, Stamp, Translation
from schemas.vocabulary import Audience, Mode, Tlp
from tests.schemas import made


@given(made.bulletins())
@settings(max_examples=100)
def test_what_is_written_is_read_back_member_for_member(bulletin):
    payload = stix.encode(bulletin)
    again, losses = stix.decode_with_losses(payload)
    assert again == bulletin
    assert losses == ()
    assert stix.encode(again) == payload


@given(made.bulletins())
@settings(max_examples=25)
def test_judge_stix2_validator_in_strict_mode_accepts(bulletin):
    payload = stix.encode(bulletin)
    assert stix_judge.problems(payload) == ()
    assert stix_judge.parse(payload)["objects"][0]["id"] == json.loads(payload)["objects"][0]["id"]


def test_judge_says_what_it_does_not_like():
    payload = stix.encode(made.PLAIN)
    assert any("lang" in line for line in stix_judge.problems(payload.replace(b'"lang":"en"', b'"lang":"xx-yy"')))
    assert stix_judge.problems(payload.replace(b'"spec_version":"2.1"', b'"spec_version":"9"', 1))


@given(made.bulletins(released=True), made.moments, made.moments)
@settings(max_examples=100)
def test_draft_and_release_have_one_content_hash(bulletin, created, later):
    created, later = sorted((created, later))
    draft = msgspec.structs.replace(bulletin, stamp=None, created=created, modified=created, published=created)
    other = msgspec.structs.replace(bulletin, created=created, modified=later, published=later)
    wanted = content.content_hash(stix.encode(bulletin))
    assert content.content_hash(stix.encode(draft)) == wanted
    assert content.content_hash(stix.encode(other)) == wanted


@given(made.bulletins(), made.bulletins())
@settings(max_examples=50)
def test_any_other_change_moves_the_content_hash(one, other):
    for name in Bulletin.__struct_fields__:
        if name in {"created", "modified", "published", "stamp"}:
            continue
        changed = msgspec.structs.replace(one, **{name: getattr(other, name)})
        try:
            payload = stix.encode(changed)
        except stix.StixError:
            continue
        same = content.content_hash(payload) == content.content_hash(stix.encode(one))
        assert same == (changed == one), name


def test_a_bundle_says_what_format_1_promises():
    bulletin = msgspec.structs.replace(
        made.PLAIN,
        mode=Mode.EXERCISE,
        headline="EXERCISE: Water main break",
        advisory=AdvisoryRef(
            "98d93d06-6e8d-5e59-958c-c785828da84a", "cisa-kev", "CVE-2026-1", "https://x.example/", "ab" * 32
        ),
        translations=(Translation("es", "EXERCISE: Rotura", "Hasta el mediodía."),),
        stamp=Stamp(
            "TX-EX-2026-0001", 1, made.MOMENT, (Approval("p1", "supervisor", "publish", made.MOMENT, "cd" * 32),)
        ),
    )
    document = json.loads(stix.encode(bulletin))
    report, identity, tlp, definition, language = document["objects"]
    hub = report["extensions"][stix.EXTENSION_ID]
    assert report["labels"][0] == "exercise"
    assert report["object_marking_refs"] == [marking.MARKING_IDS[Tlp.GREEN]] == language["object_marking_refs"]
    assert tlp == marking.MARKINGS[Tlp.GREEN]
    assert definition["id"] == stix.EXTENSION_ID
    assert report["object_refs"] == [identity["id"]] == [report["created_by_ref"]]
    assert report["id"] == content.report_id(Mode.EXERCISE, "tx", bulletin.seed)
    assert hub["stamp"]["released"] == "2026-11-23T15:04:05.678Z"
    assert hub["areas"] == [{"state": "TX", "fips": "48453"}]
    assert "TX-EX-2026-0001" not in json.dumps({**report, "extensions": None}), "the number is stamped after approval"


def test_nothing_that_is_constant_depends_on_when():
    later = msgspec.structs.replace(made.PLAIN, modified=made.MOMENT + dt.timedelta(days=40), salt="01" * 16)
    one, other = (json.loads(stix.encode(bulletin))["objects"][1:] for bulletin in (made.PLAIN, later))
    assert one == other


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"headline": " "}, "content"),
        ({"headline": "half \ud800"}, "surrogate"),
        ({"text": "a\0b"}, "nul"),
        ({"text": "x" * 250_000}, "size"),
        ({"text": "x" * 240_000}, "size"),
        ({"mode": Mode.EXERCISE}, "exercise"),
        ({"origin": "us-cisa"}, "content"),
        ({"seed": "00"}, "content"),
        ({"salt": "AB" * 16}, "content"),
        ({"crit": ("quorum",)}, "unsupported"),
        ({"lang": "english!"}, "content"),
        ({"translations": (Translation("EN", "x", "y"),)}, "content"),
        ({"modified": made.MOMENT - dt.timedelta(seconds=1)}, "content"),
        ({"audience_commitment": "00" * 32}, "content"),
        ({"advisory": AdvisoryRef("98d93d06-6e8d-5e59-958c-c785828da84a", "nws", "k", "javascript:x")}, "content"),
        ({"stamp": Stamp("TX-2026-R0001", 1, made.MOMENT, ())}, "product"),
        ({"stamp": Stamp("OH-2026-0001", 1, made.MOMENT, ())}, "product"),
        ({"stamp": Stamp("TX-EX-2026-0001", 1, made.MOMENT, ())}, "product"),
        ({"stamp": Stamp("TX-2026-0001", 0, made.MOMENT, ())}, "content"),
        ({"stamp": Stamp("TX-2026-0001", 1, made.MOMENT, (Approval("p", "r", "v", made.MOMENT, "x"),))}, "content"),
        ({"actions": (RoleAction(" ", "x"),)}, "content"),
        ({"audience": Audience.NAMED, "audience_commitment": "x"}, "content"),
        ({"areas": (Area("TX", "39001"),)}, "content"),
        ({"attachments": (Attachment("", "a/b", 1, "00" * 32, Tlp.CLEAR),)}, "content"),
        ({"attachments": (Attachment("a", "a/b", -1, "00" * 32, Tlp.CLEAR),)}, "content"),
        ({"attachments": (Attachment("a", "a/b", 1, "00", Tlp.CLEAR),)}, "content"),
        ({"advisory": AdvisoryRef("1", "nws", "k")}, "content"),
        ({"advisory": AdvisoryRef("98d93d06-6e8d-5e59-958c-c785828da84a", "nws", "k", None, "x")}, "content"),
    ],
)
def test_what_may_not_travel_is_not_written(change, code):
    with pytest.raises(stix.StixError) as caught:
        stix.encode(msgspec.structs.replace(made.PLAIN, **change))
    assert caught.value.code == code


def test_a_draft_leaves_room_for_its_stamp():
    room = stix.MAX_DRAFT - len(stix.encode(msgspec.structs.replace(made.PLAIN, text="")))
    draft = msgspec.structs.replace(made.PLAIN, text="x" * room)
    stix.encode(draft)
    passkey = "A" * 900
    approval = Approval("p" * 36, "supervisor", "publish", made.MOMENT, "cd" * 32, passkey, passkey, passkey, passkey)
    stamp = Stamp("TX-2026-0001", 1, made.MOMENT, (approval, approval))
    assert stix.decode(stix.encode(msgspec.structs.replace(draft, stamp=stamp))).stamp == stamp


@given(made.tombstones())
def test_tombstones_are_read_back(tombstone):
    payload = stix.encode_tombstone(tombstone)
    assert stix.decode_tombstone(payload) == tombstone
    assert stix.encode_tombstone(tombstone) == payload


@given(st.binary(max_size=200) | st.text(max_size=200).map(lambda text: text.encode("utf-8", "surrogatepass")))
def test_no_bytes_get_out_but_as_a_stix_error(payload):
    for decode in (stix.decode, stix.decode_tombstone, stix.item_of):
        with pytest.raises(stix.StixError):
            decode(payload)
