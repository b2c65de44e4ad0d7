"""`eb.runs` and `eb.run`: reading from Python, over the store of the settings in force.

Each thread keeps one reader open for the store it last asked, caught up at every call; the runs that it gave read on
through it. A forked child opens its own.
"""

import os
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, overload

from everbloom.core.errors import InvalidInput, NotFound
from everbloom.core.extras import import_optional
from everbloom.core.records import Direction
from everbloom.core.settings import Settings, load_settings
from everbloom.index.documents import HAYSTACK, Document, to_cells
from everbloom.query.compare import choose_direction
from everbloom.query.reader import Reader, open_reader
from everbloom.query.views import Run, RunQuery

__all__ = ["Runs", "run", "runs"]


class Runs(Sequence[Run]):
    """Runs that were found, in order.

    Attributes:
        elsewhere: How many runs match in other namespaces and projects, by `namespace/project`.
        total: How many match; more than there are where a limit was given.
    """

    def __init__(self, found: Sequence[Run], *, total: int, elsewhere: dict[str, int]) -> None:
        self._found = tuple(found)
        self.total = total
        self.elsewhere = elsewhere

    def __len__(self) -> int:
        return len(self._found)

    @overload
    def __getitem__(self, index: int) -> Run: ...

    @overload
    def __getitem__(self, index: slice) -> "Runs": ...

    def __getitem__(self, index: int | slice) -> "Run | Runs":
        if isinstance(index, slice):
            return Runs(self._found[index], total=self.total, elsewhere=self.elsewhere)
        return self._found[index]

    def __iter__(self) -> Iterator[Run]:
        return iter(self._found)

    def __repr__(self) -> str:
        names = ", ".join(found.name for found in self._found[:5])
        more = ", …" if len(self) > 5 else ""
        return f"<Runs {len(self)} of {self.total}: {names}{more}>"

    def best(self, metric: str, direction: Direction | None = None) -> Run:
        """Return the run that is best by a metric; of equals the one that was created first.

        Args:
            metric: The metric's name.
            direction: Which way is better, `min` or `max`; None = as the runs state, else as the name suggests.

        Raises:
            NotFound: None of the runs has a number for it (`metric.unknown`).
            InvalidInput: Nothing says which way is better (`metric.no_direction`).
        """
        having = [found for found in self._found if metric in found.metrics]
        chosen = direction or choose_direction(metric, (found.metrics[metric] for found in having))[0]
        if having and chosen not in ("min", "max"):
            raise InvalidInput(
                f"best({metric!r}): the name does not say which way is better, no run states it, and direction is "
                f"{direction!r}; give direction='min' or 'max'.",
                code="metric.no_direction",
                metric=metric,
            )
        values = [(float(getattr(found.metrics[metric], chosen or "last")), found) for found in having]
        numbers = [(value, found) for value, found in values if value == value]  # NaN differs from itself
        if not numbers:
            raise NotFound(
                f"none of the {len(self)} runs has a number for metric {metric!r}; look at `.summary` of one.",
                code="metric.unknown",
                metric=metric,
            )
        sign = 1 if chosen == "min" else -1
        return min(numbers, key=lambda pair: (sign * pair[0], pair[1].created_at, pair[1].id))[1]

    def to_columns(self) -> dict[str, list[Any]]:
        """Return one list a key of the filter language, one value a run, None where it has none; times in UTC."""
        rows = [_to_row(found) for found in self._found]
        keys = dict.fromkeys(key for row in rows for key in row)
        return {key: [row.get(key) for row in rows] for key in keys}

    def to_pandas(self) -> Any:
        """Return a pandas `DataFrame`, a row a run, a column a key of the filter language."""
        return import_optional("pandas", purpose="to_pandas()").DataFrame(self.to_columns())

    def to_polars(self) -> Any:
        """Return a polars `DataFrame`; a column of mixed types becomes text."""
        return import_optional("polars", purpose="to_polars()").DataFrame(_even_out(self.to_columns()))

    def to_arrow(self) -> Any:
        """Return an Arrow table; a column of mixed types becomes text."""
        return import_optional("pyarrow", purpose="to_arrow()").table(_even_out(self.to_columns()))


def _to_row(found: Run) -> dict[str, Any]:
    cells: dict[str, Any] = to_cells(Document(dict(found.attributes), dict(found.metrics)))
    del cells[HAYSTACK]
    cells["created"] = found.created_at
    if found.ended_at is not None:
        cells["ended"] = found.ended_at
    return cells


def _even_out(columns: dict[str, list[Any]]) -> dict[str, list[Any]]:
    """Return columns of one type each, as column stores want them: mixed numbers as floats, else all as text."""
    return {key: _even_out_column(cells) for key, cells in columns.items()}


def _even_out_column(cells: list[Any]) -> list[Any]:
    kinds = {type(cell) for cell in cells if cell is not None}
    if len(kinds) <= 1:
        return cells
    if kinds == {int, float}:
        return [None if cell is None else float(cell) for cell in cells]
    return [None if cell is None else str(cell) for cell in cells]


_readers = threading.local()


def runs(
    filter: str = "",
    *,
    sort: str = "-created",
    project: str | None = None,
    namespace: str | None = None,
    limit: int | None = None,
    root: str | Path | None = None,
) -> Runs:
    """Find runs.

    Args:
        filter: In the filter language, such as `metrics.val/acc.max > 0.9 and params.lr < 1e-3`.
        sort: Keys by comma, `-` before a descending one.
        project: Only of this one; None = the current project, all where there is none.
        namespace: Only of this one; None = that of the settings.
        limit: At most so many; None = all.
        root: The store's folder; None = that of the settings.

    Raises:
        InvalidInput: The filter or the order cannot be read; says where and what would fit.
        Unavailable: The store cannot be read.
    """
    reader = _ensure_reader(root)
    settings = reader.settings
    query = RunQuery(
        filter=filter,
        namespace=namespace or settings.namespace,
        project=project or settings.project,
        sort=sort,
        limit=limit,
    )
    page = reader.list_runs(query)
    return Runs(page.runs, total=page.total, elsewhere=page.elsewhere)


def run(reference: str, *, project: str | None = None, root: str | Path | None = None) -> Run:
    """Return the run that a reference means: a full id, a name, or at least 6 hex digits of an id's end.

    Of several that fit it is the newest, first of the current project.

    Raises:
        NotFound: None fits (`run.unknown`); names what is close.
    """
    reader = _ensure_reader(root)
    return reader.find_run(reference, project=project or reader.settings.project).run


def _ensure_reader(root: str | Path | None) -> Reader:
    """Return this thread's reader of a store, caught up."""
    settings = load_settings(root=root)
    key: tuple[int, Settings] = (os.getpid(), settings)
    known: tuple[tuple[int, Settings], Reader] | None = getattr(_readers, "open", None)
    if known is not None and known[0] == key:
        known[1].refresh()
        return known[1]
    reader = open_reader(settings)
    _readers.open = (key, reader)
    return reader
