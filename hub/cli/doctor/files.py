"""The node's folder: who can read its secrets, the room on its disk, the certificate that peers pin."""

from __future__ import annotations

import datetime as dt
import os
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path

from cryptography import x509

from hub.cli.doctor.finding import Finding, Ground, bad, good, warn
from hub.errors import SettingsError
from hub.wire import keys
from hub.wire.certificate import CERTIFICATE
from hub.wire.names import modes_of
from schemas.vocabulary import Mode

_MIB = 1 << 20
_LOW = 1 << 30
_TOO_LOW = 128 << 20
_SECRETS = ("keys/*.nk", "tls/key.pem", "*.token", "hub.db*")
_SOON = 30.0


def secrets(ground: Ground) -> Iterator[Finding]:
    """No other account of this machine can read a key, a token or the record."""
    found = [path for pattern in _SECRETS for path in sorted(ground.directory.glob(pattern)) if path.is_file()]
    open_ = [path for path in found if stat.S_IMODE(path.stat().st_mode) & 0o077]
    for path in open_:
        yield bad("file-modes", f"{path} can be read or written by other accounts", f"chmod 600 {path}")
    if stat.S_IMODE(ground.directory.stat().st_mode) & 0o022:
        yield bad("file-modes", f"{ground.directory} can be changed by other accounts", f"chmod 700 {ground.directory}")
    elif not open_:
        yield good("file-modes", f"{len(found)} keys, tokens and database files are closed to other accounts")


def own_keys(ground: Ground) -> Iterator[Finding]:
    """The keys can be read, and the root key is away."""
    try:
        own = keys.load(ground.directory / "keys")
    except SettingsError as error:
        yield bad("keys", error.message, "Bring the key back from a backup; peers know no other.")
        return
    if own.root is not None and ground.settings.mode is Mode.LIVE:
        root = ground.directory / "keys" / "root.nk"
        yield warn("keys", "the root key lies on this machine", f"Move {root} to a place that is offline.")
    else:
        yield good("keys", f"this node signs with {own.sign.public}")


def certificate(ground: Ground) -> Iterator[Finding]:
    """The certificate that peers pin is there and has time left."""
    path = ground.directory / "tls" / CERTIFICATE
    try:
        ends = x509.load_pem_x509_certificate(path.read_bytes()).not_valid_after_utc
    except (OSError, ValueError) as error:
        yield bad("certificate", f"{path} cannot be read: {error}", "Bring it back from a backup; peers pin its key.")
        return
    yield _ending("certificate", "peers' links", (ends - dt.datetime.now(dt.UTC)) / dt.timedelta(days=1))


def public_certificate(ground: Ground) -> Iterator[Finding]:
    """The certificate of `public_url`, when it has one and answers."""
    if ground.public.tls_days is not None:
        yield _ending("public-certificate", ground.settings.base_url, ground.public.tls_days)


def _ending(check: str, whose: str, days: float) -> Finding:
    if days <= 0:
        return bad(check, f"the certificate of {whose} ended {-days:.0f} days ago", "Renew it now.")
    if days < _SOON:
        return warn(check, f"the certificate of {whose} ends in {days:.0f} days", "Renew it.")
    return good(check, f"the certificate of {whose} has {days:.0f} days left")


def disk(ground: Ground) -> Iterator[Finding]:
    """There is room for the record and for the streams as large as they may become."""
    free = shutil.disk_usage(ground.directory).free
    store = _size(ground.directory / "nats" / "jetstream")
    streams = ground.settings.nats.max_bytes * len(modes_of(ground.settings.mode))
    if free < _TOO_LOW:
        yield bad("disk", f"only {free // _MIB} MiB are free", "Make room: a full disk stops every release.")
    elif free < _LOW:
        yield warn("disk", f"only {free // _MIB} MiB are free", "Make room: a full disk stops every release.")
    else:
        yield good("disk", f"{free // _MIB} MiB are free")
    words = f"JetStream holds {store // _MIB} MiB and may grow to {streams // _MIB} MiB"
    if streams - store > free:
        yield warn("jetstream", f"{words}, more than the disk has", "Make room, or set nats.max_bytes lower.")
    else:
        yield good("jetstream", words)


def _size(folder: Path) -> int:
    """Bytes of all files below; one that goes away meanwhile counts nothing."""
    total = 0
    for where, _, names in os.walk(folder):
        for name in names:
            try:
                total += os.lstat(Path(where) / name).st_size
            except OSError:
                continue
    return total
