"""`everbloom search`: runs that say or printed something, each with the line where it stands."""

from typing import TYPE_CHECKING

import click

from everbloom.cli.invocation import Invocation, store_options
from everbloom.cli.output.numbers import format_count
from everbloom.cli.output.screen import Screen
from everbloom.cli.output.text import clean_line, cut, measure, pad, wrap
from everbloom.core.values import fold_text

if TYPE_CHECKING:
    from everbloom.query.search import SearchHit, SearchResult

NAME_CELLS_MAX = 32


@click.command()
@click.argument("text", metavar="TEXT...", nargs=-1, required=True)
@click.option("-n", "--limit", default=20, type=click.IntRange(1), metavar="N", help="At most so many runs.  [20]")
@click.option("--everywhere", is_flag=True, help="In all namespaces and projects.")
@store_options
def search(invocation: Invocation, *, text: tuple[str, ...], limit: int, everywhere: bool) -> None:
    """Find runs by TEXT: in names, notes, intents, conclusions, tags, parameters, links, errors, and what was printed.

    All words must be there, in any case and order.
    """
    settings = invocation.settings
    sought = " ".join(text)
    with invocation.open_reader() as reader:
        result = reader.search(
            sought, namespace=settings.namespace, project=settings.project, everywhere=everywhere, limit=limit
        )
    if invocation.as_json:
        from everbloom.cli.output.exact_json import write_json
        from everbloom.cli.shapes import shape_run

        write_json(
            invocation.screen,
            [shape_run(h.run) | {"where": h.where, "line": h.line, "excerpt": h.excerpt} for h in result],
        )
    else:
        invocation.screen.write(*draw_hits(invocation.screen, result, sought, limit))


def draw_hits(screen: Screen, result: "SearchResult", sought: str, limit: int) -> list[str]:
    """Return hits as lines: run, where, excerpt with the words marked."""
    words = fold_text(sought).split()
    names = [cut(screen.spell(clean_line(hit.run.name)), NAME_CELLS_MAX, is_middle=True) for hit in result]
    places = [_describe_place(hit) for hit in result]
    name_cells, place_cells = (max(map(measure, texts), default=0) for texts in (names, places))
    room = max(screen.width - name_cells - place_cells - 4, 20)
    lines = []
    for hit, name, place in zip(result, names, places, strict=True):
        excerpt = mark_words(screen, cut(screen.spell(clean_line(hit.excerpt)), room), words)
        gap = " " * (name_cells - measure(name))
        lines.append(f"{screen.style(name, 'bold')}{gap}  {screen.style(pad(place, place_cells), 'dim')}  {excerpt}")
    lines += [""] * bool(lines)
    found = f"{format_count(len(result), 'run')}" + (" or more; --limit shows more" if len(result) == limit else "")
    footer = [found if result else f"No run says or printed {clean_line(sought)!r}."]
    if result.elsewhere:
        named = ", ".join(f"{count:,} in {place}" for place, count in list(result.elsewhere.items())[:5])
        footer.append(f"{sum(result.elsewhere.values()):,} more elsewhere: {named} (--everywhere shows them)")
    return lines + [screen.style(part, "dim") for line in footer for part in wrap(line, screen.width)]


def _describe_place(hit: "SearchHit") -> str:
    return hit.where if hit.line is None else f"{hit.where}:{hit.line}"


def mark_words(screen: Screen, text: str, words: list[str]) -> str:
    """Mark the first place of each word, where there is colour."""
    folded = fold_text(text)
    if not screen.has_colour or len(folded) != len(text):  # ß folds to two letters; places would no longer agree
        return text
    spans = sorted((at, at + len(word)) for word in words if (at := folded.find(word)) >= 0)
    parts, end = [], 0
    for start, stop in spans:
        if start >= end:
            parts += [text[end:start], screen.style(text[start:stop], "best")]
            end = stop
    return "".join(parts) + text[end:]
