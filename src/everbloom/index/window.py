"""A window of several series for a chart: one common grid, first, last, min, max per bucket, smoothed if asked.

The same points give the same window however they were appended, compacted or packed: the grid depends on
them alone (`grid.py`), and the reduction is exact (`reduce.py`).
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from everbloom.core.errors import InvalidInput
from everbloom.core.ids import RunId
from everbloom.index.chunks import join_axes
from everbloom.index.grid import Grid, exact_grid, uniform_grid
from everbloom.index.neighbours import Sides, find_open_edges, find_sides, join_sides
from everbloom.index.pieces import (
    NO_SHARES,
    Cutoffs,
    Piece,
    PieceReader,
    Shares,
    bound,
    has_points,
    keep_rank,
    read_pieces_of,
)
from everbloom.index.pool import INT64_MAX, INT64_MIN, Pool, View
from everbloom.index.ranks import Reduce, check_reduce, join_ranks
from everbloom.index.reduce import SeriesEnvelope, find_tied_blocks, reduce_candidates
from everbloom.index.smooth import lookback, smooth

COLUMNS_MAX = 100_000


class SeriesKey(NamedTuple):
    """A series: one metric of one source of a run, or of all of them as a line with a band.

    Attributes:
        rank: Whose points; None = of the lowest rank that has points which count.
        reduce: What the line of all ranks is; `rank` is None then. See `ranks.join_ranks`.
    """

    run: RunId
    metric: str
    rank: int | None = None
    reduce: Reduce | None = None


@dataclass(frozen=True)
class Window:
    """What part of series is asked for, and at what width.

    Attributes:
        axis: What x is: the step, the time, or the time since `started` of the run, both in microseconds.
        low: The least x; None = where the series begin.
        high: The greatest x; None = where they end.
        columns: The most buckets to return, 1 to 100,000; a chart's width in device pixels.
        started: Where the relative axis has its 0 for each run and for those that it shares points with, UTC
            microseconds.
        smoothing: The weight of `smooth.smooth`, at least 0 and below 1; None = not smoothed.
    """

    axis: Literal["step", "time", "relative"] = "step"
    low: int | None = None
    high: int | None = None
    columns: int = 1200
    started: Mapping[RunId, int] = field(default_factory=dict)
    smoothing: float | None = None

    def __post_init__(self) -> None:
        _check(1 <= self.columns <= COLUMNS_MAX, f"columns = {self.columns}; 1 to {COLUMNS_MAX} are allowed")
        _check(
            self.smoothing is None or 0 <= self.smoothing < 1,
            f"smoothing = {self.smoothing}; it must be at least 0 and below 1",
        )
        _check(
            self.low is None or self.high is None or self.low <= self.high,
            f"low = {self.low} is above high = {self.high}; swap them",
        )


def _check(holds: bool, message: str) -> None:
    if not holds:
        raise InvalidInput(f"a window was asked for with {message}.", code="window.invalid")


@dataclass(frozen=True)
class Envelope:
    """Several series on one grid of n buckets, n at most the columns asked for.

    Attributes:
        x: The middle of each bucket, exactly the points' x where a bucket has one x. Shape (n,), float64.
        starts: The least x of each bucket, shape (n,), int64.
        ends: The greatest x of each bucket, shape (n,), int64.
        series: As asked for, in that order; buckets without points have count 0 and NaN.
        ranks: Of each series, the ranks that it was read from, rising; none where it has no points.
    """

    x: NDArray[np.float64]
    starts: NDArray[np.int64]
    ends: NDArray[np.int64]
    series: tuple[SeriesEnvelope, ...]
    ranks: tuple[tuple[int, ...], ...] = ()

    @property
    def is_exact(self) -> bool:
        """Whether each bucket holds one x: nothing was reduced."""
        return bool((self.starts == self.ends).all())


def read_envelope(
    reader: PieceReader,
    requests: Sequence[SeriesKey],
    window: Window,
    cutoffs: Cutoffs,
    shares: Shares = NO_SHARES,
) -> Envelope:
    """Reduce series to a common grid; rewound points take no part, those shared with other runs do.

    Raises:
        InvalidInput: The relative axis, and a run's start is not given (`window.started`).
    """
    found = [_open_pools(reader, key, window, cutoffs, shares) for key in requests]
    grid = _plan_grid([pool for pools in found for pool in pools.values()], window)
    series = (_reduce_all(key, list(pools.values()), grid, window) for key, pools in zip(requests, found, strict=True))
    return Envelope(grid.x, grid.starts, grid.ends, tuple(series), tuple(map(tuple, found)))


def _open_pools(
    reader: PieceReader, key: SeriesKey, window: Window, cutoffs: Cutoffs, shares: Shares
) -> dict[int, Pool]:
    """Open a series by rank: of one rank, but where a reduction of all of them is asked for."""
    check_reduce(key.rank, key.reduce)
    pieces = read_pieces_of(reader.database, key.run, shares, [key.metric], key.rank)
    limits = bound(key.run, shares, cutoffs)
    counting = [piece for piece in pieces if has_points(piece, limits)]
    if key.reduce is None and key.rank is None:
        counting = keep_rank(counting, limits)
    view = View(window.axis != "step", _find_origins(key.run, pieces, window), window.low, window.high)
    ranks = sorted({piece.rank for piece in counting})
    return {rank: Pool(reader, [p for p in counting if p.rank == rank], view, limits) for rank in ranks}


def _find_origins(run: RunId, pieces: Sequence[Piece], window: Window) -> Mapping[RunId, int]:
    if window.axis != "relative":
        return {}
    for needed in (run, *(piece.run for piece in pieces)):
        if needed not in window.started:
            raise InvalidInput(
                f"the relative axis was asked for without the start of run {needed}; give it in `started`.",
                code="window.started",
                run=needed,
            )
    return window.started


def _reduce_all(key: SeriesKey, pools: Sequence[Pool], grid: Grid, window: Window) -> SeriesEnvelope:
    if not pools:
        return _reduce_nothing(grid, window)
    ranks = [_reduce(pool, grid) for pool in pools]
    filled = np.logical_or.reduce([rank.count > 0 for rank in ranks])
    left, right = find_open_edges(grid, filled, window.low, window.high, window.columns)
    ranks = [
        _complete(pool, rank, find_sides(pool, is_left_open=left, is_right_open=right), grid, window)
        for pool, rank in zip(pools, ranks, strict=True)
    ]
    if key.reduce is None:
        return ranks[0]
    is_time = window.axis != "step"
    return join_sides(ranks, join_ranks(ranks, key.reduce, is_time=is_time), key.reduce, is_time=is_time)


def _reduce_nothing(grid: Grid, window: Window) -> SeriesEnvelope:
    gap, none = np.full(len(grid), np.nan), np.zeros(len(grid), np.uint32)
    return SeriesEnvelope(gap, gap, gap, gap, none, none, none, none, None if window.smoothing is None else gap)


def _plan_grid(pools: list[Pool], window: Window) -> Grid:
    starts = [_block_starts(pool) for pool in pools]  # first, as blocks may be decoded below
    xs = _distinct_x(pools, window)
    if xs is not None:
        return exact_grid(xs)
    low = window.low if window.low is not None else min(_extent(pool)[0] for pool in pools)
    high = window.high if window.high is not None else max(_extent(pool)[1] for pool in pools)
    low, high = max(low, INT64_MIN), min(high, INT64_MAX)
    return uniform_grid(low, high, window.columns, max(starts, key=len))


def _extent(pool: Pool) -> tuple[int, int]:
    x = np.concatenate([pool.blocks.low, pool.blocks.high, pool.points().x])
    return (int(x.min()), int(x.max())) if len(x) else (INT64_MAX, INT64_MIN)


def _block_starts(pool: Pool) -> NDArray[np.int64]:
    """Return where full chunks' blocks begin, where all before them lies before: good borders for buckets.

    Only full chunks, as those alone do not depend on how far a series was compacted.
    """
    low, high = pool.blocks.low[pool.blocks.is_full], pool.blocks.high[pool.blocks.is_full]
    if not len(low):
        return low
    starts: NDArray[np.int64] = low[1:][low[1:] > np.maximum.accumulate(high)[:-1]]
    return starts


def _distinct_x(pools: list[Pool], window: Window) -> NDArray[np.int64] | None:
    """Return the distinct x of all points in the window, or None if they are more than its columns.

    Blocks are decoded only when their borders alone do not exceed the columns.
    """
    if any(_count_borders(pool, window) > window.columns for pool in pools):
        return None
    for pool in pools:
        pool.decode(pool.blocks.low < pool.blocks.high)
    parts = [x for pool in pools for x in (pool.blocks.low, pool.points().x)]
    xs = np.unique(_within(np.concatenate([np.empty(0, np.int64), *parts]), window))
    return xs if len(xs) <= window.columns else None


def _count_borders(pool: Pool, window: Window) -> int:
    """Return how many distinct x the blocks' borders alone have; a lower bound suffices where they rise."""
    low = _within(pool.blocks.low, window)
    if len(low) and bool(np.all(low[1:] >= low[:-1])):
        distinct = int(np.count_nonzero(low[1:] > low[:-1])) + 1
        if distinct > window.columns:
            return distinct
    return len(np.unique(_within(np.concatenate([pool.blocks.low, pool.blocks.high]), window)))


