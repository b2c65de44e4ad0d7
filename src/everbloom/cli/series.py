"""`everbloom metrics` and `series`: a run's metrics in a table, and all points of one of them."""

import sys

import click

from everbloom.cli.completing import complete_metrics
from everbloom.cli.invocation import Invocation, run_argument, store_options
from everbloom.cli.output.numbers import format_iso
from everbloom.cli.show import draw_metrics
from everbloom.core.clock import to_datetime


@click.command()
@run_argument
@store_options
def metrics(invocation: Invocation, *, run: str) -> None:
    """List RUN's metrics: curve, last, least, greatest, best, number of points."""
    with invocation.open_reader() as reader:
        found = invocation.find_run(reader, run)
        if invocation.as_json:
            from everbloom.cli.output.exact_json import write_json
            from everbloom.cli.shapes import shape_summary

            ranks = {info.metric: info.ranks for info in reader.list_metrics(found.id)}
            write_json(
                invocation.screen,
                [
                    {"metric": name, "sources": ranks.get(name, ()), **shape_summary(summary)}
                    for name, summary in sorted(found.metrics.items())
                ],
            )
            return
        lines = list(draw_metrics(invocation.screen, reader, found))
        invocation.screen.write(*(line.removeprefix("  ") for line in lines))
        if not lines:
            invocation.tell(f"{found.name} logged no metrics")


@click.command()
@run_argument
@click.argument("metric", metavar="METRIC", shell_complete=complete_metrics)
@click.option("--source", "--rank", default=0, metavar="N", help="Of this rank.  [0]")
@click.option("--all", "everything", is_flag=True, help="Points that a resume went back over, too.")
@store_options
def series(invocation: Invocation, *, run: str, metric: str, source: int, everything: bool) -> None:
    """Print all points of METRIC of RUN as CSV (step, value, time), or JSON columns with --json."""
    with invocation.open_reader() as reader:
        found = invocation.find_run(reader, run)
        points = reader.read_series(found.id, metric, source)
    kept = points if everything else points.without_greyed()
    if invocation.as_json:
        from everbloom.cli.output.exact_json import write_json

        columns = {"steps": kept.steps, "values": kept.values, "times": [to_datetime(t) for t in kept.times.tolist()]}
        head = {"run": found.id, "metric": metric, "source": source}
        write_json(invocation.screen, head | columns | ({"greyed": kept.greyed} if everything else {}))
        return
    sys.stdout.write("step,value,time\n")
    for step, value, time_us in zip(kept.steps.tolist(), kept.values.tolist(), kept.times.tolist(), strict=True):
        sys.stdout.write(f"{step},{value!r},{format_iso(to_datetime(time_us), is_exact=True)}\n")
