"""TLP: the order, the names of older lists, the OASIS objects."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas import marking, stix_judge
from schemas.vocabulary import Tlp

levels = st.sampled_from(Tlp)


@given(levels, levels)
def test_the_stricter_of_two(one, other):
    worse = marking.stricter(one, other)
    assert worse in (one, other)
    assert marking.stricter(other, one) is worse
    assert marking.rank(worse) == max(marking.rank(one), marking.rank(other))


def test_the_order_is_that_of_first():
    assert sorted(Tlp, key=marking.rank) == [Tlp.CLEAR, Tlp.GREEN, Tlp.AMBER, Tlp.AMBER_STRICT, Tlp.RED]


@pytest.mark.parametrize(
    ("text", "tlp"),
    [
        ("TLP:CLEAR", Tlp.CLEAR),
        ("TLP1 WHITE", Tlp.AMBER_STRICT),
        ("TLP:WHITE", Tlp.CLEAR),
        ("white", Tlp.CLEAR),
        ("tlp-green", Tlp.GREEN),
        ("TLP: Amber", Tlp.AMBER),
        ("TLP:AMBER+STRICT", Tlp.AMBER_STRICT),
        ("amber strict", Tlp.AMBER_STRICT),
        ("RED", Tlp.RED),
        ("", Tlp.AMBER_STRICT),
        (None, Tlp.AMBER_STRICT),
        ("public", Tlp.AMBER_STRICT),
        ("TLP:EX:CHR", Tlp.AMBER_STRICT),
    ],
)
def test_a_label_that_nobody_knows_is_kept_close(text, tlp):
    assert marking.from_name(text) is tlp


@given(levels)
def test_label_and_name_agree(tlp):
    assert marking.from_name(marking.label(tlp)) is tlp


def test_tokens():
    for tlp in Tlp:
        if tlp is Tlp.RED:
            with pytest.raises(ValueError, match="RED"):
                marking.token(tlp)
        else:
            assert marking.from_token(marking.token(tlp)) is tlp
    with pytest.raises(ValueError, match="token"):
        marking.from_token("red")


def test_judge_accepts_the_five_objects():
    bundle = {
        "type": "bundle",
        "id": "bundle--98d93d06-6e8d-4e59-958c-c785828da84a",
        "objects": list(marking.MARKINGS.values()),
    }
    assert stix_judge.problems(json.dumps(bundle).encode()) == ()


def test_ids_of_both_lists_are_read():
    for tlp, identity in marking.MARKING_IDS.items():
        assert marking.of_marking_id(identity) is tlp
    assert {marking.of_marking_id(identity) for identity in marking.TLP1_MARKING_IDS} == set(Tlp) - {Tlp.AMBER_STRICT}
    assert marking.of_marking_id("marking-definition--0") is Tlp.AMBER_STRICT
