"""Runs in groups: what all members of each come to, and the filter that finds them."""

from dataclasses import replace
from typing import Annotated

from litestar import Response, get
from litestar.params import FromQuery, QueryParameter

from everbloom.api.answers import (
    CELL_CHARS,
    Asking,
    Given,
    Matches,
    answer,
    read_columns,
)
from everbloom.api.types import GroupCell, RunGroup, RunGroups
from everbloom.api.values import to_optional_number, to_value
from everbloom.query.groups import Group
from everbloom.query.groups import GroupCell as SummedCell
from everbloom.query.language.keys import Key
from everbloom.query.reader import Reader

GROUPS_MAX = 1000


@get("/runs/groups", sync_to_thread=True)
def group_runs(
    request: Asking,
    store: Given,
    matches: Matches,
    by: Annotated[str, QueryParameter(description="The key whose values are grouped by, such as `params.lr`.")],
    sort: FromQuery[str] = "-created",
    cols: Annotated[str, QueryParameter(description="Keys by comma; each is summed up.")] = "",
    offset: Annotated[int, QueryParameter(ge=0)] = 0,
    limit: Annotated[int, QueryParameter(ge=0, le=GROUPS_MAX)] = 200,
) -> Response[RunGroups]:
    """Group all matches by the values of a key."""
    query = replace(matches, sort=sort, offset=offset, limit=limit)
    columns = read_columns(cols)

    def build(reader: Reader) -> RunGroups:
        watermark = reader.read_version()
        page = reader.group_runs(query, by, [key for _, key in columns])
        found = [_to_group(group, columns) for group in page.groups]
        return RunGroups(found, page.total, page.runs, page.query_s * 1000, watermark)

    return answer(request, store, build)


def _to_group(group: Group, columns: list[tuple[str, Key]]) -> RunGroup:
    cells = {spelled: _to_cell(group.cells[key.column]) for spelled, key in columns if key.column in group.cells}
    return RunGroup(to_value(group.value, chars=CELL_CHARS), group.clause, group.count, group.states, cells)


def _to_cell(cell: SummedCell) -> GroupCell:
    return GroupCell(
        cell.n,
        cell.odd,
        to_optional_number(cell.mean),
        to_optional_number(cell.std),
        to_optional_number(cell.min),
        to_optional_number(cell.max),
        cell.distinct,
        to_value(cell.value, chars=CELL_CHARS),
    )


HANDLERS = [group_runs]
