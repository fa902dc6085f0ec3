"""Asks the running node, its public address and its peers' pages: GET only, a few seconds each, no redirects.

The token goes to the node's own address on this machine and nowhere else.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import email.utils
import ssl
from pathlib import Path
from typing import Any

import aiohttp
from yarl import URL

from hub.cli.client import token_from_environment
from hub.cli.doctor.finding import Answer, Ground, document
from hub.cli.doctor.listening import holder
from hub.settings import Settings
from hub.wire.broker import dialled

CARD = "/.well-known/school-safety-hub.json"
FEEDS = ("/feeds/bulletins.rss", "/feeds/bulletins.atom", "/feeds/bulletins.json")
OPEN = ("/version", "/readyz", CARD, *FEEDS)
RESTORATION = "/api/v1/restoration"
CLOSED = ("/api/v1/peers", "/api/v1/sources", RESTORATION)
_WITHIN = aiohttp.ClientTimeout(total=5, connect=3)
_LARGEST = 8 << 20
_MOST_PEERS = 20


def look(config: Path, settings: Settings, backups: Path) -> Ground:
    """Ask everything once. What does not answer is an answer too."""
    return asyncio.run(_look(config, settings, backups))


async def _look(config: Path, settings: Settings, backups: Path) -> Ground:
    token = _token(settings)
    host = dialled(settings.web.host, bracketed=True)
    base = URL(f"http://{host}:{settings.web.port}")
    async with aiohttp.ClientSession(timeout=_WITHIN, cookie_jar=aiohttp.DummyCookieJar()) as session:
        answers = await _own(session, base, token)
        public = await _ask(session, URL(settings.base_url + CARD)) if answers else Answer()
        peers = await _peers(session, answers)
    return Ground(config, settings, backups, holder(settings.directory), bool(token), answers, public, peers)


def _token(settings: Settings) -> str | None:
    """HUB_TOKEN or HUB_TOKEN_FILE, else the operator's token that `hub init` left beside hub.toml."""
    try:
        given = token_from_environment()
        return given or (settings.directory / "operator.token").read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        return None


async def _own(session: aiohttp.ClientSession, base: URL, token: str | None) -> dict[str, Answer]:
    """The node's answers by path; none when nothing that looks like a node answers there."""
    first = await _ask(session, base / "version")
    if (document(first) or {}).get("name") != "school-safety-hub":
        return {}
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    said = await asyncio.gather(
        *(_ask(session, base.join(URL(path))) for path in OPEN),
        *(_ask(session, base.join(URL(path)), headers) for path in CLOSED),
    )
    answers = dict(zip((*OPEN, *CLOSED), said, strict=True))
    if (path := first_bundle(answers)) is not None:
        answers[path] = await _ask(session, base.join(URL(path)))
    return answers


def first_bundle(answers: dict[str, Answer]) -> str | None:
    """The address of the STIX bundle of the newest bulletin in the JSON feed that was not withdrawn."""
    feed = document(answers[FEEDS[2]])
    for item in feed.get("items", ()) if isinstance(feed, dict) else ():
        if isinstance(item, dict) and "WITHDRAWN: " not in str(item.get("title", "")):
            return URL(str(item.get("url", ""))).path + ".stix.json"
    return None


async def _peers(session: aiohttp.ClientSession, answers: dict[str, Answer]) -> dict[str, Answer]:
    listed = (document(answers.get(CLOSED[0], Answer())) or {}).get("peers", ())
    urls = {one["place"]: one["public_url"] for one in listed if one["state"] == "active" and one["public_url"]}
    chosen = list(urls.items())[:_MOST_PEERS]
    said = await asyncio.gather(*(_ask(session, URL(url + CARD)) for _, url in chosen))
    return dict(zip((place for place, _ in chosen), said, strict=True))


async def _ask(session: aiohttp.ClientSession, url: URL, headers: dict[str, str] | None = None) -> Answer:
    try:
        async with session.get(url, headers=headers, allow_redirects=False) as response:
            days = _days_left(response)
            body = await response.content.read(_LARGEST)
            return Answer(response.status, body, "", _skew(response.headers.get("Date")), days)
    except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
        return Answer(error=str(error) or type(error).__name__)


def _skew(date: str | None) -> float | None:
    if date is None:
        return None
    try:
        said = email.utils.parsedate_to_datetime(date)
    except ValueError:
        return None
    return (dt.datetime.now(dt.UTC) - said).total_seconds()


def _days_left(response: aiohttp.ClientResponse) -> float | None:
    transport: Any = response.connection.transport if response.connection else None
    certificate = transport.get_extra_info("peercert") if transport else None
    if not certificate:
        return None
    return (ssl.cert_time_to_seconds(certificate["notAfter"]) - dt.datetime.now(dt.UTC).timestamp()) / 86_400
