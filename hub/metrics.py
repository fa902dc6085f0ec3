"""What the node counts, in one registry of its own (Prometheus text at /metrics)."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge

REGISTRY = CollectorRegistry()

REQUESTS = Counter(
    "hub_http_requests",
    "Requests answered, by route and status class.",
    ["route", "status"],
    registry=REGISTRY,
)
RELEASES = Counter("hub_releases", "Bulletin versions released here.", registry=REGISTRY)
SENT = Counter("hub_sent", "Messages stored by the node's own broker.", registry=REGISTRY)
RECEIVED = Counter("hub_received", "Arrivals from peers, by outcome.", ["peer", "outcome"], registry=REGISTRY)
OUTBOX = Gauge("hub_outbox_pending", "Messages not yet in the broker's stream.", registry=REGISTRY)
BROKER_UP = Gauge("hub_broker_up", "1 while the node's own broker answers.", registry=REGISTRY)
PEER_UP = Gauge("hub_peer_up", "1 while this peer's broker is connected.", ["peer"], registry=REGISTRY)
FETCHES = Counter(
    "hub_source_fetches", "Polls of a federal source, by outcome.", ["source", "outcome"], registry=REGISTRY
)
SOURCE_LAST_GOOD = Gauge(
    "hub_source_last_good_seconds",
    "When a source last answered well, Unix time.",
    ["source"],
    registry=REGISTRY,
)
