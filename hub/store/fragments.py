"""One revision as it stands in a feed, rendered once (DESIGN section 3, step 6). Machinery: made again when missing."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec
import sqlalchemy as sa
from sqlalchemy.dialects.sqlite import insert

from hub.store.statement import each_of, statement
from hub.store.tables import fragments
from hub.store.tx import Tx

_new = insert(fragments)
_KEEP = statement(_new.on_conflict_do_update(index_elements=["seq", "kind"], set_={"body": _new.excluded.body}))
_SOME = statement(
    sa.select(fragments.c.seq, fragments.c.body).where(
        fragments.c.kind == sa.bindparam("kind"), fragments.c.seq.in_(each_of("seqs"))
    )
)
_DROP = statement(sa.delete(fragments).where(fragments.c.seq == sa.bindparam("which")))
_CLEAR = statement(sa.delete(fragments))


def keep(tx: Tx, kind: str, bodies: Iterable[tuple[int, bytes]]) -> None:
    """Keep rendered fragments of one kind, as (revision seq, bytes)."""
    tx.many(_KEEP, ({"seq": seq, "kind": kind, "body": body} for seq, body in bodies))


def some(tx: Tx, kind: str, seqs: Iterable[int]) -> dict[int, bytes]:
    """Those of these revisions that were rendered as this kind."""
    listed = msgspec.json.encode(list(seqs)).decode()
    return {row[0]: row[1] for row in tx.all(_SOME, kind=kind, seqs=listed)}


def drop(tx: Tx, seq: int) -> None:
    """Forget every rendering of one revision: it changed, or was taken away."""
    tx.run(_DROP, which=seq)


def clear(tx: Tx) -> None:
    """Forget them all: the renderer changed."""
    tx.run(_CLEAR)
