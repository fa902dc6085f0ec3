"""Whatever goes wrong is said the same way: problem+json for programs, a page for browsers, nothing of the inside."""

from __future__ import annotations

import json
import logging

import pytest
from aiohttp import web

from hub.errors import HubError, SettingsError, StoreError
from hub.web.app import make_app
from hub.web.problem import KINDS
from tests.web.house import form

BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"


def well_formed(answer) -> dict:
    assert answer.headers["Content-Type"].startswith("application/problem+json")
    assert answer.headers["Cache-Control"] == "no-store"
    said = answer.json()
    assert said["type"] == f"/problems/{said['type'].rpartition('/')[2]}"
    assert said["status"] == answer.status
    assert {"title", "detail", "code"} <= set(said)
    return said


async def test_what_is_not_there(house):
    for path in (
        "/nothing",
        "/bulletins/TX-2030-0001",
        "/bulletins/%00",
        "/feeds/t//bulletins.rss",
        "/static/../app.py",
    ):
        answer = await house.get(path)
        assert answer.status == 404, path
        well_formed(answer)


async def test_a_method_that_is_not_taken_names_those_that_are(house):
    answer = await house.ask("DELETE", "/api/v1/bulletins")
    assert answer.status == 405
    assert {"GET", "POST"} <= {each.strip() for each in answer.headers["Allow"].split(",")}
    assert well_formed(answer)["type"] == "/problems/method-not-allowed"


BAD = [
    b"{", b"[]", b"null", b'{"a":1}x', b'{"a":1,"a":2}', b'{"a":NaN}', b'{"a":1.5}', b"\xff", b"\xef\xbb\xbf{}",
    b'{"headline":"\\u0000"}', b'{"headline":"\\ud800"}', b"[" * 100_000, b'{"a":' * 40 + b"1" + b"}" * 40,
    b'{"a":99999999999999999999}',
]  # fmt: skip


async def test_json_that_is_not_good_is_400(house):
    headers = {"Content-Type": "application/json"}
    for body in BAD:
        answer = await house.ask("POST", "/api/v1/bulletins", "analyst", data=body, headers=headers)
        assert answer.status == 400, body[:40]
        assert well_formed(answer)["type"] == "/problems/malformed"


async def test_space_after_the_document_is_no_fault(house):
    body = json.dumps(form()).encode() + b"\r\n \n"
    headers = {"Content-Type": "application/json"}
    assert (await house.ask("POST", "/api/v1/bulletins", "analyst", data=body, headers=headers)).status == 201


async def test_another_media_type_is_415(house):
    answer = await house.ask("POST", "/api/v1/bulletins", "analyst", data="headline=x")
    assert answer.status == 415
    well_formed(answer)


@pytest.mark.parametrize("chunked", [False, True])
async def test_a_body_beyond_the_limit_is_413(house, chunked):
    async def pieces():
        for _ in range(20):
            yield b"x" * 65_536

    data = pieces() if chunked else b"x" * 1_000_000
    headers = {"Content-Type": "application/json"}
    answer = await house.ask("POST", "/api/v1/bulletins", "analyst", data=data, headers=headers)
    assert answer.status == 413
    well_formed(answer)


@pytest.fixture
async def broken(house):
    """The same application with a handler that fails as it is told, on a second port."""
    failures = {
        "bug": ZeroDivisionError("secret words of the inside"),
        "settings": SettingsError("secret path of the inside"),
        "store": StoreError("The disk is full."),
        "plain": HubError("This process runs no connectors."),
    }

    async def fail(request: web.Request) -> web.Response:
        raise failures[request.query["how"]]

    app = make_app(house.parts())
    app.router.add_get("/fail", fail)
    await house.server.close()
    house.app, house.server = app, type(house.server)(app, host="127.0.0.1", port=0)
    await house.server.start_server()
    return house


@pytest.mark.parametrize("how", ["bug", "settings"])
async def test_a_fault_is_said_by_number_and_logged_in_words(broken, how, capsys):
    answer = await broken.get(f"/fail?how={how}")
    assert answer.status == 500
    said = well_formed(answer)
    assert b"secret" not in answer.body
    assert b"Traceback" not in answer.body
    logged = capsys.readouterr().out
    assert said["incident"] in logged
    assert "secret" in logged
    page = await broken.get(f"/fail?how={how}", Accept=BROWSER)
    assert page.status == 500
    assert b"secret" not in page.body
    assert b"Incident <code>" in page.body


@pytest.mark.parametrize("how", ["store", "plain"])
async def test_a_node_that_cannot_now_says_when_to_ask_again(broken, how):
    answer = await broken.get(f"/fail?how={how}")
    assert answer.status == 503
    assert int(answer.headers["Retry-After"]) > 0
    well_formed(answer)


async def test_a_browser_gets_a_page(house):
    answer = await house.get("/nothing", Accept=BROWSER)
    assert answer.status == 404
    assert answer.headers["Content-Type"].startswith("text/html")
    assert answer.headers["Vary"] == "Accept"
    assert b"There is nothing here" in answer.body
    refused = await house.get("/feeds/bulletins.rss?topic=<script>", Accept=BROWSER)
    assert refused.status == 400
    assert b"<script>" not in refused.body
    assert b"&lt;script&gt;" in refused.body


async def test_every_kind_has_a_page(house):
    for code, kind in KINDS.items():
        answer = await house.get(f"/problems/{code}")
        assert answer.status == 200
        assert kind.title in answer.text


async def test_there_is_no_page_for_another_kind(house):
    assert (await house.get("/problems/teapot")).status == 404


async def test_logs_hold_no_token_and_no_address(house, capsys):
    logging.getLogger().setLevel(logging.DEBUG)
    body = {"place": "tx", "ceiling": "green", "label": "Hays CISD"}
    issued = (await house.post("/api/v1/feed-tokens", "operator", body)).json()
    await house.get(f"/feeds/t/{issued['token']}/bulletins.rss?topic=cyber")
    await house.get(f"/feeds/t/{issued['token']}/bulletins.rss?token={house.tokens['analyst']}")
    await house.get("/api/v1/bulletins?limit=999", "analyst")
    written = "".join(capsys.readouterr())
    assert "feed_private" in written
    for secret in (issued["token"], house.tokens["analyst"], house.tokens["operator"], "topic=cyber", "/feeds/t/"):
        assert secret not in written
