"""Open the workspace's database and bring it to the current schema."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import Engine, create_engine, event, text
from sqlalchemy.exc import OperationalError, SQLAlchemyError

from everbloom.core.errors import Unavailable
from everbloom.core.layout import workspace_path

if TYPE_CHECKING:
    from alembic.config import Config

POSTGRES_SCHEMA = "workspace"


def open_workspace(root: Path, database: str | None) -> Engine:
    """Open the workspace, made and migrated if need be.

    Args:
        root: The store's folder; holds `workspace.db` where there is no database address.
        database: A PostgreSQL address; its schema `workspace` is used.

    Raises:
        Unavailable: It cannot be opened or written now (`workspace.unreachable`).
    """
    engine = _create_engine(root, database)
    try:
        _migrate(engine)
    except SQLAlchemyError as error:
        engine.dispose()
        reason = error.orig if isinstance(error, OperationalError) else error
        raise Unavailable(
            f"the workspace at {database or workspace_path(root)} cannot be opened: {reason}. Check that the folder "
            f"is writable, or the server reachable.",
            code="workspace.unreachable",
        ) from error
    return engine


def _create_engine(root: Path, database: str | None) -> Engine:
    if database is None:
        root.mkdir(parents=True, exist_ok=True)
        engine = create_engine(f"sqlite:///{workspace_path(root)}")
        event.listen(engine, "connect", _set_up_sqlite)
        return engine
    import psycopg

    # psycopg reads any form of address itself, sockets and service files included.
    return create_engine(
        "postgresql+psycopg://",
        creator=lambda: psycopg.connect(database, options=f"-c search_path={POSTGRES_SCHEMA}"),
    )


def _set_up_sqlite(connection: Any, _record: object) -> None:
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA busy_timeout = 10000")


def _migrate(engine: Engine) -> None:
    from alembic import command

    with engine.connect() as connection:
        if engine.dialect.name == "postgresql":
            # One migrates, the others wait; two at once would both create the first table.
            connection.execute(text("SELECT pg_advisory_lock(hashtext('everbloom.workspace'))"))
            connection.execute(text(f"CREATE SCHEMA IF NOT EXISTS {POSTGRES_SCHEMA}"))
            connection.commit()
        else:
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        config = _alembic_config()
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
        connection.commit()
        if engine.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_unlock(hashtext('everbloom.workspace'))"))
            connection.commit()


def _alembic_config() -> "Config":
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config
