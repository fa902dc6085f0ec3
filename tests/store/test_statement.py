"""Statements: what Core writes and the driver runs is what Core itself would run."""

from __future__ import annotations

import contextlib
import json
import sqlite3
from collections.abc import Iterator

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.pool import StaticPool

from hub.store.statement import Statement, each_of, statement
from hub.store.tx import Tx

things = sa.Table(
    "things",
    sa.MetaData(),
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("number", sa.Integer),
    sa.Column("size", sa.Float),
    sa.Column("name", sa.Text),
    sa.Column("body", sa.LargeBinary),
)
PUT = statement(sa.insert(things), "number", "size", "name", "body")
ALL = statement(sa.select(things).order_by(things.c.id))

integers = st.integers(-(2**63), 2**63 - 1)
words = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
rows = st.fixed_dictionaries({
    "number": st.none() | integers,
    "size": st.none() | st.floats(allow_nan=False),
    "name": st.none() | words,
    "body": st.none() | st.binary(max_size=20),
})  # fmt: skip


@contextlib.contextmanager
def memory() -> Iterator[tuple[Tx, sa.Connection]]:
    """The same database by the two ways: the driver, and Core."""
    raw = sqlite3.connect(":memory:", isolation_level=None)
    raw.row_factory = sqlite3.Row
    engine = sa.create_engine("sqlite://", creator=lambda: raw, poolclass=StaticPool)
    with engine.connect() as core:
        things.metadata.create_all(core)
        yield Tx(raw), core
    engine.dispose()
    raw.close()


def both(tx: Tx, core: sa.Connection, query: sa.Select[tuple[object, ...]], **params: object) -> list[object]:
    ours = [tuple(row) for row in tx.all(statement(query), **params)]
    theirs = [tuple(row) for row in core.execute(query, params)]
    assert ours == theirs
    return ours


@given(st.lists(rows, max_size=8))
def test_what_is_put_in_comes_out(given: list[dict[str, object]]) -> None:
    with memory() as (tx, _):
        assert tx.many(PUT, given) == len(given)
        assert [dict(row) for row in tx.all(ALL)] == [{"id": n, **each} for n, each in enumerate(given, start=1)]


@given(
    st.lists(rows, max_size=12),
    st.lists(st.sampled_from(["number", "size", "name", "body"]), max_size=4, unique=True),
    rows,
    st.none() | st.integers(0, 15),
    st.integers(0, 4),
    st.booleans(),
)
def test_a_query_answers_as_core_does(
    stored: list[dict[str, object]],
    compared: list[str],
    with_what: dict[str, object],
    limit: int | None,
    offset: int,
    fixed: bool,
) -> None:
    """Any filter, with its values given or written in, with and without the hidden OFFSET that a LIMIT brings."""
    params: dict[str, object] = {}
    query = sa.select(things).order_by(things.c.id)
    for name in compared:
        value = with_what[name]
        if not fixed:
            params[f"p_{name}"] = value
        wanted = sa.literal(value, things.c[name].type) if fixed else sa.bindparam(f"p_{name}")
        query = query.where((things.c[name] <= wanted) | (things.c[name] == wanted))
    if limit is not None:
        query = query.limit(limit if fixed else sa.bindparam("most"))
        params |= {} if fixed else {"most": limit}
    if offset:
        query = query.offset(offset)
    with memory() as (tx, core):
        tx.many(PUT, stored)
        both(tx, core, query, **params)


@given(st.lists(integers, max_size=10), st.lists(integers, max_size=10))
def test_a_list_that_differs_from_call_to_call_travels_as_json(stored: list[int], wanted: list[int]) -> None:
    some = statement(sa.select(things.c.number).where(things.c.number.in_(each_of("numbers"))))
    with memory() as (tx, _):
        tx.many(statement(sa.insert(things), "number"), [{"number": n} for n in stored])
        found = [row[0] for row in tx.all(some, numbers=json.dumps(wanted))]
        assert sorted(found) == sorted(n for n in stored if n in set(wanted))


@given(st.lists(integers, max_size=5), st.lists(integers, max_size=5))
def test_a_list_that_is_fixed_is_spelled_out(stored: list[int], wanted: list[int]) -> None:
    query = sa.select(things.c.number).where(things.c.number.in_(wanted)).order_by(things.c.id)
    with memory() as (tx, core):
        tx.many(statement(sa.insert(things), "number"), [{"number": n} for n in stored])
        both(tx, core, query)


def test_the_hidden_offset_of_a_limit_is_filled_in() -> None:
    limited = statement(sa.select(things.c.id).limit(sa.bindparam("most")))
    assert "OFFSET ?" in limited.sql
    assert limited.names == {"most"}
    assert limited.values({"most": 3}) == (3, 0)


