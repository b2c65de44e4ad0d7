"""`everbloom best`: per metric the run that did best, how far ahead it is, and how the best got there.

The gain is told against the newest run tagged `baseline` where there is one, else against the median of all that
match: a best value alone says nothing about how hard it was to get.
"""

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from everbloom.cli.completing import complete_filter, complete_metrics
from everbloom.cli.empty import describe_empty
from everbloom.cli.invocation import Invocation, experiment_option, store_options
from everbloom.cli.output.numbers import format_change, format_count, format_number
from everbloom.cli.output.screen import Screen
from everbloom.cli.output.sparkline import draw_sparkline
from everbloom.cli.output.table import Cell, Column, build_table

if TYPE_CHECKING:
    from everbloom.query.best import Best
    from everbloom.query.reader import Reader
    from everbloom.query.views import Run, RunQuery

BASELINE_TAG = "baseline"
STAIRCASE_CELLS = 16
MEDIANS_MAX = 20  # each costs a sort of all matches


@click.command()
@click.argument("metrics", metavar="[METRIC]...", nargs=-1, shell_complete=complete_metrics)
@click.option(
    "--filter",
    "filter_",
    default="",
    metavar="FILTER",
    shell_complete=complete_filter,
    help="Among these runs only.",
)
@experiment_option
@click.option("--everywhere", is_flag=True, help="Of all namespaces and projects.")
@click.option("--min", "smallest", multiple=True, metavar="METRIC", help="Less of this metric is better.")
@click.option("--max", "greatest", multiple=True, metavar="METRIC", help="More of this metric is better.")
@store_options
def best(
    invocation: Invocation,
    *,
    metrics: tuple[str, ...],
    filter_: str,
    experiment: str | None,
    everywhere: bool,
    smallest: tuple[str, ...],
    greatest: tuple[str, ...],
) -> None:
    """Show the best run per METRIC, or per every metric whose direction is known.

    A direction that no run states is read off the metric's name and shown as guessed.
    """
    from everbloom.query.views import RunQuery

    query = RunQuery(
        filter=filter_,
        namespace=invocation.settings.namespace,
        project=invocation.settings.project,
        experiment=experiment,
        everywhere=everywhere,
    )
    directions: dict[str, Any] = dict.fromkeys(smallest, "min") | dict.fromkeys(greatest, "max")
    wanted = list(dict.fromkeys([*metrics, *directions]))
    with invocation.open_reader() as reader:
        found = reader.best_runs(query, wanted or None, directions=directions)
        baseline = find_baseline(reader, query)
        references = {b.metric: _find_reference(reader, query, b, baseline) for b in found[:MEDIANS_MAX]}
        if invocation.as_json:
            from everbloom.cli.output.exact_json import write_json

            write_json(invocation.screen, [_shape(b, references.get(b.metric), baseline) for b in found])
            return
        if not found:
            page = reader.list_runs(replace(query, limit=0))
            says = ["No matching run has a metric whose direction is known; name one with --min or --max."]
            invocation.screen.write(*(says if page.total else describe_empty(invocation, query, page)))
            return
    invocation.screen.write(*draw_best(invocation.screen, found, references, baseline))


def find_baseline(reader: "Reader", query: "RunQuery") -> "Run | None":
    """Return the newest run of the same scope that is tagged `baseline`."""
    tagged = replace(query, filter=f'tag = "{BASELINE_TAG}"', sort="-created", offset=0, limit=1)
    return next(iter(reader.list_runs(tagged).runs), None)


def _find_reference(reader: "Reader", query: "RunQuery", best: "Best", baseline: "Run | None") -> float | None:
    """Return what a best value is told against: the baseline's, else the median of all."""
    if baseline is not None:
        summary = baseline.metrics.get(best.metric)
        value = None if summary is None else float(getattr(summary, best.direction))
        return None if value is None or value != value else value
    if best.n_runs < 2:
        return None
    from everbloom.query.language.keys import key_of_column, print_key

    key = print_key(key_of_column(f"metrics.{best.metric}.{best.direction}"))
    middle = reader.list_runs(replace(query, sort=key, offset=(best.n_runs - 1) // 2, limit=1)).runs
    return float(getattr(middle[0].metrics[best.metric], best.direction)) if middle else None


def draw_best(
    screen: Screen, found: "list[Best]", references: dict[str, float | None], baseline: "Run | None"
) -> list[str]:
    """Return the best runs as lines."""
    columns = [
        Column("metric", least=14, keeps_end=True),
        Column("better is", rank=4),
        Column("best", "number"),
        Column("run", least=22, keeps_end=True),
        Column("over baseline" if baseline else "over median", "number", rank=2),
        Column("runs", "right", rank=3),
        Column("best so far", rank=5),
    ]
    rows = []
    for best in found:
        reference = references.get(best.metric)
        gain = "" if reference is None else format_change(best.value, reference)
        steps = [step.value for step in best.staircase]
        staircase = draw_sparkline(steps, STAIRCASE_CELLS, has_unicode=screen.has_unicode) if len(steps) > 1 else ""
        rows.append(
            [
                Cell(best.metric),
                Cell(best.direction + (" (guessed)" if best.is_guessed else "")),
                Cell(format_number(best.value), "best"),
                Cell(best.run.name),
                Cell(gain),
                Cell(f"{best.n_runs:,}"),
                Cell(staircase, "blue"),
            ]
        )
    lines = build_table(screen, columns, rows).lines
    footer = format_count(len(found), "metric")
    if baseline is not None:
        footer += f" · baseline {baseline.name}"
    return [*lines, "", screen.style(footer, "dim")]


def _shape(best: "Best", reference: float | None, baseline: "Run | None") -> dict[str, Any]:
    return {
        "metric": best.metric,
        "direction": best.direction,
        "is_guessed": best.is_guessed,
        "value": best.value,
        "id": best.run.id,
        "name": best.run.name,
        "project": best.run.project,
        "n_runs": best.n_runs,
        "reference": reference,
        "reference_is": None if reference is None else "baseline" if baseline else "median",
        "gain": None if reference is None else best.value - reference,
        "baseline": None if baseline is None else baseline.id,
        "staircase": [
            {"id": step.run.id, "created": step.run.created_at, "value": step.value} for step in best.staircase
        ],
    }
