"""Extremes of every 128 points, so that a chart of a million reads a few thousand numbers.

Per block of a sorted chunk: first and last value as they are, least and greatest that are not NaN (±inf
included; NaN if all are NaN), counts of NaN and ±inf, and the range of steps and of times. Kept raw: decoding
anything else would cost more than the 0.25 bytes a point that it takes.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from everbloom.index.chunks import Axis

BLOCK_ROWS = 128
LEVEL_BYTES = 32  # a block's first, last, min, max as float64
BOUND_BYTES = 32  # a block's low step, high step, low time, high time as int64
ODD_BYTES = 3  # a block's counts of NaN, +inf, -inf as uint8


@dataclass(frozen=True)
class Pyramid:
    """The blocks of one metric in one chunk.

    Attributes:
        levels: First, last, min, max of each block, little-endian float64, shape (blocks, 4).
        odd: Counts of NaN, +inf, -inf of each block, uint8, shape (blocks, 3); None if all are zero.
    """

    levels: bytes
    odd: bytes | None


def block_count(rows: int) -> int:
    """Return how many blocks a chunk of that many rows has."""
    return -(-rows // BLOCK_ROWS)


def build_bounds(axis: Axis) -> bytes:
    """Return the range of steps and times of each block of a sorted chunk, shape (blocks, 4), int64."""
    starts = np.arange(0, len(axis), BLOCK_ROWS)
    ends = np.minimum(starts + BLOCK_ROWS, len(axis)) - 1
    low, high = np.minimum.reduceat(axis.times, starts), np.maximum.reduceat(axis.times, starts)
    return np.stack([axis.steps[starts], axis.steps[ends], low, high], axis=1).astype("<i8").tobytes()


def build_pyramids(columns: NDArray[np.float64]) -> list[Pyramid]:
    """Build the blocks of several metrics of one sorted chunk.

    Args:
        columns: One metric a row, shape (k, n), n at least 1.
    """
    starts = np.arange(0, columns.shape[1], BLOCK_ROWS)
    ends = np.minimum(starts + BLOCK_ROWS, columns.shape[1]) - 1
    with np.errstate(invalid="ignore"):
        low = np.fmin.reduceat(columns, starts, axis=1)
        high = np.fmax.reduceat(columns, starts, axis=1)
    levels = np.stack([columns[:, starts], columns[:, ends], low, high], axis=2).astype("<f8")
    finite: list[bool] = np.all(np.isfinite(columns), axis=1).tolist()
    return [
        Pyramid(levels[i].tobytes(), None if finite[i] else _count_odd(column, starts))
        for i, column in enumerate(columns)
    ]


def _count_odd(column: NDArray[np.float64], starts: NDArray[np.intp]) -> bytes:
    kinds = np.stack([np.isnan(column), column == np.inf, column == -np.inf], axis=1)
    return np.add.reduceat(kinds.astype(np.uint8), starts, axis=0, dtype=np.uint8).tobytes()
