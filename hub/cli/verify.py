"""`hub verify`: prove the record of a stopped node without asking anybody."""

from __future__ import annotations

from pathlib import Path

from hub.cli.output import AsJson, json_line, say
from hub.cli.run import Config
from hub.settings import load
from hub.store import journal
from hub.store.database import Database
from hub.store.lock import NodeLock


def verify(*, config: Config = Path("hub.toml"), as_json: AsJson = False) -> int:
    """Recompute the journal's chain and check every stored payload and signature. Exit 1 names each place that does not hold."""
    settings = load(config)
    with NodeLock(settings.directory):
        database = Database.open(settings.database)
        try:
            problems = database.read_sync(journal.verify)
            count = database.read_sync(journal.head)
        finally:
            database.close()
    if as_json:
        json_line({"whole": not problems, "head": count, "problems": problems})
    else:
        for problem in problems:
            say(f"✕ {problem}")
        say(f"{settings.place.upper()}: the journal is {'NOT ' if problems else ''}whole.")
    return 1 if problems else 0
