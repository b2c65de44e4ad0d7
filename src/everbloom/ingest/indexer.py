"""Catch the index up with the journals.

One indexer at a time, under a lock; readers never wait for it. It takes rounds: read a bounded amount from every
journal that has news, commit the rows to the series database, then the control records and what follows from them
to the catalog. Each database keeps its own offsets, committed with its rows, so a death between the two commits
costs nothing: the next round reads from the older offset and passes over what the other has.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from everbloom.core import layout
from everbloom.core.clock import monotonic_s, now_us
from everbloom.core.errors import EverbloomError
from everbloom.core.ids import RunId, WriterId
from everbloom.core.records import Console, Edit, Heartbeat, Start
from everbloom.index.catalog import ControlRow, DamageRow, WriterRow
from everbloom.index.database import indexer_lock
from everbloom.index.offsets import Offset
from everbloom.index.store import BUILDING, Index, discard_index, is_index_swapped, open_index, swap_in
from everbloom.ingest.fold import EDITS_WRITER
from everbloom.ingest.packing import PackBlobs, adopt_pack, iter_packed_batches
from everbloom.ingest.runs import build_document, read_folded, read_text
from everbloom.journal.identity import boot_id, is_process_alive
from everbloom.journal.pack import PackReader, iter_packs
from everbloom.journal.reader import BATCH_BYTES, Batch, Control, Position, read_batch, read_header
from everbloom.journal.registry import iter_active, iter_journals, unregister_writer
from everbloom.workspace.registry import ensure_experiments

ROUND_BYTES = 64 * 1024 * 1024
_EDITS = WriterId(EDITS_WRITER)
_NO_RUN = RunId("")
_NOT_KEPT = (Console, Heartbeat)  # console text has a store of its own; heartbeats only their last number


@dataclass
class Report:
    """What a catch-up did.

    Attributes:
        runs: Runs whose document was made anew.
        points: Numbers taken in.
        damaged: Places in journals that were skipped.
        refused: Journals of a newer format or that could not be read, with the reason.
    """

    runs: set[RunId] = field(default_factory=set)
    points: int = 0
    damaged: int = 0
    refused: dict[WriterId, str] = field(default_factory=dict)


@dataclass
class _News:
    """What one journal had to tell in a round."""

    run: RunId
    writer: WriterId
    batch: Batch
    is_dead: bool

    @property
    def is_over(self) -> bool:
        """Whether nothing will come after this batch: the writer said so, or is proved dead."""
        return (self.batch.is_closed or self.is_dead) and not self.batch.has_more


class Indexer:
    """Feed one store's index; make one a process, use it from one thread."""

    def __init__(
        self,
        root: Path,
        database: str | None = None,
        *,
        suffix: str = "",
        between_commits: Callable[[], None] | None = None,
    ) -> None:
        """Open the store's index for writing.

        Args:
            root: The store's folder.
            database: A PostgreSQL address; None for SQLite.
            suffix: Of an index that is built beside the one in use.
            between_commits: Called between the commits of the two databases; a fault injector's way in.

        Raises:
            Unavailable: The index cannot be written.
        """
        self._root = root
        self._database = database
        self._suffix = suffix
        self._between_commits = between_commits
        self._packs = PackBlobs(root)
        self.index: Index = self._open_index()

    def _open_index(self) -> Index:
        return open_index(self._root, self._database, suffix=self._suffix, read_blob=self._packs.read_blob)

    def close(self) -> None:
        """Close the index and the packs it reads from."""
        self.index.close()
        self._packs.close()

    def catch_up(self, *, wait_s: float = 0.0) -> Report:
        """Take in all that journals and edits hold now.

        Raises:
            Unavailable: Another indexer is at work and still is after `wait_s` (`index.busy`), or there is no space.
        """
        report = Report()
        with indexer_lock(self.index.catalog_database, self._root, wait_s=wait_s):
            self._reopen_if_swapped()
            is_whole = self.index.catalog.is_whole()
            journals = list(iter_active(self._root) if is_whole else iter_journals(self._root))
            for news in self._iter_rounds(journals, report):
                self._take_round(news, report)
            if not is_whole:
                self._take_packs(report)
            self._take_edits(report)
            self._fold(is_forced=not is_whole)
            if not is_whole:
                self._mark_whole()
        return report

    def fold_all(self) -> None:
        """Fold what is pending into column blocks and text now, due or not."""
        with indexer_lock(self.index.catalog_database, self._root):
            self._fold(is_forced=True)

    def _reopen_if_swapped(self) -> None:
        """Open the index again if another process has put a new one in its place since."""
        if is_index_swapped(self.index, self._root, suffix=self._suffix):
            self.index.close()
            self.index = self._open_index()

    def _mark_whole(self) -> None:
        self.index.catalog_database.execute(
            "INSERT INTO meta (key, value) VALUES ('is_whole', 1) ON CONFLICT (key) DO NOTHING"
        )

    # ── reading journals ──────────────────────────────────────────────────────────────────────────────────────

    def _iter_rounds(self, journals: Iterable[tuple[RunId, WriterId]], report: Report) -> Iterator[list[_News]]:
        pending = list(journals)
        while pending:
            taken: list[_News] = []
            again: list[tuple[RunId, WriterId]] = []
            size = 0
            while pending and size < ROUND_BYTES:
                run, writer = pending.pop()
                news = self._read_news(run, writer, report)
                if news is not None:
                    taken.append(news)
                    size += BATCH_BYTES if news.batch.has_more else 1
                    if news.batch.has_more:
                        again.append((run, writer))
            if taken:
                yield taken
            pending += again

    def _read_news(self, run: RunId, writer: WriterId, report: Report) -> _News | None:
        journal = layout.journal_dir(self._root, run, writer)
        start = self._read_start(writer)
        # Asked before reading: whatever a process that is dead now wrote is there to be read.
        is_alive = self._is_alive(journal, start)
        try:
            batch = read_batch(journal, start, now_us=now_us())
        except EverbloomError as error:
            report.refused[writer] = error.message
            return None
        return _News(run, writer, batch, is_alive is False)

    def _read_start(self, writer: WriterId) -> Position:
        offsets = [self.index.catalog_offsets.read(writer), self.index.series.read_offset(writer)]
        known = [Position(o.segment, o.byte, o.rows) if o else Position() for o in offsets]
        return min(known, key=lambda p: (p.segment, p.byte))

    def _is_alive(self, journal: Path, start: Position) -> bool | None:
        try:
            header = read_header(journal, start.segment) or read_header(journal, 0)
        except EverbloomError:
            return None
        if header is None:
            return None
        return is_process_alive(header.pid, start=header.process_start, host=header.host, boot=header.boot)

    def _take_packs(self, report: Report) -> None:
        """Take in every closed run that is packed, as its journals were; only a new index has not met them."""
        for run in iter_packs(self._root):
            try:
                with PackReader(layout.pack_path(self._root, run)) as pack:
                    self._take_pack(run, pack, report)
            except EverbloomError as error:
                report.refused[WriterId(run)] = error.message

    def _take_pack(self, run: RunId, pack: PackReader, report: Report) -> None:
        for part in pack.contents.journals:
            for batch in iter_packed_batches(pack, part):
                self._take_round([_News(run, WriterId(part.writer), batch, is_dead=True)], report)
        with self.index.series_database.transaction():
            adopt_pack(self.index.series, pack)

    # ── committing a round ────────────────────────────────────────────────────────────────────────────────────

    def _take_round(self, round_: list[_News], report: Report) -> None:
        with self.index.series_database.transaction():
            for news in round_:
                report.points += self._take_rows(news)
        if self._between_commits is not None:
            self._between_commits()
        with self.index.catalog_database.transaction():
            touched = [news.run for news in round_ if self._take_controls(news, report)]
            self._refold(touched, report)
        for news in round_:
            if news.is_over:
                self._retire(news)

    def _take_rows(self, news: _News) -> int:
        known = self.index.series.read_offset(news.writer)
        seen = known.rows if known else 0
        rank = self._read_rank(news)
        points = 0
        for rows in news.batch.rows:
            fresh = slice(int(rows.ordinals.searchsorted(seen)), None)
            if len(rows.steps[fresh]):
                self.index.series.append_rows(
                    news.run,
                    news.writer,
                    rank,
                    rows.names,
                    rows.steps[fresh],
                    rows.times[fresh],
                    rows.ordinals[fresh],
                    rows.values[fresh],
                )
                points += rows.values[fresh].size
        end = news.batch.end
        if known is None or (known.segment, known.byte) < (end.segment, end.byte):
            self.index.series.write_offset(news.writer, Offset(news.run, end.segment, end.byte, end.rows))
        if news.is_over:
            self.index.series.finish_writer(news.run, news.writer)
        return points

    def _read_rank(self, news: _News) -> int:
        for control in news.batch.controls:
            if isinstance(control.record, Start):
                return control.record.rank
        known = {row.writer: row for row in self.index.catalog.read_writers(news.run)}
        return known[news.writer].rank if news.writer in known else 0

    def _take_controls(self, news: _News, report: Report) -> bool:
        """Keep a journal's control records; returns whether anything about the run may have changed."""
        offset = self.index.catalog_offsets.read(news.writer)
        seen = offset.segment << 32 | offset.byte if offset else 0
        fresh = [control for control in news.batch.controls if control.position >= seen]
        kept = [c for c in fresh if not isinstance(c.record, _NOT_KEPT)]
        self.index.catalog.add_controls(_to_row(news.run, news.writer, control) for control in kept)
        texts = [(c.time_us, c.record.text) for c in fresh if isinstance(c.record, Console)]
        if texts:
            self.index.console.append_text(news.run, news.writer, texts)
            self.index.catalog.mark_pending(news.run, now_us=now_us())
        self.index.catalog.add_damage(
            DamageRow(news.run, news.writer, d.segment, d.byte, d.size, d.reason) for d in news.batch.damage
        )
        report.damaged += len(news.batch.damage)
        end = news.batch.end
        has_moved = offset is None or (offset.segment, offset.byte) < (end.segment, end.byte)
        has_turned = self._write_life(news, fresh, has_moved=has_moved)
        if has_moved:
            self.index.catalog_offsets.write(news.writer, Offset(news.run, end.segment, end.byte, end.rows))
        is_silent = self._to_life(news) is None and not has_moved
        return has_moved or has_turned or is_silent

    def _write_life(self, news: _News, fresh: list[Control], *, has_moved: bool) -> bool:
        """Note when a writer was last heard and whether it lives; returns whether that turned."""
        known = {row.writer: row for row in self.index.catalog.read_writers(news.run)}.get(news.writer)
        start = next((c.record for c in fresh if isinstance(c.record, Start)), None)
        header = news.batch.header
        is_alive = None if header is None and known is None else self._to_life(news)
        heard = [c.time_us for c in fresh] + [int(rows.times.max()) for rows in news.batch.rows]
        beats = [c.record.number for c in fresh if isinstance(c.record, Heartbeat)]
        boot = f"{boot_id():016x}"
        is_first_look = known is None or known.seen_boot != boot
        row = WriterRow(
            news.run,
            news.writer,
            start.kind if start else (known.kind if known else "process"),
            start.rank if start else (known.rank if known else 0),
            max([*heard, known.last_time if known else 0]),
            max([*beats, known.heartbeat if known else -1]),
            boot,
            monotonic_s() if has_moved or is_first_look or known is None else known.seen_at,
            is_alive,
        )
        if row == known:
            return False
        self.index.catalog.write_writers([row])
        return known is None or known.is_alive != is_alive

    def _to_life(self, news: _News) -> int | None:
        if news.is_dead or news.is_over:
            return 0
        journal = layout.journal_dir(self._root, news.run, news.writer)
        is_alive = self._is_alive(journal, news.batch.end)
        return None if is_alive is None else int(is_alive)

    def _retire(self, news: _News) -> None:
        """Take a journal that will not grow off the list, and give back the space that a dead writer held."""
        journal = layout.journal_dir(self._root, news.run, news.writer)
        if not news.batch.is_closed:
            cut_dead_segment(journal, news.batch.end.segment)
        if not self._suffix:  # what is being built beside the index may yet fail, and the index needs to know
            unregister_writer(self._root, news.run, news.writer)

    # ── edits ─────────────────────────────────────────────────────────────────────────────────────────────────

    def _take_edits(self, report: Report) -> None:
        while True:
            offset = self.index.catalog_offsets.read(_EDITS)
            start = Position(offset.segment, offset.byte, 0) if offset else Position()
            batch = read_batch(layout.edits_dir(self._root), start, now_us=now_us())
            if batch.end == start:
                return
            with self.index.catalog_database.transaction():
                edits = [(c, c.record) for c in batch.controls if isinstance(c.record, Edit)]
                self.index.catalog.add_controls(_to_edit_row(control, edit) for control, edit in edits)
                end = batch.end
                self.index.catalog_offsets.write(_EDITS, Offset(_NO_RUN, end.segment, end.byte, 0))
                self._refold(dict.fromkeys(RunId(edit.run) for _, edit in edits), report)
            if not batch.has_more:
                return

    # ── what follows from it ──────────────────────────────────────────────────────────────────────────────────

    def _refold(self, runs: Iterable[RunId], report: Report) -> None:
        """Make the documents of runs anew, within a transaction of the catalog."""
        experiments: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
        now = now_us()
        for run in dict.fromkeys(runs):
            folded, sighting = read_folded(self.index, run, boot=f"{boot_id():016x}", monotonic_s=monotonic_s())
            if not folded.writers:
                continue  # an edit of a run whose journal is not here (yet)
            summaries = self.index.series.read_summaries([run], folded.cutoffs).get(run, {})
            document = build_document(run, folded, sighting, summaries)
            is_open = folded.state in ("running", "lost")
            if self.index.catalog.write_run(run, document, is_open=is_open, now_us=now):
                report.runs.add(run)
                attributes = document.attributes
                experiments[attributes["namespace"], attributes["project"]].add(attributes["experiment"])
        if report.runs:
            self.index.catalog.bump_version()
            self._ensure_experiments(experiments)

    def _ensure_experiments(self, experiments: dict[tuple[str, str], set[str]]) -> None:
        """Create workspace rows for experiments that the catalog has not met before.

        The catalog remembers which it has met, so that the workspace, whose library is costly to load, is opened
        for a new experiment only.
        """
        fresh = [
            (namespace, project, experiment)
            for (namespace, project), names in experiments.items()
            for experiment in sorted(names)
            if not self.index.catalog.knows_experiment(namespace, project, experiment)
        ]
        if fresh:
            ensure_experiments(self._root, self._database, fresh)
            self.index.catalog.add_experiments(fresh)

    def _fold(self, *, is_forced: bool) -> None:
        """Fold pending runs into the column blocks and their text into the text index, where it is due."""
        with self.index.catalog_database.transaction():
            folded_runs = self.index.columns.fold_pending(now_us(), is_forced=is_forced)
            for run in folded_runs:
                document = self.index.catalog.read_run(run).document
                self.index.text.write_text(run, read_text(self.index, run, document))
            if folded_runs:
                self.index.catalog.bump_version()


