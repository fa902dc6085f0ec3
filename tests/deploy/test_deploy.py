"""What stands in deploy/ is held against the tools that will read it, and against the commands that the hub has."""

from __future__ import annotations

import re
import shlex
import shutil
import ssl
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from hub.cli.demo.nodes import free_port
from hub.wire import certificate
from tests.cli.nodes import NOW, founded, run
from tests.house.tree import ROOT

DEPLOY = ROOT / "deploy"
UNITS = sorted((DEPLOY / "systemd").iterdir())
CONTAINER = (DEPLOY / "Containerfile").read_text(encoding="utf-8")


def tool(name: str) -> str:
    found = shutil.which(name) or shutil.which(name, path="/usr/sbin:/sbin")
    if found is None:
        pytest.skip(f"{name} is not on this machine: what it would judge is NOT judged here")
    return found


def said(*command: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*map(str, command)], capture_output=True, text=True, timeout=60, check=False)


# ------------------------------------------------------------------------------------------------ systemd
def test_systemd_finds_nothing_wrong_with_the_units(tmp_path: Path):
    """The programs stand elsewhere on this machine, so that the units are judged with programs that are here."""
    analyze = tool("systemd-analyze")
    for unit in UNITS:
        text = unit.read_text(encoding="utf-8").replace("/opt/school-safety-hub/bin/hub", sys.executable)
        (tmp_path / unit.name).write_text(text)
    judged = said(analyze, "verify", "--recursive-errors=no", *(tmp_path / unit.name for unit in UNITS))
    wrong = [line for line in judged.stderr.splitlines() if "school-safety-hub" in line]
    assert (judged.returncode, wrong) == (0, []), judged.stderr


def test_systemd_would_find_something_wrong(tmp_path: Path):
    analyze = tool("systemd-analyze")
    (tmp_path / "bad.service").write_text("[Service]\nTpye=exec\nExecStart=/nowhere/hub\n")
    judged = said(analyze, "verify", tmp_path / "bad.service")
    assert judged.returncode != 0 or "Tpye" in judged.stderr


@pytest.mark.parametrize(
    ("unit", "most"), [("school-safety-hub.service", 2.0), ("school-safety-hub-backup.service", 2.0)]
)
def test_the_units_are_closed(unit: str, most: float):
    """`systemd-analyze security`: 0 is closed, 10 open; a unit without any of this has 9.6."""
    judged = said(tool("systemd-analyze"), "security", "--offline=true", "--no-pager", DEPLOY / "systemd" / unit)
    level = re.search(r"Overall exposure level[^:]*: ([0-9.]+)", judged.stdout)
    if level is None:
        pytest.skip(f"this systemd-analyze does not judge files: {judged.stderr.strip()[:200]}")
    assert float(level[1]) <= most, judged.stdout


def test_the_service_restarts_stops_in_time_and_has_a_bound():
    text = (DEPLOY / "systemd" / "school-safety-hub.service").read_text()
    for line in ("Type=exec", "Restart=on-failure", "TimeoutStopSec=30s", "MemoryMax=1G", "ProtectSystem=strict",
                 "NoNewPrivileges=yes", "User=hub", "StateDirectory=school-safety-hub", "UMask=0077"):  # fmt: skip
        assert re.search(rf"^{re.escape(line)}$", text, re.MULTILINE), line


# ----------------------------------------------------------------------------------------------- commands
def commands() -> set[tuple[str, ...]]:
    """What deploy/ makes the hub do: the words after the program, up to the first option or value."""
    texts = [path.read_text(encoding="utf-8") for path in UNITS]
    found = re.findall(r"/bin/hub ((?:[a-z][a-z-]*(?: |$))+)", "\n".join(texts), re.MULTILINE)
    (command,) = re.findall(r"^CMD (\[.*)$", CONTAINER, re.MULTILINE)
    return {tuple(shlex.split(each)) for each in found} | {(command.split('"')[1],)}


def test_every_command_in_deploy_is_one_of_the_hub():
    assert commands() == {("run",), ("backup",)}
    for words in commands():
        shown = said(sys.executable, "-m", "hub", *words, "--help")
        assert shown.returncode == 0, shown
        assert "--config" in shown.stdout, words


