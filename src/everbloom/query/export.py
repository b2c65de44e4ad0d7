"""A whole table of runs as plain cells, for a file: all matches in their order, a block of rows at a time.

The columns are read once and the order is made once; what follows needs neither the database nor a reader, so whoever
takes the rows may be as slow as a download is.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from everbloom.index.columns import MISSING_CELL, Cell, Column, cell_at
from everbloom.query.language.keys import Key
from everbloom.query.order import order_rows
from everbloom.query.readable import ReadableIndex
from everbloom.query.scope import match_runs, plan_query
from everbloom.query.views import RunQuery

__all__ = ["Cell", "RunCells", "read_cells"]

BLOCK_ROWS = 500


@dataclass(frozen=True)
class RunCells:
    """Cells of runs: `rows` in their order, and the columns that they are places in; None where no run has a key."""

    rows: NDArray[np.int64]
    columns: list[Column | None]

    def __len__(self) -> int:
        return len(self.rows)

    def iter_blocks(self, rows: int = BLOCK_ROWS) -> Iterator[list[list[Cell]]]:
        """Yield runs as lists of cells, so many at a time; None where a run has no value."""
        for start in range(0, len(self.rows), rows):
            part = self.rows[start : start + rows].tolist()
            by_column = [[_read(column, row) for row in part] for column in self.columns]
            yield [list(cells) for cells in zip(*by_column, strict=True)]


def read_cells(readable: ReadableIndex, query: RunQuery, columns: Sequence[Key]) -> RunCells:
    """Read all cells of what a query matches, in its order; its offset and limit do not count.

    Raises:
        InvalidInput: The filter or the order cannot be read.
    """
    plan = plan_query(readable, query)
    with readable.open_columns(plan.inside) as runs:
        rows = order_rows(match_runs(plan, runs), plan.order, runs)
        return RunCells(rows, [runs.column(key.column) for key in columns])


def _read(column: Column | None, row: int) -> Cell:
    cell = None if column is None else cell_at(column, row)
    return None if cell is MISSING_CELL else cell
