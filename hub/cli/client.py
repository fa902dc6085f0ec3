"""How a command asks the running node: its API, as the person whose token stands in HUB_TOKEN or HUB_TOKEN_FILE."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import aiohttp

from hub.errors import Conflict, FieldError, Forbidden, HubError, Invalid, NotFound, StoreError, Unreachable

DEFAULT_URL = "http://127.0.0.1:8100"
_TIMEOUT = aiohttp.ClientTimeout(total=600, connect=5)
_LEAVES: dict[int, type[HubError]] = {403: Forbidden, 404: NotFound, 409: Conflict, 503: StoreError}


def token_from_environment() -> str | None:
    """The person's token: HUB_TOKEN, or the content of the file that HUB_TOKEN_FILE names."""
    path = os.environ.get("HUB_TOKEN_FILE")
    if path:
        return Path(path).read_text(encoding="utf-8").strip()
    return os.environ.get("HUB_TOKEN") or None


class Client:
    """One person's way to one node. Every method raises a leaf of `hub.errors`; Unreachable when nothing answers."""

    def __init__(self, url: str | None = None, token: str | None = None) -> None:
        self.url = (url or os.environ.get("HUB_URL") or DEFAULT_URL).rstrip("/")
        self._token = token if token is not None else token_from_environment()

    def get(self, path: str) -> Any:
        """The JSON answer to GET `path`."""
        return asyncio.run(self._ask("GET", path))

    def post(self, path: str, *, json: object = None, data: bytes | None = None) -> Any:
        """The JSON answer to POST `path` with a JSON body or with bytes."""
        return asyncio.run(self._ask("POST", path, json=json, data=data))

    def patch(self, path: str, *, json: object, seen: int) -> Any:
        """The JSON answer to PATCH `path`, refused when it moved on from version `seen`."""
        return asyncio.run(self._ask("PATCH", path, json=json, headers={"If-Match": f'"{seen}"'}))

    def stream(self, path: str, data: bytes | None, each: Callable[[Any], None]) -> None:
        """POST `data` and hand every line of the NDJSON answer to `each` as it comes."""
        asyncio.run(self._stream(path, data, each))

    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._token}"} if self._token else {}

    async def _ask(self, method: str, path: str, *, headers: dict[str, str] | None = None, **body: Any) -> Any:
        async with self._answered(method, path, headers or {}, body) as response:
            return await response.json(content_type=None)

    async def _stream(self, path: str, data: bytes | None, each: Callable[[Any], None]) -> None:
        async with self._answered("POST", path, {}, {"data": data}) as response:
            async for line in response.content:
                if line.strip():
                    each(json.loads(line))

    @contextlib.asynccontextmanager
    async def _answered(
        self, method: str, path: str, headers: dict[str, str], body: dict[str, Any]
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        given = {key: value for key, value in body.items() if value is not None}
        try:
            async with (
                aiohttp.ClientSession(timeout=_TIMEOUT, headers=self._headers() | headers) as session,
                session.request(method, self.url + path, allow_redirects=False, **given) as response,
            ):
                if response.status >= 400:
                    raise _error(response.status, await response.text())
                yield response
        except (aiohttp.ClientConnectionError, TimeoutError) as error:
            raise Unreachable(
                f"No node answers at {self.url} ({error}). Is it running? Name another with --url."
            ) from error


def _error(status: int, text: str) -> HubError:
    try:
        problem = json.loads(text)
        detail = problem.get("detail") or problem.get("title") or text
    except (ValueError, AttributeError):
        return HubError(f"The node answered {status}: {text[:200]}")
    fields = tuple(FieldError(str(e.get("pointer", "")), str(e.get("detail", e))) for e in problem.get("errors", ()))
    if status == 401:
        return Forbidden(f"{detail} Set HUB_TOKEN or HUB_TOKEN_FILE to your token.", code="no-token")
    if status in {400, 422, 428}:
        return Invalid(detail, fields)
    return _LEAVES.get(status, HubError)(detail)
