"""`active/`: which journals hold bytes that nobody has indexed yet, or a writer that lives.

A writer registers before its first segment. Ingest removes the entry when it has read a closed journal to its
end, or a dead writer's: were the writer to remove it at close, a run that nobody watched would be lost from
sight until a full scan (docs/decisions/0005). So ingest looks at `active/` only, however many runs are stored.

Several databases may take one store in, such as the SQLite files of whoever trains and a team's PostgreSQL. Each says
so in `fed/`, and where there is more than one, who takes a journal off `active/` adds it to a list that the others
read on from where they were (docs/decisions/0023).
"""

import fcntl
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from everbloom.core import layout
from everbloom.core.ids import RunId, WriterId, is_run_id, is_writer_id
from everbloom.journal.segment import to_unavailable


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
    yield from _parse_names(names)


def register_database(root: Path, name: str) -> None:
    """Announce a database that takes the store in; must stand on disk before it first looks at the journals."""
    path = layout.fed_dir(root) / name
    if not path.exists():
        path.parent.mkdir(exist_ok=True)
        path.touch()


def forget_database(root: Path, name: str) -> None:
    """Take a database off the list: what it held is gone, and would be built from all journals."""
    (layout.fed_dir(root) / name).unlink(missing_ok=True)


def list_databases(root: Path) -> list[str]:
    """Return the names of the databases that take the store in, sorted."""
    try:
        names = [path.name for path in layout.fed_dir(root).iterdir()]
    except FileNotFoundError:
        return []
    return sorted(set(names) - {layout.taken_path(root).name})


def add_taken(root: Path, run: RunId, writer: WriterId) -> None:
    """Tell the other databases that a journal is about to leave `active/`: its whole line stands then, or none of it.

    Raises:
        Unavailable: The list cannot be written (`disk.full` and others); the journal is to stay registered.
    """
    path = layout.taken_path(root)
    try:
        file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(file, fcntl.LOCK_EX)  # so that nobody's line stands behind what is cut off again
            _append_line(file, f"{run}.{writer}\n".encode())
        finally:
            os.close(file)
    except OSError as error:
        raise to_unavailable(error, path, then="look again") from error


def _append_line(file: int, line: bytes) -> None:
    size = os.fstat(file).st_size
    is_torn = size and os.pread(file, 1, size - 1) != b"\n"  # by a process that was killed before it cut that off
    data = b"\n" + line if is_torn else line
    written = os.write(file, data)
    try:
        while written < len(data):  # the next one says why
            written += os.write(file, data[written:])
    except OSError:
        os.ftruncate(file, size)
        raise


def measure_taken(root: Path) -> int:
    """Return how long the list of what was taken off `active/` is, in bytes; 0 where there is none."""
    try:
        return layout.taken_path(root).stat().st_size
    except FileNotFoundError:
        return 0


def read_taken(root: Path, start: int) -> tuple[list[tuple[RunId, WriterId]], int]:
    """Return (run, writer) of what was taken off `active/` since an offset of the list, and the offset behind it.

    That is the end of a line: one that is being written, or is torn, is for the next time.
    """
    if measure_taken(root) <= start:
        return [], start
    with layout.taken_path(root).open("rb") as file:
        file.seek(start)
        data = file.read()
    whole = data[: data.rfind(b"\n") + 1]
    return list(dict.fromkeys(_parse_names(whole.decode("ascii", "replace").split("\n")))), start + len(whole)


def _parse_names(names: Iterable[str]) -> Iterator[tuple[RunId, WriterId]]:
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
