"""One run: everything that its page shows, and single parameters and pages of metrics where there are very many."""

from collections import defaultdict
from collections.abc import Iterable
from typing import Annotated, Any

from litestar import Response, get
from litestar.params import FromPath, FromQuery, QueryParameter
from msgspec.structs import asdict

from everbloom.api.answers import Asking, Given, answer, find_run, to_rows
from everbloom.api.run_types import (
    Artifact,
    Change,
    Command,
    Damage,
    Fork,
    Link,
    MediaGroup,
    Metric,
    MetricPage,
    ParamValue,
    Raised,
    RunDetail,
    RunEnd,
    Trouble,
    Writer,
)
from everbloom.api.values import need_micros, to_micros, to_number, to_optional_number, to_value
from everbloom.core.errors import NotFound
from everbloom.core.values import SYSTEM_PREFIX, fold_text
from everbloom.query.compare import rank_metric, to_direction
from everbloom.query.long_texts import find_whole, read_whole
from everbloom.query.reader import Reader, RunQuery
from everbloom.query.views import Artifact as StoredArtifact
from everbloom.query.views import MediaItem, MetricSummary, Reduce, Run
from everbloom.query.views import RunDetail as StoredDetail
from everbloom.query.views import RunEnd as StoredEnd

PARAM_CHARS = 2000
METRICS_MAX = 2000
_CHILDREN_MAX = 100
_HISTORY_MAX = 500
_TRACEBACK_CHARS = 200_000
_SAFE_SCHEMES = ("http://", "https://", "mailto:")


@get("/runs/{run:str}", sync_to_thread=True)
def read_run(request: Asking, store: Given, run: FromPath[str]) -> Response[RunDetail]:
    """Return everything that a run's page shows; series, console and content apart."""
    return answer(request, store, lambda reader: _read_detail(reader, run))


def _read_detail(reader: Reader, run: str) -> RunDetail:
    watermark = reader.read_version()
    found = find_run(reader, run)
    detail = reader.read_detail(found.id)
    parents = reader.read_runs([found.parent]) if found.parent else []
    children = reader.list_runs(
        RunQuery(filter=f"parent = '{found.id}'", archived=None, everywhere=True, limit=_CHILDREN_MAX)
    ).runs
    row, *others = to_rows(reader, [detail.run, *parents, *children])
    params, cut = _cut_params(detail.run)
    metrics = sort_metrics(detail.run.summary)
    return RunDetail(
        row=row,
        domain=found.domain,
        group=found.group,
        params=params,
        cut_params=cut,
        metrics=metrics[:METRICS_MAX],
        metrics_total=len(metrics),
        resources=[to_metric(f"system/{name}", summary) for name, summary in sorted(detail.run.system.items())],
        links=[Link(x.url, x.title, x.kind, x.url.lower().startswith(_SAFE_SCHEMES)) for x in detail.links],
        likes={target: list(fans) for target, fans in detail.likes.items()},
        problems=[Trouble(p.code, p.message, p.count) for p in detail.problems],
        damage=[Damage(d.writer, d.segment, d.byte, d.size, d.reason) for d in detail.damage],
        limits={name: to_number(value) for name, value in detail.limits.items()},
        command=None if detail.command is None else Command(**asdict(detail.command)),
        objectives=dict(detail.objectives),
        history=_to_changes(detail),
        end=_to_end(detail.end),
        writers=[
            Writer(w, s.kind, s.rank, s.pid, s.host, s.user, s.version) for w, s in sorted(detail.writers.items())
        ],
        last_heard_at=to_micros(detail.last_heard_at),
        rewound_from=detail.rewound_from,
        media=group_media(reader.list_media(found.id)),
        artifacts=[to_artifact(artifact) for artifact in reader.list_artifacts(found.id)],
        parent=others[0] if parents else None,
        children=others[len(parents) :],
        watermark=watermark,
        ranks=list(detail.ranks),
        forked_from=None if detail.forked_from is None else Fork(**vars(detail.forked_from)),
    )


def _cut_params(run: Run) -> tuple[dict[str, Any], dict[str, int]]:
    """Return the parameters by name, and how long those are that were cut."""
    long = {name: v for name, v in run.params.items() if isinstance(v, str) and len(v) > PARAM_CHARS}
    cut = {name: whole.chars if (whole := find_whole(value)) else len(value) for name, value in long.items()}
    return {name: to_value(value, chars=PARAM_CHARS) for name, value in sorted(run.params.items())}, cut


