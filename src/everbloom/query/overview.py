"""Every project in a few numbers: how many runs, how they stand, who works there, how its objective got better."""

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from everbloom.core.errors import InvalidInput, NotFound
from everbloom.index.catalog import ProjectRow
from everbloom.index.columns import HAS_NUMBER, HAS_TEXT, Column
from everbloom.query.best import Best, find_best
from everbloom.query.glance import choose_metrics
from everbloom.query.language.ast import SortKey
from everbloom.query.language.keys import Key
from everbloom.query.order import order_rows
from everbloom.query.readable import ReadableIndex, StoredRuns
from everbloom.query.views import Run, RunQuery

_LOOKED_AT = 20  # of the newest runs, to find out what a project is about


@dataclass(frozen=True)
class ProjectOverview:
    """A project.

    Attributes:
        runs: How many that are not archived.
        running: How many of these run.
        failed: How many of these failed, or were killed or lost.
        owner: Who started the newest run.
        last_activity_us: The latest start or end of a run, UTC microseconds; None where there is none.
        objective: The best by the metric of a goal, else by the one that says most; None where none has a direction.
        new_finished: How many finished since the moment asked about.
        new_failed: How many failed, or were killed or lost, since then.
    """

    namespace: str
    name: str
    runs: int
    running: int
    failed: int
    owner: str | None
    last_activity_us: int | None
    objective: Best | None
    new_finished: int = 0
    new_failed: int = 0


def list_projects(
    readable: ReadableIndex,
    *,
    since_us: int | None = None,
    goals: Mapping[tuple[str, str], Sequence[str]] | None = None,
) -> list[ProjectOverview]:
    """Sum up every readable project that has runs, by namespace and name.

    Args:
        readable: Where to look.
        since_us: From when on an end is new, UTC microseconds; None = none is.
        goals: By (namespace, project), the metrics that have a goal, the most important first.
    """
    wanted = goals or {}
    overviews = [
        _sum_up(readable, project, since_us, wanted.get((project.namespace, project.name), ()))
        for project in readable.read_projects()
    ]
    return [overview for overview in overviews if overview.last_activity_us is not None]


def _sum_up(
    readable: ReadableIndex, project: ProjectRow, since_us: int | None, wanted: Sequence[str]
) -> ProjectOverview:
    with readable.open_columns([project]) as runs:
        shown = runs.present & ~_is_one(runs.column("archived"), runs)
        states = _count_states(runs.column("state"), shown)
        news = _count_states(runs.column("state"), shown & _ended_since(runs.column("ended"), since_us, runs))
        latest = max(_find_latest(runs.column("created")), _find_latest(runs.column("ended")))
        rows = order_rows(shown, (SortKey(Key("created"), is_descending=True),), runs, limit=_LOOKED_AT)
        newest = readable.read_rows(runs, rows)
    query = RunQuery(namespace=project.namespace, project=project.name)
    return ProjectOverview(
        project.namespace,
        project.name,
        int(np.count_nonzero(shown)),
        states.get("running", 0),
        _count_failed(states),
        newest[0].user if newest else None,
        latest or None,
        _find_objective(readable, query, newest, wanted),
        news.get("finished", 0),
        _count_failed(news),
    )


def _count_failed(states: dict[str, int]) -> int:
    return sum(states.get(state, 0) for state in ("failed", "killed", "lost"))


def _ended_since(column: Column | None, since_us: int | None, runs: StoredRuns) -> NDArray[np.bool_]:
    if column is None or since_us is None:
        return np.zeros(runs.n, np.bool_)
    is_new: NDArray[np.bool_] = ((column.kinds & HAS_NUMBER) != 0) & (column.numbers > since_us)
    return is_new


def _is_one(column: Column | None, runs: StoredRuns) -> NDArray[np.bool_]:
    if column is None:
        return np.zeros(runs.n, np.bool_)
    is_one: NDArray[np.bool_] = ((column.kinds & HAS_NUMBER) != 0) & (column.numbers == 1)
    return is_one


def _count_states(column: Column | None, shown: NDArray[np.bool_]) -> dict[str, int]:
    if column is None or column.codes is None:
        return {}
    codes = column.codes[shown & ((column.kinds & HAS_TEXT) != 0)]
    counts = np.bincount(codes, minlength=len(column.texts)).tolist()
    return dict(zip(column.texts, counts, strict=True))


def _find_latest(column: Column | None) -> int:
    if column is None:
        return 0
    numbers = column.numbers[(column.kinds & HAS_NUMBER) != 0]
    return int(numbers.max()) if len(numbers) else 0


def _find_objective(readable: ReadableIndex, query: RunQuery, newest: list[Run], wanted: Sequence[str]) -> Best | None:
    chosen = [name for name, word in choose_metrics(newest) if word != "last"]
    for metric in (*wanted, *chosen):
        # A goal may be of a metric that no run has any more, whose direction nobody says, or that is never finite.
        with contextlib.suppress(NotFound, InvalidInput):
            return find_best(readable, query, [metric])[0]
    return None
