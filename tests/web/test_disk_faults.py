"""The disk fills up or fails under a running node: who asks is told in words, readers are served, nothing acknowledged is lost."""

from __future__ import annotations

import errno
from pathlib import Path

from hub.store import journal, revisions
from hub.store.database import Database
from tests.store.failing_disk import SYNC, fail
from tests.store.test_database_faults import no_more_pages, room_again
from tests.web.house import House, form

LONG = {"text": "A long report. " * 300}


async def test_a_full_disk_refuses_in_words_and_goes_on_when_there_is_room(house: House) -> None:
    released = await house.publish(headline="Released while there was room")
    await house.database.write(no_more_pages)
    for _ in range(50):  # what the file's last pages take is taken
        refused = await house.post("/api/v1/bulletins", "analyst", form(**LONG))
        if refused.status != 201:
            break
    assert (refused.status, refused.json()["code"]) == (503, "disk-full")
    assert "disk is full" in refused.json()["detail"]
    assert (await house.ask("GET", "/readyz")).status == 200
    assert "Released while there was room" in (await house.ask("GET", "/feeds/bulletins.rss")).text

    await house.database.write(room_again)
    assert (await house.post("/api/v1/bulletins", "analyst", form(**LONG))).status == 201
    assert (await house.ask("GET", f"/bulletins/{released}")).status == 200


async def test_after_a_failed_fsync_the_node_reads_and_writes_no_more_until_it_is_restarted(house: House) -> None:
    released = await house.publish(headline="Released before the disk failed")
    path = house.database.path
    await house.database.write(lambda tx: fail(SYNC, path.with_name(path.name + "-wal"), errno.EIO))
    for _ in range(2):
        refused = await house.post("/api/v1/bulletins", "analyst", form())
        assert (refused.status, refused.json()["code"]) == (503, "read-only")
        assert "until the node is restarted" in refused.json()["detail"]
    ready = await house.ask("GET", "/readyz")
    assert (ready.status, ready.json()["status"], ready.json()["checks"]["database"]) == (503, "unavailable", "down")
    assert (await house.ask("GET", "/healthz")).status == 200
    for address in ("/feeds/bulletins.rss", f"/bulletins/{released}"):
        shown = await house.ask("GET", address)
        assert shown.status == 200
        assert "Released before the disk failed" in shown.text
    house.database.close()
    restarted(path, released)


def restarted(path: Path, released: str) -> None:
    with Database.open(path) as again:
        assert again.read_sync(journal.verify) == []
        assert again.read_sync(revisions.current, released) is not None
        assert not again.read_only
