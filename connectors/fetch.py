"""The one polite GET: conditional, bounded in every direction, each hop of a redirect judged, its outcome a value.

RFC 9110 (conditional requests, Retry-After), RFC 9111 (max-age). Nothing here raises for what a server does.
"""

from __future__ import annotations

import asyncio
import dataclasses
import datetime as dt
import email.utils
import re
import ssl
import zlib
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Self

import aiohttp
import stamina
from yarl import URL

from connectors.answer import Fetched, Validators
from connectors.guard import Allow, CheckedResolver, Forbidden, Lookup, check_url
from connectors.unpack import Unpacker

__all__ = ["Fetched", "Fetcher", "Limits", "Validators"]

MAX_REDIRECTS = 5
MAX_WAIT = 86_400
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_MAX_AGE = re.compile(r"(?i)(?:^|[,\s])max-age\s*=\s*\"?(\d{1,9})")
_CHUNK = 1 << 16


@dataclasses.dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of one GET: seconds for the whole of it, for connecting and for silence; tries and the wait between them."""

    total: float = 60.0
    connect: float = 10.0
    silence: float = 20.0
    attempts: int = 3
    wait_initial: float = 1.0
    wait_max: float = 10.0


class _TryAgain(Exception):
    """The server or the way to it failed in a manner that may pass."""

    def __init__(self, outcome: Fetched) -> None:
        super().__init__(outcome.reason)
        self.outcome = outcome


def _utc_now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


class Fetcher:
    """One HTTP client for all sources; an asynchronous context manager.

    `contact` (an address or page of the operator) stands in the User-Agent, as api.weather.gov and others require.
    `credentials` are headers for one origin ("https://host") and are sent to no other, redirected or not.
    """

    def __init__(
        self,
        *,
        contact: str,
        allow: Allow | None = None,
        limits: Limits | None = None,
        credentials: Mapping[str, Mapping[str, str]] | None = None,
        tls: ssl.SSLContext | None = None,
        lookup: Lookup | None = None,
        clock: Callable[[], dt.datetime] = _utc_now,
    ) -> None:
        if not contact.strip() or not contact.isprintable():
            raise ValueError("A fetch needs the operator's contact (fetch.contact), an e-mail address or a page.")
        self._allow = allow or Allow()
        self._limits = limits or Limits()
        self._credentials = credentials or {}
        self._tls = tls
        self._lookup = lookup
        self._clock = clock
        self._agent = f"school-safety-hub (+{contact.strip()})"
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        resolver = CheckedResolver(self._allow, self._lookup)
        connector = aiohttp.TCPConnector(
            resolver=resolver, use_dns_cache=False, limit=16, limit_per_host=2, ssl=self._tls or True
        )
        limits = self._limits
        self._session = aiohttp.ClientSession(
            connector=connector,
            auto_decompress=False,
            cookie_jar=aiohttp.DummyCookieJar(),
            trust_env=False,
            timeout=aiohttp.ClientTimeout(limits.total, sock_connect=limits.connect, sock_read=limits.silence),
            headers={"User-Agent": self._agent, "Accept": "*/*", "Accept-Encoding": "gzip"},
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._session is not None:
            await self._session.close()

    async def get(self, url: str, validators: Validators = Validators(), *, max_bytes: int) -> Fetched:  # noqa: B008 - a frozen value
        """GET `url`, asking only for what changed since `validators`. What may pass is tried again, a few times."""
        limits = self._limits
        try:
            async for attempt in stamina.retry_context(
                on=_TryAgain,
                attempts=limits.attempts,
                timeout=2 * limits.total,
                wait_initial=limits.wait_initial,
                wait_max=limits.wait_max,
                wait_jitter=limits.wait_initial,
            ):
                with attempt:
                    return await self._once(url, validators, max_bytes)
        except _TryAgain as failed:
            return failed.outcome
        raise AssertionError("a retry ends in an answer or in an error")  # pragma: no cover

    async def _once(self, url: str, validators: Validators, max_bytes: int) -> Fetched:
        try:
            async with asyncio.timeout(self._limits.total):
                return await self._follow(url, validators, max_bytes)
        except TimeoutError:
            raise _TryAgain(_unavailable(f"No whole answer within {self._limits.total:g} seconds.")) from None
        except Forbidden as error:
            return _unavailable(str(error))
        except aiohttp.ClientConnectorError as error:
            return self._not_connected(error)
        except (aiohttp.ClientPayloadError, aiohttp.ServerConnectionError, aiohttp.ClientOSError) as error:
            raise _TryAgain(_unavailable(f"The connection broke: {error}")) from error
        except (aiohttp.ClientError, ValueError, zlib.error) as error:
            return _unavailable(f"The answer cannot be used: {error}")

    @staticmethod
    def _not_connected(error: aiohttp.ClientConnectorError) -> Fetched:
        if isinstance(error.os_error, Forbidden):
            return _unavailable(str(error.os_error))
        why = error.os_error.strerror or error.os_error
        outcome = _unavailable(f"No connection to {error.host}, port {error.port}: {why}")
        if isinstance(error, aiohttp.ClientConnectorCertificateError):
            return outcome
        raise _TryAgain(outcome) from error

    async def _follow(self, text: str, validators: Validators, max_bytes: int) -> Fetched:
        url = check_url(text, self._allow)
        for _ in range(MAX_REDIRECTS + 1):
            answer = await self._hop(url, validators, max_bytes)
            if isinstance(answer, Fetched):
                return answer
            url = answer
        return _unavailable(f"More than {MAX_REDIRECTS} redirects.")

    async def _hop(self, url: URL, validators: Validators, max_bytes: int) -> Fetched | URL:
        """One request: its outcome, or the checked address that it points to."""
        asked = _conditional(url, validators)
        headers = {**self._credentials.get(str(url.origin()), {}), **asked}
        if self._session is None:
            raise RuntimeError("Use the Fetcher in `async with`.")
        async with self._session.get(url, headers=headers, allow_redirects=False) as response:
            if response.status in _REDIRECTS:
                return self._target(url, response)
            if response.status == 200:
                return await self._whole(url, response, max_bytes)
            if response.status == 304 and asked:
                return Fetched("unchanged", validators=_validators(url, response, validators), max_age=_age(response))
            return self._refused(response)

    def _target(self, url: URL, response: aiohttp.ClientResponse) -> URL:
        location = response.headers.get("Location", "")
        if not location:
            raise Forbidden(f"{url.raw_host}: a redirect (status {response.status}) to nowhere")
        try:
            joined = str(url.join(URL(location)))
        except ValueError as error:
            raise Forbidden(f"{url.raw_host}: a redirect to what is no address: {error}") from error
        target = check_url(joined, self._allow)
        if url.scheme == "https" and target.scheme != "https":
            raise Forbidden(f"{url.raw_host}: a redirect from https to http is not followed")
        return target

    async def _whole(self, url: URL, response: aiohttp.ClientResponse, max_bytes: int) -> Fetched:
        if (response.content_length or 0) > max_bytes:
            return _unavailable(f"The answer is larger than {max_bytes:,} bytes.")
        unpacker = Unpacker(response.headers.get("Content-Encoding", ""), max_bytes)
        async for chunk in response.content.iter_chunked(_CHUNK):
            unpacker.feed(chunk)
        body = unpacker.body()
        if not body.strip():
            return _unavailable("The answer is empty.")
        return Fetched("changed", body, _validators(url, response, Validators()), max_age=_age(response))

    def _refused(self, response: aiohttp.ClientResponse) -> Fetched:
        wait = _retry_after(response.headers, self._clock())
        outcome = _unavailable(f"{response.url.raw_host} answered {response.status} {response.reason}.", wait)
        if response.status >= 500 and wait is None:
            raise _TryAgain(outcome)
        return outcome


def _unavailable(reason: str, retry_after: int | None = None) -> Fetched:
    return Fetched("unavailable", reason=reason, retry_after=retry_after)


def _conditional(url: URL, validators: Validators) -> dict[str, str]:
    """Validators belong to the address that gave them and are sent to no other."""
    if validators.url != str(url):
        return {}
    asked = {"If-None-Match": validators.etag, "If-Modified-Since": validators.last_modified}
    return {name: value for name, value in asked.items() if value}


def _validators(url: URL, response: aiohttp.ClientResponse, before: Validators) -> Validators:
    """Those of this answer; a 304 need not repeat them (RFC 9110 section 15.4.5)."""
    etag, modified = (_sendable(response.headers.get(name)) for name in ("ETag", "Last-Modified"))
    return Validators(etag or before.etag, modified or before.last_modified, str(url))


def _sendable(text: str | None) -> str | None:
    """None for bytes that are no UTF-8: aiohttp cannot send them back as they came, and a changed validator is a wrong one."""
    return text if text is not None and text.isprintable() else None


def _age(response: aiohttp.ClientResponse) -> int | None:
    found = _MAX_AGE.search(response.headers.get("Cache-Control", ""))
    return min(int(found.group(1)), MAX_WAIT) if found else None


def _retry_after(headers: Mapping[str, str], now: dt.datetime) -> int | None:
    """Seconds to wait (RFC 9110 section 10.2.3), at most a day; a date counts from the server's own clock if it tells it."""
    text = headers.get("Retry-After", "").strip()
    if text.isascii() and text.isdigit():
        return min(int(text[:9]), MAX_WAIT)
    until = _date(text)
    if until is None:
        return None
    return int(min(max((until - (_date(headers.get("Date", "")) or now)).total_seconds(), 0), MAX_WAIT))


def _date(text: str) -> dt.datetime | None:
    try:
        found = email.utils.parsedate_to_datetime(text)
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=dt.UTC)
