"""Make a run's document out of what the index holds of it: its control records, its series, its writers' lives."""

import itertools
import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

import msgspec
import numpy as np

from everbloom.core.branches import Item, find_beginnings
from everbloom.core.ids import RunId
from everbloom.core.records import RECORD_TYPES, End, Record, Start
from everbloom.core.values import SYSTEM_PREFIX, guess_direction
from everbloom.index.catalog import ControlRow, WriterRow
from everbloom.index.documents import Document, MetricSummary
from everbloom.index.engine import damaged
from everbloom.index.ranks import Reduce, reduce_lines
from everbloom.index.store import Index
from everbloom.index.summary import Summary
from everbloom.index.text import RunText
from everbloom.ingest.attributes import read_total_steps, to_attributes
from everbloom.ingest.fold import Folded, Sighting, find_main_writer, fold_items, get_objectives

# What a run is folded from; media, files and references are read where they are shown.
FOLDED_TAGS = tuple("start set params tag like note link command limits problem rewind end".split())
UNREAD = "unread"  # the kind of a writer whose journal was never readable here
SILENT_AFTER_S = 300.0
WITNESS_PATIENCE_S = 60.0  # a watcher that says nothing for longer is stopped itself
STALLED_AFTER_US = 600_000_000
STALLED_AFTER_GAPS = 20
CONSOLE_TAIL_LINES = 200
_PART_RUNS = 64  # whose records are in memory at once

_decoders = {tag: msgspec.msgpack.Decoder(kind).decode for tag, kind in RECORD_TYPES.items()}
_BAD_BYTES = (msgspec.ValidationError, msgspec.DecodeError, UnicodeDecodeError, RecursionError)


def decode_body(tag: str, body: bytes) -> Record | None:
    """Return the record of a body; None where this version does not understand it."""
    decode = _decoders.get(tag)
    if decode is None:
        return None
    try:
        record: Record = decode(body)
    except _BAD_BYTES:
        return None
    return record


def decode_control(row: ControlRow) -> Record:
    """Return a control record that the catalog keeps; what was not understood is kept under other tags.

    Raises:
        Corrupt: The catalog's bytes are not what was put in (`index.corrupt`).
    """
    record = decode_body(row.tag, row.body)
    if record is None:
        raise damaged(f"a record {row.tag!r} of run {row.run}", "its bytes are no such record")
    return record


def to_items(rows: Iterable[ControlRow]) -> list[Item]:
    """Return kept control records with what decides their order."""
    return [Item(row.number, row.time, row.writer, row.position, decode_control(row)) for row in rows]


def read_folded(index: Index, run: RunId, *, boot: str, monotonic_s: float) -> tuple[Folded, Sighting]:
    """Fold a run as it is now.

    Args:
        index: Open index.
        run: A run; one without any writer folds to an empty `Folded`.
        boot: The boot id of this host, which silence is measured in.
        monotonic_s: That boot's clock now.
    """
    items = to_items(index.catalog.read_controls(run, FOLDED_TAGS))
    writers = index.catalog.read_writers(run)
    return fold_run(items, writers, boot=boot, monotonic_s=monotonic_s)


def fold_run(
    items: list[Item], writers: Sequence[WriterRow], *, boot: str, monotonic_s: float
) -> tuple[Folded, Sighting]:
    """Fold a run's control records by what is known of its writers' lives."""
    main = find_main_writer(items)
    sighting = look_at_writers(_leave_earlier(writers, items, main), main, boot=boot, monotonic_s=monotonic_s)
    return fold_items(items, sighting), sighting


def _leave_earlier(writers: Sequence[WriterRow], items: Iterable[Item], main_writer: str) -> Sequence[WriterRow]:
    """Leave out writers of sessions before the main writer's: what their clocks and watchers say is history."""
    starts = find_beginnings(i for i in items if isinstance(i.record, Start))
    own = starts.get(main_writer)
    if own is None or not own.session:
        return writers
    return [row for row in writers if row.writer not in starts or starts[row.writer].session >= own.session]


