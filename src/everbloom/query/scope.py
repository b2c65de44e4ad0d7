"""Which readable runs a query looks at, and which of them match: filter, experiment, archived."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from everbloom.core.errors import InvalidInput
from everbloom.index.catalog import ProjectRow
from everbloom.index.columns import HAS_NUMBER
from everbloom.query.evaluate import evaluate
from everbloom.query.language.ast import And, Check, Compare, Filter, Match, Member, Not, Or, SortKey, Text
from everbloom.query.language.keys import Key
from everbloom.query.language.parser import parse_filter
from everbloom.query.language.sorting import parse_order
from everbloom.query.readable import ReadableIndex, StoredRuns
from everbloom.query.views import RunQuery

_Parsed = TypeVar("_Parsed")


@dataclass(frozen=True)
class Plan:
    """A query, parsed.

    Attributes:
        filter: What runs must meet; None = nothing.
        order: How they are sorted.
        archived: Only archived ones, or only others; None = both.
        inside: The projects that are asked for.
        outside: The other readable ones.
    """

    filter: Filter | None
    order: tuple[SortKey, ...]
    archived: bool | None
    inside: list[ProjectRow]
    outside: list[ProjectRow]


def plan_query(readable: ReadableIndex, query: RunQuery) -> Plan:
    """Parse a query and settle which projects it looks at.

    Raises:
        InvalidInput: The filter or the order cannot be read (`filter.*`, `sort.*`); says where and what would fit.
    """
    projects = readable.read_projects()
    parsed, order = _parse(readable, projects, query)
    archived = None if parsed is not None and "archived" in _roots(parsed) else query.archived
    if query.experiment is not None:
        wanted = Compare(Key("experiment"), "=", Text(query.experiment))
        parsed = wanted if parsed is None else And((wanted, parsed))
    inside = [project for project in projects if _is_inside(project, query)]
    return Plan(parsed, order, archived, inside, [project for project in projects if project not in inside])


def _parse(
    readable: ReadableIndex, projects: Sequence[ProjectRow], query: RunQuery
) -> tuple[Filter | None, tuple[SortKey, ...]]:
    def parse(known: Iterable[str]) -> tuple[Filter | None, tuple[SortKey, ...]]:
        return parse_filter(query.filter, known=known), parse_order(query.sort, known=known)

    return parse_with_guesses(parse, lambda: readable.read_keys(projects))


def parse_with_guesses(parse: Callable[[Iterable[str]], _Parsed], read_keys: Callable[[], Iterable[str]]) -> _Parsed:
    """Parse; read which keys there are only where that fails, so that the error can say what was perhaps meant."""
    try:
        return parse(())
    except InvalidInput:
        return parse(read_keys())


def _is_inside(project: ProjectRow, query: RunQuery) -> bool:
    if query.everywhere:
        return True
    return query.namespace in (None, project.namespace) and query.project in (None, project.name)


def _roots(parsed: Filter) -> Iterator[str]:
    match parsed:
        case And(parts) | Or(parts):
            for part in parts:
                yield from _roots(part)
        case Not(part):
            yield from _roots(part)
        case Compare(key) | Member(key) | Match(key) | Check(key):
            yield key.root


def match_runs(plan: Plan, runs: StoredRuns) -> NDArray[np.bool_]:
    """Tell which places hold a run that the query asks for; a fresh array, shape (n,)."""
    mask = runs.present
    if plan.archived is not None:
        archived = runs.column("archived")
        is_archived = np.zeros(runs.n, np.bool_)
        if archived is not None:
            is_archived = ((archived.kinds & HAS_NUMBER) != 0) & (archived.numbers == 1)
        mask &= is_archived == plan.archived
    if plan.filter is not None and mask.any():
        mask &= evaluate(plan.filter, runs)
    return mask
