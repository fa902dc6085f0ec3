"""Every table of a node's database (DESIGN section 2).

`info["kind"]` says who may write a table: `said` tables change only through a verb of the desk, with a journal entry in the
same transaction (house law 2); `machinery` tables hold the node's own state and have none. Columns are integer, real, text and bytes:
no type processor stands between. Times are text in the spelling of `schemas.times` (they sort), lists and structs are JSON.
"""

from __future__ import annotations

import sqlalchemy as sa

from hub.store.columns import MACHINERY, SAID, blob, integer, key, metadata, table, text

__all__ = ["MACHINERY", "SAID", "metadata"]  # with every table below

# ------------------------------------------------------------------------------------------- bulletins
drafts = table(
    "drafts",
    key("id"),
    text("stage"),
    integer("version"),  # of the row: a verb carries the one it saw
    text("mode"),
    text("origin"),
    text("product_id", null=True),
    integer("base_version", default=0),  # the released version that this one follows
    blob("bundle"),
    text("content_hash"),
    text("audience"),  # places, sorted; empty = all. The names never travel
    text("audience_salt"),
    text("authors"),
    text("approvals"),
    text("advisory_id", null=True),
    text("created_at"),
    text("created_by"),
    text("updated_at"),
    sa.Index(None, "stage", "updated_at"),
    sa.Index(None, "product_id"),
    info=SAID,
)

