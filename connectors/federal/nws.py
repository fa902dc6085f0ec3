"""National Weather Service alerts, as api.weather.gov serves them (public domain; its openapi.json).

GeoJSON and JSON-LD, lists and single alerts; CAP messages; the Atom index. An alert's key is its `id`, which is the
identifier of its CAP message: an update is an alert of its own that refers to those before it. The list of current
alerts is a snapshot: what left it has ended, was replaced or was taken back.

Asked for are the node's own state and its policy's neighbours; `url` in the settings asks for more or less, for example
the whole nation with `https://api.weather.gov/alerts/active?status=actual`, or one zone with `&zone=TXZ211`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

import msgspec

from connectors.answer import PIECE, Listing, Parsed, Unreadable, unreadable
from connectors.federal import nws_scope, nws_xml
from connectors.federal.nws_feature import NAME, advisory, key_of
from connectors.plain_text import whole_pairs
from schemas.bulletin import Advisory

__all__ = ["EVERY", "MAX_BYTES", "NAME", "URL", "parse"]

# "{areas}" becomes the node's own state and the neighbours of its policy (`connectors.source.AREAS`).
URL: Final = "https://api.weather.gov/alerts/active?status=actual&message_type=alert,update,cancel&area={areas}"
EVERY: Final = 60.0
MAX_BYTES: Final = 32 * 1024 * 1024
_BROKEN: Final = (msgspec.MsgspecError, ValueError, RecursionError)
_ALERT: Final = "wx:Alert"


class _Document(msgspec.Struct):
    """A list of alerts, one alert, or the API's word on what went wrong (RFC 9457)."""

    type: str = ""
    kind: Any = msgspec.field(name="@type", default=None)
    title: str = ""
    features: list[msgspec.Raw] | None = None
    graph: list[msgspec.Raw] | None = msgspec.field(name="@graph", default=None)
    pagination: Any = None
    detail: str = ""


_DOCUMENT: Final = msgspec.json.Decoder(_Document)


def parse(data: bytes, file: str) -> Parsed:
    """Read one answer. Never raises: an unreadable alert is an error in words and costs itself alone."""
    if len(data) > MAX_BYTES:
        return unreadable(f"The file is too large: more than {MAX_BYTES:,} bytes.", file)
    body = data.removeprefix(b"\xef\xbb\xbf").lstrip()
    if not body:
        return unreadable("The file is empty; an empty answer says nothing about alerts.", file)
    if body.startswith(b"<"):
        return _once(*nws_xml.read(body, file))
    try:
        return _json(whole_pairs(body), file)
    except _BROKEN as error:
        return unreadable(_why(body, error), file)


def _json(body: bytes, file: str) -> Parsed:
    document = _DOCUMENT.decode(body)
    listed = document.features if document.features is not None else document.graph
    if listed is not None:
        listing = nws_scope.listing(document.title, empty=not listed, first_page=document.pagination is None)
        return _once([_item(bytes(raw), file, index) for index, raw in enumerate(listed)], listing)
    if document.type == "Feature" or document.kind == _ALERT:
        return _once([_item(body, file, 0)], PIECE)
    if "/problems/" in document.type:
        said = " ".join(part for part in (document.title, document.detail) if part)
        return unreadable(f"api.weather.gov answered with an error: {said[:300]}", file)
    return unreadable("This JSON is neither a list of alerts of api.weather.gov nor one of its alerts.", file)


def _item(raw: bytes, file: str, index: int) -> Advisory | Unreadable:
    content: Any = None
    try:
        content = msgspec.json.decode(raw)
        if not isinstance(content, dict):
            raise ValueError("it is no object")  # noqa: TRY004 - one kind of error for an item
        return advisory(content, raw.decode(), str(index))
    except _BROKEN as error:
        known = key_of(content)
        words = "nested too deeply" if isinstance(error, RecursionError) else str(error)
        return Unreadable(f"Alert {index}{f' ({known})' if known else ''}: {words}", file, index, known)


def _once(read: Iterable[Advisory | Unreadable], listing: Listing) -> Parsed:
    """Every alert once: the API's pages overlap, so that one may stand in a list twice. The first of them counts."""
    kept: dict[str, Advisory] = {}
    errors: list[Unreadable] = []
    for each in read:
        if isinstance(each, Unreadable):
            errors.append(each)
        else:
            kept.setdefault(each.key, each)
    return Parsed(tuple(kept.values()), tuple(errors), listing)


def _why(body: bytes, error: Exception) -> str:
    """Say what came instead of alerts."""
    if isinstance(error, RecursionError):
        return "This JSON is nested too deeply."
    if isinstance(error, msgspec.ValidationError):
        return f"This JSON is not an answer of api.weather.gov: {error}."
    if "truncated" in str(error):
        return f"The JSON ends too early, after {len(body):,} bytes: the download was cut off."
    return f"This is neither JSON nor XML: {error}."
