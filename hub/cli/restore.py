"""`hub restore`: a node from its backup, in a new folder; it begins held. `hub restore override` ends that, as a director."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Annotated, Any

import cyclopts
import msgspec

from hub.cli import offers
from hub.cli.backup import DATABASE, Kept, Manifest, kept, read_manifest, sync, write
from hub.cli.client import Client
from hub.cli.offers import Offer, Taken
from hub.cli.output import AsJson, Url, json_line, say
from hub.cli.run import Config
from hub.desk import recover
from hub.errors import Conflict, SettingsError, StoreError
from hub.node import office_of, utc_now
from hub.settings import load
from hub.store import backup as store
from hub.store import restoring
from hub.store.database import Database
from hub.store.lock import NodeLock
from hub.store.restoring import Restoration
from hub.store.upgrade import upgrade
from schemas.times import format_time

_SURVIVES = frozenset({"nats", "lock"})  # what may lie in the folder already: the node's own stream, moved there
_PORTS = "nats/ports.json"
_PART = f"{DATABASE}.part"

app = cyclopts.App(name="restore", help_format="plaintext")


@app.default
def restore(
    directory: Annotated[Path, cyclopts.Parameter(help="The folder that hub backup made.")],
    *,
    into: Annotated[Path, cyclopts.Parameter(help="A new or empty folder; it may hold the old node's nats folder.")],
    from_peers: Annotated[
        list[Path] | None, cyclopts.Parameter(consume_multiple=True, negative="", help="Files of hub peer offer.")
    ] = None,
    state: Annotated[str, cyclopts.Parameter(help="Refuse a backup of another state.")] = "",
    as_json: AsJson = False,
) -> int:
    """Put a node's backup in place. It begins a new journal epoch and is held until it knows again what it said since.

    Move the old node's nats folder into the new one first, if it survived: from it the node learns by itself.
    """
    manifest = read_manifest(directory)
    if state and state.lower() != manifest.state:
        raise Conflict(f"That is a backup of {manifest.state.upper()}, not of {state.upper()}.", code="other-state")
    _check(directory, manifest)
    given = [offers.read(path, manifest.state, manifest.mode) for path in from_peers or ()]
    with _taken(into):
        _place(directory, into, manifest)
        held, taken = _begin(into, manifest, given)
    _report(into, manifest, held, taken, as_json=as_json)
    return 0


@app.command
def take(
    files: Annotated[list[Path], cyclopts.Parameter(help="Files that peers wrote with hub peer offer.")],
    *,
    config: Config = Path("hub.toml"),
    as_json: AsJson = False,
) -> int:
    """Give a stopped node that waits after a restore what its peers hold, when their files came later."""
    settings = load(config)
    given = [offers.read(path, settings.place, settings.mode) for path in files]
    with NodeLock(settings.directory), contextlib.closing(Database.open(settings.database)) as database:
        if database.read_sync(restoring.state) is None:
            raise Conflict("This node waits for nothing.", code="not-held")
        taken = [offers.give_back(database, office_of(settings), offer) for offer in given]
    if as_json:
        json_line(msgspec.to_builtins(taken))
    for one in taken if not as_json else ():
        say(one.words)
    return 0


@app.command
def status(*, url: Url = None, as_json: AsJson = False) -> int:
    """What a restored node still waits for."""
    found = Client(url).get("/api/v1/restoration")
    if as_json:
        json_line(found)
    elif not found["waits"]:
        say("It waits for nothing.")
    else:
        say(f"Restored {found['since']}, epoch {found['epoch']}; it waits for: {', '.join(found['waits'])}.")
        say("Held: nothing is released, withdrawn or sent." if found["held"] else "It releases and sends.")
    return 0


@app.command
def override(
    *,
    reason: Annotated[str, cyclopts.Parameter(help="Why; it is written into the journal.")],
    unread: Annotated[bool, cyclopts.Parameter(negative="", help="Even though its own streams were not read.")] = False,
    url: Url = None,
    as_json: AsJson = False,
) -> int:
    """End the hold, as the node's director. What was taken back since the backup and is not known here is shown again."""
    done = Client(url).post("/api/v1/restoration/override", json={"reason": reason, "unread": unread})
    json_line(done) if as_json else say(
        "The hold is over. Numbers, versions and serials go on at a thousand of their own."
    )
    return 0


