"""Sparklines of a page of runs: 32 values each, quantised to a byte over the run's own range.

Each run has its own x range, so each is a window of its own; what was drawn of a run that has not grown since is
remembered by the caller's cache.
"""

from collections import OrderedDict
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from everbloom.index.documents import MetricSummary
from everbloom.index.window import SeriesKey, Window
from everbloom.query.forks import read_shared
from everbloom.query.readable import ReadableIndex
from everbloom.query.views import Run

POINTS = 32
EMPTY = 255
_TOP = 254
_KEPT = 20_000

Spark = list[int]


class SparkCache:
    """Sparklines that were drawn, by run, metric and what its summary was; bounded. One thread at a time."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[str, str, MetricSummary], Spark | None] = OrderedDict()

    def read(self, readable: ReadableIndex, runs: Sequence[Run], metric: str) -> list[Spark | None]:
        """Return each run's sparkline of a metric; None where it has none."""
        return [self._read_one(readable, run, metric) for run in runs]

    def _read_one(self, readable: ReadableIndex, run: Run, metric: str) -> Spark | None:
        summary = run.metrics.get(metric)
        if summary is None:
            return None
        key = (run.id, metric, summary)
        if key not in self._kept:
            self._kept[key] = draw_spark(readable, run, metric)
            if len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
        return self._kept[key]


def draw_spark(readable: ReadableIndex, run: Run, metric: str) -> Spark | None:
    """Return a run's sparkline of a metric; None where there are no points."""
    cutoffs, shares = readable.read_cutoffs([run.id]), read_shared(readable, [run.id])
    window = Window(columns=POINTS)
    envelope = readable.index.series.read_window([SeriesKey(run.id, metric)], window, cutoffs, shares)
    series = envelope.series[0]
    if not len(envelope.x) or not series.count.any():
        return None
    return quantise(series.last)


def quantise(values: NDArray[np.float64]) -> Spark:
    """Return values as bytes over their own range, 0 to 254; 255 where there is none, NaN or infinite."""
    finite = np.isfinite(values)
    answer = np.full(len(values), EMPTY, np.int64)
    if finite.any():
        kept = values[finite]
        low, high = float(kept.min()), float(kept.max())
        span = high / 2 - low / 2  # halves, as the whole may be beyond float64
        shares = (kept / 2 - low / 2) / span if span > 0 else np.full(len(kept), 0.5)
        answer[finite] = np.rint(shares * _TOP).astype(np.int64)
    spread = np.linspace(0, len(values) - 1, POINTS) if len(values) < POINTS else np.arange(len(values))
    drawn: Spark = answer[np.rint(spread).astype(np.int64)][:POINTS].tolist()
    return drawn
