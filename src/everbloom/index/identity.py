"""Which store a PostgreSQL database belongs to, so that two stores at one address never show each other's runs.

A store's id stands in a small file of its root, made when a database first takes the store in; the database keeps it
with the root's path, for index and workspace alike (docs/decisions/0018). On SQLite both lie below the root, so there
is nothing to tell apart and no id is made. The database has an id of its own, too, by which the store knows what takes
it in (docs/decisions/0023).
"""

import contextlib
import os
import uuid
from pathlib import Path

from everbloom.core import layout
from everbloom.core.errors import Conflict, Corrupt, Unavailable
from everbloom.core.ids import is_run_id
from everbloom.index.engine import Database

_STORE, _DATABASE = 0, 1  # the rows: whose it is, and who it is


def read_store_id(root: Path) -> str | None:
    """Return a store's id, 32 lower-case hex digits; None where it has none yet.

    Raises:
        Corrupt: The file holds something else (`store.id`).
    """
    path = layout.store_id_path(root)
    try:
        text = path.read_text("utf-8", "replace").strip()
    except (FileNotFoundError, NotADirectoryError):
        return None
    if not is_run_id(text):  # the same form: 32 lower-case hex digits
        raise Corrupt(
            f"{path} holds {text[:40]!r}; a store's id is 32 hex digits. Remove the file and run `everbloom reindex`.",
            code="store.id",
            path=str(path),
        )
    return text


def ensure_store_id(root: Path) -> str:
    """Return a store's id, made if it has none; of several processes that make one at once, one wins.

    Raises:
        Unavailable: The root cannot be written (`index.readonly`).
    """
    known = read_store_id(root)
    if known is not None:
        return known
    path = layout.store_id_path(root)
    written = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        root.mkdir(parents=True, exist_ok=True)
        written.write_text(f"{uuid.uuid4().hex}\n")
        with contextlib.suppress(FileExistsError):
            os.link(written, path)  # whole or not at all, and never over another's
        written.unlink()
    except OSError as error:
        raise Unavailable(
            f"the store's id {path} cannot be made: {error.strerror}; a store in a database needs one. Make the root "
            f"writable once.",
            code="index.readonly",
            path=str(path),
        ) from error
    return read_store_id(root) or ensure_store_id(root)


def claim_store(database: Database, root: Path) -> None:
    """Give a server's database to a store, unless it is another's; SQLite files are their root's anyway.

    Raises:
        Conflict: It is another store's (`index.other_store`), or that of which this is a copy (`index.copied_store`).
    """
    if database.engine == "sqlite":
        return
    _ensure_table(database)
    mine = ensure_store_id(root)
    database.execute(
        "INSERT INTO store.identity (place, id, root) VALUES (?, ?, ?) ON CONFLICT (place) DO NOTHING",
        (_STORE, mine, str(root)),
    )
    check_store(database, root)
    database.execute(  # where it was moved
        "UPDATE store.identity SET root = ? WHERE place = ? AND root <> ?", (str(root), _STORE, str(root))
    )


def read_database_name(database: Database, *, schema: int) -> str:
    """Return what the store calls a database that takes it in; another index schema is another one.

    Args:
        database: The catalog's.
        schema: The index's schema number.
    """
    if database.engine == "sqlite":
        return f"sqlite-{schema}"
    _ensure_table(database)
    database.execute(
        "INSERT INTO store.identity (place, id, root) VALUES (?, ?, '') ON CONFLICT (place) DO NOTHING",
        (_DATABASE, uuid.uuid4().hex),
    )
    ((name,),) = database.execute("SELECT id FROM store.identity WHERE place = ?", (_DATABASE,))
    return f"{name}-{schema}"


def check_store(database: Database, root: Path) -> None:
    """Refuse a server's database that belongs to another store than the root's; a few microseconds and one question.

    Raises:
        Conflict: As `claim_store` does.
    """
    if database.engine == "sqlite" or not database.execute("SELECT 1 WHERE to_regclass('store.identity') IS NOT NULL"):
        return
    rows = database.execute("SELECT id, root FROM store.identity WHERE place = ?", (_STORE,))
    if not rows:
        return
    ((theirs, place),) = rows
    if theirs != read_store_id(root):
        raise Conflict(
            f"the database {database.address} belongs to the store {place}, not to {root}. Give each store a database "
            f"of its own, by EVERBLOOM_DATABASE; where {root} took that store's place, `everbloom reindex` makes the "
            f"database its own.",
            code="index.other_store",
            root=str(root),
            other=place,
        )
    if place != str(root) and _is_copied(Path(place), root, theirs):
        raise Conflict(
            f"the store {root} is a copy of {place}, which the database {database.address} belongs to. Remove "
            f"{layout.store_id_path(root)}, so that it becomes a store of its own, and give it another database.",
            code="index.copied_store",
            root=str(root),
            other=place,
        )


def take_over_store(database: Database, root: Path) -> None:
    """Give a server's database to a store, whosever it was; within the transaction that swaps its index in."""
    if database.engine == "postgres":
        mine = ensure_store_id(root)
        _ensure_table(database)
        database.execute(
            "INSERT INTO store.identity (place, id, root) VALUES (?, ?, ?) "
            "ON CONFLICT (place) DO UPDATE SET id = excluded.id, root = excluded.root",
            (_STORE, mine, str(root)),
        )


def _ensure_table(database: Database) -> None:
    # In a schema of its own: it outlives every index, and speaks for the workspace too.
    database.create(
        "CREATE SCHEMA IF NOT EXISTS store",
        "CREATE TABLE IF NOT EXISTS store.identity (place {int} PRIMARY KEY, id {text} NOT NULL, root {text} NOT NULL)",
    )


def _is_copied(other: Path, root: Path, theirs: str) -> bool:
    """Tell whether another folder of this machine is the store, too: a store that was moved is no longer there."""
    try:
        return read_store_id(other) == theirs and not other.samefile(root)
    except (OSError, Corrupt):
        return False
