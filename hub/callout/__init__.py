"""Outbox to people and callbacks, a file a channel; no channel is written yet."""
