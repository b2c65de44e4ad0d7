"""The index as one thing: catalog, columns, console, text and series, on SQLite or PostgreSQL.

On SQLite catalog and series are two files, so that a long series write never makes a reader of the catalog wait;
on PostgreSQL both live in one schema. All of it is derived: a different schema number is another folder, built
afresh from the journals.
"""

import contextlib
import errno
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from everbloom.core.addresses import is_postgres_address
from everbloom.core.errors import NotFound
from everbloom.core.layout import index_dir
from everbloom.index.attribute_columns import AttributeColumns
from everbloom.index.catalog import SCHEMA, Catalog
from everbloom.index.console import ConsoleStore
from everbloom.index.database import Database, indexer_lock, open_database
from everbloom.index.identity import check_store, claim_store, take_over_store
from everbloom.index.offsets import Offsets
from everbloom.index.pieces import ReadBlob
from everbloom.index.series import SeriesStore
from everbloom.index.text import TextIndex


@dataclass(frozen=True)
class Index:
    """An open index; one thread at a time.

    Attributes:
        catalog_database: Runs, columns, console, text, and the catalog's offsets.
        series_database: Series and their offsets.
        catalog_inode: Of the catalog's file, to find out that another was put in its place; 0 on PostgreSQL.
    """

    catalog_database: Database
    series_database: Database
    catalog: Catalog
    columns: AttributeColumns
    console: ConsoleStore
    text: TextIndex
    series: SeriesStore
    catalog_offsets: Offsets
    catalog_inode: int

    def ensure_schema(self) -> None:
        """Create what is missing; the catalog's tables come last, so that they stand for all."""
        with contextlib.ExitStack() as stack:
            # As one on SQLite, where a first reader may look at any moment. With all there no write lock is asked
            # for; PostgreSQL would drop all that a transaction did if its one optional part fails.
            if self.catalog_database.engine == "sqlite" and not self.catalog.has_tables():
                with self.series_database.transaction():
                    self.series.ensure_schema()
                stack.enter_context(self.catalog_database.transaction())
            else:
                self.series.ensure_schema()
            for part in (self.columns, self.console, self.text, self.catalog_offsets, self.catalog):
                part.ensure_schema()

    def close(self) -> None:
        """Close both databases."""
        self.catalog_database.close()
        self.series_database.close()

    def __enter__(self) -> "Index":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


BUILDING = "_building"
_REPLACED = "_replaced"


def index_folder(root: Path, suffix: str = "") -> Path:
    """Return the folder of the SQLite index; with a suffix, of one beside it."""
    folder = index_dir(root, SCHEMA)
    return folder.with_name(folder.name + suffix)


def _is_postgres(database: str | None) -> bool:
    return database is not None and is_postgres_address(database)


def discard_index(root: Path, database: str | None, *, suffix: str) -> None:
    """Remove an index that is not in use, if there is one."""
    if database is not None and _is_postgres(database):
        with contextlib.closing(open_database(database, schema=f"index_{SCHEMA}{suffix}")) as connection:
            connection.execute(f"DROP SCHEMA index_{SCHEMA}{suffix} CASCADE")
    else:
        shutil.rmtree(index_folder(root, suffix), ignore_errors=True)


def discard_leftovers(root: Path) -> None:
    """Remove what killed rebuilds left, and indexes of older schema numbers; of SQLite, under the indexer's lock.

    Call it when the index in use is whole, and with the lock `reindex` held, as what is being built lies there too.
    """
    for folder in find_leftovers(root):
        shutil.rmtree(folder, ignore_errors=True)


def find_leftovers(root: Path) -> list[Path]:
    """Return the folders of SQLite indexes beside the one in use, but for those of newer schema numbers."""
    found: list[Path] = []
    for folder in index_folder(root).parent.iterdir():
        number = folder.name.removesuffix(BUILDING).removesuffix(_REPLACED)
        if number.isdecimal() and (int(number) < SCHEMA or (int(number) == SCHEMA and folder.name != number)):
            found.append(folder)
    return found


@contextlib.contextmanager
def open_main(root: Path, database: str | None) -> Iterator[Database]:
    """Open the catalog's database of the index in use, to hold locks with; one that is being built has others."""
    if database is not None and _is_postgres(database):
        main = open_database(database, schema=f"index_{SCHEMA}")
    else:
        main = open_database(Path(":memory:"))  # the locks are files of the root
    with contextlib.closing(main):
        yield main


