"""Open the workspace's database and bring it to the current schema."""

import contextlib
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import URL, Engine, create_engine, event, text
from sqlalchemy.exc import DBAPIError

from everbloom.core.clock import monotonic_s
from everbloom.core.errors import Unavailable
from everbloom.core.layout import workspace_path

if TYPE_CHECKING:
    from alembic.config import Config

POSTGRES_SCHEMA = "workspace"
_PATIENCE_S = 10.0
_POLL_S = 0.01


def open_workspace(root: Path, database: str | None) -> Engine:
    """Open the workspace, made and migrated if need be.

    Args:
        root: The store's folder; holds `workspace.db` where there is no database address.
        database: A PostgreSQL address; its schema `workspace` is used.

    Raises:
        Unavailable: It cannot be opened or written now (`workspace.unreachable`).
    """
    with translated(root, database):
        engine = _create_engine(root, database)
        try:
            _migrate(engine)
        except BaseException:
            engine.dispose()
            raise
    return engine


@contextlib.contextmanager
def translated(root: Path, database: str | None) -> Iterator[None]:
    """Raise what a database may say of a good program as `Unavailable`, with what to do."""
    try:
        yield
    except (OSError, DBAPIError) as error:
        reason = error.orig if isinstance(error, DBAPIError) else error
        # An address may hold a password, so only that there is one is told.
        place = "the database that EVERBLOOM_DATABASE names" if database else str(workspace_path(root))
        raise Unavailable(
            f"the workspace at {place} cannot be used: {reason}. Check that there is space and the folder is writable, "
            f"or that the server runs.",
            code="workspace.unreachable",
        ) from error


def _create_engine(root: Path, database: str | None) -> Engine:
    if database is None:
        root.mkdir(parents=True, exist_ok=True)
        # Not by an address as text: a `?` or `#` in a folder's name means something there.
        engine = create_engine(URL.create("sqlite", database=str(workspace_path(root))))
        event.listen(engine, "connect", _set_up_sqlite)
        return engine
    import psycopg

    # psycopg reads any form of address itself, sockets and service files included.
    return create_engine(
        "postgresql+psycopg://",
        creator=lambda: psycopg.connect(database, options=f"-c search_path={POSTGRES_SCHEMA}"),
    )


def _set_up_sqlite(connection: Any, _record: object) -> None:
    connection.execute(f"PRAGMA busy_timeout = {_PATIENCE_S * 1000:.0f}")
    deadline = monotonic_s() + _PATIENCE_S
    while not _try_wal(connection) and monotonic_s() < deadline:
        time.sleep(_POLL_S)
    connection.execute("PRAGMA foreign_keys = ON")


def _try_wal(connection: Any) -> bool:
    """Switch a file to a write-ahead log; False where another connection opens or closes it at this moment.

    SQLite does not wait then, whatever `busy_timeout` says, as two that wait for each other would never end. A file
    that stays without one is used all the same: its readers and writers then wait for each other.
    """
    try:
        connection.execute("PRAGMA journal_mode = WAL")
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:
            raise
        return False
    return True


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
