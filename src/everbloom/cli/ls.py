"""`everbloom ls`: runs as a table, and the same table kept up to date while scripts run.

What matches outside of the current namespace and project is counted in the footer: nobody should have to guess
that a run is merely somewhere else.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from everbloom.cli.columns import RunColumn, choose_columns, parse_columns
from everbloom.cli.completing import complete_filter, complete_keys
from everbloom.cli.empty import describe_empty
from everbloom.cli.invocation import Invocation, store_options
from everbloom.cli.output.numbers import format_count
from everbloom.cli.output.screen import Screen
from everbloom.cli.output.table import build_table
from everbloom.cli.output.text import wrap

if TYPE_CHECKING:
    from everbloom.query.views import Run, RunPage, RunQuery

LIMIT = 100
_HIDDEN = "\0"  # no argument of a process can hold one
_OPERATORS = frozenset("= == != <> < <= > >= ~ in like".split())


class FilterCommand(click.Command):
    """A command whose words are a filter, in which `-7d` is a time ago and not an option."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, context_settings={"ignore_unknown_options": True}, **options)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Hide words such as `-1h` from click, which would see `-h` in it; `join_words` brings them back."""
        previous = ""
        hidden = []
        for word in args:
            is_number = word[:1] == "-" and (word[1:2].isdigit() or word[1:2] == "." or word == "-inf")
            hidden.append(_HIDDEN + word if is_number and not previous.startswith("-") else word)
            previous = word
        return super().parse_args(ctx, hidden)


@click.command(cls=FilterCommand)
@click.argument("words", metavar="[FILTER]...", nargs=-1, shell_complete=complete_filter)
@click.option(
    "-s",
    "--sort",
    default="-created",
    metavar="KEYS",
    shell_complete=complete_keys,
    help="Keys by comma, - for descending.  [-created]",
)
@click.option(
    "-n", "--limit", default=LIMIT, metavar="N", type=click.IntRange(0), help=f"At most so many; 0 = all.  [{LIMIT}]"
)
@click.option("--offset", default=0, metavar="N", type=click.IntRange(0), help="Leave out the first N.")
@click.option("-e", "--experiment", metavar="NAME", help="Of this experiment only.")
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
        from everbloom.cli.output.exact_json import write_json
        from everbloom.cli.shapes import shape_run

        with invocation.open_reader() as reader:
            write_json(invocation.screen, [shape_run(run) for run in reader.list_runs(query).runs])
    else:
        with invocation.open_reader() as reader:
            page = reader.list_runs(query)
        lines = draw_page(invocation.screen, page, query, chosen)
        invocation.screen.write(*(lines or describe_empty(invocation, query, page)))


def join_words(words: Sequence[str]) -> str:
    """Make one filter of the words of a command line.

    A single word is the filter as it is. Of several, one that follows an operator and holds white space was a value
    in quotes, which the shell has taken off.

    Raises:
        UsageError: A word looks like an option.
    """
    joined: list[str] = []
    for given in words:
        word = given
        if word.startswith("-") and len(word) > 1:
            raise click.NoSuchOption(word, ctx=click.get_current_context(silent=True))
        word = word.removeprefix(_HIDDEN)
        is_value = bool(joined) and joined[-1].lower() in _OPERATORS and not word.startswith(("(", '"', "'"))
        if len(words) > 1 and is_value and any(c.isspace() for c in word):
            word = '"' + word.replace('"', '""') + '"'
        joined.append(word)
    return " ".join(joined)


def draw_page(screen: Screen, page: "RunPage", query: "RunQuery", chosen: list[RunColumn] | None) -> list[str]:
    """Return a page of runs as lines, footer included; none where nothing matches."""
    if not page.runs:
        return []
    columns = chosen or choose_columns(page.runs, page.varying, has_places=query.everywhere)
    lines, left_out = draw_runs(screen, page.runs, columns)
    return [*lines, "", *draw_footer(screen, page, query, left_out)]


def draw_runs(screen: Screen, runs: "Sequence[Run]", columns: Sequence[RunColumn]) -> tuple[list[str], list[str]]:
    """Return runs as lines, the heading first, and the titles of columns that had no room."""
    rows = [[column.draw(screen, run) for column in columns] for run in runs]
    table = build_table(screen, [column.column for column in columns], rows)
    return table.lines, table.left_out


def draw_footer(screen: Screen, page: "RunPage", query: "RunQuery", left_out: Sequence[str] = ()) -> list[str]:
    """Say how many match, how long that took, and what is not shown."""
    shown = len(page.runs)
    if shown == page.total:
        parts = [format_count(page.total, "run")]
    else:
        parts = [f"{query.offset + 1:,} to {query.offset + shown:,} of {format_count(page.total, 'run')}"]
        if query.offset + shown < page.total:
            parts.append(f"next: --offset {query.offset + shown}")
    parts.append(f"{page.query_s * 1000:.0f} ms")
    lines = [" · ".join(parts)]
    if left_out:
        lines.append(f"no room for {', '.join(left_out)}; a wider terminal, --columns or --json shows them")
    lines += describe_elsewhere(page)
    return [screen.style(part, "dim") for line in lines for part in wrap(line, screen.width)]


def describe_elsewhere(page: "RunPage") -> list[str]:
    """Say how many match in other namespaces and projects, and how to see them."""
    if not page.elsewhere:
        return []
    places = sorted(page.elsewhere.items(), key=lambda item: (-item[1], item[0]))
    named = ", ".join(f"{count:,} in {place}" for place, count in places[:5])
    more = f" and {len(places) - 5} other places" if len(places) > 5 else ""
    return [f"{sum(page.elsewhere.values()):,} more elsewhere: {named}{more} (--everywhere shows them)"]
