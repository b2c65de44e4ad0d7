"""Namespaces, projects and experiments."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_Key = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Create the first three tables."""
    op.create_table(
        "namespace",
        sa.Column("id", _Key, primary_key=True),
        sa.Column("name", sa.String(256), nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_namespace"),
        sa.UniqueConstraint("name", name="uq_namespace_name"),
    )
    op.create_table(
        "project",
        sa.Column("id", _Key, primary_key=True),
        sa.Column("namespace_id", _Key, nullable=False),
        sa.Column("name", sa.String(256), nullable=False),
        sa.Column("why", sa.Text, nullable=False),
        sa.Column("archived_at", sa.BigInteger),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_project"),
        sa.ForeignKeyConstraint(["namespace_id"], ["namespace.id"], name="fk_project_namespace_id", ondelete="CASCADE"),
        sa.UniqueConstraint("namespace_id", "name", name="uq_project_namespace_id_name"),
    )
    op.create_table(
        "experiment",
        sa.Column("id", _Key, primary_key=True),
        sa.Column("project_id", _Key, nullable=False),
        sa.Column("name", sa.String(256), nullable=False),
        sa.Column("why", sa.Text, nullable=False),
        sa.Column("conclusion", sa.Text, nullable=False),
        sa.Column("verdict", sa.String(16)),
        sa.Column("archived_at", sa.BigInteger),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_experiment"),
        sa.ForeignKeyConstraint(["project_id"], ["project.id"], name="fk_experiment_project_id", ondelete="CASCADE"),
        sa.UniqueConstraint("project_id", "name", name="uq_experiment_project_id_name"),
    )


def downgrade() -> None:
    """Drop them."""
    for table in ("experiment", "project", "namespace"):
        op.drop_table(table)
