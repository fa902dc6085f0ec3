"""A whole `hub run`: what strangers send it is nowhere in its log."""

from __future__ import annotations

import contextlib
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

FEED, BEARER = "SECRETFEEDTOKEN0123456789", "SECRETBEARER0123456789"
UNREADABLE = (
    f"GET /feeds/t/{FEED}/bulletins.rss?topic=vi\u00f3lence HTTP/1.1\r\nHost: x\r\n\r\n".encode(),
    f"GET /feeds/t/{FEED}/\0 HTTP/1.1\r\nHost: x\r\n\r\n".encode(),
    f"GET /api/v1/queue HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {BEARER}\0\r\n\r\n".encode(),
    f"GET /api/v1/queue HTTP/1.1\r\nHost: x\r\nAuthorization : Bearer {BEARER}\r\n\r\n".encode(),
)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def answer(port: int, request: bytes) -> bytes:
    with socket.create_connection(("127.0.0.1", port), 5) as link:
        link.sendall(request)
        got = b""
        with contextlib.suppress(ConnectionError):
            while more := link.recv(65536):
                got += more
        return got


def test_no_secret_of_a_bad_request_reaches_the_log_of_a_node(tmp_path: Path):
    port, folder = free_port(), tmp_path / "tx"
    command = [sys.executable, "-m", "hub"]
    subprocess.run([*command, "init", folder, "--state", "TX", "--web-port", str(port)], check=True, timeout=60)
    with (tmp_path / "log").open("wb") as log:
        node = subprocess.Popen(
            [*command, "run", "--config", folder / "hub.toml", "--only", "web"], stdout=log, stderr=subprocess.STDOUT
        )
    try:
        until = time.monotonic() + 60
        while time.monotonic() < until and node.poll() is None:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                break
            time.sleep(0.1)
        for request in UNREADABLE:
            said = answer(port, request)
            assert said.partition(b"\r\n")[0].split(b" ")[1] == b"400", said
            assert b"Server: school-safety-hub\r\n" in said
            assert b"Content-Security-Policy: " in said
            assert b"SECRET" not in said
    finally:
        node.send_signal(signal.SIGTERM)
        node.wait(30)
    written = (tmp_path / "log").read_bytes()
    assert b"a request that cannot be read" in written
    assert b"SECRET" not in written
