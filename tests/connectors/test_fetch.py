from __future__ import annotations

import asyncio
import datetime as dt
import gzip
from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest
from aiohttp import web

from connectors.answer import Fetched, Validators
from connectors.fetch import MAX_REDIRECTS, Fetcher, Limits
from connectors.guard import Allow
from tests.connectors.server import Server, saying, serving

QUICK = Limits(total=5, connect=2, silence=2, attempts=3, wait_initial=0.01, wait_max=0.02)
LOCAL = Allow.of(["127.0.0.0/8", "feeds.test", "other.test"])
NOON = dt.datetime(2031, 2, 3, 12, tzinfo=dt.UTC)


async def loopback(host: str, port: int) -> Sequence[str]:
    return ["127.0.0.1"]


def fetcher(**given: Any) -> Fetcher:
    facts: dict[str, Any] = {"contact": "desk@example.org", "allow": LOCAL, "limits": QUICK, "lookup": loopback}
    return Fetcher(**facts | given)


async def got(url: str, validators: Validators = Validators(), max_bytes: int = 1 << 20, **given: Any) -> Fetched:  # noqa: B008 - a frozen value
    async with fetcher(**given) as polite:
        return await polite.get(url, validators, max_bytes=max_bytes)


async def test_a_body_comes_with_its_validators() -> None:
    headers = {"ETag": '"a1"', "Last_Modified": "Mon, 03 Feb 2031 10:00:00 GMT", "Cache_Control": "public, max-age=90"}
    async with serving(saying(b'{"a": 1}', **headers)) as server:
        answer = await got(server.url("/kev.json?x=1"))
        asked = server.asked[0]
    assert (answer.status, answer.body, answer.max_age) == ("changed", b'{"a": 1}', 90)
    assert answer.validators == Validators('"a1"', "Mon, 03 Feb 2031 10:00:00 GMT", server.url("/kev.json?x=1"))
    assert asked.headers["User-Agent"] == "school-safety-hub (+desk@example.org)"
    assert not {"If-None-Match", "If-Modified-Since", "Cookie", "Authorization"} & set(asked.headers)


@pytest.mark.parametrize("etag", ['"plain"', 'W/"weak"', "unquoted", '"caf\u00e9"', '" spaced "'])
async def test_validators_go_back_byte_for_byte_and_304_is_unchanged(etag: str) -> None:
    async def answer(request: web.Request) -> web.Response:
        if len(server.asked) == 1:
            return web.Response(body=b"{}", headers={"ETag": etag, "Last-Modified": "yesterday, more or less"})
        return web.Response(status=304)

    async with serving(answer) as server:
        first = await got(server.url())
        second = await got(server.url(), first.validators)
        asked = dict(server.asked[1].raw_headers)
        served = etag.encode()
    assert (second.status, second.validators) == ("unchanged", first.validators)
    assert (asked[b"If-None-Match"], asked[b"If-Modified-Since"]) == (served, b"yesterday, more or less")


async def test_a_validator_that_cannot_be_sent_back_as_it_came_is_not_kept() -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b'HTTP/1.1 200 OK\r\nETag: "\xe9"\r\nLast-Modified: now\r\nContent-Length: 2\r\n\r\n{}')
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        fetched = await got(f"http://127.0.0.1:{port}/")
    assert (fetched.validators.etag, fetched.validators.last_modified) == (None, "now")


async def test_validators_of_one_address_are_sent_to_no_other() -> None:
    async with serving(saying()) as server:
        await got(server.url("/b"), Validators('"x"', None, server.url("/a")))
    assert "If-None-Match" not in server.asked[0].headers


async def test_an_unasked_304_is_no_answer() -> None:
    async with serving(saying(b"", 304)) as server:
        answer = await got(server.url())
    assert (answer.status, answer.reason) == ("unavailable", "127.0.0.1 answered 304 Not Modified.")


@pytest.mark.parametrize("body", [b"", b" \r\n\t"])
async def test_an_empty_answer_is_unavailable(body: bytes) -> None:
    async with serving(saying(body)) as server:
        answer = await got(server.url())
    assert (answer.status, answer.reason) == ("unavailable", "The answer is empty.")


@pytest.mark.parametrize(("status", "tries"), [(404, 1), (403, 1), (410, 1), (204, 1), (206, 1), (500, 3), (502, 3)])
async def test_only_what_may_pass_is_tried_again(status: int, tries: int) -> None:
    async with serving(saying(b"x", status)) as server:
        answer = await got(server.url())
    assert (answer.status, len(server.asked)) == ("unavailable", tries)
    assert str(status) in answer.reason


