"""The one door out (house law 1): whether an item may leave by an exit to a reader, and whom a release would reach.

Every exit asks `may_leave` for each item, each time. A reader is who will see the bytes: the Public, a District with its private
feed, a Member signed in at this desk, or a Peer's node. What holds for all of them comes first, then each reader's own rules.

    RED            nobody but members of the desk, in the application
    AMBER+STRICT   members of the desk, and the peers that it was addressed to
    AMBER          the same, and the state's own districts by their private feeds
    GREEN          every signed-in reader, district and peer; never the public
    CLEAR          everybody, when it is a safety notice for everybody without a law-enforcement caveat

No marking, or one that is not known, counts as AMBER+STRICT; a topic, class or caveat that is not known keeps an item at the desk.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import enum
import functools
from collections.abc import Iterable, Mapping
from typing import Final

from hub.rules.agreement import Agreement
from hub.rules.authority import Actor, Verb, rights
from hub.rules.decision import Allowed, Form, Leave, Withheld
from hub.rules.lifecycle import UNRELEASED, Stage
from hub.rules.policy import Policy
from schemas.marking import rank, stricter
from schemas.vocabulary import Audience, Caveat, Lane, Mode, Reason, RecordClass, Tlp, Topic

GRACE: Final = dt.timedelta(
    minutes=10
)  # how long a received item outlives its expiry here (FORMAT "Product, version, time")
HEADLINE_HIDDEN: Final = frozenset({Reason.PRIVACY, Reason.LEGAL})  # withdrawn for these: not even the headline stays


class Exit(enum.StrEnum):
    """Every way out of a node. A new one does not open before the rules below say who may use it."""

    SUBJECT = "subject"  # a NATS subject
    RSS = "rss"
    ATOM = "atom"
    JSON_FEED = "json-feed"
    CAP = "cap"
    TAXII = "taxii"
    PAGE = "page"
    TEXT = "text"
    STIX = "stix"
    SEARCH = "search"
    API = "api"
    EMAIL = "email"
    WEBHOOK = "webhook"
    EXPORT = "export"
    DESK = "desk"  # the desk's own pages and lists


# Where a member reads in the application itself: nothing of it leaves the organisation.
IN_HOUSE: Final = frozenset({Exit.DESK, Exit.API, Exit.PAGE, Exit.TEXT, Exit.STIX, Exit.SEARCH})
# RED stays on the screen of somebody who is signed in.
_ON_SCREEN: Final = frozenset({Exit.DESK, Exit.API})
_OUTSIDE: Final = frozenset(Exit) - {Exit.SUBJECT, Exit.EXPORT, Exit.DESK}
# By what a district's private token opens.
_PRIVATE: Final = frozenset({Exit.RSS, Exit.ATOM, Exit.JSON_FEED, Exit.PAGE, Exit.TEXT, Exit.STIX, Exit.CAP})
_NO_LINK: Final = frozenset({Caveat.LES, Caveat.CUI})
_ORIGINATORS: Final = frozenset({Caveat.NO_REDISTRIBUTION, Caveat.ASK_ORIGINATOR})


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One version of a bulletin as the door sees it. None stands for "missing or not known" and is judged the strict way.

    `recipients` are the places named for NAMED and GROUP items of one's own. `waiting`: it was received and its lane is still
    catching up, so that nobody is shown it yet. `readable` is False when nobody outside the desk may see it: while it waits, and when
    its bundle holds words that this node does not know (a phase, a caveat, a member that its origin calls critical).
    """

    mode: Mode
    origin: str
    own: bool
    stage: Stage
    tlp: Tlp | None
    topic: Topic | None
    lane: Lane
    audience: Audience | None
    recipients: frozenset[str] = frozenset()
    caveats: frozenset[Caveat] = frozenset()
    record_class: RecordClass | None
    readable: bool = True
    waiting: bool = False
    expires: dt.datetime | None = None

    @property
    def marking(self) -> Tlp:
        """The marking that counts."""
        return Tlp.AMBER_STRICT if self.tlp is None else self.tlp


