"""Words that no file of this tree may hold: hosts of registries, paths of a machine, things put off."""

from __future__ import annotations

import re

import pytest

from tests.house.tree import texts

# Put together here, so that this file does not hold them.
FORBIDDEN = {
    "host of a registry": "|".join(
        re.escape(a + b)
        for a, b in (
            ("py", "pi.org"),
            ("python", "hosted.org"),
            ("npm", "js.org"),
            ("npm", "js.com"),
            ("deb.", "debian.org"),
            ("security.", "debian.org"),
        )
    ),
    "path of a machine": r"(?<![\w.])/(work|farm)" + "/",
    "something put off": r"\b(" + "|".join(("TO" + "DO", "FIX" + "ME")) + r")\b",
}


@pytest.mark.parametrize("what", FORBIDDEN)
def test_no_file_holds(what: str) -> None:
    pattern = re.compile(FORBIDDEN[what])
    found = [f"{file}: {match.group()}" for file, text in texts().items() for match in pattern.finditer(text)]
    assert found == []


@pytest.mark.parametrize(
    ("what", "text"),
    [
        ("host of a registry", "https://files.python" + "hosted.org/x"),
        ("path of a machine", "see /wo" + "rk/shared"),
        ("path of a machine", 'Path("/wo' + 'rk/shared")'),
        ("something put off", "# TO" + "DO later"),
    ],
)
def test_a_planted_word_is_found(what: str, text: str) -> None:
    assert re.search(FORBIDDEN[what], text)
