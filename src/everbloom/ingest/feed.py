"""One database among those that take a store in: what the others took off `active/`, and what they are told of.

Nothing is remembered of who else there is but by the store itself (journal.registry): a database that is alone, as
nearly all are, writes its own name once and no list. The offset in that list is kept in the catalog, so a database that
is restored, or was left aside for a year, goes on from where it was (docs/decisions/0023).
"""

import errno
from pathlib import Path

from everbloom.core import layout
from everbloom.core.errors import Unavailable
from everbloom.core.ids import RunId, WriterId
from everbloom.index.catalog import SCHEMA, Catalog
from everbloom.index.engine import Database
from everbloom.index.identity import read_database_name
from everbloom.journal.registry import (
    add_taken,
    forget_database,
    list_databases,
    measure_taken,
    read_taken,
    register_database,
    unregister_writer,
)
from everbloom.journal.segment import to_unavailable


class Feed:
    """How one index takes its share of a store's news."""

    def __init__(self, root: Path, database: Database) -> None:
        """Prepare.

        Args:
            root: The store's folder.
            database: The catalog's.
        """
        self._root = root
        self._name = read_database_name(database, schema=SCHEMA)
        self._until = 0

    def begin(self, catalog: Catalog) -> list[tuple[RunId, WriterId]] | None:
        """Return the journals that other databases took off `active/` since this one last looked.

        None where that cannot be told, because it never looked or the list is not the one it knew: then all journals
        are to be looked at. Call it before `active/` is listed.

        Raises:
            Unavailable: The store cannot be written, so that others could hide runs from this database
                (`index.readonly`, `disk.full`).
        """
        self._register()
        known = catalog.read_taken()
        if known is None or known > measure_taken(self._root):
            _, self._until = read_taken(self._root, 0)
            return None
        taken, self._until = read_taken(self._root, known)
        return taken

    def finish(self, catalog: Catalog) -> None:
        """Note that what `begin` gave is taken in."""
        if catalog.read_taken() != self._until:
            catalog.write_taken(self._until)

    def unregister(self, run: RunId, writer: WriterId) -> None:
        """Take a journal off `active/`, and tell other databases before.

        Raises:
            Unavailable: They cannot be told, or it cannot be taken off; it stays registered.
        """
        path = layout.active_path(self._root, run, writer)
        try:
            if path.exists():
                if set(list_databases(self._root)) - {self._name}:
                    add_taken(self._root, run, writer)
                unregister_writer(self._root, run, writer)
        except OSError as error:
            raise to_unavailable(error, path, then="look again") from error

    def forget_older(self) -> None:
        """Take SQLite indexes of older schema numbers off the list of databases; their files are gone."""
        for name in list_databases(self._root):
            kind, _, number = name.partition("-")
            if kind == "sqlite" and number.isdecimal() and int(number) < SCHEMA:
                forget_database(self._root, name)

    def _register(self) -> None:
        try:
            register_database(self._root, self._name)
        except OSError as error:
            path = layout.fed_dir(self._root) / self._name
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise to_unavailable(error, path, then="look again") from error
            raise Unavailable(
                f"{path} cannot be made: {error.strerror}; a database that takes the store in must say so there, or "
                f"others would hide runs from it. Make the root writable once.",
                code="index.readonly",
                path=str(path),
            ) from error
