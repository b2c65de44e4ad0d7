"""Several ranks of a metric as one line with a band.

Ranks are paired by step: the line takes each rank's value at a step, of several there the last one, and the band
every value of every rank there. A rank without a point at a step takes no part in it, as NaN takes none; infinite
values do. On an axis of time, where no two ranks log at one moment, a rank counts with its latest value from its
first point to its last. Pure: arrays in, arrays out, and the same whichever order the points came in.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from everbloom.core.errors import InvalidInput
from everbloom.index.reduce import CountArray, SeriesEnvelope
from everbloom.index.summary import without_sign_of_zero

IntArray = NDArray[np.int64]
FloatArray = NDArray[np.float64]

Reduce = Literal["mean", "min", "max"]
REDUCTIONS: tuple[Reduce, ...] = get_args(Reduce)


def check_reduce(rank: int | None, reduce: str | None) -> None:
    """Refuse what cannot be asked of ranks.

    Raises:
        InvalidInput: The reduction is none (`series.reduce`), or a rank is asked for too (`series.rank_and_reduce`).
    """
    if reduce is not None and reduce not in REDUCTIONS:
        raise InvalidInput(
            f"reduce = {reduce!r}; ranks are reduced by {', '.join(REDUCTIONS)}. Leave it out for one rank alone.",
            code="series.reduce",
            reduce=reduce,
        )
    if reduce is not None and rank is not None:
        raise InvalidInput(
            f"rank = {rank} and reduce = {reduce!r} were asked for; a reduction is over all ranks. Give one of them.",
            code="series.rank_and_reduce",
            rank=rank,
            reduce=reduce,
        )


def reduce_lines(read_lines: Callable[[], Iterable[FloatArray]], how: Reduce) -> FloatArray:
    """Reduce lines that are paired by place to one.

    Args:
        read_lines: Gives the lines, at least one, each of shape (n,), NaN where a rank takes no part. Called again
            only where sums are infinite.
        how: Which reduction.

    Returns:
        Shape (n,); NaN where no line has a number, and as the mean of +inf and -inf.
    """
    if how != "mean":
        pick = np.fmin if how == "min" else np.fmax
        lines = iter(read_lines())
        answer = next(lines)
        for line in lines:
            answer = pick(answer, line)
        return without_sign_of_zero(answer)
    with np.errstate(invalid="ignore", over="ignore", divide="ignore"):
        return _mean_lines(read_lines)


def _mean_lines(read_lines: Callable[[], Iterable[FloatArray]]) -> FloatArray:
    lines = iter(read_lines())
    low = high = next(lines)
    total = np.where(np.isnan(low), 0.0, low)
    count = (~np.isnan(low)).astype(np.int64)
    for line in lines:
        total = total + np.where(np.isnan(line), 0.0, line)
        count += ~np.isnan(line)
        low, high = np.fmin(low, line), np.fmax(high, line)
    mean = total / count
    if np.isinf(total).any() or np.isnan(total).any():  # infinite, or beyond float64 on the way
        scaled = sum((np.where(np.isnan(line), 0.0, line / count) for line in read_lines()), np.zeros(len(total)))
        mean = np.where(np.isfinite(mean), mean, scaled)
    return without_sign_of_zero(np.clip(mean, low, high))  # rounding must not lead out of the values' own range


def pair_by_step(
    ranks: Sequence[tuple[IntArray, IntArray, FloatArray]], how: Reduce
) -> tuple[IntArray, IntArray, FloatArray, FloatArray, FloatArray]:
    """Reduce ranks at full resolution.

    Args:
        ranks: At least one; steps, times and values of each, sorted by step, repeats allowed.
        how: What the line is.

    Returns:
        Steps, rising, each once; the latest time of each; the line; the band's least and greatest. Shape (n,) each.
    """
    heads = [np.flatnonzero(np.diff(own, prepend=own[:1] - 1)) for own, _, _ in ranks]
    rising = [own[at] for (own, _, _), at in zip(ranks, heads, strict=True)]
    steps = rising[0]
    if not all(np.array_equal(steps, own) for own in rising[1:]):
        steps = np.unique(np.concatenate(rising))
    places = [slice(None) if len(own) == len(steps) else np.searchsorted(steps, own) for own in rising]
    times = np.full(len(steps), np.iinfo(np.int64).min)
    low, high = np.full((2, len(steps)), np.nan)
    for (_, own_times, values), starts, at in zip(ranks, heads, places, strict=True):
        if len(starts):
            times[at] = np.maximum(times[at], np.maximum.reduceat(own_times, starts))
            low[at] = np.fmin(low[at], np.fmin.reduceat(values, starts))
            high[at] = np.fmax(high[at], np.fmax.reduceat(values, starts))

    def iter_lines() -> Iterator[FloatArray]:
        for (_, _, values), starts, at in zip(ranks, heads, places, strict=True):
            line = np.full(len(steps), np.nan)
            line[at] = values[np.append(starts[1:], len(values)) - 1] if len(starts) else values
            yield line  # of a step's several values it has the last one

    return steps, times, reduce_lines(iter_lines, how), without_sign_of_zero(low), without_sign_of_zero(high)


def join_ranks(ranks: Sequence[SeriesEnvelope], how: Reduce, *, is_time: bool) -> SeriesEnvelope:
    """Reduce ranks on their common grid: `first`, `last` and `smoothed` are the line, `min` and `max` the band.

    The band is over all points of all ranks, so that no spike is lost; the line takes each rank's own line, as it is
    drawn of that rank alone, so it costs what is shown. Where each step has its bucket, it is that of `pair_by_step`.

    Args:
        ranks: At least one.
        how: What the line is of the ranks' lines.
        is_time: Ranks do not share their places on the axis: each counts with its latest value.
    """
    held = [_hold(rank) for rank in ranks] if is_time else list(ranks)

    def fold(name: str, reduce: Reduce) -> FloatArray:
        return reduce_lines(lambda: [getattr(rank, name) for rank in held], reduce)

    def add_up(name: str) -> CountArray:
        total: CountArray = np.sum([getattr(rank, name) for rank in ranks], axis=0, dtype=np.uint32)
        return total

    return SeriesEnvelope(
        first=fold("first", how),
        last=fold("last", how),
        min=fold("min", "min"),
        max=fold("max", "max"),
        count=add_up("count"),
        nan=add_up("nan"),
        pinf=add_up("pinf"),
        ninf=add_up("ninf"),
        smoothed=None if held[0].smoothed is None else fold("smoothed", how),
    )


def _hold(rank: SeriesEnvelope) -> SeriesEnvelope:
    """Fill the buckets between a rank's first point and its last with the latest value before each."""
    empty = rank.count == 0
    at, is_held = _latest(~empty)
    fill = empty & is_held
    held = rank.last[at]
    first, last, low, high = (np.where(fill, held, part) for part in (rank.first, rank.last, rank.min, rank.max))
    smoothed = rank.smoothed
    if smoothed is not None:
        at, is_held = _latest(np.isfinite(smoothed))
        smoothed = np.where(is_held, smoothed[at], np.nan)
    return replace(rank, first=first, last=last, min=low, max=high, smoothed=smoothed)


def _latest(has: NDArray[np.bool_]) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
    """Return the latest place up to each one that has something, and whether it lies between the first and last."""
    places = np.flatnonzero(has)
    at = np.maximum.accumulate(np.where(has, np.arange(len(has)), -1)) if len(has) else np.empty(0, np.intp)
    inside = at >= 0
    if len(places):
        inside[places[-1] + 1 :] = False
    return np.maximum(at, 0), inside