def to_metric(name: str, summary: MetricSummary) -> Metric:
    """Return a metric with its summaries."""
    return Metric(
        name,
        summary.n,
        to_number(summary.first),
        to_number(summary.last),
        to_number(summary.min),
        to_number(summary.max),
        to_number(summary.mean),
        to_optional_number(summary.best),
        to_direction(summary.direction),
        summary.is_guessed,
        summary.last_step,
        name.rpartition("/")[0],
        summary.rank,
    )


def sort_metrics(summaries: dict[str, MetricSummary]) -> list[Metric]:
    """Return metrics, stated objectives first, then guessed ones, then by name."""

    def order(pair: tuple[str, MetricSummary]) -> tuple[int, str]:
        return rank_metric(pair[1].direction, is_guessed=pair[1].is_guessed), pair[0]

    return [to_metric(name, summary) for name, summary in sorted(summaries.items(), key=order)]


def _to_changes(detail: StoredDetail) -> list[Change]:
    newest = detail.history[-_HISTORY_MAX:]
    return [Change(c.number, need_micros(c.created_at), c.field, to_value(c.value, chars=PARAM_CHARS)) for c in newest]


def _to_end(end: StoredEnd | None) -> RunEnd | None:
    if end is None:
        return None
    raised = end.exception
    exception = None if raised is None else Raised(raised.type, raised.message, raised.traceback[-_TRACEBACK_CHARS:])
    return RunEnd(end.cause, end.exit_code, end.signal, exception, end.witness)


def group_media(items: Iterable[MediaItem]) -> list[MediaGroup]:
    """Return media by name, with the steps there are."""
    groups: defaultdict[str, list[MediaItem]] = defaultdict(list)
    for item in items:
        groups[item.name].append(item)
    return [
        MediaGroup(name, found[-1].kind, sorted({item.step for item in found}), len(found))
        for name, found in sorted(groups.items())
    ]


def to_artifact(artifact: StoredArtifact) -> Artifact:
    """Return a file or reference."""
    return Artifact(
        artifact.path,
        artifact.kind,
        artifact.size,
        artifact.sha256,
        artifact.media_type,
        artifact.step,
        artifact.uri,
        artifact.checksum,
        need_micros(artifact.created_at),
    )


@get("/runs/{run:str}/param", sync_to_thread=True)
def read_param(request: Asking, store: Given, run: FromPath[str], name: FromQuery[str]) -> Response[ParamValue]:
    """Return one parameter, however long."""

    def build(reader: Reader) -> ParamValue:
        found = find_run(reader, run)
        if name not in found.params:
            raise NotFound(f"run {run} has no parameter {name!r}.", code="param.unknown", param=name)
        value = found.params[name]
        return ParamValue(name, read_whole(reader, found.id, value) if isinstance(value, str) else to_value(value))

    return answer(request, store, build)


@get("/runs/{run:str}/metrics", sync_to_thread=True)
def list_metrics(
    request: Asking,
    store: Given,
    run: FromPath[str],
    q: Annotated[str, QueryParameter(description="Only names that hold this, in any case.")] = "",
    offset: Annotated[int, QueryParameter(ge=0)] = 0,
    limit: Annotated[int, QueryParameter(ge=0, le=METRICS_MAX)] = 200,
    rank: Annotated[int | None, QueryParameter(description="Only what this rank logged, its own points.")] = None,
    reduce: Annotated[
        Reduce | None, QueryParameter(description="Reduce each summary over the ranks that have the metric.")
    ] = None,
) -> Response[MetricPage]:
    """Return a page of a run's metrics, as tables show them; or of another rank, or reduced over all ranks."""

    def build(reader: Reader) -> MetricPage:
        wanted = fold_text(q)
        summaries = reader.read_summaries(find_run(reader, run).id, rank=rank, reduce=reduce)
        named = {name: summary for name, summary in summaries.items() if not name.startswith(SYSTEM_PREFIX)}
        found = [m for m in sort_metrics(named) if wanted in fold_text(m.name)]
        return MetricPage(len(found), found[offset : offset + limit])

    return answer(request, store, build)


HANDLERS = [read_run, read_param, list_metrics]