def cut_dead_segment(journal: Path, number: int) -> None:
    """Give back the space that a dead writer had allocated behind what it committed."""
    header = read_header(journal, number)
    path = layout.segment_path(journal, number)
    if header is not None and header.committed < path.stat().st_size:
        with path.open("r+b") as file:
            file.truncate(header.committed)


def _to_row(run: RunId, writer: WriterId, control: Control) -> ControlRow:
    tag, time_us, body = msgspec.msgpack.decode(control.raw, type=tuple[str, int, msgspec.Raw])
    return ControlRow(run, writer, control.position, 0, time_us, tag, control.rows_before, bytes(body))


def _to_edit_row(control: Control, edit: Edit) -> ControlRow:
    return ControlRow(
        edit.run, EDITS_WRITER, control.position, control.position, control.time_us, edit.tag, 0, bytes(edit.body)
    )


def reindex(root: Path, database: str | None = None) -> Report:
    """Build the index anew from the journals beside the one in use, then put it in its place.

    Readers go on with the old one meanwhile. What was taken off `active/` is found by a full scan.

    Raises:
        Unavailable: Another indexer is at work, or there is no space.
    """
    discard_index(root, database, suffix=BUILDING)
    indexer = Indexer(root, database, suffix=BUILDING)
    try:
        report = indexer.catch_up(wait_s=10.0)
        with indexer_lock(indexer.index.catalog_database, root, wait_s=10.0):
            swap_in(indexer.index, root, database, suffix=BUILDING)
    finally:
        indexer.close()
    return report
