"""What the tests of the desk's pages send and read."""

from __future__ import annotations

import datetime as dt
import secrets
from typing import Any

from lxml import html

from tests.web.house import MONDAY, Answer, House


def filled(**changes: Any) -> dict[str, Any]:
    """The compose form as a browser sends it, filled in well."""
    made = {
        "once": secrets.token_urlsafe(18),
        "headline": "Recorded threat calls",
        "text": "Front offices report the same recorded call.\n\nPolice checked each one.",
        "role_0": "front-office",
        "action_0": "Write down the exact words and call 911.",
        "role_1": "",
        "action_1": "",
        "areas": "Texas",
        "topic": "swatting",
        "also": ["bomb-threat"],
        "phase": "response",
        "severity": "severe",
        "urgency": "expected",
        "certainty": "likely",
        "confidence": "medium",
        "basis": "",
        "expires": f"{MONDAY + dt.timedelta(days=5):%Y-%m-%dT%H:%M}",
        "next_update_by": "",
        "tlp": "clear",
        "audience": "all",
        "lane": "routine",
        "record_class": "safety-notice",
        "do": "save",
    }
    return made | changes


async def posted(house: House, path: str, role: str, form: dict[str, Any]) -> Answer:
    """A form that is taken: the 303."""
    answer = await house.page("POST", path, role, form)
    assert answer.status == 303, answer.text
    return answer


async def go(house: House, path: str, role: str) -> Answer:
    """Press the button that posts to `path`, as it stands on the page that shows it."""
    which, _, _ = path.rpartition("/")
    page = await house.page("GET", which if path.endswith("/update") else f"{which}/review", role)
    assert page.status == 200, page.text
    form = next((f for f in html.fromstring(page.text).forms if f.action == path), None)
    assert form is not None, (path, page.text)
    return await posted(house, path, role, dict(form.form_values()))


def once_of(page: str) -> str:
    """The mark of the form that acts on the page."""
    return html.fromstring(page).xpath("string(//main//input[@name='once']/@value)")


def seen_of(page: str) -> str:
    """The version that the page shows."""
    return html.fromstring(page).xpath("string(//input[@name='seen']/@value)")
