"""`hub backup`: a copy of a node of one moment, made while it runs, proved before it counts, and named file by file."""

from __future__ import annotations

import datetime as dt
import hashlib
import importlib.metadata
import io
import os
import shutil
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, BinaryIO

import cyclopts
import msgspec

from hub.cli.output import AsJson, json_line, say
from hub.cli.run import Config
from hub.errors import Conflict, SettingsError
from hub.node import utc_now
from hub.settings import load
from hub.store import backup as store
from hub.store.backup import Copied
from hub.wire import keys
from schemas.vocabulary import Mode

DATABASE = "hub.db"
MANIFEST = "manifest.json"
FORMAT = 1
_KEYS = tuple(f"keys/{use}.nk" for use in keys.USES if use != "root")
_FILES = ("hub.toml", "policy.toml", "nats/ports.json", *_KEYS)
_CHUNK = 1 << 20
_QUIET = 2.0  # seconds before the first word of progress, and between two
_LARGEST_MANIFEST = 1 << 20


class Kept(msgspec.Struct, frozen=True):
    """One file of a backup: SHA-256 in hex, bytes, and the whole second at which it was last changed."""

    sha256: str
    size: int
    changed: int


class Manifest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a backup is and holds. `files` are named by their places in the node's folder; `public` is its signing key."""

    format: int
    state: str
    mode: Mode
    public: str
    program: str
    made: dt.datetime
    journal: Copied
    files: dict[str, Kept]


def backup(
    directory: Annotated[Path, cyclopts.Parameter(help="A new or empty folder, best on another disk.")],
    *,
    config: Config = Path("hub.toml"),
    as_json: AsJson = False,
) -> int:
    """Copy a node, running or stopped, with its keys. Whoever has the copy can speak for the state: keep it as you keep the node.

    Left out: keys/root.nk, which is kept offline, and the nats store, which the node fills again from its record.
    """
    settings = load(config)
    _empty(directory)
    progress = _Progress()
    copied = store.copy(settings.database, directory / DATABASE, progress.told)
    for name in (*_FILES, *_tls(settings.directory)):
        _take(settings.directory / name, directory / name)
    made = Manifest(
        format=FORMAT,
        state=settings.place,
        mode=settings.mode,
        public=_public(directory),
        program=importlib.metadata.version("school-safety-hub"),
        made=utc_now(),
        journal=copied,
        files={str(path.relative_to(directory)): kept(path) for path in _all(directory)},
    )
    write(directory / MANIFEST, io.BytesIO(msgspec.json.format(msgspec.json.encode(made), indent=1) + b"\n"))
    _settle(directory)
    _report(directory, made, as_json=as_json)
    return 0


def read_manifest(directory: Path) -> Manifest:
    """The manifest of a backup. SettingsError when there is none that this program can read."""
    path = directory / MANIFEST
    try:
        if path.stat().st_size > _LARGEST_MANIFEST:
            raise SettingsError(f"{path} is too large to be a manifest.", code="manifest")
        found = msgspec.json.decode(path.read_bytes(), type=Manifest)
    except OSError as error:
        raise SettingsError(f"{directory} is no backup: {path}: {error.strerror}.", code="manifest") from None
    except (msgspec.MsgspecError, ValueError) as error:
        raise SettingsError(f"{path} cannot be read: {error}", code="manifest") from None
    if found.format != FORMAT:
        raise SettingsError(f"{path} is of format {found.format}: install the newer program.", code="manifest")
    return found


def kept(path: Path) -> Kept:
    """What the manifest says of a file."""
    digest, info = hashlib.sha256(), path.stat()
    with path.open("rb") as file:
        while part := file.read(_CHUNK):
            digest.update(part)
    return Kept(digest.hexdigest(), info.st_size, int(info.st_mtime))


def write(path: Path, data: BinaryIO) -> None:
    """Write a new file that only its owner can read, in folders that only their owner can enter, and sync it."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        shutil.copyfileobj(data, file, _CHUNK)
        file.flush()
        os.fsync(file.fileno())


def sync(directory: Path) -> None:
    """The names in a folder are on disk, too."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _empty(directory: Path) -> None:
    if directory.exists() and (not directory.is_dir() or any(directory.iterdir())):
        raise Conflict(f"{directory} is not empty; a backup is made in a new folder.", code="not-empty")
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    directory.chmod(0o700)


def _tls(node: Path) -> Iterator[str]:
    for path in sorted((node / "tls").glob("*")):
        if path.is_file():
            yield f"tls/{path.name}"


def _take(source: Path, target: Path) -> None:
    if source.is_file():
        with source.open("rb") as file:
            write(target, file)
        os.utime(target, (source.stat().st_atime, source.stat().st_mtime))  # a key's age is part of the register entry


def _public(directory: Path) -> str:
    """The public half of the copied signing key: a backup without a key that can be read is none."""
    return keys.load(directory / "keys").sign.public


def _all(directory: Path) -> list[Path]:
    return sorted(path for path in directory.rglob("*") if path.is_file())


def _settle(directory: Path) -> None:
    for folder in (directory, *(path for path in directory.rglob("*") if path.is_dir())):
        sync(folder)
    sync(directory.parent)


class _Progress:
    """Words on stderr, and only when it takes long."""

    def __init__(self) -> None:
        self._last = time.monotonic()

    def told(self, done: int, pages: int) -> None:
        """So many pages of so many are copied."""
        if time.monotonic() - self._last >= _QUIET:
            self._last = time.monotonic()
            sys.stderr.write(f"{done / pages:.0%} of {pages} pages\n")


def _report(directory: Path, made: Manifest, *, as_json: bool) -> None:
    if as_json:
        json_line({"directory": str(directory), **msgspec.to_builtins(made)})
        return
    size = sum(each.size for each in made.files.values())
    entry = f"{made.journal.epoch}.{made.journal.sequence}"
    say(f"{made.state.upper()} ({made.mode}) as of journal entry {entry}: {len(made.files)} files, {size:,} bytes.")
    say(f"  It lies in {directory}, was read again and is whole. It holds secret keys: keep it as you keep the node.")
    say("  Not in it: keys/root.nk (keep that offline) and the nats store (the node fills it from its record).")