def test_a_parameter_may_be_used_twice_and_order_is_the_text_s() -> None:
    query = sa.select(things.c.id).where(things.c.number > sa.bindparam("b"), things.c.size < sa.bindparam("a"))
    twice = statement(query.where(things.c.size > sa.bindparam("a")))
    assert twice.values({"a": 1.5, "b": 2}) == (2, 1.5, 1.5)
    assert repr(twice) == f"Statement({twice.sql!r})"


def test_a_default_may_be_left_out_or_given() -> None:
    query = sa.select(things.c.id).where(things.c.number == sa.bindparam("n", 5))
    assert statement(query).values({}) == (5,)
    assert statement(query).values({"n": 6}) == (6,)
    assert statement(query).names == set()


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({}, "missing name, number"),
        ({"number": 1}, "missing name "),
        ({"number": 1, "nmae": "x"}, "missing name and unknown nmae"),
        ({"number": 1, "name": "x", "size": 1.0}, "unknown size"),
    ],
)
def test_missing_and_unknown_parameters_are_named(params: dict[str, object], words: str) -> None:
    put = statement(sa.insert(things), "number", "name")
    with pytest.raises(TypeError, match=words):
        put.values(params)


def _typed(kind: sa.types.TypeEngine[object], **more: object) -> sa.Table:
    return sa.Table("typed", sa.MetaData(), sa.Column("id", sa.Integer, primary_key=True), sa.Column("x", kind, **more))


@pytest.mark.parametrize(
    "kind",
    [sa.Boolean(), sa.DateTime(), sa.JSON(), sa.Numeric(), sa.Uuid(), sa.Enum("a", "b"), sa.PickleType()],
    ids=repr,
)
def test_a_type_that_needs_converting_is_refused(kind: sa.types.TypeEngine[object]) -> None:
    table = _typed(kind)
    for core in (sa.insert(table), sa.select(table.c.id).where(table.c.x == sa.bindparam("x"))):
        with pytest.raises(TypeError, match="integer, real, text and bytes only"):
            statement(core)
    if not isinstance(kind, sa.Boolean):
        with pytest.raises(TypeError, match="integer, real, text and bytes only"):
            statement(sa.select(table))


@pytest.mark.parametrize(
    ("core", "words"),
    [
        (sa.select(things).where(things.c.id.in_(sa.bindparam("ids", expanding=True))), r"each_of\('ids'\)"),
        (sa.insert(_typed(sa.Text(), default="d")).values(id=1), "Python-side defaults"),
        (sa.update(_typed(sa.Text(), onupdate="d")).values(id=1), "Python-side defaults"),
        (sa.text("COMMIT"), "neither SELECT"),
        (sa.text("PRAGMA synchronous=OFF"), "neither SELECT"),
        (sa.schema.CreateTable(things), "neither SELECT"),
        ("SELECT 1", "neither SELECT"),
    ],
)
def test_what_is_no_statement_for_a_verb_is_refused(core: object, words: str) -> None:
    with pytest.raises(TypeError, match=words):
        statement(core)  # type: ignore[arg-type]  # that is what is tried


def test_inserts_say_their_rowid_and_upserts_and_returning_work() -> None:
    upsert = insert(things).values(id=sa.bindparam("id"), name=sa.bindparam("name"))
    upsert = upsert.on_conflict_do_update(index_elements=["id"], set_={"name": upsert.excluded.name})
    returning = statement(
        sa.update(things).values(name="z").where(things.c.id > sa.bindparam("low")).returning(things.c.id)
    )
    with memory() as (tx, _):
        assert tx.insert(statement(upsert), id=7, name="a") == 7
        assert tx.run(statement(upsert), id=7, name="b") == 1
        assert tx.insert(statement(sa.insert(things), "name"), name="c") == 8
        assert [row["id"] for row in tx.all(returning, low=0)] == [7, 8]
        found = tx.one(statement(sa.select(things.c.name).where(things.c.id == 7)))
        assert found is not None
        assert found["name"] == "z"
        assert tx.run(statement(sa.delete(things))) == 2
        assert tx.one(ALL) is None


def test_a_comparison_in_the_result_is_0_or_1() -> None:
    asked = statement(
        sa.select((things.c.number > 3).label("large"), sa.exists().where(things.c.id == 1).label("there"))
    )
    with memory() as (tx, _):
        tx.insert(PUT, number=5, size=None, name=None, body=None)
        assert [tuple(row) for row in tx.all(asked)] == [(1, 1)]


def test_text_is_a_statement_too() -> None:
    with memory() as (tx, _):
        row = tx.one(statement(sa.text("SELECT :a AS a, :b AS b, :a AS c")), a=1, b="x")
        assert row is not None
        assert dict(row) == {"a": 1, "b": "x", "c": 1}
    assert isinstance(ALL, Statement)
