"""The only way by which bulletins come out of the store into an answer: each one asks `may_leave` (house law 1).

Nothing else in `hub.web` imports the store's revisions or drafts; a test reads the imports and says so.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

import structlog

from hub.desk.office import Office
from hub.errors import FieldError, NotFound, StoreError
from hub.rules.decision import Allowed, Form, Leave
from hub.rules.lifecycle import UNRELEASED, Stage
from hub.rules.release import District, Exit, Item, Public, Reader, Widest, may_leave
from hub.store import bulletins, outbox, revisions
from hub.store.bulletins import Draft
from hub.store.database import Tx
from hub.store.outbox import Sending
from hub.store.revision import Revision
from hub.store.revisions import Narrow
from hub.web.parts import Parts
from hub.web.problem import Problem
from hub.web.query import Filter
from schemas.vocabulary import Mode

__all__ = ["Asking", "Draft", "Found", "Leaving", "Revision", "Sending"]

# How long a withdrawal stays in lists as an item; on its own page it stays for ever.
TOLD = dt.timedelta(days=30)
_PAGE = 250
_MOST_LOOKED_AT = 5_000
_DRAFTS = 200
_EARLIER = 50
_REACH: dict[type, tuple[str, ...]] = {
    Public: (Widest.PUBLIC.value,),
    District: (Widest.PUBLIC.value, Widest.DISTRICT.value),
}
_EVERYTHING = tuple(widest.value for widest in Widest)
T = TypeVar("T")
_log = structlog.get_logger("hub.web")


@dataclasses.dataclass(frozen=True, slots=True)
class Asking:
    """Who asks, by which way out, at an address of which mode."""

    exit: Exit
    reader: Reader
    mode: Mode


@dataclasses.dataclass(frozen=True, slots=True)
class Leaving:
    """One version that may leave, whole or only as the fact that it was withdrawn.

    `replaced_by` is the product in the place of a withdrawn one, where this reader may have that one by the same way out.
    """

    revision: Revision
    form: Form
    replaced_by: str | None = None

    @property
    def withdrawn(self) -> bool:
        """Whether only the withdrawal may be told."""
        return self.form is Form.WITHDRAWN


@dataclasses.dataclass(frozen=True, slots=True)
class Found:
    """A page of a list, newest first. `more` is the `before` of the next page; it is None at the end and only there."""

    items: tuple[Leaving, ...]
    more: str | None


async def newest(node: Parts, asking: Asking, wanted: Filter) -> Found:
    """What this reader may have of what was asked for.

    Raises Problem `malformed` for a `before` that is not in this list, StoreError when too much is withheld to find the next.
    """
    return await node.database.read(_newest, node.office, asking, wanted, node.clock())


async def one(node: Parts, asking: Asking, product_id: str) -> Leaving:
    """The current version of one product. Raises NotFound alike for what is not there and what is not for this reader."""
    return await node.database.read(one_within, node.office, asking, product_id, node.clock())


async def with_earlier(node: Parts, asking: Asking, product_id: str) -> tuple[Leaving, tuple[Revision, ...]]:
    """As `one`, and the versions before it that this reader could have by this way out in their time, the oldest first."""
    return await node.database.read(_with_earlier, node.office, asking, product_id, node.clock())


async def some(node: Parts, asking: Asking, seqs: Iterable[int]) -> list[Leaving]:
    """Those of these stored versions that are shown, stand, and are for this reader, the last stored first."""
    return await node.database.read(_some, node.office, asking, tuple(seqs), node.clock())


async def draft(node: Parts, asking: Asking, draft_id: str) -> Draft:
    """One draft. Raises NotFound."""
    return await node.database.read(draft_within, node.office, asking, draft_id, node.clock())


async def drafts(node: Parts, asking: Asking) -> list[Draft]:
    """The drafts that are still open, the last changed first, at most 200."""
    return await node.database.read(drafts_within, node.office, asking, node.clock())


def written(leavings: Iterable[Leaving], write: Callable[[Leaving], T]) -> Iterator[T]:
    """What `write` makes of each; one that cannot be written costs itself alone and is logged (house law 4)."""
    for leaving in leavings:
        try:
            made = write(leaving)
        except Exception as error:  # noqa: BLE001 - one bad item never stops the rest
            _left_out(leaving.revision, error)
        else:
            yield made


def _left_out(revision: Revision, error: Exception) -> None:
    _log.error("an item was left out", product=revision.product_id, version=revision.version, exc_info=error)


def _newest(tx: Tx, office: Office, asking: Asking, wanted: Filter, now: dt.datetime) -> Found:
    found: list[Leaving] = []
    for leaving in _allowed(tx, office, asking, wanted, now):
        if leaving is None:  # nobody knows what lies behind here: the reader is told where to ask on, or that it failed
            if not found:
                words = f"None of the next {_MOST_LOOKED_AT:,} items of this list is for this reader; narrow it by a filter."
                raise StoreError(words, code="list-too-deep")
            return Found(tuple(found), found[-1].revision.product_id)
        if len(found) == wanted.limit:
            return Found(tuple(found), found[-1].revision.product_id)
        found.append(leaving)
    return Found(tuple(found), None)


def _allowed(tx: Tx, office: Office, asking: Asking, wanted: Filter, now: dt.datetime) -> Iterator[Leaving | None]:
    """Pages of what SQL narrowed to, each item past the door. Ends with None where it was given up before the end."""
    before = _position(tx, office, asking, wanted, now)
    size = min(wanted.limit + 1, _PAGE)
    reach = _REACH.get(type(asking.reader), _EVERYTHING)
    narrow = _narrow(asking, wanted, now)
    for _ in range(0, _MOST_LOOKED_AT, size):
        page = revisions.newest(tx, mode=asking.mode, reach=reach, narrow=narrow, limit=size, before=before)
        for revision in page:
            leaving = _judged(tx, office, asking, revision, now)
            if leaving is not None and not (leaving.withdrawn and now - revision.updated_at > TOLD):
                yield leaving
        if len(page) < size:
            return
        before = page[-1].position
    yield None


def _narrow(asking: Asking, wanted: Filter, now: dt.datetime) -> Narrow:
    """What SQL need not bring: what was not asked for, and what is over or waits, however much of it there is."""
    return Narrow(
        topics=wanted.topics,
        severity_rank=wanted.rank,
        areas=wanted.codes,
        state=wanted.place,
        lang=wanted.lang,
        told_since=now - TOLD,
        outside_at=now if type(asking.reader) in _REACH else None,
        settled=True,
    )


def _judged(tx: Tx, office: Office, asking: Asking, revision: Revision, now: dt.datetime) -> Leaving | None:
    """As `_leaving`; one that cannot be judged stays here, and the list goes on."""
    try:
        return _leaving(tx, office, asking, revision, now)
    except Exception as error:  # noqa: BLE001 - one bad item never stops the rest
        _left_out(revision, error)
        return None


def _some(tx: Tx, office: Office, asking: Asking, seqs: tuple[int, ...], now: dt.datetime) -> list[Leaving]:
    versions = revisions.of_seqs(tx, seqs)
    stand = (revision for revision in versions if revision.current and revision.stage is not Stage.WITHDRAWN)
    judged = (_judged(tx, office, asking, revision, now) for revision in stand)
    return [leaving for leaving in judged if leaving is not None and not leaving.withdrawn]


def _position(tx: Tx, office: Office, asking: Asking, wanted: Filter, now: dt.datetime) -> int | None:
    if wanted.before is None:
        return None
    revision = revisions.current(tx, wanted.before)
    if revision is None or _leaving(tx, office, asking, revision, now) is None:
        words = f"before is {wanted.before!r}; allowed is a product id of this list"
        raise Problem("malformed", f"{words}.", (FieldError("?before", words),), code="unknown-parameter")
    return revision.position


def one_within(tx: Tx, office: Office, asking: Asking, product_id: str, now: dt.datetime) -> Leaving:
    """As `one`, inside a transaction."""
    revision = revisions.current(tx, product_id)
    leaving = None if revision is None else _leaving(tx, office, asking, revision, now)
    if leaving is None:
        raise NotFound
    return leaving


def _with_earlier(
    tx: Tx, office: Office, asking: Asking, product_id: str, now: dt.datetime
) -> tuple[Leaving, tuple[Revision, ...]]:
    leaving = one_within(tx, office, asking, product_id, now)
    before = [each for each in revisions.versions(tx, product_id) if each.version < leaving.revision.version]
    could = (
        each for each in before[-_EARLIER:] if _form(office, asking, _as_released(each), each.released_at) is not None
    )
    return leaving, tuple(could)


def _as_released(revision: Revision) -> Item:
    """A version as it was while it stood: judged at the time of its release, by today's rules."""
    return dataclasses.replace(revision.item(), stage=Stage.RELEASED)


