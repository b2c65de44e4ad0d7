"""`everbloom metrics` and `series`: a run's metrics in a table, and all points of one of them."""

import sys
from typing import TYPE_CHECKING, Any

import click

from everbloom.cli.completing import complete_metrics
from everbloom.cli.invocation import Invocation, run_argument, store_options
from everbloom.cli.metric_table import draw_metrics, pattern_option, read_summaries, reduce_option
from everbloom.cli.output.numbers import format_iso
from everbloom.core.clock import to_datetime

if TYPE_CHECKING:
    from everbloom.query.views import Reduce, Series


@click.command()
@run_argument
@pattern_option
@reduce_option
@store_options
def metrics(invocation: Invocation, *, run: str, pattern: str | None, reduce: "Reduce | None") -> None:
    """List RUN's metrics: curve, last, least, greatest, best, number of points.

    Of rank 0, or where rank 0 never logged one of the lowest rank that did. With --reduce each summary is taken over
    the ranks that have the metric, each with its whole series.
    """
    with invocation.open_reader() as reader:
        found = invocation.find_run(reader, run)
        has_resources = invocation.as_json or pattern is not None
        summaries = read_summaries(reader, found, pattern=pattern, reduce=reduce, has_resources=has_resources)
        if invocation.as_json:
            from everbloom.cli.output.exact_json import write_json
            from everbloom.cli.shapes import shape_summary

            ranks = {info.metric: info.ranks for info in reader.list_metrics(found.id)}
            write_json(
                invocation.screen,
                [
                    {"metric": name, "sources": ranks.get(name, ()), **shape_summary(summary)}
                    for name, summary in summaries.items()
                ],
            )
            return
        lines = list(draw_metrics(invocation.screen, reader, found, summaries, reduce=reduce))
        invocation.screen.write(*(line.removeprefix("  ") for line in lines))
        if not lines:
            says = "logged no metrics" if pattern is None else f"has no metric that fits {pattern!r}"
            invocation.tell(f"{found.name} {says}")


@click.command()
@run_argument
@click.argument("metric", metavar="METRIC", shell_complete=complete_metrics)
@click.option("--rank", "--source", "rank", type=int, metavar="N", help="Of this rank.  [the lowest that has it]")
@reduce_option
@click.option("--all", "everything", is_flag=True, help="Points that a resume went back over, too.")
@store_options
def series(
    invocation: Invocation, *, run: str, metric: str, rank: int | None, reduce: "Reduce | None", everything: bool
) -> None:
    """Print all points of METRIC of RUN as CSV (step, value, time), or JSON columns with --json.

    With --reduce there is one line a step, of what the ranks logged there, and `low` and `high` are their range.
    """
    with invocation.open_reader() as reader:
        found = invocation.find_run(reader, run)
        points = reader.read_series(found.id, metric, rank, reduce=reduce)
    kept = points if everything else points.without_greyed()
    if invocation.as_json:
        _write_json(invocation, kept, everything=everything)
        return
    has_band = kept.low is not None and kept.high is not None
    sys.stdout.write("step,value,low,high,time\n" if has_band else "step,value,time\n")
    columns = [column.tolist() for column in (kept.steps, kept.values, kept.low, kept.high) if column is not None]
    for *numbers, time_us in zip(*columns, kept.times.tolist(), strict=True):
        row = ",".join(map(repr, numbers))
        sys.stdout.write(f"{row},{format_iso(to_datetime(time_us), is_exact=True)}\n")


def _write_json(invocation: Invocation, points: "Series", *, everything: bool) -> None:
    from everbloom.cli.output.exact_json import write_json

    head: dict[str, Any] = {"run": points.run, "metric": points.metric, "source": points.source}
    columns: dict[str, Any] = {
        "steps": points.steps,
        "values": points.values,
        "times": [to_datetime(t) for t in points.times.tolist()],
    }
    if points.reduce is not None:
        head |= {"reduce": points.reduce, "ranks": points.ranks}
        columns |= {"low": points.low, "high": points.high}
    write_json(invocation.screen, head | columns | ({"greyed": points.greyed} if everything else {}))
