"""The port of the node's own server: chosen once and kept, because peers were told of it."""

from __future__ import annotations

import json
import socket
from pathlib import Path

from hub.errors import SettingsError


def keep(directory: Path, host: str, wanted: int = 0) -> int:
    """The port that the server in `directory` listens on.

    It is the one in the settings, else the one in `ports.json`, else a free one that is written there for ever.
    SettingsError when `host` is no address of this machine or the record is broken.
    """
    path = directory / "ports.json"
    port = wanted or _kept(path) or free(host)
    if port != wanted or path.exists():
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        part = path.with_suffix(".part")
        part.write_text(json.dumps({"client": port}) + "\n", encoding="ascii")
        part.replace(path)
    return port


def _kept(path: Path) -> int:
    try:
        port = json.loads(path.read_text(encoding="ascii"))["client"]
    except FileNotFoundError:
        return 0
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise SettingsError(f"{path} cannot be read ({error!r}). Set nats.port, or remove it to choose anew.") from None
    if not isinstance(port, int) or not 0 < port < 65536:
        raise SettingsError(f"{path} holds no port. Set nats.port, or remove it to choose anew.")
    return port


def free(host: str) -> int:
    """A port of this host that nobody listened on a moment ago. SettingsError: the host is none of ours."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, 0, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as listener:
            listener.bind(address)
            return int(listener.getsockname()[1])
    except OSError as error:
        raise SettingsError(f"nats.host {host!r} is no address of this machine: {error.strerror}") from None
