"""Why an advisory stands where it stands in the queue, and when it is over."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_KEPT = (
    "id, arrival, source, key, revision, action, status, state, changed, fold, headline, severity, severity_rank, body,"
    " first_at, updated_at, draft_id, decided_by, reason"
)


def upgrade() -> None:
    """A table that is altered is copied, so that its text is that of a new one."""
    op.create_table(
        "advisories_new",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("arrival", sa.Integer(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("revision", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("changed", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("fold", sa.Text(), nullable=False),
        sa.Column("headline", sa.Text(), nullable=False),
        sa.Column("severity", sa.Text(), nullable=False),
        sa.Column("severity_rank", sa.Integer(), nullable=False),
        sa.Column("first_at", sa.Text(), nullable=False),
        sa.Column("updated_at", sa.Text(), nullable=False),
        sa.Column("draft_id", sa.Text(), nullable=True),
        sa.Column("decided_by", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("kind", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("why", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("expires_at", sa.Text(), nullable=True),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("source", "key", name=op.f("uq_advisories_source_key")),
        info={"kind": "said"},
        sqlite_strict=True,
        sqlite_with_rowid=True,
    )
    op.execute(
        f"INSERT INTO advisories_new ({_KEPT}) SELECT {_KEPT} FROM advisories"  # noqa: S608 - names of columns, above
    )
    op.drop_table("advisories")
    op.rename_table("advisories_new", "advisories")
    op.create_index(
        "ix_advisories_fold",
        "advisories",
        ["fold", "arrival"],
        unique=False,
        sqlite_where=sa.text("state = 'open' or changed = 1"),
    )
    op.create_index(
        "ix_advisories_due",
        "advisories",
        ["expires_at"],
        unique=False,
        sqlite_where=sa.text("state = 'open' and expires_at is not null"),
    )
    op.create_index(
        "ix_advisories_known",
        "advisories",
        ["source", "state", "updated_at", "key", "revision"],
        unique=False,
    )


def downgrade() -> None:
    raise RuntimeError("There is no way down. Restore the backup that was made before the upgrade.")
