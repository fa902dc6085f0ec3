"""A state's own policy: who must approve what, and what its districts may have (MISSION A3, K1). Read from TOML, frozen.

A policy can only ask for more than the house does: no setting lets an author release, lets RED leave or opens a public exit.

    name = "Texas, school year 2026"
    [desk]
    second_person_hours = 24        # an account that an author made counts as a second person only after so long
    [[approvals]]                   # every rule that fits counts; what a rule does not name fits everything
    tlp = ["amber", "amber+strict"]
    topic = ["terrorism"]
    lane = ["flash"]
    severity = "severe"             # this severe or more
    count = 2
    by = "director"                 # or "supervisor" (a director counts as one)
    [districts]
    ceiling = "amber"               # no private feed carries more, whatever its own ceiling
    named = false                   # whether bulletins for named states go on to one's own districts
    [relevance]                     # what stands in the desk's queue; the rest is folded, with the reason
    neighbours = ["ok", "la"]       # states whose advisories count beside one's own
    topics = ["weather", "cyber"]   # every topic when it is left out
    severity = "moderate"           # this severe or more; what is severe for one's own state always stands
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import difflib
import enum
import hashlib
import tomllib
from collections.abc import Mapping
from typing import Any, Final, TypeVar

from schemas.marking import rank
from schemas.places import PLACES
from schemas.vocabulary import SEVERITY_RANK, Lane, Severity, Tlp, Topic

MAX_BYTES: Final = 65_536
MAX_RULES: Final = 100
MAX_APPROVALS: Final = 9

E = TypeVar("E", bound=enum.StrEnum)


class By(enum.StrEnum):
    """Whose approval a rule asks for; a director's also counts as a supervisor's."""

    SUPERVISOR = "supervisor"
    DIRECTOR = "director"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalRule:
    """Asks `count` approvals by `by` of whatever it fits. An empty set fits everything; `severity` is "at least"."""

    count: int
    by: By = By.SUPERVISOR
    tlp: frozenset[Tlp] = frozenset()
    topic: frozenset[Topic] = frozenset()
    lane: frozenset[Lane] = frozenset()
    severity: Severity = Severity.UNKNOWN

    def fits(self, *, tlp: Tlp, topic: Topic, lane: Lane, severity: Severity) -> bool:
        """Whether this rule speaks of such a bulletin."""
        return (
            (not self.tlp or tlp in self.tlp)
            and (not self.topic or topic in self.topic)
            and (not self.lane or lane in self.lane)
            and SEVERITY_RANK[severity] >= SEVERITY_RANK[self.severity]
        )


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Relevance:
    """Which advisories stand in the queue (`hub.rules.relevance`). No topic named: every topic."""

    neighbours: frozenset[str] = frozenset()
    topics: frozenset[Topic] = frozenset()
    least: Severity = Severity.MODERATE


# The house's own: one approval by somebody else, always; a flash is the director's to order (DESIGN section 3).
HOUSE_RULES: Final = (
    ApprovalRule(count=1),
    ApprovalRule(count=1, by=By.DIRECTOR, lane=frozenset({Lane.FLASH})),
)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """One state's policy. `digest` is the SHA-256 hex of the file, so that a release record can name what it was judged by."""

    name: str = "The house's own policy"
    digest: str = hashlib.sha256(b"").hexdigest()
    second_person_hours: int = 24
    approvals: tuple[ApprovalRule, ...] = ()
    district_ceiling: Tlp = Tlp.AMBER
    named_to_districts: bool = False
    relevance: Relevance = Relevance()

    @property
    def second_person_age(self) -> dt.timedelta:
        """How old an account must be to count beside the one who made it."""
        return dt.timedelta(hours=self.second_person_hours)

    def needed(self, *, tlp: Tlp, topic: Topic, lane: Lane, severity: Severity) -> dict[By, int]:
        """How many approvals such a bulletin needs: by a supervisor or director, and of these by a director."""
        needed = dict.fromkeys(By, 0)
        for rule in HOUSE_RULES + self.approvals:
            if rule.fits(tlp=tlp, topic=topic, lane=lane, severity=severity):
                needed[rule.by] = max(needed[rule.by], rule.count)
        needed[By.SUPERVISOR] = max(needed.values())
        return needed


DEFAULT: Final = Policy()


def parse(raw: bytes) -> Policy:
    """The policy in a TOML file's bytes. ValueError names the key at fault ("approvals[0].tlp") and what would fit."""
    if len(raw) > MAX_BYTES:
        raise ValueError(f"the policy is longer than {MAX_BYTES} bytes")
    try:
        document = tomllib.loads(raw.decode("utf-8"))
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ValueError(f"the policy is not TOML: {error}") from None
    _only(document, "", ("name", "desk", "approvals", "districts", "relevance"))
    desk = _table(document, "desk", ("second_person_hours",))
    districts = _table(document, "districts", ("ceiling", "named"))
    return Policy(
        name=_text(document, "name", DEFAULT.name),
        digest=hashlib.sha256(raw).hexdigest(),
        second_person_hours=_whole(desk, "desk.second_person_hours", DEFAULT.second_person_hours, 24, 8_760),
        approvals=_rules(document),
        district_ceiling=_ceiling(districts),
        named_to_districts=_flag(districts, "districts.named"),
        relevance=_relevance(document),
    )


