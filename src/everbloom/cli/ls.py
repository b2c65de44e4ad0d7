"""`everbloom ls`: runs as a table, and the same table kept up to date while scripts run.

What matches outside of the current namespace and project is counted in the footer: nobody should have to guess
that a run is merely somewhere else.
"""

from typing import TYPE_CHECKING

import click

from everbloom.cli.columns import parse_columns
from everbloom.cli.completing import complete_filter, complete_keys
from everbloom.cli.empty import describe_empty
from everbloom.cli.filter_words import FilterCommand, join_words
from everbloom.cli.invocation import Invocation, experiment_option, store_options
from everbloom.cli.output.text import clean_line
from everbloom.cli.run_table import describe_damage, draw_page

if TYPE_CHECKING:
    from everbloom.query.reader import Reader
    from everbloom.query.views import RunPage, RunQuery

NEWEST_FIRST = "-created"
LIMIT = 100


@click.command(cls=FilterCommand)
@click.argument("words", metavar="[FILTER]...", nargs=-1, shell_complete=complete_filter)
@click.option(
    "-s",
    "--sort",
    default=NEWEST_FIRST,
    metavar="KEYS",
    shell_complete=complete_keys,
    help="Keys by comma, - for descending.  [-created]",
)
@click.option(
    "-n", "--limit", default=LIMIT, metavar="N", type=click.IntRange(0), help=f"At most so many; 0 = all.  [{LIMIT}]"
)
@click.option("--offset", default=0, metavar="N", type=click.IntRange(0), help="Leave out the first N.")
@experiment_option
@click.option("--archived", is_flag=True, help="Archived runs instead of the others.")
@click.option("--everywhere", is_flag=True, help="Of all namespaces and projects.")
@click.option("-c", "--columns", metavar="KEYS", shell_complete=complete_keys, help="Show these keys, by comma.")
@click.option("--follow", "-f", is_flag=True, help="Go on showing what changes, until Ctrl-C.")
@store_options
def ls(
    invocation: Invocation,
    *,
    words: tuple[str, ...],
    sort: str,
    limit: int,
    offset: int,
    experiment: str | None,
    archived: bool,
    everywhere: bool,
    columns: str | None,
    follow: bool,
) -> None:
    """List runs, the newest first.

    \b
    everbloom ls
    everbloom ls state = failed
    everbloom ls 'metrics.val/acc.max > 0.9 and created > -7d' -s -metrics.val/acc.max
    everbloom ls --columns name,params.lr,metrics.loss.min --everywhere
    everbloom ls --follow
    """  # noqa: D301 - \b is click's sign for a paragraph that is not to be wrapped
    from everbloom.query.views import RunQuery

    query = RunQuery(
        filter=join_words(words),
        namespace=invocation.settings.namespace,
        project=invocation.settings.project,
        experiment=experiment,
        sort=sort,
        offset=offset,
        limit=limit or None,
        archived=archived,
        everywhere=everywhere,
    )
    chosen = parse_columns(columns) if columns else None
    if follow:
        from everbloom.cli.follow import follow_runs

        follow_runs(invocation, query, chosen)
    elif invocation.as_json:
        _write_json(invocation, query)
    else:
        with invocation.open_reader() as reader:
            page = reader.list_runs(query)
            lines = draw_page(invocation.screen, page, query, chosen)
            if not lines:
                lines = describe_empty(invocation, query, page)
            lines += map(clean_line, _explain(reader, query, page))
        invocation.screen.write(*lines)


def _explain(reader: "Reader", query: "RunQuery", page: "RunPage") -> list[str]:
    """Say why a filter found nothing, or an order sorted nothing."""
    is_vain = bool(query.filter) and not page.total
    if not is_vain and query.sort == NEWEST_FIRST:
        return []
    from everbloom.cli.unknown_keys import describe_unknown_keys, describe_unknown_order

    return describe_unknown_keys(reader, query) if is_vain else describe_unknown_order(reader, query)


def _write_json(invocation: Invocation, query: "RunQuery") -> None:
    from everbloom.cli.output.exact_json import write_json
    from everbloom.cli.shapes import shape_run

    with invocation.open_reader() as reader:
        page = reader.list_runs(query)
        write_json(invocation.screen, [shape_run(run) for run in page.runs])
        said = _explain(reader, query, page)
    for line in (*said, *describe_damage(page)):
        invocation.tell(line)
