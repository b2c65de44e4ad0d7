"""The contract of a database connection: one SQL text for SQLite and PostgreSQL.

Deliberately thin. SQLAlchemy would cost the local read path more than its whole budget
(docs/decisions/0004-index-without-sqlalchemy.md), so statements are written in the dialect that both engines
share: `?` for values, `ON CONFLICT … DO UPDATE SET x = excluded.x`, `RETURNING`; types in DDL are named in
braces. Left out: pools, models, migrations (an index is rebuilt, never migrated).
"""

import re
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Literal

from everbloom.core.errors import Corrupt

Engine = Literal["sqlite", "postgres"]
Row = tuple[Any, ...]

# PostgreSQL refuses NUL in text, both refuse lone surrogates, and SQLite's functions stop at a NUL. Such
# characters, and the escape itself, are written as U+001A and four hex digits; equality is kept, and so is
# order among texts without them.
_ESCAPE = "\x1a"
_UNSTORABLE = re.compile("[\x00\x1a\ud800-\udfff]")
_ESCAPED = re.compile("\x1a([0-9a-f]{4})")


def escape_text(text: str) -> str:
    """Return the text as both engines can store it; most texts come back as they are."""
    if _UNSTORABLE.search(text) is None:
        return text
    return _UNSTORABLE.sub(lambda match: f"{_ESCAPE}{ord(match[0]):04x}", text)


def unescape_text(text: str) -> str:
    """Undo `escape_text`."""
    if _ESCAPE not in text:
        return text
    return _ESCAPED.sub(lambda match: chr(int(match[1], 16)), text)


def damaged(where: str, why: object) -> Corrupt:
    """Return the error of an index whose bytes are not what was written; what is derived can be derived again."""
    return Corrupt(
        f"the index ({where}) is damaged: {why}; rebuild it with `everbloom reindex`.", code="index.corrupt", path=where
    )


class Database(ABC):
    """A connection; used by one thread at a time, and not shared with forked children.

    Every statement outside of `transaction()` commits by itself. Text may hold any characters, NUL and lone
    surrogates too. Blobs come back as `bytes`. SQLite stores a NaN number as NULL and -0.0 as 0.0: keep NaN in
    blobs or as a kind beside the value.

    Attributes:
        engine: Which database this is, for the few statements that differ.
        address: What it was opened with, without a password.

    Raises, from every method:
        Unavailable: `index.locked`, `index.readonly`, `index.unreachable`, `disk.full`; may work later.
        Corrupt: `index.corrupt`; the index must be rebuilt.
    """

    engine: Engine
    address: str
    types: dict[str, str]

    def create(self, *statements: str) -> None:
        """Run DDL in which `{int} {real} {text} {blob} {serial}` stand for the engine's types.

        `{int}` holds int64, `{text}` compares by code point, `{serial}` is an int64 primary key that counts.
        """
        for statement in statements:
            self.execute(statement.format_map(self.types))

    @abstractmethod
    def keep_uncompressed(self, table: str, column: str) -> None:
        """Have a blob column stored as its bytes are, where the engine would compress it: what is read often."""

    @abstractmethod
    def execute(self, sql: str, params: Sequence[Any] = ()) -> list[Row]:
        """Run one statement and return all its rows, none for a statement without result."""

    @abstractmethod
    def execute_many(self, sql: str, rows: Iterable[Sequence[Any]]) -> None:
        """Run one statement for each row of values; results are dropped."""

    @property
    @abstractmethod
    def in_transaction(self) -> bool:
        """Whether a transaction is open on this connection."""

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Commit what the block does as one, or nothing of it if it raises.

        Takes the write lock at once on SQLite, so that a block cannot fail halfway for want of it.

        Raises:
            RuntimeError: One is open already; transactions do not nest.
        """
        if self.in_transaction:
            raise RuntimeError("a transaction is open on this connection already; transactions do not nest")
        self._begin()
        try:
            yield
        except BaseException:
            self._roll_back()
            raise
        self._commit()

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """Let all reads of the block see the database as it was at the first of them; writers go on meanwhile.

        Within `transaction()` it does nothing, as that sees one state already.
        """
        if self.in_transaction:
            yield
            return
        self._begin_snapshot()
        try:
            yield
        finally:
            self._roll_back()

    @abstractmethod
    def _begin(self) -> None: ...

    @abstractmethod
    def _begin_snapshot(self) -> None: ...

    @abstractmethod
    def _commit(self) -> None: ...

    @abstractmethod
    def _roll_back(self) -> None: ...

    @abstractmethod
    def try_lock(self, name: str) -> bool:
        """Take a session lock between processes if the engine has such; `RuntimeError` on SQLite."""

    @abstractmethod
    def unlock(self, name: str) -> None:
        """Give back what `try_lock` took."""

    @abstractmethod
    def release_space(self) -> None:
        """Give the file system back what deleted rows took, where the engine does not do so by itself."""

    @abstractmethod
    def close(self) -> None:
        """Close the connection; what is not committed is lost. Closing twice is allowed."""

    def __enter__(self) -> "Database":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
