"""A real node's folder, broken in each way that doctor speaks of: the line says so, names the fix, and shows no secret."""

from __future__ import annotations

import datetime as dt
import http.server
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from hub.cli.demo.nodes import free_port
from hub.cli.doctor import record, running, software, words
from hub.cli.doctor.asking import CARD, FEEDS, RESTORATION, first_bundle, look
from hub.cli.doctor.command import examine
from hub.cli.doctor.finding import Answer, Finding, Ground, Level
from hub.settings import load
from hub.store.examine import examine as look_at
from hub.wire import certificate
from tests.cli.nodes import founded, run


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return founded(tmp_path_factory.mktemp("doctor") / "node")


@pytest.fixture
def node(template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in [name for name in os.environ if name.startswith("HUB_") and name != "HUB_NATS_SERVER"]:
        monkeypatch.delenv(name)
    return Path(shutil.copytree(template, tmp_path / "node"))


def lines(directory: Path) -> list[Finding]:
    return list(examine(directory / "hub.toml"))


def said(directory: Path, check: str, level: Level) -> list[Finding]:
    return [each for each in lines(directory) if (each.check, each.level) == (check, level)]


def replaced(old: str, new: str) -> Callable[[Path], None]:
    def act(directory: Path) -> None:
        config = directory / "hub.toml"
        text = config.read_text()
        assert old in text
        config.write_text(text.replace(old, new))

    return act


def schema(revision: str) -> Callable[[Path], None]:
    def act(directory: Path) -> None:
        with sqlite3.connect(directory / "hub.db") as database:
            database.execute("UPDATE alembic_version SET version_num = ?", (revision,))
        database.close()

    return act


def torn_page(directory: Path) -> None:
    with sqlite3.connect(directory / "hub.db") as database:
        (root,) = database.execute("SELECT rootpage FROM sqlite_schema WHERE name = 'journal'").fetchone()
        (size,) = database.execute("PRAGMA page_size").fetchone()
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    database.close()
    with (directory / "hub.db").open("r+b") as file:
        file.seek((root - 1) * size)
        file.write(b"\xff" * size)


def old_certificate(directory: Path) -> None:
    shutil.rmtree(directory / "tls")
    certificate.make(directory / "tls", ("localhost",), dt.datetime(1980, 1, 1, tzinfo=dt.UTC))


CASES: dict[str, tuple[Callable[[Path], object], str, Level, str]] = {
    "a misspelt setting": (replaced("public_url", "pubic_url"), "settings", Level.BAD, "did you mean public_url"),
    "settings that are not TOML": (replaced("[web]", "[web"), "settings", Level.BAD, "not valid TOML"),
    "a key that others can read": (
        lambda d: (d / "keys" / "sign.nk").chmod(0o644), "file-modes", Level.BAD, "sign.nk can be read"),
    "a token that others can read": (
        lambda d: (d / "operator.token").chmod(0o640), "file-modes", Level.BAD, "operator.token can be read"),
    "a database that others can read": (
        lambda d: (d / "hub.db").chmod(0o644), "file-modes", Level.BAD, "hub.db can be read"),
    "a folder that others can change": (lambda d: d.chmod(0o777), "file-modes", Level.BAD, "can be changed"),
    "a key that is gone": (lambda d: (d / "keys" / "connect.nk").unlink(), "keys", Level.BAD, "connect.nk"),
    "a certificate that is gone": (
        lambda d: (d / "tls" / "cert.pem").unlink(), "certificate", Level.BAD, "cannot be read"),
    "a certificate that ended": (old_certificate, "certificate", Level.BAD, "ended"),
    "a database that is gone": (lambda d: (d / "hub.db").unlink(), "database", Level.BAD, "there is no"),
    "a database of an older program": (schema("0001"), "database", Level.BAD, "this program wants"),
    "a database of a newer program": (schema("9999"), "database", Level.BAD, "newer than this program"),
    "a database with a torn page": (torn_page, "integrity", Level.BAD, "damaged"),
    "a file that is no database": (
        lambda d: (d / "hub.db").write_bytes(b"no" * 5000), "integrity", Level.BAD, "not a database"),
    "a policy with a wrong word": (
        lambda d: (d / "policy.toml").write_text("[districts]\nceiling = 'red'\n"), "policy", Level.BAD, "ceiling"),
    "streams larger than the disk": (
        replaced("[nats]", "[nats]\nmax_bytes = 1000000000000000"), "jetstream", Level.WARN, "more than the disk has"),
    "pages that are open to the network": (
        replaced('[web]\nhost = "127.0.0.1"', '[web]\nhost = "0.0.0.0"'), "settings", Level.WARN, "without TLS"),
}  # fmt: skip


@pytest.mark.parametrize("broken", CASES)
def test_what_is_broken_is_said_with_its_fix(node: Path, broken: str):
    act, check, level, expected = CASES[broken]
    assert not [each for each in said(node, check, level) if expected in each.words], "it must be well before"
    act(node)
    found = [each for each in said(node, check, level) if expected in each.words]
    assert found, lines(node)
    assert all(each.fix for each in found)


def test_a_whole_stopped_node_has_nothing_bad(node: Path):
    assert [each for each in lines(node) if each.level is Level.BAD] == []


def test_a_live_node_as_it_was_founded_is_told_what_lacks(tmp_path: Path):
    expected = ("without TLS", "contact is empty", "loopback", "root key")
    told = " ".join(f.words for f in lines(founded(tmp_path / "live", exercise=False)) if f.level is Level.WARN)
    assert [each for each in expected if each not in told] == []


def test_a_port_that_another_process_holds_is_said_by_whom(node: Path):
    port = load(node / "hub.toml").web.port
    with http.server.HTTPServer(("127.0.0.1", port), http.server.BaseHTTPRequestHandler) as stranger:
        threading.Thread(target=stranger.serve_forever, kwargs={"poll_interval": 0.01}).start()
        found = said(node, "ports", Level.BAD)
        stranger.shutdown()
    assert [f"process {os.getpid()} (" in each.words for each in found] == [True]


def test_a_variable_that_nothing_reads_is_named_without_its_value():
    found = list(words.environment({"HUB_WBE__PORT": "1", "HUB_TOKEN_FIEL": "hush", "HUB_WEB__PORT": "1", "HOME": "x"}))
    assert [(each.level, each.words.split()[0]) for each in found] == [
        (Level.WARN, "HUB_TOKEN_FIEL"), (Level.WARN, "HUB_WBE__PORT"),
    ]  # fmt: skip
    assert "HUB_TOKEN_FILE" in found[0].fix
    assert "hush" not in str(found)


def test_a_nats_server_that_is_not_there_is_said(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HUB_NATS_SERVER", "/nowhere/nats-server")
    assert [each.level for each in software.nats_server()] == [Level.BAD]


def test_a_policy_is_said_in_words(node: Path):
    (node / "policy.toml").write_text(
        'name = "Texas"\n[[approvals]]\ntopic = ["terrorism"]\nseverity = "severe"\ncount = 2\nby = "director"\n'
    )
    (policy,) = said(node, "policy", Level.GOOD)
    assert policy.words.startswith("Texas: ")
    assert "2 by a director for terrorism, severe or more severe" in policy.words


def test_a_look_at_the_database_changes_nothing_and_ends_in_time(node: Path):
    before = {path.name: path.read_bytes() for path in node.glob("hub.db*")}
    assert look_at(node / "hub.db").problems == ()
    assert {path.name: path.read_bytes() for path in node.glob("hub.db*") if path.name in before} == before
    many = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 50000) SELECT i FROM n"
    with sqlite3.connect(node / "hub.db") as database:
        database.execute(f"CREATE TABLE many AS {many}")
    database.close()
    assert look_at(node / "hub.db").whole is True
    assert look_at(node / "hub.db", seconds=-1).whole is False


# ------------------------------------------------------------------------------------------ a running node
@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A node that runs."""
    directory = founded(tmp_path_factory.mktemp("doctor") / "up")
    with run(directory):
        yield directory


def test_a_running_node_is_asked_and_found_well(up: Path):
    found = lines(up)
    assert [each for each in found if each.level is Level.BAD] == []
    good = {each.check for each in found if each.level is Level.GOOD}
    assert {"node", "read-only", "public-url", "peers", "feeds", "ports", "database"} <= good
    assert sum("held by this node" in each.words for each in found) == 2


def test_a_public_address_that_leads_nowhere_is_said(up: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HUB_PUBLIC_URL", f"http://localhost:{free_port()}")
    assert "does not lead here" in said(up, "public-url", Level.BAD)[0].words


def test_another_node_at_our_port_is_not_taken_for_ours(up: Path, node: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HUB_WEB__PORT", str(load(up / "hub.toml").web.port))
    assert "another node answers" in said(node, "node", Level.BAD)[0].words
    assert "which is not this node" in said(node, "ports", Level.BAD)[0].words


def test_the_command_says_it_as_json_and_in_signs_and_shows_no_secret(up: Path):
    command = [sys.executable, "-m", "hub", "doctor", "--config", str(up / "hub.toml")]
    plain = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert plain.returncode == 0, plain
    assert {line[0] for line in plain.stdout.splitlines() if not line.startswith(" ")} == {"✔", "▲"}
    (up / "hub.db").chmod(0o644)
    told = subprocess.run([*command, "--json"], capture_output=True, text=True, timeout=60, check=False)
    (up / "hub.db").chmod(0o600)
    assert told.returncode == 1
    document = json.loads(told.stdout)
    assert document["good"] is False
    assert {"check", "level", "words", "fix"} == set(document["findings"][0])
    secrets = [path.read_text().strip() for path in (*up.glob("keys/*.nk"), *up.glob("*.token"))]
    assert len(secrets) == 8
    assert not [each for each in secrets if each in plain.stdout + plain.stderr + told.stdout + told.stderr]


# ------------------------------------------------------------------------------------------ what it said
def ground(directory: Path, **answers: object) -> Ground:
    """Ground on which a node answered these documents."""
    settings = load(directory / "hub.toml")
    given = {path: Answer(200, json.dumps(document).encode()) for path, document in answers.items()}
    return Ground(directory / "hub.toml", settings, token=True, answers=given)


def peer(state: str, error: str | None = None, behind: int = 0) -> dict[str, object]:
    link = {"state": state, "error": error, "behind": behind}
    return {"place": "oh", "state": "active", "agreement": {"ceiling": "amber"}, "link": link}


@pytest.mark.parametrize(
    ("link", "level", "expected"),
    [
        (peer("connected"), Level.GOOD, "OH: connected"),
        (peer("catching-up", behind=7), Level.WARN, "7 messages behind"),
        (peer("connecting", "another fingerprint"), Level.BAD, "another fingerprint"),
        (peer("off", "no address"), Level.BAD, "no address"),
    ],
)
def test_a_link_is_said_in_words(node: Path, link: dict[str, object], level: Level, expected: str):
    (found,) = running.links(ground(node, **{"/api/v1/peers": {"peers": [link]}}))
    assert found.level is level
    assert expected in found.words


@pytest.mark.parametrize(
    ("source", "level", "expected"),
    [
        ({"name": "nws", "last_good": "2026-11-24T00:00:00Z", "error": None}, Level.GOOD, "last good answer 2026"),
        ({"name": "nws", "last_good": None, "error": None}, Level.WARN, "no answer yet"),
        ({"name": "nws", "last_good": None, "error": "it answered 503"}, Level.WARN, "it answered 503"),
    ],
)
def test_a_source_is_said_in_words(node: Path, source: dict[str, object], level: Level, expected: str):
    (found,) = running.sources(ground(node, **{"/api/v1/sources": {"sources": [source]}}))
    assert found.level is level
    assert expected in found.words


@pytest.mark.parametrize(("skew", "level"), [(3.0, Level.GOOD), (90.0, Level.WARN), (-3600.0, Level.BAD)])
def test_a_clock_is_held_against_the_peers(node: Path, skew: float, level: Level):
    at = Ground(node / "hub.toml", load(node / "hub.toml"), peers={"oh": Answer(200, b"{}", skew=skew)})
    (found,) = running.clock(at)
    assert found.level is level


def test_a_node_that_takes_no_writes_is_said(node: Path):
    ready = {"status": "unavailable", "checks": {"database": "down", "nats": "ok"}}
    own = json.loads(running_card(node))
    at = ground(node, **{"/readyz": ready, CARD: own})
    assert [(each.check, each.level) for each in running.node(at)] == [("read-only", Level.BAD)]


@pytest.mark.parametrize(
    ("said", "level"),
    [
        ({"held": True, "waits": ["own", "oh"]}, Level.BAD),
        ({"held": False, "waits": ["oh"]}, Level.WARN),
        ({"held": False, "waits": []}, Level.GOOD),
    ],
)
def test_a_restored_node_that_waits_is_said(node: Path, said: dict[str, object], level: Level):
    (found,) = running.restoration(ground(node, **{RESTORATION: said}))
    assert found.level is level
    assert all(place in found.words for place in said["waits"])


def backed_up(directory: Path, to: Path, days: float) -> None:
    """A real backup, dated so many days back."""
    done = subprocess.run(
        [sys.executable, "-m", "hub", "backup", str(to / "one"), "--config", str(directory / "hub.toml")],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done
    manifest = json.loads((to / "one" / "manifest.json").read_text())
    made = dt.datetime.now(dt.UTC) - dt.timedelta(days=days)
    (to / "one" / "manifest.json").write_text(json.dumps(manifest | {"made": made.isoformat()}))


@pytest.mark.parametrize(("days", "level"), [(0.5, Level.GOOD), (5, Level.WARN), (30, Level.BAD)])
def test_the_age_of_the_last_backup_is_said(node: Path, tmp_path: Path, days: float, level: Level):
    (tmp_path / "backups").mkdir()
    at = Ground(node / "hub.toml", load(node / "hub.toml"), tmp_path / "backups")
    assert [each.level for each in record.backup(at)] == [Level.WARN]
    backed_up(node, tmp_path / "backups", days)
    assert [each.level for each in record.backup(at)] == [level]
    foreign = Ground(node / "hub.toml", load(founded(tmp_path / "other") / "hub.toml"), tmp_path / "backups")
    assert [each.level for each in record.backup(foreign)] == [Level.WARN], "another node's backup is none of this one"


def running_card(directory: Path) -> str:
    from hub.wire import keys  # noqa: PLC0415 - the one place of this file that reads a key

    return json.dumps({"keys": [{"public": keys.load(directory / "keys").sign.public}]})


@pytest.mark.parametrize(
    ("path", "body", "name"),
    [
        (FEEDS[0], b"<rss><channel>", "rss"),
        (FEEDS[1], b"not a feed", "atom"),
        (FEEDS[2], b'{"version": "2"}', "json"),
        ("/bulletins/x.stix.json", b"{}", "stix"),
    ],
)
def test_a_feed_that_cannot_be_read_is_said(up: Path, path: str, body: bytes, name: str, tmp_path: Path):
    at = look(up / "hub.toml", load(up / "hub.toml"), tmp_path)
    assert {each.level for each in running.feeds(at)} == {Level.GOOD}
    at.answers[path] = Answer(200, body)
    assert [each.words.partition(":")[0] for each in running.feeds(at) if each.level is Level.BAD] == [name]


@pytest.mark.parametrize("taken", ["WITHDRAWN: Ice", "EXERCISE: WITHDRAWN: Ice"])
def test_the_bundle_that_is_judged_is_of_a_bulletin_that_has_one(taken: str):
    items = [{"title": taken, "url": "http://x/bulletins/TX-1"}, {"title": "Rain", "url": "http://x/bulletins/TX-2"}]
    feed = Answer(200, json.dumps({"items": items}).encode())
    assert first_bundle({FEEDS[2]: feed}) == "/bulletins/TX-2.stix.json"
    assert first_bundle({FEEDS[2]: Answer(200, json.dumps({"items": items[:1]}).encode())}) is None
