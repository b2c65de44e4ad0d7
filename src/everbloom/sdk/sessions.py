"""Which session of a run a process belongs to: one that others of its start have begun, or the next.

A session is what the processes of one start of a job record. They begin in any order, on hosts whose clocks differ, and
tell each other nothing, so each goes by what stands in the store (docs/decisions/0022): a rank comes once in a session,
who resumes is of no run's first, and of later ones he joins the newest while it is alive. Asked of shared and resumed
runs only; a run that one process begins is session 0.
"""

import os
import tempfile
from collections.abc import Iterable
from pathlib import Path

from everbloom.core import layout
from everbloom.core.branches import MAIN_KINDS, Item
from everbloom.core.errors import EverbloomError
from everbloom.core.ids import RunId, WriterId
from everbloom.core.records import Start
from everbloom.journal.format import HEADER_BYTES, parse_header
from everbloom.journal.identity import is_process_alive
from everbloom.sdk.resume import read_starts

FRESH_S = 60.0  # a watcher's heartbeat comes every 5 s, and a file server may keep what it is told for a while


def find_session(root: Path, run: RunId, rank: int, *, is_resumed: bool) -> int:
    """Return the number of the session that a process of this rank joins or begins.

    Args:
        root: The store.
        run: A run that may be there already.
        rank: The process's.
        is_resumed: Whether it goes on from what earlier sessions left; only then it matters much where it belongs,
            because others of its session are not to be gone on from, nor taken back.
    """
    starts = [(item, item.record) for item in read_starts(root, run) if isinstance(item.record, Start)]
    newest = max((start.session for _, start in starts), default=0)
    members = [item for item, start in starts if start.session == newest]
    ranks = {start.rank for _, start in starts if start.session == newest and start.kind in MAIN_KINDS}
    if rank in ranks or (is_resumed and starts and not newest):
        return newest + 1
    if is_resumed and newest and not _is_going(root, run, members):
        return newest + 1
    return newest


def find_newest_session(root: Path, run: RunId) -> int:
    """Return the number of a run's newest session; 0 where none is known."""
    return max((i.record.session for i in read_starts(root, run) if isinstance(i.record, Start)), default=0)


def _is_going(root: Path, run: RunId, members: Iterable[Item]) -> bool:
    """Tell whether a session is under way: a process of it is proved alive, or one has written lately.

    Lately is by the store's own clock, which stamps its files, and not by any host's. A session of which all have just
    ended counts: of a short job one rank may be done before the next has started.
    """
    journals = [layout.journal_dir(root, run, WriterId(item.writer)) for item in members]
    segments = [path for journal in journals for path in _list_segments(journal)]
    if any(map(_is_alive, segments)):
        return True
    try:
        with tempfile.TemporaryFile(dir=layout.run_dir(root, run)) as file:
            now_s = os.fstat(file.fileno()).st_mtime
        return any(abs(now_s - path.stat().st_mtime) <= FRESH_S for path in segments)
    except OSError:  # packed meanwhile, so long over
        return False


def _list_segments(journal: Path) -> list[Path]:
    try:
        return [path for path in journal.iterdir() if path.suffix == ".seg"]
    except OSError:
        return []


def _is_alive(segment: Path) -> bool:
    """Tell whether a segment is being written by a process that is proved to live."""
    try:
        with segment.open("rb") as file:
            header = parse_header(file.read(HEADER_BYTES), path=segment)
            size = os.fstat(file.fileno()).st_size
    except (EverbloomError, OSError):
        return False
    if header is None or header.committed == size:  # it was closed, whatever its process does now
        return False
    return bool(is_process_alive(header.pid, start=header.process_start, host=header.host, boot=header.boot))