@dataclasses.dataclass(frozen=True, slots=True)
class Public:
    """Anybody, without a name."""


@dataclasses.dataclass(frozen=True, slots=True)
class District:
    """The holder of a private feed: the state it lies in, and the ceiling that the feed was given."""

    place: str
    ceiling: Tlp


@dataclasses.dataclass(frozen=True, slots=True)
class Member:
    """Somebody signed in at this node."""

    actor: Actor


@dataclasses.dataclass(frozen=True, slots=True)
class Peer:
    """A peer's node, its agreement, and the audience token of the copy that would go there (`all` or `to-<place>`)."""

    place: str
    agreement: Agreement | None
    subject_audience: str


Reader = Public | District | Member | Peer


def may_leave(
    item: Item,
    exit: Exit,  # noqa: A002 - the word of the house
    reader: Reader,
    *,
    mode: Mode,
    now: dt.datetime,
    policy: Policy,
    place: str | None = None,
) -> Leave:
    """Whether `item` may leave by `exit` to `reader`, and in which form.

    `mode` is that of the address or subject asked for (a live node's /feeds/exercise.* asks with EXERCISE). `place` is this
    node's own; without it a received AMBER item reaches no district. A `Withheld` reason is for those who may know that the
    item exists; to anybody else it looks like what does not exist.
    """
    common = _for_anybody(item, mode)
    if common is not None:
        return common
    match reader:
        case Public():
            return _to_public(item, exit, now)
        case District():
            return _to_district(item, exit, reader, now, policy, place)
        case Member():
            return _to_member(item, exit, reader, now)
        case Peer():
            return _to_peer(item, exit, reader, now)


def _for_anybody(item: Item, mode: Mode) -> Withheld | None:
    if item.mode is not mode:
        return Withheld("mode", f"This is {item.mode}, the address is {mode}: the two never mix.")
    if item.waiting:
        return Withheld("catching-up", "This came in while its lane is catching up; it shows once all before it is in.")
    return None


def _form(item: Item) -> Allowed:
    return Allowed(Form.WITHDRAWN if item.stage is Stage.WITHDRAWN else Form.FULL)


def _outside(item: Item, now: dt.datetime) -> Withheld | None:
    """What keeps an item from every reader who is not at the desk."""
    if item.stage in UNRELEASED:
        return Withheld("not-released", "This is not released.")
    if item.marking is Tlp.RED:
        return Withheld("red", "TLP:RED leaves by no exit.")
    if not item.readable or item.topic is None or item.record_class is None or item.audience is None:
        return Withheld("desk-only", "Only the desk sees this: it is still coming in, or holds words not known here.")
    if _is_over(item, now):
        return Withheld("expired", "This has expired.")
    if not item.own and item.caveats & _ORIGINATORS:
        return Withheld("originator", "Its originator keeps the say over who else may have this.")
    return None


def _is_over(item: Item, now: dt.datetime) -> bool:
    """Expired by this node's clock, with grace for what others dated. A withdrawal is told whatever the date."""
    if item.stage is Stage.WITHDRAWN:
        return False
    grace = dt.timedelta() if item.own else GRACE
    return item.stage is Stage.EXPIRED or item.expires is None or now - grace >= item.expires


def _by_link(item: Item) -> Withheld | None:
    """What keeps an item from whoever holds no more than an address."""
    if item.record_class is not RecordClass.SAFETY_NOTICE:
        return Withheld("record-class", f"A record of class {item.record_class} is in no feed.")
    if item.caveats & _NO_LINK:
        return Withheld("caveat", f"Its caveat ({', '.join(sorted(item.caveats & _NO_LINK))}) keeps it from feeds.")
    return None


def _to_public(item: Item, exit: Exit, now: dt.datetime) -> Leave:  # noqa: A002 - the word of the house
    if exit not in _OUTSIDE:
        return Withheld("exit", f"The public does not read by {exit}.")
    if item.marking is not Tlp.CLEAR:
        return Withheld("tlp", f"TLP:{item.marking.upper()} is not public.")
    withheld = _outside(item, now) or _by_link(item)
    if withheld is not None:
        return withheld
    if item.audience is not Audience.ALL:
        return Withheld("audience", "This went to named readers only.")
    return _form(item)


