"""No secret comes out in the log, whatever field, nesting, error or trace it went in with."""

from __future__ import annotations

import base64
import contextlib
import http.client
import io
import json
import logging
import secrets
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import nkeys
import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st
from nacl.signing import SigningKey

from hub.cli.redaction import MARK, RedactedFormatter, hide_named, last_look, redacted
from schemas.keys import encode_public
from tests.cli.nodes import founded, run

TOKEN_CHARS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
random_tokens = st.binary(min_size=32, max_size=64).map(lambda raw: base64.urlsafe_b64encode(raw).rstrip(b"=").decode())
raw_keys = st.binary(min_size=32, max_size=32)
kinds = st.sampled_from([nkeys.PREFIX_BYTE_ACCOUNT, nkeys.PREFIX_BYTE_OPERATOR, nkeys.PREFIX_BYTE_USER])
seeds = st.builds(lambda raw, kind: bytes(nkeys.encode_seed(raw, kind)).decode(), raw_keys, kinds)
short = st.text(TOKEN_CHARS, min_size=12, max_size=40)
bearers = st.text(TOKEN_CHARS + ".~+/", min_size=16, max_size=64)

# How a secret may stand in somebody's words, and the secret itself.
SPOKEN = st.one_of(
    random_tokens.map(lambda t: (t, t)),
    seeds.map(lambda t: (t, t)),
    bearers.map(lambda t: (f"Authorization: Bearer {t}", t)),
    short.map(lambda t: (f"GET /feeds/t/{t}/bulletins.rss HTTP/1.1", t)),
    short.map(lambda t: (f"https://tx.example/enrol/{t}", t)),
    short.map(lambda t: (f"Cookie: hub={t}; b=2", t)),
    short.map(lambda t: (f"__Host-hub={t}", t)),
    short.map(lambda t: (f"https://somebody:{t}@tx.example/", t)),
)
around = st.text(st.characters(blacklist_categories=("Cs",)), max_size=10)


def plain_words(before: str, said: str, after: str) -> str:
    return f"{before} {said} {after}"


NESTINGS = (
    lambda said: {"x": said},
    lambda said: {"x": [1, {"y": (said, None)}]},
    lambda said: {said: "as a key"},
    lambda said: {"x": said.encode()},
    lambda said: {"event": said},
    lambda said: {"error": repr(ValueError(said))},
    lambda said: {"deep": {"a": {"b": {"c": {"d": said}}}}},
)


def line_of(event: dict[str, Any], exception: BaseException | None = None) -> str:
    """One line as the node's own logger writes it."""
    out = io.StringIO()
    logger = structlog.wrap_logger(
        structlog.PrintLogger(out),
        processors=[
            structlog.processors.add_log_level, structlog.processors.format_exc_info, hide_named,
            structlog.processors.JSONRenderer(), last_look,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
    )  # fmt: skip
    logger.error(event.pop("event", "said"), exc_info=exception, **{str(key): value for key, value in event.items()})
    return out.getvalue()


@given(SPOKEN, around, around, st.sampled_from(NESTINGS))
def test_no_secret_comes_out_of_any_field_and_the_line_stays_json(spoken, before, after, nest):
    said, secret = spoken
    line = line_of(nest(plain_words(before, said, after)))
    assert secret not in line
    assert MARK in line
    json.loads(line)


@given(SPOKEN)
def test_no_secret_comes_out_of_a_trace(spoken):
    said, secret = spoken

    def fails() -> None:
        raise ValueError(said) from KeyError(said)

    with pytest.raises(ValueError) as caught:
        fails()
    assert secret not in line_of({"event": "failed"}, caught.value)
    record = logging.LogRecord("lib", logging.ERROR, "f.py", 1, "%s", (said,), (ValueError, caught.value, caught.tb))
    told = RedactedFormatter("%(message)s").format(record)
    assert secret not in told
    assert "Traceback" in told


@given(short, st.sampled_from(["token", "Authorization", "cookie", "password", "seed"]))
def test_what_is_bound_under_the_name_of_a_secret_is_not_shown(secret, name):
    assert secret not in line_of({name: secret})
    assert secret not in line_of({"more": [{name: secret}]})


@given(raw_keys, st.sampled_from("AOU"))
def test_what_an_operator_needs_to_read_stays(raw, prefix):
    words = f"{raw.hex()} {encode_public(prefix, bytes(SigningKey(raw).verify_key))} TX-NTIC-2026-0007 f81d4fae-7dec-11d0-a765-00a0c91e6bf6 tls://oh:4222"
    assert redacted(words) == words


def test_a_process_that_dies_says_no_secret_either():
    token = secrets.token_urlsafe(32)
    code = f"from hub.cli.logs import log_to_stdout; log_to_stdout('json'); raise RuntimeError('x {token}')"
    died = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert "RuntimeError" in died.stderr
    assert MARK in died.stderr
    threaded = "import threading; from hub.cli.logs import log_to_stdout; log_to_stdout('console')\nimport warnings\n"
    threaded += f"def f(): raise RuntimeError('{token}')\nt = threading.Thread(target=f); t.start(); t.join()\n"
    threaded += f"warnings.warn('{token}')\nimport structlog; structlog.get_logger().info('{token}', x=['{token}'])"
    spoke = subprocess.run([sys.executable, "-c", threaded], capture_output=True, text=True, timeout=60, check=False)
    assert spoke.returncode == 0, spoke.stderr
    assert (spoke.stdout + spoke.stderr).count(MARK) >= 4
    code_line = "warnings.warn("  # Python quotes the line of code that warned; `-c` has none to quote
    assert code_line not in spoke.stdout + spoke.stderr
    assert token not in died.stderr + died.stdout + spoke.stdout + spoke.stderr


def raw_request(url: str, data: bytes) -> bytes:
    host, _, port = url.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port)), timeout=5) as connection:
        connection.sendall(data)
        connection.shutdown(socket.SHUT_WR)
        answer = b""
        while piece := connection.recv(65536):
            answer += piece
    return answer


