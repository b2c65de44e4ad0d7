"""Record what a run printed and its watcher, killed with it, had not recorded: the rest of the console's spools.

Exactly once, whenever the indexer is killed: the rest goes into a journal that is made aside, whole, and moved into
its place in one step; its writer id follows from the spool's name, so that whoever finds it there knows that the
spool is done with. Left out: copying to the terminal, which nobody reads any more.
"""

import contextlib
import fcntl
import hashlib
import os
import shutil
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path

from everbloom.capture.console import count_untold, iter_rest
from everbloom.capture.dropped import to_problem
from everbloom.capture.spool import Spool
from everbloom.core import layout
from everbloom.core.clock import AHEAD_US, EARLIEST_US, now_us
from everbloom.core.ids import RunId, WriterId
from everbloom.core.records import Console, Start
from everbloom.core.version import __version__
from everbloom.journal.printed import find_printed
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
        The journals that were added, registered as active; None where it is too early: a process that training left
        behind still prints to one of them, or whoever feeds another database is at it.

    Raises:
        Unavailable: There is no space, or the store cannot be written; the spools stay.
        OSError: The same, of the folders.
    """
    folder = layout.spool_dir(root, run)
    with _held(folder) as is_held:
        return _recover_held(root, run, folder) if is_held else None


@contextlib.contextmanager
def _held(folder: Path) -> Iterator[bool]:
    """Hold a folder's lock if nobody does, or there is no folder; gives whether nobody else can be at it."""
    try:
        handle = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        yield True
        return
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        is_held = True
    except BlockingIOError:
        is_held = False
    try:
        yield is_held
    finally:
        os.close(handle)


def _recover_held(root: Path, run: RunId, folder: Path) -> list[WriterId] | None:
    with contextlib.ExitStack() as held:
        spools = [held.enter_context(contextlib.closing(Spool(path, None))) for path in _iter_spools(root, run)]
        # A watcher may begin at this moment, when all that it was to watch is over: it records nothing twice.
        if not all(held.enter_context(spool.alone()) for spool in spools):
            return None
        added = [writer for spool in spools if (writer := _recover(root, run, spool)) is not None]
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


def _recover(root: Path, run: RunId, spool: Spool) -> WriterId | None:
    """Record the rest of a spool that is held; returns the journal's writer, or None where nothing was left."""
    writer_id = recovery_writer(run, spool.path.name)
    target = layout.journal_dir(root, run, writer_id)
    is_there = target.exists()  # a recovery before this one came as far as here
    if not is_there:
        recorded, recorded_us = find_printed(root, run, spool.path.name)
        rest, untold = iter_rest(spool, recorded), count_untold(spool)
        first = next(rest, None)
        if is_there := first is not None or untold > 0:
            printed_us = max(spool.path.stat().st_mtime_ns // 1000, recorded_us + 1)
            texts = rest if first is None else chain([first], rest)
            made = _write_journal(spool.path, run, writer_id, texts, untold, printed_us)
            made.rename(target)
    if is_there:
        register_writer(root, run, writer_id)  # behind it, or the run would seem to have a writer that never comes
    spool.note_taken()
    spool.remove()
    return writer_id if is_there else None


def _write_journal(
    spool: Path, run: RunId, writer_id: WriterId, texts: Iterable[tuple[str, int]], untold: int, printed_us: int
) -> Path:
    scratch = spool.parent / _SCRATCH
    shutil.rmtree(scratch, ignore_errors=True)
    writer = JournalWriter(scratch, run, is_mapped=False)
    journal = layout.journal_dir(scratch, run, writer.writer_id)
    journal.mkdir(parents=True)
    writer.writer_id = writer_id
    printed_us = min(max(printed_us, EARLIEST_US), now_us() + AHEAD_US // 2)
    writer.append(Start(kind="watcher", version=__version__), time_us=printed_us)
    stream = spool.suffix[1:]
    for text, offset in texts:
        writer.append(Console(text=text, stream=stream, offset=offset), time_us=printed_us)  # type: ignore[arg-type]
    if untold:
        writer.append(to_problem(untold), time_us=printed_us)
    writer.close()
    return journal
