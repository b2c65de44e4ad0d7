"""Names longer than a database can index: PostgreSQL refuses an index entry of more than 2,704 bytes.

Such a name stands in tables as its beginning and its SHA-256, and whole in a table of its own. Nearly no name is
that long, so nearly no statement is added.
"""

import hashlib
from collections.abc import Iterable

from everbloom.index.engine import Database

_PLAIN_CHARS = 250  # at most 1,000 bytes
_KEPT_CHARS = 180


def to_stored(name: str) -> str:
    """Return what stands for a name in tables: nearly always itself."""
    if len(name) <= _PLAIN_CHARS:
        return name
    return f"{name[:_KEPT_CHARS]}…{hashlib.sha256(name.encode('utf-8', 'surrogatepass')).hexdigest()}"


class LongNames:
    """The whole names of one database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def ensure_schema(self) -> None:
        """Create the table if it is missing."""
        self._database.create("CREATE TABLE IF NOT EXISTS long_names (stored {text} PRIMARY KEY, name {text} NOT NULL)")

    def remember(self, names: Iterable[str]) -> None:
        """Keep those of the names that are too long, within the caller's transaction."""
        rows = [(to_stored(name), name) for name in names if len(name) > _PLAIN_CHARS]
        if rows:
            self._database.execute_many(
                "INSERT INTO long_names (stored, name) VALUES (?, ?) ON CONFLICT (stored) DO NOTHING", rows
            )

    def expand(self, stored: Iterable[str]) -> dict[str, str]:
        """Return the whole names of those of the stored ones that are not whole themselves."""
        size = _KEPT_CHARS + 1 + 64
        wanted = sorted({text for text in stored if len(text) == size and text[_KEPT_CHARS] == "…"})
        found: dict[str, str] = {}
        for start in range(0, len(wanted), 400):
            part = wanted[start : start + 400]
            marks = ", ".join("?" * len(part))
            found |= dict(
                self._database.execute(f"SELECT stored, name FROM long_names WHERE stored IN ({marks})", part)
            )
        return found
