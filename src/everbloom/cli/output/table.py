"""Plain tables: columns as wide as they need to be, numbers aligned at their points, cut where a terminal ends.

Too wide for a terminal, first the texts that may shrink do, then columns leave by their rank, and the caller is
told how many did. Nothing is cut or left out where it is no terminal.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from everbloom.cli.output.screen import Screen
from everbloom.cli.output.text import clean_line, cut, measure, pad

GAP = 2


class Cell(NamedTuple):
    """A text and the style that it is shown in."""

    text: str
    style: str = ""


@dataclass(frozen=True)
class Column:
    """A column.

    Attributes:
        title: Its heading.
        align: `number` is right-aligned at the decimal point.
        least: The width in cells that it may shrink to; 0 = it does not shrink.
        rank: Columns of higher rank leave first; 0 = it stays.
        keeps_end: Cut in the middle instead of at the end.
    """

    title: str
    align: Literal["left", "right", "number"] = "left"
    least: int = 0
    rank: int = 0
    keeps_end: bool = False


class Table(NamedTuple):
    """Lines ready to be written, the heading first, and how many columns had no room."""

    lines: list[str]
    left_out: list[str]


def build_table(
    screen: Screen, columns: Sequence[Column], rows: Sequence[Sequence[Cell]], *, indent: int = 0, has_head: bool = True
) -> Table:
    """Lay rows out as lines.

    Args:
        screen: What they are for.
        columns: The columns, left to right.
        rows: As many cells each as there are columns; texts are cleaned here.
        indent: Blanks before each line.
        has_head: Whether a line of titles comes first.
    """
    texts = [[screen.spell(clean_line(row[i].text)) for row in rows] for i in range(len(columns))]
    titles = [screen.spell(clean_line(column.title)) if has_head else "" for column in columns]  # names of metrics too
    for i, column in enumerate(columns):
        if column.align == "number":
            texts[i] = _align_points(texts[i])
    natural = [max([measure(title), *map(measure, column)]) for title, column in zip(titles, texts, strict=True)]
    widths = _fit(columns, natural, screen.width - indent)
    kept = [i for i, width in enumerate(widths) if width > 0]
    lines = []
    if has_head and rows:
        lines.append(_join(screen, columns, widths, kept, titles, ["dim"] * len(columns), indent))
    for r, row in enumerate(rows):
        styles = [cell.style for cell in row]
        lines.append(_join(screen, columns, widths, kept, [column[r] for column in texts], styles, indent))
    return Table(lines, [titles[i] for i, width in enumerate(widths) if width == 0 and natural[i]])


def _align_points(texts: list[str]) -> list[str]:
    """Fill numbers so that their decimal points stand below each other when right-aligned."""
    tails = [_tail_length(text) for text in texts]
    longest = max(tails, default=0)
    return [text + " " * (longest - tail) if text else text for text, tail in zip(texts, tails, strict=True)]


def _tail_length(text: str) -> int:
    """Return how many characters stand from the decimal point on, or from the exponent or whatever ends the digits."""
    end = 1 if text[:1] in "+-" else 0
    while end < len(text) and text[end] in "0123456789,":
        end += 1
    return len(text) - end if end < len(text) and text[:end].strip("+-") else 0


def _fit(columns: Sequence[Column], natural: list[int], room: int) -> list[int]:
    """Return widths that fit into the room; 0 = the column leaves."""
    widths = list(natural)
    while (excess := _total(widths) - room) > 0:
        shrinking = [i for i, c in enumerate(columns) if c.least and widths[i] > c.least]
        if _total([min(w, columns[i].least) if i in shrinking else w for i, w in enumerate(widths)]) <= room:
            return _shrink(columns, widths, shrinking, excess)
        able = [i for i, column in enumerate(columns) if widths[i] and column.rank]
        leaving = max(able, key=lambda i: (columns[i].rank, i), default=None)
        if leaving is None:
            return _shrink(columns, widths, shrinking, excess)
        widths[leaving] = 0
    return widths


def _total(widths: list[int]) -> int:
    shown = [width for width in widths if width]
    return sum(shown) + GAP * (len(shown) - 1)


def _shrink(columns: Sequence[Column], widths: list[int], shrinking: list[int], excess: int) -> list[int]:
    """Take the excess from the widest of the columns that may shrink, cell by cell."""
    widths = list(widths)
    for _ in range(excess):
        able = [i for i in shrinking if widths[i] > columns[i].least]
        if not able:
            break
        widths[max(able, key=lambda i: widths[i])] -= 1
    return widths


def _join(
    screen: Screen,
    columns: Sequence[Column],
    widths: list[int],
    kept: list[int],
    texts: list[str],
    styles: list[str],
    indent: int,
) -> str:
    parts = []
    for i in kept:
        text = cut(texts[i], widths[i], is_middle=columns[i].keeps_end)
        filled = pad(text, widths[i], is_right=columns[i].align != "left")
        if i == kept[-1]:
            filled = filled.rstrip()
        parts.append(filled.replace(text, screen.style(text, styles[i]), 1) if styles[i] and text else filled)
    return " " * indent + (" " * GAP).join(parts).rstrip()
