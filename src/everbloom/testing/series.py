"""Rows for the series store, and a plain oracle of what it must answer."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from everbloom.core.ids import RunId, WriterId
from everbloom.index.series import SeriesStore
from everbloom.index.summary import order_of

RUN = RunId("0190a000000070008000000000000001")
WRITERS = (WriterId("00000000000000aa"), WriterId("00000000000000bb"), WriterId("00000000000000cc"))


@dataclass(frozen=True, slots=True)
class LoggedRow:
    """One row of a journal: its writer, its number there, where it lies, what was logged."""

    writer: WriterId
    ordinal: int
    step: int
    time: int
    values: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class LoggedPoint:
    """One point of one metric."""

    writer: WriterId
    ordinal: int
    step: int
    time: int
    value: float


def append_logged(store: SeriesStore, rows: Sequence[LoggedRow], *, run: RunId = RUN, rank: int = 0) -> None:
    """Append rows as an indexer does: by writer and key set, journal order kept in each."""
    batches: dict[tuple[WriterId, tuple[str, ...]], list[LoggedRow]] = {}
    for row in rows:
        batches.setdefault((row.writer, tuple(row.values)), []).append(row)
    for (writer, names), batch in batches.items():
        store.append_rows(
            run,
            writer,
            rank,
            names,
            np.array([row.step for row in batch], np.int64),
            np.array([row.time for row in batch], np.int64),
            np.array([row.ordinal for row in batch], np.int64),
            np.array([list(row.values.values()) for row in batch], np.float64),
        )


def points_of(
    rows: Iterable[LoggedRow], metric: str, cutoffs: Mapping[WriterId, int] | None = None
) -> list[LoggedPoint]:
    """Return a metric's points in the order of the series, without rewound ones."""
    limits = cutoffs or {}
    points = [
        LoggedPoint(row.writer, row.ordinal, row.step, row.time, row.values[metric])
        for row in rows
        if metric in row.values and row.step <= limits.get(row.writer, row.step)
    ]
    return sorted(points, key=lambda p: (p.step, p.time, p.writer, p.ordinal))


def expected_summary(points: Sequence[LoggedPoint]) -> dict[str, Any]:
    """Return what a summary must say, by its fields, computed with fractions."""
    numbers = [p.value for p in points if not math.isnan(p.value)]
    finite = [Fraction(v) for v in numbers if math.isfinite(v)]
    mean = float(sum(finite) / len(numbers)) if numbers else math.nan
    if math.inf in numbers or -math.inf in numbers:
        mean = math.nan if math.inf in numbers and -math.inf in numbers else max(numbers, key=abs)
    ends = sorted((p.step, p.time, order_of(p.value), p.value) for p in points)
    return {
        "n": len(points),
        "first": (*ends[0][:2], ends[0][3]),
        "last": (*ends[-1][:2], ends[-1][3]),
        "min": min(numbers, default=math.nan) + 0.0,  # a zero is told as +0.0
        "max": max(numbers, default=math.nan) + 0.0,
        "nan": len(points) - len(numbers),
        "pinf": numbers.count(math.inf),
        "ninf": numbers.count(-math.inf),
        "mean": mean,
    }


def expected_bucket(points: Sequence[LoggedPoint], axis: str) -> dict[str, Any]:
    """Return what a bucket that holds exactly these points must say."""
    if not points:
        return dict.fromkeys(("first", "last", "min", "max"), math.nan) | dict.fromkeys(
            ("count", "nan", "pinf", "ninf"), 0
        )
    if axis == "step":
        ordered = sorted(points, key=lambda p: (p.step, p.time, p.writer, p.ordinal))
    else:
        ordered = sorted(points, key=lambda p: (p.time, p.step, p.writer, p.ordinal))
    numbers = [p.value for p in points if not math.isnan(p.value)]
    return {
        "first": ordered[0].value,
        "last": ordered[-1].value,
        "min": min(numbers, default=math.nan) + 0.0,  # a zero is told as +0.0
        "max": max(numbers, default=math.nan) + 0.0,
        "count": len(points),
        "nan": len(points) - len(numbers),
        "pinf": numbers.count(math.inf),
        "ninf": numbers.count(-math.inf),
    }


def expected_smoothing(x: Sequence[int], values: Sequence[float], weight: float, spacing: float) -> list[float]:
    """Return the de-biased moving average by a plain loop, NaN where a value is not finite."""
    answer: list[float] = []
    total = mass = 0.0
    before: int | None = None
    for at, value in zip(x, values, strict=True):
        if not math.isfinite(value):
            answer.append(math.nan)
            continue
        keep = 0.0 if before is None else 1.0 if spacing == 0 else weight ** ((at - before) / spacing)
        total, mass, before = keep * total + value, keep * mass + 1.0, at
        answer.append(total / mass)
    return answer
