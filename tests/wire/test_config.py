from __future__ import annotations

import dataclasses
import re
import subprocess
from pathlib import Path

import pytest

from hub.wire import keys
from hub.wire.broker import find_server
from hub.wire.config import ServerConfig, render
from schemas.places import PLACES
from tests.wire.servers import site

GOLDEN = Path(__file__).with_name("server.conf")
TWO = ServerConfig(
    name="node-tx",
    host="127.0.0.1",
    port=4333,
    directory=Path("/srv/hub/nats"),
    tls=Path("/srv/hub/tls"),
    streams=("LIVE", "EXERCISE"),
    store_bytes=1 << 30,
    hub="UA3IFLYTVYN4ZIJTWRNLK3L64JIVMG6PYMPK76TBYZKNYRNUZYFCGMXU",
    peers={"ok": ("UB7W3JSL4AWNI2YWUFX4JDISXKNY2WBPK55V2H6ZNNIH5O45A2TJMA36",)},
    places=("ok", "va"),
)


def judged(path: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([find_server(), "-t", "-c", path], capture_output=True, text=True, timeout=20, check=False)


def test_the_text_is_the_one_on_file() -> None:
    """A change here changes what a peer may do: read the difference before you take it over."""
    assert render(TWO) == GOLDEN.read_text(encoding="utf-8")


def test_the_server_takes_it_for_every_place_as_a_peer(tmp_path: Path) -> None:
    made = site(tmp_path / 'a "quoted" \\ $name', streams=("LIVE", "EXERCISE"))
    peers = {place: (keys.generate("U").public, keys.generate("U").public) for place in PLACES}
    path = tmp_path / "server.conf"
    path.write_text(render(dataclasses.replace(made.config, peers=peers)), encoding="utf-8")
    found = judged(path)
    assert found.returncode == 0, found.stderr


def test_every_place_has_an_account_from_the_start_and_only_peers_have_users() -> None:
    text = render(dataclasses.replace(TWO, places=tuple(PLACES)))
    accounts = re.findall(r"^  (PEER_[a-z]{2}) \{\n.*\n    users: \[(\]?)", text, re.MULTILINE)
    assert [name for name, _ in accounts] == [f"PEER_{place}" for place in PLACES]
    assert [name for name, empty in accounts if not empty] == ["PEER_ok"]
    assert len(PLACES) == 56


def test_a_user_may_do_nothing_but_pull_and_acknowledge_its_own_durables() -> None:
    text = render(dataclasses.replace(TWO, places=tuple(PLACES), streams=("EXERCISE",)))
    (rights,) = re.findall(r"permissions: (.*) \}$", text, re.MULTILINE)
    publish, subscribe = re.fullmatch(
        r"\{ publish: \{ allow: \[(.*)\] \}, subscribe: \{ allow: \[(.*)\] \} \}", rights
    ).groups()
    ok = [f"EXERCISE.peer-ok-{lane}" for lane in ("flash", "routine")]
    assert [each.strip('" ') for each in publish.split(",")] == [
        allowed
        for name in ok
        for allowed in (f"HUB.API.CONSUMER.INFO.{name}", f"HUB.API.CONSUMER.MSG.NEXT.{name}", f"$JS.ACK.{name}.>")
    ]
    assert subscribe == '"_P.ok.>"'


def test_each_export_names_the_one_account_it_is_for() -> None:
    text = render(dataclasses.replace(TWO, places=tuple(PLACES)))
    exports = re.findall(r'^      \{ service: "(\S+)".*accounts: \[(.*)\] \}$', text, re.MULTILINE)
    assert len(exports) == 56 * 2 * 2 * 3
    for subject, allowed in exports:
        assert re.search(r"\.peer-([a-z]{2})-", subject).group(1) == allowed.removeprefix("PEER_")


def test_what_a_live_peer_pulls_does_not_exist_on_an_exercise_node() -> None:
    assert "LIVE" not in render(dataclasses.replace(TWO, streams=("EXERCISE",)))


@pytest.mark.parametrize("line", ["sync_interval: always", "handshake_first: true", 'min_version: "1.2"'])
def test_it_says(line: str) -> None:
    assert f"  {line}\n" in render(TWO)


def test_no_http_monitoring_and_no_password() -> None:
    text = render(TWO)
    assert not re.search(r"http|password|token", text)


def test_a_line_break_cannot_bring_in_a_setting() -> None:
    with pytest.raises(ValueError, match="not a value"):
        render(dataclasses.replace(TWO, directory=Path("/srv/x\nhttp: 8222")))
