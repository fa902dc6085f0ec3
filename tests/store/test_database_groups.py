"""Groups of verbs: one commit, a savepoint each, answers only afterwards."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from hub.errors import StoreError
from hub.store import writer
from hub.store.database import Tx
from tests.store.ledger import ADD, SAID, Pause, Stopped, add, add_then_stop, count, look, opened, said


@pytest.fixture(autouse=True)
def no_hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """A group waits for the verb that gathers it, however slow the machine is."""
    monkeypatch.setattr(writer, "GROUP_SECONDS", 60.0)


async def test_a_second_connection_sees_no_row_before_the_group_commit(tmp_path: Path) -> None:
    """Python 3.11's driver would commit at the first RELEASE; so this looks from outside, verb by verb."""
    seen: list[list[str]] = []

    def add_and_look(tx: Tx, text: str) -> int:
        number = add(tx, text)
        seen.append(look(database.path))
        return number

    with opened(tmp_path) as database:
        pause = Pause()
        first = await pause.holds(database)
        verbs = [asyncio.create_task(database.write(add_and_look, f"{n}")) for n in range(20)]
        await asyncio.sleep(0.01)
        pause.go.set()
        numbers = await asyncio.gather(*verbs)
        await first
        assert seen == [[]] * 20
        assert numbers == list(range(1, 21))
        assert look(database.path) == [f"{n}" for n in range(20)]
        assert database.changed.generation == 1


async def test_nobody_is_answered_before_the_commit(tmp_path: Path) -> None:
    with opened(tmp_path) as database:

        async def write(n: int) -> bool:
            await database.write(add, f"{n}")
            return f"{n}" in look(database.path)

        assert all(await asyncio.gather(*(write(n) for n in range(100))))


async def test_verbs_that_fail_stay_in_their_savepoint_and_leave_no_gap(tmp_path: Path) -> None:
    with opened(tmp_path) as database:
        calls = [add_then_stop if n % 10 in {2, 5, 7} else add for n in range(200)]
        found = await asyncio.gather(
            *(database.write(call, f"{n}") for n, call in enumerate(calls)), return_exceptions=True
        )
        failed = [each for each in found if isinstance(each, Stopped)]
        numbers = [each for each in found if isinstance(each, int)]
        assert (len(failed), len(numbers)) == (60, 140)
        assert sorted(numbers) == list(range(1, 141))
        assert look(database.path) == [f"{n}" for n in range(200) if n % 10 not in {2, 5, 7}]
        assert database.changed.generation < 200


async def test_a_refused_row_is_an_error_in_words_for_its_own_caller(tmp_path: Path) -> None:
    with opened(tmp_path) as database:
        first, second, third = await asyncio.gather(
            *(database.write(add, text) for text in ("a", "a", "b")), return_exceptions=True
        )
        assert (first, third) == (1, 2)
        assert isinstance(second, StoreError)
        assert second.code == "constraint"


async def test_many_rows_of_which_one_is_refused_are_none(tmp_path: Path) -> None:
    with opened(tmp_path) as database:
        with pytest.raises(StoreError, match="UNIQUE"):
            await database.write(lambda tx: tx.many(ADD, [{"said": text} for text in "aba"]))
        assert await database.read(count) == 0


async def test_a_verb_may_catch_the_refusal_of_a_row(tmp_path: Path) -> None:
    def add_once(tx: Tx, text: str) -> bool:
        try:
            add(tx, text)
        except sqlite3.IntegrityError:
            return False
        return True

    with opened(tmp_path) as database:
        assert await asyncio.gather(*(database.write(add_once, "a") for _ in range(3))) == [True, False, False]


async def test_a_group_has_an_end(tmp_path: Path) -> None:
    with opened(tmp_path) as database:
        pause = Pause()
        first = await pause.holds(database)
        verbs = [asyncio.create_task(database.write(add, f"{n}")) for n in range(3 * writer.GROUP)]
        await asyncio.sleep(0.01)
        pause.go.set()
        await asyncio.gather(first, *verbs)
        assert database.changed.generation >= 3


async def test_a_group_whose_time_is_up_commits_before_the_next_verb(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "GROUP_SECONDS", 0.0)
    with opened(tmp_path) as database:
        await asyncio.gather(*(database.write(add, f"{n}") for n in range(20)))
        assert database.changed.generation == 20


async def test_more_than_may_wait_is_refused_in_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer, "WAITING", 5)
    with opened(tmp_path) as database:
        pause = Pause()
        first = await pause.holds(database)
        verbs = [asyncio.create_task(database.write(add, f"{n}")) for n in range(8)]
        await asyncio.sleep(0.01)
        pause.go.set()
        found = await asyncio.gather(first, *verbs, return_exceptions=True)
        assert [each.code for each in found if isinstance(each, StoreError)] == ["busy"] * 3
        assert len(look(database.path)) == 5


