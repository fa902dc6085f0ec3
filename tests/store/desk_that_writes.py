"""Run as a program: a desk that releases bulletins from several threads until it is ended, and keeps a list of what was acknowledged.

Arguments: the database (made when it is not there), the list (on another disk), and `careless` for a control that lets SQLite
answer before anything is on disk.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import sqlite3
import sys
import threading
from pathlib import Path

from hub.desk import people as desk_people
from hub.errors import StoreError
from hub.rules.authority import Role
from hub.store import connection, database, people
from hub.store.database import Database
from hub.store.upgrade import upgrade
from tests.desk.house import LONG_AGO, Desk, office_of
from tests.journeys.promises import Promises

WRITERS = 4
_ROLES = {
    "operator": Role.OPERATOR,
    "analyst": Role.ANALYST,
    "other": Role.ANALYST,
    "supervisor": Role.SUPERVISOR,
    "director": Role.DIRECTOR,
}


def at_home(opened: Database, place: str = "tx") -> Desk:
    """The desk with the people that it had, or with new ones."""
    office = dataclasses.replace(office_of(place), entropy=os.urandom)
    found = {handle: opened.read_sync(people.by_handle, handle) for handle in _ROLES}
    if found["operator"] is None:
        first = opened.write_sync(
            desk_people.first_person, office, LONG_AGO, "operator", "The operator", [Role.OPERATOR]
        )
        found["operator"] = first
    for handle, role in _ROLES.items():
        if found[handle] is None:
            found[handle] = opened.write_sync(
                desk_people.add_person, office, found["operator"], LONG_AGO, handle, handle.title(), [role]
            )
    return Desk(database=opened, office=office, **found)


def release_for_ever(desk: Desk, promises: Promises) -> None:
    with contextlib.suppress(StoreError, OSError):
        while True:
            done = desk.publish()
            promises.keep(f"{done.product_id} {done.version} {done.hash}")


def careless(path: Path, *, query_only: bool) -> sqlite3.Connection:
    """What the store must not do: answer before the disk has it."""
    opened = connection.connect(path, query_only=query_only)
    opened.execute("PRAGMA synchronous=OFF")
    return opened


def main(path: Path, kept: Path, manner: str) -> None:
    upgrade(path)
    if manner == "careless":
        database.connect = careless
    with Database.open(path) as opened, Promises(kept) as promises:
        desk = at_home(opened)
        writers = [threading.Thread(target=release_for_ever, args=(desk, promises)) for _ in range(WRITERS)]
        for writer in writers:
            writer.start()
        for writer in writers:
            writer.join()


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3])
