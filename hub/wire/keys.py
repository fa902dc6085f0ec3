"""The node's own keys: nkeys in seed files that only the node's account can read (FORMAT "Keys"; NATS nkeys).

A key has one use. A NATS login signs whatever nonce the server sends, so a connection key would sign a forged flash for any
server that it dials: keys that log in are of type U and sign no prefixed string, keys that speak for the node are of type A
or O and sign nothing else.
"""

from __future__ import annotations

import dataclasses
import os
import re
import secrets
from pathlib import Path
from typing import Final

import nkeys
from nacl.signing import SigningKey

from hub.errors import SettingsError
from schemas.keys import Prefix, encode_public

_PREFIXED: Final = re.compile(rb"hub-[a-z-]+-v1\x00", re.ASCII)
_SEED: Final = re.compile(rb"S[AOU][A-Z2-7]{56}", re.ASCII)
_PREFIX_BYTE: Final[dict[Prefix, int]] = {
    "A": nkeys.PREFIX_BYTE_ACCOUNT,
    "O": nkeys.PREFIX_BYTE_OPERATOR,
    "U": nkeys.PREFIX_BYTE_USER,
}
USES: Final[dict[str, Prefix]] = {"root": "O", "sign": "A", "connect": "U", "hub": "U"}


@dataclasses.dataclass(frozen=True, slots=True)
class Key:
    """One key pair. `public` is the nkey as it stands in entries and headers, `seed` its secret half."""

    prefix: Prefix
    public: str
    seed: str = dataclasses.field(repr=False)
    _pair: SigningKey = dataclasses.field(repr=False, compare=False)

    def sign(self, data: bytes) -> bytes:
        """64 bytes of Ed25519 over `data` (RFC 8032). ValueError when the key may not sign such bytes."""
        if (self.prefix == "U") == bool(_PREFIXED.match(data)):
            raise ValueError(f"a key of type {self.prefix} does not sign this")
        return self._pair.sign(data).signature


@dataclasses.dataclass(frozen=True, slots=True)
class Keys:
    """What a node holds: `sign` for messages, `connect` to dial peers, `hub` for its own server.

    `root` vouches for the others; it is kept offline and lies here only until the operator takes it away.
    """

    sign: Key
    connect: Key
    hub: Key
    root: Key | None = None


def generate(prefix: Prefix) -> Key:
    """A new key pair of this type."""
    return _read(bytes(nkeys.encode_seed(secrets.token_bytes(32), _PREFIX_BYTE[prefix])), prefix)


def make(directory: Path) -> Keys:
    """Make what lacks of the node's keys in `directory` (mode 0700; files `<use>.nk`, mode 0600) and load them all.

    A key that is there is never made anew: peers know it.
    """
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    for use, prefix in USES.items():
        if not (path := directory / f"{use}.nk").exists():
            write_secret(path, generate(prefix).seed.encode("ascii") + b"\n")
    return load(directory)


def load(directory: Path) -> Keys:
    """Read the node's keys. SettingsError names the file that is missing, open to others or not a seed of its type."""
    root = directory / "root.nk"
    named = {use: _load(directory / f"{use}.nk", USES[use]) for use in ("sign", "connect", "hub")}
    keys = Keys(**named, root=_load(root, "O") if root.exists() else None)
    if keys.connect.public == keys.hub.public:
        raise SettingsError(f"{directory}: connect.nk and hub.nk hold the same key; a key has one use")
    return keys


def write_secret(path: Path, data: bytes) -> None:
    """Write a new file that only its owner can read; FileExistsError when it is there."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _load(path: Path, prefix: Prefix) -> Key:
    try:
        mode, seed = path.stat().st_mode, path.read_bytes().strip()
    except OSError as error:
        raise SettingsError(f"{path}: the key cannot be read: {error.strerror}. Make a node with: hub init") from None
    if mode & 0o077:
        raise SettingsError(
            f"{path} can be read by other accounts of this machine. Put it right with: chmod 600 {path}"
        )
    try:
        return _read(seed, prefix)
    except ValueError as error:
        raise SettingsError(f"{path} is no seed of type {prefix}: {error}") from None


def _read(seed: bytes, prefix: Prefix) -> Key:
    """The key of a seed; ValueError for another type, spelling or checksum (`nkeys` does not look at the checksum)."""
    if _SEED.fullmatch(seed) is None:
        raise ValueError("it does not look like one")
    try:
        found, raw = nkeys.decode_seed(seed)
        canonical = bytes(nkeys.encode_seed(bytes(raw), found))
    except Exception as error:  # noqa: BLE001 - nkeys raises bare errors of several kinds
        raise ValueError(type(error).__name__) from None
    if canonical != seed:
        raise ValueError("its checksum does not match")
    if found != _PREFIX_BYTE[prefix]:
        raise ValueError("it is of another type")
    pair = SigningKey(bytes(raw))
    return Key(prefix, encode_public(prefix, bytes(pair.verify_key)), seed.decode("ascii"), pair)
