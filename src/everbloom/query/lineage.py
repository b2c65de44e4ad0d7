"""Which run branched from which, what was changed on the way, and whether it helped."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from everbloom.core.records import Direction, Scalar
from everbloom.query.cells import to_comparable
from everbloom.query.compare import choose_direction
from everbloom.query.readable import ReadableIndex
from everbloom.query.runs import list_runs
from everbloom.query.views import Run, RunQuery


@dataclass(frozen=True)
class Changes:
    """How a run's parameters differ from its parent's.

    Attributes:
        added: By name, what the parent lacks.
        removed: By name, what the parent had.
        changed: By name, (the parent's, the run's).
    """

    added: dict[str, Scalar]
    removed: dict[str, Scalar]
    changed: dict[str, tuple[Scalar, Scalar]]

    def __bool__(self) -> bool:
        return bool(self.added or self.removed or self.changed)


@dataclass(frozen=True)
class Delta:
    """How a run did against its parent by one metric; `is_better` is None where they are equal."""

    metric: str
    direction: Direction
    is_guessed: bool
    parent_value: float
    value: float
    is_better: bool | None


@dataclass(frozen=True)
class TreeNode:
    """A run, what changed from its parent, and what branched from it, oldest first.

    Attributes:
        run: The run.
        parent: The run it branched from, also where that does not match the query; None = none that can be read.
        changes: Against the parent; None without one.
        delta: Against the parent by the run's objective; None where they share none.
        children: The matches that branched from it.
    """

    run: Run
    parent: Run | None
    changes: Changes | None
    delta: Delta | None
    children: tuple["TreeNode", ...]


def build_tree(readable: ReadableIndex, query: RunQuery) -> list[TreeNode]:
    """Arrange the runs that a query gives as trees, by their parents' ids.

    Returns:
        The roots, in the query's order: runs whose parent is not among the matches. Runs that are each other's
        ancestors, which only a mistaken edit can bring about, begin a tree with the one that was created first.
    """
    page = list_runs(readable, query).runs
    matches = {run.id for run in page}
    missing = [run.parent for run in page if run.parent is not None and run.parent not in matches]
    return arrange_runs(page, {run.id: run for run in readable.read_runs(missing)})


def arrange_runs(page: Sequence[Run], others: Mapping[str, Run]) -> list[TreeNode]:
    """Arrange runs as trees; `others` are parents that stand outside. Pure."""
    matches: dict[str, Run] = {run.id: run for run in page}
    roots = _find_roots(page, matches)
    children: dict[str, list[Run]] = {}
    for run in page:
        if run.parent is not None and run.id not in roots and run.parent in matches:
            children.setdefault(run.parent, []).append(run)
    known = {**others, **matches}
    return [_to_node(run, known, children) for run in page if run.id in roots]


def _find_roots(page: Sequence[Run], matches: Mapping[str, Run]) -> set[str]:
    """Return the runs that begin a tree; every run hangs from exactly one of them."""
    roots: set[str] = {run.id for run in page if run.parent is None or run.parent not in matches}
    settled: set[str] = set(roots)
    for run in page:
        path: list[Run] = []
        seen: set[str] = set()
        at = run
        while at.id not in settled and at.id not in seen:
            path.append(at)
            seen.add(at.id)
            at = matches[at.parent or at.id]
        if at.id not in settled:  # the way up came back to where it was
            circle = path[path.index(at) :]
            roots.add(min(circle, key=lambda member: (member.created_at, member.id)).id)
        settled |= seen
    return roots


def _to_node(top: Run, known: Mapping[str, Run], children: Mapping[str, Sequence[Run]]) -> TreeNode:
    """Build a tree from its leaves up, without recursion: a chain of branches may be thousands long."""
    ordered: list[Run] = []
    waiting = [top]
    while waiting:
        run = waiting.pop()
        ordered.append(run)
        waiting += children.get(run.id, ())
    nodes: dict[str, TreeNode] = {}
    for run in reversed(ordered):
        below = sorted(children.get(run.id, ()), key=lambda child: (child.created_at, child.id))
        parent = known.get(run.parent or "")
        changes = None if parent is None else find_changes(parent.params, run.params)
        delta = None if parent is None else find_delta(parent, run)
        nodes[run.id] = TreeNode(run, parent, changes, delta, tuple(nodes[child.id] for child in below))
    return nodes[top.id]


def find_changes(before: Mapping[str, Scalar], after: Mapping[str, Scalar]) -> Changes:
    """Return how parameters differ, names sorted."""
    shared = sorted(before.keys() & after.keys())
    return Changes(
        {name: after[name] for name in sorted(after.keys() - before.keys())},
        {name: before[name] for name in sorted(before.keys() - after.keys())},
        {
            name: (before[name], after[name])
            for name in shared
            if to_comparable(before[name]) != to_comparable(after[name])
        },
    )


def find_delta(parent: Run, run: Run) -> Delta | None:
    """Return how a run did against its parent, by the first metric of both that has a direction, stated ones first."""
    found: list[Delta] = []
    for metric in sorted(run.summary.keys() & parent.summary.keys()):
        direction, is_guessed = choose_direction(metric, (run.metrics[metric], parent.metrics[metric]))
        if direction is None:
            continue
        old, new = (float(getattr(side.metrics[metric], direction)) for side in (parent, run))
        if math.isnan(old) or math.isnan(new):
            continue
        is_better = None if old == new else (new < old) == (direction == "min")
        found.append(Delta(metric, direction, is_guessed, old, new, is_better))
    return min(found, key=lambda delta: delta.is_guessed, default=None)
