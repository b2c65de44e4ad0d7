"""SQLite behind the contract of `engine.Database`: one file, WAL, readers beside one writer.

`synchronous=NORMAL`: a power cut may lose the last commits, never consistency, and what is lost is derived
again from the journals. Reading works while an indexer writes and from a read-only file system.
"""

import contextlib
import os
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import quote

from everbloom.core.errors import Corrupt, NotFound, Unavailable
from everbloom.index.engine import Database, Engine, Row, damaged, escape_text, unescape_text

_BUSY_TIMEOUT_MS = 10_000
_MMAP_BYTES = 1 << 32
_WAL_BYTES = 1 << 24  # what a checkpoint leaves of the -wal file at most
_SHM_BYTES = 32_768  # what the -shm file of a WAL database takes at least
_TYPES = {"int": "INTEGER", "real": "REAL", "text": "TEXT", "blob": "BLOB", "serial": "INTEGER PRIMARY KEY"}

# SQLite's primary result codes -> (kind, our code, what to do)
_PROBLEMS: dict[int, tuple[type[Unavailable] | type[Corrupt], str, str]] = {
    sqlite3.SQLITE_BUSY: (Unavailable, "index.locked", "another process writes it; try again"),
    sqlite3.SQLITE_LOCKED: (Unavailable, "index.locked", "another process writes it; try again"),
    sqlite3.SQLITE_FULL: (Unavailable, "disk.full", "free space on that file system and try again"),
    sqlite3.SQLITE_READONLY: (Unavailable, "index.readonly", "make the file and its folder writable"),
    sqlite3.SQLITE_CANTOPEN: (
        Unavailable,
        "index.unreachable",
        "check that the folder is there and readable",
    ),
    sqlite3.SQLITE_IOERR: (Unavailable, "index.unreachable", "check the disk and try again"),
    sqlite3.SQLITE_PERM: (Unavailable, "index.unreachable", "check the file's permissions"),
    sqlite3.SQLITE_CORRUPT: (Corrupt, "index.corrupt", "rebuild it with `everbloom reindex`"),
    sqlite3.SQLITE_NOTADB: (Corrupt, "index.corrupt", "rebuild it with `everbloom reindex`"),
}


class SqliteDatabase(Database):
    """One SQLite file; see `open_database`."""

    engine: Engine = "sqlite"
    types = _TYPES

    def __init__(self, path: Path, *, read_only: bool) -> None:
        self.address = str(path)
        self._in_transaction = False
        try:
            self._connection = _open_reader(path) if read_only else _open_writer(path)
        except UnicodeDecodeError as error:  # of a table's name
            raise damaged(self.address, error) from error
        except sqlite3.Error as error:
            _raise_known(error, self.address)

    def keep_uncompressed(self, table: str, column: str) -> None:
        """Do nothing: SQLite compresses nothing."""

    def execute(self, sql: str, params: Sequence[Any] = ()) -> list[Row]:
        """Run one statement; text is escaped on the way in and out."""
        try:
            return self._connection.execute(sql, _storable(params)).fetchall()
        except UnicodeDecodeError as error:
            raise damaged(self.address, error) from error
        except sqlite3.Error as error:
            _raise_known(error, self.address)

    def execute_many(self, sql: str, rows: Iterable[Sequence[Any]]) -> None:
        """Run one statement for each row of values, in one transaction."""
        try:
            if self._in_transaction:
                self._connection.executemany(sql, map(_storable, rows))
            else:  # one commit for all instead of one a row
                with self.transaction():
                    self._connection.executemany(sql, map(_storable, rows))
        except sqlite3.Error as error:
            _raise_known(error, self.address)

    @property
    def in_transaction(self) -> bool:
        """Whether `transaction()` is open on this connection."""
        return self._in_transaction

    def _begin(self) -> None:
        self.execute("BEGIN IMMEDIATE")
        self._in_transaction = True

    def _begin_snapshot(self) -> None:
        self.execute("BEGIN DEFERRED")
        self._in_transaction = True

    def _commit(self) -> None:
        try:
            self.execute("COMMIT")
        except Exception:
            self._roll_back()
            raise
        self._in_transaction = False

    def _roll_back(self) -> None:
        self._in_transaction = False
        if self._connection.in_transaction:  # a full disk has rolled back already
            with contextlib.suppress(sqlite3.OperationalError):
                self._connection.execute("ROLLBACK")

    def try_lock(self, name: str) -> bool:
        """Refuse: SQLite has no session locks; the indexer takes a file lock."""
        raise RuntimeError("SQLite has no session locks; the indexer takes a file lock")

    def unlock(self, name: str) -> None:
        """Refuse: SQLite has no session locks."""
        raise RuntimeError("SQLite has no session locks; the indexer takes a file lock")

    def release_space(self) -> None:
        """Cut free pages off the file; what is open elsewhere is not disturbed."""
        try:
            # A page a step, and `execute` takes one step of a statement without columns.
            self._connection.executescript("PRAGMA incremental_vacuum; PRAGMA wal_checkpoint(PASSIVE)")
        except sqlite3.Error as error:
            _raise_known(error, self.address)

    def close(self) -> None:
        """Close the file; the last writer to do so folds the -wal file in."""
        self._connection.close()


