"""Nobody lets their own words out."""

from __future__ import annotations

import datetime as dt

import pytest

from hub.desk import compose, people, publish, sign_in, vet
from hub.errors import Conflict, Forbidden
from hub.rules.authority import Role
from hub.rules.lifecycle import Stage
from schemas.vocabulary import Lane
from tests.desk.house import NOW, content


@pytest.fixture
def both(tx):
    """Somebody who may write and release."""
    return tx.write(people.add_person, tx.operator, NOW - dt.timedelta(days=3), "both", "Both", [Role.SUPERVISOR])


def refused(code, act, *args):
    with pytest.raises((Forbidden, Conflict)) as caught:
        act(*args)
    assert caught.value.code == code


def test_an_author_neither_approves_nor_releases(tx, both):
    draft = tx.write(compose.compose, both, NOW, content())
    draft = tx.write(vet.submit, both, NOW, draft.id, draft.version)
    refused("author", tx.write, vet.approve, both, NOW, draft.id, draft.version)
    draft = tx.write(vet.approve, tx.supervisor, NOW, draft.id, draft.version)
    assert draft.stage is Stage.APPROVED
    refused("author", tx.write, publish.publish, both, NOW, draft.id, draft.version)


def test_whoever_edits_is_an_author(tx, both):
    draft = tx.compose()
    draft = tx.write(compose.edit, both, NOW, draft.id, draft.version, content(text="Other words"))
    draft = tx.write(vet.submit, tx.analyst, NOW, draft.id, draft.version)
    refused("author", tx.write, vet.approve, both, NOW, draft.id, draft.version)


def test_an_edit_voids_the_approval(tx, both):
    draft = tx.approved(tx.compose())
    edited = tx.write(compose.edit, tx.analyst, NOW, draft.id, draft.version, content(text="Other words"))
    assert (edited.stage, edited.approvals) == (Stage.DRAFT, ())
    refused("approvals", tx.write, publish.publish, tx.director, NOW, edited.id, edited.version)
    back = tx.write(compose.edit, tx.analyst, NOW, draft.id, edited.version, content())
    assert back.content_hash == draft.content_hash
    submitted = tx.write(vet.submit, tx.analyst, NOW, draft.id, back.version)
    refused("approvals", tx.write, publish.publish, tx.director, NOW, draft.id, submitted.version)


def test_sending_back_voids_the_approval(tx):
    draft = tx.approved(tx.compose())
    back = tx.write(vet.send_back, tx.supervisor, NOW, draft.id, draft.version, "Say which district.")
    assert (back.stage, back.approvals) == (Stage.DRAFT, ())


def test_a_flash_needs_the_director_too(tx):
    draft = tx.compose(lane=Lane.FLASH)
    draft = tx.write(vet.submit, tx.analyst, NOW, draft.id, draft.version)
    draft = tx.write(vet.approve, tx.supervisor, NOW, draft.id, draft.version)
    assert draft.stage is Stage.SUBMITTED
    draft = tx.write(vet.approve, tx.director, NOW, draft.id, draft.version)
    assert draft.stage is Stage.APPROVED
    release = tx.write(publish.publish, tx.supervisor, NOW, draft.id, draft.version)
    assert release.product_id == "TX-2026-0001"
    assert tx.outgoing()[0].subject.split(".")[3] == "flash"


def test_an_account_that_the_author_made_is_no_second_person(tx):
    maker = tx.write(
        people.add_person, tx.operator, NOW - dt.timedelta(days=9), "maker", "M", [Role.OPERATOR, Role.ANALYST]
    )
    hour = dt.timedelta(hours=1)
    made = tx.write(people.add_person, maker, NOW - 3 * hour, "made", "Made", [Role.SUPERVISOR, Role.OPERATOR])
    grandchild = tx.write(people.add_person, made, NOW - hour, "made2", "Made too", [Role.SUPERVISOR])
    draft = tx.write(compose.compose, maker, NOW, content())
    draft = tx.write(vet.submit, maker, NOW, draft.id, draft.version)
    for person in (made, grandchild):
        refused("not-second-person", tx.write, vet.approve, person, NOW, draft.id, draft.version)
    later = NOW + dt.timedelta(hours=22)
    assert tx.write(vet.approve, made, later, draft.id, draft.version).stage is Stage.APPROVED


def test_a_closed_account_may_nothing_and_its_approval_counts_no_more(tx):
    draft = tx.approved(tx.compose())
    closed = tx.write(people.change_person, tx.operator, NOW, tx.supervisor.id, active=False)
    refused("approvals", tx.write, publish.publish, tx.director, NOW, draft.id, draft.version)
    with pytest.raises(Forbidden):
        tx.write(compose.compose, closed, NOW, content())


def test_one_person_approves_once(tx):
    draft = tx.approved(tx.compose())
    refused("already-approved", tx.write, vet.approve, tx.supervisor, NOW, draft.id, draft.version)


