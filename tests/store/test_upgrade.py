"""Migrations: all or none, and at their end the schema of `tables`."""

from __future__ import annotations

import contextlib
import re
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from hub.errors import StoreError
from hub.store import queue
from hub.store.database import Database
from hub.store.schema import head, revision
from hub.store.tables import metadata
from hub.store.upgrade import upgrade
from tests.house.tree import ROOT

PLAIN = (sa.Integer, sa.Float, sa.Text, sa.LargeBinary)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    upgrade(tmp_path / "hub.db")
    return tmp_path / "hub.db"


def schema(path: Path) -> dict[str, str]:
    """Every table and index as SQLite keeps it, without regard to spaces and quotes."""
    with contextlib.closing(sqlite3.connect(path)) as connection:
        rows = connection.execute("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL").fetchall()
    return {name: re.sub(r'[\s"]', "", sql) for name, sql in rows if name != "alembic_version"}


def test_the_migrations_end_in_the_schema_of_the_tables(path: Path) -> None:
    engine = sa.create_engine(f"sqlite:///{path}")
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_server_default": True})
        assert compare_metadata(context, metadata) == []
    engine.dispose()


def test_they_end_in_it_to_the_letter(path: Path, tmp_path: Path) -> None:
    """STRICT, WITHOUT ROWID and partial indexes, too, which alembic does not compare."""
    engine = sa.create_engine(f"sqlite:///{tmp_path / 'made.db'}")
    metadata.create_all(engine)
    engine.dispose()
    assert schema(path) == schema(tmp_path / "made.db")


def test_there_is_one_line_of_migrations_and_its_files_are_numbered() -> None:
    config = Config()
    config.set_main_option("script_location", "hub.store:migrations")
    scripts = list(ScriptDirectory.from_config(config).walk_revisions())
    assert [script.revision for script in scripts] == [f"{n:04}" for n in range(len(scripts), 0, -1)]
    assert all(Path(script.path).name.startswith(f"{script.revision}_") for script in scripts)
    assert head() == scripts[0].revision


def test_columns_are_integer_real_text_and_bytes_only() -> None:
    columns = [column for table in metadata.sorted_tables for column in table.columns]
    assert [str(column) for column in columns if type(column.type) not in PLAIN] == []
    assert [str(column) for column in columns if column.default or column.onupdate] == []


def test_no_constraint_waits_for_the_commit() -> None:
    """One verb's dangling row would fail the COMMIT, and with it everyone else's verbs."""
    constraints = [each for table in metadata.sorted_tables for each in table.constraints]
    assert [each for each in constraints if each.deferrable or each.initially] == []


def test_every_table_says_who_may_write_it() -> None:
    kinds = {table.name: table.info.get("kind") for table in metadata.sorted_tables}
    assert {name: kind for name, kind in kinds.items() if kind not in {"said", "machinery"}} == {}


def test_a_new_file_is_its_owner_s_alone(path: Path) -> None:
    assert revision(path) == head()
    assert path.stat().st_mode & 0o777 == 0o600


def test_twice_is_once(path: Path) -> None:
    before = schema(path)
    assert upgrade(path) == head()
    assert schema(path) == before


def test_a_migration_that_fails_leaves_nothing(tmp_path: Path) -> None:
    path = tmp_path / "hub.db"
    last = metadata.sorted_tables[-1].name
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute(f"CREATE TABLE {last} (in_the_way TEXT)")
    with pytest.raises(StoreError, match="already exists"):
        upgrade(path)
    assert list(schema(path)) == [last]
    assert revision(path) is None


def test_a_file_of_a_newer_program_is_left_alone(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.close()
    with pytest.raises(StoreError) as refused:
        upgrade(path)
    assert refused.value.code == "schema-newer"


def test_it_cannot_be_made_there(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="cannot be made"):
        upgrade(tmp_path / "none" / "hub.db")


def test_opening_a_database_does_not_import_alembic(path: Path) -> None:
    code = f"""
import sys
from pathlib import Path
from hub.store.database import Database
from hub.store.upgrade import upgrade
upgrade(Path({str(path)!r}))
Database.open(Path({str(path)!r})).close()
assert "alembic" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, timeout=60)


def test_an_open_database_keeps_foreign_keys_and_full_sync(path: Path) -> None:
    with Database.open(path) as database:

        def pragma(name: str) -> object:
            return database.write_sync(lambda tx: tx._connection.execute(f"PRAGMA {name}").fetchone()[0])

        expected = {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "temp_store": 2, "query_only": 0}
        expected |= {"wal_autocheckpoint": 0, "secure_delete": 1}
        assert {name: pragma(name) for name in expected} == expected


def test_a_database_of_the_skeleton_opens_with_all_that_waited(tmp_path: Path) -> None:
    """Schema 0001, with an advisory that waits and one that its source withdrew."""
    path = tmp_path / "hub.db"
    at_revision(path, "0001")
    rows = [("a", "open", "r1", 0), ("b", "cancelled", "gone:1", 0), ("c", "adopted", "r3", 1)]
    with contextlib.closing(sqlite3.connect(path)) as connection, connection:
        for number, (key, state, said, changed) in enumerate(rows):
            connection.execute(
                "INSERT INTO advisories (id, arrival, source, key, revision, action, status, state, changed, fold, headline,"
                " severity, severity_rank, body, first_at, updated_at) VALUES (?, ?, 'nws', ?, ?, 'new', 'actual', ?, ?,"
                " 'nws:2026-01-01', 'Flood', 'severe', 3, ?, '2026-01-01T00:00:00.000Z', '2026-01-01T00:00:00.000Z')",
                (key, number, key, said, state, changed, b"{}"),
            )
    assert upgrade(path) == head()
    with Database.open(path) as database:
        assert database.read_sync(queue.known, "nws") == {"a": "r1", "b": "gone:1", "c": "r3"}
        (row,) = database.read_sync(queue.rows)
        assert (row.count, row.fold) == (2, "nws:2026-01-01")
        found = database.read_sync(queue.advisory, "b")
    assert found is not None
    assert (found.why, found.kind, found.expires_at) == ("", "", None)


def at_revision(path: Path, wanted: str) -> None:
    """A database as an earlier program made it."""
    engine = sa.create_engine(f"sqlite:///{path}")
    with engine.begin() as connection:
        config = Config(attributes={"connection": connection})
        config.set_main_option("script_location", "hub.store:migrations")
        command.upgrade(config, wanted)
    engine.dispose()
    assert revision(path) == wanted
