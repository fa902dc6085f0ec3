"""Run as a program: render the three feeds of a database and print their hashes, for the test of two processes."""

from __future__ import annotations

import asyncio
import hashlib
import json
import sys
from pathlib import Path

from hub.rules.release import Public
from hub.store.database import Database
from hub.web.feeds import FORMS, Wanted, render
from hub.web.query import Filter
from hub.web.shelf import Shelf
from tests.web.house import Clock, House, office


def main(path: Path) -> None:
    with Database.open(path) as database:
        node = House(database, office(), Clock()).parts()
        hashes = {}
        for form in FORMS:
            wanted = Wanted(form, Public(), node.mode, Filter(), "https://tx.example/feeds/bulletins")
            data, _ = asyncio.run(render(node, Shelf(node), wanted))
            hashes[form] = hashlib.sha256(data).hexdigest()
    sys.stdout.write(json.dumps(hashes))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
