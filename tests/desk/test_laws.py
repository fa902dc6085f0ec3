"""House law 2: what changes what is said, who may have it or who may decide has an entry in the same transaction."""

from __future__ import annotations

import contextlib
import sqlite3

import pytest

from hub.desk import adopt, clock, compose, people, publish, sign_in, vet, withdraw
from hub.desk import peers as desk_peers
from hub.desk.enqueue import enqueue
from hub.desk.receive import hold, open_lane, receive
from hub.errors import HubError
from hub.rules.authority import Role
from hub.store import outbox
from hub.store.tables import metadata
from schemas.vocabulary import Lane, Reason, Tlp
from tests.desk.house import DAY, NOW, agreement_for, content, entry_of
from tests.desk.test_queue import SOURCE, said

SAID = [table.name for table in metadata.sorted_tables if table.info["kind"] == "said"]
# A draft's words may stand in its own row and nowhere else; what lies beside an entry holds reasons and names, no words.
WORDS = b"CANARY-7f3a"


def dump(path):
    """Everything that is said, as it stands for another process."""
    with contextlib.closing(sqlite3.connect(path)) as connection:
        return {name: connection.execute(f"SELECT * FROM {name}").fetchall() for name in SAID}  # noqa: S608 - ours


class Watched:
    """Runs each verb and holds it against the law."""

    def __init__(self, desk):
        self.desk = desk

    def __call__(self, verb, *args, **kwargs):
        before = dump(self.desk.database.path)
        try:
            answer = self.desk.write(verb, *args, **kwargs)
        except HubError:
            assert dump(self.desk.database.path) == before, f"{verb.__name__} was refused and wrote"
            raise
        after = dump(self.desk.database.path)
        changed = {name for name in SAID if after[name] != before[name]}
        if changed - {"heads"}:
            assert "journal" in changed, f"{verb.__name__} changed {changed} without an entry"
        return answer


def test_every_verb_of_the_desk(tx, ok):
    do = Watched(tx)
    do(desk_peers.accept_peer, tx.operator, NOW, entry_of("ok"))
    do(desk_peers.agree, tx.operator, NOW, agreement_for("ok"))
    ok.befriend("tx")
    person = do(people.add_person, tx.operator, NOW, "new", "New", [Role.ANALYST])
    do(people.issue_token, tx.operator, NOW, person, "laptop")
    do(people.issue_feed_token, tx.operator, NOW, "tx", Tlp.GREEN, "Austin ISD")
    code = do(sign_in.invite, tx.operator, NOW, person.id)
    do(sign_in.enrol, NOW, code, "$argon2id$")
    do(sign_in.change_password, person, NOW, "$argon2id$", "$argon2id$2")
    with pytest.raises(HubError):
        do(sign_in.enrol, NOW, code, "$argon2id$")
    do(people.change_person, tx.operator, NOW, person.id, roles=[Role.PRIVACY])

    draft = do(compose.compose, tx.analyst, NOW, content())
    draft = do(compose.edit, tx.other, NOW, draft.id, draft.version, content(text="Other"))
    draft = do(vet.submit, tx.analyst, NOW, draft.id, draft.version)
    draft = do(vet.send_back, tx.supervisor, NOW, draft.id, draft.version, "Who?")
    draft = do(vet.submit, tx.analyst, NOW, draft.id, draft.version)
    draft = do(vet.approve, tx.supervisor, NOW, draft.id, draft.version)
    with pytest.raises(HubError):
        do(publish.publish, tx.analyst, NOW, draft.id, draft.version)
    release = do(publish.publish, tx.supervisor, NOW, draft.id, draft.version)
    update = tx.approved(do(compose.update, tx.analyst, NOW, release.product_id, content(tlp=Tlp.AMBER)))
    do(publish.publish, tx.supervisor, NOW, update.id, update.version)
    do(desk_peers.agree, tx.operator, NOW, agreement_for("ok", ceiling=Tlp.GREEN))
    do(withdraw.withdraw, tx.supervisor, NOW, release.product_id, Reason.ERROR)
    tx.publish()
    do(clock.tick, NOW + 8 * DAY)

    do(enqueue, NOW, SOURCE, [said("A"), said("B")])
    do(enqueue, NOW, SOURCE, [said("A"), said("B")])
    (a, b) = [row[0] for row in dump(tx.database.path)["advisories"]]
    do(adopt.adopt, tx.analyst, NOW, a)
    do(adopt.set_aside, tx.analyst, NOW, b, "No.")

    ok.publish()
    do(hold, NOW, "ok")
    do(receive, NOW, "ok", ok.arrivals("tx"))
    do(receive, NOW, "ok", ok.arrivals("tx"))
    ok.write(withdraw.withdraw, ok.supervisor, NOW, "OK-2026-0001", Reason.ERROR)
    do(receive, NOW, "ok", ok.arrivals("tx"))
    do(desk_peers.revoke_peer, tx.operator, NOW, "ok", "Enough.")


def test_opening_a_lane_says_nothing_new(tx, ok):
    """What waited was journalled when it came; that a lane caught up is the machinery's business."""
    tx.befriend("ok")
    ok.befriend("tx")
    tx.publish()
    ok.write(hold, NOW, "tx")
    ok.write(receive, NOW, "tx", tx.arrivals("ok"))
    ok.write(open_lane, NOW, "tx", Lane.ROUTINE)


def test_a_draft_is_nowhere_but_in_its_own_row(tx):
    tx.befriend("ok")
    words = WORDS.decode()
    draft = tx.compose(headline=words, text=words, basis=words)
    draft = tx.write(vet.submit, tx.analyst, NOW, draft.id, draft.version)
    draft = tx.write(vet.approve, tx.supervisor, NOW, draft.id, draft.version)
    assert tx.outgoing() == []
    with contextlib.closing(sqlite3.connect(tx.database.path)) as connection:
        for table in metadata.sorted_tables:
            if table.name == "drafts":
                continue
            for row in connection.execute(f"SELECT * FROM {table.name}"):  # noqa: S608 - ours
                for cell in row:
                    raw = cell if isinstance(cell, bytes) else str(cell).encode()
                    assert WORDS not in raw, table.name


def test_a_writer_that_dies_late_leaves_nothing(tx):
    tx.befriend("ok")
    draft = tx.approved(tx.compose())
    before = dump(tx.database.path)

    def dies(t, office):
        publish.publish(t, office, tx.supervisor, NOW, draft.id, draft.version)
        raise HubError("after everything")

    with pytest.raises(HubError):
        tx.write(dies)
    assert dump(tx.database.path) == before
    assert tx.read(outbox.waiting)[0] == 0
