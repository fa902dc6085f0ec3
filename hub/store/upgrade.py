"""Bring a database file to the newest schema, or make a new one; run it under the node's lock."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.pool import StaticPool

from hub.errors import StoreError
from hub.store.connection import connect, store_error
from hub.store.schema import head, newer, revision


def upgrade(path: Path) -> str:
    """Run every migration that the file lacks, all in one transaction; make the file if there is none.

    Returns the revision that it is at now. StoreError: it is newer than this program, a migration failed (then
    nothing of it was done), or it cannot be written.
    """
    _touch(path)
    found = revision(path)
    if found is not None and found > head():
        raise newer(path, found)
    if found != head():
        connection = connect(path, query_only=False)
        try:
            _migrate(connection)
        except (sa.exc.DBAPIError, sqlite3.Error) as exc:
            raise _failed(exc) from exc
        finally:
            connection.close()
    return head()


def _touch(path: Path) -> None:
    """A new file is the node's alone from its first moment, and its name is on disk before anything is told yes."""
    if path.exists():
        return
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
        folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as exc:
        raise StoreError(f"The database {path} cannot be made: {exc.strerror}.", code="cannot-open") from exc
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _migrate(connection: sqlite3.Connection) -> None:
    """All migrations or none: SQLite changes its schema inside a transaction like anything else.

    Foreign keys are off meanwhile, for a table is altered by copying it, and looked at as a whole before COMMIT.
    """
    connection.execute("PRAGMA foreign_keys=OFF")
    engine = sa.create_engine("sqlite://", creator=lambda: connection, poolclass=StaticPool)
    sa.event.listen(engine, "begin", _begin)
    with engine.begin() as bound:
        _run_alembic(bound)
        _check_references(connection)


def _begin(bound: sa.Connection) -> None:
    """The driver leaves BEGIN to us."""
    bound.exec_driver_sql("BEGIN IMMEDIATE")


def _run_alembic(bound: sa.Connection) -> None:
    from alembic import command  # noqa: PLC0415 - slow to import, and only an upgrade needs it
    from alembic.config import Config  # noqa: PLC0415 - slow to import, and only an upgrade needs it

    config = Config(attributes={"connection": bound})
    config.set_main_option("script_location", "hub.store:migrations")
    command.upgrade(config, "head")


def _check_references(connection: sqlite3.Connection) -> None:
    broken = connection.execute("PRAGMA foreign_key_check").fetchall()
    if broken:
        raise StoreError(f"The migration left {len(broken)} rows that point nowhere.", code="migration-failed")


def _failed(exc: Exception) -> StoreError:
    cause = exc.orig if isinstance(exc, sa.exc.DBAPIError) else exc
    if isinstance(cause, sqlite3.Error):
        return store_error(cause)
    return StoreError(f"The migration failed: {cause}", code="migration-failed")
