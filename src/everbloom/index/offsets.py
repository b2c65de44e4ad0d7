"""How far each writer's journal has been taken in: kept in the database whose rows it speaks of.

Series and catalog are two files on SQLite, and a commit is atomic per file only, so each has a table of its
own, told apart by a prefix.
"""

import re
from dataclasses import dataclass

from everbloom.core.ids import RunId, WriterId
from everbloom.index.engine import Database


@dataclass(frozen=True, slots=True)
class Offset:
    """The place in a writer's journal up to which everything is in the database.

    Attributes:
        run: The run that the journal belongs to.
        segment: The segment's number.
        byte: The first byte of that segment that is not taken in yet.
        rows: How many rows of numbers were taken in, over all segments.
    """

    run: RunId
    segment: int
    byte: int
    rows: int


class Offsets:
    """The offsets of one database file; writes belong into the transaction of the rows they speak of."""

    def __init__(self, database: Database, prefix: str) -> None:
        if not re.fullmatch("[a-z_]+", prefix):
            raise ValueError(f"prefix {prefix!r} is not a plain name")
        self._database = database
        self._table = f"{prefix}_offsets"

    def ensure_schema(self) -> None:
        """Create the table if it is missing."""
        self._database.create(
            f"CREATE TABLE IF NOT EXISTS {self._table} (writer {{text}} PRIMARY KEY, run {{text}} NOT NULL, "
            f"segment {{int}} NOT NULL, byte {{int}} NOT NULL, rows {{int}} NOT NULL)",
            f"CREATE INDEX IF NOT EXISTS {self._table}_run ON {self._table} (run)",
        )

    def read(self, writer: WriterId) -> Offset | None:
        """Return how far a writer was taken in, or None if nothing of it was."""
        rows = self._database.execute(f"SELECT run, segment, byte, rows FROM {self._table} WHERE writer = ?", (writer,))
        return Offset(*rows[0]) if rows else None

    def read_run(self, run: RunId) -> dict[WriterId, Offset]:
        """Return the offsets of all writers of a run."""
        rows = self._database.execute(
            f"SELECT writer, run, segment, byte, rows FROM {self._table} WHERE run = ?", (run,)
        )
        return {row[0]: Offset(*row[1:]) for row in rows}

    def read_all(self) -> dict[WriterId, Offset]:
        """Return the offsets of all writers."""
        rows = self._database.execute(f"SELECT writer, run, segment, byte, rows FROM {self._table}")
        return {row[0]: Offset(*row[1:]) for row in rows}

    def write(self, writer: WriterId, offset: Offset) -> None:
        """Set how far a writer was taken in."""
        self._database.execute(
            f"INSERT INTO {self._table} (writer, run, segment, byte, rows) VALUES (?, ?, ?, ?, ?) "
            f"ON CONFLICT (writer) DO UPDATE SET run = excluded.run, segment = excluded.segment, "
            f"byte = excluded.byte, rows = excluded.rows",
            (writer, offset.run, offset.segment, offset.byte, offset.rows),
        )

    def delete_run(self, run: RunId) -> None:
        """Forget all writers of a run."""
        self._database.execute(f"DELETE FROM {self._table} WHERE run = ?", (run,))
