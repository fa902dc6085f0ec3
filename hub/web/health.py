"""Whether the node lives, is ready, and what it counts; who it is, for machines and for those who report a flaw."""

from __future__ import annotations

import datetime as dt

import msgspec
from aiohttp import web
from prometheus_client import generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from hub.errors import StoreError
from hub.metrics import REGISTRY
from hub.store import people, restoring
from hub.web.conditional import Body, answer
from hub.web.measures import measure
from hub.web.parts import Parts, parts
from schemas.register import RegisterEntry

_NO_STORE = {"Cache-Control": "no-store"}


class Alive(msgspec.Struct, frozen=True):
    """The process answers."""

    status: str


class Ready(msgspec.Struct, frozen=True):
    """`status` is ok, degraded (it serves, but a part is down) or unavailable; `checks` says of each part ok or not.

    `restore` is there while a restored node is held.
    """

    status: str
    checks: dict[str, str]


class Version(msgspec.Struct, frozen=True):
    """What runs here."""

    name: str
    version: str
    state: str
    mode: str


class KeyCard(msgspec.Struct, frozen=True, rename={"from_": "from"}):
    """One public key of the node and when it counts."""

    id: str
    use: str
    public: str
    state: str
    from_: dt.datetime
    until: dt.datetime | None


class NatsCard(msgspec.Struct, frozen=True):
    """Where peers dial, and the SHA-256 of the certificate's key that they pin; null for a node that only dials out."""

    url: str | None
    tls_spki_sha256: str | None


class NodeCard(msgspec.Struct, frozen=True):
    """/.well-known/school-safety-hub.json (DESIGN section 6)."""

    state: str
    node: str
    name: str
    mode: str
    status: str
    origins: tuple[str, ...]
    serial: int
    keys: tuple[KeyCard, ...]
    nats: NatsCard
    schema: tuple[int, ...]
    feeds: dict[str, str]


async def healthz(_: web.Request) -> web.Response:
    """The process answers."""
    return _json(Alive("ok"))


async def readyz(request: web.Request) -> web.Response:
    """200 while reading and writing work, degraded or not; 503 when the database does not take anything."""
    ready = await readiness(parts(request))
    return _json(ready, status=503 if ready.status == "unavailable" else 200)


async def readiness(node: Parts) -> Ready:
    """Each part as ok or down; the words of what is wrong may hold addresses, so they stay inside."""
    checks = {"database": "ok" if await _database(node) else "down"}
    checks |= {name: "ok" if words == "ok" else "down" for name, words in node.readiness().items()}
    if checks["database"] != "ok":
        return Ready("unavailable", checks)
    if await node.database.read(restoring.held):
        checks["restore"] = "held"
    return Ready("ok" if set(checks.values()) == {"ok"} else "degraded", checks)


async def _database(node: Parts) -> bool:
    if node.database.read_only:
        return False
    try:
        await node.database.read(people.count)
    except StoreError:
        return False
    return True


async def version(request: web.Request) -> web.Response:
    """What runs here."""
    node = parts(request)
    return _json(Version("school-safety-hub", node.version, node.office.place, node.mode.value))


async def metrics(request: web.Request) -> web.Response:
    """Prometheus text."""
    await measure(parts(request))
    return web.Response(body=generate_latest(REGISTRY), headers={"Content-Type": CONTENT_TYPE_LATEST, **_NO_STORE})


async def node_card(request: web.Request) -> web.Response:
    """Who this node is: keys, address, feeds."""
    node = parts(request)
    ready = await readiness(node)
    data = msgspec.json.encode(card(node, node.register_entry(), ready.status))
    body = Body(data, "application/json", node.issued)
    return answer(request, body, {"Cache-Control": "public, max-age=300", "Access-Control-Allow-Origin": "*"})


def card(node: Parts, entry: RegisterEntry, status: str) -> NodeCard:
    """The node's public face, from its own register entry."""
    feeds = f"{node.public_url}/feeds/bulletins"
    return NodeCard(
        state=entry.place,
        node=node.public_url,
        name=entry.name,
        mode=entry.mode.value,
        status=status,
        origins=entry.origins,
        serial=entry.serial,
        keys=tuple(
            KeyCard(key.public, key.use.value, key.public, key.state.value, key.from_, key.until) for key in entry.keys
        ),
        nats=NatsCard(entry.nats_url, entry.tls_spki_sha256),
        schema=(1,),
        feeds={form: f"{feeds}.{form}" for form in ("rss", "atom", "json")},
    )


async def security_txt(request: web.Request) -> web.Response:
    """RFC 9116; it expires within the year (its section 2.5.5) and is made anew each day."""
    node = parts(request)
    day = node.clock().astimezone(dt.UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    contact = node.contact or f"{node.public_url}/"
    lines = (
        f"Contact: {contact if ':' in contact else 'mailto:' + contact}",
        f"Expires: {day + dt.timedelta(days=180):%Y-%m-%dT%H:%M:%SZ}",
        f"Canonical: {node.public_url}/.well-known/security.txt",
        "Preferred-Languages: en",
    )
    return web.Response(text="\n".join(lines) + "\n", headers={"Cache-Control": "public, max-age=3600"})


def _json(value: msgspec.Struct, *, status: int = 200) -> web.Response:
    return web.Response(
        body=msgspec.json.encode(value), status=status, content_type="application/json", headers=_NO_STORE
    )
