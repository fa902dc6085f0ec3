"""`hub doctor`: runs every check; each stands by itself, so that one that breaks does not silence the others."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Final

import cyclopts

from hub.cli.doctor import files, listening, record, running, software, words
from hub.cli.doctor.asking import look
from hub.cli.doctor.finding import SIGNS, Check, Finding, Ground, Level, bad
from hub.cli.output import AsJson, json_line, say
from hub.cli.run import Config
from hub.errors import SettingsError
from hub.settings import load

CHECKS: Final[tuple[Check, ...]] = (
    words.mode, words.addresses, software.zone_of_node, words.policy,
    files.secrets, files.own_keys, files.certificate, files.public_certificate, files.disk,
    record.database, record.backup, listening.ports,
    running.node, running.restoration, running.public_address, running.clock, running.links, running.sources, running.feeds,
)  # fmt: skip


_Backups = Annotated[Path, cyclopts.Parameter(help="The folder in which backups of this node lie, each in its own.")]
BACKUPS: Final = Path("/var/backups/school-safety-hub")  # as in deploy/systemd


def doctor(*, config: Config = Path("hub.toml"), backups: _Backups = BACKUPS, as_json: AsJson = False) -> int:
    """Look at this node, running or stopped, and say of everything how it stands and how to put it right. Nothing is changed.

    Exit 1 when something is bad (✕). What only an operator may see is asked with HUB_TOKEN, HUB_TOKEN_FILE, or the
    operator.token beside hub.toml.
    """
    found = list(examine(config, backups))
    worst = any(each.level is Level.BAD for each in found)
    if as_json:
        lines = [{"check": f.check, "level": f.level.value, "words": f.words, "fix": f.fix} for f in found]
        json_line({"good": not worst, "findings": lines})
    else:
        for each in found:
            say(f"{SIGNS[each.level]} {each.check}: {each.words}" + (f"\n    {each.fix}" if each.fix else ""))
    return 1 if worst else 0


def examine(config: Path, backups: Path = BACKUPS) -> Iterator[Finding]:
    """Every finding, in the order of the checks; without readable settings only those that need none."""
    yield from software.installed()
    yield from words.environment()
    try:
        settings = load(config)
    except SettingsError as error:
        for line in error.message.splitlines():
            yield bad(
                "settings", line, f"Put it right in {config} or in the environment; see docs/reference/settings.md."
            )
        return
    ground = look(config, settings, backups)
    for check in CHECKS:
        yield from _alone(check, ground)


def _alone(check: Check, ground: Ground) -> list[Finding]:
    try:
        return list(check(ground))
    except Exception as error:  # noqa: BLE001 - a check that breaks is a finding, and the others are still made
        return [
            bad("doctor", f"the check {check.__name__} broke: {error!r}"[:300], "Report it: SECURITY.md says where.")
        ]
