"""What the node counts, in one registry of its own (Prometheus text at /metrics)."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, ProcessCollector

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

# ---------------------------------------------------------------------- read from the record when /metrics is asked
BUILD = Gauge(
    "hub_build_info",
    "Always 1; the labels say what runs here.",
    ["version", "python", "state", "mode"],
    registry=REGISTRY,
)
DATABASE_UP = Gauge("hub_database_up", "1 while the database can be read.", registry=REGISTRY)
READ_ONLY = Gauge(
    "hub_read_only", "1 after a failed write to the disk: nothing is written before a restart.", registry=REGISTRY
)
JOURNAL = Gauge("hub_journal_entries", "Entries in the journal: the number of its head.", registry=REGISTRY)
OUTBOX_OLDEST = Gauge(
    "hub_outbox_oldest_seconds", "How long the oldest unsent message has waited; 0 when none waits.", registry=REGISTRY
)
PEER_STATE = Gauge(
    "hub_peer_state",
    "1 for the state that the link to this peer is in, 0 for the others.",
    ["peer", "state"],
    registry=REGISTRY,
)
PEER_BEHIND = Gauge(
    "hub_peer_behind", "Messages of this peer that are not here yet, as it last said.", ["peer"], registry=REGISTRY
)
PEER_LAST_MESSAGE = Gauge(
    "hub_peer_last_message_seconds", "When something last came from this peer, Unix time.", ["peer"], registry=REGISTRY
)
SOURCE_FAILURES = Gauge(
    "hub_source_failures", "Polls of this source that failed one after the other.", ["source"], registry=REGISTRY
)
LINK_STATES = ("connecting", "catching-up", "connected", "off")
# Memory, processor time, open files and start time of this process (Linux), under the names that Prometheus gives them.
ProcessCollector(registry=REGISTRY)