def _check(directory: Path, manifest: Manifest) -> None:
    """Every file that the manifest names is there as it was written, and none lies beside them. Names the file."""
    for name, said in sorted(manifest.files.items()):
        where = PurePosixPath(name)
        if where.is_absolute() or ".." in where.parts or where.as_posix() != name:
            raise SettingsError(
                f"The manifest names {name[:100]!r}, which is no place in a node's folder.", code="manifest"
            )
        path = directory / name
        if path.is_symlink() or not path.is_file():
            raise SettingsError(f"{path} is missing: the backup is not whole.", code="tampered")
        if not _same(kept(path), said):
            raise SettingsError(f"{path} is not what was backed up: it was changed or damaged.", code="tampered")
    if DATABASE not in manifest.files:
        raise SettingsError(f"{directory} holds no database.", code="manifest")
    if store.look(directory / DATABASE) != manifest.journal:
        raise SettingsError(
            f"{directory / DATABASE}: its journal does not end where the manifest says.", code="tampered"
        )
    settings = load(directory / "hub.toml")
    if (settings.place, settings.mode, office_of(settings).key_id) != (manifest.state, manifest.mode, manifest.public):
        raise Conflict("hub.toml and the keys are not those of the node that the manifest names.", code="other-state")


def _same(found: Kept, said: Kept) -> bool:
    return (found.sha256, found.size) == (said.sha256, said.size)  # a copy of a backup may have lost the times


@contextlib.contextmanager
def _taken(into: Path) -> Iterator[None]:
    """The folder, locked; Conflict when a node or anything else lies in it, StoreError when a node runs in it."""
    into.mkdir(mode=0o700, parents=True, exist_ok=True)
    with NodeLock(into):
        there = sorted(path.name for path in into.iterdir() if path.name not in _SURVIVES)
        if there:
            words = f"{into} is not empty ({', '.join(there[:5])}): nothing is overwritten. Name a new folder."
            raise Conflict(words, code="not-empty")
        into.chmod(0o700)
        yield


def _place(directory: Path, into: Path, manifest: Manifest) -> None:
    for name, said in sorted(manifest.files.items()):
        if name == _PORTS and (into / name).exists():
            continue
        where = into / (_PART if name == DATABASE else name)
        with (directory / name).open("rb") as file:
            write(where, file)
        os.utime(where, (said.changed, said.changed))
    for folder in (into, *(path for path in into.iterdir() if path.is_dir())):
        sync(folder)


def _begin(into: Path, manifest: Manifest, given: list[Offer]) -> tuple[Restoration, list[Taken]]:
    office = office_of(load(into / "hub.toml"))
    upgrade(into / _PART)
    said = {"made": format_time(manifest.made), "program": manifest.program, **msgspec.to_builtins(manifest.journal)}
    with contextlib.closing(Database.open(into / _PART)) as database:
        held = database.write_sync(recover.begin, office, utc_now(), said)
        taken = [offers.give_back(database, office, offer) for offer in given]
        held = database.read_sync(restoring.state) or held
    if (into / f"{_PART}-wal").exists():
        raise StoreError(f"{into / _PART}: its log is not in the file; look at the disk.", code="io-error")
    (into / _PART).rename(into / DATABASE)  # only now is this a node that can be run
    sync(into)
    return held, taken


def _report(into: Path, manifest: Manifest, held: Restoration, taken: list[Taken], *, as_json: bool) -> None:
    found: dict[str, Any] = {
        "state": manifest.state, "mode": manifest.mode, "into": str(into), "made": format_time(manifest.made),
        "epoch": held.epoch, "held": held.held, "waits": list(held.waits), "stream": (into / "nats" / "jetstream").is_dir(),
        "taken": msgspec.to_builtins(taken),
    }  # fmt: skip
    if as_json:
        json_line(found)
        return
    say(
        f"{manifest.state.upper()} ({manifest.mode}) as of {found['made']} lies in {into}; journal epoch {held.epoch} began."
    )
    for one in taken:
        say(
            f"  {one.peer.upper()} gave back {one.ours} of ours and {one.theirs} of its own; {one.refused} were refused."
        )
    if found["stream"]:
        say("  The nats store is there: when the node runs, it reads from its own stream what it said since.")
    else:
        say(
            "  No nats store: ask each peer for a file (hub peer offer) and restore with --from-peers FILE, if you have not."
        )
        say("  The node stays held until a director ends that with: hub restore override --reason TEXT")
    say("  Until then nothing is released, withdrawn or sent, and nothing of the record is shown outside the desk.")
    say("  Tokens, passwords, accounts and agreements are those of that time: what was revoked since works again.")
    say("  Look through them now: hub doctor, hub peer list. Sign-ins were ended. keys/root.nk was not in the backup.")
    say(f"  Prove it: hub verify --config {into / 'hub.toml'}    Run it: hub run --config {into / 'hub.toml'}")
