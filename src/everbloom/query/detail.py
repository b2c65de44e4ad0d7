"""One run in full: what was said of it, its files and media, what it printed, its series."""

import difflib
import io
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, BinaryIO, cast

from everbloom.capture.dropped import describe
from everbloom.core.branches import RECORDING_KINDS, Item, parse_fork, sort_items
from everbloom.core.clock import monotonic_s, to_datetime
from everbloom.core.errors import InvalidInput, NotFound
from everbloom.core.ids import RunId
from everbloom.core.records import Direction, End, File, Media, Record, Reference, Rewind, Start
from everbloom.index.documents import MetricSummary
from everbloom.index.ranks import Reduce, check_reduce
from everbloom.index.series import MetricInfo
from everbloom.index.window import Envelope, SeriesKey, Window
from everbloom.ingest.fold import Folded, Sighting, fold_items, get_objectives
from everbloom.ingest.runs import read_folded, summarise_ranks, to_items
from everbloom.journal.blobs import open_blob, read_blob
from everbloom.journal.identity import boot_id
from everbloom.query.forks import read_fork, read_origins, read_shared
from everbloom.query.readable import ReadableIndex
from everbloom.query.views import Artifact, Change, ConsoleMatch, MediaItem, RunDetail, RunEnd, Series


def read_detail(readable: ReadableIndex, run: str) -> RunDetail:
    """Read what is known of a run.

    Raises:
        NotFound: There is no such run, or it may not be read.
    """
    with readable.index.catalog_database.snapshot():
        found = readable.read_run(run)
        catalog = readable.index.catalog
        folded, sighting = read_folded(readable.index, found.id, boot=f"{boot_id():016x}", monotonic_s=monotonic_s())
        damage = catalog.read_damage(found.id)
        fork = read_fork(readable, found.id)
        told = sort_items(to_items(catalog.read_controls(found.id, (Start.tag_name, Rewind.tag_name))))
    steps = [item.record.step for item in told if isinstance(item.record, Rewind)]
    heard = sighting.last_heard_us
    return RunDetail(
        run=found,
        links=tuple(folded.links),
        likes=folded.likes,
        problems=tuple(describe(problem) for problem in folded.problems.values()),
        damage=tuple(damage),
        limits=folded.limits,
        command=folded.command,
        objectives=cast(dict[str, Direction], dict(get_objectives(folded))),
        history=tuple(_to_changes(folded)),
        end=to_run_end(folded.end),
        note_version=folded.note_version,
        writers=folded.writers,
        rewound_from=steps[-1] if steps else None,
        last_heard_at=to_datetime(heard) if heard else None,
        forked_from=fork,
        ranks=tuple(sorted({start.rank for start in folded.writers.values() if start.kind in RECORDING_KINDS})),
    )


def _to_changes(folded: Folded) -> Iterator[Change]:
    for number, time_us, name, value in folded.history:
        yield Change(number, to_datetime(time_us), name, value)


def to_run_end(end: End | None) -> RunEnd | None:
    """Return how a run ended, as readers see it."""
    return None if end is None else RunEnd(end.cause, end.exit_code, end.signal, end.exception, end.witness)


# ── series ────────────────────────────────────────────────────────────────────────────────────────────────────


def list_metrics(readable: ReadableIndex, run: str) -> list[MetricInfo]:
    """Return a run's metrics by name, with their ranks, points and steps; rewound points left out.

    Of a forked run, those that it shares with the run it was forked from are among them.
    """
    found = readable.read_run(run)
    shares = read_shared(readable, [found.id])
    return readable.index.series.list_metrics(found.id, readable.read_cutoffs([found.id]), shares)


def read_summaries(
    readable: ReadableIndex, run: str, *, rank: int | None = None, reduce: Reduce | None = None
) -> dict[str, MetricSummary]:
    """Read a run's summaries by metric: of a rank, reduced over all, or, by default, as tables show them.

    Raises:
        NotFound: There is no such run, or it may not be read.
        InvalidInput: A rank and a reduction are both given, or the reduction is none.
    """
    check_reduce(rank, reduce)
    found = readable.read_run(run)
    if rank is None and reduce is None:
        return dict(found.metrics)
    cutoffs, shares = readable.read_cutoffs([found.id]), read_shared(readable, [found.id])
    stored = readable.index.series.read_summaries([found.id], cutoffs, shares=shares).get(found.id, {})
    folded = fold_items(to_items(readable.index.catalog.read_controls(found.id, ("set",))), Sighting())
    return dict(sorted(summarise_ranks(stored, get_objectives(folded), rank=rank, reduce=reduce).items()))


