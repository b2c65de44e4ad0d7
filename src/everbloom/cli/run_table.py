"""A page of runs as lines: the table, how many match, how long that took, and what is not shown."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from everbloom.cli.columns import RunColumn, choose_columns
from everbloom.cli.empty import describe_elsewhere
from everbloom.cli.output.numbers import format_count
from everbloom.cli.output.screen import Screen
from everbloom.cli.output.table import build_table
from everbloom.cli.output.text import clean_line, wrap

if TYPE_CHECKING:
    from everbloom.query.views import Run, RunPage, RunQuery


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


def describe_damage(page: "RunPage") -> list[str]:
    """Say of which runs of a page something could not be read; nothing where all could."""
    names = [clean_line(run.name) for run in page.damaged]
    if not names:
        return []
    listed = ", ".join(names[:5]) + (" …" if len(names) > 5 else "")
    return [
        f"not all could be read of {format_count(len(names), 'run')}: {listed}; everbloom show {names[0]} says what"
    ]


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
    lines += describe_damage(page)
    return [screen.style(part, "dim") for line in lines for part in wrap(line, screen.width)]
