"""Pages in a real browser: nothing overflows at the widths of a desk and of a telephone, and nobody else is asked for anything."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import shutil
import urllib.parse
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
QUIET = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage", "--remote-debugging-port=0",
)  # fmt: skip
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine: apt-get install chromium"),
]
LONG = "Unbreakable" * 8


class Tab:
    """One page of the browser, over its debugging protocol."""

    def __init__(self, link: aiohttp.ClientWebSocketResponse) -> None:
        self._link = link
        self._numbers = itertools.count(1)
        self.events: list[dict[str, Any]] = []

    async def ask(self, method: str, **given: Any) -> dict[str, Any]:
        number = next(self._numbers)
        await self._link.send_json({"id": number, "method": method, "params": given})
        async with asyncio.timeout(30):
            while True:
                said = await self._link.receive_json()
                if said.get("id") == number:
                    assert "error" not in said, said
                    return said["result"]
                self.events.append(said)

    async def value(self, script: str) -> Any:
        return (await self.ask("Runtime.evaluate", expression=script, returnByValue=True))["result"].get("value")

    async def load(self, url: str, width: int) -> None:
        await self.ask(
            "Emulation.setDeviceMetricsOverride", width=width, height=800, deviceScaleFactor=1, mobile=width < 500
        )
        self.events.clear()
        assert "errorText" not in await self.ask("Page.navigate", url=url)
        async with asyncio.timeout(30):
            while await self.value("document.readyState + location.href") != f"complete{url}":  # noqa: ASYNC110 - the browser's, not ours
                await asyncio.sleep(0.05)

    def requests(self) -> list[str]:
        return [
            each["params"]["request"]["url"]
            for each in self.events
            if each.get("method") == "Network.requestWillBeSent"
        ]

    def complaints(self) -> list[str]:
        """What the browser says against the page: refused by the policy, not found."""
        return [each["params"]["entry"]["text"] for each in self.events if each.get("method") == "Log.entryAdded"]


@pytest.fixture
async def tab(tmp_path: Path) -> AsyncIterator[Tab]:
    home = tmp_path / "browser"
    browser = await asyncio.create_subprocess_exec(
        CHROMIUM, *QUIET, f"--user-data-dir={home}", "about:blank",
        stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    try:
        async with asyncio.timeout(60), aiohttp.ClientSession() as session:
            port = await _port(home / "DevToolsActivePort")
            async with session.get(f"http://127.0.0.1:{port}/json/list") as answer:
                pages = [each for each in await answer.json() if each["type"] == "page"]
        async with (
            aiohttp.ClientSession() as session,
            session.ws_connect(pages[0]["webSocketDebuggerUrl"], max_msg_size=1 << 24) as link,
        ):
            made = Tab(link)
            for domain in ("Page", "Network", "Log"):
                await made.ask(f"{domain}.enable")
            yield made
    finally:
        with contextlib.suppress(ProcessLookupError):
            browser.terminate()
        try:
            await asyncio.wait_for(browser.wait(), 10)
        except TimeoutError:
            browser.kill()
            await browser.wait()


async def _port(file: Path) -> int:
    while True:
        with contextlib.suppress(OSError, IndexError, ValueError):
            return int((await asyncio.to_thread(file.read_text)).split("\n")[0])
        await asyncio.sleep(0.05)


async def test_pages_fit_and_ask_nobody_else(house, tab):
    product = await house.publish(
        headline=f"A headline with a long word {LONG}", text=f"https://example.org/{LONG} as it is"
    )
    taken = await house.publish()
    await house.withdraw(taken)
    own = urllib.parse.urlsplit(str(house.server.make_url("/"))).netloc
    for path in ("/", f"/bulletins/{product}", f"/bulletins/{taken}", "/?topic=cyber", "/problems/not-found"):
        for width in (1280, 360):
            await tab.load(str(house.server.make_url(path)), width)
            wide, inner = await tab.value("document.documentElement.scrollWidth"), await tab.value("innerWidth")
            assert wide <= inner == width, (path, width, wide, inner)
            assert {urllib.parse.urlsplit(url).netloc for url in tab.requests()} == {own}, path
            assert tab.complaints() == [], path
            assert await tab.value("document.styleSheets.length") == 1, path
