"""A window of several series with another metric as x: loss over tokens, accuracy over loss.

A point stands where the run's other metric stood at the same step; points of steps that lack it have no place and are
left out, as nothing is interpolated. Then all is as on any axis: ordered by x, smoothed over all points, reduced to
first, last, min and max of each bucket. Both series are read in full, because a pyramid knows no other metric.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from everbloom.core.errors import InvalidInput
from everbloom.core.ids import RunId
from everbloom.core.values import check_metric_name
from everbloom.index.neighbours import join_sides
from everbloom.index.pieces import Cutoffs, Shares
from everbloom.index.ranks import check_reduce, join_ranks
from everbloom.index.reduce import Candidates, Neighbour, SeriesEnvelope, reduce_candidates
from everbloom.index.series import Series
from everbloom.index.smooth import smooth
from everbloom.index.window import COLUMNS_MAX, SeriesKey
from everbloom.query.forks import read_shared
from everbloom.query.readable import ReadableIndex

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]


@dataclass(frozen=True)
class MetricWindow:
    """What part of series is asked for over another metric, and at what width.

    Attributes:
        x_metric: The metric that x is, of the same run and rank.
        low: The least x; None = where the series begin.
        high: The greatest x; None = where they end.
        columns: The most buckets to return, 1 to 100,000; a chart's width in device pixels.
        smoothing: The weight of the moving average along x, at least 0 and below 1; None = not smoothed.
    """

    x_metric: str
    low: float | None = None
    high: float | None = None
    columns: int = 1200
    smoothing: float | None = None

    def __post_init__(self) -> None:
        check_metric_name(self.x_metric)
        if not 1 <= self.columns <= COLUMNS_MAX:
            raise _invalid(f"columns = {self.columns}; 1 to {COLUMNS_MAX} are allowed")
        if self.smoothing is not None and not 0 <= self.smoothing < 1:
            raise _invalid(f"smoothing = {self.smoothing}; it must be at least 0 and below 1")
        if self.low is not None and self.high is not None and self.low > self.high:
            raise _invalid(f"low = {self.low} is above high = {self.high}; swap them")


def _invalid(message: str) -> InvalidInput:
    return InvalidInput(f"a window was asked for with {message}.", code="window.invalid")


@dataclass(frozen=True)
class PairedEnvelope:
    """Several series on one grid of n buckets of a metric.

    Attributes:
        x: The middle of each bucket, rising; where `is_exact`, the points' own x. Shape (n,), float64.
        is_exact: Each bucket holds one x: nothing was reduced.
        series: As asked for, in that order; buckets without points have count 0 and NaN.
        ranks: Of each series, the ranks that it was read from, rising; none where it has no points.
    """

    x: FloatArray
    is_exact: bool
    series: tuple[SeriesEnvelope, ...]
    ranks: tuple[tuple[int, ...], ...] = ()


class Paired(NamedTuple):
    """Points in the order of x; of equal x in the order of steps."""

    x: FloatArray
    values: FloatArray


def read_paired(readable: ReadableIndex, keys: Sequence[SeriesKey], window: MetricWindow) -> PairedEnvelope:
    """Reduce series of readable runs over another metric of theirs; one without it has no points.

    Raises:
        NotFound: One of the runs is not there, or may not be read.
    """
    ids = [readable.read_run(run).id for run in dict.fromkeys(key.run for key in keys)]
    cutoffs, shares = readable.read_cutoffs(ids), read_shared(readable, ids)
    known: dict[tuple[RunId, str, int | None], Series] = {}

    def read(run: RunId, metric: str, rank: int | None) -> tuple[IntArray, FloatArray]:
        if (run, metric, rank) not in known:
            known[run, metric, rank] = readable.index.series.read_series(run, metric, rank, cutoffs, shares)
        stored = known[run, metric, rank]
        return stored.steps[~stored.greyed], stored.values[~stored.greyed]

    ranks = [_list_ranks(readable, key, cutoffs, shares) for key in keys]
    pairs = [
        pair_by_step(*read(key.run, window.x_metric, rank), *read(key.run, key.metric, rank))
        for key, own in zip(keys, ranks, strict=True)
        for rank in own
    ]
    envelope = reduce_paired(pairs, window)
    reduced = iter(envelope.series)
    series = (_join(key, list(islice(reduced, len(own)))) for key, own in zip(keys, ranks, strict=True))
    sources = ([known[key.run, key.metric, rank] for rank in own] for key, own in zip(keys, ranks, strict=True))
    read_from = (tuple(rank for stored in parts for rank in stored.ranks) for parts in sources)
    return replace(envelope, series=tuple(series), ranks=tuple(read_from))


def _list_ranks(readable: ReadableIndex, key: SeriesKey, cutoffs: Cutoffs, shares: Shares) -> list[int | None]:
    """Return the ranks that a series is read from: each of them where they are reduced, else the one asked for."""
    check_reduce(key.rank, key.reduce)
    if key.reduce is None:
        return [key.rank]
    found = readable.index.series.read_summaries([key.run], cutoffs, metrics=[key.metric], shares=shares)
    return [*sorted(found.get(key.run, {}).get(key.metric, {}))] or [None]


def _join(key: SeriesKey, ranks: list[SeriesEnvelope]) -> SeriesEnvelope:
    """Reduce ranks, each over its own x; as on an axis of time, no two of them share their places."""
    if key.reduce is None:
        return ranks[0]
    return join_sides(ranks, join_ranks(ranks, key.reduce, is_time=True), key.reduce, is_time=True)


def pair_by_step(x_steps: IntArray, xs: FloatArray, steps: IntArray, values: FloatArray) -> Paired:
    """Give each value the x of its step, the last where a step has several; ordered by x. Pure.

    Values of steps without x, or where x is NaN or ±inf, are left out.

    Args:
        x_steps: Rising, repeats allowed, shape (m,).
        xs: What x was at these steps, shape (m,).
        steps: Rising, repeats allowed, shape (n,).
        values: NaN and ±inf are kept, shape (n,).
    """
    place = np.searchsorted(x_steps, steps, side="right") - 1
    has_place = place >= 0
    has_place[has_place] = x_steps[place[has_place]] == steps[has_place]
    has_place[has_place] = np.isfinite(xs[place[has_place]])
    x, kept = xs[place[has_place]], values[has_place]
    order = np.argsort(x, kind="stable")
    return Paired(x[order] + 0.0, kept[order])  # -0.0 and 0.0 are one x


def reduce_paired(pairs: Sequence[Paired], window: MetricWindow) -> PairedEnvelope:
    """Reduce paired series to one common grid. Pure."""
    parts = [_within(pair.x, window) for pair in pairs]
    distinct = np.unique(
        np.concatenate([np.empty(0), *(pair.x[part] for pair, part in zip(pairs, parts, strict=True))])
    )
    if len(distinct) <= window.columns:
        columns = [np.searchsorted(distinct, pair.x[part]) for pair, part in zip(pairs, parts, strict=True)]
        grid = distinct
    else:
        low = float(distinct[0]) if window.low is None else window.low
        high = float(distinct[-1]) if window.high is None else window.high
        columns = [_column_of(pair.x[part], low, high, window.columns) for pair, part in zip(pairs, parts, strict=True)]
        share = (np.arange(window.columns) + 0.5) / window.columns
        grid = low * (1 - share) + high * share  # of a difference, two extremes would overflow
    reduced = [
        _reduce(pair, part, column, len(grid), window) for pair, part, column in zip(pairs, parts, columns, strict=True)
    ]
    return PairedEnvelope(grid, len(distinct) <= window.columns, tuple(reduced))


def _within(x: FloatArray, window: MetricWindow) -> slice:
    """Return which part of rising x lies in the window."""
    first = 0 if window.low is None else int(np.searchsorted(x, window.low))
    return slice(first, len(x) if window.high is None else int(np.searchsorted(x, window.high, side="right")))


def _column_of(x: FloatArray, low: float, high: float, columns: int) -> IntArray:
    share = (x / 2 - low / 2) / (high / 2 - low / 2)
    return np.minimum((share * columns).astype(np.int64), columns - 1)


def _reduce(pair: Paired, part: slice, column: IntArray, n: int, window: MetricWindow) -> SeriesEnvelope:
    values = pair.values[part]
    rows = np.arange(len(values), dtype=np.int64)
    none = np.zeros(len(values), np.int64)
    odd = np.stack([np.isnan(values), values == np.inf, values == -np.inf], axis=1).astype(np.int64)
    envelope = reduce_candidates(
        Candidates(
            column=column,
            low=rows,
            high=rows,
            chunk=none,
            row=rows,
            is_block=np.zeros(len(values), np.bool_),
            second=rows,
            writer=none,
            ordinal=rows,
            count=np.ones(len(values), np.int64),
            levels=np.repeat(values[:, None], 4, axis=1),
            odd=odd,
        ),
        n,
    )
    along = None if window.smoothing is None else _smooth(pair, window.smoothing)
    envelope = replace(envelope, before=_find(pair, part.start - 1, along), after=_find(pair, part.stop, along))
    if along is None:
        return envelope
    smoothed = np.full(n, np.nan)
    is_finite = np.isfinite(values)
    smoothed[column[is_finite]] = along[part][is_finite]  # of several points in a bucket, the last one stays
    return replace(envelope, smoothed=smoothed)


def _find(pair: Paired, at: int, along: FloatArray | None) -> Neighbour | None:
    """Return a point just outside of the window, which is drawn to; None where there is no finite one."""
    if not 0 <= at < len(pair.x) or not np.isfinite(pair.values[at]):
        return None
    return Neighbour(float(pair.x[at]), float(pair.values[at]), None if along is None else float(along[at]))


def _smooth(pair: Paired, weight: float) -> FloatArray:
    """Smooth along x over the whole series, so that a zoom moves no point."""
    n = len(pair.x)
    spacing = float(pair.x[-1] / (n - 1) - pair.x[0] / (n - 1)) if n > 1 else 0.0
    with np.errstate(over="ignore"):  # of extremes, a distance is infinite and weighs nothing
        return smooth(pair.x, pair.values, weight=weight, spacing=spacing)
