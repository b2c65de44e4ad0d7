"""Tables of runs: filter, order, one page of documents, and what stands elsewhere."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from everbloom.core.clock import monotonic_s
from everbloom.core.errors import InvalidInput
from everbloom.index.catalog import ProjectRow
from everbloom.index.columns import IS_NULL, Column
from everbloom.query.order import order_rows
from everbloom.query.readable import ReadableIndex, StoredRuns
from everbloom.query.scope import Plan, match_runs, plan_query
from everbloom.query.views import Run, RunPage, RunQuery

_MISSING = object()


def list_runs(readable: ReadableIndex, query: RunQuery) -> RunPage:
    """Return one page of the runs that a query asks for.

    Raises:
        InvalidInput: The filter or the order cannot be read, or offset or limit is negative.
    """
    if query.offset < 0 or (query.limit is not None and query.limit < 0):
        raise InvalidInput(
            f"offset {query.offset} and limit {query.limit} were asked for; both must be at least 0.", code="page.range"
        )
    started_s = monotonic_s()
    plan = plan_query(readable, query)
    with readable.open_columns(plan.inside) as runs:
        mask = match_runs(plan, runs)
        rows = order_rows(mask, plan.order, runs, offset=query.offset, limit=query.limit)
        page = readable.read_rows(runs, rows)
        varying = find_varying(page, mask, runs)
    elsewhere = count_elsewhere(readable, plan)
    took_s = monotonic_s() - started_s
    return RunPage(page, int(np.count_nonzero(mask)), elsewhere, took_s, varying, query.sort)


def count_elsewhere(readable: ReadableIndex, plan: Plan) -> dict[str, int]:
    """Return how many matches each other readable project has, by `namespace/project`; those with none left out."""
    if not plan.outside:
        return {}
    with readable.open_columns(plan.outside) as runs:
        mask = match_runs(plan, runs)
        ends = np.cumsum([project.slots for project in plan.outside])
        counts = np.diff(np.concatenate([[0], np.cumsum(mask)])[np.concatenate([[0], ends])])
    return _name_counts(plan.outside, counts)


def _name_counts(projects: Sequence[ProjectRow], counts: NDArray[np.int64]) -> dict[str, int]:
    named = zip(projects, counts.tolist(), strict=True)
    return {f"{project.namespace}/{project.name}": count for project, count in named if count}


def find_varying(page: Sequence[Run], mask: NDArray[np.bool_], runs: StoredRuns) -> list[str]:
    """Return the parameters of a page's runs that are not the same in all matches, sorted.

    A parameter that the page alone shows to vary costs nothing; only of the others is the column read.
    """
    names = sorted({name for run in page for name in run.params})
    return [name for name in names if _varies_on(page, name) or _varies_in(runs.column(f"params.{name}"), mask)]


def _varies_on(page: Sequence[Run], name: str) -> bool:
    first, *others = (run.params.get(name, _MISSING) for run in page)
    return any(type(value) is not type(first) or value != first for value in others if value is not first)


def _varies_in(column: Column | None, mask: NDArray[np.bool_]) -> bool:
    if column is None:
        return False
    kinds = column.kinds[mask]
    if not len(kinds) or (kinds != kinds[0]).any():
        return bool(len(kinds))
    if kinds[0] & IS_NULL:
        return False
    if column.codes is not None:
        codes = column.codes[mask]
        if codes[0] >= 0:
            return bool((codes != codes[0]).any())
    numbers = column.numbers[mask]
    return bool((numbers != numbers[0]).any()) and not bool(np.isnan(numbers).all())
