"""Which passwords are taken (NIST SP 800-63B section 5.1.1.2): length, and nothing that is guessed first; no rule on its make-up."""

from __future__ import annotations

import itertools
import re
import unicodedata
from collections.abc import Iterable
from typing import Final

from hub.rules.decision import Accepted, Decision, Refused

SHORTEST: Final = 12  # characters
LONGEST: Final = 256
_FEWEST: Final = 5  # different characters

# Long enough and tried first all the same, without their digits and signs at the ends.
_COMMON: Final = frozenset(
    """
    password passwordpassword passwort letmein letmeinplease iloveyou iloveyouforever qwertyuiop qwertyuiopasdfghjkl
    asdfghjkl qwerty qwertyqwerty welcome welcomewelcome changeme changemenow administrator admin adminadmin trustno1
    correcthorsebatterystaple abcdefghijkl abcdefghijklm abcdefghijklmnop abcdefghijklmnopqrstuvwxyz 1q2w3e4r5t6y
    1qaz2wsx3edc 1qaz2wsx3edc4rfv qazwsxedcrfv zaq12wsxcde3 baseball football basketball princess sunshine superman
    schoolsafety schoolsafetyhub safetyhub schoolsafetycenter
    """.split()  # noqa: SIM905 - a list of words reads as one
)
_ENDS: Final = re.compile(r"^[\W\d_]+|[\W\d_]+$")
_BETWEEN: Final = re.compile(r"[\W_]+")


def normal(password: str) -> str:
    """The one spelling that is hashed (NFKC), so that a password typed on another keyboard is the same."""
    return unicodedata.normalize("NFKC", password)


def fits(password: str, own: Iterable[str]) -> Decision:
    """Whether this may be somebody's password; `own` are words that stand beside it, such as handle and name.

    Codes: `short`, `long`, `own`, `common`.
    """
    said = normal(password)
    if len(said) < SHORTEST:
        return Refused("short", f"A password has at least {SHORTEST} characters; several words make a good one.")
    if len(said) > LONGEST:
        return Refused("long", f"A password has at most {LONGEST} characters.")
    plain = _plain(said)
    if any(plain in _repeated(_plain(word)) for word in own if _plain(word)):
        return Refused("own", "The password is your name or the name that you sign in with: others try that first.")
    if len(set(said)) < _FEWEST or plain in _COMMON or _is_row(said) or (not plain and len(set(said)) < SHORTEST):
        return Refused("common", "This password is one of those that are tried first. Take several words of your own.")
    return Accepted()


def _plain(text: str) -> str:
    """Small letters without what people hang on: `Sam.Poe-2026!` is `sampoe`."""
    return _BETWEEN.sub("", _ENDS.sub("", normal(text).casefold()))


def _repeated(word: str) -> set[str]:
    return {word * times for times in range(1, 4)}


def _is_row(text: str) -> bool:
    """Whether each character follows the one before, up or down."""
    steps = {ord(after) - ord(before) for before, after in itertools.pairwise(text)}
    return steps in ({1}, {-1})