def _within(x: NDArray[np.int64], window: Window) -> NDArray[np.int64]:
    if window.low is not None:
        x = x[x >= window.low]
    return x if window.high is None else x[x <= window.high]


def _reduce(pool: Pool, grid: Grid) -> SeriesEnvelope:
    candidates = pool.candidates(grid)
    while (tied := find_tied_blocks(candidates)).any():
        pool.decode(_mask_of(pool, candidates.chunk[tied], candidates.row[tied]))
        candidates = pool.candidates(grid)
    return reduce_candidates(candidates, len(grid))


def _mask_of(pool: Pool, chunk: NDArray[np.int64], row: NDArray[np.int64]) -> NDArray[np.bool_]:
    wanted = set(zip(chunk.tolist(), row.tolist(), strict=True))
    places = zip(pool.blocks.chunk.tolist(), pool.blocks.row.tolist(), strict=True)
    return np.array([place in wanted for place in places], np.bool_)


def _complete(pool: Pool, envelope: SeriesEnvelope, sides: Sides, grid: Grid, window: Window) -> SeriesEnvelope:
    """Add the neighbours and, where it is asked for, smoothed values: of a bucket that of its last finite point."""
    if window.smoothing is None:
        return replace(envelope, before=sides.before, after=sides.after)
    smoothed = np.full(len(grid), np.nan)
    ends = [math.nextafter(one.x, towards) for one, towards in zip(sides, (-math.inf, math.inf), strict=True) if one]
    reach = [*grid.starts[:1].tolist(), *grid.ends[-1:].tolist(), *(math.floor(end) for end in ends)]
    if not reach:
        return replace(envelope, smoothed=smoothed)
    x, values, along = _smooth(pool, min(reach), max(reach) + 1, window.smoothing)
    if len(grid):
        kept = np.isfinite(values) & (x >= grid.starts[0]) & (x <= grid.ends[-1])
        smoothed[grid.column_of(x[kept])] = along[kept]  # of several points in a bucket, the last one stays
    before, after = sides
    if before is not None:
        before = replace(before, smoothed=float(along[np.searchsorted(x, window.low or 0) - 1]))
    if after is not None:
        after = replace(after, smoothed=float(along[np.searchsorted(x, window.high or 0, side="right")]))
    return replace(envelope, smoothed=smoothed, before=before, after=after)


