"""`hub init`: a new node in a new folder."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import cyclopts

from hub.cli.founding import Founding, Seat, found, seat
from hub.cli.output import say
from hub.node import utc_now
from hub.rules.authority import Role
from hub.wire.keys import write_secret

_Name = Annotated[str, cyclopts.Parameter(help="What the centre is called on pages and in feeds.")]


def init(directory: Path, *, state: str, exercise: bool = False, name: _Name = "", web_port: int = 8100) -> int:
    """Make a node: hub.toml, keys, TLS certificate, database, and an operator with a link for a password and a token in a file."""
    now = utc_now()
    entry = found(directory, Founding(state=state, exercise=exercise, name=name, web_port=web_port), now)
    keys = seat(directory, (Seat("operator", "First operator", Role.OPERATOR),), now)["operator"]
    write_secret(directory / "operator.token", keys.token.encode() + b"\n")
    say(f"A node for {entry.name} lies in {directory} ({entry.mode}).")
    say(f"  Run it:       hub run --config {directory / 'hub.toml'}")
    say(f"  Then choose the operator's password, once, within 72 hours: {keys.link}")
    say(f"  Act as its operator: HUB_URL={entry.public_url} HUB_TOKEN_FILE={directory / 'operator.token'}")
    say("  Add people:   hub user add analyst.one --name 'Analyst One' --role analyst    (prints a link for them)")
    say(f"  Move {directory / 'keys' / 'root.nk'} to a place that is offline; the node runs without it.")
    return 0
