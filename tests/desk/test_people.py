"""Accounts and tokens; a token is shown once and kept as its hash."""

from __future__ import annotations

import contextlib
import sqlite3

import pytest

from hub.desk import people
from hub.errors import Conflict, Forbidden, Invalid, NotFound
from hub.rules.authority import Role
from hub.store import people as store
from schemas.vocabulary import Tlp
from tests.desk.house import DAY, NOW


def test_the_first_is_made_once(tx):
    with pytest.raises(Conflict):
        tx.write(people.first_person, NOW, "second", "Second", [Role.DIRECTOR])


def test_a_token_is_its_owner(tx):
    token = tx.write(people.issue_token, tx.operator, NOW, tx.analyst, "laptop")
    assert len(token) == 43
    assert tx.read(store.by_token, people.hash_of(token)) == tx.analyst
    assert tx.read(store.by_token, people.hash_of("x" * 43)) is None
    with contextlib.closing(sqlite3.connect(tx.database.path)) as connection:
        assert token not in "".join(connection.iterdump())


def test_a_token_ends(tx):
    token = tx.write(people.issue_token, tx.analyst, NOW, tx.analyst, "own", NOW + DAY)
    kept = people.hash_of(token)
    assert tx.read(store.by_token, kept, NOW) == tx.analyst
    assert tx.read(store.by_token, kept, NOW + DAY) is None
    tx.write(people.revoke_token, tx.analyst, NOW, kept)
    assert tx.read(store.by_token, kept, NOW) is None
    assert tx.read(store.tokens_of, tx.analyst.id)[0].revoked_at == NOW
    with pytest.raises(NotFound):
        tx.write(people.revoke_token, tx.operator, NOW, kept)


def test_only_an_operator_makes_tokens_for_others(tx):
    with pytest.raises(Forbidden):
        tx.write(people.issue_token, tx.director, NOW, tx.analyst, "theirs")
    token = tx.write(people.issue_token, tx.analyst, NOW, tx.analyst, "own")
    with pytest.raises(Forbidden):
        tx.write(people.revoke_token, tx.other, NOW, people.hash_of(token))


def test_a_closed_account_has_no_token(tx):
    token = tx.write(people.issue_token, tx.operator, NOW, tx.analyst, "laptop")
    tx.write(people.change_person, tx.operator, NOW, tx.analyst.id, active=False)
    assert tx.read(store.by_token, people.hash_of(token)) is None
    assert tx.read(store.person, tx.analyst.id).actor().roles == frozenset()


def test_nobody_changes_their_own_roles(tx):
    with pytest.raises(Forbidden):
        tx.write(people.change_person, tx.operator, NOW, tx.operator.id, roles=[Role.DIRECTOR, Role.OPERATOR])


@pytest.mark.parametrize(
    ("handle", "name", "roles", "pointer"),
    [("A", "Ann", [Role.ANALYST], "/handle"), ("ann", " ", [Role.ANALYST], "/name"), ("ann", "Ann", [], "/roles")],
)
def test_what_does_not_fit_is_said(tx, handle, name, roles, pointer):
    with pytest.raises(Invalid) as caught:
        tx.write(people.add_person, tx.operator, NOW, handle, name, roles)
    assert [error.pointer for error in caught.value.errors] == [pointer]


def test_a_handle_is_one_person(tx):
    with pytest.raises(Conflict):
        tx.write(people.add_person, tx.operator, NOW, "analyst", "Another", [Role.ANALYST])


def test_only_an_operator_adds_people(tx):
    for who in (tx.analyst, tx.supervisor, tx.director):
        with pytest.raises(Forbidden):
            tx.write(people.add_person, who, NOW, "eve", "Eve", [Role.DIRECTOR])


def test_a_districts_feed(tx):
    token = tx.write(people.issue_feed_token, tx.operator, NOW, "tx", Tlp.AMBER, "Austin ISD")
    kept = tx.read(store.feed_token, people.hash_of(token))
    assert (kept.place, kept.ceiling, kept.label) == ("tx", Tlp.AMBER, "Austin ISD")
    assert tx.read(store.by_token, people.hash_of(token)) is None, "a feed's token opens no desk"
    tx.write(people.revoke_feed_token, tx.operator, NOW, people.hash_of(token))
    assert tx.read(store.feed_token, people.hash_of(token)) is None
    assert tx.read(store.feed_tokens_all) == []
    for ceiling in (Tlp.AMBER_STRICT, Tlp.RED):
        with pytest.raises(Invalid):
            tx.write(people.issue_feed_token, tx.operator, NOW, "tx", ceiling, "Too much")
