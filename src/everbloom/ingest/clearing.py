"""What a pack holds goes from its run's folder, in an order in which a death at any point loses nothing.

A small file goes when the pack gives its content back, byte by byte; nothing else is asked, so it may be one that a
process which resumes the run at this moment takes for stored: that finds it in the pack. Then journals go, each
renamed first, so that whoever reads it finds all of it or nothing; then the spools that were there, and folders that
are empty. What a death leaves is found again by its journals, or by `iter_left`.
"""

import contextlib
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from everbloom.core import layout
from everbloom.core.clock import now_us
from everbloom.core.errors import Conflict
from everbloom.core.ids import RunId, WriterId, is_run_id, is_writer_id
from everbloom.journal.blobs import has_content, list_own_blobs
from everbloom.journal.pack import PackReader
from everbloom.journal.registry import iter_active

_GOING = ".packed"
_STALE_AFTER_US = 3_600_000_000  # a temporary file that nobody wrote to for so long is a dead process's


@dataclass(frozen=True)
class Ended:
    """What lies in a run's folder and no process writes any more.

    Attributes:
        writers: Whose journals have a segment.
        spools: Files of consoles, all that was printed recorded.
    """

    writers: list[WriterId]
    spools: list[Path]


def list_ended(root: Path, run: RunId) -> Ended:
    """Return what lies in the folder of a run that is over; the store's packing lock must be held.

    Raises:
        Conflict: A journal of it is still being written or indexed (`pack.active`).
    """
    ended = Ended(_list_begun(root, run), _list_folder(layout.spool_dir(root, run)))
    # Asked after all was listed: a writer is registered before its first segment and its spool, so those have ended.
    if any(active == run for active, _ in iter_active(root)):
        raise Conflict(
            f"run {run} still has a journal in use; pack it after its writers ended and were indexed.",
            code="pack.active",
            run=run,
        )
    return ended


def _list_begun(root: Path, run: RunId) -> list[WriterId]:
    journals = [path for path in _list_folder(layout.run_dir(root, run) / "journal") if is_writer_id(path.name)]
    return [WriterId(journal.name) for journal in journals if any(journal.glob("*.seg"))]


def _list_folder(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except (FileNotFoundError, NotADirectoryError):
        return []


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


def clear_run(root: Path, run: RunId, ended: Ended, pack: PackReader) -> int:
    """Remove what a run's pack holds from the run's folder; returns how many bytes of journals went.

    Args:
        root: The store's folder.
        run: The run.
        ended: What was found there; its journals were compared with the pack.
        pack: The one that stands in its place.
    """
    folder = layout.run_blobs_dir(root, run)
    for sha256 in find_held(pack, set(list_own_blobs(root, run))):
        (folder / sha256).unlink(missing_ok=True)
    _remove_stale(folder)
    size = sum(_put_away(layout.journal_dir(root, run, writer)) for writer in ended.writers)
    run_dir = layout.run_dir(root, run)
    for path in (*(run_dir / "journal").glob(f".*{_GOING}"), *ended.spools):
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    _remove_empty(run_dir / "journal", layout.spool_dir(root, run), folder, run_dir)
    return size


def _remove_empty(*folders: Path) -> None:
    """Remove folders up to the first that holds something: a run that is resumed at this moment keeps what it has.

    It makes its journal before anything else, so while that stands none of the others is touched.
    """
    for folder in folders:
        try:
            folder.rmdir()
        except FileNotFoundError:
            continue
        except OSError:
            return


def _remove_stale(folder: Path) -> None:
    with contextlib.suppress(OSError):
        for path in folder.glob(".*.part"):
            if now_us() - path.stat().st_mtime_ns // 1000 > _STALE_AFTER_US:
                path.unlink(missing_ok=True)


def _put_away(journal: Path) -> int:
    """Take a journal's name from it; returns its size. Without it nobody takes it for one, and it may go bit by bit."""
    size = sum(path.stat().st_size for path in journal.iterdir())
    going = journal.with_name(f".{journal.name}{_GOING}")
    shutil.rmtree(going, ignore_errors=True)
    journal.rename(going)
    return size


def iter_left(root: Path) -> Iterator[RunId]:
    """Yield packed runs whose folder lies there without a journal: whoever removed it died, or something stays."""
    active = {run for run, _ in iter_active(root)}
    try:
        names = [path.name for path in (root / "runs").iterdir()]
    except (FileNotFoundError, NotADirectoryError):
        return
    for run in map(RunId, filter(is_run_id, names)):
        if run not in active and layout.pack_path(root, run).exists() and not _list_begun(root, run):
            yield run
