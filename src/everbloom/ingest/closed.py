"""Closed runs: which of them are packed, and when.

A run is closed when no journal of it is in use and it has ended. It is packed an hour later, so that a resume
need not add to a pack, or at once where a person asks (`everbloom storage --pack`). On a machine without a server
nobody waits for that hour: the watcher starts `python -m everbloom.ingest.closed ROOT` when its run has ended,
which catches the index up, so that the next look is quick, and packs what is due by then. One such process works
at a time and at most once in a few minutes, however many runs end.

Packing changes the store's own files, so one process packs at a time, whichever database it feeds: under a lock of
the store, within which everything that decides is read (docs/decisions/0023).
"""

import contextlib
import os
import sys
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from everbloom.core.clock import now_us
from everbloom.core.errors import EverbloomError, NotFound
from everbloom.core.ids import RunId
from everbloom.core.layout import lock_path, pack_path
from everbloom.core.settings import load_settings
from everbloom.index.database import indexer_lock, store_lock
from everbloom.ingest.clearing import clear_run, iter_left, list_ended
from everbloom.ingest.indexer import Indexer
from everbloom.ingest.news import has_records
from everbloom.ingest.packing import PackReport, pack_run
from everbloom.journal.pack import PackReader
from everbloom.journal.registry import iter_active, iter_journals, read_taken

DUE_AFTER_US = 3_600_000_000
TIDY_EVERY_US = 300_000_000
_PATIENCE_S = 10.0
_OF_ONE_RUN = ("journal.", "pack.")  # codes of what ails a run's own files; anything else would ail the next one too


@dataclass(frozen=True)
class Packing:
    """What was packed.

    Attributes:
        packed: By run, what its pack took in.
        refused: Runs that could not be packed, with the reason; their journals stay as they are.
    """

    packed: dict[RunId, PackReport] = field(default_factory=dict)
    refused: dict[RunId, str] = field(default_factory=dict)


def pack_closed_runs(
    root: Path, database: str | None = None, *, is_forced: bool = False, wait_s: float = _PATIENCE_S
) -> Packing:
    """Catch the index up, then pack the closed runs that are due.

    Args:
        root: The store's folder.
        database: A PostgreSQL address; None for SQLite.
        is_forced: Do not wait for the hour after the end.
        wait_s: How long to wait for whoever packs the store, and for whoever indexes it into the same database.

    Raises:
        Unavailable: Another packer or indexer is at work (`index.busy`), or there is no space.
    """
    with contextlib.closing(Indexer(root, database)) as indexer, store_lock(root, name="packing", wait_s=wait_s):
        indexer.catch_up(wait_s=wait_s)
        if _find_untaken(root, indexer):  # what it took off `active/` itself is in the list, too
            indexer.catch_up(wait_s=wait_s)
        with indexer_lock(indexer.index.catalog_database, root, wait_s=wait_s):
            return _pack_held(root, indexer, is_forced=is_forced)


def _pack_held(root: Path, indexer: Indexer, *, is_forced: bool) -> Packing:
    packing, index = Packing(), indexer.index
    found = {run for run, _ in iter_journals(root)}
    # In this order: what another database took off `active/` since this one caught up is in the list by now.
    in_use = {run for run, _ in iter_active(root)}
    waiting = sorted(found - in_use - _find_untaken(root, indexer))
    due = waiting if is_forced else list(_iter_due(indexer, waiting, now_us()))
    for run in due:
        try:
            packing.packed[run] = pack_run(root, run, index.series, index.series_database)
        except EverbloomError as error:
            if not error.code.startswith(_OF_ONE_RUN):
                raise
            packing.refused[run] = error.message
    _clear_left(root)
    return packing


def _find_untaken(root: Path, indexer: Indexer) -> set[RunId]:
    """Return the runs of which journals were taken off `active/` since this database looked at that list."""
    return {run for run, _ in read_taken(root, indexer.index.catalog.read_taken() or 0)[0]}


def _clear_left(root: Path) -> None:
    """Remove what whoever packed a run, and died, had not removed; what cannot be read stays."""
    for run in iter_left(root):
        with contextlib.suppress(EverbloomError, OSError), PackReader(pack_path(root, run)) as pack:
            ended = list_ended(root, run)
            if not ended.writers:
                clear_run(root, run, ended, pack)


def _iter_due(indexer: Indexer, runs: Iterable[RunId], now: int) -> Iterable[RunId]:
    for run in runs:
        try:
            ended = indexer.index.catalog.read_run(run).document.attributes.get("ended")
        except NotFound:
            continue
        if isinstance(ended, int) and now - ended >= DUE_AFTER_US:
            yield run


def tidy(root: Path, database: str | None) -> None:
    """Catch up and pack what is due, unless that was done a few minutes ago; nothing is made of a store that is gone.

    Raises:
        Unavailable: Another packer or indexer is at work, or there is no space.
        OSError: The store went away, or cannot be written.
    """
    stamp = lock_path(root, "tidied")
    now = now_us()
    try:
        if now - stamp.stat().st_mtime_ns // 1000 < TIDY_EVERY_US:
            return
    except FileNotFoundError:
        if not has_records(root):  # it was deleted or moved when its run had ended
            return
        stamp.parent.mkdir(exist_ok=True)
    stamp.touch()
    pack_closed_runs(root, database)


def main() -> int:
    """Tidy the store whose root is the first argument, as a process of the lowest priority."""
    os.nice(19)
    root = Path(sys.argv[1])
    try:
        tidy(root, load_settings(root=root).database)
    except (EverbloomError, OSError):
        return 1  # nothing depends on it: whoever looks next catches up by itself
    return 0


if __name__ == "__main__":
    sys.exit(main())
