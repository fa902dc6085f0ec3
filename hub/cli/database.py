"""`hub db ...`: the database of a stopped node."""

from __future__ import annotations

from pathlib import Path

import cyclopts

from hub.cli.output import say
from hub.cli.run import Config
from hub.settings import load
from hub.store.lock import NodeLock
from hub.store.upgrade import upgrade as upgrade_file

app = cyclopts.App(name="db", help_format="plaintext")


@app.command
def upgrade(*, config: Config = Path("hub.toml")) -> int:
    """Bring the database to the form that this version of the hub needs; all of it happens, or nothing."""
    settings = load(config)
    with NodeLock(settings.directory):
        revision = upgrade_file(settings.database)
    say(f"{settings.database} is at revision {revision}.")
    return 0
