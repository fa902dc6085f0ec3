from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import fcntl
import os
import signal
import socket
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from hub.errors import SettingsError
from hub.wire import keys, ports
from hub.wire.broker import Broker, BrokerError, find_server
from hub.wire.child import Living
from hub.wire.connection import NoLink
from tests.wire.servers import Site, dialled, serving, site

HUB = """
import asyncio, importlib, pathlib, sys
from tests.wire.servers import serving, site

async def main():
    async with serving(site(pathlib.Path(sys.argv[1]))) as broker:
        print("PID", broker.pid, flush=True)
        await asyncio.sleep(60)

importlib.import_module(sys.argv[2]).run(main())
"""


@pytest.fixture
def tx(tmp_path: Path) -> Site:
    return site(tmp_path / "tx")


async def within(seconds: float, reached) -> None:
    async with asyncio.timeout(seconds):
        while not reached():  # noqa: ASYNC110 - a process is watched from outside
            await asyncio.sleep(0.01)


def proc(pid: int, *names: str) -> Path:
    return Path("/proc", str(pid), *names)


async def test_it_comes_up_as_ours_and_ends(tx: Site) -> None:
    async with serving(tx) as broker:
        living = Living.of(broker.pid)
        async with dialled(tx, tx.keys.hub) as connection:
            assert connection.is_connected
        assert broker.error is None
    assert not living.alive
    assert broker.error == "stopped"
    assert not broker.up.is_set()


async def test_it_listens_where_it_listened_before(tx: Site) -> None:
    assert ports.keep(tx.config.directory, "127.0.0.1") == tx.config.port
    for _ in range(2):
        async with serving(tx), dialled(tx, tx.keys.hub) as connection:
            assert connection.connected_url.port == tx.config.port


@pytest.mark.parametrize("kept", ["", "{}", '{"client": "x"}', '{"client": 0}', '{"client": 70000}'])
def test_a_broken_record_of_the_port_is_named(tmp_path: Path, kept: str) -> None:
    (tmp_path / "ports.json").write_text(kept)
    with pytest.raises(SettingsError, match=r"ports\.json"):
        ports.keep(tmp_path, "127.0.0.1")


def test_a_port_in_the_settings_wins_and_a_foreign_host_is_named(tmp_path: Path) -> None:
    assert ports.keep(tmp_path, "127.0.0.1", 4222) == 4222
    with pytest.raises(SettingsError, match="no address of this machine"):
        ports.keep(tmp_path, "192.0.2.1")


async def test_kill_9_of_the_server_is_answered_with_a_new_one(tx: Site) -> None:
    async with serving(tx) as broker:
        for _ in range(3):
            before = broker.pid
            os.kill(before, signal.SIGKILL)
            await within(5, lambda before=before: broker.pid not in {before, None})
        assert broker.starts == 4
        async with dialled(tx, tx.keys.hub) as connection:
            assert connection.is_connected


@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
def test_kill_9_of_the_hub_takes_the_server_along(tmp_path: Path, loop: str) -> None:
    with subprocess.Popen([sys.executable, "-c", HUB, tmp_path, loop], stdout=subprocess.PIPE, text=True) as hub:
        try:
            said = next(line for line in hub.stdout if line.startswith("PID "))
            living = Living.of(int(said.split()[1]))
            assert living is not None
        finally:
            hub.kill()
    end = time.monotonic() + 5
    while living.alive and time.monotonic() < end:
        time.sleep(0.01)
    assert not living.alive


async def test_a_second_hub_on_the_same_store_is_refused(tx: Site) -> None:
    async with serving(tx) as first:
        with pytest.raises(BrokerError, match="Another hub works on") as refused:
            await Broker(tx.config, find_server()).start()
        assert refused.value.code == "locked"
        assert first.up.is_set()
        assert Living.of(first.pid) is not None


async def test_a_server_that_outlived_its_hub_is_ended_first(tx: Site) -> None:
    async with serving(tx):
        pass
    leftover = await asyncio.create_subprocess_exec(find_server(), "-c", tx.config.directory / "server.conf")
    Living.of(leftover.pid).save(tx.config.directory / "server.json")
    async with serving(tx) as broker:
        assert await asyncio.wait_for(leftover.wait(), 5) in {1, -15}
        assert broker.pid != leftover.pid


