"""Put what a federal source says into the queue: once per key and content, and nothing when nothing changed."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Sequence

import msgspec

from connectors.source import advisory_id
from hub.desk import record
from hub.desk.office import Office
from hub.rules import fold
from hub.store import queue
from hub.store.queue import State, Waiting
from hub.store.tx import Tx
from schemas.bulletin import Advisory
from schemas.vocabulary import SEVERITY_RANK, Action, Severity, Status

FIRST_LOAD = dt.timedelta(minutes=30)  # a first load may come in several commits
OPEN: State = "open"
ADOPTED: State = "adopted"
ASIDE: State = "set-aside"
CANCELLED: State = "cancelled"


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
    became more severe or real. The same advisories again write nothing.
    """
    latest = {advisory_id(source, one.key): one for one in advisories}
    known = queue.some(tx, latest)
    batch = _Batch(tx, now, source)
    for number, said in latest.items():
        batch.file(number, said, known.get(number))
    batch.save(office)
    changed = len(batch.updated) + len(batch.cancelled)
    return Enqueued(
        new=len(batch.new),
        updated=len(batch.updated),
        cancelled=len(batch.cancelled),
        unchanged=len(advisories) - len(batch.new) - changed,
    )


class _Batch:
    """What one answer adds."""

    def __init__(self, tx: Tx, now: dt.datetime, source: str) -> None:
        first = queue.first_seen(tx, source)
        self.tx, self.now, self.source = tx, now, source
        self.first_load = first is None or now - first < FIRST_LOAD
        self.arrival = queue.last_arrival(tx)
        self.new: list[Waiting] = []
        self.updated: list[Waiting] = []
        self.cancelled: list[Waiting] = []

    def file(self, number: str, said: Advisory, known: Waiting | None) -> None:
        """Decide about one advisory."""
        if known is None:
            if said.action is not Action.CANCEL:
                self.new.append(self._fresh(number, said))
        elif said.action is Action.CANCEL:
            if known.state != CANCELLED and known.revision != said.revision:
                self.cancelled.append(self._gone(known, said))
        elif known.revision != said.revision or known.state == CANCELLED:
            self.updated.append(self._again(known, said))

    def save(self, office: Office) -> None:
        """Write it down, with one journal entry; nothing when there is nothing."""
        if not (self.new or self.updated or self.cancelled):
            return
        queue.add(self.tx, self.new)
        queue.change(self.tx, [*self.updated, *self.cancelled])
        filed = [
            (one.id, one.revision, action)
            for action, several in (("new", self.new), ("update", self.updated), ("cancel", self.cancelled))
            for one in several
        ]
        actor = f"source:{self.source}"
        record.tell(self.tx, office, self.now, actor, "enqueue", (self.source, 0), filed)

    def _fresh(self, number: str, said: Advisory) -> Waiting:
        self.arrival += 1
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
            fold=fold.key(self.source, first_load=self.first_load, effective=said.effective, now=self.now),
            headline=said.headline,
            severity=Severity.UNKNOWN,
            body=b"",
            first_at=self.now,
            updated_at=self.now,
            draft_id=None,
            decided_by=None,
            reason=None,
        )
        return queue.made(blank, said)

    def _again(self, known: Waiting, said: Advisory) -> Waiting:
        state = OPEN if known.state == CANCELLED else known.state
        changed = known.changed or state == ADOPTED or (state == ASIDE and _matters_more(known, said))
        return msgspec.structs.replace(queue.made(known, said), state=state, changed=changed, updated_at=self.now)

    def _gone(self, known: Waiting, said: Advisory) -> Waiting:
        """It keeps the words that it had: a withdrawal may have none."""
        adopted = known.state == ADOPTED
        return msgspec.structs.replace(
            known,
            revision=said.revision,
            action=said.action.value,
            state=ADOPTED if adopted else CANCELLED,
            changed=adopted,
            updated_at=self.now,
        )


def _matters_more(known: Waiting, said: Advisory) -> bool:
    more_severe = SEVERITY_RANK[said.severity] > SEVERITY_RANK[known.severity]
    return more_severe or (said.status is Status.ACTUAL and known.status != Status.ACTUAL.value)
