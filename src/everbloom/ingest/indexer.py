"""Catch the index up with the journals.

One indexer at a time, under a lock; readers never wait for it. It takes rounds: read a bounded amount from every
journal that has news, commit the rows to the series database, then the control records and what follows from them
to the catalog. Each database keeps its own offsets, committed with its rows, so a death between the two commits
costs nothing: the next round reads from the older offset and passes over what the other has.
"""

import contextlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from everbloom.core import layout
from everbloom.core.errors import EverbloomError, Unavailable
from everbloom.core.ids import RunId, WriterId
from everbloom.core.records import Console, Edit, Heartbeat, Problem, Start
from everbloom.index.catalog import REFUSED, ControlRow, DamageRow, ForkRow, WriterRow
from everbloom.index.database import indexer_lock
from everbloom.index.identity import check_store
from everbloom.index.offsets import Offset
from everbloom.index.store import (
    BUILDING,
    Index,
    discard_index,
    discard_leftovers,
    find_leftovers,
    is_index_swapped,
    open_index,
    open_main,
    swap_in,
)
from everbloom.ingest.attributes import read_name, read_namespace
from everbloom.ingest.feed import Feed
from everbloom.ingest.fold import EDITS_WRITER
from everbloom.ingest.forks import find_changes, find_dependants, find_fork_rows, find_moves, read_shares
from everbloom.ingest.journals import (
    ROUNDED_AT,
    News,
    cut_dead_segment,
    is_behind,
    is_writer_alive,
    size_of,
    to_edit_row,
    to_offset,
    to_position,
    to_rounded_row,
    to_row,
)
from everbloom.ingest.lives import SYSTEM_CLOCK, Clock, look_at
from everbloom.ingest.packing import PackBlobs, adopt_pack, iter_packed_batches
from everbloom.ingest.runs import UNREAD, build_document, decode_control, has_witness, iter_folded, iter_texts
from everbloom.ingest.spools import has_spools, recover_spools
from everbloom.ingest.unreadable import find_obstacle
from everbloom.journal.names import NameList, register_names
from everbloom.journal.pack import PackReader, iter_packs
from everbloom.journal.reader import Batch, Control, Position, read_batch
from everbloom.journal.registry import iter_active, iter_journals
from everbloom.workspace.registry import ensure_experiments

ROUND_BYTES = 64 * 1024 * 1024
ROUND_JOURNALS = 512
_EDITS = WriterId(EDITS_WRITER)
_PACK = WriterId("pack")  # what cannot be read of a closed run; no journal has so short a name
_NO_RUN = RunId("")
_MANY = 64  # from so many journals on, all offsets are read at once
_NOT_KEPT = (Console, Heartbeat)  # console text has a store of its own; heartbeats only their last number


@dataclass
class Report:
    """What a catch-up did.

    Attributes:
        runs: Runs whose document was made anew.
        points: Numbers taken in.
        damaged: Places in journals that were skipped.
        refused: Journals of a newer format or that could not be read, with the reason.
        kept: Why journals that are over stay registered, where the store cannot be written.
    """

    runs: set[RunId] = field(default_factory=set)
    points: int = 0
    damaged: int = 0
    refused: dict[WriterId, str] = field(default_factory=dict)
    kept: Unavailable | None = None


