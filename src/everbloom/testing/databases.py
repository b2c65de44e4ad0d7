"""Databases for tests: where one may keep its tables, on either engine, and gone afterwards."""

import contextlib
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from everbloom.index.database import Database, open_database


@dataclass(frozen=True)
class DatabaseAddress:
    """Where a test may keep its tables.

    Attributes:
        place: A folder for SQLite files, or a PostgreSQL address.
        schema: The PostgreSQL schema that is the test's own.
    """

    place: Path | str
    schema: str

    @property
    def engine(self) -> str:
        """`sqlite` or `postgres`."""
        return "sqlite" if isinstance(self.place, Path) else "postgres"

    def open(self, *, part: str = "index", read_only: bool = False) -> Database:
        """Open the database; `part` is another file on SQLite and the same schema on PostgreSQL."""
        if isinstance(self.place, Path):
            return open_database(self.place / f"{part}.db", read_only=read_only)
        return open_database(self.place, schema=self.schema, read_only=read_only)


@contextlib.contextmanager
def fresh_address(place: Path | str) -> Iterator[DatabaseAddress]:
    """Yield an address with nothing in it; on PostgreSQL its schema is dropped afterwards."""
    name = f"test_{uuid.uuid4().hex}"
    if isinstance(place, Path):
        yield DatabaseAddress(place / name, name)
        return
    yield DatabaseAddress(place, name)
    with open_database(place, schema="public") as database:
        database.execute(f"DROP SCHEMA IF EXISTS {name} CASCADE")


@contextlib.contextmanager
def fresh_database(place: Path | str) -> Iterator[Database]:
    """Yield an open empty database; on PostgreSQL its schema is dropped afterwards."""
    with fresh_address(place) as address, address.open() as database:
        yield database


@contextlib.contextmanager
def fresh_store_database(place: Path | str) -> Iterator[str | None]:
    """Yield what a store's settings name as its database: None on SQLite, else a PostgreSQL database of its own."""
    if isinstance(place, Path):
        yield None
        return
    from psycopg.conninfo import make_conninfo

    name = f"test_{uuid.uuid4().hex}"
    with open_database(place, schema="public") as server:
        server.execute(f"CREATE DATABASE {name}")
    try:
        yield make_conninfo(place, dbname=name)
    finally:
        with open_database(place, schema="public") as server:
            server.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
