"""`hub peer ...`: peer states, from files exchanged by their operators. Invitations by code come with the federation work."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cyclopts

from hub.cli.client import Client
from hub.cli.offers import fetch
from hub.cli.output import AsJson, Url, json_line, say, table
from hub.errors import Invalid

app = cyclopts.App(name="peer", help_format="plaintext")


@app.command
def entry(*, out: Path | None = None, url: Url = None) -> int:
    """Print this node's own register entry (keys, address, pin), or write it to a file for a peer's operator."""
    own = json.dumps(Client(url).get("/api/v1/register-entry"), indent=2)
    if out is None:
        say(own)
    else:
        out.write_text(own + "\n", encoding="utf-8")
        say(f"Wrote {out}. Compare the fingerprint by phone before the peer says yes.")
    return 0


@app.command
def accept(file: Path, *, url: Url = None, as_json: AsJson = False) -> int:
    """Take a peer's register entry from a file. Nothing is shared before an agreement is set with `hub peer agree`."""
    done = Client(url).post("/api/v1/peers", json=_read(file))
    json_line(done) if as_json else say(
        f"{done['place'].upper()} is a peer. Next: hub peer agree {done['place'].upper()} AGREEMENT.json"
    )
    return 0


@app.command
def agree(place: str, file: Path, *, url: Url = None, as_json: AsJson = False) -> int:
    """Set what this node shares with a peer: topics, TLP ceiling, lanes, dates."""
    done = Client(url).post(f"/api/v1/peers/{place.lower()}/agreement", json=_read(file))
    json_line(done) if as_json else say(f"The agreement with {place.upper()} is in force at this node's broker.")
    return 0


@app.command
def offer(place: str, *, out: Path, url: Url = None, as_json: AsJson = False) -> int:
    """Write what a restored peer can be given back: its own signed bulletins and recalls, and ours that are meant for it."""
    count = fetch(Client(url), place.lower(), out)
    json_line({"file": str(out), "messages": count}) if as_json else say(
        f"{count} messages lie in {out}. It may hold AMBER: hand it over as such. There: hub restore ... --from-peers FILE"
    )
    return 0


@app.command(name="list")
def list_peers(*, url: Url = None, as_json: AsJson = False) -> int:
    """List peers with their agreement and the state of the link."""
    peers = Client(url).get("/api/v1/peers")["peers"]
    if as_json:
        json_line(peers)
    else:
        rows = (
            (
                p["place"].upper(),
                p.get("agreement") and p["agreement"]["ceiling"],
                p.get("link", {}).get("state"),
                p.get("link", {}).get("error"),
            )
            for p in peers
        )
        table(
            ("peer", "we share up to", "link", "error"),
            rows,
            "No peers yet. Exchange files with: hub peer entry --out FILE",
        )
    return 0


def _read(file: Path) -> Any:
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise Invalid(f"{file} cannot be read as JSON: {error}") from error
