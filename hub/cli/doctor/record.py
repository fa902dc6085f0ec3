"""The record: whether the database is there, of this program's form, and whole; when it was last backed up."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

from hub.cli.backup import MANIFEST, Manifest, read_manifest
from hub.cli.doctor.finding import Finding, Ground, bad, good, warn
from hub.errors import SettingsError
from hub.store.examine import Examined, examine
from hub.store.schema import head
from hub.wire import keys

_BACKUP = "Bring it back from a backup, or make a node with: hub init"
_OLD = dt.timedelta(days=2)
_TOO_OLD = dt.timedelta(days=14)


def database(ground: Ground) -> Iterator[Finding]:
    """The file is there, can be read, has the form that this program wants, and SQLite finds nothing wrong."""
    path = ground.settings.database
    if not path.is_file():
        yield bad("database", f"there is no {path}", _BACKUP)
        return
    found = examine(path)
    yield _schema(found, str(ground.config))
    if found.problems:
        words = f"the file is damaged: {'; '.join(found.problems)}"
        yield bad("integrity", words, "Stop the node, keep the file, bring back a backup, then run hub verify.")
    elif not found.whole:
        yield warn(
            "integrity", "it is too large to look at in half a minute", "Run hub verify when the node is stopped."
        )
    else:
        yield good("integrity", "SQLite finds nothing wrong with the file; hub verify proves the journal")


def _schema(found: Examined, config: str) -> Finding:
    wanted = head()
    if found.revision == wanted:
        return good("database", f"schema {wanted}")
    if found.revision is not None and found.revision > wanted:
        return bad(
            "database", f"schema {found.revision} is newer than this program's {wanted}", "Install the newer program."
        )
    words = f"schema {found.revision or 'none'}, and this program wants {wanted}"
    return bad("database", words, f"Stop the node, back up, then: hub db upgrade --config {config}")


def backup(ground: Ground) -> Iterator[Finding]:
    """The newest backup that speaks of this node, by its manifest; what the files hold is proved at backup and at restore."""
    made = sorted(each.made for each in _backups(ground))
    fix = f"Make one: hub backup {ground.backups}/NAME --config {ground.config} (or say where they lie: --backups DIR)"
    if not made:
        yield warn("backup", f"no backup of this node lies in {ground.backups}", fix)
        return
    age = dt.datetime.now(dt.UTC) - made[-1]
    words = f"the newest of {len(made)} in {ground.backups} was made {made[-1]:%Y-%m-%d %H:%M} UTC"
    if age > _TOO_OLD:
        yield bad("backup", words, fix)
    elif age > _OLD:
        yield warn("backup", words, fix)
    else:
        yield good("backup", words)


def _backups(ground: Ground) -> Iterator[Manifest]:
    try:
        own = keys.load(ground.directory / "keys").sign.public
        folders = [path.parent for path in ground.backups.glob(f"*/{MANIFEST}")]
    except (SettingsError, OSError):
        return
    for folder in folders:
        try:
            found = read_manifest(folder)
        except SettingsError:
            continue
        if found.public == own:
            yield found
