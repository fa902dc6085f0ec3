"""What the API takes: pydantic forms that name every wrong field at once, with JSON pointers."""

from __future__ import annotations

import json
import re
from typing import Annotated, Any, Literal, TypeVar

import pydantic
from aiohttp import web

from hub.desk.content import Content
from hub.errors import FieldError, Invalid
from hub.rules.authority import Role
from hub.web.body import read_body
from hub.web.fields import Label, Moment, PlaceCode, Text, Version
from hub.web.problem import Problem
from schemas.bulletin import Area, Attachment, RoleAction, Translation
from schemas.gate import GateError, check
from schemas.vocabulary import (
    Caveat,
    Certainty,
    Confidence,
    Lane,
    Phase,
    Reason,
    RecordClass,
    Severity,
    Tlp,
    Topic,
    Urgency,
)

F = TypeVar("F", bound="Form")
Audience = Literal["all"] | Annotated[tuple[PlaceCode, ...], pydantic.Field(min_length=1)]
_IF_MATCH = re.compile(r'"([1-9][0-9]{0,8})"')


class Form(pydantic.BaseModel):
    """A JSON object whose members are all known."""

    model_config = pydantic.ConfigDict(extra="forbid", frozen=True)


class ActionForm(Form):
    """What one role should do."""

    role: Text
    text: Text


class AreaForm(Form):
    """One place by one code: five FIPS digits (SS000 the whole state) or a UGC zone."""

    state: str | None
    fips: str | None = None
    ugc: str | None = None


class AttachmentForm(Form):
    """Facts about a file that travels elsewhere."""

    name: Text
    media_type: str
    size: pydantic.StrictInt
    sha256: str
    marking: Tlp


class TranslationForm(Form):
    """The same words in another language."""

    lang: str
    headline: Text
    text: Text


class BulletinPatch(Form):
    """The fields of a bulletin; those that are given change. `audience` is "all" or a list of peer places."""

    headline: Text | None = None
    text: Text | None = None
    actions: tuple[ActionForm, ...] | None = None
    topic: Topic | None = None
    also: tuple[Topic, ...] | None = None
    phase: Phase | None = None
    severity: Severity | None = None
    urgency: Urgency | None = None
    certainty: Certainty | None = None
    confidence: Confidence | None = None
    basis: Text | None = None
    areas: tuple[AreaForm, ...] | None = None
    tlp: Tlp | None = None
    audience: Audience | None = None
    lane: Lane | None = None
    expires: Moment | None = None
    next_update_by: Moment | None = None
    caveats: tuple[Caveat, ...] | None = None
    record_class: RecordClass | None = None
    attachments: tuple[AttachmentForm, ...] | None = None
    translations: tuple[TranslationForm, ...] | None = None
    lang: str | None = None
    minor: pydantic.StrictBool | None = None

    @pydantic.field_validator("*", mode="before")
    @classmethod
    def _given(cls, value: Any, info: pydantic.ValidationInfo) -> Any:
        if value is None and info.field_name != "next_update_by":
            raise ValueError("may be left out, but not be null")
        return value

    def given(self) -> dict[str, Any]:
        """The fields that were given, as the desk's `Content` has them."""
        made = {name: getattr(self, name) for name in self.model_fields_set}
        for name, struct in _STRUCTS.items():
            if name in made:
                made[name] = tuple(struct(**dict(each)) for each in made[name])
        if made.get("audience") == "all":
            made["audience"] = ()
        return made


_STRUCTS = {"actions": RoleAction, "areas": Area, "attachments": Attachment, "translations": Translation}


class BulletinForm(BulletinPatch):
    """A new bulletin. A draft has its marking and its audience from the first save, so nobody guesses them."""

    headline: Text
    text: Text
    actions: tuple[ActionForm, ...]
    topic: Topic
    severity: Severity
    urgency: Urgency
    certainty: Certainty
    tlp: Tlp
    audience: Audience
    expires: Moment

    def content(self) -> Content:
        """What the desk composes."""
        return Content(**self.given())


