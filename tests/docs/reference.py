"""The pages of docs/reference/, made from the code: `python -m tests.docs` writes them, test_reference.py holds them in step."""

from __future__ import annotations

import enum
import inspect
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pydantic

from hub.cli.root import app
from hub.metrics import REGISTRY
from hub.settings import Fetch, Nats, Settings, SourceChoice, Web
from hub.web.app import ROUTES
from hub.web.problem import KINDS
from hub.web.route import Route
from schemas import json_schema, subjects, vocabulary
from tests.house.tree import ROOT

FOLDER = ROOT / "docs" / "reference"
_MADE = "<!-- Made from the code by `python -m tests.docs`; change the code, not this page. -->\n\n"

# One line a setting; test_reference.py wants exactly the settings that there are.
SETTINGS: dict[str, str] = {
    "state": "Two letters of the state or territory that this node speaks for. The only one that must be set.",
    "mode": "`live`, or `exercise`: then nothing that the node says is real, and it has no live stream.",
    "name": "What the centre is called on pages and in feeds. Empty: the state's name and School Safety Center.",
    "desks": "Desks of the state that this node speaks for too, such as `ntic` for `tx-ntic`.",
    "public_url": "The address by which readers come, behind the proxy; base of every address in feeds and pages.",
    "contact": "Where flaws are reported, and who fetches: an e-mail address or an https address.",
    "zone": "IANA time zone of the pages, such as `America/Chicago`. Empty: the zone of most of the state.",
    "log": "`json`: one JSON object a line, for a service. `console`: in colour, for a terminal.",
    "web.host": "Address that pages, feeds and API listen on. Leave it at loopback and put a TLS proxy in front.",
    "web.port": "Port of the pages, feeds and API.",
    "web.per_address": "Connections that one client address may have open; this machine's own (a proxy) are not counted.",
    "nats.host": "Address that the node's own nats-server listens on; peers dial it directly.",
    "nats.port": "Port of the nats-server. 0: chosen once and kept.",
    "nats.address": "What peers are told to dial, such as `tls://hub.example.org:4222`. Empty: host and port.",
    "nats.max_bytes": "Size of each stream in bytes. A live node has two streams.",
    "fetch.contact": "What stands in the User-Agent of fetches. Empty: `contact`. Without either nothing is fetched.",
    "fetch.allow": "Private hosts or networks that may be fetched from; everything private is refused otherwise.",
    "sources.NAME.enabled": "Whether this federal source is polled.",
    "sources.NAME.url": "Another address of the source, such as a mirror.",
    "sources.NAME.every": "Seconds between two polls. Empty: the source's own interval.",
}
VARIABLES: dict[str, str] = {
    "HUB_URL": "Address of the running node for commands that ask it. Else `http://127.0.0.1:8100`.",
    "HUB_TOKEN": "The token of the person for whom a command acts. Better in a file:",
    "HUB_TOKEN_FILE": "A file that holds the token.",
    "HUB_PASSWORD_FILE": "A file that holds the password which `hub user enrol` sets.",
    "HUB_NATS_SERVER": "The nats-server program. Else the one beside Python, else the one on the PATH.",
}


def pages() -> dict[str, str]:
    """File name -> its text."""
    made = {
        "settings": _settings(), "cli": _commands(), "subjects": _subjects(), "schema": _schema(),
        "http-api": _http(), "metrics": _metrics(), "problems": _problems(),
    }  # fmt: skip
    return {f"{name}.md": _MADE + text.rstrip() + "\n" for name, text in made.items()}


def write(folder: Path = FOLDER) -> list[str]:
    """Write the pages that are not in step; their names."""
    folder.mkdir(parents=True, exist_ok=True)
    changed = [
        name
        for name, text in pages().items()
        if not (folder / name).exists() or (folder / name).read_text(encoding="utf-8") != text
    ]
    for name in changed:
        (folder / name).write_text(pages()[name], encoding="utf-8")
    return changed


