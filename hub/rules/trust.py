"""Whether a key may speak for an origin, and whether a copy is what its subject says (FORMAT "Keys", "Message", "Tombstone")."""

from __future__ import annotations

import datetime as dt
from typing import Final

from hub.rules.decision import Accepted, Decision, Refused
from schemas.bulletin import Bulletin, Tombstone
from schemas.places import parse_origin
from schemas.product import parse as parse_product
from schemas.register import RegisterEntry, RegisterKey
from schemas.subjects import BulletinSubject, RecallSubject, Subject, fits, peer_of
from schemas.vocabulary import KeyState, KeyUse, Mode

SKEW: Final = dt.timedelta(minutes=10)  # how far clocks may stand apart when a key begins
_USES: Final = {Mode.LIVE: KeyUse.SIGN_LIVE, Mode.EXERCISE: KeyUse.SIGN_EXERCISE}


def may_speak(
    entry: RegisterEntry, key: str, subject: Subject, now: dt.datetime, *, said_at: dt.datetime | None = None
) -> Decision:
    """Whether `entry` lists `key` (a public nkey) to sign for the subject's mode and origin.

    `said_at` is when the message claims to be from: a key that was retired in good order, or whose time is over, still stands for
    what was said in its time, so that a node that was away can catch up; without it such a key is refused. A compromised
    key is refused whatever date the message claims. Codes: `origin-not-listed`, `key-not-listed`, `key-use`,
    `key-compromised`, `key-not-yet`, `key-over`.
    """
    if subject.origin not in entry.origins or parse_origin(subject.origin).place != entry.place:
        return Refused("origin-not-listed", f"{entry.name} does not speak for {subject.origin}.")
    listed = [one for one in entry.keys if one.public == key]
    if not listed:
        return Refused("key-not-listed", f"{entry.name} does not list the key that signed this.")
    if len(listed) > 1 or listed[0].use is not _USES[subject.mode] or not key.startswith("A"):
        return Refused("key-use", f"The key that signed this is not for {subject.mode} messages, or has two uses.")
    return _in_its_time(listed[0], now, said_at)


def _in_its_time(key: RegisterKey, now: dt.datetime, said_at: dt.datetime | None) -> Decision:
    if key.state is KeyState.COMPROMISED:
        return Refused("key-compromised", "The key that signed this was reported as compromised: sign it again.")
    if now + SKEW < key.from_:
        return Refused("key-not-yet", "The time of the key that signed this has not begun.")
    over = key.until is not None and now >= key.until
    if key.state is KeyState.ACTIVE and not over:
        return Accepted()
    if said_at is None or key.until is None or not _began(key, said_at) or said_at >= key.until:
        return Refused("key-over", "The time of the key that signed this is over.")
    return Accepted()


def _began(key: RegisterKey, said_at: dt.datetime) -> bool:
    # The difference of two times always fits; a sum with a time that somebody else wrote may not.
    return key.from_ - said_at <= SKEW


def judge_copy(payload: Bulletin | Tombstone, subject: Subject, me: str) -> Decision:
    """Whether a decoded payload is what its subject says, and meant for the place `me`.

    Codes: `kind-mismatch`, `mode-mismatch`, `origin-mismatch`, `lane-mismatch`, `tlp-mismatch`, `topic-mismatch`,
    `audience-mismatch`, `not-for-us`, `not-released`, `product-origin`, `product-mode`.
    """
    return _common(payload, subject, me) or _by_kind(payload, subject)


def _common(payload: Bulletin | Tombstone, subject: Subject, me: str) -> Refused | None:
    if payload.mode is not subject.mode:
        return _differs("mode", payload.mode, subject.mode)
    if payload.origin != subject.origin:
        return _differs("origin", payload.origin, subject.origin)
    if not isinstance(subject, BulletinSubject | RecallSubject):
        return Refused("kind-mismatch", "This subject carries no bulletins and no recalls.")
    peer = peer_of(subject.audience)
    if peer is not None and peer != me:
        return Refused("not-for-us", f"This copy is addressed to {peer.upper()}.")
    return None


def _by_kind(payload: Bulletin | Tombstone, subject: Subject) -> Decision:
    if isinstance(payload, Bulletin) and isinstance(subject, BulletinSubject):
        return _bulletin(payload, subject)
    if isinstance(payload, Tombstone) and isinstance(subject, RecallSubject):
        return _product(payload.product_id, payload.mode, payload.origin) or Accepted()
    return Refused("kind-mismatch", "The payload is not of the kind that its subject names.")


def _bulletin(bulletin: Bulletin, subject: BulletinSubject) -> Decision:
    if bulletin.lane is not subject.lane:
        return _differs("lane", bulletin.lane, subject.lane)
    if bulletin.tlp is not subject.tlp:
        return _differs("tlp", bulletin.tlp, subject.tlp)
    if bulletin.topic is not subject.topic:
        return _differs("topic", bulletin.topic, subject.topic)
    if not fits(subject.audience, bulletin.audience):
        return _differs("audience", bulletin.audience, subject.audience)
    if bulletin.stamp is None:
        return Refused("not-released", "This is a draft: it carries no release stamp.")
    return _product(bulletin.stamp.product_id, bulletin.mode, bulletin.origin) or Accepted()


def _product(product_id: str, mode: Mode, origin: str) -> Refused | None:
    try:
        product = parse_product(product_id)
    except ValueError as error:
        return Refused("product-id", f"The product id is not one: {error}")
    if product.origin != origin:
        return Refused("product-origin", f"{product_id} is not a product of {origin}: nobody speaks for another's.")
    if product.exercise is not (mode is Mode.EXERCISE):
        return Refused("product-mode", f"{product_id} does not belong to {mode}.")
    return None


def _differs(what: str, payload: str, subject: str) -> Refused:
    return Refused(f"{what}-mismatch", f"The payload says {what} {payload}, its subject says {subject}.")