def iter_folded(
    index: Index, runs: Iterable[RunId], *, boot: str, monotonic_s: float
) -> Iterator[tuple[RunId, Folded, Sighting]]:
    """Fold many runs, asking for some at a time; runs of which no writer is known are left out."""
    for part in _iter_parts(runs):
        controls: defaultdict[str, list[ControlRow]] = defaultdict(list)
        for row in index.catalog.read_controls_of(part, FOLDED_TAGS):
            controls[row.run].append(row)
        writers: defaultdict[str, list[WriterRow]] = defaultdict(list)
        for life in index.catalog.read_writers_of(part):
            writers[life.run].append(life)
        for run in part:
            if run in writers:
                items = to_items(controls[run])
                yield run, *fold_run(items, writers[run], boot=boot, monotonic_s=monotonic_s)


def _iter_parts(runs: Iterable[RunId]) -> Iterator[list[RunId]]:
    remaining = iter(runs)
    while part := list(itertools.islice(remaining, _PART_RUNS)):
        yield part


def look_at_writers(writers: Sequence[WriterRow], main_writer: str, *, boot: str, monotonic_s: float) -> Sighting:
    """Say whether a run's main writer lives, when the run was last heard, and whether it only idles."""
    main = next((row for row in writers if row.writer == main_writer), None)
    is_alive = _is_any_alive(writers) if main is None else None if main.is_alive is None else bool(main.is_alive)
    if is_alive is False and has_witness(writers, boot=boot, monotonic_s=monotonic_s):
        is_alive = True  # about to say how it ended; a moment's "killed, nobody knows why" would be wrong
    heard = max((row.last_time for row in writers), default=0)
    seen = [monotonic_s - row.seen_at for row in writers if row.seen_boot == boot]
    is_silent = bool(seen) and min(seen) > SILENT_AFTER_S
    return Sighting(is_alive, is_silent, heard, is_stalled(writers, main_writer))


def _is_any_alive(writers: Sequence[WriterRow]) -> bool | None:
    """Tell whether anybody lives of a run that nobody is known to have begun; who was never read does not count."""
    lives = [row.is_alive for row in writers if row.kind != UNREAD]
    return True if 1 in lives else None if None in lives else False


def has_witness(writers: Iterable[WriterRow], *, boot: str, monotonic_s: float) -> bool:
    """Tell whether a watcher of rank 0 lives and spoke so lately that it will say how its process ended."""
    return any(
        row.kind == "watcher"
        and not row.rank
        and row.is_alive == 1
        and row.seen_boot == boot
        and monotonic_s - row.seen_at <= WITNESS_PATIENCE_S
        for row in writers
    )


def is_stalled(writers: Sequence[WriterRow], main_writer: str) -> bool:
    """Tell whether a watcher hears nothing from its training process for unusually long.

    Longer than ten minutes and 20 times the main writer's usual time between rows, by the clocks in the journals
    alone, so that it does not matter when they are read. A sign of life is any record of a training process and any
    text it printed; heartbeats and resources are the watcher's own. A run without a rhythm of its own, fewer than
    two rows, never counts.
    """
    main = next((row for row in writers if row.writer == main_writer), None)
    watched_us = max((row.last_time for row in writers if row.kind == "watcher"), default=0)
    if main is None or main.rows < 2 or not watched_us:
        return False
    active_us = max(row.active_time for row in writers)
    usual_us = (main.last_row - main.first_row) / (main.rows - 1)
    return watched_us - active_us > max(STALLED_AFTER_US, STALLED_AFTER_GAPS * usual_us)


def build_document(
    run: RunId, folded: Folded, sighting: Sighting, series: Mapping[str, Mapping[int, Summary]]
) -> Document:
    """Build the document of a run.

    Args:
        run: Its id.
        folded: Its control records.
        sighting: What is known of its life.
        series: By metric and rank, the series' summaries, shared points counted; the lowest rank that has any stands
            for the metric.
    """
    objectives = get_objectives(folded)
    metrics = {name: to_metric_summary(name, by_rank, min(by_rank), objectives) for name, by_rank in series.items()}
    return Document(to_attributes(run, folded, sighting) | _read_progress(folded, series), metrics)