def test_whoever_made_a_token_for_the_approver_is_no_other_person(tx):
    eve = tx.write(people.change_person, tx.operator, NOW, tx.analyst.id, roles=[Role.ANALYST, Role.OPERATOR])
    tx.write(people.issue_token, eve, NOW, tx.supervisor, "kept for myself")
    draft = tx.write(compose.compose, eve, NOW, content())
    draft = tx.write(vet.submit, eve, NOW, draft.id, draft.version)
    later = NOW + dt.timedelta(days=3)
    refused("not-second-person", tx.write, vet.approve, tx.supervisor, later, draft.id, draft.version)
    draft = tx.write(vet.approve, tx.director, later, draft.id, draft.version)
    refused("not-second-person", tx.write, publish.publish, tx.supervisor, later, draft.id, draft.version)
    assert tx.write(publish.publish, tx.director, later, draft.id, draft.version).version == 1


def test_whoever_made_a_token_for_the_author_is_no_other_person(tx):
    both = tx.write(people.change_person, tx.operator, NOW, tx.supervisor.id, roles=[Role.SUPERVISOR, Role.OPERATOR])
    tx.write(people.issue_token, both, NOW, tx.analyst, "kept for myself")
    draft = tx.compose()
    draft = tx.write(vet.submit, tx.analyst, NOW, draft.id, draft.version)
    refused("not-second-person", tx.write, vet.approve, both, NOW, draft.id, draft.version)


def approves(tx, at, who=None):
    """What approving a new draft of the analyst's comes to at a time: "yes", or why not."""
    draft = tx.compose()
    draft = tx.write(vet.submit, tx.analyst, NOW, draft.id, draft.version)
    try:
        tx.write(vet.approve, who or tx.supervisor, at, draft.id, draft.version)
    except Forbidden as refusal:
        return refusal.code
    return "yes"


def test_one_operator_with_tokens_of_both_is_no_two_people(tx):
    first = people.hash_of(tx.write(people.issue_token, tx.operator, NOW, tx.analyst, "kept"))
    assert approves(tx, NOW) == "yes", "a key to one of them only"
    tx.write(people.issue_token, tx.operator, NOW, tx.supervisor, "kept")
    month = dt.timedelta(days=30)
    assert [approves(tx, NOW), approves(tx, NOW + month)] == ["not-second-person"] * 2
    assert approves(tx, NOW, tx.director) == "yes"
    tx.write(people.revoke_token, tx.operator, NOW, first)
    assert approves(tx, NOW + dt.timedelta(hours=23)) == "not-second-person", "revoked, but held a moment ago"
    assert approves(tx, NOW + dt.timedelta(hours=24)) == "yes"


def test_a_token_that_is_over_is_no_key_any_more(tx):
    tx.write(people.issue_token, tx.operator, NOW, tx.supervisor, "kept")
    tx.write(people.issue_token, tx.operator, NOW, tx.analyst, "short", NOW + dt.timedelta(hours=1))
    assert approves(tx, NOW + dt.timedelta(hours=24)) == "not-second-person"
    assert approves(tx, NOW + dt.timedelta(hours=26)) == "yes"


def test_whose_owners_enrolled_are_two_people(tx):
    for person in (tx.analyst, tx.supervisor):
        tx.write(people.issue_token, tx.operator, NOW, person, "first")
    assert approves(tx, NOW) == "not-second-person"
    code = tx.write(sign_in.invite, tx.operator, NOW, tx.supervisor.id)
    assert approves(tx, NOW) == "not-second-person", "a link that nobody used proves nothing"
    tx.write(sign_in.enrol, NOW, code, "$argon2id$")
    assert approves(tx, NOW) == "yes", "the operator's token ended with it"
    tx.write(people.issue_token, tx.operator, NOW, tx.supervisor, "another")
    assert approves(tx, NOW) == "not-second-person"


def test_whoever_made_the_approver_s_link_is_no_other_person_for_a_day(tx):
    eve = tx.write(people.change_person, tx.operator, NOW, tx.analyst.id, roles=[Role.ANALYST, Role.OPERATOR])
    code = tx.write(sign_in.invite, eve, NOW, tx.supervisor.id)
    assert approves(tx, NOW) == "not-second-person"
    tx.write(sign_in.enrol, NOW, code, "$argon2id$")
    assert approves(tx, NOW + dt.timedelta(hours=23)) == "not-second-person"
    assert approves(tx, NOW + dt.timedelta(hours=24)) == "yes"


def test_the_authors_of_what_stands_stay_authors_of_what_follows(tx):
    draft = tx.write(compose.compose, tx.supervisor, NOW, content())
    draft = tx.write(vet.submit, tx.analyst, NOW, draft.id, draft.version)
    draft = tx.write(vet.approve, tx.director, NOW, draft.id, draft.version)
    product_id = tx.write(publish.publish, tx.director, NOW, draft.id, draft.version).product_id
    for _ in range(2):  # cumulative: also two versions on
        update = tx.write(compose.update, tx.analyst, NOW, product_id)
        assert update.authors == {tx.supervisor.id, tx.analyst.id}
        update = tx.write(vet.submit, tx.analyst, NOW, update.id, update.version)
        with pytest.raises(Forbidden) as caught:
            tx.write(vet.approve, tx.supervisor, NOW, update.id, update.version)
        assert caught.value.code == "author"
        update = tx.write(vet.approve, tx.director, NOW, update.id, update.version)
        tx.write(publish.publish, tx.director, NOW, update.id, update.version)
