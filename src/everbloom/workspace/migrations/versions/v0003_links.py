"""Addresses that are too long to be sent, under short names."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the table `link`."""
    op.create_table(
        "link",
        sa.Column("hash", sa.String(32), nullable=False),
        sa.Column("address", sa.Text, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("hash", name="pk_link"),
    )


def downgrade() -> None:
    """Take it away."""
    op.drop_table("link")
