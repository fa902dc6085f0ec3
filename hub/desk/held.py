"""A restored node says nothing new before it knows again what it said (DESIGN section 3, FORMAT "Journal")."""

from __future__ import annotations

from hub.errors import Conflict
from hub.store import restoring
from hub.store.tx import Tx

WORDS = (
    "This node was restored from a backup and is held: nothing is released, withdrawn or agreed before it has read again what"
    " it said since. A director can end that with a reason: hub restore override --reason TEXT"
)


def refuse_held(tx: Tx) -> None:
    """Conflict "held" while the node does not know its own highest ids, versions, tombstones and serials."""
    if restoring.held(tx):
        raise Conflict(WORDS, code="held")
