"""`hub verify`: prove the record of a stopped node without asking anybody."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

import msgspec

from hub.cli.output import AsJson, json_line, say
from hub.cli.run import Config
from hub.settings import Settings, load
from hub.store import journal
from hub.store.database import Database
from hub.store.lock import NodeLock
from hub.wire import keys


def verify(*, config: Config = Path("hub.toml"), as_json: AsJson = False) -> int:
    """Recompute the journal's chain and check every stored payload and signature. Exit 1 names each place that does not hold."""
    settings = load(config)
    with NodeLock(settings.directory), contextlib.closing(Database.open(settings.database)) as database:
        found = _report(database, settings)
    if as_json:
        json_line(found)
        return 0 if found["whole"] else 1
    for problem in found["problems"]:
        say(f"✕ {problem['where']}: {problem['message']}")
    say(
        f"{settings.place.upper()}: {found['entries']} entries, the journal is {'' if found['whole'] else 'NOT '}whole."
    )
    return 0 if found["whole"] else 1


def _report(database: Database, settings: Settings) -> dict[str, Any]:
    own = keys.load(settings.directory / "keys").sign.public
    problems = database.read_sync(journal.verify, {own})
    last = database.read_sync(journal.head)
    listed = [msgspec.to_builtins(problem) for problem in problems]
    return {"whole": not problems, "entries": last.n if last else 0, "problems": listed}
