"""RFC 9457 problem details: one table of kinds, JSON for programs, a page for browsers."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import aiohttp_jinja2
import msgspec
from aiohttp import web

from hub.errors import (
    Conflict,
    FieldError,
    Forbidden,
    HubError,
    Invalid,
    NotFound,
    SettingsError,
    StoreError,
    Unreachable,
)
from hub.web.accept import prefers_html


@dataclasses.dataclass(frozen=True, slots=True)
class Kind:
    """A kind of problem: `type` is /problems/<code>, which shows `title` and `advice`."""

    code: str
    status: int
    title: str
    advice: str


KINDS = {
    kind.code: kind
    for kind in (
        Kind(
            "malformed",
            400,
            "The request cannot be read",
            "Check the JSON, the parameters and their values; the detail names what does not fit.",
        ),
        Kind(
            "signed-out",
            401,
            "You are not signed in",
            "Sign in, then open the page again and send the form once more.",
        ),
        Kind(
            "unauthorized",
            401,
            "A token is needed",
            "Send your token in the header Authorization: Bearer TOKEN. A revoked token stops at once.",
        ),
        Kind(
            "forbidden",
            403,
            "You may not do this",
            "The detail names the rule. Someone with the right role can, or a second person must.",
        ),
        Kind(
            "not-found",
            404,
            "There is nothing here",
            "The address may be mistyped, or what was here is not for you.",
        ),
        Kind(
            "method-not-allowed",
            405,
            "This address does not take that method",
            "The header Allow lists the methods that it takes.",
        ),
        Kind("timeout", 408, "The request came too slowly", "Send the body again without a pause."),
        Kind(
            "conflict",
            409,
            "It moved on",
            "Somebody changed it since you read it, or its state does not allow this. Read it again first.",
        ),
        Kind(
            "too-large",
            413,
            "The request is too large",
            "Shorten the text, or split it; the detail gives the limit.",
        ),
        Kind(
            "media-type",
            415,
            "This media type is not taken here",
            "Send JSON with the header Content-Type: application/json.",
        ),
        Kind("invalid", 422, "Some fields do not fit", "Each entry of errors points at one field and says why."),
        Kind(
            "version-needed",
            428,
            "Say which version you saw",
            'Send the version that you read, as {"version": 3} or in the header If-Match: "3".',
        ),
        Kind(
            "too-many",
            429,
            "Too many tries",
            "Wait as long as the detail says, then try again. Nothing is locked for good.",
        ),
        Kind(
            "internal",
            500,
            "Something went wrong here",
            "Give the incident number to the node's operator; the log has the cause under it.",
        ),
        Kind(
            "unavailable",
            503,
            "The node cannot take this now",
            "Try again after the time in the header Retry-After.",
        ),
    )
}


class Problem(Exception):
    """A refusal that a handler raises itself: a kind, words, the fields and headers that go with it."""

    def __init__(
        self,
        kind: str,
        detail: str,
        errors: tuple[FieldError, ...] = (),
        *,
        headers: Mapping[str, str] | None = None,
        code: str = "",
    ) -> None:
        super().__init__(detail)
        self.kind = kind
        self.detail = detail
        self.errors = errors
        self.headers = dict(headers or {})
        self.code = code or kind


_LEAVES: tuple[tuple[type[HubError], str], ...] = (
    (Invalid, "invalid"),
    (Forbidden, "forbidden"),
    (NotFound, "not-found"),
    (Conflict, "conflict"),
    (StoreError, "unavailable"),
    (Unreachable, "unavailable"),
    (SettingsError, "internal"),
    (HubError, "unavailable"),
)
# A body that cannot be read at all is no field error.
_MALFORMED = frozenset({"malformed", "unknown-parameter"})


def of_error(error: HubError) -> Problem | None:
    """The problem that says what a leaf of `hub.errors` says; None for one that is the operator's to see."""
    kind = next(kind for leaf, kind in _LEAVES if isinstance(error, leaf))
    if kind == "internal":
        return None
    if isinstance(error, Invalid):
        kind = "malformed" if error.code in _MALFORMED else kind
        return Problem(kind, error.message, error.errors, code=error.code)
    headers = {"Retry-After": "5"} if kind == "unavailable" else {}
    return Problem(kind, error.message, headers=headers, code=error.code)


def render(request: web.Request, problem: Problem, **more: str) -> web.Response:
    """The answer that shows `problem`, as application/problem+json or, where Accept prefers it, as a page."""
    kind = KINDS[problem.kind]
    headers = {"Cache-Control": "no-store", "Vary": "Accept", **problem.headers}
    body = document(kind, problem, more)
    if prefers_html(request.headers.get("Accept", "")):
        page = aiohttp_jinja2.render_template(
            "problem.html", request, {"kind": kind, "problem": body}, status=kind.status
        )
        page.headers.update(headers)
        return page
    return web.Response(
        body=msgspec.json.encode(body),
        status=kind.status,
        content_type="application/problem+json",
        headers=headers,
    )


def document(kind: Kind, problem: Problem, more: Mapping[str, str]) -> dict[str, Any]:
    """The members of RFC 9457 section 3, our `code`, and `errors` with JSON pointers (its section 3, example)."""
    made: dict[str, Any] = {
        "type": f"/problems/{kind.code}",
        "title": kind.title,
        "status": kind.status,
        "detail": problem.detail,
        "code": problem.code,
        **more,
    }
    if problem.errors:
        made["errors"] = [{"pointer": each.pointer, "detail": each.message} for each in problem.errors]
    return made
