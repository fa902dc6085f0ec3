"""What a feed says, before any format: one entry for one version of a bulletin, and the head of a channel."""

from __future__ import annotations

import datetime as dt

import msgspec

from connectors.feeds import words
from connectors.plain_text import one_line
from schemas.bulletin import Area, Bulletin
from schemas.vocabulary import Certainty, Mode, Severity, Tlp, Urgency

_EXERCISE = "EXERCISE: "


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One version as feeds show it. `uuid` is the report's without `report--`; `text` and `html` are the body without the TLP label.

    Times are aware. `title` carries its prefixes already (see `title`).
    """

    uuid: str
    version: int
    title: str
    url: str
    text: str
    html: str
    updated: dt.datetime
    published: dt.datetime
    categories: tuple[str, ...]
    tlp: Tlp
    author: str
    severity: Severity
    urgency: Urgency = Urgency.UNKNOWN
    certainty: Certainty = Certainty.UNKNOWN
    areas: tuple[Area, ...] = ()
    expires: dt.datetime | None = None
    exercise: bool = False
    lang: str = "en"

    @property
    def atom_id(self) -> str:
        """The same for every version, so that an update replaces what a reader holds."""
        return f"urn:uuid:{self.uuid}"

    @property
    def version_id(self) -> str:
        """RSS guid and JSON Feed id: new with each version, because those readers ignore an item that they have seen."""
        return f"{self.atom_id}#v{self.version}"

    @property
    def marked_text(self) -> str:
        """The body with the TLP label above it, as FIRST TLP 2.0 asks."""
        return f"{words.label(self.tlp)}\n\n{self.text}"

    @property
    def marked_html(self) -> str:
        """The same as HTML."""
        return f"<p><strong>{words.label(self.tlp)}</strong></p>{self.html}"


class Channel(msgspec.Struct, frozen=True, kw_only=True):
    """The head of one feed. `url` is the page for people; `updated` is that of the newest entry, or a fixed time when there is none.

    `id` stays the same on every page of a paged feed (RFC 5005); empty means `self_url`. `ttl` in minutes.
    """

    title: str
    url: str
    self_url: str
    updated: dt.datetime
    hub_url: str | None = None
    next_url: str | None = None
    language: str = "en"
    subtitle: str = ""
    id: str = ""
    ttl: int = 5


def title(headline: str, *, version: int = 1, withdrawn: bool = False, exercise: bool = False) -> str:
    """The headline with its prefixes: `EXERCISE: ` before all else, then `WITHDRAWN: ` or `UPDATE 2: `."""
    bare = one_line(headline)
    stands = bare.startswith(_EXERCISE)
    state = "WITHDRAWN: " if withdrawn else f"UPDATE {version}: " if version > 1 else ""
    return f"{_EXERCISE if exercise or stands else ''}{state}{bare.removeprefix(_EXERCISE) if stands else bare}"


def of_bulletin(bulletin: Bulletin, *, report_id: str, url: str, author: str) -> Entry:
    """The entry of one stamped version. Raises ValueError for a draft: only what was released has a place in a feed."""
    if bulletin.stamp is None:
        raise ValueError("a draft has no entry in a feed")
    version, exercise = bulletin.stamp.version, bulletin.mode is Mode.EXERCISE
    topics = (bulletin.topic, *(topic for topic in bulletin.also if topic is not bulletin.topic))
    return Entry(
        uuid=report_id.removeprefix("report--"),
        version=version,
        title=title(bulletin.headline, version=version, exercise=exercise),
        url=url,
        text=words.body_text(bulletin.text, bulletin.actions),
        html=words.body_html(bulletin.text, bulletin.actions),
        updated=bulletin.modified,
        published=bulletin.published,
        categories=tuple(topic.value for topic in topics),
        tlp=bulletin.tlp,
        author=author,
        severity=bulletin.severity,
        urgency=bulletin.urgency,
        certainty=bulletin.certainty,
        areas=bulletin.areas,
        expires=bulletin.expires,
        exercise=exercise,
        lang=bulletin.lang,
    )


def of_withdrawal(entry: Entry, headline: str, *, at: dt.datetime, correction: str) -> Entry:
    """What stands in the place of a withdrawn entry: `correction` and nothing of the old text.

    It counts as one version more: with the old id, RSS readers would never show it.
    """
    return msgspec.structs.replace(
        entry,
        version=entry.version + 1,
        title=title(headline, withdrawn=True, exercise=entry.exercise),
        text=words.plain(correction),
        html=words.markup(correction),
        updated=at,
        severity=Severity.UNKNOWN,
        urgency=Urgency.UNKNOWN,
        certainty=Certainty.UNKNOWN,
        expires=None,
    )
