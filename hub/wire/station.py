"""The node's place in the network: its own server, what it sends, and one link to each peer. `node.py` holds one of these.

The parts speak to each other through the record alone: a commit wakes the sender and lets the station see who its peers are.
Whatever is down here, the desk goes on; what is released meanwhile waits in the outbox.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import datetime as dt
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import structlog

from hub.desk.office import Office
from hub.errors import HubError
from hub.store import peers
from hub.store.database import Database
from hub.store.peers import Peer
from hub.wire import certificate, ports
from hub.wire.broker import Broker, dialled, find_server
from hub.wire.bus import TROUBLE, Bus
from hub.wire.config import ServerConfig
from hub.wire.connection import Endpoint, dial
from hub.wire.keys import Keys
from hub.wire.keys import load as load_keys
from hub.wire.names import modes_of, streams_of
from hub.wire.receiver import Clock, Receiver, endpoint_of, off_because
from hub.wire.recovery import Recovery
from hub.wire.sender import Sender
from hub.wire.together import end, until_one_ends
from schemas.vocabulary import KeyState, KeyUse

_LOOK_AGAIN: Final = 30.0
_BREATH: Final = 0.25  # between two looks at the peers, however many commits there are
_SKEW: Final = dt.timedelta(minutes=10)
_STEADY: Final = 5.0  # a sender that ran as long as this is started again at once
_RESERVE: Final = 64 << 20  # beyond the streams' own sizes
log = structlog.get_logger(__name__)


@dataclasses.dataclass(frozen=True, slots=True)
class State:
    """How the node's own side stands: `up` while its server answers and its sender runs; `error` in words."""

    up: bool
    error: str | None
    pid: int | None
    port: int