async def test_a_hiccup_is_survived() -> None:
    async def answer(request: web.Request) -> web.Response:
        return web.Response(status=503 if len(server.asked) < 3 else 200, body=b"fine")

    async with serving(answer) as server:
        assert (await got(server.url())).body == b"fine"


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry_After": "120"}, 120),
        ({"Retry_After": "9" * 40}, 86_400),
        ({"Retry_After": "Mon, 03 Feb 2031 12:05:00 GMT", "Date": "Mon, 03 Feb 2031 12:00:00 GMT"}, 300),
        ({"Retry_After": "Mon, 03 Feb 2031 12:05:00 GMT", "Date": "?"}, 300),
        ({"Retry_After": "Mon, 03 Feb 2020 12:05:00 GMT", "Date": "?"}, 0),
    ],
)
@pytest.mark.parametrize("status", [429, 503])
async def test_retry_after_is_heeded(status: int, headers: dict[str, str], seconds: int) -> None:
    async with serving(saying(b"", status, **headers)) as server:
        answer = await got(server.url(), clock=lambda: NOON)
    assert (answer.status, answer.retry_after, len(server.asked)) == ("unavailable", seconds, 1)


@pytest.mark.parametrize("text", ["soon", "-5", "\u00b2", "", "Mon, 99 Feb"])
async def test_a_wait_that_says_nothing_is_none(text: str) -> None:
    async with serving(saying(b"", 429, Retry_After=text)) as server:
        assert (await got(server.url())).retry_after is None


async def test_gzip_is_unpacked_and_bombs_are_not() -> None:
    async def answer(request: web.Request) -> web.Response:
        body = b"[1]" if request.path == "/good" else bytes(8 << 20)
        return web.Response(body=gzip.compress(body), headers={"Content-Encoding": "gzip"})

    async with serving(answer) as server:
        assert (await got(server.url("/good"))).body == b"[1]"
        by_size = await got(server.url("/bomb"))
        by_ratio = await got(server.url("/bomb"), max_bytes=1 << 30)
    assert (by_size.status, by_size.reason) == (
        "unavailable",
        "The answer cannot be used: The answer is larger than 1,048,576 bytes.",
    )
    assert "200 times" in by_ratio.reason