def _to_district(
    item: Item,
    exit: Exit,  # noqa: A002 - the word of the house
    reader: District,
    now: dt.datetime,
    policy: Policy,
    place: str | None,
) -> Leave:
    if exit not in _PRIVATE:
        return Withheld("exit", f"A private feed does not open {exit}.")
    withheld = _outside(item, now) or _by_link(item) or _above(item, reader, policy)
    if withheld is not None:
        return withheld
    if item.marking is Tlp.AMBER and reader.place != _own_place(item, place):
        return Withheld("not-own-district", "TLP:AMBER goes to the state's own districts only.")
    if item.audience is not Audience.ALL and not policy.named_to_districts:
        return Withheld("audience", "This went to named states; the policy keeps such items from districts.")
    return _form(item)


def _above(item: Item, reader: District, policy: Policy) -> Withheld | None:
    if item.marking is Tlp.AMBER_STRICT:
        return Withheld("tlp", "TLP:AMBER+STRICT stays within the organisation.")
    ceiling = min(reader.ceiling, policy.district_ceiling, key=rank)
    if stricter(item.marking, ceiling) is not ceiling:
        return Withheld("ceiling", f"This feed goes up to TLP:{ceiling.upper()}.")
    return None


def _own_place(item: Item, place: str | None) -> str | None:
    """Whose districts are the own ones: this node's, or, for its own items, the origin's state."""
    if place is None and item.own:
        return item.origin.partition("-")[0]
    return place


def _to_member(item: Item, exit: Exit, reader: Member, now: dt.datetime) -> Leave:  # noqa: A002 - the word of the house
    if Verb.READ_DESK not in rights(reader.actor.roles):
        return _to_public(item, exit, now)
    if item.marking is Tlp.RED and exit not in _ON_SCREEN:
        return Withheld("red", "TLP:RED is read on screen, at the desk, and leaves by no exit.")
    if exit in IN_HOUSE:
        # The own desk still reads what it withdrew; what another origin withdrew is hidden here too.
        return Allowed() if item.own else _form(item)
    if exit is Exit.SUBJECT:
        return Withheld("exit", "People do not read by subject.")
    withheld = _outside(item, now)
    if withheld is not None:
        return withheld
    if rank(item.marking) > rank(Tlp.GREEN):
        return Withheld("tlp", f"TLP:{item.marking.upper()} is read at the desk only.")
    return _form(item)


def _to_peer(item: Item, exit: Exit, reader: Peer, now: dt.datetime) -> Leave:  # noqa: A002 - the word of the house
    if exit is not Exit.SUBJECT:
        return Withheld("exit", f"A peer's node reads by subject, not by {exit}.")
    if not item.own:
        return Withheld("not-own", "This is another origin's: each publisher decides about its own.")
    withheld = _outside(item, now)
    if withheld is not None:
        return withheld
    if item.stage is Stage.WITHDRAWN:
        return Withheld("withdrawn", "This was withdrawn: only its recall travels.")
    return _addressed(item, reader) or _agreed(item, reader, now)


def _addressed(item: Item, reader: Peer) -> Withheld | None:
    if reader.place == item.origin.partition("-")[0]:
        return Withheld("own-node", "This is the node's own state.")
    if reader.subject_audience == "all":
        if item.audience is not Audience.ALL or rank(item.marking) > rank(Tlp.GREEN):
            return Withheld("audience", "Only CLEAR and GREEN for everybody travel on `all`.")
        return None
    if reader.subject_audience != f"to-{reader.place}":
        return Withheld("audience", f"A copy {reader.subject_audience} is not for {reader.place}.")
    if item.audience is not Audience.ALL and reader.place not in item.recipients:
        return Withheld("not-named", f"{reader.place.upper()} is not among those whom this names.")
    return None


