"""Groups of runs as a file: for each group how many it has, and of each column what all members come to.

A column of numbers becomes several: how many members have one, mean, sample deviation and, where a direction is known,
the best. Of other columns the one value that all members share is written, or how many values there are. A value at a
step is shown of each run and is no column here.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Annotated, NamedTuple

from litestar import get
from litestar.params import FromQuery, QueryParameter
from litestar.response import Stream

from everbloom.api.answers import Better, Given, Matches, Way, find_run, read_column, read_columns, read_ways
from everbloom.api.run_csv import get_delta, print_cell, print_lines, stream_lines
from everbloom.core.clock import to_datetime
from everbloom.core.values import guess_direction
from everbloom.query.export import Cell
from everbloom.query.groups import Group, GroupCell
from everbloom.query.language.keys import Key
from everbloom.query.reader import Reader

_NUMBER, _TEXT = Key("likes"), Key("name")  # how cells are printed
_NOTHING = GroupCell(0)


class _Summed(NamedTuple):
    """A column that is summed up: how the request spells it, its key, and which way is better."""

    spelled: str
    key: Key
    direction: Way | None


@get("/runs/groups/csv", sync_to_thread=True, media_type="text/csv")
def download_groups(
    store: Given,
    matches: Matches,
    by: Annotated[str, QueryParameter(description="The key whose values are grouped by, such as `params.lr`.")],
    sort: FromQuery[str] = "-created",
    cols: Annotated[str, QueryParameter(description="Keys by comma; each is summed up.")] = "",
    better: Better = "",
    baseline: Annotated[
        str, QueryParameter(description="A run; how far groups' best are from it follows the first metric's.")
    ] = "",
) -> Stream:
    """Return all groups as a file, in the order and with the columns asked for."""
    ways = read_ways(better)
    columns = [_Summed(spelled, key, _choose(key, ways)) for spelled, key in read_columns(cols) if key.step is None]
    with store.reader() as reader:
        query = replace(matches, sort=sort, offset=0, limit=None)
        groups = reader.group_runs(query, by, [column.key for column in columns]).groups
        base = _read_base(reader, baseline, columns) if baseline else None
    return stream_lines(_iter_lines(by, columns, groups, base), matches.project, "groups")


def _choose(key: Key, ways: Mapping[str, Way]) -> Way | None:
    if key.root != "metrics":
        return None
    guessed: Way | None = guess_direction(key.name)  # type: ignore[assignment]  # min, max or None
    way = ways.get(key.name, guessed)
    return None if way == "none" else way


def _read_base(reader: Reader, baseline: str, columns: Sequence[_Summed]) -> tuple[str, float] | None:
    """Return the column that is compared, as it is spelled, and the baseline's number; None where there is none."""
    run = find_run(reader, baseline)
    first = next((column for column in columns if column.key.root == "metrics"), None)
    if first is None:
        return None
    (value,) = read_column(reader, [run], first.key)
    return (first.spelled, value) if isinstance(value, int | float) else None


def _iter_lines(
    by: str, columns: Sequence[_Summed], groups: Sequence[Group], base: tuple[str, float] | None
) -> Iterator[bytes]:
    numbers = {
        column.spelled: any(group.cells.get(column.key.column, _NOTHING).mean is not None for group in groups)
        for column in columns
    }
    rows = ([(by, _TEXT, _name(by, group)), ("runs", _NUMBER, group.count)] for group in groups)
    for at, (row, group) in enumerate(zip(rows, groups, strict=True)):
        for column in columns:
            row += _sum_up(column, group, is_number=numbers[column.spelled], base=base)
        if at == 0:
            yield print_lines([[head for head, _, _ in row]])
        yield print_lines([[print_cell(key, cell) for _, key, cell in row]])
    if not groups:
        yield print_lines([[by, "runs", *(column.spelled for column in columns)]])


def _name(by: str, group: Group) -> Cell:
    if by in ("created", "ended") and isinstance(group.value, int | float):
        return to_datetime(int(group.value)).date().isoformat()
    return group.value


def _sum_up(
    column: _Summed, group: Group, *, is_number: bool, base: tuple[str, float] | None
) -> list[tuple[str, Key, Cell]]:
    """Return (head, how it is printed, cell) of what a column becomes."""
    head, key, direction = column
    cell = group.cells.get(key.column, _NOTHING)
    if key.root == "state":
        states = ", ".join(f"{count} {state}" for state, count in sorted(group.states.items()))
        return [(head, _TEXT, states)]
    if key.kind == "time":
        return [(f"{head} newest", key, cell.max)]
    if not is_number:
        several = f"{cell.distinct} values" if cell.value is None and cell.distinct else None
        return [(head, _TEXT, several if cell.value is None else cell.value)]
    summed: list[tuple[str, Key, Cell]] = [
        (f"{head} n", _NUMBER, cell.n),
        (f"{head} mean", _NUMBER, cell.mean),
        (f"{head} std", _NUMBER, cell.std),
    ]
    best = None if direction is None else cell.max if direction == "max" else cell.min
    if direction is not None:
        summed.append((f"{head} best", _NUMBER, best))
        if base is not None and base[0] == head:
            summed.append((f"{head} vs base", _NUMBER, get_delta(best, base[1])))
    return summed


HANDLERS = [download_groups]
