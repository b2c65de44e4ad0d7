"""A table of runs as a file of comma-separated values (RFC 4180): all matches, streamed, never held as a whole.

Text that a spreadsheet would run as a formula gets a quote before it, because names, notes and tags come from anywhere;
numbers, and texts that are numbers, stay as they are. Moments are ISO 8601 in UTC, durations seconds.
"""

import csv
import io
from collections.abc import Iterator, Sequence
from typing import Annotated

from litestar import get
from litestar.params import FromQuery, QueryParameter
from litestar.response import Stream

from everbloom.api.answers import Archived, Experiment, Filter, Given, Namespace, Project, make_query, read_columns
from everbloom.api.values import Value
from everbloom.core.clock import to_datetime
from everbloom.query.export import RunCells
from everbloom.query.language.keys import Key

_OPENS_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_OWN = [("id", Key("id")), ("name", Key("name"))]


@get("/runs/csv", sync_to_thread=True, media_type="text/csv")
def download_runs(
    store: Given,
    ns: Namespace = None,
    project: Project = None,
    experiment: Experiment = None,
    f: Filter = "",
    archived: Archived = "false",
    sort: FromQuery[str] = "-created",
    cols: Annotated[str, QueryParameter(description="Keys by comma; each is a column, behind id and name.")] = "",
) -> Stream:
    """Return all matches as a file, in the order and with the columns asked for."""
    query = make_query(ns=ns, project=project, experiment=experiment, f=f, archived=archived, sort=sort)
    columns = [*_OWN, *((spelled, key) for spelled, key in read_columns(cols) if key.root not in ("id", "name"))]
    keys = [key for _, key in columns]
    with store.reader() as reader:
        found = reader.read_cells(query, keys)
    file_name = "".join(c if c.isascii() and (c.isalnum() or c in "-_.") else "_" for c in project or "all")
    headers = {"content-disposition": f'attachment; filename="{file_name}-runs.csv"', "cache-control": "no-store"}
    lines = iter_lines([spelled for spelled, _ in columns], keys, found)
    return Stream(lines, media_type="text/csv", headers=headers)


def iter_lines(heads: Sequence[str], keys: Sequence[Key], found: RunCells) -> Iterator[bytes]:
    """Yield a file's bytes: the heads, then the runs, a block at a time."""
    yield _print_lines([heads])
    for block in found.iter_blocks():
        yield _print_lines([[print_cell(key, cell) for key, cell in zip(keys, run, strict=True)] for run in block])


def _print_lines(lines: Sequence[Sequence[str]]) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerows(lines)
    return text.getvalue().encode()


def print_cell(key: Key, cell: Value) -> str:
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
