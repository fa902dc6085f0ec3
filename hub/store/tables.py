"""Every table of a node's database (DESIGN section 2).

`info["kind"]` says who may write a table: `said` tables change only through a verb of the desk, with a journal entry in the
same transaction (house law 2); `machinery` tables hold the node's own state and have none. Columns are integer, real, text and bytes:
no type processor stands between. Times are text in the spelling of `schemas.times` (they sort), lists and structs are JSON.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

SAID = {"kind": "said"}
MACHINERY = {"kind": "machinery"}

metadata = sa.MetaData(
    naming_convention={"ix": "ix_%(table_name)s_%(column_0_N_name)s", "uq": "uq_%(table_name)s_%(column_0_N_name)s"}
)


def _key(name: str, kind: type[sa.types.TypeEngine[Any]] = sa.Text) -> sa.Column[Any]:
    return sa.Column(name, kind, primary_key=True, nullable=False)


def _text(name: str, *, null: bool = False, default: str | None = None) -> sa.Column[Any]:
    return sa.Column(name, sa.Text, nullable=null, server_default=None if default is None else sa.text(f"'{default}'"))


def _integer(name: str, *, null: bool = False, default: int | None = None) -> sa.Column[Any]:
    return sa.Column(name, sa.Integer, nullable=null, server_default=None if default is None else sa.text(str(default)))


def _bytes(name: str, *, null: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.LargeBinary, nullable=null)


def _table(name: str, *columns: Any, info: dict[str, str], rowid: bool = True) -> sa.Table:
    return sa.Table(name, metadata, *columns, info=info, sqlite_strict=True, sqlite_with_rowid=rowid)


# ------------------------------------------------------------------------------------------- bulletins
drafts = _table(
    "drafts",
    _key("id"),
    _text("stage"),
    _integer("version"),  # of the row: a verb carries the one it saw
    _text("mode"),
    _text("origin"),
    _text("product_id", null=True),
    _integer("base_version", default=0),  # the released version that this one follows
    _bytes("bundle"),
    _text("content_hash"),
    _text("audience"),  # places, sorted; empty = all. The names never travel
    _text("audience_salt"),
    _text("authors"),
    _text("approvals"),
    _text("advisory_id", null=True),
    _text("created_at"),
    _text("created_by"),
    _text("updated_at"),
    sa.Index(None, "stage", "updated_at"),
    sa.Index(None, "product_id"),
    info=SAID,
)

revisions = _table(
    "revisions",
    _key("seq", sa.Integer),
    _integer("position"),  # order of showing: rises again when a product is withdrawn
    _text("mode"),
    _text("origin"),
    _integer("own"),
    _text("peer", null=True),  # who handed it over
    _text("product_id"),
    _text("report_id"),
    _integer("version"),
    _bytes("hash"),
    _bytes("payload", null=True),  # null once erased
    _text("copies"),  # the audience tokens that it came or went on
    _text("subject"),  # of the first copy; empty when nothing travelled
    _text("key"),
    _text("signature"),
    _text("stage"),
    _text("taken", null=True),  # the kind of tombstone that lies on it
    _text("reason", null=True),
    _text("replaced_by", null=True),
    _integer("current"),  # the one version of its product that is shown
    _integer("readable"),
    _integer("waiting", default=0),  # the peer's lane is catching up
    _text("desk_only", null=True),  # why nobody outside the desk may see it
    _text("reach"),  # the widest reader, computed by rules at release: SQL narrows by it
    _text("tlp"),
    _text("topic"),  # may be a word of a later list, and so may the record class
    _text("severity"),
    _integer("severity_rank"),
    _text("lane"),
    _text("audience"),
    _text("recipients"),
    _text("caveats"),
    _text("record_class"),
    _text("released_at"),
    _text("stored_at"),
    _text("updated_at"),
    _text("expires"),
    sa.UniqueConstraint("product_id", "version"),  # the id spells mode and origin
    sa.Index(None, "position", unique=True),
    sa.Index("ix_revisions_listing", "mode", "reach", "current", "position"),
    sa.Index(
        "ix_revisions_open",
        "mode",
        "reach",
        "current",
        "position",
        sqlite_where=sa.text("current = 1 and stage != 'expired'"),
    ),
    sa.Index("ix_revisions_report", "report_id"),
    sa.Index("ix_revisions_due", "expires", sqlite_where=sa.text("stage = 'released' and current = 1")),
    sa.Index("ix_revisions_waiting", "peer", "lane", sqlite_where=sa.text("waiting = 1")),
    info=SAID,
)

terms = _table(  # what lists are narrowed by: area:48453, state:TX, area:*, lang:es
    "terms",
    _key("term"),
    _key("seq", sa.Integer),
    info=SAID,
    rowid=False,
)

tombstones = _table(
    "tombstones",
    _key("id", sa.Integer),
    _text("mode"),
    _text("origin"),
    _integer("own"),
    _text("peer", null=True),
    _text("addressee"),  # all | to-<peer> | g-<owner>-<name>
    _integer("serial"),
    _text("product_id"),
    _text("report_id"),
    _integer("version"),
    _text("kind"),
    _text("reason"),
    _text("replaced_by", null=True),
    _bytes("hash"),
    _bytes("payload"),
    _text("subject"),
    _text("key"),
    _text("signature"),
    _text("issued"),
    _text("stored_at"),
    sa.UniqueConstraint("mode", "origin", "addressee", "serial"),
    sa.Index("ix_tombstones_product", "mode", "origin", "product_id"),
    info=SAID,
)

holders = _table(
    "holders",
    _key("mode"),
    _key("product_id"),
    _key("audience"),  # of the copy: all | to-<peer>
    _key("place"),  # a peer, or * for what travelled on `all`
    _integer("version"),  # the newest that it may have
    _integer("held"),  # 0 once it was recalled
    info=SAID,
    rowid=False,
)

outbox = _table(
    "outbox",
    _key("id", sa.Integer),
    _text("mode"),
    _text("kind"),
    _text("product_id"),
    _integer("version"),
    _text("addressee"),
    _text("subject"),
    _bytes("hash"),
    _text("key"),
    _text("signature"),
    _integer("revision", null=True),
    _integer("tombstone", null=True),
    _text("state"),  # pending | sent | superseded | deleted | cancelled
    _text("msg_id"),
    _integer("epoch", null=True),
    _integer("sequence", null=True),
    _integer("refills", default=0),
    _integer("attempts", default=0),
    _text("error", null=True),
    _text("created_at"),
    _text("sent_at", null=True),
    sa.Index("ix_outbox_pending", "id", sqlite_where=sa.text("state = 'pending'")),
    sa.Index("ix_outbox_superseded", "id", sqlite_where=sa.text("state = 'superseded'")),
    sa.Index("ix_outbox_product", "product_id", "kind"),
    info=SAID,
)

# --------------------------------------------------------------------------------------------- journal
journal = _table(
    "journal",
    _key("n", sa.Integer),
    _integer("epoch"),
    _integer("sequence"),
    _text("at"),
    _text("actor"),
    _text("verb"),
    _text("object"),
    _integer("version"),
    _bytes("commitment"),
    _bytes("prev"),
    _bytes("hash"),
    sa.UniqueConstraint("epoch", "sequence"),
    sa.Index("ix_journal_object", "object"),
    info=SAID,
)

details = _table(  # what a salted commitment covers; may be erased while the chain still verifies
    "details",
    _key("entry", sa.Integer),
    _bytes("salt"),
    _bytes("body"),
    info=SAID,
)

heads = _table(
    "heads",
    _key("epoch", sa.Integer),
    _key("sequence", sa.Integer),
    _bytes("hash"),
    _text("key"),
    _text("signature"),
    _text("at"),
    info=SAID,
    rowid=False,
)

# ----------------------------------------------------------------------------------------------- queue
advisories = _table(
    "advisories",
    _key("id"),
    _integer("arrival"),
    _text("source"),
    _text("key"),
    _text("revision"),
    _text("action"),
    _text("status"),
    _text("state"),  # open | adopted | set-aside | cancelled
    _integer("changed", default=0),  # the source changed it after somebody decided
    _text("fold"),
    _text("headline"),
    _text("severity"),
    _integer("severity_rank"),
    _text("first_at"),
    _text("updated_at"),
    _text("draft_id", null=True),
    _text("decided_by", null=True),
    _text("reason", null=True),
    _text("kind", default=""),  # what happens, in its source's short words: "High Wind Warning"
    _text("why", default=""),  # why it stands where it stands in the queue, in words
    _text("expires_at", null=True),
    _bytes("body"),  # last: what the queue counts by is read without it
    sa.UniqueConstraint("source", "key"),
    sa.Index("ix_advisories_fold", "fold", "arrival", sqlite_where=sa.text("state = 'open' or changed = 1")),
    sa.Index("ix_advisories_due", "expires_at", sqlite_where=sa.text("state = 'open' and expires_at is not null")),
    sa.Index("ix_advisories_known", "source", "state", "updated_at", "key", "revision"),
    info=SAID,
)

# ------------------------------------------------------------------------------------- who may and who is
peers = _table(
    "peers",
    _key("place"),
    _text("state"),  # active | revoked
    _integer("serial"),
    _bytes("entry"),
    _bytes("agreement", null=True),
    _text("reconciled", null=True),  # what the holders were last compared with
    _text("accepted_at"),
    _text("accepted_by"),
    _text("updated_at"),
    info=SAID,
)

people = _table(
    "people",
    _key("id"),
    _text("handle"),
    _text("name"),
    _text("roles"),
    _integer("active"),
    _text("created_at"),
    _text("created_by", null=True),
    sa.UniqueConstraint("handle"),
    info=SAID,
)

tokens = _table(
    "tokens",
    _key("hash"),
    _text("person"),
    _text("label"),
    _text("created_at"),
    _text("created_by"),
    _text("expires", null=True),
    _text("revoked_at", null=True),
    sa.Index(None, "person"),
    info=SAID,
)

feed_tokens = _table(
    "feed_tokens",
    _key("hash"),
    _text("place"),
    _text("ceiling"),
    _text("label"),
    _text("created_at"),
    _text("created_by"),
    _text("revoked_at", null=True),
    info=SAID,
)

# ------------------------------------------------------------------------------------------- machinery
quarantine = _table(
    "quarantine",
    _key("id", sa.Integer),
    _text("peer"),
    _text("subject"),
    _bytes("hash"),
    _bytes("payload", null=True),  # null beyond the peer's room
    _text("key"),
    _text("signature"),
    _text("code"),
    _text("reason"),
    _text("product_id", null=True),  # what its payload names, where it names one
    _integer("times"),
    _text("first_at"),
    _text("last_at"),
    sa.UniqueConstraint("peer", "subject", "hash", "code"),
    sa.Index("ix_quarantine_product", "product_id", sqlite_where=sa.text("payload is not null")),
    info=MACHINERY,
)

lanes = _table(
    "lanes",
    _key("peer"),
    _key("lane"),
    _integer("held"),
    _text("changed_at"),
    info=MACHINERY,
    rowid=False,
)

usage = _table(
    "usage",
    _key("peer"),
    _key("day"),
    _integer("messages"),
    _integer("bytes"),
    info=MACHINERY,
    rowid=False,
)

counters = _table("counters", _key("name"), _integer("value"), info=MACHINERY, rowid=False)

streams = _table(
    "streams",
    _key("name"),
    _integer("epoch"),
    _text("identity"),
    _integer("sequence"),
    _text("data", default="{}"),
    info=MACHINERY,
    rowid=False,
)

fragments = _table(
    "fragments",
    _key("seq", sa.Integer),
    _key("kind"),
    _bytes("body"),
    info=MACHINERY,
    rowid=False,
)

sources = _table("sources", _key("name"), _bytes("data"), _text("updated_at"), info=MACHINERY, rowid=False)

idempotency = _table(
    "idempotency",
    _key("person"),
    _key("key"),
    _bytes("request"),
    _integer("status"),
    _bytes("body"),
    _text("expires"),
    sa.Index(None, "expires"),
    info=MACHINERY,
    rowid=False,
)
