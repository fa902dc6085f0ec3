"""The write-ahead log: it stays short, and what was purged is not left in the file."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
import sqlalchemy as sa

from hub.store import writer
from hub.store.database import Tx
from hub.store.statement import statement
from tests.store.ledger import add, count, notes, opened

_CLEAR = statement(sa.delete(notes))


def log_bytes(path: Path) -> int:
    return path.with_name("hub.db-wal").stat().st_size


def test_the_log_is_copied_into_the_file_now_and_then(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer, "CHECKPOINT_COMMITS", 20)
    with opened(tmp_path) as database:
        for n in range(400):
            database.write_sync(add, f"{n}")
        assert log_bytes(database.path) < 100 * 4096
        database.read_sync(count)


def test_large_rows_are_counted_by_their_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer, "CHECKPOINT_BYTES", 1 << 20)
    with opened(tmp_path) as database:
        for n in range(40):
            database.write_sync(add, f"{n}" + "x" * 500_000)
        assert log_bytes(database.path) < 40 * 500_000


def test_a_log_that_readers_kept_long_is_emptied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """While a reader looks at an old moment, nothing behind that moment can be overwritten."""
    monkeypatch.setattr(writer, "CHECKPOINT_COMMITS", 10)
    monkeypatch.setattr(writer, "LOG_FRAMES", 50)
    monkeypatch.setattr(writer, "LOG_WAIT_MS", 1)
    looking, go = threading.Event(), threading.Event()

    def long_look(tx: Tx) -> int:
        before = count(tx)
        looking.set()
        assert go.wait(10)
        return before

    with opened(tmp_path) as database:
        reader = threading.Thread(target=database.read_sync, args=(long_look,))
        reader.start()
        assert looking.wait(10)
        for n in range(105):
            database.write_sync(add, f"{n}")
        long = log_bytes(database.path)
        go.set()
        reader.join(10)
        for n in range(105, 110):
            database.write_sync(add, f"{n}")
        database.write_sync(count)  # behind the checkpoint that followed the last answer
        assert long > 100 * 4096
        assert log_bytes(database.path) == 0
        assert database.read_sync(count) == 110


def test_what_was_deleted_is_not_in_the_file(tmp_path: Path) -> None:
    with opened(tmp_path) as database:
        secret = "under seal " * 100
        database.write_sync(add, secret)
        database.write_sync(lambda tx: tx.run(_CLEAR))
        path = database.path
    assert b"under seal" not in path.read_bytes()
    assert not path.with_name("hub.db-wal").exists()


def test_the_log_is_the_node_s_alone_like_the_file(tmp_path: Path) -> None:
    with opened(tmp_path) as database:
        database.path.chmod(0o600)
    with opened(tmp_path) as database:
        database.write_sync(add, "a")
        modes = {file.name: file.stat().st_mode & 0o777 for file in tmp_path.iterdir()}
        assert modes == {"hub.db": 0o600, "hub.db-wal": 0o600, "hub.db-shm": 0o600}