class Indexer:
    """Feed one store's index; make one a process, use it from one thread."""

    def __init__(
        self,
        root: Path,
        database: str | None = None,
        *,
        suffix: str = "",
        between_commits: Callable[[], None] | None = None,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        """Open the store's index for writing.

        Args:
            root: The store's folder.
            database: A PostgreSQL address; None for SQLite.
            suffix: Of an index that is built beside the one in use.
            between_commits: Called between the commits of the two databases; a fault injector's way in.
            clock: What silence is measured with.

        Raises:
            Unavailable: The index cannot be written.
        """
        self._root = root
        self._database = database
        self._suffix = suffix
        self._between_commits = between_commits
        self._clock = clock
        self._met_experiments: set[tuple[str, str, str]] = set()
        self._packs = PackBlobs(root)
        self._names = NameList(root)
        self._named: set[RunId] = set()  # in the store's list of names, as far as was looked
        self._refusals: dict[tuple[RunId, WriterId], str] = {}
        self._told: set[WriterId] = set()  # whose journals another database took off `active/` since the last look
        self.index: Index = self._open_index()
        self._feed = Feed(root, self.index.catalog_database)

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
            Conflict: The database is another store's.
        """
        with indexer_lock(self.index.catalog_database, self._root, wait_s=wait_s):
            self._reopen_if_swapped()
            check_store(self.index.catalog_database, self._root)  # another's `reindex` may have taken it since
            report = self._take_all(is_full=not self.index.catalog.is_whole())
            self._discard_leftovers()
            return report

    def _discard_leftovers(self) -> None:
        """Remove older and half-built indexes beside the one in use, unless one of them is being built now."""
        if self.index.catalog_database.engine != "sqlite" or self._suffix or not find_leftovers(self._root):
            return
        with (
            contextlib.suppress(Unavailable),
            indexer_lock(self.index.catalog_database, self._root, name="reindex"),
        ):
            discard_leftovers(self._root)
            self._feed.forget_older()

    def build(self) -> Report:
        """Take in everything by a full scan; for an index that is made aside, under a lock of the caller's.

        May be called again, and then takes what came since, also what another indexer has taken off `active/`.
        """
        return self._take_all(is_full=True)

    def _take_all(self, *, is_full: bool) -> Report:
        report = Report()
        self._refusals = self.index.catalog.read_refusals()
        taken = self._feed.begin(self.index.catalog)
        is_full = is_full or taken is None
        others = taken or []
        self._told = {writer for _, writer in others}
        # In the order in which runs began, as a rebuild takes them: a run's place, and so its colour, stays.
        journals = list(iter_journals(self._root)) if is_full else sorted({*iter_active(self._root), *others})
        while journals:
            recovered: list[tuple[RunId, WriterId]] = []
            for news in self._iter_rounds(journals, report):
                recovered += self._take_round(news, report)
            journals = recovered
        if is_full:
            self._take_packs(iter_packs(self._root), report)
        else:
            runs = dict.fromkeys(run for run, _ in others)
            self._take_packs((run for run in runs if layout.pack_path(self._root, run).exists()), report)
        self._take_edits(report)
        self._fold(is_forced=is_full)
        if is_full:
            self.index.catalog.mark_whole()
        self._feed.finish(self.index.catalog)
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

    # ── reading journals ──────────────────────────────────────────────────────────────────────────────────────

    def _iter_rounds(self, journals: Sequence[tuple[RunId, WriterId]], report: Report) -> Iterator[list[News]]:
        pending = list(reversed(journals))  # taken from the end
        offsets = self._read_offsets() if len(pending) > _MANY else None
        while pending:
            taken: list[News] = []
            again: list[tuple[RunId, WriterId]] = []
            size = 0
            while pending and size < ROUND_BYTES and len(taken) < ROUND_JOURNALS:
                run, writer = pending.pop()
                news = self._read_news(run, writer, report, offsets)
                if news is not None:
                    taken.append(news)
                    size += size_of(news.batch)
                    if news.batch.has_more:
                        again.append((run, writer))
                        if offsets is not None:
                            offsets = None  # they have moved on; what is left is asked one by one
            if taken:
                yield taken
            pending += again

    def _read_offsets(self) -> tuple[dict[WriterId, Offset], dict[WriterId, Offset]]:
        return self.index.series.offsets.read_all(), self.index.catalog_offsets.read_all()

    def _read_news(
        self,
        run: RunId,
        writer: WriterId,
        report: Report,
        offsets: tuple[dict[WriterId, Offset], dict[WriterId, Offset]] | None,
    ) -> News | None:
        journal = layout.journal_dir(self._root, run, writer)
        if offsets is None:
            in_series, in_catalog = self._read_known(writer)
        else:
            in_series, in_catalog = offsets[0].get(writer), offsets[1].get(writer)
        start = min(to_position(in_series), to_position(in_catalog), key=lambda p: (p.segment, p.byte))
        # Asked before reading: whatever a process that is dead now wrote is there to be read. Who took a journal off
        # `active/` knows, on whichever host, that it is over.
        is_alive = False if writer in self._told else is_writer_alive(journal, start)
        try:
            batch = read_batch(journal, start, now_us=self._clock.now_us())
        except EverbloomError as error:
            self._refuse(run, writer, start, error.message, report)
            return None
        except OSError as error:
            self._refuse(run, writer, start, f"{journal} cannot be read: {error.strerror}", report)
            return None
        if batch.header is None and not journal.exists():
            if not self._suffix:  # its run was deleted, or packed
                self._unregister(run, writer, report)
            return None
        if batch.header is None and in_series is None and in_catalog is None:
            obstacle = find_obstacle(self._root, run, writer, self._names, now_us=self._clock.now_us())
            if obstacle is None and batch.damage:
                obstacle = batch.damage[0].reason
            if obstacle is not None:
                self._refuse(run, writer, start, obstacle, report)
            return None  # what cannot be read is read from its beginning when it can; else it was not begun
        return News(run, writer, batch, is_alive, in_series, in_catalog)

    def _refuse(self, run: RunId, writer: WriterId, start: Position, why: str, report: Report) -> None:
        """Keep in mind that a journal cannot be read, so that its run says so; until it can be read."""
        report.refused[writer] = why
        self._note_refusal(run, writer, start, why, report)

    def _note_refusal(self, run: RunId, writer: WriterId, start: Position, why: str, report: Report) -> None:
        reason = f"{REFUSED}{why}"
        if self._refusals.get((run, writer)) == reason:
            return
        self._refusals[run, writer] = reason
        catalog = self.index.catalog
        with self.index.catalog_database.transaction():
            catalog.remove_refusal(run, writer)
            catalog.add_damage([DamageRow(run, writer, start.segment, start.byte, 0, reason)])
            known = next((row for row in catalog.read_writers(run) if row.writer == writer), None)
            known = known or WriterRow(run, writer, UNREAD, 0, 0, -1, "", 0.0, None)
            catalog.write_writers([known._replace(is_alive=None)])  # what it may have said last is not known
            self._refold([run], report)

    def _forget_refusal(self, run: RunId, writer: WriterId) -> None:
        if self._refusals.pop((run, writer), None) is not None:
            with self.index.catalog_database.transaction():
                self.index.catalog.remove_refusal(run, writer)

    def _take_packs(self, packed: Iterable[RunId], report: Report) -> None:
        """Take in closed runs that are packed, as their journals were; an index that met those takes nothing."""
        for run in packed:
            try:
                with PackReader(layout.pack_path(self._root, run)) as pack:
                    self._take_pack(run, pack, report)
            except EverbloomError as error:
                report.refused[WriterId(run)] = error.message
                self._note_refusal(run, _PACK, Position(), error.message, report)
            else:
                self._forget_refusal(run, _PACK)

    def _take_pack(self, run: RunId, pack: PackReader, report: Report) -> None:
        living = {row.writer for row in self.index.catalog.read_writers(run) if row.is_alive != 0}
        over: list[News] = []
        has_moved = False
        for part in pack.contents.journals:
            writer, end = WriterId(part.writer), Position(part.segment, part.byte, part.rows)
            known = self._read_known(writer)
            if not any(is_behind(offset, end) for offset in known):
                if writer in living:  # all that it wrote is taken in, but not that it is over
                    over.append(News(run, writer, Batch(end, is_closed=part.is_closed), False, *known))
                continue
            for batch in iter_packed_batches(pack, part):
                self._take_round([News(run, writer, batch, False, *self._read_known(writer))], report)
                has_moved = True
        if over:
            self._take_round(over, report)
        if has_moved or over:
            with self.index.series_database.transaction():
                adopt_pack(self.index.series, pack)

    def _read_known(self, writer: WriterId) -> tuple[Offset | None, Offset | None]:
        return self.index.series.read_offset(writer), self.index.catalog_offsets.read(writer)

    # ── committing a round ────────────────────────────────────────────────────────────────────────────────────

    def _take_round(self, round_: list[News], report: Report) -> list[tuple[RunId, WriterId]]:
        """Commit what a round read; returns journals that came to be thereby, to be read next."""
        known = {row.writer: row for row in self.index.catalog.read_writers_of({news.run for news in round_})}
        with self.index.series_database.transaction():
            for news in round_:
                report.points += self._take_rows(news, known.get(news.writer))
        if self._between_commits is not None:
            self._between_commits()
        with self.index.catalog_database.transaction():
            touched = self._take_controls(round_, known, report)
            self._refold(touched, report)
            self._refold(find_dependants(self.index.catalog, find_changes(round_)), report)
        return self._retire([news for news in round_ if news.is_over], report)

    def _take_rows(self, news: News, known: WriterRow | None) -> int:
        seen = news.in_series.rows if news.in_series else 0
        starts = (c.record.rank for c in news.batch.controls if isinstance(c.record, Start))
        rank = next(starts, known.rank if known else 0)
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
        if is_behind(news.in_series, news.batch.end):
            self.index.series.write_offset(news.writer, to_offset(news))
        if news.is_over:
            self.index.series.finish_writer(news.run, news.writer)
        return points

    def _take_controls(self, round_: list[News], known: dict[str, WriterRow], report: Report) -> list[RunId]:
        """Keep journals' control records; returns the runs about which anything may have changed."""
        touched: list[RunId] = []
        controls: list[ControlRow] = []
        forks: list[ForkRow] = []
        writers: list[WriterRow] = []
        for news in round_:
            offset = news.in_catalog
            seen = offset.segment << 32 | offset.byte if offset else 0
            fresh = [control for control in news.batch.controls if control.position >= seen]
            controls += [to_row(news.run, news.writer, c) for c in fresh if not isinstance(c.record, _NOT_KEPT)]
            forks += find_fork_rows(news, fresh)
            self._take_console(news, fresh)
            self._take_damage(news, seen, report)
            has_moved = is_behind(offset, news.batch.end)
            if has_moved:
                self.index.catalog_offsets.write(news.writer, to_offset(news))
            if has_moved and news.batch.rounded:
                self._count_rounded(news)
            before = known.get(news.writer)
            if news.batch.header is None and before is None:
                continue  # registered, and not begun
            is_alive = False if news.is_over else news.is_alive
            life = look_at(
                before,
                news.run,
                news.writer,
                news.batch,
                fresh,
                is_alive=is_alive,
                has_moved=has_moved,
                clock=self._clock,
            )
            if life != before:
                writers.append(life)
            # What is proved dead and still looked at waits for its watcher's word; what is unknown may be lost now.
            if has_moved or before is None or life.is_alive != before.is_alive or not life.is_alive:
                touched.append(news.run)
        self.index.catalog.add_controls(controls)
        self.index.catalog.add_forks(forks)
        self.index.catalog.write_writers(writers)
        return touched

    def _count_rounded(self, news: News) -> None:
        told = self.index.catalog.read_controls(news.run, (Problem.tag_name,))
        records = [decode_control(row) for row in told if (row.writer, row.position) == (news.writer, ROUNDED_AT)]
        before = sum(record.count for record in records if isinstance(record, Problem))
        self.index.catalog.replace_control(to_rounded_row(news.run, news.writer, before + news.batch.rounded))

    def _take_console(self, news: News, fresh: list[Control]) -> None:
        texts = [(c.time_us, c.record.text) for c in fresh if isinstance(c.record, Console)]
        if texts:
            self.index.console.append_text(news.run, news.writer, texts)
            self.index.catalog.bump_version()  # whoever follows the console looks again
            self.index.catalog.mark_pending(news.run, now_us=self._clock.now_us())

    def _take_damage(self, news: News, seen: int, report: Report) -> None:
        if self._refusals.pop((news.run, news.writer), None) is not None:
            self.index.catalog.remove_refusal(news.run, news.writer)
        fresh = [d for d in news.batch.damage if d.segment << 32 | d.byte >= seen]
        self.index.catalog.add_damage(
            DamageRow(news.run, news.writer, d.segment, d.byte, d.size, d.reason) for d in fresh
        )
        report.damaged += len(fresh)

    # ── taking journals off the list ──────────────────────────────────────────────────────────────────────────

    def _retire(self, over: list[News], report: Report) -> list[tuple[RunId, WriterId]]:
        """Take journals that will not grow off the list; returns those that were made of consoles left behind."""
        recovered: list[tuple[RunId, WriterId]] = []
        for news in over:
            journal = layout.journal_dir(self._root, news.run, news.writer)
            if not news.batch.is_closed:
                cut_dead_segment(journal, news.batch.end.segment)
            if self._suffix:  # what is being built aside may yet fail, and the index needs to know
                continue
            if not news.batch.is_closed and self._waits_for_witness(news.run):
                continue
            if has_spools(self._root, news.run) and not self._has_others(news):
                added = self._recover_spools(news, report)
                if added is None:
                    continue
                recovered += [(news.run, writer) for writer in added]
            self._unregister(news.run, news.writer, report)
        return recovered

    def _unregister(self, run: RunId, writer: WriterId, report: Report) -> None:
        try:
            self._feed.unregister(run, writer)
        except Unavailable as error:  # it stays news until it can be; what it holds is taken in
            report.kept = error

    def _waits_for_witness(self, run: RunId) -> bool:
        writers = self.index.catalog.read_writers(run)
        return has_witness(writers, boot=self._clock.boot(), monotonic_s=self._clock.monotonic_s())

    def _has_others(self, news: News) -> bool:
        return any(run == news.run and writer != news.writer for run, writer in iter_active(self._root))

    def _recover_spools(self, news: News, report: Report) -> list[WriterId] | None:
        try:
            return recover_spools(self._root, news.run)
        except (Unavailable, OSError) as error:
            report.refused[news.writer] = f"what run {news.run} printed last cannot be recorded: {error}"
            return None

    # ── edits ─────────────────────────────────────────────────────────────────────────────────────────────────

    def _take_edits(self, report: Report) -> None:
        while True:
            offset = self.index.catalog_offsets.read(_EDITS)
            start = Position(offset.segment, offset.byte, 0) if offset else Position()
            batch = read_batch(layout.edits_dir(self._root), start, now_us=self._clock.now_us())
            if batch.end == start:
                return
            with self.index.catalog_database.transaction():
                edits = [(c, c.record) for c in batch.controls if isinstance(c.record, Edit)]
                self.index.catalog.add_controls(to_edit_row(control, edit) for control, edit in edits)
                end = batch.end
                self.index.catalog_offsets.write(_EDITS, Offset(_NO_RUN, end.segment, end.byte, 0))
                self._refold(dict.fromkeys(RunId(edit.run) for _, edit in edits), report)
                self._refold(find_dependants(self.index.catalog, find_moves(edit for _, edit in edits)), report)
            if not batch.has_more:
                return

    # ── what follows from it ──────────────────────────────────────────────────────────────────────────────────

    def _refold(self, runs: Iterable[RunId], report: Report) -> None:
        """Make the documents of runs anew, within a transaction of the catalog."""
        experiments: set[tuple[str, str, str]] = set()
        now = self._clock.now_us()
        has_changed, unnamed = False, dict[RunId, str]()
        boot, monotonic_s = self._clock.boot(), self._clock.monotonic_s()
        wanted = list(dict.fromkeys(runs))
        forks = self.index.catalog.read_forks(wanted)
        # What no writer is known of is an edit of a run whose journal is not here (yet).
        for run, folded, sighting in iter_folded(self.index, wanted, boot=boot, monotonic_s=monotonic_s):
            if not read_name(folded.fields.get("name")):
                folded.fields["name"] = self._names.find(run)
            elif run not in self._named and not self._names.find(run):
                unnamed[run] = folded.fields["name"]
            self._named.add(run)
            shares = read_shares(self.index.catalog, {run: read_namespace(folded.fields)}) if run in forks else {}
            summaries = self.index.series.read_summaries([run], folded.cutoffs, shares=shares).get(run, {})
            document = build_document(run, folded, sighting, summaries)
            is_open = folded.state in ("running", "lost")
            if self.index.catalog.write_run(run, document, is_open=is_open, now_us=now):
                has_changed = True
                report.runs.add(run)
                attributes = document.attributes
                experiments.add((attributes["namespace"], attributes["project"], attributes["experiment"]))
        if unnamed:
            self._register_names(unnamed)
        if has_changed:
            self.index.catalog.bump_version()
            self._ensure_experiments(experiments - self._met_experiments)

    def _register_names(self, unnamed: dict[RunId, str]) -> None:
        """Add runs to the store's list of names that could not be added when they began, for the disk was full."""
        try:
            register_names(self._root, unnamed)
        except Unavailable:  # tried again whenever one of them has news
            self._named -= unnamed.keys()

    def _ensure_experiments(self, experiments: set[tuple[str, str, str]]) -> None:
        """Create workspace rows for experiments that the catalog has not met before.

        The catalog remembers which it has met, so that the workspace, whose library is costly to load, is opened
        for a new experiment only.
        """
        fresh = [path for path in sorted(experiments) if not self.index.catalog.knows_experiment(*path)]
        if fresh:
            ensure_experiments(self._root, self._database, fresh)
            self.index.catalog.add_experiments(fresh)
        self._met_experiments |= experiments

    def _fold(self, *, is_forced: bool) -> None:
        """Fold pending runs into the column blocks and their text into the text index, where it is due."""
        for project in self.index.columns.find_due(self._clock.now_us(), is_forced=is_forced):
            while True:  # a block of runs at a time, so that memory stays bounded
                with self.index.catalog_database.transaction():
                    folded = self.index.columns.fold_block(project)
                    if folded is None:
                        break
                    for run, text in iter_texts(self.index, dict(folded)):
                        self.index.text.write_text(run, text)
                    self.index.catalog.bump_version()


def reindex(root: Path, database: str | None = None) -> Report:
    """Build the index anew from the journals beside the one in use, then put it in its place.

    Readers and the indexer go on with the old one meanwhile; what came in the meantime is taken in at the end, under
    the indexer's lock. What was taken off `active/` is found by a full scan.

    Raises:
        Unavailable: Another indexer or another rebuild is at work, or there is no space.
    """
    with open_main(root, database) as main, indexer_lock(main, root, name="reindex"):
        discard_index(root, database, suffix=BUILDING)
        indexer = Indexer(root, database, suffix=BUILDING)
        try:
            report = indexer.build()
            with indexer_lock(main, root, wait_s=10.0):
                last = indexer.build()
                swap_in(indexer.index, root, database, suffix=BUILDING)
        finally:
            indexer.close()
    return Report(report.runs | last.runs, report.points + last.points, report.damaged + last.damaged, last.refused)
