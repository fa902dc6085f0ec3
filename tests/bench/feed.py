"""feed_gzip and feed_304: requests a second for a feed of 100 items, beside nginx serving the same bytes.

The node is a process of its own with everything on, its metrics too. The load comes from wrk where it is installed, else from a client
of ours in another process, which is itself the slower side of nginx; the figure's reason says so.
"""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import os
import re
import shutil
import statistics
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path

from tests.bench.figure import Figure, measured
from tests.bench.site import FEED, asked, founded, free_port, stocked

ITEMS, SECONDS, ROUNDS, CLIENTS = 100, 3, 3, 32
# The first is what the plain router is to reach, the second what is wanted in the end.
GOALS = {"_router": ">= 0.15x", "": ">= 0.60x"}
_RATE = re.compile(rb"Requests/sec:\s+([\d.]+)")
_BAD = re.compile(rb"Non-2xx or 3xx responses: (\d+)|Socket errors: connect [1-9]")
_NGINX = """
{user}worker_processes 1; pid {folder}/nginx.pid; error_log {folder}/error.log; daemon off;
events {{ worker_connections 512; }}
http {{
  access_log {folder}/access.log;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  keepalive_requests 1000000;
  server {{
    listen 127.0.0.1:{port};
    location = {path} {{ alias {folder}/feed.gz; default_type application/rss+xml; add_header Content-Encoding gzip; }}
  }}
}}
"""


async def run(place: Path) -> list[Figure]:
    """Rounds by turns, so that what else the machine does falls on both."""
    return await measure(place, ITEMS, SECONDS, ROUNDS)


async def measure(place: Path, items: int, seconds: float, rounds: int) -> list[Figure]:
    """As `run`, of these sizes."""
    site = founded(place / "node")
    await stocked(site, items)
    rates: dict[tuple[str, str], list[float]] = {}
    async with site.running("web"), contextlib.AsyncExitStack() as stack:
        said = await asked(site.port, "Accept-Encoding: gzip")
        ports = {"node": site.port}
        if shutil.which("nginx"):
            ports["nginx"] = await stack.enter_async_context(_nginx(place, said.partition(b"\r\n\r\n")[2]))
        for _ in range(rounds):
            for server, port in ports.items():
                for figure, headers in {"feed_gzip": (), "feed_304": (await _known(port),)}.items():
                    found = await load(port, seconds, "Accept-Encoding: gzip", *headers)
                    rates.setdefault((figure, server), []).append(found)
    return [_figure(name, suffix, rates) for name in ("feed_gzip", "feed_304") for suffix in GOALS]


def _figure(name: str, suffix: str, rates: dict[tuple[str, str], list[float]]) -> Figure:
    nginx = rates.get((name, "nginx"))
    told = [
        "" if nginx else "nginx is not installed",
        "" if shutil.which("wrk") else "wrk is not: our own client asked",
    ]
    return measured(
        f"{name}{suffix}", statistics.median(rates[name, "node"]), "/s", GOALS[suffix],
        yardstick=statistics.median(nginx) if nginx else None, reason="; ".join(word for word in told if word),
    )  # fmt: skip


async def _known(port: int) -> str:
    """The header by which this server answers 304."""
    head = (await asked(port, "Accept-Encoding: gzip")).partition(b"\r\n\r\n")[0].decode()
    tag = next(line.partition(": ")[2] for line in head.split("\r\n") if line.lower().startswith("etag: "))
    return f"If-None-Match: {tag}"


@contextlib.asynccontextmanager
async def _nginx(place: Path, zipped: bytes) -> AsyncIterator[int]:
    folder = place / "nginx"
    folder.mkdir()
    gzip.decompress(zipped)  # it is what it says
    (folder / "feed.gz").write_bytes(zipped)
    user = "user root;\n" if os.geteuid() == 0 else ""
    port = free_port()
    config = folder / "nginx.conf"
    config.write_text(_NGINX.format(user=user, folder=folder, port=port, path=FEED), encoding="ascii")
    process = await asyncio.create_subprocess_exec("nginx", "-c", str(config), stderr=asyncio.subprocess.DEVNULL)
    try:
        async with asyncio.timeout(10):
            while not (await asked(port)).startswith(b"HTTP/1.1 200 "):  # noqa: ASYNC110 - another process
                await asyncio.sleep(0.02)
        yield port
    finally:
        process.terminate()
        await process.wait()


async def load(port: int, seconds: float, *headers: str) -> float:
    """Answers a second to many clients that ask on open connections. Raises RuntimeError when one was no good answer."""
    if shutil.which("wrk"):
        given = [word for header in headers for word in ("-H", header)]
        url = f"http://127.0.0.1:{port}{FEED}"
        command = ["wrk", "-t1", f"-c{CLIENTS}", f"-d{max(1, round(seconds))}s", *given, url]
    else:
        command = [sys.executable, "-m", "tests.bench.feed", str(port), str(seconds), *headers]
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    said, _ = await process.communicate()
    found = _RATE.search(said)
    if found is None or _BAD.search(said) or process.returncode:
        raise RuntimeError(f"the load failed: {said.decode()[-300:]}")
    return float(found[1])


# ------------------------------------------------------------------------------ a client of ours, in its own process
async def _clients(port: int, seconds: float, headers: tuple[str, ...]) -> int:
    lines = (f"GET {FEED} HTTP/1.1", "Host: localhost", *headers)
    request = "\r\n".join((*lines, "", "")).encode()
    until = time.perf_counter() + seconds
    return sum(await asyncio.gather(*(_client(port, until, request) for _ in range(CLIENTS))))


async def _client(port: int, until: float, request: bytes) -> int:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    answers = 0
    while time.perf_counter() < until:
        writer.write(request)
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        if not head.startswith((b"http/1.1 200 ", b"http/1.1 304 ")):
            raise RuntimeError(head.decode())
        length = re.search(rb"content-length: (\d+)", head)
        if length and head.startswith(b"http/1.1 200 "):
            await reader.readexactly(int(length[1]))
        answers += 1
    writer.close()
    return answers


if __name__ == "__main__":
    _port, _seconds, *_headers = sys.argv[1:]
    _answers = asyncio.run(_clients(int(_port), float(_seconds), tuple(_headers)))
    print(f"Requests/sec: {_answers / float(_seconds):.1f}")
