"""Forms of pages: what a browser posts, read with bounds; each acts once, however often it is sent (house laws 8 and 11)."""

from __future__ import annotations

import dataclasses
import datetime as dt
import re
import urllib.parse
from collections.abc import Callable, Iterable, Mapping

from aiohttp import web

from hub.errors import Conflict, FieldError
from hub.store.database import Tx
from hub.store.people import Person
from hub.web import idempotency
from hub.web.access import PERSON
from hub.web.body import read_body
from hub.web.idempotency import Reply
from hub.web.parts import parts
from hub.web.problem import Problem

_MEDIA = "application/x-www-form-urlencoded"
_MOST_FIELDS = 500
_ONCE = re.compile(r"[A-Za-z0-9_-]{16,64}", re.ASCII)
_NUMBER = re.compile(r"[1-9][0-9]{0,8}", re.ASCII)

Act = Callable[[Tx, Person, dt.datetime], str]


@dataclasses.dataclass(frozen=True, slots=True)
class Fields:
    """What a form posted, in its order; every line end is one line feed."""

    pairs: tuple[tuple[str, str], ...] = ()

    def one(self, name: str, default: str = "") -> str:
        """The first value of a field, without white space around it."""
        return next((value.strip() for key, value in self.pairs if key == name), default)

    def many(self, name: str) -> tuple[str, ...]:
        """Every value of a field, such as those of checkboxes."""
        return tuple(value.strip() for key, value in self.pairs if key == name)

    def number(self, name: str) -> int:
        """A counting number that the page itself put into the form. Raises Problem `malformed` for anything else."""
        value = self.one(name)
        if _NUMBER.fullmatch(value) is None:
            raise Problem("malformed", f"The form lacks the number {name}: load the page again.")
        return int(value)


async def read_fields(request: web.Request) -> Fields:
    """The form in the request's body. Raises Problem `media-type`, `malformed` or `too-large`."""
    if request.content_type != _MEDIA:
        raise Problem("media-type", f"This page takes its own form: Content-Type: {_MEDIA}.")
    body = await read_body(request)
    try:
        pairs = urllib.parse.parse_qsl(
            body.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=_MOST_FIELDS
        )
    except ValueError:  # not ASCII, not UTF-8 behind the percent signs, or too many fields
        raise Problem("malformed", f"The form cannot be read, or has more than {_MOST_FIELDS} fields.") from None
    return Fields(tuple((name, _lines(value)) for name, value in pairs))


def _lines(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")


async def act_once(request: web.Request, act: Act) -> web.Response:
    """Run `act` in the writer thread, once for each value of `once`; 303 to the local path that it returns.

    Whatever `act` raises undoes it, and the same form may be sent again. Raises Conflict `form-used` when a form with other
    words was sent under this `once` before.
    """

    def acted(tx: Tx, person: Person, now: dt.datetime) -> Reply:
        return Reply(303, b"", {"Location": act(tx, person, now)}, "text/html")

    return await reply_once(request, acted)


async def reply_once(request: web.Request, act: idempotency.Act) -> web.Response:
    """As `act_once`, for a form whose answer shows something itself, such as a link that is shown this once."""
    key = await key_of_form(request)
    try:
        return await idempotency.perform_under(request, key, act)
    except Problem as problem:
        if problem.code == "key-reused":
            words = "This form was sent before, with other words. Load the page again to see how it stands."
            raise Conflict(words, code="form-used") from None
        raise


async def key_of_form(request: web.Request) -> idempotency.Key:
    """Under what name this form's answer is kept: its hidden `once`. Raises Problem `malformed` for a form without it."""
    name = (await read_fields(request)).one("once")
    if _ONCE.fullmatch(name) is None:
        raise Problem("malformed", "The form lacks its own mark: load the page again.")
    return await idempotency.key_named(request, f"form-{name}")


@dataclasses.dataclass(frozen=True, slots=True)
class Wrong:
    """One field's error as the summary shows it: the id of the input, its label, what is wrong."""

    field: str
    label: str
    message: str


@dataclasses.dataclass(frozen=True, slots=True)
class Errors:
    """What does not fit, for the summary on top (`items`) and beside each field (`of`)."""

    items: tuple[Wrong, ...] = ()

    def of(self, field: str) -> str | None:
        """What is wrong with one field, None when nothing is."""
        found = [each.message for each in self.items if each.field == field]
        return "; ".join(found) if found else None

    def __bool__(self) -> bool:
        return bool(self.items)


def errors_of(found: Iterable[FieldError], labels: Mapping[str, str]) -> Errors:
    """Field errors by the form's own field names: "/areas/0/fips" is `areas`; `labels` gives the words of each field."""
    made = []
    for each in found:
        field = each.pointer.strip("/?").split("/")[0] or "form"
        made.append(Wrong(field, labels.get(field, field.replace("_", " ").capitalize()), each.message))
    return Errors(tuple(dict.fromkeys(made)))


def actor(request: web.Request) -> Person:
    """Who is signed in."""
    return request[PERSON]


def now_of(request: web.Request) -> dt.datetime:
    """The node's time."""
    return parts(request).clock()
