"""Which schema a database file has, and which one this program wants; read without alembic, which is slow to import."""

from __future__ import annotations

import contextlib
import re
import sqlite3
from importlib import resources
from pathlib import Path

from hub.errors import StoreError
from hub.store.connection import connect, store_error

_REVISION = re.compile(r"(\d{4})_\w+\.py")


def head() -> str:
    """The newest revision in `migrations/versions`: its files are named by their numbers, "0001_first.py"."""
    folder = resources.files("hub.store") / "migrations" / "versions"
    return max(found[1] for file in folder.iterdir() if (found := _REVISION.fullmatch(file.name)))


def revision(path: Path) -> str | None:
    """The revision of a database file, None when it holds no schema of ours. StoreError: it cannot be read."""
    with contextlib.closing(connect(path, query_only=True)) as connection:
        try:
            row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
        except sqlite3.OperationalError as exc:
            if "no such table" in str(exc):
                return None
            raise store_error(exc) from exc
    return None if row is None else str(row[0])


def check(path: Path) -> None:
    """StoreError unless the file is there and at the newest schema."""
    if not path.is_file():
        raise StoreError(f"There is no database at {path}: run hub init, or hub db upgrade.", code="no-database")
    found, wanted = revision(path), head()
    if found == wanted:
        return
    if found is not None and found > wanted:
        raise newer(path, found)
    raise StoreError(
        f"{path} has schema {found or 'none'} and this program wants {wanted}: run hub db upgrade.",
        code="schema-older",
    )


def newer(path: Path, found: str) -> StoreError:
    """The file was written by a later version of the program; going back would lose what that one knows."""
    return StoreError(
        f"{path} has schema {found} and this program knows only {head()}: install the newer program.",
        code="schema-newer",
    )
