"""Rendered items of feeds are kept in memory; nothing was ever written to their table."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """The table was emptied at each change and filled by nobody."""
    op.drop_table("fragments")


def downgrade() -> None:
    """The empty table again."""
    op.create_table(
        "fragments",
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("seq", "kind"),
        info={"kind": "machinery"},
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
