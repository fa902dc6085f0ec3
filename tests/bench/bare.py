"""The yardstick of start and memory: aiohttp alone, serving one file. `python -m tests.bench.bare PORT FILE`."""

from __future__ import annotations

import sys
from pathlib import Path

from aiohttp import web


def main(port: int, file: Path) -> None:
    """Serve the file's bytes as the feed until told to stop."""
    data = file.read_bytes()

    async def feed(request: web.Request) -> web.Response:
        del request
        return web.Response(body=data, content_type="application/rss+xml")

    app = web.Application()
    app.router.add_get("/feeds/bulletins.rss", feed)
    web.run_app(app, host="127.0.0.1", port=port, print=None)


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]))