def read_series(
    readable: ReadableIndex, run: str, metric: str, rank: int | None = None, *, reduce: Reduce | None = None
) -> Series:
    """Read a series at full resolution, rewound points marked; a forked run's begins with what it shares.

    Args:
        readable: Where the run is.
        run: Its id.
        metric: The metric.
        rank: Whose points; None = of the lowest rank that has any.
        reduce: Reduce all ranks instead; rewound points are left out then.

    Raises:
        NotFound: The run has no such metric, or not of that rank (`metric.unknown`); names what is close.
        InvalidInput: A rank and a reduction are both given, or the reduction is none.
    """
    found = readable.read_run(run)
    cutoffs, shares = readable.read_cutoffs([found.id]), read_shared(readable, [found.id])
    stored = readable.index.series.read_series(found.id, metric, rank, cutoffs, shares, reduce=reduce)
    if not len(stored):
        raise _unknown_metric(readable, found.id, metric, rank)
    source = stored.ranks[0] if reduce is None else None
    columns = (stored.steps, stored.values, stored.times, stored.greyed)
    return Series(found.id, metric, source, *columns, reduce, stored.ranks, stored.low, stored.high)


def _unknown_metric(readable: ReadableIndex, run: RunId, metric: str, rank: int | None) -> NotFound:
    known = {info.metric: info.ranks for info in list_metrics(readable, run)}
    if metric in known and rank is not None:
        says = f"run {run} logged {metric!r} from ranks {', '.join(map(str, known[metric]))}, not from {rank}."
        return NotFound(f"{says} Ask for one of these.", code="metric.unknown", metric=metric, source=rank)
    close = difflib.get_close_matches(metric, known, 3, 0.5) or sorted(known)[:5]
    advice = f"Did you mean {' or '.join(map(repr, close))}?" if close else "It logged no metrics."
    return NotFound(
        f"run {run} has no metric {metric!r}. {advice}", code="metric.unknown", metric=metric, suggestions=close
    )


def read_window(readable: ReadableIndex, keys: Sequence[SeriesKey], window: Window) -> Envelope:
    """Reduce series of readable runs to one common grid; see `index.window`.

    A forked run's series begin with what it shares; for the relative axis see `forks.read_origins`.

    Raises:
        NotFound: One of the runs is not there, or may not be read.
    """
    runs = {key.run: readable.read_run(key.run) for key in keys}
    if window.axis == "relative" and not window.started:
        window = replace(window, started=read_origins(readable, runs))
    return readable.index.series.read_window(keys, window, readable.read_cutoffs(runs), read_shared(readable, runs))


# ── console ───────────────────────────────────────────────────────────────────────────────────────────────────


def read_logs(
    readable: ReadableIndex, run: str, *, tail: int | None = None, grep: str | None = None
) -> Iterator[str | ConsoleMatch]:
    """Yield what a run printed.

    Args:
        readable: Where the run is.
        run: Its id.
        tail: Only so many lines from the end; of `grep`, so many matches.
        grep: Only lines that hold this text, in any case, as `ConsoleMatch` with their numbers.

    Returns:
        Pieces of text of any size, which joined are the console; or matches.

    Raises:
        NotFound: There is no such run, or it may not be read.
        InvalidInput: `tail` is negative.
    """
    if tail is not None and tail < 0:
        raise InvalidInput(f"the last {tail} lines were asked for; the number must be at least 0.", code="logs.tail")
    found = readable.read_run(run)
    console = readable.index.console
    if grep is not None:
        matches = console.find_lines(found.id, grep)
        return iter(matches if tail is None else deque(matches, maxlen=tail))
    return console.iter_text(found.id) if tail is None else iter([console.read_tail(found.id, tail)])


def read_new_logs(readable: ReadableIndex, run: str, seen: Mapping[str, int]) -> tuple[str, dict[str, int]]:
    """Return what a run printed since `seen`, and the next `seen`; see `index.console.ConsoleStore.read_after`.

    Raises:
        NotFound: There is no such run, or it may not be read.
    """
    return readable.index.console.read_after(readable.read_run(run).id, seen)


def count_lines(readable: ReadableIndex, run: str) -> int:
    """Return how many lines a run printed, an unfinished last one among them."""
    found = readable.read_run(run)
    return readable.index.console.count_all_lines(found.id)


def read_lines(readable: ReadableIndex, run: str, first: int, limit: int) -> list[str]:
    """Return lines of what a run printed, without their line feeds; only the chunks they stand in are opened.

    Args:
        readable: Where the run is.
        run: Its id.
        first: Counted from 1; behind the last line there are none.
        limit: At most so many; fewer where lines are extremely long.
    """
    found = readable.read_run(run)
    return readable.index.console.read_lines(found.id, first, limit)


# ── files and media ───────────────────────────────────────────────────────────────────────────────────────────


