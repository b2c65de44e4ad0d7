"""Attributes of a project's runs as column blocks in the database, with what is pending laid over them.

A run has a place (slot) in its project; block b holds the cells of places 4096 b to 4096 b + 4095. Rewriting a
block for each change would cost more than the change, so runs that changed stand in a *row overlay*, their
documents, until they are folded into the blocks many at a time. A reader sees both at one moment.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence

from everbloom.core.ids import RunId
from everbloom.index.blocks import BLOCK_RUNS, ColumnBuilder, patch_block
from everbloom.index.catalog import ProjectRow
from everbloom.index.columns import MISSING_CELL, Cell, Column
from everbloom.index.documents import Document, decode_document, get_cell, has_cell, to_cells
from everbloom.index.engine import Database
from everbloom.index.long_names import LongNames, to_stored

_TABLES = (
    """CREATE TABLE IF NOT EXISTS column_block (
        project {int} NOT NULL, key {text} NOT NULL, block {int} NOT NULL, payload {blob} NOT NULL,
        PRIMARY KEY (project, key, block))""",
    "CREATE INDEX IF NOT EXISTS column_block_place ON column_block (project, block)",
)

FOLD_AT_RUNS = 256  # so many ended runs are folded at once; fewer wait for a minute
FOLD_AFTER_US = 60_000_000


class AttributeColumns:
    """Column blocks in one database; shares the catalog's connection and transactions."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self._long_names = LongNames(database)

    def ensure_schema(self) -> None:
        """Create the tables that are missing."""
        self.database.create(*_TABLES)
        self.database.keep_uncompressed("column_block", "payload")
        self._long_names.ensure_schema()

    def find_due(self, now_us: int, *, is_forced: bool = False) -> list[int]:
        """Return the projects whose pending runs are to be folded now: many, or one that has waited for a minute."""
        due = self.database.execute(
            "SELECT project, COUNT(*), MIN(pending_since) FROM run WHERE pending_since IS NOT NULL GROUP BY project"
        )
        return [
            project
            for project, count, since in due
            if is_forced or count >= FOLD_AT_RUNS or not 0 <= now_us - since < FOLD_AFTER_US
        ]

    def fold_block(self, project: int) -> list[tuple[RunId, Document]] | None:
        """Fold what is pending in one block of a project, within the caller's transaction.

        Returns:
            The runs that were folded, with their documents; None where nothing is pending.
        """
        first = self.database.execute(
            "SELECT MIN(slot) FROM run WHERE project = ? AND pending_since IS NOT NULL", (project,)
        )[0][0]
        if first is None:
            return None
        block = first // BLOCK_RUNS
        place = (project, block * BLOCK_RUNS, (block + 1) * BLOCK_RUNS)
        pending = "project = ? AND slot >= ? AND slot < ? AND pending_since IS NOT NULL"
        rows = self.database.execute(
            f"SELECT slot, was_folded, document, id, id_reversed FROM run WHERE {pending} ORDER BY slot", place
        )
        found = [(slot % BLOCK_RUNS, bool(was), decode_document(data)) for slot, was, data, _, _ in rows]
        (slots,) = self.database.execute("SELECT slots FROM project WHERE id = ?", (project,))[0]
        self._fold_block(project, block, found, min(BLOCK_RUNS, slots - block * BLOCK_RUNS))
        # A place that a run has left is empty in the blocks now; nothing needs to remember it.
        self.database.execute(f"DELETE FROM run WHERE {pending} AND id_reversed = ''", place)
        self.database.execute(f"UPDATE run SET pending_since = NULL, was_folded = 1 WHERE {pending}", place)
        documents = [document for _, _, document in found]
        return [(RunId(row[3]), document) for row, document in zip(rows, documents, strict=True) if row[4]]

    def _fold_block(self, project: int, block: int, places: list[tuple[int, bool, Document]], size: int) -> None:
        cells: defaultdict[str, dict[int, Cell]] = defaultdict(dict)
        for place, _, document in places:
            for key, cell in to_cells(document).items() if document.attributes else ():
                cells[key][place] = cell
        self._long_names.remember(cells)
        cells = defaultdict(dict, {to_stored(key): by_place for key, by_place in cells.items()})
        refolded = [place for place, was_folded, _ in places if was_folded]
        keys = set(cells)
        if refolded:  # such a run may have lost a key that the block still holds
            known = self.database.execute(
                "SELECT key FROM column_block WHERE project = ? AND block = ?", (project, block)
            )
            keys.update(key for (key,) in known)
        for part in _chunked(sorted(keys), 200):
            old = self._read_payloads(project, block, part)
            fresh = []
            for key in part:
                patch = cells.get(key, {})
                where = sorted(patch.keys() | set(refolded))
                payload = patch_block(
                    old.get(key, b""), size, where, (patch.get(place, MISSING_CELL) for place in where)
                )
                if payload != old.get(key):
                    fresh.append((project, key, block, payload))
            self.database.execute_many(
                "INSERT INTO column_block (project, key, block, payload) VALUES (?, ?, ?, ?) "
                "ON CONFLICT (project, key, block) DO UPDATE SET payload = excluded.payload",
                [row for row in fresh if row[3]],
            )
            self.database.execute_many(
                "DELETE FROM column_block WHERE project = ? AND key = ? AND block = ?",
                [row[:3] for row in fresh if not row[3]],
            )

    def _read_payloads(self, project: int, block: int, keys: Sequence[str]) -> dict[str, bytes]:
        marks = ", ".join("?" * len(keys))
        return dict(
            self.database.execute(
                f"SELECT key, payload FROM column_block WHERE project = ? AND block = ? AND key IN ({marks})",
                (project, block, *keys),
            )
        )

    def read_keys(self, projects: Sequence[int]) -> list[str]:
        """Return every attribute key that a run of these projects has, sorted."""
        keys: set[str] = set()
        for project in projects:
            known = self.database.execute("SELECT DISTINCT key FROM column_block WHERE project = ?", (project,))
            whole = self._long_names.expand(key for (key,) in known)
            keys.update(whole.get(str(key), str(key)) for (key,) in known)
            for _, document in self.read_overlay(project):
                keys.update(to_cells(document))
        return sorted(keys)

    def read_overlay(self, project: int) -> list[tuple[int, Document]]:
        """Return (slot, document) of a project's runs whose blocks are out of date."""
        rows = self.database.execute(
            "SELECT slot, document FROM run WHERE project = ? AND pending_since IS NOT NULL ORDER BY slot", (project,)
        )
        return [(slot, decode_document(data)) for slot, data in rows]

    def read_column(self, project: ProjectRow, key: str, builder: ColumnBuilder, at: int) -> None:
        """Add a project's blocks of a key to a column under construction, its place 0 at run `at`."""
        rows = self.database.execute(
            "SELECT block, payload FROM column_block WHERE project = ? AND key = ?", (project.id, to_stored(key))
        )
        for block, payload in rows:
            builder.add_block(payload, at + block * BLOCK_RUNS)


