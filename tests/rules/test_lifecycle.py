"""The stages at the desk: every verb at every stage."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.rules.authority import Verb
from hub.rules.decision import Refused
from hub.rules.lifecycle import UNRELEASED, Stage, begin, step

ALLOWED = {
    ("draft", "edit"): "draft",
    ("draft", "submit"): "submitted",
    ("submitted", "edit"): "draft",
    ("submitted", "send-back"): "draft",
    ("submitted", "approve"): "approved",
    ("approved", "edit"): "draft",
    ("approved", "send-back"): "draft",
    ("approved", "approve"): "approved",
    ("approved", "publish"): "released",
    ("released", "update"): "draft",
    ("released", "withdraw"): "withdrawn",
    ("released", "expire"): "expired",
    ("expired", "update"): "draft",
    ("expired", "withdraw"): "withdrawn",
}


@pytest.mark.parametrize("stage", Stage)
@pytest.mark.parametrize("verb", Verb)
def test_every_verb_at_every_stage(stage: Stage, verb: Verb) -> None:
    after = step(stage, verb)
    if isinstance(after, Refused):
        assert (stage.value, verb.value) not in ALLOWED
        assert after.code == "stage"
        assert after.reason.endswith(".")
    else:
        assert ALLOWED[stage.value, verb.value] == after.value


@pytest.mark.parametrize("stage", [Stage.SUBMITTED, Stage.APPROVED])
def test_an_approval_that_leaves_others_lacking_is_not_enough(stage: Stage) -> None:
    assert step(stage, Verb.APPROVE, lacking=True) is Stage.SUBMITTED


@pytest.mark.parametrize("verb", Verb)
def test_what_brings_a_draft_into_being(verb: Verb) -> None:
    born = begin(verb)
    assert (born is Stage.DRAFT) is (verb in {Verb.COMPOSE, Verb.ADOPT, Verb.UPDATE})


@given(st.lists(st.sampled_from(Verb)))
def test_nothing_is_released_that_was_not_approved_as_it_stands(verbs: list[Verb]) -> None:
    stage, said = Stage.DRAFT, list[Verb]()
    for verb in verbs:
        after = step(stage, verb)
        if isinstance(after, Refused):
            continue
        said.append(verb)
        if after is Stage.RELEASED:
            since_edit = said[
                max((n for n, one in enumerate(said) if one in {Verb.EDIT, Verb.SEND_BACK, Verb.UPDATE}), default=0) :
            ]
            assert Verb.SUBMIT in since_edit
            assert Verb.APPROVE in since_edit
        assert stage is not Stage.WITHDRAWN
        stage = after


def test_three_stages_are_not_released() -> None:
    assert {Stage.DRAFT, Stage.SUBMITTED, Stage.APPROVED} == UNRELEASED
