"""What a pack holds goes from its run's folder, in an order in which a death at any point loses nothing.

A small file goes when the pack gives its content back, byte by byte; nothing else is asked, so it may be one that a
process which resumes the run at this moment takes for stored: that finds it in the pack. Then journals go, each from
its first segment on, so that one whose first segment is gone is known to have been compared; then, where no writer
came meanwhile, the spool and the folder. What a death leaves is found again by its journals, or by `iter_left`.
"""

import contextlib
import shutil
from collections.abc import Iterator
from pathlib import Path

from everbloom.core import layout
from everbloom.core.clock import now_us
from everbloom.core.ids import RunId, WriterId, is_run_id, is_writer_id
from everbloom.journal.blobs import has_content, list_own_blobs
from everbloom.journal.pack import PackReader
from everbloom.journal.registry import iter_active

_STALE_AFTER_US = 3_600_000_000  # a temporary file that nobody wrote to for so long is a dead process's


def list_begun(root: Path, run: RunId) -> list[WriterId]:
    """Return the writers of a run that have written anything which lies in its folder."""
    return [writer for writer in _list_journals(root, run) if list_segments(layout.journal_dir(root, run, writer))]


def _list_journals(root: Path, run: RunId) -> list[WriterId]:
    folder = layout.run_dir(root, run) / "journal"
    try:
        return sorted(WriterId(path.name) for path in folder.iterdir() if is_writer_id(path.name))
    except (FileNotFoundError, NotADirectoryError):
        return []


def list_segments(journal: Path) -> list[int]:
    """Return the numbers of a journal's segments, rising."""
    return sorted(int(path.stem) for path in journal.glob("*.seg") if path.stem.isdigit())


def is_run_active(root: Path, run: RunId) -> bool:
    """Tell whether a journal of a run is registered: it is written, or not all of it is indexed."""
    return any(active == run for active, _ in iter_active(root))


def find_held(pack: PackReader, blobs: set[str]) -> set[str]:
    """Return those blobs whose content a pack gives back; each is read and hashed.

    Raises:
        Corrupt: The pack is damaged.
    """
    return {
        file.sha256
        for file in pack.iter_files()
        if file.sha256 in blobs and has_content(pack.read_blob(file.place), file.sha256)
    }


def clear_run(root: Path, run: RunId, writers: list[WriterId], pack: PackReader) -> int:
    """Remove what a run's pack holds from the run's folder; returns how many bytes of journals went.

    Args:
        root: The store's folder.
        run: The run.
        writers: Those whose journals were compared with the pack, and have ended.
        pack: The one that stands in its place.
    """
    folder = layout.run_blobs_dir(root, run)
    for sha256 in find_held(pack, set(list_own_blobs(root, run))):
        (folder / sha256).unlink(missing_ok=True)
    _remove_stale(folder)
    size = sum(_remove_journal(layout.journal_dir(root, run, writer)) for writer in writers)
    for part in pack.contents.journals:  # emptied by whoever died then
        with contextlib.suppress(OSError):
            layout.journal_dir(root, run, WriterId(part.writer)).rmdir()
    _remove_folder(root, run)
    return size


def _remove_stale(folder: Path) -> None:
    with contextlib.suppress(OSError):
        for path in folder.glob(".*.part"):
            if now_us() - path.stat().st_mtime_ns // 1000 > _STALE_AFTER_US:
                path.unlink(missing_ok=True)
        folder.rmdir()


def _remove_journal(journal: Path) -> int:
    size = 0
    for number in list_segments(journal):
        path = layout.segment_path(journal, number)
        size += path.stat().st_size
        path.unlink()
    shutil.rmtree(journal)
    return size


def _remove_folder(root: Path, run: RunId) -> None:
    folder = layout.run_dir(root, run)
    # Only what is empty goes: a run that is being resumed at this moment keeps its new journal and its spool.
    with contextlib.suppress(OSError):
        with contextlib.suppress(FileNotFoundError):
            (folder / "journal").rmdir()
        if not is_run_active(root, run):
            shutil.rmtree(layout.spool_dir(root, run), ignore_errors=True)
        folder.rmdir()


def iter_left(root: Path) -> Iterator[RunId]:
    """Yield packed runs whose folder lies there without a journal: whoever removed it died, or something stays."""
    active = {run for run, _ in iter_active(root)}
    try:
        names = [path.name for path in (root / "runs").iterdir()]
    except (FileNotFoundError, NotADirectoryError):
        return
    for run in map(RunId, filter(is_run_id, names)):
        if run not in active and layout.pack_path(root, run).exists() and not list_begun(root, run):
            yield run
