"""The text of the nats-server's configuration: pure, so that a test can hold it against a file.

Every place has an account of its own that sees the few calls of its own durables and nothing else. A plain user in the
hub's account would not do: the server publishes a delivery to whatever reply subject the request names, with its own
rights, and one 60-byte request wrote 100,000 messages into the stream. Three settings look idle and are not: all accounts
stand here from the start, because one that is added by a reload answers 503 until the next; `threshold` lets the server
forget the replies of each pull; `to` is needed, because an account without JetStream may not import the call under its
own name.
"""

from __future__ import annotations

import dataclasses
import itertools
import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final

from hub.wire.names import API, LANES, account, durable, inbox
from schemas.places import PLACES

MAX_PAYLOAD: Final = 262_144
_CALLS: Final = ("CONSUMER.INFO", "CONSUMER.MSG.NEXT")
_OPEN: Final = {"CONSUMER.INFO": "", "CONSUMER.MSG.NEXT": ', response: stream, threshold: "60s"'}


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ServerConfig:
    """What the text is made of. `directory` holds the server's files, `tls` cert.pem and key.pem.

    `hub` is the public nkey of the hub's own user, `peers` the connection keys by place (two while one follows the other),
    `store_bytes` the room for all streams together.
    """

    name: str
    host: str
    port: int
    directory: Path
    tls: Path
    streams: tuple[str, ...]
    store_bytes: int
    hub: str
    peers: Mapping[str, tuple[str, ...]]
    places: tuple[str, ...] = tuple(PLACES)


def render(config: ServerConfig) -> str:
    """The whole configuration, ending in a newline."""
    return "\n".join((*_server(config), *_accounts(config), ""))


def _server(config: ServerConfig) -> Iterator[str]:
    files = config.directory
    yield f"server_name: {_quoted(config.name)}"
    yield f"host: {_quoted(config.host)}"
    yield f"port: {config.port}"
    yield f"max_payload: {MAX_PAYLOAD}"
    yield "max_control_line: 4KB"
    yield "max_connections: 1000"
    yield "max_pending: 32MB"
    yield 'write_deadline: "5s"'
    yield 'ping_interval: "10s"'  # a dead link is noticed in half a minute, and counts against its account's limit so long
    yield "ping_max: 2"
    yield f"pid_file: {_quoted(str(files / 'server.pid'))}"
    yield f"log_file: {_quoted(str(files / 'server.log'))}"
    yield "log_size_limit: 4MB"
    yield "log_max_num: 3"
    yield "tls {"
    yield f"  cert_file: {_quoted(str(config.tls / 'cert.pem'))}"
    yield f"  key_file: {_quoted(str(config.tls / 'key.pem'))}"
    yield '  min_version: "1.2"'
    yield "  timeout: 3"
    yield "  handshake_first: true"
    yield "}"
    yield "jetstream {"
    yield f"  store_dir: {_quoted(str(files / 'jetstream'))}"
    yield "  max_mem: 16MB"
    yield f"  max_file: {config.store_bytes}"
    yield "  sync_interval: always"
    yield "}"


def _accounts(config: ServerConfig) -> Iterator[str]:
    yield "accounts {"
    yield "  HUB {"
    yield "    jetstream: enabled"
    yield f"    users: [ {{ nkey: {config.hub} }} ]"
    yield "    exports: ["
    for place, name in _durables(config.places, config.streams):
        to = f"accounts: [{account(place)}]"
        yield from (f'      {{ service: "$JS.API.{call}.{name}"{_OPEN[call]}, {to} }}' for call in _CALLS)
        yield f'      {{ service: "$JS.ACK.{name}.>", {to} }}'
    yield "    ]"
    yield "  }"
    for place in config.places:
        yield from _peer(place, config.streams, config.peers.get(place, ()))
    yield "  SYS { users: [] }"  # nobody logs in there; the server needs its name
    yield "}"
    yield "system_account: SYS"


def _peer(place: str, streams: tuple[str, ...], keys: tuple[str, ...]) -> Iterator[str]:
    names = [name for _, name in _durables((place,), streams)]
    yield f"  {account(place)} {{"
    yield "    limits: { max_connections: 8, max_subscriptions: 64, max_payload: 4096 }"
    yield from _users(place, names, keys)
    yield "    imports: ["
    for name in names:
        for call in _CALLS:
            service = f'{{ account: HUB, subject: "$JS.API.{call}.{name}" }}'
            yield f'      {{ service: {service}, to: "{API}.{call}.{name}" }}'
        yield f'      {{ service: {{ account: HUB, subject: "$JS.ACK.{name}.>" }} }}'
    yield "    ]"
    yield "  }"


def _users(place: str, names: list[str], keys: tuple[str, ...]) -> Iterator[str]:
    if not keys:
        yield "    users: []"
        return
    calls = [(*(f"{API}.{call}.{name}" for call in _CALLS), f"$JS.ACK.{name}.>") for name in names]
    publish = json.dumps(list(itertools.chain.from_iterable(calls)))
    rights = f'publish: {{ allow: {publish} }}, subscribe: {{ allow: ["{inbox(place)}.>"] }}'
    yield "    users: ["
    yield from (f"      {{ nkey: {key}, permissions: {{ {rights} }} }}" for key in keys)
    yield "    ]"


def _durables(places: Iterable[str], streams: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """Each place with each of its durables as the calls name them: ("ok", "LIVE.peer-ok-flash")."""
    for place, stream, lane in itertools.product(places, streams, LANES):
        yield place, f"{stream}.{durable(place, lane)}"


def _quoted(text: str) -> str:
    """A string of the configuration language; ValueError for what it cannot carry."""
    if any(ord(char) < ord(" ") for char in text):
        raise ValueError(f"not a value for the server's configuration: {text!r}")
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
