"""Who holds which of our products, so that it can be recalled from whoever may have it no more (FORMAT "Tombstone, recall")."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec
import sqlalchemy as sa
from sqlalchemy.dialects.sqlite import insert

from hub.store.statement import statement
from hub.store.tables import holders as table
from hub.store.tx import Tx
from schemas.vocabulary import Mode

EVERYBODY = "*"  # in place of a peer: a version travelled on `all`


class Holder(msgspec.Struct, frozen=True):
    """A peer (or EVERYBODY) that was given a product, on one audience token.

    `version` is the newest that it got so; `held` whether it may still have it, or was told to give it up.
    """

    place: str
    audience: str
    version: int
    held: bool = True


_new = insert(table)
_GIVE = statement(
    _new.on_conflict_do_update(
        index_elements=["mode", "product_id", "audience", "place"],
        set_={name: _new.excluded[name] for name in ("version", "held")},
    )
)
_TAKE = statement(
    sa.update(table)
    .where(
        table.c.mode == sa.bindparam("in_mode"),
        table.c.product_id == sa.bindparam("product"),
        sa.or_(
            table.c.place == sa.bindparam("from_whom"),
            table.c.audience == sa.bindparam("from_whom"),
        ),
    )
    .values(held=0)
)
_OF_PRODUCT = statement(
    sa.select(table.c.place, table.c.audience, table.c.version, table.c.held)
    .where(table.c.mode == sa.bindparam("mode"), table.c.product_id == sa.bindparam("product_id"))
    .order_by(table.c.audience, table.c.place)
)


def give(tx: Tx, mode: Mode, product_id: str, given: Iterable[Holder]) -> None:
    """These hold the product now."""
    rows = [
        {
            "mode": mode.value,
            "product_id": product_id,
            "place": holder.place,
            "audience": holder.audience,
            "version": holder.version,
            "held": int(holder.held),
        }
        for holder in given
    ]
    if rows:
        tx.many(_GIVE, rows)


def take(tx: Tx, mode: Mode, product_id: str, from_whom: Iterable[str]) -> None:
    """It was recalled: from a peer (its place), or from everybody who had it on an audience (its token)."""
    for one in from_whom:
        tx.run(_TAKE, in_mode=mode.value, product=product_id, from_whom=one)


def of_product(tx: Tx, mode: Mode, product_id: str) -> list[Holder]:
    """Who holds a product, or held it."""
    rows = tx.all(_OF_PRODUCT, mode=mode.value, product_id=product_id)
    return [Holder(row[0], row[1], row[2], bool(row[3])) for row in rows]
