"""Record what a run printed and its watcher, killed with it, had not recorded: the rest of the console's spools.

Exactly once, whenever the indexer is killed: the rest goes into a journal that is made aside, whole, and moved into
its place in one step; its writer id follows from the spool's name, so that whoever finds it there knows that the
spool is done with. Left out: copying to the terminal, which nobody reads any more.
"""

import contextlib
import hashlib
import shutil
from collections.abc import Iterator
from pathlib import Path

from everbloom.capture.fold import iter_pieces
from everbloom.capture.spool import Spool
from everbloom.core import layout
from everbloom.core.clock import AHEAD_US, EARLIEST_US, now_us
from everbloom.core.ids import RunId, WriterId
from everbloom.core.records import Console, Start
from everbloom.core.version import __version__
from everbloom.journal.reader import iter_batches
from everbloom.journal.registry import register_writer
from everbloom.journal.writer import JournalWriter

_SCRATCH = "recovering"
_STREAMS = ("out", "err", "both")


def has_spools(root: Path, run: RunId) -> bool:
    """Tell whether anything that a run printed may still wait to be recorded."""
    return any(True for _ in _iter_spools(root, run))


def recover_spools(root: Path, run: RunId) -> list[WriterId] | None:
    """Record what is left in a run's spools, and remove them; no writer of the run may live.

    Returns:
        The journals that were added, registered as active; None where a process that training left behind still
        prints to one of them, so that it is too early.

    Raises:
        Unavailable: There is no space, or the store cannot be written; the spools stay.
        OSError: The same, of the folders.
    """
    spools = list(_iter_spools(root, run))
    for path in spools:
        with contextlib.closing(Spool(path, None)) as spool:
            if spool.has_other_users():
                return None
    added = [writer for path in spools if (writer := _recover(root, run, path)) is not None]
    folder = layout.spool_dir(root, run)
    shutil.rmtree(folder / _SCRATCH, ignore_errors=True)
    with contextlib.suppress(OSError):  # a run that is resumed at this moment has a spool there already
        folder.rmdir()
    return added


def recovery_writer(run: RunId, spool: str) -> WriterId:
    """Return the writer of the journal that a spool's rest goes into."""
    return WriterId(hashlib.sha256(f"console {run} {spool}".encode()).hexdigest()[:16])


def _iter_spools(root: Path, run: RunId) -> Iterator[Path]:
    with contextlib.suppress(FileNotFoundError, NotADirectoryError):
        for path in sorted(layout.spool_dir(root, run).iterdir()):
            if path.suffix[1:] in _STREAMS and path.with_name(f"{path.name}.at").exists():
                yield path


def _recover(root: Path, run: RunId, path: Path) -> WriterId | None:
    """Record a spool's rest; returns the journal's writer, or None where nothing was left."""
    writer_id = recovery_writer(run, path.name)
    target = layout.journal_dir(root, run, writer_id)
    with contextlib.closing(Spool(path, None)) as spool:
        if target.exists():  # a recovery before this one came as far as here
            register_writer(root, run, writer_id)
            spool.remove()
            return writer_id
        recorded, recorded_us = _find_recorded(root, run, path)
        start = max(spool.read_offsets()[1], recorded)
        if start >= spool.size:
            spool.remove()
            return None
        printed_us = max(spool.path.stat().st_mtime_ns // 1000, recorded_us + 1)
        made = _write_journal(path.parent / _SCRATCH, run, writer_id, spool, start, printed_us)
        made.rename(target)
        register_writer(root, run, writer_id)  # behind it, or the run would seem to have a writer that never comes
        spool.remove()
    return writer_id


def _write_journal(scratch: Path, run: RunId, writer_id: WriterId, spool: Spool, start: int, printed_us: int) -> Path:
    shutil.rmtree(scratch, ignore_errors=True)
    writer = JournalWriter(scratch, run, is_mapped=False)
    journal = layout.journal_dir(scratch, run, writer.writer_id)
    journal.mkdir(parents=True)
    writer.writer_id = writer_id
    printed_us = min(max(printed_us, EARLIEST_US), now_us() + AHEAD_US // 2)
    writer.append(Start(kind="watcher", version=__version__), time_us=printed_us)
    stream = spool.path.suffix[1:]
    for text, offset in _iter_rest(spool, start):
        writer.append(Console(text=text, stream=stream, offset=offset), time_us=printed_us)  # type: ignore[arg-type]
    writer.close()
    return journal


def _iter_rest(spool: Spool, start: int) -> Iterator[tuple[str, int]]:
    at, size = start, spool.size
    while at < size:
        data = spool.read(at)
        is_last = at + len(data) >= size
        # A read that ends within a line gives the line's beginning once it is long; a short one is the last.
        pieces = list(iter_pieces(data, is_end=is_last)) or list(iter_pieces(data, is_end=True))
        for text, taken in pieces:
            if text:
                yield text, at + taken
        at += pieces[-1][1]


def _find_recorded(root: Path, run: RunId, path: Path) -> tuple[int, int]:
    """Return up to where, and when last, a spool was recorded by its watcher or by training itself at its end.

    Both note that behind a turn, and may have died before.
    """
    writer, _, stream = path.name.partition(".")
    recorded = recorded_us = 0
    for journal in _find_readers(root, run, writer):
        for batch in iter_batches(journal, now_us=now_us()):
            for control in batch.controls:
                if isinstance(control.record, Console) and control.record.stream == stream:
                    recorded = max(recorded, control.record.offset)
                    recorded_us = max(recorded_us, control.time_us)
    return recorded, recorded_us


def _find_readers(root: Path, run: RunId, writer: str) -> list[Path]:
    """Return the journals that a process's spool may have been recorded in: its own and its watcher's.

    A watcher does not say whose it is: it is the first of the same rank that began after the process did and before
    the rank's next process.
    """
    starts = sorted(_iter_starts(root, run), key=lambda entry: entry[0])
    own = next((entry for entry in starts if entry[2].name == writer), None)
    if own is None:
        return []
    later = [entry for entry in starts if entry[0] >= own[0] and entry[2] != own[2] and entry[1].rank == own[1].rank]
    return [own[2], *(journal for _, start, journal in later[:1] if start.kind == "watcher")]


def _iter_starts(root: Path, run: RunId) -> Iterator[tuple[int, Start, Path]]:
    for journal in sorted((layout.run_dir(root, run) / "journal").iterdir()):
        batch = next(iter(iter_batches(journal, now_us=now_us())))
        for control in batch.controls:
            if isinstance(control.record, Start):
                yield control.time_us, control.record, journal
