"""Messages that speak of earlier messages: cancels without words, messages listed twice, events that end (CAP 1.2 section 3.2.1).

Pure functions over advisories. A message whose sender gave it no words has no topics: that is how it is known here.
What a message means for those that it refers to is decided where these lie, at the desk (`hub.desk.enqueue`).
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Mapping

import msgspec

from connectors.answer import Parsed, Unreadable
from schemas.bulletin import Advisory
from schemas.cap import parse_time
from schemas.marking import stricter
from schemas.vocabulary import Action, Status

_EARLIEST = dt.datetime.min.replace(tzinfo=dt.UTC)
# `/k.aaa.cccc.pp.s.####.yymmddThhnnZ-yymmddThhnnZ/`: class, action, office, phenomenon, significance, number (NWSI 10-1703).
_PVTEC = re.compile(r"/([A-Z])\.([A-Z]{3})\.[A-Z0-9]{4}\.[A-Z]{2}\.[A-Z]\.[0-9]{4}\.", re.ASCII)
# The actions that end an event whatever the message calls itself.
_ENDS = frozenset({"CAN", "EXP"})


def identity(key: str) -> str:
    """What two spellings of one key share: the moment of a "sender,identifier,sent", whatever zone it is written in."""
    before, comma, sent = key.rpartition(",")
    try:
        return f"{before},{parse_time(sent).astimezone(dt.UTC).isoformat()}" if comma else key
    except ValueError:
        return key


def by_identity(advisories: Iterable[Advisory]) -> dict[str, Advisory]:
    """Advisories for references to be looked up in; of one key the last counts."""
    return {identity(advisory.key): advisory for advisory in advisories}


def once(advisories: Iterable[Advisory], file: str) -> Parsed:
    """Every message once: an answer may list one twice. Where the two differ, the first counts and the other is an error."""
    kept: dict[str, Advisory] = {}
    errors: list[Unreadable] = []
    for advisory in advisories:
        before = kept.setdefault(advisory.key, advisory)
        if before.revision != advisory.revision:
            item = int(advisory.item) if advisory.item.isdigit() else None
            again = f"{advisory.key} stands here twice with different content; the first one counts."
            errors.append(Unreadable(again, file, item, advisory.key))
    return Parsed(tuple(kept.values()), tuple(errors))


def is_bare(advisory: Advisory) -> bool:
    """Whether a message has no words of its own."""
    return not advisory.topics


def completed(advisory: Advisory, around: Mapping[str, Advisory]) -> Advisory:
    """A cancel without words, in the words of what it cancels, where that lies in `around` (by `by_identity`).

    The revision stays: it tells what the message itself says, wherever its words come from.
    """
    if advisory.action is not Action.CANCEL or not is_bare(advisory):
        return advisory
    before = _referred(advisory, around)
    return advisory if before is None else _worded(advisory, before)


def _referred(advisory: Advisory, around: Mapping[str, Advisory]) -> Advisory | None:
    """The newest message with words that this one refers to, also by way of others without."""
    seen = {identity(advisory.key)}
    wanted = list(advisory.references)
    found: list[Advisory] = []
    while wanted:
        key = identity(wanted.pop())
        before = around.get(key)
        if key in seen or before is None:
            continue
        seen.add(key)
        if is_bare(before):
            wanted.extend(before.references)
        else:
            found.append(before)
    return max(found, key=lambda each: each.effective or _EARLIEST, default=None)


def _worded(advisory: Advisory, before: Advisory) -> Advisory:
    return msgspec.structs.replace(
        advisory,
        status=before.status if advisory.status is Status.ACTUAL else advisory.status,
        headline=before.headline,
        event=before.event,
        summary="\n".join(text for text in (advisory.summary, before.summary) if text),
        severity=before.severity,
        urgency=before.urgency,
        certainty=before.certainty,
        topics=before.topics,
        areas=before.areas,
        expires=advisory.expires or before.expires,
        url=advisory.url or before.url,
        language=before.language,
        languages=before.languages,
        tlp=stricter(advisory.tlp, before.tlp),
    )


def is_ended(vtec: Iterable[str]) -> bool:
    """Whether a message's P-VTEC codes end all that it is about (NWSI 10-1703): every one says CAN or EXP."""
    actions = {found[2] for code in vtec for found in _PVTEC.finditer(code)}
    return bool(actions) and actions <= _ENDS


def is_trial(vtec: Iterable[str]) -> bool:
    """Whether every P-VTEC code of a message says that it is a test product (NWSI 10-1703, class T)."""
    classes = {found[1] for code in vtec for found in _PVTEC.finditer(code)}
    return classes == {"T"}
