"""Tables of runs: filter, order, one page of documents, and what stands elsewhere."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from everbloom.core.clock import monotonic_s
from everbloom.core.errors import InvalidInput
from everbloom.index.catalog import ProjectRow
from everbloom.index.columns import HAS_NUMBER, HAS_TEXT, IS_INT, Column
from everbloom.query.cells import to_comparable
from everbloom.query.order import order_rows
from everbloom.query.readable import ReadableIndex, StoredRuns
from everbloom.query.scope import Plan, match_runs, plan_query
from everbloom.query.views import Run, RunPage, RunQuery

_PREFIX = "params."


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
    total = int(np.count_nonzero(mask))
    archived = 0
    if not total and query.archived is False:  # said where there is nothing else to say
        archived = list_runs(readable, replace(query, archived=True, offset=0, limit=0)).total
    took_s = monotonic_s() - started_s
    damaged = readable.index.catalog.read_damaged_runs()
    return RunPage(
        page,
        total,
        elsewhere,
        took_s,
        varying,
        query.sort,
        archived,
        tuple(run for run in page if run.id in damaged),
    )


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
    keys = sorted(key for key in set().union(*(run.attributes for run in page)) if key.startswith(_PREFIX))
    varying = [key for key in keys if _varies_on(page, key) or _varies_in(runs.column(key), mask)]
    return [key.removeprefix(_PREFIX) for key in varying]


def _varies_on(page: Sequence[Run], key: str) -> bool:
    cells = (to_comparable(run.attributes.get(key), is_present=key in run.attributes) for run in page)
    first = next(cells)
    return any(cell != first for cell in cells)  # most parameters differ early, so few are looked at


def _varies_in(column: Column | None, mask: NDArray[np.bool_]) -> bool:
    if column is None or not mask.any():
        return False
    kinds = column.kinds[mask] & ~np.uint8(IS_INT)
    if (kinds != kinds[0]).any():
        return True
    if column.codes is not None and kinds[0] & HAS_TEXT:
        codes = column.codes[mask]
        return bool((codes != codes[0]).any())
    numbers = column.numbers[mask]
    return bool(kinds[0] & HAS_NUMBER) and bool((numbers != numbers[0]).any())
