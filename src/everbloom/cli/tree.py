"""`everbloom tree`: which run branched from which, what each step changed, and what that did to the objective.

The way from the root to the best run is marked, so that one sees at a glance which changes led there.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from everbloom.cli.columns import draw_state
from everbloom.cli.completing import complete_filter
from everbloom.cli.empty import describe_empty
from everbloom.cli.filter_words import FilterCommand, join_words
from everbloom.cli.invocation import Invocation, experiment_option, store_options
from everbloom.cli.output.numbers import format_apart, format_change, format_number, format_value
from everbloom.cli.output.screen import Screen
from everbloom.cli.output.text import clean_console, clean_line, cut, measure
from everbloom.core.errors import InvalidInput

if TYPE_CHECKING:
    from everbloom.query.lineage import Changes, TreeNode
    from everbloom.query.views import Run

NAME_CELLS, NAME_CELLS_MIN = 40, 8
STEM_CELLS = 12
_ONWARD = "↳ "

_VALUE_CELLS = 24


@click.command(cls=FilterCommand)
@click.argument("words", metavar="[FILTER]...", nargs=-1, shell_complete=complete_filter)
@experiment_option
@click.option("--metric", metavar="NAME", help="Judge by this metric instead of the objective.")
@click.option("--everywhere", is_flag=True, help="Of all namespaces and projects.")
@click.option("-n", "--limit", default=1000, type=click.IntRange(1), metavar="N", help="At most the newest N.  [1000]")
@store_options
def tree(
    invocation: Invocation,
    *,
    words: tuple[str, ...],
    experiment: str | None,
    metric: str | None,
    everywhere: bool,
    limit: int,
) -> None:
    """Draw which run branched from which; edges say what was changed and what it did to the objective."""
    from everbloom.query.views import RunQuery

    query = RunQuery(
        filter=join_words(words),
        namespace=invocation.settings.namespace,
        project=invocation.settings.project,
        experiment=experiment,
        everywhere=everywhere,
        limit=limit,
    )
    with invocation.open_reader() as reader:
        roots = reader.build_tree(query)
        if not roots:
            invocation.screen.write(
                *([] if invocation.as_json else describe_empty(invocation, query, reader.list_runs(query)))
            )
    judge = choose_judge(roots, metric)
    if metric is not None and judge is None and roots:
        raise _no_direction(metric)
    best = find_best_path(roots, judge)
    if invocation.as_json:
        from everbloom.cli.output.exact_json import write_json

        write_json(invocation.screen, [_shape(node, best) for node in roots])
    else:
        invocation.screen.write(*draw_tree(invocation.screen, roots, best, judge))
        if judge is not None:
            guess = " (guessed)" if judge.is_guessed else ""
            footer = f"{judge.metric}, {judge.direction} is better{guess} · ★ leads to the best"
            invocation.screen.write("", invocation.screen.style(clean_line(footer), "dim"))


def _no_direction(metric: str) -> InvalidInput:
    return InvalidInput(
        f"no run of the tree has a metric {metric!r} of which it is known whether less or more is better; name "
        f"another, or state it when recording: objectives={{{metric!r}: 'min'}}.",
        code="metric.no_direction",
        metric=metric,
    )


def iter_nodes(roots: "list[TreeNode]") -> "Iterator[tuple[TreeNode, TreeNode | None]]":
    """Yield every node with the one that it hangs from; without recursion, a chain may be thousands long."""
    waiting: list[tuple[TreeNode, TreeNode | None]] = [(root, None) for root in reversed(roots)]
    while waiting:
        node, parent = waiting.pop()
        yield node, parent
        waiting += [(child, node) for child in reversed(node.children)]


class Judge(NamedTuple):
    """The metric that the runs of a tree are judged by."""

    metric: str
    direction: str
    is_guessed: bool

    def read(self, run: "Run | None") -> float | None:
        """Return a run's best value; None where it has none."""
        summary = None if run is None else run.metrics.get(self.metric)
        value = None if summary is None else float(getattr(summary, self.direction))
        return None if value is None or value != value else value

    def is_better(self, value: float, reference: float) -> bool | None:
        """Tell whether a value beats another; None where they are equal."""
        return None if value == reference else (value < reference) == (self.direction == "min")


def choose_judge(roots: "list[TreeNode]", metric: str | None) -> Judge | None:
    """Return what to judge by: the metric asked for, else the objective that most runs state, else the best guess."""
    counts: dict[Judge, int] = {}
    for node, _ in iter_nodes(roots):
        for name, summary in node.run.summary.items():
            if summary.direction is not None and metric in (None, name):
                judge = Judge(name, summary.direction, summary.is_guessed)
                counts[judge] = counts.get(judge, 0) + 1
    return max(counts, key=lambda j: (not j.is_guessed, counts[j], _is_held_out(j.metric), j.metric), default=None)


def _is_held_out(metric: str) -> bool:
    return any(word in metric.lower() for word in ("val", "test", "eval"))


