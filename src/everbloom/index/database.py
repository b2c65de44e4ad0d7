"""Open the index's database by its address, and keep a second indexer, or packer, out.

A `Path` (or text that is not a PostgreSQL address) is a SQLite file; `postgresql://…` or `host=… dbname=…`
is a server. The rest of the index knows `Database` only.
"""

import contextlib
import fcntl
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from everbloom.core.addresses import is_postgres_address
from everbloom.core.clock import monotonic_s
from everbloom.core.errors import Unavailable
from everbloom.core.layout import lock_path
from everbloom.index.engine import Database, Engine, Row
from everbloom.index.sqlite_engine import SqliteDatabase

__all__ = ["Database", "Engine", "Row", "indexer_lock", "open_database", "store_lock"]

_POLL_S = 0.01
_WORK = {"packing": "packing"}  # what whoever holds a lock is at, where it is not the index


def open_database(address: Path | str, *, schema: str = "index_1", read_only: bool = False) -> Database:
    """Open a SQLite file or a PostgreSQL schema, created if missing unless `read_only`.

    Args:
        address: A file's path, or a PostgreSQL address.
        schema: The PostgreSQL schema that tables live in; SQLite has none and ignores it.
        read_only: Never write; on SQLite works beside an indexer and on a read-only file system.

    Raises:
        NotFound: `read_only`, and nothing is there (`index.missing`).
        Unavailable: It cannot be opened now.
        Corrupt: The file is not a database.
    """
    if isinstance(address, str) and is_postgres_address(address):
        from everbloom.index.postgres_engine import PostgresDatabase

        return PostgresDatabase(address, schema=schema, read_only=read_only)
    return SqliteDatabase(Path(address), read_only=read_only)


@contextlib.contextmanager
def indexer_lock(database: Database, root: Path, *, name: str = "indexer", wait_s: float = 0.0) -> Iterator[None]:
    """Hold the right to write the index; the system gives it back when the process dies.

    A file lock below the root for SQLite, a session lock of the server for PostgreSQL, where processes on
    several machines may share one index.

    Args:
        database: The connection; for PostgreSQL the lock lives as long as it.
        root: The store's folder.
        name: What is guarded; different names do not exclude each other.
        wait_s: How long to wait for another holder; 0 = not at all.

    Raises:
        Unavailable: Another process still holds it after `wait_s` (`index.busy`), or the root cannot be
            written (`index.readonly`).
    """
    with contextlib.ExitStack() as stack:
        if database.engine == "postgres":
            _wait(lambda: database.try_lock(name), name, wait_s)
            stack.callback(_unlock, database, name)
        else:
            stack.enter_context(store_lock(root, name=name, wait_s=wait_s))
        yield


@contextlib.contextmanager
def store_lock(root: Path, *, name: str, wait_s: float = 0.0) -> Iterator[None]:
    """Hold a right to the store's own files, which all databases that take the store in share.

    A file lock below the root; the system gives it back when the process dies.

    Args:
        root: The store's folder.
        name: What is guarded; different names do not exclude each other.
        wait_s: How long to wait for another holder; 0 = not at all.

    Raises:
        Unavailable: As `indexer_lock` does.
    """
    handle = _open_lock_file(lock_path(root, name))
    try:
        _wait(lambda: _try_flock(handle), name, wait_s)
        yield
    finally:
        os.close(handle)


def _unlock(database: Database, name: str) -> None:
    with contextlib.suppress(Unavailable):  # a lost connection has given the lock back already
        database.unlock(name)


def _wait(try_lock: Callable[[], bool], name: str, wait_s: float) -> None:
    deadline = monotonic_s() + wait_s
    while not try_lock():
        if monotonic_s() >= deadline:
            doing = _WORK.get(name, "indexing")
            raise Unavailable(
                f"another process is {doing} this store ({name} lock, waited {wait_s:g} s); let it finish.",
                code="index.busy",
                lock=name,
            )
        time.sleep(_POLL_S)


def _try_flock(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _open_lock_file(path: Path) -> int:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError as error:
        raise Unavailable(
            f"the lock file {path} cannot be made: {error.strerror}; the store is open for reading only.",
            code="index.readonly",
            path=str(path),
        ) from error