def ask(url: str, path: str, *, method: str = "GET", data: bytes | None = None, **headers: str) -> bytes:
    connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=10)
    with contextlib.closing(connection):
        connection.request(method, path, data, {name.replace("_", "-"): value for name, value in headers.items()})
        return connection.getresponse().read()


def test_tokens_used_in_wrong_ways_are_not_in_the_log_of_a_real_node(tmp_path: Path):
    directory = founded(tmp_path / "node")
    known = [path.read_text().strip() for path in directory.glob("*.token")]
    assert len(known) == 4
    made_up = secrets.token_urlsafe(32)
    with run(directory) as url:
        for token in (known[0], made_up):
            bearer = {"Authorization": f"Bearer {token}"}
            ask(url, f"/?token={token}")
            ask(url, f"/feeds/t/{token}/bulletins.rss")
            ask(url, f"/feeds/t/{token}/bulletins.nothing")
            ask(url, f"/enrol/{token}")
            ask(url, f"/bulletins/{token}")
            ask(url, f"/api/v1/bulletins?limit={token}", **bearer)
            ask(url, "/api/v1/bulletins", Authorization=f"Basic {token}")
            ask(url, "/api/v1/bulletins", Cookie=f"hub={token}; __Host-hub={token}")
            ask(url, "/api/v1/bulletins", Authorization=f"Bearer {token} {token}")
            ask(url, "/api/v1/bulletins", method="POST", data=f'{{"{token}": "{token}"'.encode(), **bearer)
            ask(url, f"/api/v1/sources/{token}/run", method="POST", data=token.encode(), **bearer)
            ask(url, "/api/v1/people", method=token[:5].upper(), User_Agent=token, Idempotency_Key=token, **bearer)
            raw_request(url, f"GET /{token}\r\n{token}\r\n\r\n".encode())
            raw_request(url, f"{token} / HTTP/1.1\r\nHost: x\r\n\r\n".encode())
            raw_request(url, f"GET / HTTP/1.1\r\nHost: x\r\n{token}\x00: {token}\r\n\r\n".encode())
            raw_request(url, f"POST /api/v1/bulletins HTTP/1.1\r\nHost: x\r\nContent-Length: {token}\r\n\r\n".encode())
        counted = ask(url, "/metrics").decode()
    logged = (directory / "log").read_text()
    assert "a request that cannot be read" in logged, "the search must find what was logged"
    seeds = [path.read_text().strip() for path in directory.glob("keys/*.nk")]
    assert [each for each in (*known, made_up, *seeds) if each in logged + counted] == []