def find_best_path(roots: "list[TreeNode]", judge: Judge | None) -> set[str]:
    """Return the ids from a root to the best run of all."""
    if judge is None:
        return set()
    parents: dict[str, str | None] = {}
    best: tuple[float, str] | None = None
    for node, parent in iter_nodes(roots):
        parents[node.run.id] = parent.run.id if parent else None
        value = judge.read(node.run)
        if value is not None and (best is None or judge.is_better(value, best[0])):
            best = value, node.run.id
    at = best[1] if best else None
    path: set[str] = set()
    while at is not None:
        path.add(at)
        at = parents[at]
    return path


def draw_tree(screen: Screen, roots: "list[TreeNode]", best: set[str], judge: Judge | None) -> Iterator[str]:
    """Yield the tree as lines, the newest root first."""
    waiting: list[tuple[TreeNode, str, str]] = [(root, "", "") for root in reversed(roots)]
    while waiting:
        node, stem, branch = waiting.pop()
        yield _draw_node(screen, node, stem + branch, best, judge)
        below = stem + ("" if branch in ("", _ONWARD) else "   " if branch.startswith("└") else "│  ")
        last = len(node.children) - 1
        if last == 0 and len(below) >= STEM_CELLS:  # a long chain goes down, not off the screen
            waiting.append((node.children[0], below, _ONWARD))
            continue
        waiting += [
            (child, below, "└─ " if i == last else "├─ ") for i, child in reversed(list(enumerate(node.children)))
        ]


def _draw_node(screen: Screen, node: "TreeNode", stem: str, best: set[str], judge: Judge | None) -> str:
    run, state = node.run, draw_state(screen, node.run)
    is_best = run.id in best
    parts = [screen.style(state.text.split(" ")[0] if run.state == "finished" else state.text, state.style)]
    parts += _draw_result(screen, node, judge)
    room = screen.width - measure(stem) - NAME_CELLS_MIN - 2
    while len(parts) > 1 and _measure_styled("  ".join(parts)) > room:
        parts.pop()
    rest = "  ".join(parts)
    name = clean_line(f"★ {run.name}" if is_best else run.name)
    if screen.is_terminal:
        room = screen.width - measure(stem) - _measure_styled(rest) - 2
        name = cut(name, min(max(room, NAME_CELLS_MIN), NAME_CELLS), is_middle=True)
    head = f"{screen.style(stem, 'dim')}{screen.style(name, 'best' if is_best else 'bold')}  {rest}"
    label = describe_changes(node.changes) if node.changes else ""
    room = screen.width - _measure_styled(head) - 2
    return f"{head}  {screen.style(cut(label, room), 'cyan')}" if label and room > 8 else head


def _measure_styled(text: str) -> int:
    return measure(clean_console(text, has_colour=False))


def _draw_result(screen: Screen, node: "TreeNode", judge: Judge | None) -> list[str]:
    value = judge.read(node.run) if judge else None
    if judge is None or value is None:
        return []
    parts = [format_number(value)]
    before = judge.read(node.parent)
    if before is not None:
        is_better = judge.is_better(value, before)
        word, style = {True: ("better", "green"), False: ("worse", "red"), None: ("same", "dim")}[is_better]
        parts.append(screen.style(f"({format_change(value, before)} {word})", style))
    return parts


def describe_changes(changes: "Changes") -> str:
    """Say what was changed: `lr 0.1 -> 0.03, +dropout 0.1, -warmup`."""
    parts = []
    for name, pair in changes.changed.items():
        before, after = format_apart(pair)
        parts.append(f"{name} {before[:_VALUE_CELLS]} → {after[:_VALUE_CELLS]}")
    parts += [f"+{name} {format_value(value)[:_VALUE_CELLS]}" for name, value in changes.added.items()]
    parts += [f"-{name}" for name in changes.removed]
    return clean_line(", ".join(parts))


def _shape(root: "TreeNode", best: set[str]) -> dict[str, Any]:
    """Return a tree as nested objects, built from its leaves up."""
    shaped: dict[str, dict[str, Any]] = {}
    for node, _ in reversed(list(iter_nodes([root]))):
        run, changes, delta = node.run, node.changes, node.delta
        shaped[run.id] = {
            "id": run.id,
            "name": run.name,
            "state": run.state,
            "parent": run.parent,
            "is_on_best_path": run.id in best,
            "changes": None
            if changes is None
            else {
                "added": changes.added,
                "removed": changes.removed,
                "changed": {name: {"from": a, "to": b} for name, (a, b) in changes.changed.items()},
            },
            "delta": None
            if delta is None
            else {
                "metric": delta.metric,
                "direction": delta.direction,
                "is_guessed": delta.is_guessed,
                "from": delta.parent_value,
                "to": delta.value,
                "is_better": delta.is_better,
            },
            "children": [shaped[child.run.id] for child in node.children],
        }
    return shaped[root.run.id]
