from __future__ import annotations

import pytest

from connectors.feeds.entry import of_bulletin, of_withdrawal, title
from schemas.bulletin import Bulletin, RoleAction, Stamp
from schemas.vocabulary import Certainty, Mode, Severity, Tlp, Topic, Urgency
from tests.connectors.feeds.made import EPOCH, NOON, entry


@pytest.mark.parametrize(
    ("given_title", "facts", "made"),
    [
        ("Hoax calls", {}, "Hoax calls"),
        ("Hoax calls", {"version": 2}, "UPDATE 2: Hoax calls"),
        ("Hoax calls", {"version": 3, "withdrawn": True}, "WITHDRAWN: Hoax calls"),
        ("Hoax calls", {"exercise": True}, "EXERCISE: Hoax calls"),
        ("EXERCISE: Hoax calls", {"exercise": True, "version": 2}, "EXERCISE: UPDATE 2: Hoax calls"),
        ("EXERCISE: Hoax calls", {}, "EXERCISE: Hoax calls"),
        ("EXERCISE: Hoax calls", {"withdrawn": True, "exercise": True}, "EXERCISE: WITHDRAWN: Hoax calls"),
        ("Hoax\ncalls \u202e", {}, "Hoax calls"),
    ],
)
def test_prefixes_say_what_happened(given_title: str, facts: dict[str, object], made: str) -> None:
    assert title(given_title, **facts) == made  # type: ignore[arg-type]  # a table of plain values


def test_the_id_stays_and_the_version_id_moves() -> None:
    first, second = entry(), entry(version=2)
    assert first.atom_id == second.atom_id == "urn:uuid:6f1c2f0e-3f57-4c43-9f0e-2d1c0a7a5b11"
    assert (first.version_id, second.version_id) == (f"{first.atom_id}#v1", f"{first.atom_id}#v2")


def test_the_body_carries_its_marking() -> None:
    made = entry(tlp=Tlp.AMBER_STRICT)
    assert made.marked_text.startswith("TLP:AMBER+STRICT\n\nCalls name")
    assert made.marked_html.startswith("<p><strong>TLP:AMBER+STRICT</strong></p><p>Calls name")


def test_a_withdrawal_holds_the_correction_and_none_of_the_text() -> None:
    gone = of_withdrawal(entry(version=2), "Hoax calls", at=EPOCH, correction="Withdrawn: sent in error.")
    assert (gone.title, gone.text, gone.html) == (
        "WITHDRAWN: Hoax calls",
        "Withdrawn: sent in error.",
        "<p>Withdrawn: sent in error.</p>",
    )
    assert (gone.version_id[-3:], gone.updated, gone.severity) == ("#v3", EPOCH, Severity.UNKNOWN)


def bulletin(stamp: Stamp | None) -> Bulletin:
    return Bulletin(
        mode=Mode.EXERCISE,
        origin="tx",
        seed="00" * 16,
        salt="11" * 16,
        created=EPOCH,
        modified=NOON,
        published=EPOCH,
        headline="Hoax calls",
        text="Several schools were called.",
        topic=Topic.BOMB_THREAT,
        also=(Topic.SWATTING, Topic.BOMB_THREAT),
        tlp=Tlp.GREEN,
        severity=Severity.MODERATE,
        urgency=Urgency.EXPECTED,
        certainty=Certainty.LIKELY,
        expires=NOON,
        actions=(RoleAction("principal", "Keep a log."),),
        lang="en",
        stamp=stamp,
    )


def test_a_released_version_becomes_an_entry() -> None:
    stamp = Stamp("TX-EX-2026-0001", 2, NOON, ())
    made = of_bulletin(bulletin(stamp), report_id="report--abc", url="https://hub.tx.example/x", author="Texas")
    assert (made.uuid, made.version, made.title) == ("abc", 2, "EXERCISE: UPDATE 2: Hoax calls")
    assert (made.published, made.updated, made.expires) == (EPOCH, NOON, NOON)
    assert made.categories == ("bomb-threat", "swatting")
    assert made.text == "Several schools were called.\n\nWhat to do:\n- principal: Keep a log."
    assert (made.exercise, made.tlp, made.severity) == (True, Tlp.GREEN, Severity.MODERATE)


def test_a_draft_has_no_entry() -> None:
    with pytest.raises(ValueError, match="draft"):
        of_bulletin(bulletin(None), report_id="report--abc", url="", author="")
