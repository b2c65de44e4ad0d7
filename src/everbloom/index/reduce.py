"""Reduction of a series to first, last, min and max per bucket, so that no spike is lost.

After M4 (Jugel et al., PVLDB 2014). What is reduced are *candidates*: points, and blocks that lie inside of
one bucket and stand for their points. Least, greatest and counts do not depend on order. First and last do:
between candidates of one chunk its rows decide, between chunks x does; where two chunks tie, only points can
tell, so tied blocks are named and the caller decodes them. Pure: arrays in, arrays out.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from everbloom.index.summary import without_sign_of_zero

IntArray = NDArray[np.int64]
FloatArray = NDArray[np.float64]
CountArray = NDArray[np.uint32]


@dataclass(frozen=True)
class Candidates:
    """Points, and blocks of points, of one series; all arrays have shape (n,), but `levels` and `odd`.

    Attributes:
        column: The bucket, 0 or greater.
        low: The least x.
        high: The greatest x; of a point the same.
        chunk: Which chunk it comes from.
        row: Its first row there.
        is_block: Whether it stands for several points.
        second: A point's other coordinate: time where x is a step, step where x is a time.
        writer: A point's writer, in the order of their ids.
        ordinal: A point's number within its writer's journal.
        count: How many points it stands for.
        levels: First, last, min, max, shape (n, 4), float64.
        odd: Counts of NaN, +inf, -inf, shape (n, 3).
    """

    column: IntArray
    low: IntArray
    high: IntArray
    chunk: IntArray
    row: IntArray
    is_block: NDArray[np.bool_]
    second: IntArray
    writer: IntArray
    ordinal: IntArray
    count: IntArray
    levels: FloatArray
    odd: IntArray

    def __len__(self) -> int:
        return len(self.column)


@dataclass(frozen=True)
class Neighbour:
    """The finite point of a series nearest to a window's edge, outside of it: a line is drawn from it, or to it.

    Attributes:
        x: In the units of the axis.
        value: As logged.
        smoothed: The smoothed value there; None if not asked for.
    """

    x: float
    value: float
    smoothed: float | None = None


@dataclass(frozen=True)
class SeriesEnvelope:
    """One series on the common grid of n buckets; NaN and 0 where a bucket has no points.

    Attributes:
        first: Value of the first point in the order of the axis; NaN and ±inf as logged. Shape (n,), float64.
        last: Value of the last point.
        min: Least value that is not NaN; NaN if all are.
        max: Greatest value that is not NaN.
        count: Points, shape (n,), uint32.
        nan: How many are NaN.
        pinf: How many are +inf.
        ninf: How many are -inf.
        smoothed: The smoothed value at the bucket's last finite point, float64; None if not asked for.
        before: The last point before the window, where none in it lies within a column of its edge.
        after: The first point behind it, likewise.
    """

    first: FloatArray
    last: FloatArray
    min: FloatArray
    max: FloatArray
    count: CountArray
    nan: CountArray
    pinf: CountArray
    ninf: CountArray
    smoothed: FloatArray | None = None
    before: Neighbour | None = None
    after: Neighbour | None = None


def find_tied_blocks(candidates: Candidates) -> NDArray[np.bool_]:
    """Return which candidates are blocks whose first or last point cannot be told from another chunk's."""
    tied = np.zeros(len(candidates), np.bool_)
    if _is_in_order(candidates):
        return tied
    for is_last in (False, True):
        rows = _across_chunks(candidates, _order(candidates, is_last=is_last), is_last=is_last)
        tied[rows] = True
    return tied & candidates.is_block


