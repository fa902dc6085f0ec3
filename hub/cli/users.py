"""`hub user ...`: people of a running node and their tokens, as its operator."""

from __future__ import annotations

import cyclopts

from hub.cli.client import Client
from hub.cli.output import AsJson, Url, json_line, say

app = cyclopts.App(name="user", help_format="plaintext")


@app.command
def add(handle: str, *, name: str, role: list[str], url: Url = None, as_json: AsJson = False) -> int:
    """Add a person and print a token for them, once. Hand it over by a way that nobody else reads."""
    client = Client(url)
    person = client.post("/api/v1/people", json={"handle": handle, "name": name, "roles": role})
    issued = client.post(f"/api/v1/people/{person['id']}/tokens", json={"label": "first"})
    if as_json:
        json_line(person | {"token": issued["token"]})
    else:
        say(f"{handle} ({', '.join(role)}) is added. Token, shown this once: {issued['token']}")
    return 0


@app.command
def token(person_id: str, *, label: str, url: Url = None, as_json: AsJson = False) -> int:
    """Make another token for a person and print it, once."""
    issued = Client(url).post(f"/api/v1/people/{person_id}/tokens", json={"label": label})
    json_line(issued) if as_json else say(f"Token, shown this once: {issued['token']}")
    return 0