# ---------------------------------------------------------------------------------------------- container
def wrong_with(text: str) -> list[str]:
    """What is wrong with a Containerfile, by simple rules."""
    joined = re.sub(r"\\\n", " ", text)
    lines = [line.split(None, 1) for line in joined.splitlines() if line.strip() and not line.startswith("#")]
    said_by = [(word.upper(), rest) for word, rest in lines]
    froms = [rest.split()[0] for word, rest in said_by if word == "FROM"]
    users = [rest for word, rest in said_by if word == "USER"]
    after = said_by[max(i for i, (word, _) in enumerate(said_by) if word == "FROM") :]
    return [
        *(f"not pinned: {image}" for image in froms if not re.search(r":\d+\.\d+\.\d+[\w.-]*$|@sha256:", image)),
        *(["one stage"] if len(froms) < 2 else []),
        *(f"ADD: {rest}" for word, rest in said_by if word == "ADD"),
        *(["no HEALTHCHECK"] if not any(word == "HEALTHCHECK" for word, _ in said_by) else []),
        *(["runs as root"] if not users or users[-1].split(":")[0] in {"0", "root"} else []),
        *(["no USER in the last stage"] if not any(word == "USER" for word, _ in after) else []),
        *(
            f"without hashes: {rest}"
            for _, rest in said_by
            if "install" in rest and not re.search("hashes|no-deps", rest)
        ),
        *(f"fetches by itself: {rest}" for word, rest in said_by if word == "RUN" and re.search("curl|wget", rest)),
    ]


def test_nothing_is_wrong_with_the_containerfile():
    assert wrong_with(CONTAINER) == []


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("FROM python:3.11.14-slim-bookworm\n", "FROM python:latest\n"),
        ("FROM python:3.11.14-slim-bookworm\n", "FROM python:3.11\n"),
        ("USER 10001:10001", "USER root"),
        ("USER 10001:10001", ""),
        ("HEALTHCHECK", "LABEL x="),
        ("COPY hub ./hub", "ADD https://example.org/hub.tar.gz ."),
        ("--require-hashes ", ""),
    ],
)
def test_the_rules_find_what_is_wrong(old: str, new: str):
    assert old in CONTAINER
    assert wrong_with(CONTAINER.replace(old, new)) != []


def test_the_container_takes_what_the_tree_has():
    for source in re.findall(r"^COPY (?!--from)(.+) \S+$", CONTAINER, re.MULTILINE):
        for name in source.split():
            assert (ROOT / name).exists(), name


# -------------------------------------------------------------------------------------------------- proxy
def proxy_of(directory: Path, node_port: int, port: int, plain: int) -> Path:
    """The site as it stands, with this test's ports and certificate, inside the smallest possible nginx.conf."""
    site = (DEPLOY / "nginx-site.conf").read_text(encoding="utf-8")
    for old, new in (
        ("127.0.0.1:8100", f"127.0.0.1:{node_port}"), ("listen 443 ssl", f"listen 127.0.0.1:{port} ssl"),
        ("listen 80", f"listen 127.0.0.1:{plain}"), ("/etc/school-safety-hub/tls/fullchain.pem", f"{directory}/cert.pem"),
        ("/etc/school-safety-hub/tls/privkey.pem", f"{directory}/key.pem"), ("/var/log/nginx", str(directory)),
    ):  # fmt: skip
        assert old in site, old
        site = site.replace(old, new)
    temp = "".join(
        f"{each}_temp_path {directory}/{each};" for each in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    path = directory / "nginx.conf"
    path.write_text(f"daemon off; pid {directory}/pid; events {{}}\nhttp {{ {temp}\n{site}\n}}\n")
    return path


def test_a_real_proxy_passes_pages_on_and_keeps_strangers_from_the_figures(tmp_path: Path):
    nginx = tool("nginx")
    certificate.make(tmp_path, ("localhost",), NOW)
    with run(founded(tmp_path / "node")) as url:
        port = free_port()
        config = proxy_of(tmp_path, int(url.rpartition(":")[2]), port, free_port())
        assert said(nginx, "-e", tmp_path / "e", "-t", "-c", config).returncode == 0
        with subprocess.Popen([nginx, "-e", tmp_path / "e", "-c", config]) as proxy:
            try:
                assert b"school-safety-hub" in until_answered(
                    f"https://localhost:{port}/version", tmp_path / "cert.pem"
                )
                token = (tmp_path / "node" / "operator.token").read_text().strip()
                until_answered(f"https://localhost:{port}/feeds/bulletins.rss?limit=1", tmp_path / "cert.pem")
                for path in ("/metrics", f"/feeds/t/{token}/bulletins.rss"):
                    with pytest.raises(urllib.error.HTTPError, match="404"):
                        until_answered(f"https://localhost:{port}{path}", tmp_path / "cert.pem")
            finally:
                proxy.terminate()
                proxy.wait(timeout=10)
        logged = (tmp_path / "school-safety-hub.log").read_text() + (
            tmp_path / "school-safety-hub-error.log"
        ).read_text()
    assert "GET 404" in logged
    assert token not in logged


def until_answered(url: str, trusted: Path) -> bytes:
    """The answer, as soon as something listens there."""
    context = ssl.create_default_context(cafile=str(trusted))
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    deadline = time.monotonic() + 10
    while True:
        try:
            with urllib.request.urlopen(url, timeout=10, context=context) as answer:  # noqa: S310 - a loopback https address
                return answer.read()
        except urllib.error.HTTPError:
            raise
        except OSError:
            assert time.monotonic() < deadline
            time.sleep(0.05)