class Station:
    """Start it once, on the main thread; stop it once.

    `directory` is the node's: `keys/` and `tls/` must be there, `nats/` is made. `port` 0 is chosen once and kept.
    `max_bytes` is the size of each stream. SettingsError when a key, the certificate or the server is missing.
    """

    def __init__(
        self, database: Database, office: Office, clock: Clock, *, directory: Path, keys: Keys | None = None,
        host: str = "127.0.0.1", port: int = 0, max_bytes: int = 1 << 30,
    ) -> None:  # fmt: skip
        self._database = database
        self._office = office
        self._keys = keys or load_keys(directory / "keys")
        self._clock = clock
        self._tls = directory / "tls"
        listen = host, ports.keep(directory / "nats", host, port)
        self._config = config_of(directory, office, self._keys, listen, max_bytes)
        self._broker = Broker(self._config, find_server())
        self._sender = Sender(database, office, clock, max_bytes)
        self._recovery = Recovery(database, office, clock)
        self._receivers: dict[str, tuple[Receiver, asyncio.Task[None]]] = {}
        self._off: dict[str, str] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self._asked = asyncio.Event()
        self._looked = asyncio.Event()
        self._error: str | None = None

    async def start(self) -> None:
        """Take the store and begin; does not wait for the server. BrokerError when another process holds the store."""
        everybody = await self._database.read(peers.everybody)
        self._config = self._with(everybody)
        await self._broker.start(self._config)
        self._tasks = [
            asyncio.create_task(self._send(), name="sender"),
            asyncio.create_task(self._watch(), name="peers"),
        ]

    async def stop(self) -> None:
        """End what sends and what makes links, then the links, then the server. May be called twice, and without a start."""
        tasks, self._tasks = self._tasks, []
        await end(*tasks)
        links, self._receivers = self._receivers, {}
        await end(*(task for _, task in links.values()))
        await self._broker.stop()

    def peers_changed(self) -> None:
        """Look at the peers now; without this they are looked at a moment after each commit."""
        self._asked.set()

    async def settled(self, within: float) -> bool:
        """Wait until the sender runs and each peer's link has caught up or has failed once; False when time is up first."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(within):
                await self._looked.wait()
                while not self._is_settled():  # noqa: ASYNC110 - a handful of places change it
                    await asyncio.sleep(0.02)
                return True
        return False

    def _is_settled(self) -> bool:
        links = [receiver.link for receiver, _ in self._receivers.values()]
        return self.state.up and all(link.state == "connected" or link.error is not None for link in links)

    @property
    def error(self) -> str | None:
        """Why the node's own side does not work, in words; None while it does."""
        return self.state.error

    @property
    def state(self) -> State:
        """How the node's own side stands."""
        error = self._broker.error or self._error or self._recovery.words or self._sender.error
        if error is None and not self._sender.running:
            error = "the sender is starting"
        return State(error is None, error, self._broker.pid, self._config.port)

    def links(self) -> dict[str, dict[str, Any]]:
        """By place: state (connecting, catching-up, connected, off), since, last_message, behind and error in words."""
        found = {place: dataclasses.asdict(receiver.link) for place, (receiver, _) in self._receivers.items()}
        for place, why in self._off.items():
            found[place] = {"place": place, "state": "off", "error": why}
        return dict(sorted(found.items()))

    # ------------------------------------------------------------------------------------------ sending
    async def _send(self) -> None:
        """One session of the sender after the other, each on a connection of its own."""
        pause = 0.0
        while True:
            await self._broker.up.wait()
            began = asyncio.get_running_loop().time()
            try:
                await self._session()
            except (HubError, *TROUBLE) as error:
                self._fail(getattr(error, "message", None) or str(error) or type(error).__name__)
            except Exception as error:  # noqa: BLE001 - the desk goes on whatever this is
                self._fail(f"unexpected: {error!r}")
            pause = 0.1 if asyncio.get_running_loop().time() - began > _STEADY else min(pause * 2 + 0.1, 5.0)
            await asyncio.sleep(pause)

    async def _session(self) -> None:
        connection = await dial(self._own_endpoint())
        try:
            self._error = None
            await until_one_ends(connection.ended(), self._work(Bus(connection)))
        finally:
            await connection.close()

    async def _work(self, bus: Bus) -> None:
        await self._recovery.run(bus)  # a restored node sends nothing before it has read what it sent
        await self._sender.run(bus)

    def _fail(self, words: str) -> None:
        if words != self._error:
            log.warning("the sender stopped", error=words)
        self._error = words

    def _own_endpoint(self) -> Endpoint:
        url = f"tls://{dialled(self._config.host, bracketed=True)}:{self._config.port}"
        return Endpoint(url, certificate.own_pin(self._tls), self._keys.hub, "_INBOX", "hub")

    # -------------------------------------------------------------------------------------------- peers
    async def _watch(self) -> None:
        told: str | None = None
        while True:
            generation = self._database.changed.generation
            try:
                await self._take(await self._database.read(peers.everybody))
                self._looked.set()
                told = None
            except (HubError, OSError) as error:
                words = getattr(error, "message", None) or str(error)
                if words != told:
                    log.warning("the peers could not be taken over", error=words)
                told = words
            await self._until_asked(generation)

    async def _until_asked(self, generation: int) -> None:
        """A commit, a call of `peers_changed`, or half a minute: keys begin and end without a commit."""

        async def commit() -> None:
            await asyncio.sleep(_BREATH)
            await self._database.changed.after(generation, _LOOK_AGAIN)

        async def asked() -> None:
            await self._asked.wait()

        await until_one_ends(commit(), asked())
        self._asked.clear()

    async def _take(self, everybody: Sequence[Peer]) -> None:
        """Let the server and the links follow the record."""
        active = {peer.place: peer for peer in everybody if peer.state == "active"}
        for place in [place for place in self._receivers if place not in active]:
            await self._unlink(place)
        self._off = {
            place: why for place, peer in active.items() if (why := off_because(self._office.mode, peer.entry))
        }
        for place, peer in active.items():
            known = self._receivers.get(place)
            if known is not None and (known[0].entry != peer.entry or place in self._off):
                await self._unlink(place)
                known = None
            if known is None and place not in self._off:
                self._link(peer)
        self._config = self._with(everybody)
        await self._broker.reload(self._config)

    def _link(self, peer: Peer) -> None:
        endpoint = endpoint_of(peer.entry, self._office, self._keys.connect)
        receiver = Receiver(self._database, self._office, self._clock, peer.entry, endpoint)
        task = asyncio.create_task(receiver.run(), name=f"peer {peer.place}")
        self._receivers[peer.place] = (receiver, task)

    async def _unlink(self, place: str) -> None:
        _, task = self._receivers.pop(place)
        await end(task)

    def _with(self, everybody: Sequence[Peer]) -> ServerConfig:
        """The configuration with every peer's keys; a revoked peer keeps its account, so that recalls still reach it."""
        now = self._clock()
        return dataclasses.replace(self._config, peers={peer.place: _keys_of(peer, now) for peer in everybody})


def _keys_of(peer: Peer, now: dt.datetime) -> tuple[str, ...]:
    """The keys with which a peer may log in now."""
    return tuple(
        sorted(
            key.public
            for key in peer.entry.keys
            if key.use is KeyUse.CONNECT
            and key.state is KeyState.ACTIVE
            and key.from_ - _SKEW <= now
            and (key.until is None or now < key.until)
        )
    )


def config_of(directory: Path, office: Office, keys: Keys, listen: tuple[str, int], max_bytes: int) -> ServerConfig:
    """The configuration of a node's own server, as yet without peers."""
    return ServerConfig(
        name=f"hub-{office.place}-{keys.hub.public[1:13].lower()}",
        host=listen[0],
        port=listen[1],
        directory=directory / "nats",
        tls=directory / "tls",
        streams=streams_of(office.mode),
        store_bytes=max_bytes * len(modes_of(office.mode)) + _RESERVE,
        hub=keys.hub.public,
        peers={},
    )
