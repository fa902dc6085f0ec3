"""The subject grammar: everything that is built is read back, everything off it is refused."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas import subjects
from schemas.places import PLACES
from schemas.subjects import BulletinSubject, RecallSubject, ReceiptSubject, RollcallSubject, SubjectError
from schemas.vocabulary import Audience, Lane, Mode, Tlp, Topic
from tests.schemas import made

places = st.sampled_from(sorted(PLACES))
peers = places.map("to-{}".format)
groups = st.builds("g-{}-{}".format, places, st.from_regex(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", fullmatch=True)).filter(
    lambda group: len(group) < 150
)
modes = st.sampled_from(Mode)
wide = st.builds(
    BulletinSubject,
    modes,
    made.origins,
    st.sampled_from(Lane),
    st.one_of(st.just("all"), groups, peers),
    st.sampled_from([Tlp.CLEAR, Tlp.GREEN]),
    st.sampled_from(Topic),
)
narrow = st.builds(
    BulletinSubject,
    modes,
    made.origins,
    st.sampled_from(Lane),
    peers,
    st.sampled_from([Tlp.AMBER, Tlp.AMBER_STRICT]),
    st.sampled_from(Topic),
)
all_subjects = st.one_of(
    wide,
    narrow,
    st.builds(RecallSubject, modes, made.origins, st.one_of(st.just("all"), groups, peers)),
    st.builds(RollcallSubject, modes, made.origins, st.just("all") | peers),
    st.builds(ReceiptSubject, modes, made.origins, places),
)


@given(all_subjects)
def test_what_is_built_is_read_back(subject):
    assert subjects.parse(str(subject)) == subject
    assert str(subject).isascii()
    assert len(str(subject)) <= 255


@given(st.text(st.sampled_from("abcdefgtlxo-.*>1 "), max_size=60) | st.text(max_size=60))
def test_what_is_read_is_spelt_that_way(text):
    try:
        subject = subjects.parse(text)
    except SubjectError:
        return
    assert str(subject) == text


@given(all_subjects, st.data())
def test_one_changed_character_is_read_exactly_or_refused(subject, data):
    text = str(subject)
    where = data.draw(st.integers(0, len(text) - 1))
    changed = text[:where] + data.draw(st.sampled_from("aA.-*> \n0")) + text[where + 1 :]
    with contextlib.suppress(SubjectError):
        assert str(subjects.parse(changed)) == changed


def test_examples_of_the_format():
    assert subjects.parse("live.tx.bulletin.routine.all.green.violence") == BulletinSubject(
        Mode.LIVE, "tx", Lane.ROUTINE, "all", Tlp.GREEN, Topic.VIOLENCE
    )
    assert subjects.parse("exercise.tx.bulletin.flash.to-ok.amber.terrorism") == BulletinSubject(
        Mode.EXERCISE, "tx", Lane.FLASH, "to-ok", Tlp.AMBER, Topic.TERRORISM
    )


BAD = [
    ("", "subject"),
    ("live.tx", "subject"),
    ("drill.tx.recall.all", "subject"),
    ("LIVE.tx.recall.all", "subject"),
    ("live.TX.recall.all", "subject"),
    ("live.zz.recall.all", "subject"),
    ("live.us-cisa.recall.all", "subject"),
    ("live.x-test.recall.all", "subject"),
    ("live.tx-ex.recall.all", "subject"),
    ("live.tx-a.recall.all", "subject"),
    ("live.tx-1a.recall.all", "subject"),
    ("live.tx-abcdefghijklm.recall.all", "subject"),
    ("live.tx-.recall.all", "subject"),
    ("live.tx-a-b.recall.all", "subject"),
    ("live.tx.bulletin.routine.all.green", "subject"),
    ("live.tx.bulletin.routine.all.green.violence.x", "subject"),
    ("live.tx.bulletin.slow.all.green.violence", "subject"),
    ("live.tx.bulletin.routine.all.red.violence", "subject"),
    ("live.tx.bulletin.routine.to-ok.red.violence", "subject"),
    ("live.tx.bulletin.routine.all.white.violence", "subject"),
    ("live.tx.bulletin.routine.all.amber.violence", "subject"),
    ("live.tx.bulletin.routine.all.amberstrict.violence", "subject"),
    ("live.tx.bulletin.routine.g-tx-region.amber.violence", "subject"),
    ("live.tx.bulletin.routine.g-tx-region.amberstrict.violence", "subject"),
    ("live.tx.bulletin.routine.to-ok.amber+strict.violence", "subject"),
    ("live.tx.bulletin.routine.all.green.asteroid", "subject"),
    ("live.tx.bulletin.routine.to-.green.violence", "subject"),
    ("live.tx.bulletin.routine.to-zz.green.violence", "subject"),
    ("live.tx.bulletin.routine.everybody.green.violence", "subject"),
    ("live.tx.bulletin.routine.g-tx.green.violence", "subject"),
    ("live.tx.bulletin.routine.g-tx-.green.violence", "subject"),
    ("live.tx.bulletin.routine.g-zz-name.green.violence", "subject"),
    ("live.tx.bulletin.routine.*.green.violence", "subject"),
    ("live.tx.bulletin.>", "subject"),
    ("live.tx.recall", "subject"),
    ("live.tx.recall.all.x", "subject"),
    ("live.tx.rollcall.g-tx-region", "subject"),
    ("live.tx.receipt.all", "subject"),
    ("live.tx.receipt.g-tx-region", "subject"),
    ("live.tx.recall.all\n", "subject"),
    ("live.tx.recall.all ", "subject"),
    ("live..recall.all", "subject"),
    ("live.tx.recall.g-tx-" + "x" * 250, "subject"),
    ("live.tx.recall." + "\u00e9" * 250, "subject"),
    ("relay.ok.live.tx.recall.all", "subject"),
    ("post.ok", "subject"),
    ("live.tx.part.all", "unknown-kind"),
    ("live.tx.Bulletin.routine.all.green.violence", "unknown-kind"),
    ("live.tx.poll.to-ok", "unknown-kind"),
]


@pytest.mark.parametrize(("text", "code"), BAD)
def test_off_the_grammar(text, code):
    with pytest.raises(SubjectError) as caught:
        subjects.parse(text)
    assert caught.value.code == code


@pytest.mark.parametrize("tlp", [Tlp.AMBER, Tlp.AMBER_STRICT, Tlp.RED])
def test_what_may_not_be_said_cannot_be_built(tlp):
    with pytest.raises(SubjectError):
        BulletinSubject(Mode.LIVE, "tx", Lane.ROUTINE, "all", tlp, Topic.VIOLENCE)


def test_filters():
    assert subjects.filter_of(Mode.LIVE, "tx") == "live.tx.bulletin.*.*.*.*"
    assert (
        subjects.filter_of(Mode.EXERCISE, "tx-ntic", Lane.FLASH, "to-ok", Tlp.AMBER_STRICT, Topic.CYBER)
        == "exercise.tx-ntic.bulletin.flash.to-ok.amberstrict.cyber"
    )
    for bad in ({"origin": "zz"}, {"origin": "tx", "audience": "*"}, {"origin": "tx", "audience": "to-*"}):
        with pytest.raises(SubjectError):
            subjects.filter_of(Mode.LIVE, **bad)
    with pytest.raises(ValueError, match="RED"):
        subjects.filter_of(Mode.LIVE, "tx", tlp=Tlp.RED)


@pytest.mark.parametrize(
    ("audience", "classes"),
    [
        ("all", {Audience.ALL}),
        ("g-tx-region", {Audience.GROUP}),
        ("to-ok", {Audience.ALL, Audience.GROUP, Audience.NAMED}),
    ],
)
def test_which_class_may_come_on_which_audience(audience, classes):
    assert {one for one in Audience if subjects.fits(audience, one)} == classes