def reduce_candidates(candidates: Candidates, buckets: int) -> SeriesEnvelope:
    """Reduce candidates without tied blocks to one row per bucket."""
    order = None if _is_in_order(candidates) else _order(candidates, is_last=False)
    column = candidates.column if order is None else candidates.column[order]
    levels = candidates.levels if order is None else candidates.levels[order]
    first, last, low, high = np.full((4, buckets), np.nan)
    if len(column):
        heads = _heads(column)
        filled = column[heads]
        with np.errstate(invalid="ignore"):
            low[filled] = without_sign_of_zero(np.fmin.reduceat(levels[:, 2], heads))
            high[filled] = without_sign_of_zero(np.fmax.reduceat(levels[:, 3], heads))
        if order is None:
            first[filled] = levels[heads, 0]
            last[filled] = levels[np.append(heads[1:], len(column)) - 1, 1]
        else:
            first[filled] = candidates.levels[_pick(candidates, order, is_last=False), 0]
            last[filled] = candidates.levels[_pick(candidates, _order(candidates, is_last=True), is_last=True), 1]
    count = _add_up(candidates.count, candidates.column, buckets)
    nan, pinf, ninf = (_add_up(candidates.odd[:, i], candidates.column, buckets) for i in range(3))
    return SeriesEnvelope(first, last, low, high, count, nan, pinf, ninf)


def _add_up(counts: IntArray, column: IntArray, buckets: int) -> CountArray:
    if not counts.any():
        return np.zeros(buckets, np.uint32)
    return np.bincount(column, weights=counts, minlength=buckets).astype(np.uint32)


def _is_in_order(c: Candidates) -> bool:
    """Tell whether candidates already stand in the order of the axis, without ties between chunks."""
    risen = c.low[1:] > c.high[:-1]
    followed = (c.chunk[1:] == c.chunk[:-1]) & (c.row[1:] > c.row[:-1]) & (c.low[1:] >= c.high[:-1])
    return bool(np.all(risen | followed))


def _order(c: Candidates, *, is_last: bool) -> NDArray[np.intp]:
    return np.lexsort((c.row, c.chunk, c.high if is_last else c.low, c.column))


def _heads(column: IntArray) -> NDArray[np.intp]:
    return np.flatnonzero(np.append(True, column[1:] != column[:-1]))


def _extremes(c: Candidates, order: NDArray[np.intp], *, is_last: bool) -> tuple[NDArray[np.intp], IntArray]:
    """Return each bucket's first (or last) place in `order`, and each place's bucket counted from 0."""
    column = c.column[order]
    heads = _heads(column)
    number = np.repeat(np.arange(len(heads)), np.diff(np.append(heads, len(order))))
    ends = np.append(heads[1:], len(order)) - 1
    return (ends if is_last else heads), number


def _across_chunks(c: Candidates, order: NDArray[np.intp], *, is_last: bool) -> NDArray[np.intp]:
    """Return the candidates that tie for a bucket's first (or last) place with one of another chunk."""
    if not len(order):
        return order
    picked, number = _extremes(c, order, is_last=is_last)
    x = (c.high if is_last else c.low)[order]
    chunk = c.chunk[order]
    tied: NDArray[np.bool_] = x == x[picked][number]
    foreign = tied & (chunk != chunk[picked][number])
    mixed = np.zeros(len(picked), np.bool_)
    mixed[number[foreign]] = True
    chosen: NDArray[np.intp] = order[tied & mixed[number]]
    return chosen


def _pick(c: Candidates, order: NDArray[np.intp], *, is_last: bool) -> NDArray[np.intp]:
    """Return the first (or last) candidate of each bucket; ties between chunks are between points only."""
    picked, _ = _extremes(c, order, is_last=is_last)
    chosen = order[picked]
    tied = _across_chunks(c, order, is_last=is_last)
    if len(tied):
        keys = (c.row[tied], c.ordinal[tied], c.writer[tied], c.second[tied], c.column[tied])
        ranked = tied[np.lexsort(keys)]
        heads = _heads(c.column[ranked])
        best = ranked[np.append(heads[1:], len(ranked)) - 1] if is_last else ranked[heads]
        chosen[np.searchsorted(c.column[chosen], c.column[best])] = best
    return chosen
