"""A table of runs as a file of comma-separated values (RFC 4180): all matches, streamed, never held as a whole.

Text that a spreadsheet would run as a formula gets a quote before it, because names, notes and tags come from anywhere;
numbers, and texts that are numbers, stay as they are. Moments are ISO 8601 in UTC, durations seconds.
"""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Annotated, NamedTuple

from litestar import get
from litestar.params import FromQuery, QueryParameter
from litestar.response import Stream

from everbloom.api.answers import (
    Given,
    Matches,
    find_run,
    read_column,
    read_columns,
)
from everbloom.api.store import Store
from everbloom.core.clock import to_datetime
from everbloom.query.export import Cell
from everbloom.query.language.keys import Key
from everbloom.query.reader import Reader

_OPENS_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_OWN = [("id", Key("id")), ("name", Key("name"))]
_DELTA = Key("likes")  # how it is printed: as a number

Cells = list[Cell]
Blocks = Iterable[list[Cells]]


class _Base(NamedTuple):
    """What runs are compared with: the place of the metric among the columns, the run, and its value."""

    at: int
    run: str
    value: float | None


@get("/runs/csv", sync_to_thread=True, media_type="text/csv")
def download_runs(
    store: Given,
    matches: Matches,
    sort: FromQuery[str] = "-created",
    cols: Annotated[str, QueryParameter(description="Keys by comma; each is a column, behind id and name.")] = "",
    baseline: Annotated[
        str, QueryParameter(description="A run; how far others are from it follows the first metric of the columns.")
    ] = "",
) -> Stream:
    """Return all matches as a file, in the order and with the columns asked for."""
    query = replace(matches, sort=sort)
    columns = [*_OWN, *((spelled, key) for spelled, key in read_columns(cols) if key.root not in ("id", "name"))]
    heads, keys = [spelled for spelled, _ in columns], [key for _, key in columns]
    with store.reader() as reader:
        base = _find_base(reader, baseline, keys) if baseline else None
        found = reader.read_cells(query, keys)
    blocks = _read_steps(store, keys, found.iter_blocks())
    if base is not None:
        blocks = _compare(base, blocks)
        heads.insert(base.at + 1, f"{heads[base.at]} vs base")
        keys.insert(base.at + 1, _DELTA)
    return stream_lines(iter_lines(heads, keys, blocks), matches.project, "runs")


def _find_base(reader: Reader, baseline: str, keys: Sequence[Key]) -> _Base | None:
    """Return what runs are compared with; None where no column is a metric."""
    run = find_run(reader, baseline)
    at = next((at for at, key in enumerate(keys) if key.root == "metrics"), None)
    if at is None:
        return None
    (value,) = read_column(reader, [run], keys[at])
    return _Base(at, run.id, value if isinstance(value, int | float) else None)


def _read_steps(store: Store, keys: Sequence[Key], blocks: Blocks) -> Iterator[list[Cells]]:
    """Fill in values at a step, which no column holds, a block at a time; the first cell of a run is its id."""
    steps = [(at, key) for at, key in enumerate(keys) if key.step is not None]
    for block in blocks:
        if steps:
            with store.reader() as reader:
                runs = reader.read_runs(str(cells[0]) for cells in block)
                columns = [(at, read_column(reader, runs, key)) for at, key in steps]
            places = {str(run.id): place for place, run in enumerate(runs)}
            for cells in block:
                if (place := places.get(str(cells[0]))) is not None:
                    for at, values in columns:
                        cells[at] = values[place]
        yield block


def _compare(base: _Base, blocks: Blocks) -> Iterator[list[Cells]]:
    """Put behind the metric how far it is from the baseline's; empty for the baseline, and where one has no number."""
    for block in blocks:
        for cells in block:
            cells.insert(base.at + 1, None if cells[0] == base.run else get_delta(cells[base.at], base.value))
        yield block


def get_delta(value: Cell, base: float | None) -> float | None:
    """Return how far a value is from a baseline's; None where one of them is no number."""
    return None if base is None or not isinstance(value, int | float) else value - base


def stream_lines(lines: Iterator[bytes], project: str | None, what: str) -> Stream:
    """Answer with a file's lines, as a download that is named by its project."""
    file_name = "".join(c if c.isascii() and (c.isalnum() or c in "-_.") else "_" for c in project or "all")
    headers = {"content-disposition": f'attachment; filename="{file_name}-{what}.csv"', "cache-control": "no-store"}
    return Stream(lines, media_type="text/csv", headers=headers)


def iter_lines(heads: Sequence[str], keys: Sequence[Key], blocks: Blocks) -> Iterator[bytes]:
    """Yield a file's bytes: the heads, then the runs, a block at a time."""
    yield print_lines([heads])
    for block in blocks:
        yield print_lines([[print_cell(key, cell) for key, cell in zip(keys, run, strict=True)] for run in block])


def print_lines(lines: Sequence[Sequence[str]]) -> bytes:
    """Write rows of cells that were printed."""
    text = io.StringIO()
    csv.writer(text).writerows(lines)
    return text.getvalue().encode()


def print_cell(key: Key, cell: Cell) -> str:
    """Write one cell, so that a program reads what was recorded and a spreadsheet runs nothing of it."""
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, int | float):
        return to_datetime(int(cell)).isoformat() if key.kind == "time" else repr(cell)
    text = ", ".join(cell) if isinstance(cell, list) else cell
    return f"'{text}" if text.startswith(_OPENS_FORMULA) and not _is_number(text) else text


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


HANDLERS = [download_runs]