async def test_a_declared_size_is_believed_and_an_undeclared_one_counted() -> None:
    async def endless(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        while True:
            await response.write(bytes(1 << 16))

    async with serving(saying(bytes(2 << 20))) as server:
        assert "larger than 1,048,576" in (await got(server.url())).reason
    async with serving(endless) as server:
        assert "larger than 1,048,576" in (await got(server.url())).reason


@pytest.mark.parametrize("coding", ["br", "deflate", "gzip"])
async def test_a_body_packed_otherwise_than_asked_is_refused(coding: str) -> None:
    async with serving(saying(b"not packed so", Content_Encoding=coding)) as server:
        assert (await got(server.url())).status == "unavailable"


async def test_a_stalled_server_does_not_hold_us() -> None:
    async def stall(request: web.Request) -> web.Response:
        await asyncio.sleep(30)
        return web.Response()

    async with serving(stall) as server:
        answer = await got(server.url(), limits=Limits(total=0.2, attempts=2, wait_initial=0.01, wait_max=0.02))
    assert (answer.status, len(server.asked)) == ("unavailable", 2)
    assert "0.2 seconds" in answer.reason


async def test_a_connection_that_breaks_or_is_refused_is_unavailable() -> None:
    async def break_off(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": "1000"})
        await response.prepare(request)
        await response.write(b"half")
        assert request.transport is not None
        request.transport.abort()
        return response

    async with serving(break_off) as server:
        answer = await got(server.url())
        assert (answer.status, len(server.asked)) == ("unavailable", 3)
    assert "No connection" in (await got(server.url())).reason


@pytest.fixture
async def tripwire() -> AsyncIterator[Server]:
    """A server that nobody may reach."""
    async with serving(saying(b"secret")) as server:
        yield server
    assert server.asked == []


async def test_nothing_private_is_reached_by_address_or_name(tripwire: Server) -> None:
    for url in (tripwire.url(), tripwire.url(host="inner.test"), tripwire.url(host="[::ffff:127.0.0.1]")):
        answer = await got(url, allow=Allow())
        assert (answer.status, answer.body) == ("unavailable", b"")
    public_looking = await got("http://inner.test/", allow=Allow())
    assert "127.0.0.1 is not a public address" in public_looking.reason


async def test_a_name_that_turns_private_between_two_looks_is_dialled_where_it_was_judged(tripwire: Server) -> None:
    answers = iter([["127.0.0.2"], ["127.0.0.1"]])

    async def rebinding(host: str, port: int) -> Sequence[str]:
        return next(answers)

    allow = Allow.of(["127.0.0.2"])
    limits = Limits(total=2, attempts=1)
    answer = await got(tripwire.url(host="a.test"), allow=allow, lookup=rebinding, limits=limits)
    assert answer.status == "unavailable"


@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
async def test_every_hop_of_a_redirect_is_judged(code: int, tripwire: Server) -> None:
    async def send_on(request: web.Request) -> web.Response:
        return web.Response(status=code, headers={"Location": tripwire.url(host="127.0.0.1")})

    async with serving(send_on) as server:
        answer = await got(server.url(host="feeds.test"), allow=Allow.of(["feeds.test"]))
    assert "not a public address" in answer.reason


@pytest.mark.parametrize(
    ("location", "reason"),
    [
        ("file:///etc/passwd", "not an http"),
        ("//user@other.test/", "user name"),
        ("http://169.254.169.254/latest/meta-data/", "not a public address"),
        ("http://0x7f000001/", "not a host name"),
        ("", "to nowhere"),
        ("http://[", "no address"),
    ],
)
async def test_a_redirect_to_what_may_not_be_fetched_ends_there(location: str, reason: str) -> None:
    async with serving(saying(b"", 302, Location=location)) as server:
        answer = await got(server.url())
    assert (answer.status, len(server.asked)) == ("unavailable", 1)
    assert reason in answer.reason


async def test_redirects_are_followed_and_bounded() -> None:
    async def count_down(request: web.Request) -> web.Response:
        left = int(request.path[1:])
        if left == 0:
            return web.Response(body=b"arrived", headers={"ETag": '"end"'})
        return web.Response(status=302, headers={"Location": f"/{left - 1}"})

    async with serving(count_down) as server:
        arrived = await got(server.url(f"/{MAX_REDIRECTS}"))
        assert (arrived.body, arrived.validators.url) == (b"arrived", server.url("/0"))
        again = await got(server.url(f"/{MAX_REDIRECTS + 1}"))
    assert again.reason == "More than 5 redirects."


async def test_validators_reach_the_hop_that_gave_them() -> None:
    async def answer(request: web.Request) -> web.Response:
        if request.path == "/a":
            return web.Response(status=301, headers={"Location": "/b"})
        status = 304 if request.headers.get("If-None-Match") == '"b"' else 200
        return web.Response(status=status, body=b"b" if status == 200 else None, headers={"ETag": '"b"'})

    async with serving(answer) as server:
        first = await got(server.url("/a"))
        assert (await got(server.url("/a"), first.validators)).status == "unchanged"
        assert [("If-None-Match" in each.headers) for each in server.asked] == [False, False, False, True]


async def test_credentials_stay_with_their_origin() -> None:
    async def send_on(request: web.Request) -> web.Response:
        return web.Response(status=307, headers={"Location": other.url(host="other.test")})

    async with serving(saying()) as other, serving(send_on) as server:
        credentials = {server.url("", host="feeds.test"): {"apiKey": "s3cret", "Authorization": "Bearer s3cret"}}
        assert (await got(server.url(host="feeds.test"), credentials=credentials)).status == "changed"
    assert server.asked[0].headers["apiKey"] == "s3cret"
    assert not {"apiKey", "Authorization"} & set(other.asked[0].headers)


async def test_cookies_are_not_kept() -> None:
    async with serving(saying(b"{}", Set_Cookie="a=b; Path=/")) as server, fetcher() as polite:
        await polite.get(server.url(), max_bytes=100)
        await polite.get(server.url(), max_bytes=100)
    assert all("Cookie" not in each.headers for each in server.asked)


@pytest.mark.parametrize("contact", ["", "  ", "a\r\nX-Bad: 1"])
def test_a_fetch_without_a_contact_is_not_made(contact: str) -> None:
    with pytest.raises(ValueError, match="contact"):
        Fetcher(contact=contact)
