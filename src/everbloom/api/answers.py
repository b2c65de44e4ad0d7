"""What handlers share: a run as a row, an answer that says "unchanged" where it is, and who a request asks about.

An ETag is the index's version with a hash of the address: equal versions hold equal content. Filters that count from
now (`created > -7d`) change without the index changing, so their answers carry none.
"""

import hashlib
import re
from collections.abc import Callable, Sequence
from typing import Annotated, Any, Literal, TypeVar, get_args

from litestar import Request, Response
from litestar.di import NamedDependency
from litestar.params import QueryParameter, SkipValidation

from everbloom.api.store import Store
from everbloom.api.types import RunRow
from everbloom.api.values import need_micros, to_micros, to_value
from everbloom.core.errors import InvalidInput, NotFound
from everbloom.core.ids import is_run_id
from everbloom.query.catalogue import parse_columns
from everbloom.query.glance import get_progress
from everbloom.query.language.keys import Key
from everbloom.query.reader import Reader
from everbloom.query.views import Run, RunQuery

CELL_CHARS = 300
LIMIT_MAX = 1000

Given = NamedDependency[SkipValidation[Store]]
Asking = Request[Any, Any, Any]
Namespace = Annotated[str | None, QueryParameter(name="ns", description="Only of this namespace.")]
Project = Annotated[str | None, QueryParameter(description="Only of this project.")]
Experiment = Annotated[str | None, QueryParameter(description="Only of this experiment.")]
Filter = Annotated[str, QueryParameter(name="f", description="In the filter language.")]
Archived = Annotated[
    str, QueryParameter(pattern="^(true|false|both)$", description="Only archived runs, only others, or both.")
]
Way = Literal["max", "min", "none"]
Better = Annotated[
    str, QueryParameter(description="Lines `max NAME`, `min NAME`, `none NAME`, over what runs and names say.")
]

_T = TypeVar("_T")
_COUNTS_FROM_NOW = re.compile(r"-\s*\d+(\.\d+)?\s*[smhdw]|now|today", re.IGNORECASE)


def read_matches(
    ns: Namespace = None,
    project: Project = None,
    experiment: Experiment = None,
    f: Filter = "",
    archived: Archived = "false",
) -> RunQuery:
    """Return the query for the runs that a request asks about; handlers take it as `matches` and add what is theirs."""
    return RunQuery(
        filter=f,
        namespace=ns or None,
        project=project or None,
        experiment=experiment or None,
        archived={"true": True, "false": False, "both": None}[archived],
    )


Matches = NamedDependency[SkipValidation[RunQuery]]


def answer(request: Asking, store: Store, build: Callable[[Reader], _T]) -> Response[_T]:
    """Answer with what `build` reads, or with 304 where the client has just that."""

    def ask(reader: Reader) -> Response[_T]:
        headers = {"cache-control": "private, no-cache"} | store.describe_stale(reader)
        tag = _make_tag(request, reader.read_version())
        if tag is not None:
            headers["etag"] = tag
            if request.headers.get("if-none-match") == tag:
                return Response(None, status_code=304, headers=headers)  # type: ignore[arg-type]
        return Response(build(reader), headers=headers)

    return store.read(ask)


def _make_tag(request: Asking, version: int) -> str | None:
    asked = request.url.query
    if _COUNTS_FROM_NOW.search(request.query_params.get("f", "")):
        return None
    digest = hashlib.blake2s(f"{request.url.path}?{asked}".encode(), digest_size=8).hexdigest()
    return f'W/"{version:x}-{digest}"'


def find_run(reader: Reader, run: str) -> Run:
    """Return a run by its full id.

    Raises:
        NotFound: There is none that may be read (`run.unknown`).
    """
    found = reader.read_runs([run]) if is_run_id(run) else []
    if not found:
        raise NotFound(
            f"run {run[:80]!r} is not among the runs that can be read here; an address holds a full id of 32 hex "
            f"digits.",
            code="run.unknown",
            run=run[:80],
        )
    return found[0]


def to_rows(
    reader: Reader, runs: Sequence[Run], *, columns: Sequence[tuple[str, Key]] = (), spark: str | None = None
) -> list[RunRow]:
    """Return runs as rows of a table, with the cells of columns and the sparkline of a metric."""
    marks = reader.read_marks(runs)
    sparks = reader.read_sparks(runs, spark) if spark else [None] * len(runs)
    cells = _read_cells(reader, runs, columns)
    rows = []
    for run, mark, line, own in zip(runs, marks, sparks, cells, strict=True):
        attributes = run.attributes
        rows.append(
            RunRow(
                id=run.id,
                name=run.name,
                state=run.state,  # type: ignore[arg-type]  # one of a later version is passed on as it is spelled
                cause=run.cause,
                progress=get_progress(run),
                created_at=need_micros(run.created_at),
                ended_at=to_micros(run.ended_at),
                duration_s=run.duration_s,
                slot=mark.slot,
                tags=run.tags,
                note=run.note[:20_000],
                note_version=mark.note_version,
                likes=int(attributes.get("likes", 0)),
                why=run.why,
                conclusion=run.conclusion,
                verdict=run.verdict,
                user=run.user,
                experiment=run.experiment,
                project=run.project,
                namespace=run.namespace,
                parent=run.parent,
                is_archived=run.is_archived,
                is_stalled=bool(attributes.get("stalled")),
                error_line=mark.error_line,
                cells=own,
                spark=line,
            )
        )
    return rows


def _read_cells(reader: Reader, runs: Sequence[Run], columns: Sequence[tuple[str, Key]]) -> list[dict[str, Any]]:
    """Return each run's cells by column; what it lacks is absent."""
    found: list[dict[str, Any]] = [{} for _ in runs]
    for spelled, key in columns:
        for run, cells, value in zip(runs, found, read_column(reader, runs, key), strict=True):
            if value is not None or key.column in run.attributes:
                cells[spelled] = to_value(value, chars=CELL_CHARS)
    return found


def read_column(reader: Reader, runs: Sequence[Run], key: Key) -> list[Any]:
    """Return one value of each run; None where it is null, or the run lacks it."""
    if key.step is not None:
        return list(reader.read_values_at(runs, key.name, key.step))
    if key.root != "metrics":
        return [run.attributes.get(key.column) for run in runs]
    summaries = (run.metrics.get(key.name) for run in runs)
    return [None if summary is None else getattr(summary, key.summary) for summary in summaries]


def read_columns(text: str) -> list[tuple[str, Key]]:
    """Return the columns that a request names, by comma; see `catalogue.parse_columns`."""
    return parse_columns(text) if text else []


def read_ways(text: str) -> dict[str, Way]:
    """Read `max NAME` and the like, one a line; the first word is the way, the rest the metric's name."""
    ways: dict[str, Way] = {}
    for line in filter(None, text.split("\n")):
        way, _, name = line.partition(" ")
        if way not in get_args(Way) or not name:
            raise InvalidInput(
                f"{line[:80]!r} does not say which way a metric is better; write max, min or none, and its name.",
                code="metric.direction",
            )
        ways[name] = way  # type: ignore[assignment]  # looked at above
    return ways
