"""Whether a message that calls itself actual is a test or an exercise after all.

Agencies test their way to the public with messages that claim to be real. Some show it by their event code (`same`),
others only by their words. A test taken for real is noise; a warning taken for a test may cost lives: the patterns are
narrow, and a message that says that it is no drill is none.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from schemas.vocabulary import Status

# None of the phrases below is without one of these; most messages are, and looking for phrases takes its time.
_HINTS: Final = (
    "test",
    "drill",
    "exercise",
    "demo",
    "rwt",
    "rmt",
    "actual",
    "real",
    "prueba",
    "simulacro",
    "ejercicio",
)
_MARKS: Final = {0x2019: "'", 0x2013: "-", 0x2014: "-"}
# Up to six words of a noun's own ("the required weekly", "a county alert system"), none that begins another phrase
# and none that makes the test one of something else than the alarm.
_GAP: Final = (
    r"(?:(?!(?:to|of|for|that|and|or|who|which|in|on|by|with|from|at|not|no|covid|covid-19|blood|water|drug|breath"
    r"|positive|stress|live|military|training)\b)[\w'/-]+ ){0,6}?"
)
_AFTER: Final = r"(?! (?:sites?|results?|kits?|cent(?:er|re)s?|clinics?|positive|track|flights?|range|equipment)\b)"
_ARTICLE: Final = r"(?:only |just |simply )?(?:a|an|the|our|your|this) "
_SUBJECT: Final = (
    r"(?:this|the following|the preceding|(?:this|the) (?:[\w'-]+ ){0,2}(?:message|alert|warning|broadcast|activation))"
)
_IS: Final = rf"\b{_SUBJECT} (?:is|has been|concludes) {_ARTICLE}{_GAP}"
_ES: Final = r"\b(?:esto|est[ae]|[ée]st[ae])(?: \w+){0,2} es (?:s[oó]lo |solamente |[uú]nicamente )?una? (?:\w+ ){0,3}?"

_NEITHER: Final = re.compile(
    r"(?<!were )(?<!was )\bnot an? (?:test|drill|exercise)\b|\bthis is no (?:test|drill|exercise)\b"
    r"|\bno es una? (?:prueba|simulacro|ejercicio)\b"
    r"|(?:\bnever|\bnot|n't) (?:assume|believe|think|treat) [^.!]{0,40}?\b(?:test|drill|exercise)\b"
)
_TEST: Final = re.compile(
    rf"{_IS}test\b{_AFTER}"
    r"|\btest (?:message|only|alert)\b|\bonly a test\b|\btest\W+test\W+test\b"
    # How such messages have ended for sixty years.
    r"|\b(?:if this (?:had been|were|was)|had this been) an? (?:actual|real) (?:emergency|alert|event)\b"
    r"|\bthis is (?:an?|the) (?:rwt|rmt)\b|\b(?:weekly|monthly) (?:eas |wea |eas/wea |wea/eas |alert |system )?test\b"
    r"|\btest(?:ing)? (?:of )?(?:(?:the|our|its|your|this) )?(?:[\w'/-]+ ){0,4}?"
    r"(?:emergency (?:\w+ )?alert|alert(?:ing)? system|notification system|eas|wea|ipaws)\b"
    rf"|{_ES}prueba\b|\bmensaje de prueba\b|\bprueba (?:obligatoria |requerida )?(?:mensual|semanal)\b"
)
_EXERCISE: Final = re.compile(
    rf"{_IS}(?:exercise|drill)\b|\bexercise,? exercise,? exercise\b|{_ES}(?:simulacro|ejercicio)\b"
)
# An event's name or a headline says it in fewer words.
_TEST_TITLE: Final = re.compile(
    r"^\W*test\W*$|^\W*test\s*[-:.!*]|\[test\]|\(test\)|\b(?:system|weekly|monthly|periodic|message|alert|eas|wea|ipaws) test\W*$"
    r"|^demo warning$|^practice/?demo|\bprueba (?:del sistema|mensual|semanal)\b"
)
_EXERCISE_TITLE: Final = re.compile(
    r"^\W*(?:exercise|drill)\W*$|^\W*(?:exercise|drill)\s*[-:.!*]|\[(?:exercise|drill)\]|\((?:exercise|drill)\)"
)


def status(titles: Iterable[str], texts: Iterable[str]) -> Status:
    """What a message's event names and headlines, and its other texts, say that it is; actual when they do not say."""
    headed = [plain for text in titles if (plain := _plain(text))]
    said = [*headed, *(plain for text in texts if (plain := _plain(text)))]
    if any(_NEITHER.search(text) for text in said):
        return Status.ACTUAL
    if any(map(_TEST.search, said)) or any(map(_TEST_TITLE.search, headed)):
        return Status.TEST
    if any(map(_EXERCISE.search, said)) or any(map(_EXERCISE_TITLE.search, headed)):
        return Status.EXERCISE
    return Status.ACTUAL


def _plain(text: str) -> str:
    """Lower case on one line, so that a line that was wrapped reads on; typographers' marks as typewriters have them.

    Empty where nothing hints at a test.
    """
    lower = text.lower()
    hinted = any(hint in lower for hint in _HINTS)
    return " ".join(lower.translate(_MARKS).split()) if hinted else ""
