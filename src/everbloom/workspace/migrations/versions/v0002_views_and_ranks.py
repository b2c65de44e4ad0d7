"""Saved views, and the order that a person gave to projects."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_Key = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Add `project.rank` and the table `view`."""
    # Not as a batch: that would make the table anew on SQLite, and dropping the old one would take what refers to it.
    op.add_column("project", sa.Column("rank", sa.Integer))
    op.create_table(
        "view",
        sa.Column("id", _Key, primary_key=True),
        sa.Column("namespace", sa.String(256), nullable=False),
        sa.Column("project", sa.String(256), nullable=False),
        sa.Column("name", sa.String(256), nullable=False),
        sa.Column("query", sa.Text, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_view"),
        sa.UniqueConstraint("namespace", "project", "name", name="uq_view_namespace_project_name"),
    )


def downgrade() -> None:
    """Take both away."""
    op.drop_table("view")
    op.drop_column("project", "rank")
