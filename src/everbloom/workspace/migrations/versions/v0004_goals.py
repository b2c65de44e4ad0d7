"""What a project wants to reach: a value of a metric."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the table `goal`."""
    op.create_table(
        "goal",
        sa.Column("namespace", sa.String(256), nullable=False),
        sa.Column("project", sa.String(256), nullable=False),
        sa.Column("metric", sa.String(500), nullable=False),
        sa.Column("value", sa.Double, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("namespace", "project", "metric", name="pk_goal"),
    )


def downgrade() -> None:
    """Take it away."""
    op.drop_table("goal")