class SeenForm(Form):
    """Which version the person saw; the header If-Match may say it instead."""

    version: Version | None = None


class SendBackForm(SeenForm):
    """Why a draft goes back to its author."""

    reason: Annotated[Text, pydantic.StringConstraints(min_length=1, max_length=2_000)]


class WithdrawForm(SeenForm):
    """Why a bulletin is taken away, as a code, and the product that stands in its place."""

    reason: Reason
    replaced_by: Annotated[str, pydantic.StringConstraints(max_length=60)] | None = None


class SetAsideForm(Form):
    """Why an advisory is not for this desk."""

    reason: Annotated[Text, pydantic.StringConstraints(min_length=1, max_length=500)]


class PersonForm(Form):
    """A new person with roles."""

    handle: Label
    name: Label
    roles: tuple[Role, ...]


class EnrolmentForm(Form):
    """The code of one's own link, the password that one chose, and what the new token is for."""

    code: Annotated[str, pydantic.Field(max_length=100)]
    password: Annotated[str, pydantic.Field(max_length=1000)]
    label: Label = "first"


class PersonPatch(Form):
    """Other roles, or whether the account is open."""

    roles: tuple[Role, ...] | None = None
    active: pydantic.StrictBool | None = None


class TokenForm(Form):
    """A new token of a person."""

    label: Label
    expires: Moment | None = None


class FeedTokenForm(Form):
    """A private feed for a district of a state, up to a ceiling; the label says whose it is."""

    place: PlaceCode
    ceiling: Tlp
    label: Label


class RevokeForm(Form):
    """Why a peer is one no more."""

    reason: Annotated[Text, pydantic.StringConstraints(min_length=1, max_length=500)]


class DocumentForm(pydantic.RootModel[dict[str, Any]]):
    """A JSON object whose own decoder judges it."""


async def read_form(request: web.Request, form: type[F]) -> F:
    """The request's JSON body as `form`; an absent body is an empty object. Raises Problem or Invalid."""
    document = await read_document(request)
    try:
        return form.model_validate(document)
    except pydantic.ValidationError as error:
        raise Invalid("Some fields do not fit.", field_errors(error)) from None


async def read_document(request: web.Request) -> dict[str, Any]:
    """The request's JSON object, past the same gate as a peer's payload."""
    body = (await read_body(request)).rstrip(b" \t\r\n")
    if not body:
        return {}
    if request.content_type not in {"application/json", "application/merge-patch+json"}:
        raise Problem("media-type", "Send JSON with the header Content-Type: application/json.")
    try:
        return check(body)
    except GateError as error:
        raise Problem("malformed", f"The body is not good JSON: {error.message}.", code=error.code) from None


def field_errors(error: pydantic.ValidationError) -> tuple[FieldError, ...]:
    """Every field's error with its JSON pointer (RFC 6901), at most 50."""
    found = error.errors(include_url=False, include_context=False, include_input=False)[:50]
    return tuple(FieldError(_pointer(each["loc"]), _words(each["msg"])) for each in found)


def _pointer(loc: tuple[int | str, ...]) -> str:
    # A union's branch stands in pydantic's path under a name that is no member of the document.
    steps = [str(step) for step in loc if not re.search(r"[\[(]|^literal$", str(step))]
    return "".join("/" + step.replace("~", "~0").replace("/", "~1") for step in steps)


def _words(message: str) -> str:
    return message.removeprefix("Value error, ")


def seen_version(request: web.Request, body: int | None = None) -> int:
    """The version that the person saw, from the body or from If-Match. Raises Problem when neither says it."""
    header = request.headers.get("If-Match")
    if header is None:
        if body is None:
            raise Problem("version-needed", 'Send the version that you read: {"version": 3}, or If-Match: "3".')
        return body
    match = _IF_MATCH.fullmatch(header.strip())
    if match is None or (body is not None and body != int(match[1])):
        raise Problem(
            "malformed", f'If-Match holds one version in quotes, such as "3"; it was {json.dumps(header[:40])}.'
        )
    return int(match[1])