def _smooth(
    pool: Pool, low: int, high: int, weight: float
) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]:
    """Return x, value and smoothed value of points between two x and some before, smoothed over all from far enough."""
    spacing = _spacing(pool)
    start = low - int(min(lookback(weight, spacing), 2.0**64)) - 1
    view = replace(pool.view, low=start if spacing > 0 else None, high=high)
    x, values = _read_sorted(pool, view)
    return x, values, smooth(x, values, weight=weight, spacing=spacing)


def _read_sorted(pool: Pool, view: View) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return x and value of all points in a view that count, in the order of the axis."""
    kind: Literal["step", "time"] = "time" if view.is_time else "step"
    parts, writers, xs = [], [], []
    for piece in pool.pieces:
        low, high = view.bounds(piece.run)
        found = [points for _, points in pool.reader.read_chunks_between(piece, kind, low, high)]
        for points in [*found, pool.reader.read_tail(piece)]:
            along = points.axis.times if view.is_time else points.axis.steps
            kept = (along >= low) & (along <= high)
            if (cutoff := pool.cutoffs.get(piece.writer)) is not None:
                kept &= points.axis.steps <= cutoff
            parts.append(points if kept.all() else points.take(kept))
            xs.append(view.x_of(parts[-1].axis, piece.run))
            writers.append(piece.writer)
    axis = join_axes([points.axis for points in parts])
    values = np.concatenate([np.empty(0), *(points.values for points in parts)])
    x = np.concatenate([np.empty(0, np.int64), *xs])
    if bool(np.all(x[1:] > x[:-1])):
        return x, values
    rank = {writer: i for i, writer in enumerate(sorted(set(writers)))}
    writer = np.repeat([rank[w] for w in writers], [len(points.axis) for points in parts])
    order = np.lexsort((axis.ordinals, writer, axis.steps if view.is_time else axis.times, x))
    return x[order], values[order]


def _spacing(pool: Pool) -> float:
    """Return the mean distance in x between the points of the whole series, rewound ones left out."""
    whole = pool
    if pool.view.low is not None or pool.view.high is not None:
        whole = Pool(pool.reader, pool.pieces, replace(pool.view, low=None, high=None), pool.cutoffs)
    points = len(whole.points().x) + int(whole.blocks.count.sum())
    low, high = _extent(whole)
    return (high - low) / (points - 1) if points > 1 else 0.0
