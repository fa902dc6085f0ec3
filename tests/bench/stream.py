"""Bulletins in bulk for the benches: a peer's signed releases, taken in batches through `desk.receive`, the only road there is."""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Iterator

from nacl.signing import SigningKey

from hub.desk.office import Office
from hub.desk.peers import accept_peer, agree
from hub.desk.receive import Arrival, open_lane, receive
from hub.node import utc_now
from hub.rules.decision import Accepted
from hub.store import people
from hub.store.database import Database
from schemas import stix
from schemas.bulletin import Area, Bulletin, RoleAction, Stamp
from schemas.envelope import seal
from schemas.keys import encode_public
from schemas.register import AgreementFile, Caps, RegisterEntry, RegisterKey
from schemas.vocabulary import Certainty, KeyUse, Lane, Mode, Severity, Tlp, Topic, Urgency
from tests.bench.site import Site

PEER, BATCH = "ok", 256
_DAY = dt.timedelta(days=1)
_KEYS = {use: SigningKey(use.encode().ljust(32, b".")) for use in (KeyUse.SIGN_LIVE, KeyUse.CONNECT)}
_LETTERS = {KeyUse.SIGN_LIVE: "A", KeyUse.CONNECT: "U"}
_PUBLIC = {use: encode_public(_LETTERS[use], key.verify_key.encode()) for use, key in _KEYS.items()}


def fed(site: Site, number: int) -> None:
    """Let a node that does not run receive so many public bulletins. Raises RuntimeError when one is refused."""
    now = utc_now()
    with site.opened() as (database, office):
        _befriend(database, office, now)
        coming = arrivals(number, now)
        while batch := list(itertools.islice(coming, BATCH)):
            decisions = database.write_sync(receive, office, now, PEER, batch)
            refused = [decision for decision in decisions if not isinstance(decision, Accepted)]
            if refused:
                raise RuntimeError(f"not taken: {refused[0]}")


def arrivals(number: int, now: dt.datetime) -> Iterator[Arrival]:
    """So many public releases of the peer, signed, each on its subject."""
    key = _KEYS[KeyUse.SIGN_LIVE]
    for each in range(1, number + 1):
        made = bulletin(each, now)
        subject = f"live.{PEER}.bulletin.{made.lane}.all.{made.tlp}.{made.topic}"
        sealed = seal(
            subject, stix.encode(made), _PUBLIC[KeyUse.SIGN_LIVE], lambda message: key.sign(message).signature
        )
        yield Arrival(sealed.subject, sealed.payload, sealed.key, sealed.signature, None, made.lane)


def bulletin(number: int, now: dt.datetime) -> Bulletin:
    """One released version, of the size that bulletins have."""
    at = (now - _DAY).replace(microsecond=0) + dt.timedelta(milliseconds=number)
    return Bulletin(
        mode=Mode.LIVE, origin=PEER, seed=f"{number:032x}", salt=f"{number + (1 << 64):032x}", created=at, modified=at, published=at,
        headline=f"Recorded threat calls name rooms that do not exist ({number})", text="Police checked each building. " * 20,
        topic=Topic.SWATTING, tlp=Tlp.CLEAR, severity=Severity.SEVERE, urgency=Urgency.EXPECTED, certainty=Certainty.LIKELY,
        expires=now + 30 * _DAY, actions=(RoleAction("front-office", "Write down the exact words and call 911."),),
        areas=(Area("OK", "40109"),), lane=Lane.ROUTINE,
        stamp=Stamp(f"{PEER.upper()}-{at.year}-{number:04d}", 1, at, ()),
    )  # fmt: skip


def _befriend(database: Database, office: Office, now: dt.datetime) -> None:
    operator = database.read_sync(people.by_handle, "operator")
    keys = tuple(RegisterKey(public=public, use=use, from_=now - 30 * _DAY) for use, public in _PUBLIC.items())
    entry = RegisterEntry(
        place=PEER,
        serial=1,
        mode=Mode.LIVE,
        name="The peer",
        origins=(PEER,),
        keys=keys,
        public_url="https://localhost",
    )
    terms = AgreementFile(
        peer=PEER, topics="*", ceiling=Tlp.GREEN, lanes=tuple(Lane), from_=now - _DAY,
        caps=Caps(max_messages_per_day=10**9, max_bytes=10**12),
    )  # fmt: skip
    database.write_sync(accept_peer, office, operator, now, entry)
    database.write_sync(agree, office, operator, now, terms)
    for lane in Lane:
        database.write_sync(open_lane, office, now, PEER, lane)