def swap_in(built: Index, root: Path, database: str | None, *, suffix: str) -> None:
    """Put a newly built index in the place of the one in use and remove that one; under the indexer's lock.

    Killed in the middle it leaves the old index, the new one, or none, which is then built from the journals.
    """
    discard_index(root, database, suffix=_REPLACED)
    if _is_postgres(database):
        schema = f"index_{SCHEMA}"
        with built.catalog_database.transaction():
            built.catalog_database.execute(f"CREATE SCHEMA IF NOT EXISTS {schema}")
            built.catalog_database.execute(f"ALTER SCHEMA {schema} RENAME TO {schema}{_REPLACED}")
            built.catalog_database.execute(f"ALTER SCHEMA {schema}{suffix} RENAME TO {schema}")
            take_over_store(built.catalog_database, root)
    else:
        built.close()  # folds the write-ahead logs in, so that the files are whole by themselves
        _exchange_folders(index_folder(root), index_folder(root, suffix), index_folder(root, _REPLACED))
    discard_index(root, database, suffix=_REPLACED)


def _exchange_folders(place: Path, built: Path, replaced: Path) -> None:
    while True:
        if place.exists():
            place.rename(replaced)
        try:
            built.rename(place)
        except OSError as error:
            if error.errno not in (errno.EEXIST, errno.ENOTEMPTY):
                raise
            shutil.rmtree(replaced, ignore_errors=True)  # somebody opened an empty one in that very moment
        else:
            return


def is_index_swapped(index: Index, root: Path, *, suffix: str) -> bool:
    """Tell whether the files that are open are no longer the ones in the index's place."""
    if index.catalog_database.engine == "postgres":
        return False  # tables are looked up by name at each statement
    try:
        return (index_folder(root, suffix) / "index.db").stat().st_ino != index.catalog_inode
    except FileNotFoundError:
        return True


def open_index(
    root: Path,
    database: str | None,
    *,
    read_only: bool = False,
    suffix: str = "",
    read_blob: ReadBlob | None = None,
) -> Index:
    """Open the index of a store; tables are created unless `read_only`.

    Args:
        root: The store's folder.
        database: A PostgreSQL address; None for SQLite files below the root.
        read_only: Never write.
        suffix: Of an index that is being built beside the one in use.
        read_blob: Reads from closed runs' packs; needed to read the series of those.

    Raises:
        NotFound: `read_only`, and there is no index yet (`index.missing`).
        Conflict: The database is another store's (`index.other_store`, `index.copied_store`).
        Unavailable: It cannot be opened now.
    """
    schema, folder = f"index_{SCHEMA}{suffix}", index_folder(root, suffix)
    is_server = _is_postgres(database)
    places: tuple[Path | str, Path | str] = (folder / "index.db", folder / "series.db")
    if database is not None and is_server:
        places = (database, database)
    with contextlib.ExitStack() as stack:
        catalog_database, series_database = (
            stack.enter_context(contextlib.closing(open_database(place, schema=schema, read_only=read_only)))
            for place in places
        )
        inode = 0 if is_server else _read_inode(folder / "index.db")
        if is_server and not suffix:  # one that is built aside becomes the store's when it is swapped in
            _check_store(catalog_database, root, may_claim=not read_only)
        index = _open_parts(catalog_database, series_database, inode, is_created=not read_only, read_blob=read_blob)
        if not index.catalog.has_tables():
            raise NotFound(
                f"the index at {catalog_database.address} has no tables yet: a process is about to build it. Run "
                f"`everbloom ls` as a user who may write there, or look again.",
                code="index.missing",
                path=catalog_database.address,
            )
        stack.pop_all()  # both stay open
    return index


def _check_store(database: Database, root: Path, *, may_claim: bool) -> None:
    if may_claim:
        with indexer_lock(database, root, name="schema", wait_s=30.0):
            claim_store(database, root)
    else:
        check_store(database, root)


def _read_inode(path: Path) -> int:
    try:
        return path.stat().st_ino
    except FileNotFoundError:
        return -1  # put away in this very moment: whoever compares finds that it was swapped


def open_empty_index() -> Index:
    """Open an index in memory with nothing in it, for a store where nothing was recorded yet."""
    catalog_database = open_database(Path(":memory:"))
    series_database = open_database(Path(":memory:"))
    return _open_parts(catalog_database, series_database, 0, is_created=True, read_blob=None)


def _open_parts(
    catalog_database: Database, series_database: Database, inode: int, *, is_created: bool, read_blob: ReadBlob | None
) -> Index:
    index = Index(
        catalog_database,
        series_database,
        Catalog(catalog_database),
        AttributeColumns(catalog_database),
        ConsoleStore(catalog_database),
        TextIndex(catalog_database),
        SeriesStore(series_database, read_blob=read_blob),
        Offsets(catalog_database, "catalog"),
        inode,
    )
    if is_created:
        _create_tables(index)
    return index


def _create_tables(index: Index) -> None:
    if index.catalog_database.engine == "sqlite":
        index.ensure_schema()
        return
    # PostgreSQL's `IF NOT EXISTS` fails where two create the same table at once.
    with indexer_lock(index.catalog_database, Path(), name="schema", wait_s=30.0):
        index.ensure_schema()
