"""`active/`: which journals hold bytes that nobody has indexed yet, or a writer that lives.

A writer registers before its first segment. Ingest removes the entry when it has read a closed journal to its
end, or a dead writer's: were the writer to remove it at close, a run that nobody watched would be lost from
sight until a full scan (docs/decisions/0005). So ingest looks at `active/` only, however many runs are stored.
"""

from collections.abc import Iterator
from pathlib import Path

from everbloom.core import layout
from everbloom.core.ids import RunId, WriterId, is_run_id, is_writer_id


def register_writer(root: Path, run: RunId, writer: WriterId) -> None:
    """Announce a journal; must stand on disk before the journal's first segment."""
    path = layout.active_path(root, run, writer)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()


def unregister_writer(root: Path, run: RunId, writer: WriterId) -> None:
    """Take a journal off the list: all of it is indexed and no byte will come."""
    layout.active_path(root, run, writer).unlink(missing_ok=True)


def iter_active(root: Path) -> Iterator[tuple[RunId, WriterId]]:
    """Yield (run, writer) of every registered journal, in no order; foreign files are passed over."""
    try:
        names = [path.name for path in layout.active_dir(root).iterdir()]
    except FileNotFoundError:
        return
    for name in names:
        run, _, writer = name.partition(".")
        if is_run_id(run) and is_writer_id(writer):
            yield RunId(run), WriterId(writer)


def iter_journals(root: Path) -> Iterator[tuple[RunId, WriterId]]:
    """Yield (run, writer) of every journal that lies in the store, by a full scan; for rebuilding an index."""
    runs = root / "runs"
    if not runs.is_dir():
        return
    for run in sorted(path.name for path in runs.iterdir()):
        if not is_run_id(run):
            continue
        journals = runs / run / "journal"
        if journals.is_dir():
            for writer in sorted(path.name for path in journals.iterdir()):
                if is_writer_id(writer):
                    yield RunId(run), WriterId(writer)
