"""How far a run's console is recorded: asked by training at its end, and by whoever indexes a run that died.

A spool's own offsets are noted behind each turn of recording, and whoever recorded may have been killed before; the
console records themselves say up to where they go. Both who ask begin there, so that no line is recorded twice.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from everbloom.core import layout
from everbloom.core.ids import RunId, is_writer_id
from everbloom.core.records import Console, Start
from everbloom.journal.marks import iter_in_segment, iter_marked, list_segments, read_committed


def find_printed(root: Path, run: RunId, spool: str) -> tuple[int, int]:
    """Return up to which byte a spool stands in the run's journals, and the time of the last such record.

    Args:
        root: The store's folder.
        run: The run.
        spool: The spool's name, `<writer>.<stream>`.
    """
    writer, _, stream = spool.partition(".")
    recorded = recorded_us = 0
    for journal in _find_recorders(root, run, writer):
        for time_us, record in iter_marked(journal, Console):
            if record.stream == stream:
                recorded, recorded_us = max(recorded, record.offset), max(recorded_us, time_us)
    return recorded, recorded_us


class _Begun(NamedTuple):
    time_us: int
    start: Start
    journal: Path


def _find_recorders(root: Path, run: RunId, writer: str) -> list[Path]:
    """Return the journals that a process's spool may have been recorded in: its own and its watcher's.

    A watcher does not say whose it is: it is the first of the same rank that began after the process did and before
    the rank's next process. Where a full disk kept the process from beginning, its watcher may have been first.
    """
    begun = sorted(_iter_begun(root, run), key=lambda one: one.time_us)
    own = next((one for one in begun if one.journal.name == writer), None)
    if own is None:
        return []
    peers = [one for one in begun if one.start.rank == own.start.rank]
    processes = [one for one in peers if one.start.kind in ("process", "rank", "importer")]
    free = [one for one in peers if one.start.kind == "watcher"]
    ends = [later.time_us for later in processes[1:]] + [2**63]
    watchers: dict[str, _Begun] = {}
    for process, end_us in zip(processes, ends, strict=True):
        watcher = next((one for one in free if process.time_us <= one.time_us < end_us), None)
        if watcher is not None:
            watchers[process.journal.name] = watcher
            free.remove(watcher)
    earlier = [one for one in free if one.time_us < own.time_us]
    watcher = watchers.get(writer, earlier[-1] if earlier else None)
    return [own.journal] if watcher is None else [own.journal, watcher.journal]


def _iter_begun(root: Path, run: RunId) -> Iterator[_Begun]:
    folder = layout.run_dir(root, run) / "journal"
    for journal in sorted(folder.iterdir()) if folder.is_dir() else ():
        if is_writer_id(journal.name) and (segments := list_segments(journal)):
            first = next(iter_in_segment(read_committed(segments[0]), Start), None)
            if first is not None:
                yield _Begun(*first, journal)
