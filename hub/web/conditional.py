"""One body, sent well: strong ETag from its bytes, Last-Modified, 304, HEAD, gzip (RFC 9110 sections 8.8 and 13)."""

from __future__ import annotations

import datetime as dt
import email.utils
import gzip
import hashlib
import re
from collections.abc import Mapping

from aiohttp import web

from hub.web.accept import takes_gzip

# Below this the gzip header eats what compression gains.
_WORTH_GZIP = 256
_TAG = re.compile(r'(?:W/)?"([^"]*)"')


class Body:
    """The bytes of an answer with what is computed of them once: entity tag, HTTP date, gzip form on first need.

    `modified` is an aware time. Equal bytes always give an equal tag, in every process.
    """

    __slots__ = ("_gzip", "data", "date", "media", "modified", "tag")

    def __init__(self, data: bytes, media: str, modified: dt.datetime) -> None:
        self.data = data
        self.media = media
        self.modified = modified.astimezone(dt.UTC).replace(microsecond=0)
        self.date = email.utils.format_datetime(self.modified, usegmt=True)
        self.tag = hashlib.sha256(data).hexdigest()[:32]
        self._gzip: bytes | None = None

    @property
    def gzip(self) -> bytes:
        """The gzip form; its header holds no time, so that equal bytes give equal bytes."""
        if self._gzip is None:
            self._gzip = gzip.compress(self.data, compresslevel=6, mtime=0)
        return self._gzip


def answer(request: web.Request, body: Body, headers: Mapping[str, str]) -> web.Response:
    """The response to GET or HEAD: 304 when the client has these bytes, else the form that it takes."""
    zipped = len(body.data) >= _WORTH_GZIP and takes_gzip(request.headers.get("Accept-Encoding", ""))
    tag = f"{body.tag}-gz" if zipped else body.tag
    sent = {
        "ETag": f'"{tag}"',
        "Last-Modified": body.date,
        "Vary": "Accept-Encoding",
        **headers,
    }
    known = _known(request, body)
    if known is not None:
        return web.Response(status=304, headers={**sent, "ETag": f'"{known or tag}"'})
    if zipped:
        sent["Content-Encoding"] = "gzip"
    sent.setdefault("Content-Type", body.media)
    return web.Response(body=body.gzip if zipped else body.data, headers=sent)


def _known(request: web.Request, body: Body) -> str | None:
    """The tag by which the client already has these bytes, "" when only the date says so, None when it has not.

    If-None-Match is compared weakly and wins over If-Modified-Since (RFC 9110 section 13.2.2). Both forms of these
    bytes count: whichever of them the client kept is still good.
    """
    if request.headers.getall("If-None-Match", None):
        given = ",".join(request.headers.getall("If-None-Match"))
        if given.strip() == "*":
            return ""
        tags = _TAG.findall(given)
        return next((tag for tag in (body.tag, f"{body.tag}-gz") if tag in tags), None)
    since = request.if_modified_since
    return "" if since is not None and body.modified <= since else None
