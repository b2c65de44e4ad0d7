"""The workspace's tables, one definition for SQLite and PostgreSQL; changed by migrations only."""

from sqlalchemy import BigInteger, Column, Double, ForeignKey, Integer, MetaData, String, Table, Text, UniqueConstraint

# Names for constraints, so that a migration can name what it changes on both engines.
_NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}

metadata = MetaData(naming_convention=_NAMING)

# BIGINT on PostgreSQL; SQLite counts only a column that is exactly INTEGER.
_Key = BigInteger().with_variant(Integer, "sqlite")

namespace = Table(
    "namespace",
    metadata,
    Column("id", _Key, primary_key=True),
    Column("name", String(256), nullable=False, unique=True),
    Column("created_at", BigInteger, nullable=False),
)

project = Table(
    "project",
    metadata,
    Column("id", _Key, primary_key=True),
    Column("namespace_id", _Key, ForeignKey("namespace.id", ondelete="CASCADE"), nullable=False),
    Column("name", String(256), nullable=False),
    Column("why", Text, nullable=False, default=""),
    Column("archived_at", BigInteger),
    Column("created_at", BigInteger, nullable=False),
    Column("rank", Integer),  # the place in the person's own order
    UniqueConstraint("namespace_id", "name"),
)

experiment = Table(
    "experiment",
    metadata,
    Column("id", _Key, primary_key=True),
    Column("project_id", _Key, ForeignKey("project.id", ondelete="CASCADE"), nullable=False),
    Column("name", String(256), nullable=False),
    Column("why", Text, nullable=False, default=""),
    Column("conclusion", Text, nullable=False, default=""),
    Column("verdict", String(16)),
    Column("archived_at", BigInteger),
    Column("created_at", BigInteger, nullable=False),
    UniqueConstraint("project_id", "name"),
)

# An address's query under a name; of a project, or with empty names of the list of all.
view = Table(
    "view",
    metadata,
    Column("id", _Key, primary_key=True),
    Column("namespace", String(256), nullable=False),
    Column("project", String(256), nullable=False),
    Column("name", String(256), nullable=False),
    Column("query", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    UniqueConstraint("namespace", "project", "name"),
)

# An address that is too long to be sent, under a hash of itself.
link = Table(
    "link",
    metadata,
    Column("hash", String(32), primary_key=True),
    Column("address", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
)

# The value of a metric that a project wants to reach; which way is better is the metric's own business.
goal = Table(
    "goal",
    metadata,
    Column("namespace", String(256), primary_key=True),
    Column("project", String(256), primary_key=True),
    Column("metric", String(500), primary_key=True),
    Column("value", Double, nullable=False),
    Column("created_at", BigInteger, nullable=False),
)