def _open_writer(path: Path) -> sqlite3.Connection:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Unavailable(
            f"the index's folder {path.parent} cannot be made: {error.strerror}; make the store writable, or check "
            f"EVERBLOOM_ROOT.",
            code="index.readonly",
            path=str(path.parent),
        ) from error
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    with _closing_on_error(connection):
        _set_up(connection)
        if connection.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
            connection.execute("PRAGMA auto_vacuum = INCREMENTAL")  # before the first table, or it does nothing
            connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute("PRAGMA foreign_keys = OFF")
        connection.execute(f"PRAGMA journal_size_limit = {_WAL_BYTES}")
    return connection


def _open_reader(path: Path) -> sqlite3.Connection:
    if not path.is_file():
        raise NotFound(
            f"there is no index at {path}; nothing was indexed there yet. Run `everbloom ls` as a user who "
            f"may write there, or check EVERBLOOM_ROOT.",
            code="index.missing",
            path=str(path),
        )
    try:
        return _connect_reader(path, "mode=ro")
    except sqlite3.OperationalError:
        # A reader of a WAL file needs a -shm file beside it, which a read-only file system cannot get. With
        # no -wal there either, nothing is in flight and the file can be read as it stands.
        wal = path.with_name(path.name + "-wal")
        if wal.exists() and wal.stat().st_size > 0:
            raise
        return _connect_reader(path, "immutable=1")


def _connect_reader(path: Path, options: str) -> sqlite3.Connection:
    uri = f"file:{quote(str(path.absolute()))}?{options}"
    connection = sqlite3.connect(uri, uri=True, isolation_level=None, check_same_thread=False)
    with _closing_on_error(connection):
        _set_up(connection)
        connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    return connection


def _set_up(connection: sqlite3.Connection) -> None:
    connection.text_factory = _to_text
    connection.execute(f"PRAGMA busy_timeout = {_BUSY_TIMEOUT_MS}")
    connection.execute(f"PRAGMA mmap_size = {_MMAP_BYTES}")


@contextlib.contextmanager
def _closing_on_error(connection: sqlite3.Connection) -> Iterator[None]:
    try:
        yield
    except BaseException:
        connection.close()
        raise


def _storable(params: Sequence[Any]) -> Sequence[Any]:
    for value in params:
        if isinstance(value, str) and ("\0" in value or "\x1a" in value or not value.isascii()):
            return [escape_text(v) if isinstance(v, str) else v for v in params]
    return params


def _to_text(raw: bytes) -> str:
    return unescape_text(raw.decode()) if b"\x1a" in raw else raw.decode()


def _raise_known(error: sqlite3.Error, address: str) -> NoReturn:
    """Raise our error for what may happen to a good program; a mistake in SQL stays what it is."""
    number = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if number == sqlite3.SQLITE_IOERR and _is_full(Path(address)):
        number = sqlite3.SQLITE_FULL  # no room for the -shm file beside it is only an input/output error to SQLite
    if number == sqlite3.SQLITE_CANTOPEN and Path(address).exists() and not os.access(Path(address).parent, os.W_OK):
        number = sqlite3.SQLITE_READONLY  # it is there: what cannot be made is the -wal file beside it
    known = _PROBLEMS.get(number)
    if known is None:
        raise error
    kind, code, advice = known
    raise kind(f"the index at {address} cannot be used: {error}; {advice}.", code=code, path=address) from error


def _is_full(path: Path) -> bool:
    try:
        status = os.statvfs(path.parent)
    except OSError:
        return False
    return status.f_bavail * status.f_frsize < _SHM_BYTES
