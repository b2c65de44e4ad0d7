"""What the filter language is evaluated on: columns of n runs, whoever holds them.

A protocol, because the same evaluation serves the index on disk, rows that are still live, and tests.
"""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from everbloom.index.columns import Column


class ColumnSource(Protocol):
    """Columns of `n` runs, row i the same run in each."""

    @property
    def n(self) -> int:
        """How many runs there are."""
        ...

    @property
    def now_us(self) -> int:
        """The moment that relative times count from; the same for a whole evaluation."""
        ...

    def column(self, key: str) -> Column | None:
        """Return the column of a flat key such as `metrics.val/acc.max`; None where no run has it.

        The column `haystack` holds what bare words search: one text a run, already folded.
        """
        ...

    def console_matches(self, text: str) -> NDArray[np.bool_]:
        """Return, shape (n,), whose console holds the text in any case; a run that printed nothing has none."""
        ...
