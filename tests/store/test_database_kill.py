"""kill -9 of a process that writes: whatever it said was stored is there, once, and the file is whole."""

from __future__ import annotations

import random
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from hub.store.database import Database
from tests.house.tree import ROOT
from tests.store.ledger import add, look, make

_WRITES = """
import asyncio, sys
from pathlib import Path
from hub.store.database import Database
from tests.store.ledger import Stopped, add, add_then_stop

async def client(database, name):
    for n in range(100_000):
        try:
            await database.write(add_then_stop if n % 5 == 4 else add, f"{name}-{n}")
        except Stopped:
            continue
        sys.stdout.write(f"{name}-{n}\\n")
        sys.stdout.flush()

async def main():
    with Database.open(Path(sys.argv[1])) as database:
        await asyncio.gather(*(client(database, f"{sys.argv[2]}-{name}") for name in range(8)))

asyncio.run(main())
"""


def write_until_killed(path: Path, name: str, answers: int) -> list[str]:
    """What the process said was stored, before it was killed at some moment after that many answers."""
    command = [sys.executable, "-c", _WRITES, str(path), name]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        told = [process.stdout.readline() for _ in range(answers)]
        process.send_signal(signal.SIGKILL)
        told += process.stdout.readlines()
    return [line.strip() for line in told if line.endswith("\n")]


def kill_and_look(folder: Path, kills: int, seed: int) -> None:
    path = make(folder)
    chance = random.Random(seed)
    told: list[str] = []
    for kill in range(kills):
        told += write_until_killed(path, f"{kill}", chance.randrange(1, 1500))
        stored = look(path)
        assert set(told) <= set(stored)
        assert not [text for text in stored if int(text.rsplit("-", 1)[1]) % 5 == 4]
        assert len(stored) - len(told) <= 8 * (kill + 1)  # each client may have had one answer on its way
    with sqlite3.connect(path) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    connection.close()
    with Database.open(path) as database:
        assert database.write_sync(add, "after") > 0


def test_what_was_acknowledged_survives_kill(tmp_path: Path) -> None:
    kill_and_look(tmp_path, kills=3, seed=7)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(5))
def test_what_was_acknowledged_survives_many_kills(tmp_path: Path, seed: int) -> None:
    kill_and_look(tmp_path, kills=20, seed=seed)
