"""`hub demo`, `hub demo --check`, `hub demo stop|start STATE`."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import os
import shutil
import signal
import tempfile
import time
from pathlib import Path
from typing import Annotated

import cyclopts

from hub.cli.demo import nodes
from hub.cli.demo.check import Outcome, rehearse
from hub.cli.demo.network import Network
from hub.cli.output import AsJson, json_line, say
from hub.errors import Conflict, Invalid
from schemas.places import PLACES

app = cyclopts.App(name="demo", help_format="plaintext")
_Data = Annotated[Path | None, cyclopts.Parameter(help="Where the demo's nodes lie; made anew each time.")]
_MARK = ".hub-demo"


@app.default
def demo(*, states: str = "tx,oh,va", data: _Data = None, check: bool = False, as_json: AsJson = False) -> int:
    """Run federated nodes as separate processes, seeded, in exercise mode, until Ctrl-C. With --check, run the main job once."""
    chosen = _states(states, at_least=3 if check else 2)
    directory = _fresh(data or _usual_place(check=check))
    if check:
        return asyncio.run(_check(Network(chosen, directory), as_json=as_json))
    return asyncio.run(_stay(Network(chosen, directory), as_json=as_json))


@app.command
def stop(state: str, *, data: _Data = None) -> int:
    """Stop one node of the running demo; the others go on and catch it up later."""
    return asyncio.run(_move(state.lower(), data or _usual_place(), begin=False))


@app.command
def start(state: str, *, data: _Data = None) -> int:
    """Start a stopped node of the running demo and watch it catch up."""
    return asyncio.run(_move(state.lower(), data or _usual_place(), begin=True))


def _states(text: str, *, at_least: int) -> list[str]:
    chosen = [state.strip().lower() for state in text.split(",") if state.strip()]
    unknown = [state for state in chosen if state not in PLACES]
    if unknown:
        raise Invalid(
            f"--states: {', '.join(unknown)} is not a state or territory; write two letters, such as tx,oh,va"
        )
    if len(set(chosen)) != len(chosen) or not at_least <= len(chosen) <= 6:
        raise Invalid(f"--states: name {at_least} to 6 different states, such as tx,oh,va")
    return chosen


def _usual_place(*, check: bool = False) -> Path:
    if check:
        return Path(tempfile.mkdtemp(prefix="hub-check-"))
    return Path(tempfile.gettempdir()) / f"hub-demo-{os.getuid()}"


def _fresh(directory: Path) -> Path:
    """An empty directory for the demo: an earlier demo's is erased, anything else is left alone and refused."""
    if (directory / nodes.RECORD).exists() and any(nodes.alive(node) for node in nodes.load(directory).values()):
        raise Conflict(f"A demo is running in {directory}. Stop it with Ctrl-C there, or choose another --data.")
    if (directory / _MARK).exists():
        shutil.rmtree(directory)
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    if directory.stat().st_uid != os.getuid() or any(directory.iterdir()):
        raise Conflict(f"{directory} is not empty and not a demo of yours; choose another --data.")
    (directory / _MARK).touch()
    return directory


async def _check(network: Network, *, as_json: bool) -> int:
    def tell(outcome: Outcome) -> None:
        line = f"{'✔' if outcome.ok else '✕'} {outcome.step:45} {outcome.ms:6} ms  {outcome.detail}"
        json_line(dataclasses.asdict(outcome)) if as_json else say(line)

    try:
        held = await rehearse(network, tell)
    finally:
        await network.down()
    if held:
        shutil.rmtree(network.data)
    elif not as_json:
        say(f"The check failed. Logs and databases are kept in {network.data}")
    return 0 if held else 1


async def _stay(network: Network, *, as_json: bool) -> int:
    began, ended = time.monotonic(), asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, ended.set)
    try:
        await network.up()
        count = await network.seed()
        _announce(network, count, time.monotonic() - began, as_json=as_json)
        await ended.wait()
    finally:
        with contextlib.suppress(asyncio.CancelledError):
            await network.down()
    return 0


def _announce(network: Network, count: int, seconds: float, *, as_json: bool) -> None:
    if as_json:
        json_line({"nodes": {state: node.facts() for state, node in network.nodes.items()}})
        return
    say(
        f"✔ {len(network.nodes)} nodes with a nats-server each, {count} bulletins, up after {seconds:.1f} s. All of it is EXERCISE.\n"
    )
    for state, node in network.nodes.items():
        say(f"  {PLACES[state].name:12} {node.url}    feeds: {node.url}/feeds/bulletins.rss  .atom  .json")
    home = next(iter(network.nodes.values()))
    say("\n  Links to sign in at the desk; you choose a password, and each works once:")
    for role, link in home.links.items():
        say(f"    {role + '.' + home.state:16} {link}")
    say("\n  Tokens to act as a person over the API (valid for this demo only):")
    for role, token in home.tokens.items():
        say(f"    {role + '.' + home.state:16} HUB_URL={home.url} HUB_TOKEN={token}")
    say(
        f"\n  Try: hub demo stop {list(network.nodes)[-1]}, publish, start it again and see it catch up. Ctrl-C ends all."
    )


async def _move(state: str, data: Path, *, begin: bool) -> int:
    known = nodes.load(data)
    if state not in known:
        raise Invalid(f"There is no {state.upper()} in this demo; it has {', '.join(sorted(known)).upper()}.")
    network = Network(list(known), data)
    network.nodes = known
    running = nodes.alive(known[state])
    if running == begin:
        say(f"{state.upper()} is {'already running' if begin else 'not running'}.")
        return 0
    await (network.start(state) if begin else network.stop(state))
    say(f"{state.upper()} {'is up at ' + known[state].url if begin else 'is stopped'}.")
    return 0
