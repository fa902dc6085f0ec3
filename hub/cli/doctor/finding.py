"""What a check says, and what it is given to look at."""

from __future__ import annotations

import dataclasses
import enum
import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from hub.settings import Settings


class Level(enum.StrEnum):
    """How a finding stands; only BAD makes the command exit 1."""

    GOOD = "good"
    WARN = "warn"
    BAD = "bad"


SIGNS = {Level.GOOD: "✔", Level.WARN: "▲", Level.BAD: "✕"}


@dataclasses.dataclass(frozen=True, slots=True)
class Finding:
    """One line: the check's name, how it stands, what was seen, and what puts it right (empty when nothing is to be done)."""

    check: str
    level: Level
    words: str
    fix: str = ""


def good(check: str, words: str) -> Finding:
    """It stands well."""
    return Finding(check, Level.GOOD, words)


def warn(check: str, words: str, fix: str) -> Finding:
    """It works, but somebody should look."""
    return Finding(check, Level.WARN, words, fix)


def bad(check: str, words: str, fix: str) -> Finding:
    """It does not work, or is not safe."""
    return Finding(check, Level.BAD, words, fix)


@dataclasses.dataclass(frozen=True, slots=True)
class Answer:
    """What the node, or a peer's page, answered: status 0 and `error` in words when nothing did.

    `skew` is this machine's clock minus the answer's Date header, in seconds; `tls_days` what is left of its certificate.
    """

    status: int = 0
    body: bytes = b""
    error: str = ""
    skew: float | None = None
    tls_days: float | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class Ground:
    """What there is to look at.

    `answers` are those of the running node by path, empty when none runs; `pid` holds the lock; `backups` is the folder in
    which backups lie, each in a folder of its own. `public` is the node's card as `public_url` shows it; `peers` the cards of
    the peers by place; `token` whether one was given.
    """

    config: Path
    settings: Settings
    backups: Path = Path()
    pid: int | None = None
    token: bool = False
    answers: dict[str, Answer] = dataclasses.field(default_factory=dict)
    public: Answer = dataclasses.field(default_factory=Answer)
    peers: dict[str, Answer] = dataclasses.field(default_factory=dict)

    @property
    def directory(self) -> Path:
        """The node's folder."""
        return self.settings.directory

    @property
    def running(self) -> bool:
        """Whether a node answers at this node's address."""
        return bool(self.answers)

    def said(self, path: str) -> Any:
        """The running node's JSON answer at `path`; None when there is none."""
        return document(self.answers.get(path, Answer()))


Check = Callable[[Ground], Iterable[Finding]]


def document(answer: Answer) -> Any:
    """The JSON of a good answer, else None."""
    if answer.status != 200:
        return None
    try:
        return json.loads(answer.body)
    except ValueError:
        return None