class ColumnSnapshot:
    """Columns over all runs of some projects, one place a slot, as they were at one moment.

    Use within `database.snapshot()`. Places without a run are empty in every column; `created` is filled for every
    run and so tells which places hold one.

    Attributes:
        size: How many places there are.
        starts: Where each project's places begin.
    """

    def __init__(self, columns: AttributeColumns, projects: Sequence[ProjectRow]) -> None:
        self._columns = columns
        self._projects = list(projects)
        self.starts: list[int] = []
        self.size = 0
        self._overlay: list[tuple[int, Document]] = []
        for project in self._projects:
            self.starts.append(self.size)
            self._overlay += [(self.size + slot, document) for slot, document in columns.read_overlay(project.id)]
            self.size += project.slots
        self._remembered: dict[str, Column | None] = {}

    def read_column(self, key: str) -> Column | None:
        """Return the column of a key; None where no run has it."""
        if key not in self._remembered:
            builder = ColumnBuilder(self.size)
            for project, start in zip(self._projects, self.starts, strict=True):
                self._columns.read_column(project, key, builder, start)
            if self._overlay:
                places = [place for place, _ in self._overlay]
                builder.set_cells(places, [_overlay_cell(document, key) for _, document in self._overlay])
            self._remembered[key] = builder.build()
        return self._remembered[key]

    @property
    def cells(self) -> int:
        """How many cells of columns are remembered."""
        return self.size * len(self._remembered)

    def to_place(self, index: int) -> tuple[int, int]:
        """Return (project, slot) of a place."""
        for project, start in zip(reversed(self._projects), reversed(self.starts), strict=True):
            if index >= start:
                return project.id, index - start
        raise IndexError(index)


def _overlay_cell(document: Document, key: str) -> Cell:
    return get_cell(document, key) if document.attributes and has_cell(document, key) else MISSING_CELL


def _chunked(keys: list[str], size: int) -> Iterator[list[str]]:
    for start in range(0, len(keys), size):
        yield keys[start : start + size]
