"""A run's metrics as a table: curve, last, least, greatest, best, how many points.

Of very many only some of each group are shown, the stated objectives among them, and what is left out is counted and
can be asked for by a pattern. Metrics are grouped by their names up to the last slash.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

import click

from everbloom.cli.columns import format_metric
from everbloom.cli.completing import complete_metrics
from everbloom.cli.output.numbers import format_count
from everbloom.cli.output.screen import Screen
from everbloom.cli.output.sparkline import draw_sparkline
from everbloom.cli.output.table import Cell, Column, build_table
from everbloom.cli.output.text import clean_line, wrap
from everbloom.core.values import SYSTEM_PREFIX

if TYPE_CHECKING:
    from everbloom.query.reader import Reader
    from everbloom.query.views import MetricSummary, Reduce, Run

CURVE_CELLS = 24
WHOLE_MAX = 64  # so many metrics are shown whole
GROUPS_MAX = 8
OF_GROUP_MAX = 3
CURVES_MAX = 40  # drawing one costs a read; a run of 10,000 metrics is not drawn in full
_REDUCTIONS = ("mean", "min", "max")


def reduce_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command `--reduce`: over all ranks instead of the lowest."""
    says = "Over all ranks instead of rank 0."
    return click.option("--reduce", type=click.Choice(_REDUCTIONS), metavar="mean|min|max", help=says)(function)


def pattern_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command `--metrics`: only those whose names fit a pattern."""
    return click.option(
        "--metrics",
        "pattern",
        metavar="GLOB",
        shell_complete=complete_metrics,
        help="Only metrics that fit, all of them: 'val/*', '*'.",
    )(function)


def read_summaries(
    reader: "Reader", run: "Run", *, pattern: str | None, reduce: "Reduce | None", has_resources: bool = False
) -> "dict[str, MetricSummary]":
    """Read a run's summaries by metric that fit a pattern where there is one; resources only if asked for."""
    summaries = run.metrics if reduce is None else reader.read_summaries(run.id, reduce=reduce)
    return {
        name: summary
        for name, summary in sorted(summaries.items())
        if (has_resources or not name.startswith(SYSTEM_PREFIX))
        and (pattern is None or name == pattern or fnmatchcase(name, pattern))
    }


def draw_metrics(
    screen: Screen,
    reader: "Reader",
    run: "Run",
    summaries: "Mapping[str, MetricSummary]",
    *,
    reduce: "Reduce | None" = None,
    is_whole: bool = True,
) -> Iterator[str]:
    """Return metrics as lines.

    Args:
        screen: Where they go.
        reader: Reads the curves; of more than 40 metrics the first ones are drawn.
        run: Whose metrics.
        summaries: By metric, in order.
        reduce: What the summaries are of the ranks.
        is_whole: Show all; else of more than 64 some of each group, and say what is left out.
    """
    shown = dict(summaries) if is_whole or len(summaries) <= WHOLE_MAX else _choose_some(summaries)
    has_ranks = any(summary.rank for summary in shown.values())
    columns = [
        Column("metric", least=12, keeps_end=True),
        *([Column("rank", "right")] if has_ranks else []),
        Column("curve", rank=1),
        Column("last", "number"),
        Column("min", "number", rank=3),
        Column("max", "number", rank=2),
        Column("best", "number"),
        Column("better is", rank=5),
        Column("points", "right", rank=4),
    ]
    rows: list[list[Cell]] = []
    for name, summary in shown.items():
        best = "" if summary.best is None else format_metric(name, summary.best)
        guess = " (guessed)" if summary.is_guessed else ""
        rows.append(
            [
                Cell(name),
                *([Cell(str(summary.rank))] if has_ranks else []),
                Cell(draw_curve(screen, reader, run, name, reduce=reduce) if len(rows) < CURVES_MAX else "", "blue"),
                Cell(format_metric(name, summary.last)),
                Cell(format_metric(name, summary.min)),
                Cell(format_metric(name, summary.max)),
                Cell(best, "best"),
                Cell(f"{summary.direction}{guess}" if summary.direction else ""),
                Cell(f"{summary.n:,}"),
            ]
        )
    yield from build_table(screen, columns, rows, indent=2).lines
    if len(rows) > CURVES_MAX:
        yield screen.style(f"  {len(rows) - CURVES_MAX:,} curves are left out", "dim")
    if len(summaries) > len(shown):
        says = _describe_rest(run, summaries, len(shown))
        yield from (screen.style(f"  {line}", "dim") for line in wrap(says, max(screen.width - 2, 20)))


def _choose_some(summaries: "Mapping[str, MetricSummary]") -> "dict[str, MetricSummary]":
    """Return the stated objectives, then the first few metrics of the first few groups."""
    objectives = [n for n, s in summaries.items() if s.direction is not None and not s.is_guessed]
    first = list(_count_groups(summaries))[:GROUPS_MAX]
    room = OF_GROUP_MAX * GROUPS_MAX // len(first)  # where there are fewer groups each shows more
    members = (name for group in first for name in [n for n in summaries if _group_of(n) == group][:room])
    return {name: summaries[name] for name in list(dict.fromkeys([*objectives, *members]))[:WHOLE_MAX]}


def _count_groups(summaries: "Mapping[str, MetricSummary]") -> dict[str, int]:
    """Return how many metrics each group has: none first, then small ones; large ones are mostly layers."""
    counts = Counter(map(_group_of, summaries))
    return dict(sorted(counts.items(), key=lambda pair: (pair[0] != "", pair[1], pair[0])))


def _group_of(name: str) -> str:
    return name.rpartition("/")[0]


def _describe_rest(run: "Run", summaries: "Mapping[str, MetricSummary]", shown: int) -> str:
    groups = _count_groups(summaries)
    named = [f"{clean_line(group)}/ {count:,}" if group else f"no group {count:,}" for group, count in groups.items()]
    more = f" and {format_count(len(groups) - GROUPS_MAX, 'group')} more" if len(groups) > GROUPS_MAX else ""
    example = clean_line(next((f"{group}/*" for group in groups if group), f"{next(iter(summaries))[:1]}*"))
    return (
        f"{shown} of {len(summaries):,} metrics are shown; by group: {', '.join(named[:GROUPS_MAX])}{more}. "
        f"Others: everbloom show {clean_line(run.name)} --metrics '{example}'; all: --metrics '*', or --json"
    )


def draw_curve(
    screen: Screen,
    reader: "Reader",
    run: "Run",
    metric: str,
    width: int = CURVE_CELLS,
    *,
    reduce: "Reduce | None" = None,
) -> str:
    """Return a metric's curve over its steps; empty for a single point."""
    if run.metrics[metric].n < 2:
        return ""
    from everbloom.query.reader import SeriesKey, Window

    envelope = reader.read_window([SeriesKey(run.id, metric, reduce=reduce)], Window(columns=width))
    series = envelope.series[0]
    return draw_sparkline(series.last.tolist(), width, has_unicode=screen.has_unicode)
