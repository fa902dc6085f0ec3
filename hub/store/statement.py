"""SQLAlchemy Core writes the SQL, the driver runs it.

A statement is compiled once, at import; what is kept is its SQL text and the order of its parameters, so that running
it costs what plain sqlite3 costs (Core execution halves the writer's rate). Given up for that: type processors,
Python-side defaults and IN lists that differ from call to call, so columns are integer, real, text and bytes only.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from operator import itemgetter
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.sqlite import pysqlite
from sqlalchemy.sql.base import Executable
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.elements import CompilerElement
from sqlalchemy.types import NullType, TypeEngine

_DIALECT = pysqlite.dialect(paramstyle="qmark")
_PLAIN = (sa.Integer, sa.Float, sa.String, sa.LargeBinary, NullType)
# BEGIN, COMMIT, PRAGMA, ATTACH are the database's own business: a verb lives inside a transaction that others share.
_VERBS = frozenset({"SELECT", "INSERT", "UPDATE", "DELETE", "WITH"})


class Statement:
    """SQL text, the order of its parameters, and the values that were fixed when it was written.

    >>> by_id = statement(sa.select(bulletins).where(bulletins.c.id == sa.bindparam("id")))
    >>> tx.one(by_id, id=7)
    """

    __slots__ = ("_fixed", "_known", "_pick", "names", "sql")

    def __init__(self, sql: str, order: tuple[str, ...], fixed: Mapping[str, object]) -> None:
        self.sql = sql
        self._pick = _picker(order)
        self._fixed = dict(fixed)
        self._known = frozenset(order)
        self.names = self._known - self._fixed.keys()
        """The parameters that each call must give."""

    def values(self, params: Mapping[str, object]) -> tuple[object, ...]:
        """The parameters in the order of the SQL text. TypeError names what is missing or unknown."""
        given = {**self._fixed, **params} if self._fixed else params
        if len(given) != len(self._known):
            raise TypeError(self._complaint(given))
        try:
            return self._pick(given)
        except KeyError:
            raise TypeError(self._complaint(given)) from None

    def _complaint(self, given: Mapping[str, object]) -> str:
        missing, unknown = self._known - given.keys(), given.keys() - self._known
        said = [f"missing {', '.join(sorted(missing))}"] if missing else []
        said += [f"unknown {', '.join(sorted(unknown))}"] if unknown else []
        return f"parameters {' and '.join(said)} for: {self.sql}"

    def __repr__(self) -> str:
        return f"Statement({self.sql!r})"


def statement(core: Executable, *columns: str) -> Statement:
    """Compile one Core statement for SQLite.

    `columns` are those that a bare `insert(table)` is to fill; all of them when none is named. An IN over a fixed list
    is spelled out; one that differs from call to call travels as a JSON array: `table.c.id.in_(each_of("ids"))`.

    TypeError: it is no SELECT, INSERT, UPDATE or DELETE, it grows with its parameters, or values need converting.
    """
    compiled = _compile(core, columns)
    order = tuple(compiled.positiontup or ())
    _check(core, compiled)
    required = {name for name, bind in compiled.binds.items() if bind.required}
    fixed = {name: value for name, value in compiled.params.items() if name in set(order) - required}
    return Statement(str(compiled), order, fixed)


def each_of(name: str) -> sa.Select[Any]:
    """The right side of an IN over a list that is given with each call, as the text of one JSON array.

    >>> some = statement(sa.select(peers).where(peers.c.place.in_(each_of("places"))))
    >>> tx.all(some, places='["oh", "va"]')
    """
    listed = sa.func.json_each(sa.bindparam(name, type_=sa.Text)).table_valued("value")
    return sa.select(listed.c.value)


def _compile(core: Executable, columns: tuple[str, ...]) -> SQLCompiler:
    compiled = _compiled(core, columns)
    lists = [bind for bind in compiled.binds.values() if bind.expanding]
    for bind in lists:
        if bind.required:
            raise TypeError(f"the IN list {bind.key!r} differs from call to call: use each_of({bind.key!r})")
    return _compiled(core, columns, render_postcompile=True) if lists else compiled


def _compiled(core: object, columns: tuple[str, ...], **how: bool) -> SQLCompiler:
    if not isinstance(core, CompilerElement) or isinstance(core, sa.schema.ExecutableDDLElement):
        raise TypeError(f"neither SELECT, INSERT, UPDATE nor DELETE: {core!r}")
    compiled = core.compile(dialect=_DIALECT, column_keys=list(columns) or None, compile_kwargs=how)
    if not isinstance(compiled, SQLCompiler) or str(compiled).split(None, 1)[0].upper() not in _VERBS:
        raise TypeError(f"neither SELECT, INSERT, UPDATE nor DELETE: {compiled}")
    return compiled


def _check(core: Executable, compiled: SQLCompiler) -> None:
    for bind in compiled.binds.values():
        if not _is_plain(bind.type):
            raise TypeError(f"parameter {bind.key!r} is {bind.type!r}: integer, real, text and bytes only")
    for column in getattr(core, "exported_columns", ()):
        # A comparison in the result is a Boolean to Core and 0 or 1 to SQLite: nothing to convert.
        if not _is_plain(column.type) and not isinstance(column.type, sa.Boolean):
            raise TypeError(f"column {column.key!r} is {column.type!r}: integer, real, text and bytes only")
    if compiled.prefetch:
        raise TypeError(f"Python-side defaults are not run: give {[column.key for column in compiled.prefetch]}")


def _is_plain(kind: TypeEngine[Any]) -> bool:
    return isinstance(kind, _PLAIN) and not isinstance(kind, sa.Enum)


def _picker(order: tuple[str, ...]) -> Callable[[Mapping[str, object]], tuple[object, ...]]:
    if not order:
        return lambda _: ()
    if len(order) == 1:
        (name,) = order
        return lambda given: (given[name],)
    return itemgetter(*order)
