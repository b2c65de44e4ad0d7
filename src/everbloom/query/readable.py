"""An open index as one caller may see it: only projects that are readable are ever opened, counted or named.

Permission is settled here, before anything is evaluated, so that counts, completions and excerpts cannot tell of
what may not be read. Columns that were read are kept while the catalog's version stands, up to a bound.
"""

import contextlib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from everbloom.core.clock import now_us
from everbloom.core.errors import NotFound
from everbloom.core.ids import RunId, WriterId
from everbloom.index.attribute_columns import ColumnSnapshot
from everbloom.index.catalog import ProjectRow, RunRow
from everbloom.index.columns import HAS_NUMBER, Column
from everbloom.index.store import Index
from everbloom.ingest.fold import Sighting, fold_items
from everbloom.ingest.runs import to_items
from everbloom.query.views import Run, RunSource

_KEPT_CELLS = 64_000_000  # columns of 1,000,000 runs are kept 64 at a time, some 1 GB at worst


class StoredRuns:
    """The columns of some projects' runs; a `ColumnSource`, to be used within one database snapshot.

    Attributes:
        n: How many places there are; `present` tells which hold a run.
        now_us: What relative times count from.
    """

    def __init__(self, index: Index, snapshot: ColumnSnapshot, projects: Sequence[ProjectRow], now: int) -> None:
        self.n = snapshot.size
        self.now_us = now
        self._index = index
        self._snapshot = snapshot
        self._starts = {project.id: start for project, start in zip(projects, snapshot.starts, strict=True)}

    def column(self, key: str) -> Column | None:
        """Return the column of a key; None where no run has it."""
        return self._snapshot.read_column(key)

    def console_matches(self, text: str) -> NDArray[np.bool_]:
        """Return whose console holds the text, in any case."""
        mask = np.zeros(self.n, np.bool_)
        for project, slot in self._index.catalog.find_places(sorted(self._index.console.find_runs(text))):
            if project in self._starts:
                mask[self._starts[project] + slot] = True
        return mask

    @property
    def present(self) -> NDArray[np.bool_]:
        """Which places hold a run, shape (n,); a fresh array."""
        created = self.column("created")
        if created is None:
            return np.zeros(self.n, np.bool_)
        present: NDArray[np.bool_] = (created.kinds & HAS_NUMBER) != 0
        return present

    def places(self, rows: NDArray[np.int64]) -> list[tuple[int, int]]:
        """Return (project, slot) of rows."""
        return [self._snapshot.to_place(int(row)) for row in rows]


class ReadableIndex:
    """What one caller may read of an index; one thread at a time.

    Args:
        index: Open.
        root: The store's folder.
        namespaces: Those that the caller may read; None = all.
        source: Where its runs read on.
    """

    def __init__(self, index: Index, root: Path, namespaces: frozenset[str] | None, source: RunSource) -> None:
        self.index = index
        self.root = root
        self._namespaces = namespaces
        self._source = source
        self._kept: dict[tuple[int, ...], ColumnSnapshot] = {}
        self._kept_version = -1

    def can_read(self, namespace: str) -> bool:
        """Tell whether the caller may read a namespace."""
        return self._namespaces is None or namespace in self._namespaces

    def read_projects(self) -> list[ProjectRow]:
        """Return the readable projects, by namespace and name."""
        return [project for project in self.index.catalog.read_projects() if self.can_read(project.namespace)]

    def read_keys(self, projects: Sequence[ProjectRow]) -> list[str]:
        """Return the attribute keys that runs of readable projects have; of a metric the last value comes first."""
        keys = self.index.columns.read_keys([project.id for project in projects])
        return sorted(keys, key=lambda key: (key.startswith("metrics.") and not key.endswith(".last"), key))

    @contextlib.contextmanager
    def open_columns(self, projects: Sequence[ProjectRow], *, now: int | None = None) -> Iterator[StoredRuns]:
        """Open the columns of some readable projects, as they are at one moment.

        Args:
            projects: Whose runs.
            now: What relative times count from, in microseconds; None = now.
        """
        with self.index.catalog_database.snapshot():
            snapshot = self._ensure_snapshot(projects)
            yield StoredRuns(self.index, snapshot, projects, now_us() if now is None else now)
            if snapshot.cells > _KEPT_CELLS:
                self.forget_columns()

    def forget_columns(self) -> None:
        """Drop the columns that are kept, as a new version of the catalog does."""
        self._kept.clear()

    def _ensure_snapshot(self, projects: Sequence[ProjectRow]) -> ColumnSnapshot:
        version = self.index.catalog.read_version()
        if version != self._kept_version:
            self.forget_columns()
            self._kept_version = version
        key = tuple(project.id for project in projects)
        if key not in self._kept:
            if len(self._kept) >= 8:
                self.forget_columns()
            self._kept[key] = ColumnSnapshot(self.index.columns, projects)
        return self._kept[key]

    def to_run(self, row: RunRow) -> Run:
        """Return the run of a catalog row."""
        return Run(row.id, row.document.attributes, row.document.metrics, self._source)

    def read_rows(self, runs: StoredRuns, rows: NDArray[np.int64]) -> list[Run]:
        """Return the runs in rows of columns, in that order."""
        return [self.to_run(row) for row in self.index.catalog.read_places(runs.places(rows))]

    def read_run(self, run: str) -> Run:
        """Return one run.

        Raises:
            NotFound: There is none, or the caller may not read it (`run.unknown`).
        """
        found = self.read_runs([run])
        if not found:
            raise NotFound(
                f"run {run} is not among the runs that can be read here; `everbloom ls` lists them.",
                code="run.unknown",
                run=run,
            )
        return found[0]

    def read_runs(self, runs: Iterable[str]) -> list[Run]:
        """Return those of the runs that are there and readable, in the order asked for, each once."""
        wanted = [RunId(run) for run in dict.fromkeys(runs)]
        rows = self.index.catalog.read_runs(wanted)
        return self.to_readable(rows[run] for run in wanted if run in rows)

    def to_readable(self, rows: Iterable[RunRow]) -> list[Run]:
        """Return the runs of those rows that the caller may read."""
        return [self.to_run(row) for row in rows if self.can_read(str(row.document.attributes.get("namespace", "")))]

    def read_cutoffs(self, runs: Iterable[str]) -> dict[WriterId, int]:
        """Return, by writer, the step beyond which points no longer count."""
        cutoffs: dict[WriterId, int] = {}
        for run in runs:
            items = to_items(self.index.catalog.read_controls(RunId(run), ("start", "rewind")))
            cutoffs.update(fold_items(items, Sighting()).cutoffs)
        return cutoffs
