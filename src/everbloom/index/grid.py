"""The common grid of a chart: buckets of x, the same for all of its series.

Where the series have no more distinct x than there are columns, each x is a bucket and the chart is exact.
Otherwise buckets are equally wide, moved by at most an eighth of a width to where a full chunk's block begins:
a block inside of one bucket need not be decoded. Blocks of full chunks fall where the journal says, so the
grid does not depend on how the rows came in.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

IntArray = NDArray[np.int64]
FloatArray = NDArray[np.float64]

_SNAP = 1 / 8  # of a bucket's width; unseen on a screen, where a bucket is a pixel


@dataclass(frozen=True)
class Grid:
    """Buckets in rising order.

    Attributes:
        starts: The least x of each bucket, shape (n,), int64.
        ends: The greatest x of each bucket, shape (n,), int64.
    """

    starts: IntArray
    ends: IntArray

    def __len__(self) -> int:
        return len(self.starts)

    @property
    def x(self) -> FloatArray:
        """The middle of each bucket; of a bucket of one x, that x."""
        return self.starts.astype(np.float64) / 2 + self.ends.astype(np.float64) / 2

    def column_of(self, x: IntArray) -> NDArray[np.int64]:
        """Return the bucket of each x; -1 before the first, `len(self)` behind the last."""
        columns = np.searchsorted(self.starts, x, side="right") - 1
        if len(self):
            columns[x > self.ends[-1]] = len(self)
        return columns.astype(np.int64)


def exact_grid(xs: IntArray) -> Grid:
    """Return a grid with one bucket for each distinct x, given in rising order."""
    return Grid(xs, xs)


def uniform_grid(low: int, high: int, columns: int, snaps: IntArray) -> Grid:
    """Return at most `columns` buckets from `low` to `high`, both included.

    Args:
        low: The least x.
        high: The greatest x, at least `low`.
        columns: At least 1.
        snaps: Where bucket borders may move to, rising.
    """
    span = high - low + 1
    columns = min(columns, span)
    if span * columns < 1 << 62:
        starts = low + span * np.arange(columns) // columns
    else:  # beyond int64 on the way
        starts = np.array([low + span * i // columns for i in range(columns)], np.int64)
    if len(snaps) and columns > 1:
        starts[1:] = _snap(starts[1:], snaps, span / columns)
    return Grid(starts, np.append(starts[1:] - 1, np.int64(high)))


def _snap(borders: IntArray, snaps: IntArray, width: float) -> IntArray:
    right = np.minimum(np.searchsorted(snaps, borders), len(snaps) - 1)
    left = np.maximum(right - 1, 0)
    to_left = np.abs(snaps[left].astype(np.float64) - borders)
    to_right = np.abs(snaps[right].astype(np.float64) - borders)
    nearest = np.where(to_left <= to_right, snaps[left], snaps[right])
    return np.where(np.minimum(to_left, to_right) <= width * _SNAP, nearest, borders)