def _leaving(tx: Tx, office: Office, asking: Asking, revision: Revision, now: dt.datetime) -> Leaving | None:
    form = _form(office, asking, revision.item(), now)
    return None if form is None else Leaving(revision, form, _instead(tx, office, asking, revision, now))


def _instead(tx: Tx, office: Office, asking: Asking, revision: Revision, now: dt.datetime) -> str | None:
    """What replaces a withdrawn one, if that is for this reader too: its number alone would say that it exists (law 6)."""
    other = None if revision.replaced_by is None else revisions.current(tx, revision.replaced_by)
    if other is None or _form(office, asking, other.item(), now) is None:
        return None
    return other.product_id


def _form(office: Office, asking: Asking, item: Item, now: dt.datetime) -> Form | None:
    """In which form an item may leave, None when it stays. Every answer of this node that holds an item passed here."""
    decision = may_leave(
        item, asking.exit, asking.reader, mode=asking.mode, now=now, policy=office.policy, place=office.place
    )
    return decision.form if isinstance(decision, Allowed) else None


def draft_within(tx: Tx, office: Office, asking: Asking, which: str, now: dt.datetime) -> Draft:
    """One draft by its id, or the open draft of a product by its number, inside a transaction. Raises NotFound."""
    found = bulletins.draft(tx, which)
    if found is None:
        of_product = bulletins.of_product(tx, which)
        found = next((each for each in of_product if each.stage in UNRELEASED), None)
    if found is None or _form(office, asking, _item(found), now) is None:
        raise NotFound
    return found


