"""Put what a federal source says into the queue: once per key and content, and nothing when nothing changed."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Mapping, Sequence

import msgspec

from connectors.source import advisory_id, is_gone
from hub.desk import record
from hub.desk.office import CLOCK, Office
from hub.rules import fold, relevance
from hub.rules.relevance import Reader
from hub.store import queue
from hub.store.queue import State, Waiting
from hub.store.tx import Tx
from schemas.bulletin import Advisory
from schemas.vocabulary import SEVERITY_RANK, Action, Severity, Status

FIRST_LOAD = dt.timedelta(minutes=30)  # a first load may come in several commits
MOST_RETIRED = 500
OPEN: State = "open"
ADOPTED: State = "adopted"
ASIDE: State = "set-aside"
CANCELLED: State = "cancelled"
_ENDED = "ended as announced"
_TAKEN_BACK = "taken back by its source"
_REPLACED = "replaced by a later message"


@dataclasses.dataclass(frozen=True, slots=True)
class Enqueued:
    """How many of the advisories were new, changed, withdrawn by their source, or known as they are."""

    new: int
    updated: int
    cancelled: int
    unchanged: int


def enqueue(tx: Tx, office: Office, now: dt.datetime, source: str, advisories: Sequence[Advisory]) -> Enqueued:
    """File what one answer of a source adds, in one commit and under one journal entry.

    What somebody adopted and its source then changes or withdraws shows in the queue again; so does what was set aside, when it
    became more severe or real. A message that updates others takes their place, and what was decided about them holds for
    it. The same advisories again write nothing.
    """
    latest = {advisory_id(source, one.key): one for one in advisories}
    batch = _Batch(tx, office, now, source, latest)
    for number, said in latest.items():
        batch.file(number, said)
    batch.save()
    return Enqueued(
        new=len(batch.new),
        updated=len(batch.updated),
        cancelled=len(batch.cancelled),
        unchanged=len(advisories) - len(batch.answered),
    )


def retire(tx: Tx, office: Office, now: dt.datetime) -> int:
    """Take from the queue what is over by its source's own word, and nobody decided about. How many.

    What was over already when it came in stays: somebody loaded it by hand.
    """
    over = [_closed(one, _ENDED, now) for one in queue.due(tx, now, MOST_RETIRED)]
    if over:
        queue.change(tx, over)
        record.tell(tx, office, now, CLOCK, "retire", ("queue", 0), sorted(one.id for one in over))
    return len(over)


def refold(tx: Tx, office: Office) -> int:
    """Judge all that waits by the policy as it is now. How many moved.

    It changes where an advisory is seen and nothing of what is said: no journal entry.
    """
    waiting = [one for one in queue.waiting(tx) if not one.changed]
    judged = [_judged(office, one, one.advisory, one.first_at, one.fold) for one in waiting]
    moved = [one for one, before in zip(judged, waiting, strict=True) if one != before]
    queue.change(tx, moved)
    return len(moved)


def _chains(source: str, latest: Mapping[str, Advisory]) -> dict[str, frozenset[str]]:
    """For each message that updates or cancels others, the ids of those, also by way of others in the same answer.

    Two that name each other replace nothing: neither is known to be the later one.
    """
    named = {
        number: frozenset(advisory_id(source, key) for key in said.references if key != said.key)
        for number, said in latest.items()
        if said.references and said.action is not Action.NEW
    }
    every = {number: _all_before(number, named) for number in named}
    return {
        number: frozenset(one for one in several if number not in every.get(one, ()))
        for number, several in every.items()
    }


def _all_before(number: str, named: Mapping[str, frozenset[str]]) -> frozenset[str]:
    found: set[str] = set()
    waiting = set(named[number])
    while waiting:
        one = waiting.pop()
        found.add(one)
        waiting |= named.get(one, frozenset()) - found
    return frozenset(found)


class _Batch:
    """What one answer adds. `rows` are those that it speaks of, as they are by now."""

    def __init__(self, tx: Tx, office: Office, now: dt.datetime, source: str, latest: Mapping[str, Advisory]) -> None:
        first = queue.first_seen(tx, source)
        self.tx, self.office, self.now, self.source = tx, office, now, source
        self.first_load = first is None or now - first < FIRST_LOAD
        self.arrival = queue.last_arrival(tx)
        self.before = _chains(source, latest)
        self.replaced = frozenset(one for several in self.before.values() for one in several)
        self.rows = queue.some(tx, {*latest, *self.replaced})
        self.fresh: set[str] = set()
        self.new: list[str] = []
        self.updated: list[str] = []
        self.cancelled: list[str] = []
        self.noted: list[str] = []  # over before, and now gone from its source's list too
        self.answered: set[str] = set()

    def file(self, number: str, said: Advisory) -> None:
        """Decide about one advisory, and about those that it takes the place of."""
        known = self.rows.get(number)
        if known is None:
            self._first(number, said)
        elif said.action is Action.CANCEL:
            self._cancel(known, said)
        elif number not in self.replaced and known.revision != said.revision:
            self._keep(self.updated, self._again(known, said), number)

    def _cancel(self, known: Waiting, said: Advisory) -> None:
        """By a message of its own, or because its source no longer names it. It keeps the words that it had."""
        if known.revision == said.revision:
            return
        row = _taken_back(known, said.revision, said.action, self.now)
        self.rows[row.id] = row
        (self.noted if known.state == CANCELLED else self.cancelled).append(row.id)
        self.answered.add(row.id)

    def save(self) -> None:
        """Write it down, with one journal entry; nothing when there is nothing."""
        touched = dict.fromkeys((*self.new, *self.updated, *self.cancelled, *self.noted))
        if not touched:
            return
        queue.add(self.tx, [self.rows[number] for number in touched if number in self.fresh])
        queue.change(self.tx, [self.rows[number] for number in touched if number not in self.fresh])
        filed = [
            (number, self.rows[number].revision, action) for action, several in self._filed() for number in several
        ]
        actor = f"source:{self.source}"
        record.tell(self.tx, self.office, self.now, actor, "enqueue", (self.source, 0), filed)

    def _filed(self) -> tuple[tuple[str, list[str]], ...]:
        return ("new", self.new), ("update", self.updated), ("cancel", self.cancelled), ("gone", self.noted)

    def _keep(self, where: list[str], row: Waiting, answered: str) -> None:
        self.rows[row.id] = row
        where.append(row.id)
        self.answered.add(answered)

    def _first(self, number: str, said: Advisory) -> None:
        """A message that nobody knew. One that only says that its key is gone is about nothing."""
        if is_gone(said.revision):
            return
        fresh = self._fresh(number, said)
        if number in self.replaced:  # the one that takes its place speaks for it
            self._keep(self.new, _closed(fresh, _REPLACED, self.now), number)
            return
        before = [row for one in self.before.get(number, ()) if (row := self.rows.get(one)) is not None]
        if said.action is Action.CANCEL:
            self._keep(self.cancelled, _closed(fresh, _TAKEN_BACK, self.now), number)
        else:
            self._keep(self.new, self._inherited(fresh, said, before), number)
        for row in before:
            self._end(row, said, number)

    def _end(self, row: Waiting, said: Advisory, by: str) -> None:
        """A message named this one: it is cancelled, or replaced and decided about no more."""
        if row.state == CANCELLED:
            return
        if said.action is Action.CANCEL:
            self._keep(self.cancelled, _taken_back(row, row.revision, said.action, self.now), by)
        else:
            self._keep(self.cancelled, _closed(row, _REPLACED, self.now), by)

    def _inherited(self, row: Waiting, said: Advisory, before: Sequence[Waiting]) -> Waiting:
        """What was decided about an earlier message holds for the one that updates it."""
        for known in before:
            if known.state == ADOPTED:
                taken = {"state": ADOPTED, "draft_id": known.draft_id, "decided_by": known.decided_by}
                return _again_shown(msgspec.structs.replace(row, **taken))
            if known.state == ASIDE and not _matters_more(known, said):
                return msgspec.structs.replace(row, state=ASIDE, reason=known.reason)
        return row

    def _fresh(self, number: str, said: Advisory) -> Waiting:
        self.arrival += 1
        self.fresh.add(number)
        blank = Waiting(
            id=number,
            arrival=self.arrival,
            source=self.source,
            key=said.key,
            revision=said.revision,
            action=said.action.value,
            status=said.status.value,
            state=OPEN,
            changed=False,
            fold="",
            headline=said.headline,
            severity=Severity.UNKNOWN,
            body=b"",
            first_at=self.now,
            updated_at=self.now,
            draft_id=None,
            decided_by=None,
            reason=None,
        )
        return self._placed(queue.made(blank, said), said)

    def _placed(self, row: Waiting, said: Advisory) -> Waiting:
        day = fold.key(self.source, first_load=self.first_load, effective=said.effective, now=self.now)
        return _judged(self.office, row, said, self.now, row.fold or day)

    def _again(self, known: Waiting, said: Advisory) -> Waiting:
        state = OPEN if known.state == CANCELLED else known.state
        changed = known.changed or state == ADOPTED or (state == ASIDE and _matters_more(known, said))
        row = self._placed(queue.made(known, said), said)
        row = msgspec.structs.replace(row, state=state, changed=changed, updated_at=self.now)
        return _again_shown(row) if changed else row


def _judged(office: Office, row: Waiting, said: Advisory, now: dt.datetime, day: str) -> Waiting:
    """The row where it stands by the policy: on its own, folded away, or with those of its day."""
    reader = Reader(office.policy.relevance, office.place, office.mode)
    verdict = relevance.judge(reader, said, now)
    where = fold.placed(verdict, row.source, row.kind, row.id)
    return msgspec.structs.replace(row, fold=where or fold.day_of(day, row.source, row.first_at), why=verdict.reason)


def _taken_back(known: Waiting, revision: str, action: Action, now: dt.datetime) -> Waiting:
    """What was adopted shows again, unless it only ended when it was to end."""
    if known.state == CANCELLED:
        return msgspec.structs.replace(known, revision=revision)
    ended = known.expires_at is not None and known.expires_at <= now
    adopted = known.state == ADOPTED
    row = msgspec.structs.replace(
        known,
        revision=revision,
        action=action.value,
        state=ADOPTED if adopted else CANCELLED,
        changed=adopted and not ended,
        why=_ENDED if ended else _TAKEN_BACK,
        updated_at=now,
    )
    return _again_shown(row) if row.changed else row


def _again_shown(row: Waiting) -> Waiting:
    """What its source changed after somebody decided is not folded, whatever it says now."""
    return msgspec.structs.replace(row, changed=True, fold=fold.alone(fold.CHANGED, row.source, row.kind, row.id))


def _closed(row: Waiting, why: str, now: dt.datetime) -> Waiting:
    return msgspec.structs.replace(row, state=CANCELLED, changed=False, why=why, updated_at=now)


def _matters_more(known: Waiting, said: Advisory) -> bool:
    more_severe = SEVERITY_RANK[said.severity] > SEVERITY_RANK[known.severity]
    return more_severe or (said.status is Status.ACTUAL and known.status != Status.ACTUAL.value)
