"""`hub post` and `hub bulletin ...`: the desk from a terminal, as the person whose token is given."""

from __future__ import annotations

import datetime as dt
import json
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import cyclopts

from hub.cli.client import Client
from hub.cli.output import AsJson, Url, json_line, say, table
from hub.errors import Invalid

app = cyclopts.App(name="bulletin", help_format="plaintext")
_Id = Annotated[str, cyclopts.Parameter(help="The draft's id, or its product id such as TX-2026-0042.")]


def post(file: Path, *, url: Url = None, as_json: AsJson = False) -> int:
    """Make a draft from a JSON or TOML file with the fields of POST /api/v1/bulletins; `-` reads JSON from standard input.

    Instead of `expires` the file may say `expires_in_days`, a number counted from now.
    """
    made = Client(url).post("/api/v1/bulletins", json=_dated(_read(file)))
    json_line(made) if as_json else say(
        f"Draft {made['id']} is at the desk, version {made['version']}. Next: hub bulletin submit {made['id']}"
    )
    return 0


def _dated(body: Any) -> Any:
    if not isinstance(body, dict) or "expires_in_days" not in body:
        return body
    days = body.pop("expires_in_days")
    if isinstance(days, bool) or not isinstance(days, int | float) or not 0 < days < 3_000:
        raise Invalid("expires_in_days takes a number of days above 0, such as 7.")
    return body | {"expires": (dt.datetime.now(dt.UTC) + dt.timedelta(days=days)).isoformat()}


def _read(file: Path) -> Any:
    text = sys.stdin.read() if str(file) == "-" else _text(file)
    if file.suffix != ".toml":
        return _parsed(file, json.loads, text, "JSON")
    # TOML has dates of its own; the API takes them as RFC 3339 text.
    return json.loads(json.dumps(_parsed(file, tomllib.loads, text, "TOML"), default=dt.datetime.isoformat))


def _parsed(file: Path, parse: Callable[[str], Any], text: str, form: str) -> Any:
    try:
        return parse(text)
    except ValueError as error:
        raise Invalid(f"{file} cannot be read as {form}: {error}") from error


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise Invalid(f"{file} cannot be read: {error}") from error


@app.command(name="list")
def list_bulletins(*, url: Url = None, as_json: AsJson = False) -> int:
    """List what is at the desk and what was released, newest first."""
    answer = Client(url).get("/api/v1/bulletins")
    rows = answer["bulletins"]
    if as_json:
        json_line(rows)
    else:
        cells = ((r.get("product_id") or r["id"], r["status"], r["tlp"], r["topic"], r["headline"]) for r in rows)
        table(
            ("id", "status", "tlp", "topic", "headline"),
            cells,
            "No bulletins yet. Make one with: hub post FILE",
        )
    return 0


@app.command
def show(bulletin: _Id, *, url: Url = None, as_json: AsJson = False) -> int:
    """Show one bulletin with its approvals."""
    found = Client(url).get(f"/api/v1/bulletins/{bulletin}")
    if as_json:
        json_line(found)
    else:
        for key, value in found.items():
            say(f"{key:20} {value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)}")
    return 0


@app.command
def submit(bulletin: _Id, *, url: Url = None, as_json: AsJson = False) -> int:
    """Hand a draft to a second person."""
    return _act(bulletin, "submit", {}, url, as_json=as_json)


@app.command
def send_back(bulletin: _Id, *, reason: str, url: Url = None, as_json: AsJson = False) -> int:
    """Hand a submitted draft back to its author, saying why."""
    return _act(bulletin, "send-back", {"reason": reason}, url, as_json=as_json)


@app.command
def approve(bulletin: _Id, *, url: Url = None, as_json: AsJson = False) -> int:
    """Approve the content as it stands; any later edit voids it."""
    return _act(bulletin, "approve", {}, url, as_json=as_json)


@app.command
def publish(bulletin: _Id, *, url: Url = None, as_json: AsJson = False) -> int:
    """Release an approved bulletin: number, sign, journal, send."""
    return _act(bulletin, "publish", {}, url, as_json=as_json)


@app.command
def withdraw(bulletin: _Id, *, reason: str, url: Url = None, as_json: AsJson = False) -> int:
    """Withdraw a released bulletin everywhere, for good. `reason` is a code such as error, hoax, privacy, legal."""
    return _act(bulletin, "withdraw", {"reason": reason}, url, as_json=as_json)


def _act(bulletin: str, verb: str, body: dict[str, Any], url: str | None, *, as_json: bool) -> int:
    client = Client(url)
    seen = client.get(f"/api/v1/bulletins/{bulletin}")["version"]
    done = client.post(f"/api/v1/bulletins/{bulletin}/{verb}", json={"version": seen, **body})
    if as_json:
        json_line(done)
    else:
        say(f"{done.get('product_id') or done.get('id', bulletin)}: {done.get('status', verb)}")
    return 0
