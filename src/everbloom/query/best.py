"""The best run per metric, and how the best got better over time."""

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from everbloom.core.errors import InvalidInput, NotFound
from everbloom.core.records import Direction
from everbloom.core.values import SYSTEM_PREFIX
from everbloom.index.columns import HAS_NUMBER, Column
from everbloom.query.compare import to_direction
from everbloom.query.language.ast import SortKey
from everbloom.query.language.keys import Key
from everbloom.query.order import order_rows
from everbloom.query.readable import ReadableIndex, StoredRuns
from everbloom.query.scope import match_runs, plan_query
from everbloom.query.views import Run, RunQuery

_PREFIX, _SUFFIX = "metrics.", ".best"


@dataclass(frozen=True)
class Improvement:
    """A run that was better than every run before it; `place` counts the matches with a value, in time, from 0."""

    run: Run
    value: float
    place: int = 0


@dataclass(frozen=True)
class Best:
    """The best of all matches by one metric.

    Attributes:
        metric: Its name.
        direction: Which way is better.
        is_guessed: The direction was read off the metric's name; no run states it.
        run: The best; of equals the one that was first.
        value: Its best value.
        n_runs: How many matches have a number for it.
        staircase: The runs that each were the best when they were created, oldest first; the last one is the best.
    """

    metric: str
    direction: Direction
    is_guessed: bool
    run: Run
    value: float
    n_runs: int
    staircase: tuple[Improvement, ...]


def find_best(
    readable: ReadableIndex,
    query: RunQuery,
    metrics: Sequence[str] | None = None,
    *,
    directions: Mapping[str, Direction] | None = None,
    leaves_out: bool = False,
) -> list[Best]:
    """Find the best run per metric among all that a query matches; its sort, offset and limit do not count.

    Args:
        readable: Where to look.
        query: Which runs.
        metrics: Which metrics, in this order; None = all with a direction, resources left out, objectives first.
        directions: Says which way is better, over what runs state and names suggest.
        leaves_out: Leave out what would raise: metrics that no match has a best of.

    Raises:
        NotFound: No match has one of the metrics (`metric.unknown`); names what is close.
        InvalidInput: Nothing says which way a metric that was asked for is better (`metric.no_direction`).
    """
    plan = plan_query(readable, query)
    with readable.open_columns(plan.inside) as runs:
        mask = match_runs(plan, runs)
        keys = readable.read_keys(plan.inside)
        wanted = _list_metrics(keys) if metrics is None else list(metrics)
        stated = _read_directions(readable, runs, mask, wanted)
        found: list[Best] = []
        for metric in wanted:
            direction, is_guessed = _choose_direction(metric, stated, directions or {})
            best = None if direction is None else _find_one(readable, runs, mask, metric, direction, is_guessed)
            if best is not None:
                found.append(best)
            elif metrics is not None and not leaves_out:
                raise _explain(metric, direction, runs, mask, keys)
    return found if metrics is not None else sorted(found, key=lambda best: (best.is_guessed, best.metric))


def _list_metrics(keys: Sequence[str]) -> list[str]:
    names = [key[len(_PREFIX) : -len(_SUFFIX)] for key in keys if key.startswith(_PREFIX) and key.endswith(_SUFFIX)]
    return [name for name in names if not name.startswith(SYSTEM_PREFIX)]


def _numbers(column: Column | None, mask: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return the matching rows where a column has a number."""
    if column is None:
        return np.empty(0, np.int64)
    rows: NDArray[np.int64] = np.flatnonzero(mask & ((column.kinds & HAS_NUMBER) != 0))
    return rows


def _read_directions(
    readable: ReadableIndex, runs: StoredRuns, mask: NDArray[np.bool_], metrics: Sequence[str]
) -> dict[str, tuple[Direction, bool]]:
    """Return, by metric, the direction that the newest match states or suggests, and whether it is a guess.

    Of a metric that was never a finite number, as where every run diverged, the newest that logged it counts.
    """
    created = runs.column("created")
    newest: dict[str, int] = {}
    for metric in metrics:
        rows = _numbers(runs.column(f"{_PREFIX}{metric}{_SUFFIX}"), mask)
        if not len(rows):
            rows = _numbers(runs.column(f"{_PREFIX}{metric}.n"), mask)
        if len(rows) and created is not None:
            newest[metric] = int(rows[np.argmax(created.numbers[rows])])
    read = readable.read_rows(runs, np.array(list(newest.values()), np.int64))
    answer: dict[str, tuple[Direction, bool]] = {}
    for metric, run in zip(newest, read, strict=True):
        summary = run.metrics[metric]
        if direction := to_direction(summary.direction):
            answer[metric] = (direction, summary.is_guessed)
    return answer


def _choose_direction(
    metric: str, stated: Mapping[str, tuple[Direction, bool]], given: Mapping[str, Direction]
) -> tuple[Direction | None, bool]:
    return (given[metric], False) if metric in given else stated.get(metric, (None, False))


def _find_one(
    readable: ReadableIndex,
    runs: StoredRuns,
    mask: NDArray[np.bool_],
    metric: str,
    direction: Direction,
    is_guessed: bool,
) -> Best | None:
    column = runs.column(f"{_PREFIX}{metric}.{direction}")
    rows = _numbers(column, mask)
    if column is None or not len(rows):
        return None
    order = (SortKey(Key("metrics", metric, direction), is_descending=direction == "max"),)
    winner = order_rows(mask, order, runs, limit=1)
    steps, places = _find_improvements(rows, column, runs, sign=1 if direction == "min" else -1)
    *staircase, best = readable.read_rows(runs, np.concatenate([steps, winner]))
    values = column.numbers[steps].tolist()
    improvements = tuple(map(Improvement, staircase, values, places.tolist()))
    return Best(metric, direction, is_guessed, best, float(column.numbers[winner[0]]), len(rows), improvements)


def _find_improvements(
    rows: NDArray[np.int64], column: Column, runs: StoredRuns, *, sign: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the rows that beat all that were created before them, in that order, and their places in time."""
    in_time = order_rows(_mask_of(rows, runs.n), (), runs)
    values = column.numbers[in_time] * sign
    lowest = np.minimum.accumulate(values)
    is_lower = np.concatenate([[True], lowest[1:] < lowest[:-1]])
    return in_time[is_lower], np.flatnonzero(is_lower)


def _mask_of(rows: NDArray[np.int64], n: int) -> NDArray[np.bool_]:
    mask = np.zeros(n, np.bool_)
    mask[rows] = True
    return mask


def _explain(
    metric: str, direction: str | None, runs: StoredRuns, mask: NDArray[np.bool_], keys: Sequence[str]
) -> InvalidInput | NotFound:
    logged = runs.column(f"{_PREFIX}{metric}.n")
    if direction is None and len(_numbers(logged, mask)):
        return InvalidInput(
            f"metric {metric!r} does not say whether less or more of it is better; give a direction, min or max, or "
            f"state it when recording: objectives={{{metric!r}: 'min'}}.",
            code="metric.no_direction",
            metric=metric,
        )
    known = [key[len(_PREFIX) : -2] for key in keys if key.startswith(_PREFIX) and key.endswith(".n")]
    close = difflib.get_close_matches(metric, known, 3, 0.5)
    advice = f"Did you mean {' or '.join(map(repr, close))}?" if close else "Look at `everbloom show RUN` for those."
    return NotFound(
        f"no matching run has a number for metric {metric!r}. {advice}",
        code="metric.unknown",
        metric=metric,
        suggestions=close,
    )
