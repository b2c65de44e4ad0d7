"""The points just outside of a window: where a line comes from, and where it goes.

With them a zoom between two points of a sparse series shows the line that crosses it. A series has at most two, and
only where a chart could show the difference: not beyond an edge that a point lies within a column of. Found by the
chunks' bounds, the nearest first, so mostly one chunk is decoded.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from everbloom.index.grid import Grid
from everbloom.index.pool import LoosePoints, Pool
from everbloom.index.ranks import Reduce, reduce_lines
from everbloom.index.reduce import Neighbour, SeriesEnvelope


class Sides(NamedTuple):
    """What is on either side of a window."""

    before: Neighbour | None = None
    after: Neighbour | None = None


def find_open_edges(
    grid: Grid, filled: NDArray[np.bool_], low: int | None, high: int | None, columns: int
) -> tuple[bool, bool]:
    """Tell whether a line has no point within a column of the window's left edge, and of its right one.

    Args:
        grid: The chart's; exact, it has fewer buckets than columns.
        filled: Which of its buckets have points of the line.
        low: The left edge; None = where the series begin.
        high: The right edge, likewise.
        columns: How many the window is wide.
    """
    at = np.flatnonzero(filled)
    if not len(at):
        return low is not None, high is not None
    first, last = int(grid.starts[at[0]]), int(grid.ends[at[-1]])
    width = ((last if high is None else high) - (first if low is None else low)) / columns
    return low is not None and first - low > width, high is not None and high - last > width


def find_sides(pool: Pool, *, is_left_open: bool, is_right_open: bool) -> Sides:
    """Return the last point before a pool's view and the first behind it; None where that is NaN or ±inf."""
    before = _find_nearest(pool, pool.view.low, sign=-1) if is_left_open else None
    after = _find_nearest(pool, pool.view.high, sign=1) if is_right_open else None
    return Sides(before, after)


def _find_nearest(pool: Pool, edge: int | None, *, sign: int) -> Neighbour | None:
    """Return the point beyond an edge that is nearest to it; `sign` is which way: -1 to lesser x, 1 to greater."""
    if edge is None:
        return None
    best = _keep_nearest(pool.points(), edge, sign)
    for bound, place, seq in sorted(_list_bounds(pool, edge, sign), key=lambda found: found[0] * sign):
        # One as near is read too: of points at one x the order decides.
        if len(best.x) and sign * (bound - int(best.x[0])) > 0:
            break
        best = _keep_nearest(_join(best, pool.read_chunk(place, seq)), edge, sign)
    if not len(best.x):
        return None
    order = np.lexsort((best.ordinal, best.writer, best.second))
    value = float(best.value[order[-1 if sign < 0 else 0]])
    return Neighbour(float(best.x[0]), value) if np.isfinite(value) else None


def _list_bounds(pool: Pool, edge: int, sign: int) -> list[tuple[int, int, int]]:
    """Return (nearest x to the edge that it may have beyond it, piece, number) of each chunk that reaches beyond."""
    found = []
    for place, seq, low, high in pool.list_chunks():
        nearest = min(high, edge - 1) if sign < 0 else max(low, edge + 1)
        if low <= nearest <= high:
            found.append((nearest, place, seq))
    return found


def _keep_nearest(points: LoosePoints, edge: int, sign: int) -> LoosePoints:
    beyond = points.take(points.x < edge if sign < 0 else points.x > edge)
    if not len(beyond.x):
        return beyond
    return beyond.take(beyond.x == (beyond.x.max() if sign < 0 else beyond.x.min()))


def _join(one: LoosePoints, other: LoosePoints) -> LoosePoints:
    names = LoosePoints.__dataclass_fields__
    return LoosePoints(*(np.concatenate([getattr(one, name), getattr(other, name)]) for name in names))


def join_sides(ranks: Sequence[SeriesEnvelope], line: SeriesEnvelope, how: Reduce, *, is_time: bool) -> SeriesEnvelope:
    """Give a line over ranks its neighbours, reduced as `ranks.join_ranks` reduces what lies within."""
    before = [(rank, rank.before) for rank in ranks if rank.before is not None]
    after = [(rank, rank.after) for rank in ranks if rank.after is not None]
    left = max((one.x for _, one in before), default=0.0)
    right = min((one.x for _, one in after), default=0.0)
    return replace(
        line,
        before=_reduce_at(left, [one for _, one in before if is_time or one.x == left], how),
        after=_reduce_at(right, [one if one.x == right else _find_latest(rank) for rank, one in after], how)
        if is_time
        else _reduce_at(right, [one for _, one in after if one.x == right], how),
    )


def _find_latest(rank: SeriesEnvelope) -> Neighbour | None:
    """Return what a rank that goes on behind the window counts with until then; None where it has not begun."""
    at = np.flatnonzero(np.isfinite(rank.last))
    if not len(at):
        return rank.before
    smoothed = None if rank.smoothed is None else float(rank.smoothed[at[-1]])
    return Neighbour(0.0, float(rank.last[at[-1]]), smoothed)


def _reduce_at(x: float, counting: Sequence[Neighbour | None], how: Reduce) -> Neighbour | None:
    known = [one for one in counting if one is not None]
    if not known:
        return None
    rows = [np.array([one.value, np.nan if one.smoothed is None else one.smoothed]) for one in known]
    value, smoothed = reduce_lines(lambda: rows, how).tolist()
    return Neighbour(x, value, None if known[0].smoothed is None else smoothed)