def drafts_within(
    tx: Tx, office: Office, asking: Asking, now: dt.datetime, stages: frozenset[Stage] = UNRELEASED
) -> list[Draft]:
    """As `drafts`, inside a transaction; those of these stages."""
    found = (each for stage in sorted(stages) for each in bulletins.drafts(tx, _DRAFTS, stage=stage))
    allowed = [each for each in found if _form(office, asking, _item(each), now) is not None]
    return sorted(allowed, key=lambda each: each.updated_at, reverse=True)[:_DRAFTS]


def versions_within(tx: Tx, office: Office, asking: Asking, product_id: str, now: dt.datetime) -> list[Leaving]:
    """Every version of a product that this reader may have, the oldest first; [] when none, or none is here."""
    found = (_leaving(tx, office, asking, revision, now) for revision in revisions.versions(tx, product_id))
    return [leaving for leaving in found if leaving is not None]


def drafts_of_within(tx: Tx, office: Office, asking: Asking, product_id: str, now: dt.datetime) -> list[Draft]:
    """The drafts that became the versions of a product, and the open one, the newest first."""
    found = bulletins.of_product(tx, product_id)
    return [each for each in found if _form(office, asking, _item(each), now) is not None]


def copies_within(tx: Tx, office: Office, asking: Asking, product_id: str, now: dt.datetime) -> list[Sending]:
    """What was signed of a product and where each copy is on its way, the newest first. Raises NotFound as `one` does."""
    mode = one_within(tx, office, asking, product_id, now).revision.mode
    return outbox.of_product(tx, mode, product_id)


def would_leave(office: Office, found: Draft, asking: Asking, now: dt.datetime) -> Leave:
    """Whether a draft, once released, would leave by this way to this reader."""
    item = dataclasses.replace(_item(found), stage=Stage.RELEASED)
    return may_leave(
        item, asking.exit, asking.reader, mode=asking.mode, now=now, policy=office.policy, place=office.place
    )


def _item(found: Draft) -> Item:
    """A draft as the rule of release sees it."""
    bulletin = found.bulletin
    # A draft row outlives its release as the desk's own record of how the version came about; it is never "released".
    stage = found.stage if found.stage in UNRELEASED else Stage.APPROVED
    return Item(
        mode=bulletin.mode,
        origin=bulletin.origin,
        own=True,
        stage=stage,
        tlp=bulletin.tlp,
        topic=bulletin.topic,
        lane=bulletin.lane,
        audience=bulletin.audience,
        recipients=frozenset(found.audience),
        caveats=frozenset(bulletin.caveats),
        record_class=bulletin.record_class,
        expires=bulletin.expires,
    )


def unsent(tx: Tx) -> tuple[int, str | None]:
    """How many messages wait to go to the peers, and since when the oldest. Numbers only: nothing of any bulletin."""
    return outbox.waiting(tx)
