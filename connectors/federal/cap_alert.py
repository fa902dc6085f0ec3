"""A CAP message as one advisory, whatever agency wrote it (OASIS CAP 1.2; IPAWS profile 1.0).

One message is one advisory, in however many languages it speaks. Its words, severity, urgency and certainty are those
of its most severe block in English, or in its first language; its places are those of all blocks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Final

from connectors import chain
from connectors.federal import drill, same
from connectors.plain_text import one_line, printable
from schemas import cap
from schemas.bulletin import Advisory, Area
from schemas.marking import from_name
from schemas.vocabulary import SEVERITY_RANK, Action, Certainty, Severity, Status, Tlp, Topic, Urgency

MOST_TEXT: Final = 20_000
_ACTIONS: Final = {
    cap.MsgType.ALERT: Action.NEW,
    cap.MsgType.UPDATE: Action.UPDATE,
    cap.MsgType.CANCEL: Action.CANCEL,
}
_STATUS: Final = {
    cap.Status.EXERCISE: Status.EXERCISE,
    cap.Status.SYSTEM: Status.TEST,
    cap.Status.TEST: Status.TEST,
    cap.Status.DRAFT: Status.TEST,
}
_WEA_TEXTS: Final = ("CMAMlongtext", "CMAMtext")


def advisory(source: str, found: cap.Found, item: str, original: str | None = None) -> Advisory:
    """What a message says; `original` where its text as served is more than its own XML. CapError when it cannot be used."""
    alert = found.alert
    if isinstance(alert, cap.CapError):
        raise alert
    if alert.msg_type not in _ACTIONS:
        raise cap.CapError("msgType", f"{alert.msg_type} speaks to a sender and carries no alert")
    spoken = _spoken(alert)
    lead = max(spoken, key=lambda info: SEVERITY_RANK[info.severity], default=None)
    return Advisory(
        source=source,
        key=str(alert.identity),
        revision=alert.digest,
        action=_action(alert),
        status=status(alert),
        headline=_headline(alert, lead),
        summary=_summary(alert, lead),
        severity=lead.severity if lead else Severity.UNKNOWN,
        urgency=lead.urgency if lead else Urgency.UNKNOWN,
        certainty=lead.certainty if lead else Certainty.UNKNOWN,
        topics=_topics(alert),
        areas=areas(alert),
        effective=min((info.effective for info in spoken if info.effective), default=alert.sent),
        expires=max((info.expires for info in spoken if info.expires), default=None),
        references=tuple(str(reference) for reference in alert.references),
        url=_url(lead),
        language=_tag(lead.language if lead else cap.DEFAULT_LANGUAGE),
        languages=tuple(dict.fromkeys(_tag(info.language) for info in alert.infos)) or (cap.DEFAULT_LANGUAGE,),
        tlp=_tlp(alert),
        item=item,
        original=found.text if original is None else original,
        event=one_line(lead.event) if lead else "",
    )


def status(alert: cap.Alert) -> Status:
    """Whether it is meant. Real tests call themselves Actual: event codes, VTEC, WEA handling and words decide then."""
    if alert.status is not cap.Status.ACTUAL:
        return _STATUS[alert.status]
    coded = [codes for info in alert.infos if (codes := [pair.value for pair in info.event_codes])]
    if coded and all(same.is_test(codes) for codes in coded):
        return Status.TEST
    if chain.is_trial(_parameters(alert.infos, "VTEC")):
        return Status.TEST
    if any("test" in value.lower() for value in _parameters(alert.infos, "WEAHandling")):
        return Status.TEST
    return drill.status(*_words(alert))


def areas(alert: cap.Alert) -> tuple[Area, ...]:
    """The places that the message names by SAME (in CAP 1.1 also FIPS6) and UGC codes."""
    geocodes = [code for info in alert.infos for area in info.areas for code in area.geocodes]
    by_name = _of(geocodes)
    return same.areas((*by_name("SAME"), *by_name("FIPS6")), by_name("UGC"))


def _action(alert: cap.Alert) -> Action:
    ended = chain.is_ended(_parameters(alert.infos, "VTEC"))
    return Action.CANCEL if ended else _ACTIONS[alert.msg_type]


def _spoken(alert: cap.Alert) -> list[cap.Info]:
    """The blocks in the language that the advisory speaks: English, or else the first."""
    english = [info for info in alert.infos if info.language.lower().split("-")[0] == "en"]
    return english or [info for info in alert.infos if info.language == alert.infos[0].language]


def _headline(alert: cap.Alert, lead: cap.Info | None) -> str:
    if lead is not None:
        return one_line(lead.headline or "") or one_line(lead.event) or alert.identifier
    what = ", ".join(reference.identifier for reference in alert.references) or "no other message"
    verb = {Action.UPDATE: "updates", Action.CANCEL: "cancels"}.get(_action(alert), "speaks of")
    return one_line(f"{_sender(alert)} {verb} {what}, without further words")


def _summary(alert: cap.Alert, lead: cap.Info | None) -> str:
    """What happens and what to do, once each; a message without either has its phone text."""
    parts: list[str | None] = [alert.note] if lead is None else [lead.description, lead.instruction]
    if lead is not None and not any(parts):
        parts = [next(_parameters((lead,), *_WEA_TEXTS), lead.event)]
    if lead is None and _action(alert) is Action.CANCEL:
        parts = [f"Cancelled by {_sender(alert)} at {alert.identity.sent}.", *parts]
    texts = dict.fromkeys(printable(part).strip() for part in parts if part)
    return "\n\n".join(text for text in texts if text)[:MOST_TEXT]


def _sender(alert: cap.Alert) -> str:
    return alert.source or alert.sender


def _topics(alert: cap.Alert) -> tuple[Topic, ...]:
    """Only a cancel without words has none: it is about what it cancels (`chain.completed`)."""
    if not alert.infos and _action(alert) is Action.CANCEL:
        return ()
    return same.topics(
        (pair.value for info in alert.infos for pair in info.event_codes if pair.name.upper() == "SAME"),
        (category for info in alert.infos for category in info.categories),
        "\n".join(text for info in _spoken(alert) for text in (info.event, info.headline) if text),
    )


def _url(lead: cap.Info | None) -> str | None:
    web = one_line(lead.web or "") if lead else ""
    return web if web.lower().startswith(("https://", "http://")) and " " not in web else None


def _tlp(alert: cap.Alert) -> Tlp:
    """Public is CLEAR; a restriction counts as the marking that it names, and AMBER+STRICT where it names none."""
    if alert.scope is cap.Scope.PUBLIC:
        return Tlp.CLEAR
    if alert.scope is cap.Scope.PRIVATE:
        return Tlp.RED
    return from_name((alert.restriction or "").split(" ", 1)[0])


def _tag(language: str) -> str:
    """A language tag in its customary case (RFC 5646 section 2.1.1): "en-US"."""
    first, *rest = language.split("-")
    return "-".join((first.lower(), *(part.upper() if len(part) == 2 else part for part in rest)))


def _words(alert: cap.Alert) -> tuple[list[str], list[str]]:
    titles = [text for info in alert.infos for text in (info.event, info.headline) if text]
    texts = [text for info in alert.infos for text in (info.description, info.instruction) if text]
    return titles, [*texts, *_parameters(alert.infos, *_WEA_TEXTS), *((alert.note,) if alert.note else ())]


def _parameters(infos: Iterable[cap.Info], *names: str) -> Iterator[str]:
    by_name = _of([pair for info in infos for pair in info.parameters])
    return (value for name in names for value in by_name(name))


def _of(pairs: list[cap.Pair]) -> Callable[[str], list[str]]:
    return lambda name: [pair.value for pair in pairs if pair.name.strip().lower() == name.lower()]