def list_artifacts(readable: ReadableIndex, run: str) -> list[Artifact]:
    """Return a run's files and references by path and step; of several of one path and step the last one.

    What a run was forked from is a reference too, but no file: `read_detail` says it.
    """
    found = readable.read_run(run)
    listed = (_to_artifact(i) for i in _read_in_order(readable, found.id, File, Reference) if not parse_fork(i.record))
    artifacts = {_place_of(artifact): artifact for artifact in listed}
    return sorted(artifacts.values(), key=lambda artifact: (*_place_of(artifact)[:2], artifact.step or 0))


def _place_of(artifact: Artifact) -> tuple[str, str, int | None]:
    return artifact.path, artifact.uri or "", artifact.step


def _read_in_order(readable: ReadableIndex, run: RunId, *kinds: type[Record]) -> list[Item]:
    tags = [Start.tag_name, *(kind.tag_name for kind in kinds)]  # where sessions stand is told by their starts
    items = sort_items(to_items(readable.index.catalog.read_controls(run, tags)))
    return [item for item in items if isinstance(item.record, kinds)]


def _to_artifact(item: Item) -> Artifact:
    record, created_at = item.record, to_datetime(item.time_us)
    if isinstance(record, File):
        kept = (record.path, record.kind, record.size, record.sha256, record.media_type, record.step)
        return Artifact(*kept, None, "", created_at)
    assert isinstance(record, Reference)
    path, kind = record.path or record.uri.rpartition("/")[2], record.kind or "reference"
    return Artifact(path, kind, record.size, None, "", None, record.uri, record.checksum, created_at)


def open_artifact(readable: ReadableIndex, run: str, path: str, *, step: int | None = None) -> BinaryIO:
    """Open a file of a run for reading; the caller closes it. See `find_artifact` for which, and for errors.

    Raises:
        NotFound: Its content is gone (`blob.missing`).
    """
    found = find_artifact(readable, run, path, step=step)
    return open_blob(readable.root, RunId(run), str(found.sha256))


def find_artifact(readable: ReadableIndex, run: str, path: str, *, step: int | None = None) -> Artifact:
    """Find a file of a run whose content is kept in the store, so that it has a SHA-256.

    Args:
        readable: Where the run is.
        run: Its id.
        path: As it was saved.
        step: Of a checkpoint; None = the one without a step, else the highest step.

    Raises:
        NotFound: The run has no such file (`artifact.unknown`).
        InvalidInput: It is a reference: its content is kept elsewhere (`artifact.reference`).
    """
    artifacts = list_artifacts(readable, run)
    named = [artifact for artifact in artifacts if artifact.path == path and step in (None, artifact.step)]
    if not named:
        raise _unknown_artifact(run, path, step, artifacts)
    chosen = next((artifact for artifact in named if artifact.step is None), named[-1])
    if chosen.sha256 is None:
        raise InvalidInput(
            f"{path!r} of run {run} is a reference to {chosen.uri}; its content was never copied. Open it there.",
            code="artifact.reference",
            path=path,
            uri=chosen.uri,
        )
    return chosen


def _unknown_artifact(run: str, path: str, step: int | None, artifacts: Iterable[Artifact]) -> NotFound:
    paths = dict.fromkeys(artifact.path for artifact in artifacts)
    close = difflib.get_close_matches(path, paths, 3, 0.4) or list(paths)[:5]
    missing = f"run {run} has no file {path!r}"
    if path in paths:  # only at another step
        steps = [artifact.step for artifact in artifacts if artifact.path == path and artifact.step is not None]
        kept = f"at step {', '.join(map(str, steps[-5:]))}" if steps else "without a step"
        missing, advice = f"{missing} at step {step}", f"It has it {kept}."
    else:
        advice = f"It has {', '.join(map(repr, close))}." if close else "It saved no files."
    return NotFound(f"{missing}. {advice}", code="artifact.unknown", path=path, suggestions=close)


def list_media(readable: ReadableIndex, run: str, name: str | None = None) -> list[MediaItem]:
    """Return what a run logged beside numbers, by name and step; only of one name if asked."""
    found = readable.read_run(run)
    items = [_to_media(found.id, item) for item in _read_in_order(readable, found.id, Media)]
    return sorted((item for item in items if name in (None, item.name)), key=lambda item: (item.name, item.step))


def _to_media(run: RunId, item: Item) -> MediaItem:
    record: Any = item.record
    return MediaItem(
        run,
        record.name,
        record.kind,
        record.step,
        record.media_type,
        record.size,
        record.sha256,
        record.data,
        record.caption,
        record.meta,
        to_datetime(item.time_us),
    )


def open_media(readable: ReadableIndex, item: MediaItem) -> BinaryIO:
    """Open the content of a media item; one that came from `list_media`.

    Raises:
        NotFound: Its content is gone (`blob.missing`).
    """
    if item.data is not None or item.sha256 is None:
        return io.BytesIO(item.data or b"")
    return io.BytesIO(read_blob(readable.root, item.run, item.sha256))
