"""`hub sources ...`: how federal sources do, running one now, and reading files of theirs offline."""

from __future__ import annotations

import dataclasses
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote

import cyclopts
import msgspec
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from connectors import chain
from connectors.answer import Parsed, Unreadable
from connectors.source import SOURCES, Source, changes, held, is_gone
from hub.cli.output import AsJson, Url, json_line, say, table
from hub.errors import HubError, Invalid
from schemas.bulletin import Advisory
from schemas.vocabulary import Action

app = cyclopts.App(name="sources", help_format="plaintext")
_Each = Annotated[
    bool, cyclopts.Parameter(name="--each", negative="", help="Read every file as if it were the first one.")
]
_From = Annotated[
    Path | None, cyclopts.Parameter(name="--from", help="Read this file as the source's answer; nothing is fetched.")
]
_FIELDS = (
    "source", "key", "revision", "action", "status", "headline", "summary", "severity", "urgency", "certainty",
    "topics", "areas", "effective", "expires", "references", "url", "language", "languages", "tlp",
)  # fmt: skip
_SIGNS = {Action.NEW: "+", Action.UPDATE: "~", Action.CANCEL: "-"}


@app.command
def parse(name: str, file: Path, /, *more: Path, each: _Each = False, as_json: AsJson = False) -> int:
    """Read files of one source offline, in the order given: later files yield only what is new, changed or gone.

    Exit 0: all was read. 1: something was unreadable. 2: usage.
    """
    source = SOURCES.get(name)
    if source is None:
        sys.stderr.write(f"hub: There is no source {name!r}; known: {', '.join(sorted(SOURCES))}.\n")
        return 2
    clean = True
    for found in _read(source, (file, *more), each=each):
        clean = clean and not isinstance(found, Unreadable)
        _show(found, as_json=as_json)
    return 0 if clean else 1


@app.command(name="list")
def list_sources(*, url: Url = None, as_json: AsJson = False) -> int:
    """List the sources that the running node knows, with their last good answer."""
    found = _client(url).get("/api/v1/sources")["sources"]
    if as_json:
        json_line(found)
        return 0
    rows = (
        (each["name"], _state(each), each.get("last_good"), each.get("next_run"), each.get("error")) for each in found
    )
    table(("source", "state", "last good answer", "next", "error"), rows, "No sources.")
    return 0


@app.command
def run(name: str, *, given: _From = None, url: Url = None, as_json: AsJson = False) -> int:
    """Run one source now, at the running node; with --from, a file is read as its answer.

    Exit 0: all was read. 1: something was unreadable, or the source did not answer.
    """
    data = None if given is None else _bytes(given)
    client = _client(url)
    result: dict[str, Any] = {}
    with _progress() as progress:
        task = progress.add_task(name, total=None)

        def take(line: dict[str, Any]) -> None:
            if "parsed" in line:
                progress.update(task, total=line["parsed"], completed=line["done"])
            elif "unreadable" in line:
                progress.console.print(line["unreadable"]["error"], markup=False, highlight=False)
            elif "error" in line:
                raise HubError(line["error"], code=line.get("code", "error"))
            else:
                result.update(line.get("result", {}))

        client.stream(f"/api/v1/sources/{quote(name, safe='')}/run", data, take)
    if not result:
        raise HubError("The run ended without a result; the node's log has the cause.")
    json_line(result) if as_json else say(_summary(result))
    return 1 if result["errors"] else 0


def _client(url: str | None) -> Any:
    from hub.cli.client import Client  # noqa: PLC0415 - it loads aiohttp, which `parse` never needs

    return Client(url)


def _read(source: Source, files: tuple[Path, ...], *, each: bool) -> Iterator[tuple[Advisory, str] | Unreadable]:
    """What each file adds to those before it, and all that could not be read."""
    last: dict[str, Advisory] = {}
    known: dict[str, str] = {}
    # A name that is no UTF-8 could not be written as JSON.
    named = ((path, os.fsencode(path).decode("utf-8", "replace")) for path in files)
    answers: Iterable[tuple[str, Parsed]] = ((file, _parsed(source, path, file)) for path, file in named)
    if source.messages:
        answers = _resolved(tuple(answers))
    for file, parsed in answers:
        if each:
            last, known = {}, {}
        yield from parsed.errors
        if source.snapshot and (doubt := held(known, parsed)):
            yield Unreadable(doubt, file)
        for advisory in changes(known, parsed, source.snapshot, last):
            ended = advisory.key in last and last[advisory.key].action is Action.CANCEL
            last[advisory.key], known[advisory.key] = advisory, advisory.revision
            if not (ended and is_gone(advisory.revision)):  # its own last words ended it: leaving the list adds nothing
                yield advisory, file


def _resolved(answers: Sequence[tuple[str, Parsed]]) -> Iterator[tuple[str, Parsed]]:
    """References hold over all files of a call, also to a later one: archives are newest first."""
    around = chain.by_identity(advisory for _, parsed in answers for advisory in parsed.advisories)
    for file, parsed in answers:
        worded = tuple(chain.completed(advisory, around) for advisory in parsed.advisories)
        yield file, dataclasses.replace(parsed, advisories=worded)


def _parsed(source: Source, path: Path, file: str) -> Parsed:
    try:
        with path.open("rb") as opened:
            return source.parse(opened.read(source.max_bytes + 1), file)
    except OSError as error:
        return Parsed(errors=(Unreadable(f"The file cannot be opened: {error.strerror}.", file),))


def _show(found: tuple[Advisory, str] | Unreadable, *, as_json: bool) -> None:
    if as_json:
        say(msgspec.json.encode(_line(found)).decode())
    elif isinstance(found, Unreadable):
        say(f"! {found.file}: {found.error}")
    else:
        advisory = found[0]
        say(f"{_SIGNS[advisory.action]} {advisory.key:<18} {advisory.severity:<8} {advisory.headline}")


def _line(found: tuple[Advisory, str] | Unreadable) -> dict[str, Any]:
    """The line of DESIGN section 6: these members in this order; `item` counts from 0 and is null for what is gone."""
    if isinstance(found, Unreadable):
        return {"error": found.error, "file": found.file, "item": found.item}
    advisory, file = found
    made = {field: getattr(advisory, field) for field in _FIELDS}
    return made | {"file": file, "item": int(advisory.item) if advisory.item.isdigit() else advisory.item or None}


def _bytes(path: Path) -> bytes:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise Invalid(f"{path} cannot be read: {error.strerror}") from error
    if not data:
        raise Invalid(f"{path} is empty; an empty answer says nothing about threats.")
    return data


def _progress() -> Progress:
    """On standard error, so that what --json prints stays whole; nothing is drawn where nobody looks."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    return Progress(*columns, console=Console(stderr=True))


def _summary(result: dict[str, Any]) -> str:
    counts = ", ".join(f"{result[word]} {word}" for word in ("new", "updated", "cancelled", "unchanged"))
    errors = f"; {result['errors']} unreadable: {result['reason']}" if result["errors"] else ""
    return f"{result['status']}: {counts}{errors}"


def _state(source: dict[str, Any]) -> str:
    if not source.get("enabled"):
        return "off"
    return f"failing ({source['failures']})" if source.get("failures") else "on"
