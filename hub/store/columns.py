"""What tables are made of: their kinds of columns, and the one list that holds every table."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

SAID = {"kind": "said"}
MACHINERY = {"kind": "machinery"}

metadata = sa.MetaData(
    naming_convention={"ix": "ix_%(table_name)s_%(column_0_N_name)s", "uq": "uq_%(table_name)s_%(column_0_N_name)s"}
)


def key(name: str, kind: type[sa.types.TypeEngine[Any]] = sa.Text) -> sa.Column[Any]:
    """A part of the primary key."""
    return sa.Column(name, kind, primary_key=True, nullable=False)


def text(name: str, *, null: bool = False, default: str | None = None) -> sa.Column[Any]:
    """Text, of which `default` is what an older row gets."""
    return sa.Column(name, sa.Text, nullable=null, server_default=None if default is None else sa.text(f"'{default}'"))


def integer(name: str, *, null: bool = False, default: int | None = None) -> sa.Column[Any]:
    """A whole number, of which `default` is what an older row gets."""
    return sa.Column(name, sa.Integer, nullable=null, server_default=None if default is None else sa.text(str(default)))


def blob(name: str, *, null: bool = False) -> sa.Column[Any]:
    """Bytes."""
    return sa.Column(name, sa.LargeBinary, nullable=null)


def table(name: str, *columns: Any, info: dict[str, str], rowid: bool = True) -> sa.Table:
    """A strict table; `info` says who may write it."""
    return sa.Table(name, metadata, *columns, info=info, sqlite_strict=True, sqlite_with_rowid=rowid)
