"""`hub backup` and `hub restore`: whole while the node writes, refused when it was touched, never over a node."""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import shutil
import sqlite3
import threading
from pathlib import Path

import pytest

from hub.cli import backup as backup_command
from hub.cli import restore as restore_command
from hub.cli import verify as verify_command
from hub.cli.founding import Founding, Seat, found, seat
from hub.desk.people import issue_feed_token
from hub.errors import Conflict, HubError, SettingsError, StoreError
from hub.node import office_of
from hub.rules.authority import Role
from hub.settings import load
from hub.store import people
from hub.store.database import Database
from hub.store.lock import NodeLock
from hub.store.schema import head
from schemas.vocabulary import Tlp

NOW = dt.datetime(2026, 11, 23, 15, 0, tzinfo=dt.UTC)


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A founded node with a policy, ports and an operator."""
    directory = tmp_path_factory.mktemp("founded") / "tx"
    found(directory, Founding(state="TX", exercise=True), NOW)
    seat(directory, [Seat("operator", "First operator", Role.OPERATOR)], NOW)
    (directory / "policy.toml").write_text("", encoding="utf-8")
    return directory


@pytest.fixture
def made(node: Path, tmp_path: Path) -> Path:
    """A backup of it."""
    assert backup_command.backup(tmp_path / "backup", config=node / "hub.toml") == 0
    return tmp_path / "backup"


def whole(directory: Path) -> bool:
    return verify_command.verify(config=directory / "hub.toml", as_json=True) == 0


def test_it_holds_what_a_node_needs_and_not_its_root_key(node: Path, made: Path):
    names = {str(path.relative_to(made)) for path in made.rglob("*") if path.is_file()}
    assert names == {
        "hub.db", "hub.toml", "policy.toml", "keys/sign.nk", "keys/connect.nk", "keys/hub.nk", "tls/cert.pem", "tls/key.pem",
        "nats/ports.json", "manifest.json",
    }  # fmt: skip
    assert (node / "keys" / "root.nk").exists()
    assert {path.stat().st_mode & 0o777 for path in made.rglob("*") if path.is_file()} == {0o600}
    assert {path.stat().st_mode & 0o777 for path in (made, *made.rglob("*")) if path.is_dir()} == {0o700}


def test_its_manifest_names_each_file_with_its_hash(made: Path):
    manifest = backup_command.read_manifest(made)
    assert manifest.state == "tx"
    assert manifest.journal.schema == head()
    for name, said in manifest.files.items():
        assert backup_command.kept(made / name) == said


def test_a_folder_that_holds_anything_is_refused(node: Path, made: Path):
    with pytest.raises(Conflict) as refused:
        backup_command.backup(made, config=node / "hub.toml")
    assert refused.value.code == "not-empty"


def test_the_restored_node_is_the_same_one_held_in_a_new_epoch(node: Path, made: Path, tmp_path: Path, capsys):
    again = tmp_path / "again"
    assert restore_command.restore(made, into=again, state="TX", as_json=True) == 0
    told = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (told["held"], told["epoch"], told["waits"]) == (True, 2, ["own"])
    for name in ("hub.toml", "policy.toml", "keys/sign.nk", "tls/cert.pem", "nats/ports.json"):
        assert (again / name).read_bytes() == (node / name).read_bytes()
        assert int((again / name).stat().st_mtime) == int((node / name).stat().st_mtime)
    assert whole(again)


def test_under_writes_the_copy_is_of_one_moment(node: Path, tmp_path: Path):
    """A file of many pages, copied by another connection while verbs commit: what is read in one go must fit together."""
    busy = tmp_path / "busy"
    shutil.copytree(node, busy)
    settings, stop = load(busy / "hub.toml"), threading.Event()
    with contextlib.closing(Database.open(settings.database)) as database, NodeLock(busy):
        office, actor = office_of(settings), database.read_sync(people.by_handle, "operator")
        assert actor is not None
        counted = [0]

        def write(label: str) -> None:
            database.write_sync(issue_feed_token, office, actor, NOW, "tx", Tlp.GREEN, label)
            counted[0] += 1

        for number in range(2_000):
            write(f"before {number}")
        writer = threading.Thread(target=lambda: [write("while") for _ in iter(stop.is_set, True)])
        writer.start()
        at_the_start = counted[0]
        try:
            assert backup_command.backup(tmp_path / "copy", config=busy / "hub.toml") == 0
        finally:
            stop.set()
            writer.join()
        assert counted[0] > at_the_start
    assert restore_command.restore(tmp_path / "copy", into=tmp_path / "again") == 0
    assert whole(tmp_path / "again")


def test_a_step_at_a_time_the_moment_does_not_move(node: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(backup_command.store, "PAGES", 1)
    settings = load(node / "hub.toml")
    with contextlib.closing(Database.open(settings.database)) as database:
        office, actor = office_of(settings), database.read_sync(people.by_handle, "operator")
        assert actor is not None
        steps = []

        def told(done: int, pages: int) -> None:
            steps.append((done, pages))
            if len(steps) % 10 == 1:
                database.write_sync(issue_feed_token, office, actor, NOW, "tx", Tlp.GREEN, "between two steps")

        before = database.read_sync(backup_command.store.chain.head)
        copied = backup_command.store.copy(settings.database, tmp_path / "copy.db", told)
    assert len(steps) > 20
    assert {pages for _, pages in steps} == {steps[0][1]}
    assert (copied.entries, copied.head) == (before.n, before.hash.hex())


@pytest.mark.parametrize(
    "name", ["hub.db", "hub.toml", "policy.toml", "keys/sign.nk", "tls/key.pem", "nats/ports.json"]
)
def test_a_file_that_was_touched_is_named(made: Path, tmp_path: Path, name: str):
    path = made / name
    raw = bytearray(path.read_bytes()) or bytearray(b" ")
    raw[len(raw) // 2] ^= 1
    path.write_bytes(raw)
    with pytest.raises(SettingsError, match=name) as refused:
        restore_command.restore(made, into=tmp_path / "again")
    assert refused.value.code == "tampered"
    assert not (tmp_path / "again").exists()


def test_a_file_that_is_gone_is_named(made: Path, tmp_path: Path):
    (made / "tls" / "key.pem").unlink()
    with pytest.raises(SettingsError, match=r"tls/key\.pem"):
        restore_command.restore(made, into=tmp_path / "again")


@pytest.mark.parametrize("name", ["../outside", "/etc/passwd", "keys/../../outside", "./hub.toml"])
def test_hostile_manifests_reach_no_other_place(made: Path, tmp_path: Path, name: str):
    manifest = json.loads((made / "manifest.json").read_text(encoding="utf-8"))
    manifest["files"][name] = manifest["files"]["hub.toml"]
    (made / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    with pytest.raises(SettingsError, match="no place"):
        restore_command.restore(made, into=tmp_path / "again")


@pytest.mark.parametrize("said", ["", "[]", "{}", '{"format": 2}', '{"format": 1, "more": 1}', "\x00"])
def test_a_manifest_that_is_none_is_refused(made: Path, tmp_path: Path, said: str):
    (made / "manifest.json").write_text(said, encoding="utf-8")
    with pytest.raises(SettingsError, match=r"manifest\.json"):
        restore_command.restore(made, into=tmp_path / "again")


def test_a_database_that_was_exchanged_with_its_hash_is_refused_by_its_journal(made: Path, tmp_path: Path):
    with contextlib.closing(sqlite3.connect(made / "hub.db")) as connection, connection:
        connection.execute("DELETE FROM journal WHERE n = (SELECT max(n) FROM journal)")
    manifest = json.loads((made / "manifest.json").read_text(encoding="utf-8"))
    changed = backup_command.kept(made / "hub.db")
    manifest["files"]["hub.db"] |= {"sha256": changed.sha256, "size": changed.size}
    (made / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    with pytest.raises(SettingsError, match="journal does not end"):
        restore_command.restore(made, into=tmp_path / "again")


def test_the_backup_of_another_state_is_refused(made: Path, tmp_path: Path):
    with pytest.raises(Conflict) as refused:
        restore_command.restore(made, into=tmp_path / "again", state="OH")
    assert refused.value.code == "other-state"


def test_a_running_node_s_folder_is_refused(node: Path, made: Path):
    with NodeLock(node), pytest.raises(StoreError) as refused:
        restore_command.restore(made, into=node)
    assert refused.value.code == "locked"


def test_a_stopped_node_s_folder_is_refused(node: Path, made: Path):
    before = {path: path.read_bytes() for path in node.rglob("*") if path.is_file() and path.name != "lock"}
    with pytest.raises(Conflict) as refused:
        restore_command.restore(made, into=node)
    assert refused.value.code == "not-empty"
    assert {path: path.read_bytes() for path in node.rglob("*") if path.is_file() and path.name != "lock"} == before


def test_the_surviving_nats_folder_may_lie_there_and_keeps_its_port(made: Path, tmp_path: Path):
    again = tmp_path / "again"
    (again / "nats" / "jetstream").mkdir(parents=True)
    (again / "nats" / "ports.json").write_text('{"client": 4999}\n', encoding="ascii")
    assert restore_command.restore(made, into=again) == 0
    assert json.loads((again / "nats" / "ports.json").read_text(encoding="ascii")) == {"client": 4999}


def test_a_folder_without_a_node_cannot_be_backed_up(tmp_path: Path):
    with pytest.raises(HubError):
        backup_command.backup(tmp_path / "backup", config=tmp_path / "hub.toml")


def test_what_is_told_in_json_is_the_manifest(node: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert backup_command.backup(tmp_path / "backup", config=node / "hub.toml", as_json=True) == 0
    told = json.loads(capsys.readouterr().out)
    assert told.pop("directory") == str(tmp_path / "backup")
    assert told == json.loads((tmp_path / "backup" / "manifest.json").read_text(encoding="utf-8"))


def test_keys_of_another_node_are_refused_before_anything_is_placed(node: Path, made: Path, tmp_path: Path):
    manifest = json.loads((made / "manifest.json").read_text(encoding="utf-8"))
    manifest["public"] = "A" * 56
    (made / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    with pytest.raises(Conflict) as refused:
        restore_command.restore(made, into=tmp_path / "again")
    assert refused.value.code == "other-state"
    assert not (tmp_path / "again").exists()


def test_a_restore_that_breaks_off_leaves_no_node_that_runs(
    made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    def broken(*_: object) -> None:
        raise StoreError("The disk is full.")

    monkeypatch.setattr(restore_command, "upgrade", broken)
    with pytest.raises(StoreError):
        restore_command.restore(made, into=tmp_path / "again")
    assert not (tmp_path / "again" / "hub.db").exists()


OFFER = b'{"offer":1,"from":"oh","to":"tx","mode":"exercise"}\n'


@pytest.mark.parametrize(
    ("said", "words"),
    [
        (b"", "no offer"),
        (OFFER, "cut off"),
        (OFFER + b'{"end":1}\n', "says 1"),
        (OFFER.replace(b'"tx"', b'"va"') + b'{"end":0}\n', "is for VA"),
        (OFFER.replace(b"exercise", b"live") + b'{"end":0}\n', r"\(live\)"),
        (OFFER + b'{"subject":"x","payload":"!","key":"","signature":""}\n{"end":1}\n', "no offer"),
        (OFFER + b'{"subject":"' + b"x" * 600_000, "no offer"),
    ],
)
def test_hostile_offers_are_refused_before_anything_is_placed(made: Path, tmp_path: Path, said: bytes, words: str):
    (tmp_path / "offer").write_bytes(said)
    with pytest.raises(SettingsError, match=words):
        restore_command.restore(made, into=tmp_path / "again", from_peers=[tmp_path / "offer"])
    assert not (tmp_path / "again").exists()


def test_an_offer_may_come_later_and_only_to_who_waits(node: Path, made: Path, tmp_path: Path, capsys):
    (tmp_path / "offer").write_bytes(OFFER + b'{"end":0}\n')
    again = tmp_path / "again"
    assert restore_command.restore(made, into=again) == 0
    capsys.readouterr()
    assert restore_command.take([tmp_path / "offer"], config=again / "hub.toml", as_json=True) == 0
    assert json.loads(capsys.readouterr().out) == [{"peer": "oh", "ours": 0, "theirs": 0, "refused": 0}]
    with pytest.raises(Conflict) as refused:
        restore_command.take([tmp_path / "offer"], config=node / "hub.toml")
    assert refused.value.code == "not-held"
