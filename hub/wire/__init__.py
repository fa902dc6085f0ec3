"""NATS: the node's own server, what it sends into it, and what it pulls from its peers. No other room imports `nats`."""
