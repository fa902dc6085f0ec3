"""The table of command groups. Each is imported when it is called, so that `hub sources parse` never waits for a web server."""

from __future__ import annotations

import importlib.metadata

import cyclopts

app = cyclopts.App(
    name="hub",
    help="School Safety Hub: bulletins between state school safety centers, vetted, signed and recallable.",
    version=importlib.metadata.version("school-safety-hub"),
    help_format="plaintext",
    result_action="sys_exit",
)

_GROUPS = {
    "demo": ("hub.cli.demo.command:app", "Three federated nodes on this machine, seeded, in exercise mode."),
    "init": ("hub.cli.init:init", "Make a node: hub.toml, keys, database, first administrator."),
    "run": ("hub.cli.run:run", "Run the node."),
    "doctor": ("hub.cli.doctor.command:doctor", "Say how this node stands and how to put right what does not."),
    "verify": ("hub.cli.verify:verify", "Prove the journal and every signature, offline."),
    "backup": ("hub.cli.backup:backup", "Copy a node, running or stopped, with its keys."),
    "restore": ("hub.cli.restore:app", "Make a node from its backup; it begins held."),
    "db": ("hub.cli.database:app", "The database of a stopped node."),
    "user": ("hub.cli.users:app", "People and their tokens."),
    "peer": ("hub.cli.peers:app", "Peer states: register entries and agreements."),
    "sources": ("hub.cli.sources:app", "Federal sources: list, run, and parse files offline."),
    "post": ("hub.cli.bulletins:post", "Make a draft from a file."),
    "bulletin": ("hub.cli.bulletins:app", "List, show, submit, approve, publish and withdraw bulletins."),
}
for _name, (_where, _help) in _GROUPS.items():
    app.command(_where, name=_name, help=_help)