def _read_progress(folded: Folded, series: Mapping[str, Mapping[int, Summary]]) -> dict[str, float]:
    """Return how far a run has come: its highest step, and that as a share of what it means to take."""
    logged = (by_rank for name, by_rank in series.items() if not name.startswith(SYSTEM_PREFIX))
    steps = [by_rank[min(by_rank)].last.step for by_rank in logged]
    if not steps:
        return {}
    total = read_total_steps(folded.fields)
    return {"step": max(steps)} | ({} if total is None else {"progress": min(max(max(steps) / total, 0.0), 1.0)})


def to_metric_summary(
    name: str, by_rank: Mapping[int, Summary], rank: int, objectives: Mapping[str, str]
) -> MetricSummary:
    """Return a metric's summaries of one of its ranks in the words of the filter language."""
    summary, stated = by_rank[rank], objectives.get(name)
    direction = stated if stated in ("min", "max") else guess_direction(name)
    best = None
    if direction is not None and summary.n > summary.nan:
        best = summary.min if direction == "min" else summary.max
    return MetricSummary(
        summary.n,
        summary.first.value,
        summary.last.value,
        summary.min,
        summary.max,
        summary.mean,
        best,
        direction,
        stated is None and direction is not None,
        summary.last.step,
        rank,
    )


def summarise_ranks(
    series: Mapping[str, Mapping[int, Summary]],
    objectives: Mapping[str, str],
    *,
    rank: int | None = None,
    reduce: Reduce | None = None,
) -> dict[str, MetricSummary]:
    """Return metrics' summaries of one rank, or each word of them reduced over all ranks; one of the two is given.

    Args:
        series: By metric and rank.
        objectives: By metric, which way is better, where the run states it.
        rank: Metrics that it has not are left out.
        reduce: `n` is of all ranks and `last_step` the highest; NaN takes no part.
    """
    if reduce is None:
        having = {name: by_rank for name, by_rank in series.items() if rank in by_rank}
        return {name: to_metric_summary(name, by_rank, rank or 0, objectives) for name, by_rank in having.items()}
    return {
        name: _reduce_summaries([to_metric_summary(name, by_rank, r, objectives) for r in sorted(by_rank)], reduce)
        for name, by_rank in series.items()
    }


def _reduce_summaries(parts: Sequence[MetricSummary], reduce: Reduce) -> MetricSummary:
    def fold(word: str) -> float:
        values = [np.array([float(getattr(part, word))]) for part in parts]
        return float(reduce_lines(lambda: values, reduce)[0])

    best = fold(parts[0].direction) if parts[0].direction in ("min", "max") else None
    return MetricSummary(
        n=sum(part.n for part in parts),
        first=fold("first"),
        last=fold("last"),
        min=fold("min"),
        max=fold("max"),
        mean=fold("mean"),
        best=None if best is None or math.isnan(best) else best,
        direction=parts[0].direction,
        is_guessed=parts[0].is_guessed,
        last_step=max(part.last_step for part in parts),
        rank=None,
    )


def read_text(index: Index, run: RunId, document: Document) -> RunText:
    """Read the text that a run is found by, as it is now."""
    folded, _ = read_folded(index, run, boot="", monotonic_s=0.0)
    return build_text(document, folded, index.console.read_tail(run, CONSOLE_TAIL_LINES))


def iter_texts(index: Index, documents: Mapping[RunId, Document]) -> Iterator[tuple[RunId, RunText]]:
    """Yield the texts that many runs are found by, as they are now."""
    for run, folded, _ in iter_folded(index, documents, boot="", monotonic_s=0.0):
        yield run, build_text(documents[run], folded, index.console.read_tail(run, CONSOLE_TAIL_LINES))


def build_text(document: Document, folded: Folded, console_tail: str) -> RunText:
    """Return the text that a run is found by: one line or paragraph each of what its parts hold."""
    attributes = document.attributes
    words = [str(attributes.get(key, "")) for key in ("why", "note", "conclusion", "domain", "group", "user")]
    words += [f"{link.title} {link.url}" for link in folded.links]
    return RunText(
        str(attributes.get("name", "")),
        " ".join(folded.tags),
        "\n".join(part for part in words if part),
        "\n".join(f"{name} = {value}" for name, value in folded.params.items()),
        "\n".join(_error_lines(folded.end)),
        console_tail,
    )


def _error_lines(end: End | None) -> list[str]:
    if end is None or end.exception is None:
        return []
    return [f"{end.exception.type}: {end.exception.message}", end.exception.traceback]
