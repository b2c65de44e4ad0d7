"""Make a run's document out of what the index holds of it: its control records, its series, its writers' lives."""

from collections.abc import Iterable, Mapping

import msgspec

from everbloom.core.ids import RunId
from everbloom.core.records import RECORD_TYPES, End, Record
from everbloom.core.values import guess_direction
from everbloom.index.catalog import ControlRow, WriterRow
from everbloom.index.documents import Document, MetricSummary
from everbloom.index.store import Index
from everbloom.index.summary import Summary
from everbloom.ingest.fold import Folded, Item, Sighting, fold_items, get_objectives, to_attributes

# What a run is folded from; media, files and references are read where they are shown.
FOLDED_TAGS = tuple("start set params tag like note link command limits problem rewind end".split())
SILENT_AFTER_S = 300.0
CONSOLE_TAIL_LINES = 200

_decoders = {tag: msgspec.msgpack.Decoder(kind).decode for tag, kind in RECORD_TYPES.items()}


def decode_control(row: ControlRow) -> Record:
    """Return a control record that the catalog keeps."""
    record: Record = _decoders[row.tag](row.body)
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
    main_writer = fold_items(items, Sighting()).main_writer
    sighting = look_at_writers(writers, main_writer, boot=boot, monotonic_s=monotonic_s)
    return fold_items(items, sighting), sighting


def look_at_writers(writers: list[WriterRow], main_writer: str, *, boot: str, monotonic_s: float) -> Sighting:
    """Say whether a run's main writer lives and when the run was last heard."""
    main = next((row for row in writers if row.writer == main_writer), None)
    is_alive = None if main is None or main.is_alive is None else bool(main.is_alive)
    heard = max((row.last_time for row in writers), default=0)
    seen = [monotonic_s - row.seen_at for row in writers if row.seen_boot == boot]
    return Sighting(is_alive, bool(seen) and min(seen) > SILENT_AFTER_S, heard)


def build_document(
    run: RunId, folded: Folded, sighting: Sighting, series: Mapping[str, Mapping[int, Summary]]
) -> Document:
    """Build the document of a run.

    Args:
        run: Its id.
        folded: Its control records.
        sighting: What is known of its life.
        series: By metric and rank, the series' summaries; the lowest rank stands for the metric.
    """
    objectives = get_objectives(folded)
    metrics = {}
    for name, by_rank in series.items():
        metrics[name] = _to_metric_summary(name, by_rank[min(by_rank)], objectives)
    return Document(to_attributes(run, folded, sighting), metrics)


def _to_metric_summary(name: str, summary: Summary, objectives: Mapping[str, str]) -> MetricSummary:
    stated = objectives.get(name)
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
    )


def read_text(index: Index, run: RunId, document: Document) -> str:
    """Read the text that a run is found by, as it is now."""
    folded, _ = read_folded(index, run, boot="", monotonic_s=0.0)
    return build_text(document, folded, index.console.read_tail(run, CONSOLE_TAIL_LINES))


def build_text(document: Document, folded: Folded, console_tail: str) -> str:
    """Return the text that a run is found by: one line or paragraph a part."""
    attributes = document.attributes
    parts = [str(attributes.get(key, "")) for key in ("name", "why", "note", "conclusion", "domain", "group", "user")]
    parts.append(" ".join(folded.tags))
    parts += [f"{name} = {value}" for name, value in folded.params.items()]
    parts += [f"{link.title} {link.url}" for link in folded.links]
    parts += _error_lines(folded.end)
    parts.append(console_tail)
    return "\n".join(part for part in parts if part)


def _error_lines(end: End | None) -> list[str]:
    if end is None or end.exception is None:
        return []
    return [f"{end.exception.type}: {end.exception.message}", end.exception.traceback]