revisions = table(
    "revisions",
    key("seq", sa.Integer),
    integer("position"),  # order of showing: rises again when a product is withdrawn
    text("mode"),
    text("origin"),
    integer("own"),
    text("peer", null=True),  # who handed it over
    text("product_id"),
    text("report_id"),
    integer("version"),
    blob("hash"),
    blob("payload", null=True),  # null once erased
    text("copies"),  # the audience tokens that it came or went on
    text("subject"),  # of the first copy; empty when nothing travelled
    text("key"),
    text("signature"),
    text("stage"),
    text("taken", null=True),  # the kind of tombstone that lies on it
    text("reason", null=True),
    text("replaced_by", null=True),
    integer("current"),  # the one version of its product that is shown
    integer("readable"),
    integer("waiting", default=0),  # the peer's lane is catching up
    text("desk_only", null=True),  # why nobody outside the desk may see it
    text("reach"),  # the widest reader, computed by rules at release: SQL narrows by it
    text("tlp"),
    text("topic"),  # may be a word of a later list, and so may the record class
    text("severity"),
    integer("severity_rank"),
    text("lane"),
    text("audience"),
    text("recipients"),
    text("caveats"),
    text("record_class"),
    text("released_at"),
    text("stored_at"),
    text("updated_at"),
    text("expires"),
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

terms = table(  # what lists are narrowed by: area:48453, state:TX, area:*, lang:es
    "terms",
    key("term"),
    key("seq", sa.Integer),
    info=SAID,
    rowid=False,
)

tombstones = table(
    "tombstones",
    key("id", sa.Integer),
    text("mode"),
    text("origin"),
    integer("own"),
    text("peer", null=True),
    text("addressee"),  # all | to-<peer> | g-<owner>-<name>
    integer("serial"),
    text("product_id"),
    text("report_id"),
    integer("version"),
    text("kind"),
    text("reason"),
    text("replaced_by", null=True),
    blob("hash"),
    blob("payload"),
    text("subject"),
    text("key"),
    text("signature"),
    text("issued"),
    text("stored_at"),
    sa.UniqueConstraint("mode", "origin", "addressee", "serial"),
    sa.Index("ix_tombstones_product", "mode", "origin", "product_id"),
    info=SAID,
)

holders = table(
    "holders",
    key("mode"),
    key("product_id"),
    key("audience"),  # of the copy: all | to-<peer>
    key("place"),  # a peer, or * for what travelled on `all`
    integer("version"),  # the newest that it may have
    integer("held"),  # 0 once it was recalled
    info=SAID,
    rowid=False,
)

outbox = table(
    "outbox",
    key("id", sa.Integer),
    text("mode"),
    text("kind"),
    text("product_id"),
    integer("version"),
    text("addressee"),
    text("subject"),
    blob("hash"),
    text("key"),
    text("signature"),
    integer("revision", null=True),
    integer("tombstone", null=True),
    text("state"),  # pending | sent | superseded | deleted | cancelled
    text("msg_id"),
    integer("epoch", null=True),
    integer("sequence", null=True),
    integer("refills", default=0),
    integer("attempts", default=0),
    text("error", null=True),
    text("created_at"),
    text("sent_at", null=True),
    sa.Index("ix_outbox_pending", "id", sqlite_where=sa.text("state = 'pending'")),
    sa.Index("ix_outbox_superseded", "id", sqlite_where=sa.text("state = 'superseded'")),
    sa.Index("ix_outbox_product", "product_id", "kind"),
    info=SAID,
)

# --------------------------------------------------------------------------------------------- journal
journal = table(
    "journal",
    key("n", sa.Integer),
    integer("epoch"),
    integer("sequence"),
    text("at"),
    text("actor"),
    text("verb"),
    text("object"),
    integer("version"),
    blob("commitment"),
    blob("prev"),
    blob("hash"),
    sa.UniqueConstraint("epoch", "sequence"),
    sa.Index("ix_journal_object", "object"),
    info=SAID,
)

details = table(  # what a salted commitment covers; may be erased while the chain still verifies
    "details",
    key("entry", sa.Integer),
    blob("salt"),
    blob("body"),
    info=SAID,
)

heads = table(
    "heads",
    key("epoch", sa.Integer),
    key("sequence", sa.Integer),
    blob("hash"),
    text("key"),
    text("signature"),
    text("at"),
    info=SAID,
    rowid=False,
)

# ----------------------------------------------------------------------------------------------- queue
advisories = table(
    "advisories",
    key("id"),
    integer("arrival"),
    text("source"),
    text("key"),
    text("revision"),
    text("action"),
    text("status"),
    text("state"),  # open | adopted | set-aside | cancelled
    integer("changed", default=0),  # the source changed it after somebody decided
    text("fold"),
    text("headline"),
    text("severity"),
    integer("severity_rank"),
    text("first_at"),
    text("updated_at"),
    text("draft_id", null=True),
    text("decided_by", null=True),
    text("reason", null=True),
    text("kind", default=""),  # what happens, in its source's short words: "High Wind Warning"
    text("why", default=""),  # why it stands where it stands in the queue, in words
    text("expires_at", null=True),
    blob("body"),  # last: what the queue counts by is read without it
    sa.UniqueConstraint("source", "key"),
    sa.Index("ix_advisories_fold", "fold", "arrival", sqlite_where=sa.text("state = 'open' or changed = 1")),
    sa.Index("ix_advisories_due", "expires_at", sqlite_where=sa.text("state = 'open' and expires_at is not null")),
    sa.Index("ix_advisories_known", "source", "state", "updated_at", "key", "revision"),
    info=SAID,
)

# ------------------------------------------------------------------------------------- who may and who is
peers = table(
    "peers",
    key("place"),
    text("state"),  # active | revoked
    integer("serial"),
    blob("entry"),
    blob("agreement", null=True),
    text("reconciled", null=True),  # what the holders were last compared with
    text("accepted_at"),
    text("accepted_by"),
    text("updated_at"),
    info=SAID,
)

people = table(
    "people",
    key("id"),
    text("handle"),
    text("name"),
    text("roles"),
    integer("active"),
    text("created_at"),
    text("created_by", null=True),
    sa.UniqueConstraint("handle"),
    info=SAID,
)

tokens = table(
    "tokens",
    key("hash"),
    text("person"),
    text("label"),
    text("created_at"),
    text("created_by"),
    text("expires", null=True),
    text("revoked_at", null=True),
    sa.Index(None, "person"),
    info=SAID,
)

feed_tokens = table(
    "feed_tokens",
    key("hash"),
    text("place"),
    text("ceiling"),
    text("label"),
    text("created_at"),
    text("created_by"),
    text("revoked_at", null=True),
    info=SAID,
)

credentials = table(  # what a person alone can prove: today the argon2id hash of a password
    "credentials",
    key("person"),
    text("hash"),
    text("changed_at"),
    info=SAID,
)

enrolments = table(  # one-time links by which somebody chooses their own password
    "enrolments",
    key("hash"),
    text("person"),
    text("purpose"),  # first | reset
    text("created_at"),
    text("created_by"),
    text("expires"),
    text("used_at", null=True),  # also when a later link took its place
    sa.Index(None, "person"),
    info=SAID,
)

# ------------------------------------------------------------------------------------------- machinery
sessions = table(
    "sessions",
    key("hash"),  # of the cookie
    text("person"),
    text("label"),  # which kind of browser, in words
    text("created_at"),
    text("seen_at"),  # written every few minutes
    text("expires"),
    sa.Index(None, "person"),
    sa.Index(None, "expires"),
    info=MACHINERY,
)

quarantine = table(
    "quarantine",
    key("id", sa.Integer),
    text("peer"),
    text("subject"),
    blob("hash"),
    blob("payload", null=True),  # null beyond the peer's room
    text("key"),
    text("signature"),
    text("code"),
    text("reason"),
    text("product_id", null=True),  # what its payload names, where it names one
    integer("times"),
    text("first_at"),
    text("last_at"),
    sa.UniqueConstraint("peer", "subject", "hash", "code"),
    sa.Index("ix_quarantine_product", "product_id", sqlite_where=sa.text("payload is not null")),
    info=MACHINERY,
)

lanes = table(
    "lanes",
    key("peer"),
    key("lane"),
    integer("held"),
    text("changed_at"),
    info=MACHINERY,
    rowid=False,
)

usage = table(
    "usage",
    key("peer"),
    key("day"),
    integer("messages"),
    integer("bytes"),
    info=MACHINERY,
    rowid=False,
)

counters = table("counters", key("name"), integer("value"), info=MACHINERY, rowid=False)

streams = table(
    "streams",
    key("name"),
    integer("epoch"),
    text("identity"),
    integer("sequence"),
    text("data", default="{}"),
    info=MACHINERY,
    rowid=False,
)

sources = table("sources", key("name"), blob("data"), text("updated_at"), info=MACHINERY, rowid=False)

idempotency = table(
    "idempotency",
    key("person"),
    key("key"),
    blob("request"),
    integer("status"),
    blob("body"),
    text("expires"),
    sa.Index(None, "expires"),
    info=MACHINERY,
    rowid=False,
)