def _agreed(item: Item, reader: Peer, now: dt.datetime) -> Leave:
    if reader.agreement is None or reader.agreement.peer != reader.place:
        return Withheld("no-agreement", f"There is no agreement with {reader.place.upper()}.")
    if item.topic is None:  # said above already; here for the types
        return Withheld("desk-only", "Its topic is not known.")
    return reader.agreement.allows(topic=item.topic, tlp=item.marking, lane=item.lane, now=now)


# ------------------------------------------------------------------------------------------------- reach
@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """Whom a release would reach. `copies`: the audience tokens to sign and send, sorted. `gets`: {place: its copy}.

    `withheld`: {place: why not, in words}, `codes` the same as tokens; every known peer and every named place is in exactly one of
    `gets` and `withheld`. `public`: whether anybody may read it.
    """

    copies: tuple[str, ...]
    gets: Mapping[str, str]
    withheld: Mapping[str, str]
    codes: Mapping[str, str]
    public: bool


def reach(item: Item, agreements: Mapping[str, Agreement | None], *, now: dt.datetime, policy: Policy) -> Reach:
    """Whom `item` (one's own) would reach if it were released now; `agreements` has every known peer, by place."""
    released = dataclasses.replace(item, stage=Stage.RELEASED)
    wide = item.audience is Audience.ALL and rank(item.marking) <= rank(Tlp.GREEN)
    gets: dict[str, str] = {}
    withheld: dict[str, Withheld] = {}
    for place in sorted(set(agreements) | item.recipients):
        audience = "all" if wide else f"to-{place}"
        reader = Peer(place, agreements.get(place), audience)
        decision = may_leave(released, Exit.SUBJECT, reader, mode=item.mode, now=now, policy=policy)
        if isinstance(decision, Withheld):
            withheld[place] = decision
        else:
            gets[place] = audience
    public = may_leave(released, Exit.PAGE, Public(), mode=item.mode, now=now, policy=policy)
    copies = {*gets.values(), "all"} if wide and _travels(released, now) else set(gets.values())
    return Reach(
        copies=tuple(sorted(copies)),
        gets=gets,
        withheld={place: one.reason for place, one in withheld.items()},
        codes={place: one.code for place, one in withheld.items()},
        public=isinstance(public, Allowed),
    )


def _travels(item: Item, now: dt.datetime) -> bool:
    return _outside(item, now) is None


def lost(held_by: Iterable[str], may_hold_now: Iterable[str]) -> frozenset[str]:
    """Who must have a recall: everybody who held any version, without those who may hold this one (DESIGN section 5)."""
    return frozenset(held_by) - frozenset(may_hold_now)


_WIDEST_POLICY: Final = Policy(district_ceiling=Tlp.AMBER, named_to_districts=True)


class Widest(enum.StrEnum):
    """The widest kind of reader who may ever have an item; SQL narrows by it, `may_leave` decides."""

    PUBLIC = "public"
    DISTRICT = "district"
    MEMBER = "member"  # signed in here, by any exit
    DESK = "desk"  # signed in here, in the application only


def widest(item: Item) -> Widest:
    """The widest reader of this version once it is released, whatever the policy comes to say and whatever happens to it.

    Never narrower than what `may_leave` allows, so that SQL that narrows by it hides nothing that may be shown.
    """
    now = dt.datetime(2000, 1, 1, tzinfo=dt.UTC)
    ever = dataclasses.replace(
        item, stage=Stage.RELEASED, readable=True, waiting=False, expires=now + dt.timedelta(days=1)
    )
    place = ever.origin.partition("-")[0]
    ask = functools.partial(may_leave, ever, Exit.PAGE, mode=item.mode, now=now, policy=_WIDEST_POLICY, place=place)
    if isinstance(ask(Public()), Allowed):
        return Widest.PUBLIC
    if isinstance(ask(District(place, Tlp.AMBER)), Allowed):
        return Widest.DISTRICT
    outside = _outside(ever, now) is None and rank(ever.marking) <= rank(Tlp.GREEN)
    return Widest.MEMBER if outside else Widest.DESK
