"""Run by alembic for each command; the connection, inside a transaction, comes from `hub.store.upgrade`."""

from __future__ import annotations

from alembic import context

from hub.store.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,
    compare_type=True,
    compare_server_default=True,
)
context.run_migrations()