def table(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    lines = ["| " + " | ".join(columns) + " |", "|" + "---|" * len(columns)]
    lines += ["| " + " | ".join(_cell(cell) for cell in row) + " |" for row in rows]
    return "\n".join(lines) + "\n"


def _cell(value: Any) -> str:
    return str(value).replace("|", "\\|").replace("\n", " ")


# ---------------------------------------------------------------------------------------------- settings
def settings() -> Iterator[tuple[str, pydantic.fields.FieldInfo]]:
    """Every setting that can be written, by its full name."""
    tables: dict[str, type[pydantic.BaseModel]] = {
        "web": Web, "nats": Nats, "fetch": Fetch, "sources.NAME": SourceChoice,
    }  # fmt: skip
    for name, field in Settings.model_fields.items():
        if name not in {"directory", "web", "nats", "fetch", "sources"}:
            yield name, field
    for prefix, model in tables.items():
        for name, field in model.model_fields.items():
            yield f"{prefix}.{name}", field


def _settings() -> str:
    rows = [(f"`{name}`", _default(field), SETTINGS.get(name, "")) for name, field in settings()]
    variables = [(f"`{name}`", words) for name, words in VARIABLES.items()]
    return (
        "# Settings\n\n"
        "They stand in `hub.toml`, in the node's folder. The environment goes before the file: `HUB_` and the name, nested\n"
        "names joined by two underscores, such as `HUB_WEB__PORT`. A misspelt setting stops the node and names the right one.\n\n"
        + table(("setting", "default", "meaning"), rows)
        + "\n`policy.toml` beside it says what the state's law asks for beyond the house's rules; `hub doctor` says it in words:\n\n"
        + "```toml\n" + _policy() + "```\n\n## Variables of commands\n\n" + table(("variable", "meaning"), variables)
    )  # fmt: skip


def _default(field: pydantic.fields.FieldInfo) -> str:
    if field.is_required():
        return "(must be set)"
    value = field.get_default(call_default_factory=True)
    value = value.value if isinstance(value, enum.Enum) else value
    return "(empty)" if value in ("", None, ()) else f"`{json.dumps(value)}`"


def _policy() -> str:
    import hub.rules.policy  # noqa: PLC0415 - only its words are wanted

    lines = (hub.rules.policy.__doc__ or "").splitlines()
    return "\n".join(line[4:] for line in lines if line.startswith("    ")) + "\n"


# ---------------------------------------------------------------------------------------------- commands
def _commands() -> str:
    made = app.generate_docs(output_format="markdown", recursive=True, include_hidden=False)
    # cyclopts keeps a part of how this very process was started (python -m ...) in the usage lines.
    made = re.sub(r"^(hub(?: [a-z][a-z-]*)+) -m \S+", r"\1", made, flags=re.MULTILINE)
    made = made.replace("```console", "```text").replace("# hub\n", "# Commands\n", 1)
    return made + "\nExit codes: 0 good, 1 judged bad or refused, 2 usage or settings, 3 no node answered.\n"


# ---------------------------------------------------------------------------------------------- subjects
def _subjects() -> str:
    grammar = re.findall(r"^    (\S+) +(\S+)$", subjects.__doc__ or "", re.MULTILINE)
    rows = [(f"`{form}`", f"`{example}`") for form, example in grammar]
    return (
        "# Subjects\n\nWhere messages travel on NATS. The rules are in [the protocol](../protocol.md); a peer's account can only\n"
        "pull what its agreement allows.\n\n" + table(("subject", "such as"), rows)
        + "\n## Words\n\n" + table(("word", "one of"), _words(("Mode", "Lane", "Tlp", "Topic")))
    )  # fmt: skip


def _words(names: Iterable[str] | None = None) -> Iterator[tuple[str, str]]:
    for name, kind in vars(vocabulary).items():
        is_list = inspect.isclass(kind) and issubclass(kind, enum.StrEnum) and kind is not enum.StrEnum
        if is_list and (names is None or name in names):
            yield f"{name}: {(kind.__doc__ or '').splitlines()[0]}", " ".join(f"`{each.value}`" for each in kind)


# ------------------------------------------------------------------------------------------------ schema
def _schema() -> str:
    out = "# Schema\n\nWhat travels, field by field. The JSON Schemas lie in `schemas/json/`; "
    out += "[the protocol](../protocol.md) says what is signed.\n"
    for name, raw in sorted(json_schema.documents().items()):
        document = json.loads(raw)
        top = document["$defs"][document["$ref"].rpartition("/")[2]] if "$ref" in document else document
        needed = set(top.get("required", ()))
        rows = [(f"`{key}`", _kind(spec), "yes" if key in needed else "") for key, spec in top["properties"].items()]
        out += f"\n## {name.removesuffix('.json')}\n\n{document['title']}.\n\n" + table(
            ("field", "kind", "needed"), rows
        )
    return out + "\n## Closed lists\n\n" + table(("list", "words"), _words())


def _kind(spec: dict[str, Any]) -> str:
    if "$ref" in spec:
        return str(spec["$ref"]).rpartition("/")[2]
    if "anyOf" in spec:
        return " or ".join(dict.fromkeys(_kind(each) for each in spec["anyOf"]))
    if "enum" in spec:
        return ", ".join(f"`{each}`" for each in spec["enum"])
    if spec.get("type") == "array":
        return f"list of {_kind(spec['items'])}" if isinstance(spec.get("items"), dict) else "list"
    return str(spec.get("format") or spec.get("type") or "anything")


# -------------------------------------------------------------------------------------------------- http
def _http() -> str:
    programs = [route for route in ROUTES if not route.page]
    desk = [route for route in ROUTES if route.page]
    return (
        "# HTTP API\n\n"
        "`/openapi.json` of a running node describes every body and answer. Programs send `Authorization: Bearer TOKEN`;\n"
        "every POST takes an `Idempotency-Key`, good for 24 hours. Changing a draft needs the version that you saw, in the body\n"
        'or as `If-Match: "3"`. Errors are RFC 9457 problems ([list](problems.md)).\n\n'
        "## For programs and readers\n\n" + table(("request", "what", "who", "answers with"), map(_route, programs))
        + "\n## Feed parameters\n\n" + table(("parameter", "meaning"), _parameters())
        + "\n## Pages for people who sign in\n\n"
        + (table(("request", "what", "who", "answers with"), map(_route, desk)) if desk else "None.\n")
    )  # fmt: skip


def _route(route: Route) -> tuple[str, str, str, str]:
    return f"`{route.method} {route.path}`", route.summary, _who(route), ", ".join(route.media) or "no body"


def _who(route: Route) -> str:
    words = {
        "public": "anybody", "token": "any person with a token", "person": "any person who is signed in",
        "operator": "an operator", "local": "this machine, or an operator",
    }  # fmt: skip
    return words.get(str(route.access), f"who may {str(route.access).replace('_', ' ').replace('-', ' ')}")


def _parameters() -> list[tuple[str, str]]:
    (feed,) = [route for route in ROUTES if route.name == "feed"]
    return [(f"`{each.name}`", each.about) for each in feed.query]


# ----------------------------------------------------------------------------------- metrics and problems
def metrics() -> list[tuple[str, str, str, str]]:
    """Name as it is scraped, kind, labels and words of every metric of ours."""
    rows = []
    for collector in dict.fromkeys(REGISTRY._collector_to_names):
        described = getattr(collector, "_documentation", None)
        if described is not None:
            name = collector._name + ("_total" if collector._type == "counter" else "")
            labels = ", ".join(f"`{label}`" for label in collector._labelnames)
            rows.append((f"`{name}`", collector._type, labels, described))
    return sorted(rows)


def _metrics() -> str:
    return (
        "# Metrics\n\nAt `/metrics`, as Prometheus text, for this machine without a token and for operators with one. Beside these\n"
        "there are the usual `process_*` figures. The counters begin at 0 with each start of the node.\n\n"
        + table(("metric", "kind", "labels", "meaning"), metrics())
        + "\nWorth an alarm: `hub_read_only == 1`; `hub_database_up == 0`; `hub_outbox_oldest_seconds > 300`;\n"
        '`hub_peer_state{state="connected"} == 0` for ten minutes; `time() - hub_source_last_good_seconds` above three intervals.\n'
    )  # fmt: skip


def _problems() -> str:
    rows = [(f"`{kind.code}`", kind.status, kind.title, kind.advice) for kind in KINDS.values()]
    return (
        "# Problems\n\nEvery refusal is an RFC 9457 problem document; `type` is `/problems/CODE` of the node. `code` says more exactly\n"
        "what it was, `errors` names each field, `incident` is the number under which the node's log has the cause.\n\n"
        + table(("kind", "status", "means", "what to do"), rows)
    )  # fmt: skip
