"""`hub user ...`: people of a running node. Whoever adds somebody hands over a link; only its owner finishes."""

from __future__ import annotations

import getpass
import os
import sys
from pathlib import Path
from typing import Annotated, Any

import cyclopts
from yarl import URL

from hub.cli.client import Client
from hub.cli.output import AsJson, Url, json_line, say, table
from hub.errors import Invalid, NotFound

app = cyclopts.App(name="user", help_format="plaintext")
_PasswordFile = Annotated[
    Path | None,
    cyclopts.Parameter(help="Where the chosen password stands, on one line; asked for at the terminal else."),
]


@app.command
def add(handle: str, *, name: str, role: list[str], url: Url = None, as_json: AsJson = False) -> int:
    """Add a person and print their link, once. With it they choose their own password; hand it over by a private way."""
    person = Client(url).post("/api/v1/people", json={"handle": handle, "name": name, "roles": role})
    if as_json:
        json_line(person)
    else:
        say(f"{handle} ({', '.join(role)}) is added. For them alone, works once within 72 hours: {person['enrolment']}")
    return 0


@app.command
def reset(handle: str, *, url: Url = None, as_json: AsJson = False) -> int:
    """Print a link by which somebody chooses another password, once. The password of now works until then."""
    client = Client(url)
    made = client.post(f"/api/v1/people/{_person(client, handle)['id']}/enrolment")
    json_line(made) if as_json else say(f"For {handle} alone, works once within 72 hours: {made['enrolment']}")
    return 0


@app.command
def enrol(
    link: str, *, password_file: _PasswordFile = None, label: str = "first", url: Url = None, as_json: AsJson = False
) -> int:
    """Use your own link without a browser: choose your password, get your own first token, printed this once."""
    base, _, code = link.rpartition("/enrol/")
    made = Client(url or (base if URL(base).host else None)).post(
        "/api/v1/enrolments", json={"code": code, "password": _chosen(password_file), "label": label}
    )
    json_line(made) if as_json else say(f"Your password is set. Your token, shown this once: {made['token']}")
    return 0


@app.command(name="list")
def listed(*, url: Url = None, as_json: AsJson = False) -> int:
    """Everybody with an account."""
    people = Client(url).get("/api/v1/people")["people"]
    if as_json:
        json_line(people)
    else:
        rows = (
            (p["handle"], p["name"], ", ".join(p["roles"]), "open" if p["active"] else "closed", p["id"])
            for p in people
        )
        table(("HANDLE", "NAME", "ROLES", "ACCOUNT", "ID"), rows, "Nobody.")
    return 0


@app.command
def token(person_id: str = "me", *, label: str, url: Url = None, as_json: AsJson = False) -> int:
    """Make a token of your own and print it, once; for somebody else only where they cannot, such as a program's account."""
    issued = Client(url).post(f"/api/v1/people/{person_id}/tokens", json={"label": label})
    json_line(issued) if as_json else say(f"Token, shown this once: {issued['token']}")
    return 0


def _person(client: Client, handle: str) -> dict[str, Any]:
    """Raises NotFound when nobody is called so."""
    found = [person for person in client.get("/api/v1/people")["people"] if person["handle"] == handle]
    if not found:
        raise NotFound(f"There is no {handle} at this node; hub user list shows who is.")
    return dict(found[0])


def _chosen(file: Path | None) -> str:
    """The password: from a file, from HUB_PASSWORD_FILE, or asked for twice. Raises Invalid when nobody can be asked."""
    named = file or (Path(os.environ["HUB_PASSWORD_FILE"]) if os.environ.get("HUB_PASSWORD_FILE") else None)
    if named is not None:
        return named.read_text(encoding="utf-8").rstrip("\n")
    if not sys.stdin.isatty():
        raise Invalid("There is no terminal to ask for the password: name a file with --password-file.")
    first, second = getpass.getpass("New password: "), getpass.getpass("The same again: ")
    if first != second:
        raise Invalid("The two passwords differ.")
    return first