async def test_a_verb_that_writes_nothing_wakes_nobody(tmp_path: Path) -> None:
    with opened(tmp_path) as database:
        assert await database.write(count) == 0
        with pytest.raises(Stopped):
            await database.write(add_then_stop, "gone")
        assert database.changed.generation == 0
        await database.write(add, "stays")
        assert database.changed.generation == 1


async def test_a_caller_that_gives_up_breaks_nothing(tmp_path: Path) -> None:
    with opened(tmp_path) as database:
        pause = Pause()
        first = await pause.holds(database)
        verbs = [asyncio.create_task(database.write(add, f"{n}")) for n in range(20)]
        await asyncio.sleep(0.01)
        for verb in verbs[::2]:
            verb.cancel()
        first.cancel()
        pause.go.set()
        found = await asyncio.gather(*verbs, return_exceptions=True)
        assert [isinstance(each, asyncio.CancelledError) for each in found] == [True, False] * 10
        assert look(database.path) == [f"{n}" for n in range(1, 20, 2)]  # the others had not begun
        assert await database.write(add, "after") > 0


async def test_a_verb_that_raises_stop_iteration_fails_like_any_other(tmp_path: Path) -> None:
    def stops(tx: Tx) -> None:
        raise StopIteration

    with opened(tmp_path) as database:
        with pytest.raises(RuntimeError, match="StopIteration"):
            await database.write(stops)
        with pytest.raises(RuntimeError, match="StopIteration"):
            await database.read(stops)
        assert await database.write(add, "after") == 1


async def test_a_verb_cannot_wait_for_the_writer_that_runs_it(tmp_path: Path) -> None:
    with opened(tmp_path) as database:
        with pytest.raises(RuntimeError, match="transaction that it was given"):
            await database.write(lambda tx: database.write_sync(add, "inner"))
        with pytest.raises(RuntimeError, match="transaction that it was given"):
            await database.read(lambda tx: database.read_sync(count))


async def test_a_transaction_that_a_verb_kept_is_of_no_use_later(tmp_path: Path) -> None:
    kept: list[Tx] = []
    with opened(tmp_path) as database:
        await database.write(kept.append)
        await database.write(lambda tx: tx.many(ADD, [{"said": "a"}, {"said": "b"}]))
        unused = await database.read(lambda tx: tx.each(SAID))
        begun = await database.read(_begin)
        for use in (lambda: kept[0].insert(ADD, said="late"), lambda: list(unused), lambda: list(begun)):
            with pytest.raises(StoreError) as refused:
                use()
            assert refused.value.code == "transaction-over"
        assert look(database.path) == ["a", "b"]


def _begin(tx: Tx) -> Iterator[sqlite3.Row]:
    rows = tx.each(SAID)
    assert next(rows)["said"] == "a"
    return rows


def test_several_event_loops_and_threads_write_at_once(tmp_path: Path) -> None:
    async def in_a_loop(name: str) -> None:
        await asyncio.gather(*(database.write(add, f"{name}-{n}") for n in range(40)))

    def in_a_thread(name: str) -> None:
        for n in range(40):
            database.write_sync(add, f"{name}-{n}")

    with opened(tmp_path) as database:
        threads = [threading.Thread(target=asyncio.run, args=(in_a_loop(f"loop{n}"),)) for n in range(3)]
        threads += [threading.Thread(target=in_a_thread, args=(f"thread{n}",)) for n in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(20)
        assert len(set(database.read_sync(said))) == 240


def test_a_loop_that_ended_does_not_stop_the_writer(tmp_path: Path) -> None:
    pause = Pause()

    async def leave_behind() -> None:
        await pause.holds(database)
        asyncio.get_running_loop().create_task(database.write(add, "left"))
        await asyncio.sleep(0.01)

    with opened(tmp_path) as database:
        asyncio.run(leave_behind())  # cancels what still runs, and closes the loop
        pause.go.set()
        assert database.write_sync(add, "after") > 0


def test_close_runs_what_waits(tmp_path: Path) -> None:
    async def write_and_close() -> list[int]:
        pause = Pause()
        first = await pause.holds(database)
        verbs = [asyncio.create_task(database.write(add, f"{n}")) for n in range(150)]
        await asyncio.sleep(0.01)
        asyncio.get_running_loop().call_later(0.05, pause.go.set)
        await asyncio.to_thread(database.close)
        await first
        return await asyncio.gather(*verbs)

    with opened(tmp_path) as database:
        assert asyncio.run(write_and_close()) == list(range(1, 151))
        assert len(look(database.path)) == 150
        for call in (lambda: database.write_sync(add, "late"), lambda: database.read_sync(count)):
            with pytest.raises(StoreError) as refused:
                call()
            assert refused.value.code == "closed"
