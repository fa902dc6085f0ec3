"""`hub sources run` and `list` against a real intake behind a real web server."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from hub.cli.sources import list_sources, run
from hub.errors import HubError, Invalid, Unreachable
from tests.connectors.federal.made import catalogue, vulnerability
from tests.connectors.server import Server, serving
from tests.intake.conftest import Agency

Start = Callable[..., Any]


@pytest.fixture
async def node(intake: Start) -> AsyncIterator[Server]:
    running = await intake()

    async def answer(request: web.Request) -> web.StreamResponse:
        if request.method == "GET":
            return web.json_response({"sources": running.sources()})
        response = web.StreamResponse(headers={"Content-Type": "application/x-ndjson"})
        data = await request.read()
        await response.prepare(request)
        async for line in running.run("cisa-kev", data or None):
            await response.write(json.dumps(line).encode() + b"\n")
        if data == b"broken":
            await response.write(b'{"error": "The disk is full.", "code": "disk-full"}\n')
        return response

    async with serving(answer) as server:
        yield server


async def test_a_file_is_filed_with_its_outcome_on_one_line(
    node: Server, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "kev.json"
    path.write_bytes(catalogue(vulnerability(1), vulnerability(2, dueDate="soon")))
    code = await asyncio.to_thread(run, "cisa-kev", given=path, url=node.url(""), as_json=True)
    result = json.loads(capsys.readouterr().out)
    assert (code, result["new"], result["errors"]) == (1, 1, 1)
    path.write_bytes(catalogue(vulnerability(1)))
    assert await asyncio.to_thread(run, "cisa-kev", given=path, url=node.url("")) == 0
    assert capsys.readouterr().out == "unchanged: 0 new, 0 updated, 0 cancelled, 1 unchanged\n"


async def test_without_a_file_the_source_is_asked(
    node: Server, agency: Agency, capsys: pytest.CaptureFixture[str]
) -> None:
    assert await asyncio.to_thread(run, "cisa-kev", url=node.url(""), as_json=True) == 0
    assert json.loads(capsys.readouterr().out)["new"] == 2
    assert len(agency.asked) == 1
    assert await asyncio.to_thread(list_sources, url=node.url(""), as_json=True) == 0
    assert json.loads(capsys.readouterr().out)[0]["counts"]["new"] == 2
    assert await asyncio.to_thread(list_sources, url=node.url("")) == 0
    assert "2031-02-03T12:00:00.000Z" in capsys.readouterr().out


async def test_what_goes_wrong_is_said(node: Server, tmp_path: Path) -> None:
    path = tmp_path / "kev.json"
    with pytest.raises(Invalid, match="cannot be read"):
        await asyncio.to_thread(run, "cisa-kev", given=path, url=node.url(""))
    path.write_bytes(b"")
    with pytest.raises(Invalid, match="is empty"):
        await asyncio.to_thread(run, "cisa-kev", given=path, url=node.url(""))
    path.write_bytes(b"broken")
    with pytest.raises(HubError, match="disk is full"):
        await asyncio.to_thread(run, "cisa-kev", given=path, url=node.url(""))
    with pytest.raises(Unreachable):
        await asyncio.to_thread(run, "cisa-kev", url="http://127.0.0.1:9")