def _rules(document: Mapping[str, Any]) -> tuple[ApprovalRule, ...]:
    listed = document.get("approvals", [])
    if not isinstance(listed, list) or not all(isinstance(one, dict) for one in listed):
        raise ValueError("approvals: write each rule under its own [[approvals]]")
    if len(listed) > MAX_RULES:
        raise ValueError(f"approvals: at most {MAX_RULES} rules")
    return tuple(_rule(one, f"approvals[{index}]") for index, one in enumerate(listed))


def _rule(table: Mapping[str, Any], where: str) -> ApprovalRule:
    _only(table, where, ("count", "by", "tlp", "topic", "lane", "severity"))
    return ApprovalRule(
        count=_whole(table, f"{where}.count", 1, 1, MAX_APPROVALS),
        by=_word(By, table.get("by", By.SUPERVISOR), f"{where}.by"),
        tlp=_words(Tlp, table, f"{where}.tlp"),
        topic=_words(Topic, table, f"{where}.topic"),
        lane=_words(Lane, table, f"{where}.lane"),
        severity=_word(Severity, table.get("severity", Severity.UNKNOWN), f"{where}.severity"),
    )


def _ceiling(table: Mapping[str, Any]) -> Tlp:
    ceiling = _word(Tlp, table.get("ceiling", DEFAULT.district_ceiling), "districts.ceiling")
    if rank(ceiling) > rank(Tlp.AMBER):
        raise ValueError("districts.ceiling: no feed carries more than amber; write clear, green or amber")
    return ceiling


def _relevance(document: Mapping[str, Any]) -> Relevance:
    table = _table(document, "relevance", ("neighbours", "topics", "severity"))
    return Relevance(
        neighbours=_neighbours(table),
        topics=_words(Topic, table, "relevance.topics"),
        least=_word(Severity, table.get("severity", Relevance().least), "relevance.severity"),
    )


def _neighbours(table: Mapping[str, Any]) -> frozenset[str]:
    """Unlike a list that chooses, this one may be empty."""
    listed = table.get("neighbours", [])
    if not isinstance(listed, list) or not all(isinstance(one, str) and one.lower() in PLACES for one in listed):
        raise ValueError('relevance.neighbours: a list of states such as ["ok", "la"]')
    return frozenset(one.lower() for one in listed)


def _only(table: Mapping[str, Any], where: str, known: tuple[str, ...]) -> None:
    for key in table:
        if key not in known:
            full = f"{where}.{key}" if where else key
            raise ValueError(f"{full}: there is no such setting; {_meant(key, known)}")


def _meant(word: str, known: tuple[str, ...]) -> str:
    close = difflib.get_close_matches(word, known, n=1, cutoff=0.5)
    return f"did you mean {close[0]!r}?" if close else "known here: " + ", ".join(known)


def _table(document: Mapping[str, Any], key: str, known: tuple[str, ...]) -> Mapping[str, Any]:
    table = document.get(key, {})
    if not isinstance(table, dict):
        raise ValueError(f"{key}: write it as a table, [{key}]")  # noqa: TRY004 - one kind of error for a file
    _only(table, key, known)
    return table


def _text(table: Mapping[str, Any], where: str, default: str) -> str:
    value = table.get(where, default)
    if not isinstance(value, str) or not 0 < len(value.strip()) <= 200:
        raise ValueError(f"{where}: a text of 1 to 200 characters")
    return value.strip()


def _whole(table: Mapping[str, Any], where: str, default: int, least: int, most: int) -> int:
    value = table.get(where.rpartition(".")[2], default)
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise ValueError(f"{where}: a whole number from {least} to {most}")
    return value


def _flag(table: Mapping[str, Any], where: str) -> bool:
    value = table.get(where.rpartition(".")[2], False)
    if not isinstance(value, bool):
        raise ValueError(f"{where}: true or false")  # noqa: TRY004 - one kind of error for a file
    return value


def _words(kind: type[E], table: Mapping[str, Any], where: str) -> frozenset[E]:
    key = where.rpartition(".")[2]
    if key not in table:
        return frozenset()
    listed = table[key]
    if not isinstance(listed, list) or not listed:
        raise ValueError(f'{where}: a list of words such as ["{next(iter(kind))}"]')
    return frozenset(_word(kind, one, where) for one in listed)


def _word(kind: type[E], value: object, where: str) -> E:
    known = tuple(member.value for member in kind)
    if not isinstance(value, str) or value not in known:
        raise ValueError(f"{where}: {value!r} is not one of its words; {_meant(str(value), known)}")
    return kind(value)