async def test_a_record_of_another_process_ends_nobody(tx: Site) -> None:
    tx.config.directory.mkdir(parents=True, exist_ok=True)
    own = Living.of(os.getpid())
    Living(own.pid, own.started + 1).save(tx.config.directory / "server.json")
    async with serving(tx) as broker:
        assert broker.up.is_set()


async def test_a_store_that_a_stranger_holds_is_left_alone(tx: Site) -> None:
    tx.config.directory.mkdir(parents=True, exist_ok=True)
    with (tx.config.directory / "store.lock").open("wb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with pytest.raises(BrokerError, match="did not start"):
            await Broker(tx.config, find_server()).start()
    async with serving(tx):
        pass


def opened_by(pid: int) -> list[str]:
    """What a process holds open; it opens and closes files while it is looked at."""
    held = []
    for link in proc(pid, "fd").iterdir():
        with contextlib.suppress(FileNotFoundError):
            held.append(str(link.readlink()))
    return held


async def test_the_server_itself_holds_the_store(tx: Site) -> None:
    async with serving(tx) as broker:
        held = opened_by(broker.pid)
    assert str(tx.config.directory / "store.lock") in held


async def test_a_port_that_somebody_else_took_is_told_in_words_and_waited_for(tx: Site) -> None:
    broker = Broker(tx.config, find_server())
    with socket.socket() as squatter:
        squatter.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        squatter.bind(("127.0.0.1", tx.config.port))
        squatter.listen()
        await broker.start()
        await within(5, lambda: "address already in use" in (broker.error or ""))
    try:
        await within(10, broker.up.is_set)
    finally:
        await broker.stop()


async def test_a_configuration_that_the_server_refuses_is_not_started(tx: Site) -> None:
    broken = dataclasses.replace(tx.config, hub="not a key")
    with pytest.raises(BrokerError, match="not valid"):
        await Broker(broken, find_server()).start()


async def test_a_peer_is_let_in_by_reload_and_others_stay(tx: Site) -> None:
    ok, va = keys.generate("U"), keys.generate("U")
    async with serving(tx) as broker, dialled(tx, tx.keys.hub) as own:
        with pytest.raises(NoLink, match="Authorization Violation"):
            async with dialled(tx, ok):
                pass
        await broker.reload(tx.with_peers(ok=ok.public, va=va.public).config)
        async with dialled(tx, ok, "_P.ok") as one, dialled(tx, va, "_P.va") as other:
            await broker.reload(tx.with_peers(va=va.public).config)
            await asyncio.wait_for(one.lost.wait(), 5)
            assert own.is_connected
            assert other.is_connected


async def test_a_refused_reload_leaves_the_old_configuration(tx: Site) -> None:
    ok = keys.generate("U")
    peered = tx.with_peers(ok=ok.public).config
    async with serving(tx) as broker:
        await broker.reload(peered)
        with pytest.raises(BrokerError, match="not valid"):
            await broker.reload(dataclasses.replace(peered, peers={"ok": ("garbage",)}))
        os.kill(broker.pid, signal.SIGKILL)
        await within(5, lambda: not broker.up.is_set())
        await within(5, broker.up.is_set)
        async with dialled(tx, ok, "_P.ok") as connection:
            assert connection.is_connected


async def test_our_settings_are_not_the_child_s_business(tx: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUB_TOKEN", "canary-of-a-token")
    async with serving(tx) as broker:
        assert b"canary" not in proc(broker.pid, "environ").read_bytes()
    assert stat.S_IMODE((tx.config.directory / "server.conf").stat().st_mode) == 0o600


def test_the_server_that_is_named_is_the_one_that_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUB_NATS_SERVER", str(tmp_path / "absent"))
    with pytest.raises(SettingsError, match="cannot be executed"):
        find_server()
    monkeypatch.setenv("HUB_NATS_SERVER", sys.executable)
    assert find_server() == Path(sys.executable).resolve()
