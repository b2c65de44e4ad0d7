"""Tables of runs: a window of rows, the catalogue of columns, facets, the best per metric."""

from dataclasses import replace
from typing import Annotated

from litestar import Response, get
from litestar.params import FromQuery, QueryParameter

from everbloom.api.answers import (
    LIMIT_MAX,
    Asking,
    Better,
    Given,
    Matches,
    Way,
    answer,
    find_run,
    read_columns,
    read_ways,
    to_rows,
)
from everbloom.api.types import BestRun, BestRuns, Column, ColumnCatalogue, Constant, Facet, FacetValue, RunPage
from everbloom.api.values import to_number, to_optional_number, to_value
from everbloom.core.records import Direction
from everbloom.query.best import Best
from everbloom.query.catalogue import ColumnInfo, is_constant, is_default
from everbloom.query.compare import to_direction
from everbloom.query.glance import choose_metrics
from everbloom.query.reader import Reader
from everbloom.query.views import Run, RunQuery

_LOOKED_AT = 100
_CHOSEN_MAX = 60  # over the limit: some may have no best
_STAIRS_MAX = 200
_CONSTANT_CHARS = 200

Offset = Annotated[int, QueryParameter(ge=0)]
Limit = Annotated[int, QueryParameter(ge=0, le=LIMIT_MAX)]


@get("/runs", sync_to_thread=True)
def list_runs(
    request: Asking,
    store: Given,
    matches: Matches,
    sort: FromQuery[str] = "-created",
    offset: Offset = 0,
    limit: Limit = 100,
    cols: Annotated[str, QueryParameter(description="Keys of the filter language by comma; each is a cell.")] = "",
    spark: Annotated[str, QueryParameter(description="A metric whose sparkline each row brings.")] = "",
    catalog: Annotated[bool, QueryParameter(description="Bring the catalogue of columns too.")] = False,
) -> Response[RunPage]:
    """Return a window of the runs that match, sorted."""
    query = replace(matches, sort=sort, offset=offset, limit=limit)
    columns = read_columns(cols)

    def build(reader: Reader) -> RunPage:
        watermark = reader.read_version()
        page = reader.list_runs(query)
        rows = to_rows(reader, page.runs, columns=columns, spark=spark or None)
        found = _read_catalogue(reader, query, "", 500) if catalog else None
        took_ms = page.query_s * 1000
        return RunPage(page.total, offset, took_ms, watermark, rows, page.elsewhere, page.archived, found)

    return answer(request, store, build)


@get("/runs/columns", sync_to_thread=True)
def list_columns(
    request: Asking,
    store: Given,
    matches: Matches,
    q: Annotated[str, QueryParameter(description="Only keys that hold this.")] = "",
    limit: Annotated[int, QueryParameter(ge=1, le=5000)] = 500,
) -> Response[ColumnCatalogue]:
    """Return the columns that the matches have, over all of them."""
    return answer(request, store, lambda reader: _read_catalogue(reader, matches, q, limit))


def _read_catalogue(reader: Reader, query: RunQuery, text: str, limit: int) -> ColumnCatalogue:
    watermark = reader.read_version()
    found = reader.list_columns(query, text=text, limit=limit)
    columns = [_to_column(info) for info in found.columns]
    default = [info.key for info in found.columns if is_default(info)]
    constant = [
        Constant(info.key, to_value(info.value, chars=_CONSTANT_CHARS)) for info in found.columns if is_constant(info)
    ]
    return ColumnCatalogue(columns, found.total, default, constant, watermark)


def _to_column(info: ColumnInfo) -> Column:
    return Column(
        info.key,
        info.kind,
        info.label,
        info.group,
        info.n,
        info.varies,
        to_direction(info.direction),
        to_optional_number(info.min),
        to_optional_number(info.max),
        info.distinct,
    )


@get("/runs/facets", sync_to_thread=True)
def count_facet(
    request: Asking,
    store: Given,
    matches: Matches,
    key: Annotated[str, QueryParameter(description="A key of the filter language, such as `state` or `params.lr`.")],
    limit: Annotated[int, QueryParameter(ge=1, le=200)] = 50,
) -> Response[Facet]:
    """Count the values of a key among all matches."""

    def build(reader: Reader) -> Facet:
        counts = reader.count_facet(matches, key, limit=limit)
        return Facet([FacetValue(value[:_CONSTANT_CHARS], count) for value, count in counts])

    return answer(request, store, build)


@get("/runs/best", sync_to_thread=True)
def find_best(
    request: Asking,
    store: Given,
    matches: Matches,
    metrics: Annotated[str, QueryParameter(description="Which, by line feed; left out: those that say most.")] = "",
    baseline: Annotated[
        str, QueryParameter(description="The run that gains are counted from; left out: the first.")
    ] = "",
    better: Better = "",
    first: Annotated[
        str, QueryParameter(description="Metrics by line feed that come first, where one has a best.")
    ] = "",
    limit: Annotated[int, QueryParameter(ge=1, le=50)] = 6,
) -> Response[BestRuns]:
    """Return the best run per metric over all matches."""
    ways = read_ways(better)
    directions: dict[str, Direction] = {name: way for name, way in ways.items() if way != "none"}
    query = replace(matches, limit=_LOOKED_AT)

    def build(reader: Reader) -> BestRuns:
        held = find_run(reader, baseline) if baseline else None
        if metrics:
            found = reader.best_runs(query, metrics.split("\n"), directions=directions)
        else:
            found = _find_most(reader, query, first.split("\n"), limit, ways, directions)
        return BestRuns([_to_best(best, held) for best in found])

    return answer(request, store, build)


def _find_most(
    reader: Reader,
    query: RunQuery,
    first: list[str],
    limit: int,
    ways: dict[str, Way],
    directions: dict[str, Direction],
) -> list[Best]:
    """Find the best by the metrics that say most; one that every match diverged in takes nobody's place."""

    def find(wanted: list[str]) -> list[Best]:
        return reader.best_runs(query, wanted, directions=directions, leaves_out=True) if wanted else []

    found = find([name for name in first if name])[:limit]
    known = {best.metric for best in found}
    others = [name for name in _choose(reader, query, ways) if name not in known]
    while others and (lacking := limit - len(found)):
        found += find(others[:lacking])
        del others[:lacking]
    return found


def _choose(reader: Reader, query: RunQuery, ways: dict[str, Way]) -> list[str]:
    newest = reader.list_runs(query).runs
    chosen = [(name, ways.get(name, word)) for name, word in choose_metrics(newest, _CHOSEN_MAX + len(ways))]
    return [name for name, word in chosen if word not in ("last", "none")]


def _to_best(best: Best, held: Run | None) -> BestRun:
    baseline = best.staircase[0].value if best.staircase else None
    if held is not None:
        summary = held.metrics.get(best.metric)
        baseline = None if summary is None else getattr(summary, best.direction)
    steps = best.staircase
    if len(steps) > _STAIRS_MAX:  # the last ones matter most, and the first is where it began
        steps = (steps[0], *steps[1 - _STAIRS_MAX :])
    return BestRun(
        best.metric,
        best.direction,
        best.is_guessed,
        to_number(best.value),
        best.run.id,
        best.run.name,
        None if baseline is None else to_number(best.value - baseline),
        to_optional_number(baseline),
        best.n_runs,
        [(step.place, to_number(step.value)) for step in steps],
    )


HANDLERS = [list_runs, list_columns, count_facet, find_best]
