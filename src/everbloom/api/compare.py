"""Several runs side by side, any number of them: results, parameters that differ, and what is the same in all."""

from typing import Annotated

from litestar import Response, get, post
from litestar.params import JSONBody, QueryParameter

from everbloom.api.answers import CELL_CHARS, Asking, Given, answer, to_rows
from everbloom.api.types import ComparedMetric, ComparedRow, CompareRequest, Comparison, Constant
from everbloom.api.values import to_optional_number, to_value
from everbloom.query.compare import ComparedMetric as StoredMetric
from everbloom.query.compare import ComparedRow as StoredRow
from everbloom.query.reader import Reader

_CELLS_MAX = 400_000  # of each table: beyond it, the rows that differ least are left out


@get("/compare", sync_to_thread=True)
def compare(
    request: Asking, store: Given, runs: Annotated[str, QueryParameter(description="Full ids by comma.")] = ""
) -> Response[Comparison]:
    """Set runs side by side."""
    return answer(request, store, lambda reader: _compare(reader, [run for run in runs.split(",") if run]))


@post("/compare", sync_to_thread=True, status_code=200)
def compare_many(store: Given, data: JSONBody[CompareRequest]) -> Response[Comparison]:
    """Set runs side by side; for more ids than an address holds."""
    return Response(store.read(lambda reader: _compare(reader, data.runs)), headers={"cache-control": "no-store"})


def _compare(reader: Reader, ids: list[str]) -> Comparison:
    found = reader.compare(ids)
    rows_max = max(_CELLS_MAX // max(len(found.runs), 1), 10)
    return Comparison(
        to_rows(reader, found.runs),
        [_to_metric(metric) for metric in found.metrics[:rows_max]],
        [_to_row(row) for row in found.params[:rows_max]],
        [_to_row(row) for row in found.attributes[:rows_max]],
        [Constant(key, to_value(value, chars=CELL_CHARS)) for key, value in list(found.constant.items())[:rows_max]],
        list(found.shared_tags),
    )


def _to_metric(metric: StoredMetric) -> ComparedMetric:
    values = [to_optional_number(value) for value in metric.values]
    return ComparedMetric(metric.metric, metric.word, metric.direction, metric.is_guessed, values, sorted(metric.best))


def _to_row(row: StoredRow) -> ComparedRow:
    values = [to_value(value, chars=CELL_CHARS) for value in row.values]
    return ComparedRow(row.key, values, list(row.present), differs=True)


HANDLERS = [compare, compare_many]
