"""Release a bulletin: number, stamp, sign, store, journal and outbox in one transaction (DESIGN section 3, step 3)."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Iterable, Mapping

import msgspec

from hub.desk import dispatch, record
from hub.desk.dispatch import Recall
from hub.desk.drafting import advance, load, save
from hub.desk.held import refuse_held
from hub.desk.office import Office
from hub.errors import Conflict
from hub.rules.authority import Verb
from hub.rules.lifecycle import Stage
from hub.rules.release import Reach, reach
from hub.store import counters, holders, outbox, peers, restoring, revisions, standing
from hub.store.bulletins import Draft
from hub.store.journal import Said
from hub.store.people import Person
from hub.store.revision import Revision, of_bulletin, reach_of
from hub.store.revisions import terms_of
from hub.store.tx import Tx
from schemas import stix
from schemas.bulletin import Bulletin, Stamp
from schemas.product import ProductId, Series, series_of
from schemas.times import truncate_ms
from schemas.vocabulary import Mode, Reason, TombstoneKind

_TICK = dt.timedelta(milliseconds=1)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """What was released.

    `hash` is H in hex, `gets` the peers that get it, `withheld` those that do not, with the reason in words, `public` whether
    anybody may read it. `recalled` are the addressees that had an earlier version and may have it no more.
    """

    product_id: str
    version: int
    hash: str
    gets: tuple[str, ...]
    withheld: Mapping[str, str]
    public: bool
    recalled: tuple[str, ...] = ()


def publish(tx: Tx, office: Office, actor: Person, now: dt.datetime, draft_id: str, seen: int) -> Release:
    """Release the approved content, and nothing but it.

    Raises Forbidden (an author never releases; approvals lacking), NotFound, and Conflict when the draft or its product moved on
    or it has expired meanwhile.
    """
    draft = load(tx, office, actor, now, draft_id, seen, Verb.PUBLISH)
    stage = advance(draft, Verb.PUBLISH)
    refuse_held(tx)
    _refuse_expired(draft, now)
    before = _previous(tx, draft)
    bulletin = _stamped(tx, draft, before, now)
    payload = _payload(draft, bulletin)
    revision = of_bulletin(bulletin, payload, now=now, recipients=draft.audience)
    reached = reach(revision.item(), peers.agreements(tx), now=now, policy=office.policy)
    recalled = _release(tx, office, now, revision, reached, terms_of(bulletin))
    _close(tx, draft, stage, revision, now)
    _journal(tx, office, actor, now, revision, reached)
    if recalled:
        told = Recall(by=actor.id, kind=TombstoneKind.NARROWED, reason=Reason.AUDIENCE, version=revision.version)
        dispatch.recall(tx, office, now, revision, recalled, told)
    return Release(
        product_id=revision.product_id,
        version=revision.version,
        hash=revision.hash.hex(),
        gets=tuple(reached.gets),
        withheld=dict(reached.withheld),
        public=reached.public,
        recalled=recalled,
    )


def preview(tx: Tx, office: Office, now: dt.datetime, draft: Draft) -> Reach:
    """Who would get it if it were released now, and who not and why. Nothing is written."""
    stamp = Stamp(draft.product_id or "", draft.base_version + 1, truncate_ms(now), ())
    bulletin = msgspec.structs.replace(draft.bulletin, stamp=stamp)
    item = of_bulletin(bulletin, draft.bundle, now=now, recipients=draft.audience).item()
    return reach(item, peers.agreements(tx), now=now, policy=office.policy)


def _refuse_expired(draft: Draft, now: dt.datetime) -> None:
    if draft.bulletin.expires <= now:
        raise Conflict("It expired before it was released: edit it and give it a new end.", code="expired")


def _previous(tx: Tx, draft: Draft) -> Revision | None:
    """The version that this one follows; Conflict when its product moved on since the draft was opened."""
    if draft.product_id is None:
        return None
    before = revisions.current(tx, draft.product_id)
    if before is None or before.version != draft.base_version or before.stage is Stage.WITHDRAWN:
        raise Conflict(f"{draft.product_id} moved on since this version was opened.", code="moved-on")
    return before


def _stamped(tx: Tx, draft: Draft, before: Revision | None, now: dt.datetime) -> Bulletin:
    """The bulletin as it travels. `modified` never stands still (FORMAT "Product, version, time")."""
    bulletin = draft.bulletin
    released = truncate_ms(now)
    earliest = bulletin.created if before is None else before.bulletin.modified + _TICK
    product_id = draft.product_id or _number(tx, bulletin, released)
    version = 1 if before is None else restoring.next_version(tx, before)
    stamp = Stamp(product_id, version, released, draft.approvals)
    return msgspec.structs.replace(bulletin, modified=max(released, earliest), published=released, stamp=stamp)


def _number(tx: Tx, bulletin: Bulletin, released: dt.datetime) -> str:
    """The next number of its series, read inside the transaction: a verb that fails leaves no gap."""
    series = series_of(bulletin.tlp)
    name = counter_of(bulletin.mode, bulletin.origin, released.year, series)
    exercise = bulletin.mode is Mode.EXERCISE
    return str(ProductId(bulletin.origin, released.year, counters.take(tx, name), series, exercise))


def counter_of(mode: Mode, origin: str, year: int, series: Series) -> str:
    """The name of the counter of one series."""
    return f"product {mode} {origin} {year} {series}"


def _payload(draft: Draft, bulletin: Bulletin) -> bytes:
    """The bytes that travel. They are measured again, and are the approved content but for what release adds."""
    try:
        payload, bare = stix.encode_release(bulletin, draft.bulletin)
    except stix.StixError as error:
        raise Conflict(f"It cannot travel: {error.message}.", code=error.code) from None
    # Without what release adds it must be the approved bundle again, byte for byte: that is what the hash was made of.
    if bare != draft.bundle:
        raise Conflict("What would travel is not what was approved.", code="content")
    return payload


def _release(
    tx: Tx, office: Office, now: dt.datetime, revision: Revision, reached: Reach, terms: Iterable[str]
) -> tuple[str, ...]:
    """Store the version, sign its copies, end the earlier ones; the addressees that lose it."""
    copies = dispatch.seal_copies(office, revision, reached.copies)
    first = next(iter(copies.values()), None)
    kept = msgspec.structs.replace(
        revision,
        reach=reach_of(revision),
        copies=frozenset(copies),
        subject="" if first is None else first.subject,
        key="" if first is None else first.key,
        signature="" if first is None else first.signature,
    )
    lost: tuple[str, ...] = ()
    if revision.version > 1:
        outbox.supersede(tx, revision.mode, revision.product_id, revision.version - 1)
        standing.outdate(tx, revision.product_id)
        held = holders.of_product(tx, revision.mode, revision.product_id)
        lost = dispatch.losers(held, reached.copies, reached.gets)
    seq = revisions.add(tx, kept, terms)
    dispatch.send_copies(tx, now, kept, seq, copies, dict(reached.gets))
    return lost


def _close(tx: Tx, draft: Draft, stage: Stage, revision: Revision, now: dt.datetime) -> None:
    done = msgspec.structs.replace(
        draft, stage=stage, version=draft.version + 1, product_id=revision.product_id, updated_at=now
    )
    save(tx, done, draft.version)


def _journal(tx: Tx, office: Office, actor: Person, now: dt.datetime, revision: Revision, reached: Reach) -> None:
    """The payload by its H, and the release record: who gets it, who not and why."""
    about = (revision.product_id, revision.version)
    body = {
        "gets": dict(reached.gets),
        "withheld": dict(reached.codes),
        "copies": list(reached.copies),
        "public": reached.public,
        "policy": office.policy.digest,
    }
    record.commit_and_tell(tx, office, now, Said(actor.id, Verb.PUBLISH.value, *about, revision.hash), "reach", body)
